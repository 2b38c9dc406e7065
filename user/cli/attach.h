/* SPDX-License-Identifier: GPL-2.0-only */
/* What attach and detach share; both are rows of fw_cmd_attach. */
#ifndef FW_CLI_ATTACH_H
#define FW_CLI_ATTACH_H

#include "user/cli/cli.h"

/* How long to wait for another command that is changing the same pins. */
#define FW_ATTACH_WAIT_S 10

int fw_detach_run(struct fw_cli *cli, int argc, char **argv);
extern const struct fw_cli_option fw_detach_options[];

/* What was done on the first `done` interfaces before a failure stays: cli->err is made to say so.
 */
void fw_attach_tell_done(struct fw_cli *cli, int done, char **argv);

#endif
