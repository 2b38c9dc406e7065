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
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	json_t *doc = NULL;
	int r;

	r = fw_policy_cmd_read(cli, argc, argv, &cmd);
	if (r)
		goto out;
	if (cli->json)
		doc = json_pack("{s:o,s:b,s:I,s:I,s:O}", "file", fw_json_text(cmd.path), "valid", 1,
				"errors", (json_int_t)0, "warnings",
				(json_int_t)cmd.problems.warnings, "problems", cli->problems);
	r = fw_cli_say(cli, doc, "%s: valid, %zu prefix%s%s", cmd.path, cmd.file.lanes.count,
		       cmd.file.lanes.count == 1 ? "" : "es",
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

#define DEFAULT_WIDTH 30

/* A default as a cell: of a long list its beginning and how many there are. */
static void default_cell(struct fw_table *table, const char *text)
{
	unsigned int n = 1;
	size_t cut;

	if (strlen(text) <= DEFAULT_WIDTH) {
		fw_table_cell(table, "%s", text);
		return;
	}
	for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
		n++;
	cut = DEFAULT_WIDTH / 2;
	while (cut && text[cut] != ',')
		cut--;
	fw_table_cell(table, "%.*s, ... %u in all", (int)cut, text, n);
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

	(void)argc; /* the table says none */
	(void)argv;
	for (size_t i = 0; i < fw_keys_count; i++) {
		const struct fw_key *key = &fw_keys[i];

		if (cli->json) {
			r |= fw_json_push(all, key_json(key));
			continue;
		}
		fw_table_cell(table, "%s", fw_keys_path(path, sizeof(path), key));
		default_cell(table, key->initial ?: "");
		fw_table_cell(table, "%s", fw_keys_range(range, sizeof(range), key));
		fw_table_cell(table, "%s", key->help);
	}
	if (cli->json)
		r = fw_cli_json(cli, r ? NULL : json_pack("{s:O}", "keys", all));
	else if (fw_table_print(table, stdout))
		r = fw_err_set(&cli->err, -EIO, NULL, "cannot write to standard output");
	fw_table_free(table);
	json_decref(all);
	return r;
}

static const struct fw_cli_option apply_options[] = {
	{ "confirm", 'c', "TIME", "go back by itself after that time unless confirmed; 5m is usual",
	  NULL },
	{ "force", 0, NULL, "even if it could cut this session off; needs --confirm", NULL },
	{ NULL },
};

static const struct fw_cli_option undo_options[] = {
	{ "force", 0, NULL, "even if it could cut your own session", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_policy[] = {
	{ .object = "policy",
	  .verb = "check",
	  .args = "[FILE]",
	  .help = "find everything that is wrong with a policy file",
	  .doc = "Needs no privilege and touches nothing. Each problem is told with file, line and "
		 "column, warnings before errors. Without FILE: /etc/floodwall/floodwall.yaml; - "
		 "is "
		 "standard input.",
	  .max_args = 1,
	  .run = cmd_check,
	  .choices = "@file" },
	{ .object = "policy",
	  .verb = "diff",
	  .args = "[FILE]",
	  .help = "what applying the file would change",
	  .doc = "Changes nothing. - is standard input.",
	  .max_args = 1,
	  .run = fw_policy_diff_run,
	  .choices = "@file" },
	{ .object = "policy",
	  .verb = "apply",
	  .args = "[FILE]",
	  .help = "make the file run, from the next packet on",
	  .doc = "All of it, or after any error nothing of it. What goes on keeps its state: "
		 "buckets, counters, bans, proofs. With --confirm the program itself goes back "
		 "after that time, whatever has become of this command, the controller or your "
		 "connection.",
	  .options = apply_options,
	  .max_args = 1,
	  .run = fw_policy_apply_run,
	  .choices = "@file" },
	{ .object = "policy",
	  .verb = "confirm",
	  .args = "",
	  .help = "keep what was applied with --confirm",
	  .run = fw_policy_confirm_run },
	{ .object = "policy",
	  .verb = "undo",
	  .args = "",
	  .help = "go back to the generation before",
	  .doc = "Whatever made the present one: apply, block, limit or any other command. A "
		 "second undo takes the first back. What ran before may have cut your own session "
		 "off: then it is refused, unless forced.",
	  .options = undo_options,
	  .run = fw_policy_undo_run },
	{ .object = "policy",
	  .verb = "show",
	  .args = "",
	  .help = "what runs, as a policy file",
	  .doc = "It can be applied again. What lists of prefixes held stands in it line by line.",
	  .flags = FW_CLI_DEFAULT,
	  .run = fw_policy_show },
	{ .object = "policy",
	  .verb = "save",
	  .args = "[FILE]",
	  .help = "write what runs to the file",
	  .doc = "A file that is there already is kept as FILE.old.",
	  .max_args = 1,
	  .run = fw_policy_save,
	  .choices = "@file" },
	{ .object = "policy",
	  .verb = "keys",
	  .args = "",
	  .help = "what a policy file may say, with default and range",
	  .run = cmd_keys },
	{ .object = NULL },
};
