/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command `policy` share. */
#ifndef FW_CLI_POLICY_H
#define FW_CLI_POLICY_H

#include "user/cli/cli.h"
#include "user/core/policy.h"

/* A policy file that was read, and what was said about it. */
struct fw_policy_cmd {
	char path[4096]; /* absolute */
	struct fw_file file;
	struct fw_problems problems;
};

/*
 * Reads the file argv[0] names (none: the default one). All problems are told at once: on stderr,
 * or in JSON mode in the list "problems". maps NULL: without state. 0 or -errno with cli->err
 * filled. fw_policy_cmd_free() always.
 */
int fw_policy_cmd_read(struct fw_cli *cli, int argc, char **argv, const struct fw_maps *maps,
		       struct fw_policy_cmd *ret);
void fw_policy_cmd_free(struct fw_policy_cmd *cmd);

#endif
