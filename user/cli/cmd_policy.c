// SPDX-License-Identifier: GPL-2.0-only
/* policy: the file that holds all an admin decides, checked, compared, applied and taken back. */
#include <errno.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/cli/policy.h"
#include "user/policy/keys.h"

static int cmd_check(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_policy_cmd cmd;
	json_t *doc = NULL;
	int r;

	r = fw_policy_cmd_read(cli, argc, argv, NULL, &cmd);
	if (r)
		goto out;
	if (cli->json)
		doc = json_pack("{s:o,s:b,s:I,s:I,s:O}", "file", fw_json_text(cmd.path), "valid", 1,
				"errors", (json_int_t)0, "warnings",
				(json_int_t)cmd.problems.warnings, "problems", cli->problems);
	r = fw_cli_done(cli, doc, "%s: valid, %zu prefixes%s", cmd.path, cmd.file.lanes.count,
			cmd.problems.warnings ? ", with warnings" : "");
out:
	fw_policy_cmd_free(&cmd);
	return r;
}

static json_t *key_json(const struct fw_key *key)
{
	char path[FW_TEXT_LEN], range[FW_ERR_LEN];

	return json_pack("{s:s,s:s?,s:s,s:s?,s:s}", "key", fw_keys_path(path, sizeof(path), key),
			 "unit", key->unit, "range", fw_keys_range(range, sizeof(range), key),
			 "default", key->initial, "help", key->help);
}

static int cmd_keys(struct fw_cli *cli, int argc, char **argv)
{
	static const struct fw_column columns[] = { { "KEY", FW_LEFT },
						    { "DEFAULT", FW_LEFT },
						    { "RANGE", FW_LEFT },
						    { "MEANING", FW_LEFT } };
	struct fw_table *table = fw_table_new(columns, 4);
	json_t *all = json_array();
	char path[FW_TEXT_LEN], range[FW_ERR_LEN];
	int r = 0;

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < fw_keys_count; i++) {
		const struct fw_key *key = &fw_keys[i];

		if (cli->json) {
			r |= fw_json_push(all, key_json(key));
			continue;
		}
		fw_table_cell(table, "%s", fw_keys_path(path, sizeof(path), key));
		fw_table_cell(table, "%s", key->initial ?: "");
		fw_table_cell(table, "%s", fw_keys_range(range, sizeof(range), key));
		fw_table_cell(table, "%s", key->help);
	}
	if (cli->json)
		r = fw_cli_json(cli, r ? NULL : json_pack("{s:O}", "keys", all));
	else if (fw_table_print(table, stdout))
		r = fw_err_set(&cli->err, -EIO, NULL, "cannot print");
	fw_table_free(table);
	json_decref(all);
	return r;
}

const struct fw_cli_command fw_cmd_policy[] = {
	{ .object = "policy",
	  .verb = "check",
	  .args = "[FILE]",
	  .help = "find everything that is wrong with a policy file",
	  .doc = "Needs no privilege and touches nothing. Errors come last, warnings before them; "
		 "each with file, line and column. Without FILE: /etc/floodwall/floodwall.yaml.",
	  .max_args = 1,
	  .run = cmd_check,
	  .choices = "@file" },
	{ .object = "policy",
	  .verb = "keys",
	  .args = "",
	  .help = "the keys a policy file may hold, with default and range",
	  .run = cmd_keys },
	{ .object = NULL },
};
