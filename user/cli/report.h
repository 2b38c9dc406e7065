/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands on an incident's evidence share. */
#ifndef FW_CLI_REPORT_H
#define FW_CLI_REPORT_H

#include "user/cli/cli.h"
#include "user/core/evidence/report.h"

#define FW_INCIDENT_LAST 0 /* no incident has that number */

/* The number of an incident, of "last" the one above. -EINVAL with the way to list them. */
int fw_cli_incident_id(struct fw_cli *cli, const char *text, __s64 *ret);
/* Puts the newest one's number in the place of FW_INCIDENT_LAST. -ENOENT (3): none was recorded. */
int fw_cli_incident_last(struct fw_cli *cli, struct fw_history *h, __s64 *id);
struct fw_when fw_cli_now(void);
/* History open for reading, in one state, and the report of one incident. Both are the caller's. */
int fw_cli_report_read(struct fw_cli *cli, const char *text, struct fw_history **ret_history,
		       struct fw_report **ret);

int fw_cli_cmd_report(struct fw_cli *cli, int argc, char **argv);
int fw_cli_cmd_export(struct fw_cli *cli, int argc, char **argv);
int fw_cli_cmd_compare(struct fw_cli *cli, int argc, char **argv);

#endif
