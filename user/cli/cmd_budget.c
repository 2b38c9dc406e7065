// SPDX-License-Identifier: GPL-2.0-only
/*
 * budget: what all sources together may use. Shared budgets belong to the host; each service has
 * six of its own for traffic of sources that have not proven themselves, three for the service and
 * three for one network (/24 or /48) of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/nearest.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/edit.h"
#include "user/policy/compile.h"
#include "user/policy/slip.h"

static const char *const shared_text[FW_B_MAX] = {
#define X(id, name, text) [FW_B_##id] = text,
	FW_BUDGETS(X)
#undef X
};

/* Names of a service's six: crowd kinds, then the same with "net-" in front. */
#define CROWD_NAMES (2 * FW_C_MAX)

static const char *crowd_name(unsigned int i, char buf[24])
{
	snprintf(buf, 24, "%s%s", i < FW_C_MAX ? "" : "net-", fw_model_crowd_name(i % FW_C_MAX));
	return buf;
}

static struct fw_rate *crowd_rate(struct fw_model_service *service, unsigned int i)
{
	return i < FW_C_MAX ? &service->crowd[i] : &service->net[i - FW_C_MAX];
}

static json_t *shared_json(const struct fw_model *model, __u32 tick_ns)
{
	json_t *all = json_object();

	for (unsigned int b = 0; b < FW_B_MAX; b++) {
		const struct fw_rate *rate = &model->budget[b];

		(void)fw_json_set(all, fw_model_budget_name(b), /* a missing key says it */
				  fw_edit_rate_json(rate, false, tick_ns));
	}
	return all;
}

static json_t *service_json(struct fw_model_service *service, __u32 tick_ns)
{
	json_t *all = json_object();
	char name[24];

	for (unsigned int i = 0; i < CROWD_NAMES; i++) {
		const struct fw_rate *rate = crowd_rate(service, i);
		bool bytes = fw_model_crowd_bytes(i % FW_C_MAX);

		(void)fw_json_set(all, crowd_name(i, name), /* as above */
				  fw_edit_rate_json(rate, bytes, tick_ns));
	}
	return all;
}

static int show_json(struct fw_cli *cli, struct fw_model *model, int only, __u32 tick_ns)
{
	json_t *doc = json_object(), *services = json_object();
	int err = 0;

	if (only < 0)
		err |= fw_json_set(doc, "budgets", shared_json(model, tick_ns));
	for (int s = 0; s < FW_SERVICE_MAX; s++)
		if (*model->service[s].name && (only < 0 || only == s))
			err |= fw_json_set(services, model->service[s].name,
					   service_json(&model->service[s], tick_ns));
	err |= fw_json_set(doc, "services", services);
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static void show_row(struct fw_table *table, const char *of, const char *name,
		     const struct fw_rate *rate, bool bytes, const char *text, __u32 tick_ns)
{
	char rate_text[FW_TEXT_LEN], burst[FW_TEXT_LEN] = "-";

	fw_edit_put_rate(rate_text, sizeof(rate_text), rate, bytes);
	if (rate->count)
		fw_text_put_number(burst, sizeof(burst), fw_compile_burst(rate, bytes, tick_ns));
	fw_table_cell(table, "%s", of);
	fw_table_cell(table, "%s", name);
	fw_table_cell(table, "%s", rate_text);
	fw_table_cell(table, "%s%s", burst, rate->count && bytes ? "B" : "");
	fw_table_cell_styled(table, FW_STYLE_DIM, "%s", text);
}

static int show_text(struct fw_model *model, int only, __u32 tick_ns)
{
	static const struct fw_column columns[] = {
		{ "OF", FW_LEFT },     { "BUDGET", FW_LEFT }, { "RATE", FW_RIGHT },
		{ "BURST", FW_RIGHT }, { "FOR", FW_LEFT },
	};
	static const char *const crowd_text[CROWD_NAMES] = {
		"new connections of the unproven", "packets of the unproven",
		"bytes of the unproven",	   "the same, of one /24 or /48",
		"the same, of one /24 or /48",	   "the same, of one /24 or /48",
	};
	struct fw_table *table = fw_table_new(columns, 5);
	char name[24];
	int err;

	if (!table)
		return -ENOMEM;
	for (unsigned int b = 0; only < 0 && b < FW_B_MAX; b++)
		show_row(table, "all", fw_model_budget_name(b), &model->budget[b], false,
			 shared_text[b], tick_ns);
	for (int s = 0; s < FW_SERVICE_MAX; s++) {
		if (!*model->service[s].name || (only >= 0 && only != s))
			continue;
		for (unsigned int i = 0; i < CROWD_NAMES; i++)
			show_row(table, model->service[s].name, crowd_name(i, name),
				 crowd_rate(&model->service[s], i),
				 fw_model_crowd_bytes(i % FW_C_MAX), crowd_text[i], tick_ns);
	}
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	return err;
}

static int cmd_show(struct fw_cli *cli, int argc, char **argv)
{
	const char *service = fw_cli_option(cli, "service");
	struct fw_model *model = NULL;
	struct fw_maps maps;
	int err, only = -1;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_maps_open(cli->pins, FW_MAPS_POLICY, &maps, &cli->err);
	if (err)
		return err;
	err = fw_apply_read_model(&maps, &model, &cli->err);
	if (!err && service) {
		only = fw_model_service_find(model, service, &cli->err);
		err = only < 0 ? only : 0;
	}
	if (!err)
		err = cli->json ? show_json(cli, model, only, maps.meta->tick_ns)
				: show_text(model, only, maps.meta->tick_ns);
	free(model);
	fw_maps_close(&maps);
	return err;
}

/* Which budget a name means. *ret_bytes: whether it counts bytes. */
static int find_rate(struct fw_cli *cli, struct fw_model *model, const char *service,
		     const char *name, struct fw_rate **ret, bool *ret_bytes)
{
	char names[CROWD_NAMES][24];
	const char *list[CROWD_NAMES], *near;
	int found;

	if (!service) {
		found = fw_model_budget_find(name, &cli->err);
		for (unsigned int i = 0; found < 0 && i < CROWD_NAMES; i++)
			if (!strcmp(name, crowd_name(i, names[i])))
				return fw_cli_usage(cli,
						    "each service has its own budget %s: say "
						    "--service SERVICE",
						    name);
		if (found < 0)
			return found;
		*ret = &model->budget[found];
		*ret_bytes = false;
		return 0;
	}
	found = fw_model_service_find(model, service, &cli->err);
	if (found < 0)
		return found;
	for (unsigned int i = 0; i < CROWD_NAMES; i++) {
		list[i] = crowd_name(i, names[i]);
		if (strcmp(name, list[i]))
			continue;
		*ret = crowd_rate(&model->service[found], i);
		*ret_bytes = fw_model_crowd_bytes(i % FW_C_MAX);
		return 0;
	}
	near = fw_nearest_word(name, list, CROWD_NAMES);
	return fw_cli_usage(cli,
			    "a service has no budget \"%.40s\"%s%s%s; it has syn, packets, bytes, "
			    "net-syn, net-packets, net-bytes",
			    name, near ? " (" : "", near ? near : "", near ? "?)" : "");
}

static int set_done(struct fw_cli *cli, const char *name, const struct fw_rate *rate,
		    const struct fw_rate *was, bool bytes, __u32 tick_ns)
{
	const char *service = fw_cli_option(cli, "service");
	char text[128], old[128];
	json_t *doc = NULL;

	if (cli->json) {
		doc = json_object();
		if (fw_json_set(doc, "service", service ? fw_json_text(service) : json_null()) |
		    fw_json_set(doc, "budget", fw_json_text(name)) |
		    fw_json_set(doc, "rate", fw_edit_rate_json(rate, bytes, tick_ns)) |
		    fw_json_set(doc, "was", fw_edit_rate_json(was, bytes, tick_ns))) {
			json_decref(doc);
			doc = NULL;
		}
	}
	return fw_cli_done(cli, doc, "budget %s%s%s: %s (was %s)", name, service ? " of " : "",
			   service ? service : "",
			   fw_edit_put_limit(text, sizeof(text), rate, bytes, tick_ns),
			   fw_edit_put_limit(old, sizeof(old), was, bytes, tick_ns));
}

static void warn(struct fw_cli *cli, const struct fw_model *model, const struct fw_rate *rate)
{
	char text[FW_ERR_LEN];

	if (fw_slip_budget((unsigned int)(rate - model->budget), rate, text, sizeof(text)))
		fw_cli_warn(cli, "%s; floodwall policy undo takes it back", text);
}

static int cmd_set(struct fw_cli *cli, int argc, char **argv)
{
	const char *service = fw_cli_option(cli, "service");
	struct fw_rate *rate = NULL, was;
	struct fw_edit edit;
	bool bytes = false;
	int err;

	if (argc > 2 && !strcmp(argv[2], "soft"))
		return fw_cli_usage(cli, "no packet counts as soft by a budget; after the rate "
					 "comes burst N");
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (!err)
		err = find_rate(cli, edit.apply.model, service, argv[0], &rate, &bytes);
	if (err || !rate) /* never the second alone: for the analyser, which sees one file */
		goto out;
	was = *rate;
	err = fw_edit_parse_rate(cli, argc - 1, argv + 1, bytes, edit.maps.meta->tick_ns, rate);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err && !service)
		warn(cli, edit.apply.model, rate);
	if (!err)
		err = set_done(cli, argv[0], rate, &was, bytes, edit.maps.meta->tick_ns);
out:
	fw_edit_end(&edit);
	return err;
}

static const struct fw_cli_option service_option[] = {
	{ "service", 's', "SERVICE", "the budgets of this service's unproven traffic", "@service" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_budget[] = {
	{ .object = "budget",
	  .verb = "show",
	  .args = "",
	  .help = "what all sources together may use",
	  .options = service_option,
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_show },
	{ .object = "budget",
	  .verb = "set",
	  .args = "NAME RATE|off [burst N]",
	  .help = "change a shared budget, or one of a service",
	  .doc = "NAME is one that `floodwall budget show` lists. With --service: syn, packets, "
		 "bytes for the service's unproven traffic, net-syn, net-packets, net-bytes for "
		 "one /24 (IPv4) or /48 (IPv6) of it.\n\n"
		 "  floodwall budget set newcomers4 50k/s burst 100k\n"
		 "  floodwall budget set syn 2k/s --service web",
	  .options = service_option,
	  .min_args = 2,
	  .max_args = 4,
	  .run = cmd_set,
	  .choices = "arp nd dhcp pmtu other_l3 deep trusted newcomers4 newcomers6 cookies "
		     "connections syn packets bytes net-syn net-packets net-bytes off burst" },
	{ .object = NULL },
};
