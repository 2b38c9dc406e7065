// SPDX-License-Identifier: GPL-2.0-only
/* The table of commands: one table per file, in the order the overview shows them. */
#include "user/cli/help.h"
#include "user/cli/options.h"

const struct fw_cli_family fw_cli_families[] = {
	{ "On and off", fw_cmd_attach },
	{ "", fw_cmd_run },
	{ "Looking", fw_cmd_status },
	{ "", fw_cmd_stats },
	{ "", fw_cmd_source },
	{ "", fw_cmd_ban },
	{ "", fw_cmd_doctor },
	{ "Tuning, from the next packet on", fw_cmd_limit },
	{ "", fw_cmd_budget },
	{ "", fw_cmd_mode },
	{ "", fw_cmd_option },
	{ "Prefixes", fw_cmd_lane },
	{ "Services", fw_cmd_service },
	{ "", fw_cmd_reflect },
	{ "The policy file", fw_cmd_policy },
	{ "Trying it", fw_cmd_replay },
	{ "", fw_cmd_explain },
	{ "Evidence", fw_cmd_incident },
	{ "", fw_cmd_evidence },
	{ "Help", fw_cmd_help },
	{ NULL, NULL },
};
