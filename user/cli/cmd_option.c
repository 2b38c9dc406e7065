// SPDX-License-Identifier: GPL-2.0-only
/* option: the few settings of a policy that are neither a limit nor a list. One row each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/nearest.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/edit.h"
#include "user/cli/lane.h"

enum option_type { SWITCH, FACTOR, SECONDS, BAN, CEILING };

struct option_row {
	const char *name;
	enum option_type type;
	__u32 flag; /* of a switch */
	const char *text;
};

static const struct option_row rows[] = {
	{ "bogus-source", SWITCH, FW_P_BOGUS_SOURCE,
	  "drop sources that cannot be: unspecified, loopback, multicast, broadcast" },
	{ "reserved-source", SWITCH, FW_P_RESERVED_SOURCE,
	  "drop private, documentation and other reserved sources too, in any lane" },
	{ "net48-factor", FACTOR, 0, "how many times the limits of a /64 an IPv6 /48 gets" },
	{ "proof-time", SECONDS, 0, "how long a source stays proven after a handshake" },
	{ "ban-time", BAN, 0,
	  "the first ban of a proven source that stays over its limits; off = never" },
	{ "ban-ceiling", CEILING, 0, "bans double each time up to this" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static __u32 *number_of(struct fw_model *model, const struct option_row *row)
{
	switch (row->type) {
	case FACTOR:
		return &model->net48_factor;
	case BAN:
		return &model->ban_s;
	case CEILING:
		return &model->ban_max_s;
	default:
		return &model->proof_s;
	}
}

static const char *put_value(char *buf, size_t size, struct fw_model *model,
			     const struct option_row *row)
{
	if (row->type == SWITCH)
		snprintf(buf, size, "%s", model->flags & row->flag ? "on" : "off");
	else if (row->type == FACTOR)
		snprintf(buf, size, "%u", *number_of(model, row));
	else if (!*number_of(model, row))
		snprintf(buf, size, "off");
	else
		fw_text_put_duration(buf, size, *number_of(model, row));
	return buf;
}

static json_t *value_json(struct fw_model *model, const struct option_row *row)
{
	return row->type == SWITCH ? json_boolean(model->flags & row->flag)
				   : json_integer(*number_of(model, row));
}

static int set_value(struct fw_cli *cli, struct fw_model *model, const struct option_row *row,
		     const char *text)
{
	__u64 number;
	int err;

	switch (row->type) {
	case SWITCH:
		if (strcmp(text, "on") && strcmp(text, "off"))
			return fw_cli_usage(cli, "%s \"%.40s\": say on or off", row->name, text);
		model->flags =
			strcmp(text, "on") ? model->flags & ~row->flag : model->flags | row->flag;
		return 0;
	case FACTOR:
		err = fw_text_number(text, &number, &cli->err);
		if (!err)
			*number_of(model, row) = number > 0xffffffff ? 0xffffffff : (__u32)number;
		return err;
	case BAN:
		if (!strcmp(text, "off") || !strcmp(text, "0s") || !strcmp(text, "0")) {
			model->ban_s = 0;
			return 0;
		}
		/* fall through */
	case CEILING:
	case SECONDS:
		return fw_text_duration(text, number_of(model, row), &cli->err);
	}
	return -EINVAL;
}

static int cmd_show(struct fw_cli *cli, int argc, char **argv)
{
	static const struct fw_column columns[] = { { "OPTION", FW_LEFT },
						    { "VALUE", FW_RIGHT },
						    { "MEANING", FW_LEFT } };
	struct fw_table *table = fw_table_new(columns, 3);
	json_t *doc = json_object(), *all = json_object();
	struct fw_model *model = NULL;
	char text[FW_TEXT_LEN];
	int err;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_edit_read_model(cli, &model);
	for (size_t i = 0; i < ROWS && !err; i++) {
		err = fw_json_set(all, rows[i].name, value_json(model, &rows[i]));
		if (!table)
			continue;
		fw_table_cell(table, "%s", rows[i].name);
		fw_table_cell(table, "%s", put_value(text, sizeof(text), model, &rows[i]));
		fw_table_cell_styled(table, FW_STYLE_DIM, "%s", rows[i].text);
	}
	if (!err && cli->json) {
		err = fw_json_set(doc, "options", json_incref(all));
		if (!err)
			err = fw_cli_json(cli, json_incref(doc));
	} else if (!err) {
		err = table ? fw_table_print(table, stdout) : -ENOMEM;
	}
	json_decref(all);
	json_decref(doc);
	fw_table_free(table);
	free(model);
	return err;
}

static int find_row(struct fw_cli *cli, const char *name, const struct option_row **ret)
{
	const char *names[ROWS], *near;

	for (size_t i = 0; i < ROWS; i++) {
		names[i] = rows[i].name;
		if (strcmp(name, rows[i].name))
			continue;
		*ret = &rows[i];
		return 0;
	}
	near = fw_nearest_word(name, names, ROWS);
	return fw_cli_usage(cli, "no option \"%.40s\"%s%s%s", name, near ? "; did you mean \"" : "",
			    near ? near : "", near ? "\"?" : "; see floodwall option show");
}

static int cmd_set(struct fw_cli *cli, int argc, char **argv)
{
	const struct option_row *row = NULL;
	char text[FW_TEXT_LEN], was[FW_TEXT_LEN];
	struct fw_edit edit = { .lock = -1 };
	unsigned int parts = FW_APPLY_POLICY;
	struct fw_model *model;
	int err;

	(void)argc; /* the table says two */
	err = find_row(cli, argv[0], &row);
	if (err)
		return err;
	if (row->flag == FW_P_RESERVED_SOURCE)
		parts |= FW_APPLY_LANES;
	err = fw_edit_begin(cli, parts, &edit);
	if (err)
		goto out;
	model = edit.apply.model;
	put_value(was, sizeof(was), model, row);
	err = set_value(cli, model, row, argv[1]);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err && row->flag == FW_P_RESERVED_SOURCE)
		fw_lane_warn_reserved(cli, model, edit.apply.prefixes.at, edit.apply.prefixes.count,
				      FW_LANE_MAX);
	if (!err)
		err = fw_cli_done(cli,
				  json_pack("{s:s,s:o}", "option", row->name, "value",
					    value_json(model, row)),
				  "%s: %s (was %s)", row->name,
				  put_value(text, sizeof(text), model, row), was);
out:
	fw_edit_end(&edit);
	return err;
}

static const struct fw_cli_option set_options[] = {
	{ "force", 0, NULL, "even if it could cut your own session", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_option[] = {
	{ .object = "option",
	  .verb = "show",
	  .args = "",
	  .help = "settings that are neither a limit nor a list",
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_show },
	{ .object = "option",
	  .verb = "set",
	  .args = "NAME VALUE",
	  .help = "change such a setting, from the next packet on",
	  .doc = "NAME is one that `floodwall option show` lists.\n\n"
		 "  floodwall option set reserved-source on\n"
		 "  floodwall option set proof-time 20m",
	  .options = set_options,
	  .min_args = 2,
	  .max_args = 2,
	  .run = cmd_set,
	  .choices = "bogus-source reserved-source net48-factor proof-time ban-time ban-ceiling "
		     "on off" },
	{ .object = NULL },
};
