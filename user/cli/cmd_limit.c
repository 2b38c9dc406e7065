// SPDX-License-Identifier: GPL-2.0-only
/* limit: what one source may do, per class of sources. A change holds from the next packet on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/edit.h"
#include "user/cli/lane.h"
#include "user/cli/limit.h"
#include "user/policy/compile.h"
#include "user/policy/slip.h"

static json_t *class_json(const struct fw_model_class *class, __u32 tick_ns)
{
	json_t *one = json_object(), *limits = json_object();
	int err = 0;

	for (unsigned int k = 0; k < FW_K_MAX; k++)
		err |= fw_json_set(
			limits, fw_model_kind_name(k),
			fw_edit_rate_json(&class->rate[k], fw_model_kind_bytes(k), tick_ns));
	err |= fw_json_set(one, "class", fw_json_text(class->name));
	err |= fw_json_set(one, "limits", limits);
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

static int show_json(struct fw_cli *cli, const struct fw_model *model, int only, __u32 tick_ns)
{
	json_t *doc = json_object(), *list = json_array();

	for (int c = 0; c < FW_CLASS_MAX; c++)
		if (*model->class[c].name && (only < 0 || only == c) &&
		    fw_json_push(list, class_json(&model->class[c], tick_ns)))
			break;
	if (fw_json_set(doc, "net48_factor", json_integer(model->net48_factor)) |
	    fw_json_set(doc, "classes", list)) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static void show_row(struct fw_table *table, const char *class, unsigned int kind,
		     const struct fw_rate *rate, __u32 tick_ns)
{
	bool bytes = fw_model_kind_bytes(kind);
	char text[FW_TEXT_LEN];

	fw_table_cell(table, "%s", class);
	fw_table_cell(table, "%s", fw_model_kind_name(kind));
	if (!rate->count) {
		fw_table_cell_styled(table, FW_STYLE_DIM, "no limit");
		fw_table_cell(table, "-");
		fw_table_cell(table, "-");
		return;
	}
	fw_table_cell(table, "%s", fw_edit_put_rate(text, sizeof(text), rate, bytes));
	fw_text_put_number(text, sizeof(text), fw_compile_burst(rate, bytes, tick_ns));
	fw_table_cell(table, "%s%s", text, bytes ? "B" : "");
	if (rate->soft_pct)
		fw_table_cell(table, "%u%%", rate->soft_pct);
	else
		fw_table_cell(table, "-");
}

static int show_text(const struct fw_model *model, int only, __u32 tick_ns)
{
	static const struct fw_column columns[] = {
		{ "CLASS", FW_LEFT },  { "KIND", FW_LEFT },  { "LIMIT", FW_RIGHT },
		{ "BURST", FW_RIGHT }, { "SOFT", FW_RIGHT },
	};
	struct fw_table *table = fw_table_new(columns, 5);
	int err;

	if (!table)
		return -ENOMEM;
	for (int c = 0; c < FW_CLASS_MAX; c++)
		for (unsigned int k = 0; *model->class[c].name && k < FW_K_MAX; k++)
			if (only < 0 || only == c)
				show_row(table, model->class[c].name, k, &model->class[c].rate[k],
					 tick_ns);
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	printf("\nper source: an IPv4 address or an IPv6 /64; a /48 gets %u times as much\n",
	       model->net48_factor);
	return err;
}

static int cmd_show(struct fw_cli *cli, int argc, char **argv)
{
	const char *class = fw_cli_option(cli, "class");
	struct fw_model *model = NULL;
	struct fw_maps maps;
	int err, only = -1;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_maps_open(cli->pins, FW_MAPS_POLICY, &maps, &cli->err);
	if (err)
		return err;
	err = fw_apply_read_model(&maps, &model, &cli->err);
	if (err)
		goto out;
	if (class) {
		only = fw_model_class_find(model, class, &cli->err);
		err = only < 0 ? only : 0;
		if (err)
			goto out;
	}
	err = cli->json ? show_json(cli, model, only, maps.meta->tick_ns)
			: show_text(model, only, maps.meta->tick_ns);
out:
	free(model);
	fw_maps_close(&maps);
	return err;
}

static int set_done(struct fw_cli *cli, const struct fw_edit *edit, int class, unsigned int kind,
		    const struct fw_rate *was)
{
	const struct fw_model_class *c = &edit->apply.model->class[class];
	const struct fw_rate *rate = &c->rate[kind];
	__u32 tick_ns = edit->maps.meta->tick_ns;
	bool bytes = fw_model_kind_bytes(kind);
	char text[128], old[128];
	json_t *doc = NULL;

	if (cli->json) {
		doc = json_object();
		if (fw_json_set(doc, "class", fw_json_text(c->name)) |
		    fw_json_set(doc, "kind", fw_json_text(fw_model_kind_name(kind))) |
		    fw_json_set(doc, "limit", fw_edit_rate_json(rate, bytes, tick_ns)) |
		    fw_json_set(doc, "was", fw_edit_rate_json(was, bytes, tick_ns))) {
			json_decref(doc);
			doc = NULL;
		}
	}
	return fw_cli_done(cli, doc, "%s of class %s: %s (was %s)", fw_model_kind_name(kind),
			   c->name, fw_edit_put_limit(text, sizeof(text), rate, bytes, tick_ns),
			   fw_edit_put_limit(old, sizeof(old), was, bytes, tick_ns));
}

static void warn(struct fw_cli *cli, const struct fw_rate *rate, unsigned int kind)
{
	char text[FW_ERR_LEN];

	if (fw_slip_limit(kind, rate, text, sizeof(text)))
		fw_cli_warn(cli, "%s; floodwall policy undo takes it back", text);
}

static void warn_soft(struct fw_cli *cli, int argc, char **argv, unsigned int kind)
{
	const char *name = fw_model_kind_name(kind);

	for (int i = 2; i + 1 < argc && kind != FW_K_PACKETS; i += 2)
		if (!strcmp(argv[i], "soft"))
			fw_cli_warn(cli,
				    "no packet counts as soft by its limit of %s, only by packets",
				    name);
}

static int cmd_set(struct fw_cli *cli, int argc, char **argv)
{
	const char *class_name = fw_cli_option(cli, "class");
	struct fw_edit edit;
	struct fw_rate was;
	int err, kind, class = FW_CLASS_DEFAULT;

	kind = fw_model_kind_find(argv[0], &cli->err);
	if (kind < 0)
		return kind;
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (err)
		goto out;
	if (class_name) {
		class = fw_model_class_find(edit.apply.model, class_name, &cli->err);
		err = class < 0 ? class : 0;
		if (err)
			goto out;
	}
	was = edit.apply.model->class[class].rate[kind];
	err = fw_edit_parse_rate(cli, argc - 1, argv + 1, fw_model_kind_bytes((unsigned int)kind),
				 edit.maps.meta->tick_ns,
				 &edit.apply.model->class[class].rate[kind]);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err && class == FW_CLASS_DEFAULT)
		warn(cli, &edit.apply.model->class[class].rate[kind], (unsigned int)kind);
	if (!err)
		warn_soft(cli, argc, argv, (unsigned int)kind);
	if (!err)
		err = set_done(cli, &edit, class, (unsigned int)kind, &was);
out:
	fw_edit_end(&edit);
	return err;
}

static const struct fw_cli_option class_option[] = {
	{ "class", 'c', "CLASS", "only this class of sources", "@class" },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option set_options[] = {
	{ "class", 'c', "CLASS", "for sources of this class instead of default", "@class" },
	{ "force", 0, NULL, "even if it could cut your own session", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_limit[] = {
	{ .object = "limit",
	  .verb = "show",
	  .args = "",
	  .help = "what a source may do before it is cut",
	  .options = class_option,
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_show },
	{ .object = "limit",
	  .verb = "set",
	  .args = "KIND RATE|off [burst N] [soft P%]",
	  .help = "change a limit, from the next packet on",
	  .doc = "KIND is packets, bytes, syn, udp, icmp or fragments. RATE is a number for each "
		 "source: 500/s, 10k/m, 20MB/s, 100Mbit/s. burst is how much may come at once; "
		 "left out, it stays the same time's worth of the rate. soft, of "
		 "packets alone, is the part of the burst from which packets are counted as soft, "
		 "though still admitted.\n\n"
		 "  floodwall limit set packets 2k/s burst 4k\n"
		 "  floodwall limit set packets 200k/s soft 50% --class carriers",
	  .options = set_options,
	  .min_args = 2,
	  .max_args = 6,
	  .run = cmd_set,
	  .choices = "packets bytes syn udp icmp fragments burst soft off" },
	{ .object = "limit",
	  .verb = "suggest",
	  .args = "CAPTURE...",
	  .help = "limits from a recording of ordinary traffic, as part of a policy file",
	  .doc = "Measures what sources of each class asked for, and proposes a margin over what "
		 "nearly all of them stayed within. Needs no privilege and changes nothing; the "
		 "result is for reading, and for the policy file.\n\n"
		 "  floodwall limit suggest tuesday.pcap --to 192.0.2.1\n"
		 "  floodwall limit suggest week/*.pcapng --margin 6 --policy now.yaml",
	  .options = fw_limit_suggest_options,
	  .min_args = 1,
	  .max_args = -1,
	  .run = fw_limit_suggest,
	  .choices = "@file" },
	{ .object = NULL },
};
