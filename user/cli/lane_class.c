// SPDX-License-Identifier: GPL-2.0-only
/* class new, drop, show: the classes themselves. Their limits are set by `limit set --class`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/cli/lane.h"
#include "user/core/stats.h"

static int class_done(struct fw_cli *cli, const struct fw_edit *edit, const char *name,
		      const char *what)
{
	return fw_cli_done(cli,
			   json_pack("{s:s,s:s,s:i}", "class", name, "done", what, "generation",
				     (int)FW_LIVE_GENERATION(edit->apply.live)),
			   "class %s %s", name,
			   !strcmp(what, "made") ? "made, with the limits of default" : what);
}

int fw_lane_class_new(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit;
	int err;

	(void)argc; /* the table says one */
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (!err) {
		fw_stats_worn(&edit.maps, edit.apply.model);
		err = fw_model_class_add(edit.apply.model, argv[0], &cli->err);
	}
	if (err >= 0)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err)
		err = class_done(cli, &edit, argv[0], "made");
	fw_edit_end(&edit);
	return err;
}

int fw_lane_class_drop(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit;
	int err, class;
	size_t used;

	(void)argc; /* the table says one */
	err = fw_edit_begin(cli, FW_APPLY_POLICY | FW_APPLY_LANES, &edit);
	if (err)
		goto out;
	class = fw_model_class_find(edit.apply.model, argv[0], &cli->err);
	err = class < 0 ? class : 0;
	if (err)
		goto out;
	used = fw_prefixes_count(&edit.apply.prefixes, FW_LANE_CLASS, class);
	if (used)
		err = fw_err_set(&cli->err, -EINVAL, "floodwall class flush CLASS empties it",
				 "class %s still has %zu prefix%s", argv[0], used,
				 used == 1 ? "" : "es");
	else
		err = fw_model_class_del(edit.apply.model, argv[0], &cli->err);
	/* Both halves: expired prefixes of the class must not turn up in a later one of its number.
	 */
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY | FW_APPLY_LANES);
	if (!err)
		err = class_done(cli, &edit, argv[0], "removed");
out:
	fw_edit_end(&edit);
	return err;
}

static int show(struct fw_cli *cli, const struct fw_model *model, const struct fw_prefixes *set)
{
	static const struct fw_column columns[] = { { "CLASS", FW_LEFT },
						    { "PREFIXES", FW_RIGHT } };
	struct fw_table *table = fw_table_new(columns, 2);
	json_t *doc = json_object(), *list = json_array();
	int err;

	for (int c = 0; c < FW_CLASS_MAX; c++) {
		enum fw_lane lane = c == FW_CLASS_TRUSTED ? FW_LANE_TRUSTED : FW_LANE_CLASS;
		size_t n = fw_prefixes_count(set, lane, lane == FW_LANE_CLASS ? c : -1);

		if (!*model->class[c].name)
			continue;
		(void)fw_json_push(list, /* a NULL in the list says it */
				   json_pack("{s:s,s:I}", "class", model->class[c].name, "prefixes",
					     (json_int_t)n));
		if (!table)
			continue;
		fw_table_cell(table, "%s", model->class[c].name);
		if (c == FW_CLASS_DEFAULT)
			fw_table_cell(table, "the rest");
		else
			fw_table_cell(table, "%zu", n);
	}
	err = fw_json_set(doc, "classes", list);
	if (cli->json && !err) {
		err = fw_cli_json(cli, doc);
	} else {
		json_decref(doc);
		err = err ? err : table ? fw_table_print(table, stdout) : -ENOMEM;
	}
	fw_table_free(table);
	return err;
}

int fw_lane_class_show(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_prefixes set = { 0 };
	struct fw_model *model = NULL;
	struct fw_maps maps;
	int err;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_maps_open(cli->pins, FW_MAPS_POLICY | FW_MAPS_LANES, &maps, &cli->err);
	if (err)
		return err;
	err = fw_apply_read_model(&maps, &model, &cli->err);
	if (!err)
		err = fw_apply_read_prefixes(&maps, &set, &cli->err);
	if (!err) {
		fw_prefixes_expire(&set, (__u32)(fw_apply_now(&maps) / FW_NS_PER_S));
		err = show(cli, model, &set);
	}
	fw_prefixes_free(&set);
	free(model);
	fw_maps_close(&maps);
	return err;
}
