/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command `policy` share. */
#ifndef FW_CLI_POLICY_H
#define FW_CLI_POLICY_H

#include "user/cli/cli.h"
#include "user/core/policy.h"

/* A policy file that was read, what was said about it, and the state it may become. */
struct fw_policy_cmd {
	char path[4096]; /* absolute */
	struct fw_file file;
	struct fw_problems problems;
	struct fw_maps maps;
	int lock;	/* -1: not held */
	bool elsewhere; /* set before it is read: what this host has is no matter */
};

/* Empty, with nothing held. */
#define FW_POLICY_CMD      \
	{                  \
		.lock = -1 \
	}

/*
 * Reads the file argv[0] names (none: the default one; -: standard input). All problems are told at
 * once: on stderr, or in JSON mode in the list "problems". 0 or -errno with cli->err filled.
 */
int fw_policy_cmd_read(struct fw_cli *cli, int argc, char **argv, struct fw_policy_cmd *cmd);

/* False: not to be found out. The names are the caller's until fw_policy_host_free(), either way.
 */
bool fw_policy_host_find(struct fw_file_host *ret);
void fw_policy_host_free(struct fw_file_host *host);

/* Opens the state; write: under the lock. */
int fw_policy_cmd_open(struct fw_cli *cli, bool write, struct fw_policy_cmd *cmd);

void fw_policy_cmd_free(struct fw_policy_cmd *cmd);

/* What `status` says of the file. 0 or -errno with cli->err filled. */
int fw_policy_status_json(struct fw_cli *cli, json_t *doc);
int fw_policy_status_print(struct fw_cli *cli);

/* The verbs that have a file of their own. */
int fw_policy_diff_run(struct fw_cli *cli, int argc, char **argv);
int fw_policy_apply_run(struct fw_cli *cli, int argc, char **argv);
int fw_policy_confirm_run(struct fw_cli *cli, int argc, char **argv);
int fw_policy_undo_run(struct fw_cli *cli, int argc, char **argv);
int fw_policy_show(struct fw_cli *cli, int argc, char **argv);
int fw_policy_save(struct fw_cli *cli, int argc, char **argv);

#endif
