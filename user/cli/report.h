/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands on an incident's evidence share. */
#ifndef FW_CLI_REPORT_H
#define FW_CLI_REPORT_H

#include "user/cli/cli.h"
#include "user/core/evidence/report.h"

/* The number of an incident. -EINVAL with the way to list them. */
int fw_cli_incident_id(struct fw_cli *cli, const char *text, __s64 *ret);
struct fw_when fw_cli_now(void);
/* History open for reading, in one state, and the report of one incident. Both are the caller's. */
int fw_cli_report_read(struct fw_cli *cli, const char *text, struct fw_history **ret_history,
		       struct fw_report **ret);

int fw_cli_cmd_report(struct fw_cli *cli, int argc, char **argv);
int fw_cli_cmd_export(struct fw_cli *cli, int argc, char **argv);
int fw_cli_cmd_compare(struct fw_cli *cli, int argc, char **argv);

#endif
