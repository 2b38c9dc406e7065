/* SPDX-License-Identifier: GPL-2.0-only */
/* The overview, the topics, the completion: everything that is a walk over the table of commands.
 */
#ifndef FW_CLI_HELP_H
#define FW_CLI_HELP_H

#include "user/cli/cli.h"

/* All commands, one line each, by family. */
void fw_help_overview(FILE *out);

/* One command with its operands and options, as text or JSON. 0 or -errno. */
int fw_help_command(struct fw_cli *cli, const struct fw_cli_command *command);

/* All verbs of an object. 0 or -errno. */
int fw_help_object(struct fw_cli *cli, const char *object);

extern const struct fw_cli_command fw_cmd_help[]; /* help, completion */

#endif
