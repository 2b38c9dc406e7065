/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling the journal who changed what: one record for each command that changed what runs. */
#ifndef FW_CLI_AUDIT_H
#define FW_CLI_AUDIT_H

#include "user/cli/cli.h"

struct fw_audit {
	__u64 live, deadline_ns; /* 0: no state */
	unsigned int ifaces;	 /* on record */
};

/* What runs now. Never fails. */
struct fw_audit fw_audit_begin(const struct fw_cli *cli);

/* After the command: if something else runs than at the beginning, say so. Never fails. */
void fw_audit_end(const struct fw_cli *cli, const struct fw_audit *before);

#endif
