/* SPDX-License-Identifier: GPL-2.0-only */
/* What attach, detach and run share. */
#ifndef FW_CLI_ATTACH_H
#define FW_CLI_ATTACH_H

#include "user/cli/cli.h"
#include "user/kern/object.h"

/* How long to wait for another command that is changing the same pins. */
#define FW_ATTACH_WAIT_S 10

int fw_detach_run(struct fw_cli *cli, int argc, char **argv);
extern const struct fw_cli_option fw_detach_options[];

/* Rows of a table of options, and what was given for them. */
#define FW_ATTACH_SIZE_OPTIONS                                                                    \
	{ "sources4", 0, "N", "IPv4 sources to keep track of (4 Mi)", NULL },                     \
		{ "sources6", 0, "N", "IPv6 /64 sources to keep track of (1 Mi)", NULL },         \
		{ "prefixes4", 0, "N", "room for IPv4 prefixes in all lanes (1,000,000)", NULL }, \
	{                                                                                         \
		"prefixes6", 0, "N", "room for IPv6 prefixes in all lanes (100,000)", NULL        \
	}
int fw_attach_sizes(struct fw_cli *cli, struct fw_sizes *ret);

/* What was done on the first `done` interfaces before a failure stays: cli->err is made to say so.
 */
void fw_attach_tell_done(struct fw_cli *cli, int done, char **argv);

#endif
