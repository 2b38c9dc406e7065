/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the limit command share. */
#ifndef FW_CLI_LIMIT_H
#define FW_CLI_LIMIT_H

#include "user/cli/cli.h"

int fw_limit_suggest(struct fw_cli *cli, int argc, char **argv);
extern const struct fw_cli_option fw_limit_suggest_options[];

#endif
