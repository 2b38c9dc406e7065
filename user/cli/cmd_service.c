// SPDX-License-Identifier: GPL-2.0-only
/*
 * service: what this host offers, by address, protocol and port. A service is kept as rules in the
 * model; here it is said as addresses x ports, which is how people think of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/lane.h"
#include "user/cli/service.h"
#include "user/core/stats.h"
#include "user/policy/slip.h"

/* What the options say about a service; NULL = not said. */
struct wish {
	const char *to, *tcp, *udp, *proof, *level;
	bool closed, open;
};

static int read_wish(struct fw_cli *cli, struct wish *ret)
{
	*ret = (struct wish){
		.to = fw_cli_option(cli, "to"),
		.tcp = fw_cli_option(cli, "tcp"),
		.udp = fw_cli_option(cli, "udp"),
		.proof = fw_cli_option(cli, "proof"),
		.closed = fw_cli_option(cli, "closed") != NULL,
	};
	if (!strcmp(cli->command->verb, "set")) {
		ret->open = fw_cli_option(cli, "open") != NULL;
		ret->level = fw_cli_option(cli, "level");
	}
	if (ret->open && ret->closed)
		return fw_cli_usage(cli, "--open and --closed contradict each other");
	return fw_cli_check_list(cli, "to", ret->to) ?: fw_cli_check_list(cli, "tcp", ret->tcp)
						     ?: fw_cli_check_list(cli, "udp", ret->udp);
}

/* Rules "proto/PORTS@ADDR" for every address of a comma-separated list. */
static int add_rules(struct fw_cli *cli, struct fw_model *model, __u8 service, const char *proto,
		     const char *ports, const char *to)
{
	char *list = strdup(to), *save = NULL;
	int err = 0;

	if (!list)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	for (char *addr = strtok_r(list, ",", &save); addr && !err;
	     addr = strtok_r(NULL, ",", &save)) {
		bool any = !strcmp(addr, "any");
		char *rule = NULL;

		if (asprintf(&rule, "%s/%s%s%s", proto, ports, any ? "" : "@", any ? "" : addr) < 0)
			err = fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		else
			err = fw_model_rule_add(model, service, rule, &cli->err);
		free(rule);
	}
	free(list);
	return err;
}

/* Ports and addresses not said stay as they are. */
static int set_rules(struct fw_cli *cli, struct fw_model *model, __u8 service,
		     const struct wish *wish)
{
	char *to = NULL, *tcp = NULL, *udp = NULL;
	const char *ports[2];
	int err = -ENOMEM;

	if (!wish->to && !wish->tcp && !wish->udp)
		return 0;
	to = wish->to ? strdup(wish->to) : fw_service_addresses(model, service);
	tcp = wish->tcp ? strdup(wish->tcp) : fw_service_ports(model, service, FW_PORT_TCP);
	udp = wish->udp ? strdup(wish->udp) : fw_service_ports(model, service, FW_PORT_UDP);
	if (!to || !tcp || !udp) {
		err = fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		goto out;
	}
	fw_model_rule_drop(model, service);
	ports[0] = strcmp(tcp, "none") ? tcp : "";
	ports[1] = strcmp(udp, "none") ? udp : "";
	err = 0;
	if (!*ports[0] && !*ports[1])
		err = fw_cli_usage(cli, "a service needs ports: --tcp PORTS, --udp PORTS or both");
	if (!err && *ports[0])
		err = add_rules(cli, model, service, "tcp", ports[0], *to ? to : "any");
	if (!err && *ports[1])
		err = add_rules(cli, model, service, "udp", ports[1], *to ? to : "any");
out:
	free(to);
	free(tcp);
	free(udp);
	return err;
}

static int grant(struct fw_cli *cli, struct fw_model *model, __u8 service, const struct wish *wish)
{
	struct fw_model_service *s = &model->service[service];
	int err, proof, level;

	if (wish->proof) {
		proof = fw_model_proof_find(wish->proof, &cli->err);
		if (proof < 0)
			return proof;
		s->proof = (__u8)proof;
	}
	if (wish->level) {
		level = strcmp(wish->level, "auto") ? fw_model_level_find(wish->level, &cli->err)
						    : -1;
		if (level < 0 && strcmp(wish->level, "auto")) {
			strncat(cli->err.hint, " auto",
				sizeof(cli->err.hint) - strlen(cli->err.hint) - 1);
			return level;
		}
		s->level_pin = (__u8)(level + 1);
	}
	err = set_rules(cli, model, service, wish);
	if (err)
		return err;
	s->closed = wish->closed || (s->closed && !wish->open);
	if (s->closed && fw_model_rule_anywhere(model, service))
		return fw_cli_usage(cli, "--closed needs addresses of its own: --to ADDR, not any");
	return 0;
}

static int done(struct fw_cli *cli, const struct fw_model *model, __u8 service)
{
	char *to = fw_service_addresses(model, service);
	char *tcp = fw_service_ports(model, service, FW_PORT_TCP);
	char *udp = fw_service_ports(model, service, FW_PORT_UDP);
	const struct fw_model_service *s = &model->service[service];
	char slip[FW_ERR_LEN];
	int err = -ENOMEM;

	if (fw_slip_service(model, service, slip, sizeof(slip)))
		fw_cli_warn(cli, "%s; every address is called any", slip);
	if (to && tcp && udp)
		err = fw_cli_done(cli, cli->json ? fw_service_json(model, service) : NULL,
				  "service %s%s%s%s%s%s%s%s, proof %s%s%s", s->name,
				  *to ? " at " : "", to, *tcp ? ", tcp " : "", tcp,
				  *udp ? ", udp " : "", udp, s->closed ? ", closed" : "",
				  fw_model_proof_name(s->proof), s->level_pin ? ", level " : "",
				  s->level_pin ? fw_model_level_name(s->level_pin - 1U) : "");
	free(to);
	free(tcp);
	free(udp);
	return err;
}

static int cmd_add(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit = { .lock = -1 };
	struct wish wish;
	int err, service;

	(void)argc; /* the table says one */
	err = read_wish(cli, &wish);
	if (err)
		return err;
	if (!wish.tcp && !wish.udp)
		return fw_cli_usage(cli, "a service needs ports: --tcp PORTS, --udp PORTS or both");
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (err)
		goto out;
	fw_stats_worn(&edit.maps, edit.apply.model);
	service = fw_model_service_add(edit.apply.model, argv[0], &cli->err);
	err = service < 0 ? service : grant(cli, edit.apply.model, (__u8)service, &wish);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err)
		err = done(cli, edit.apply.model, (__u8)service);
out:
	fw_edit_end(&edit);
	return err;
}

static int cmd_set(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit = { .lock = -1 };
	struct wish wish;
	int err, service;

	(void)argc; /* the table says one */
	err = read_wish(cli, &wish);
	if (err)
		return err;
	if (!wish.to && !wish.tcp && !wish.udp && !wish.proof && !wish.closed && !wish.open &&
	    !wish.level)
		return fw_cli_usage(cli, "nothing to set; see floodwall service set --help");
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (err)
		goto out;
	service = fw_model_service_find(edit.apply.model, argv[0], &cli->err);
	if (service < 0)
		err = service;
	else if (service == FW_SERVICE_HOST && (wish.to || wish.tcp || wish.udp || wish.closed))
		err = fw_cli_usage(cli,
				   "service host is the rest of the host: it takes no addresses or "
				   "ports, only --proof and --level");
	else
		err = grant(cli, edit.apply.model, (__u8)service, &wish);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err)
		err = done(cli, edit.apply.model, (__u8)service);
out:
	fw_edit_end(&edit);
	return err;
}

static int cmd_del(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit;
	int err;

	(void)argc; /* the table says one */
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (err)
		goto out;
	err = fw_model_service_del(edit.apply.model, argv[0], &cli->err);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err)
		err = fw_cli_done(cli,
				  json_pack("{s:s,s:s}", "service", argv[0], "done", "removed"),
				  "service %s removed; its traffic is host's now", argv[0]);
out:
	fw_edit_end(&edit);
	return err;
}

static int list_json(struct fw_cli *cli, const struct fw_model *model, int only)
{
	json_t *doc = json_object(), *list = json_array();
	int err = 0;

	for (int s = 0; s < FW_SERVICE_MAX; s++)
		if (*model->service[s].name && (only < 0 || only == s))
			err |= fw_json_push(list, fw_service_json(model, (__u8)s));
	err |= fw_json_set(doc, "services", list);
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static void list_row(struct fw_table *table, const struct fw_model *model, __u8 service)
{
	char *to = fw_service_addresses(model, service);
	char *tcp = fw_service_ports(model, service, FW_PORT_TCP);
	char *udp = fw_service_ports(model, service, FW_PORT_UDP);
	const struct fw_model_service *s = &model->service[service];
	const char *rest = service == FW_SERVICE_HOST ? "the rest" : "-";

	fw_table_cell(table, "%s", s->name);
	fw_table_cell(table, "%s", to && *to ? to : rest);
	fw_table_cell(table, "%s", tcp && *tcp ? tcp : rest);
	fw_table_cell(table, "%s", udp && *udp ? udp : rest);
	fw_table_cell(table, "%s", s->closed ? "yes" : "no");
	fw_table_cell(table, "%s", fw_model_proof_name(s->proof));
	free(to);
	free(tcp);
	free(udp);
}

static int cmd_list(struct fw_cli *cli, int argc, char **argv)
{
	static const struct fw_column columns[] = {
		{ "SERVICE", FW_LEFT }, { "TO", FW_LEFT },     { "TCP", FW_LEFT },
		{ "UDP", FW_LEFT },	{ "CLOSED", FW_LEFT }, { "PROOF", FW_LEFT },
	};
	struct fw_table *table = fw_table_new(columns, 6);
	struct fw_model *model = NULL;
	int err, only = -1;

	err = fw_edit_read_model(cli, &model);
	if (!err && argc) {
		only = fw_model_service_find(model, argv[0], &cli->err);
		err = only < 0 ? only : 0;
	}
	if (err)
		goto out;
	if (cli->json) {
		err = list_json(cli, model, only);
		goto out;
	}
	for (int s = 0; table && s < FW_SERVICE_MAX; s++)
		if (*model->service[s].name && (only < 0 || only == s))
			list_row(table, model, (__u8)s);
	err = table ? fw_table_print(table, stdout) : -ENOMEM;
out:
	fw_table_free(table);
	free(model);
	return err;
}

#define SERVICE_OPTIONS                                                                         \
	{ "to", 't', "ADDRS", "its addresses, with commas, or any", "any" },                    \
		{ "tcp", 0, "PORTS", "TCP ports: 80,443,8000-8010", NULL },                     \
		{ "udp", 0, "PORTS", "UDP ports", NULL },                                       \
		{ "closed", 0, NULL, "its addresses speak nothing else: the rest is dropped",   \
		  NULL },                                                                       \
		{ "force", 0, NULL, "even if it cuts your own session", NULL },                 \
	{                                                                                       \
		"proof", 0, "HOW", "how strangers prove themselves: cookie, retransmit or off", \
			"cookie retransmit off"                                                 \
	}

static const struct fw_cli_option add_options[] = { SERVICE_OPTIONS,
						    { NULL, 0, NULL, NULL, NULL } };
static const struct fw_cli_option set_options[] = {
	SERVICE_OPTIONS,
	{ "open", 0, NULL, "its addresses may speak other things too", NULL },
	{ "level", 0, "LEVEL", "auto (the program decides), or always calm, guarded or siege",
	  "auto calm guarded siege" },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option del_options[] = {
	{ "force", 0, NULL, "even if it cuts your own session", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_service[] = {
	{ .object = "service",
	  .verb = "list",
	  .args = "[NAME]",
	  .help = "the services and what they speak",
	  .max_args = 1,
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_list,
	  .choices = "@service" },
	{ .object = "service",
	  .verb = "show",
	  .args = "NAME",
	  .help = "one service",
	  .min_args = 1,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_list,
	  .choices = "@service" },
	{ .object = "service",
	  .verb = "add",
	  .args = "NAME",
	  .help = "name what this host offers, by address and ports",
	  .doc = "  floodwall service add web --to 192.0.2.10,2001:db8::10 --tcp 80,443 "
		 "--closed\n\n"
		 "With --closed everything else towards these addresses is dropped as unspoken.",
	  .options = add_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_add },
	{ .object = "service",
	  .verb = "set",
	  .args = "NAME",
	  .help = "change a service; what is not said stays",
	  .doc = "--tcp none and --udp none take all ports of that protocol away.",
	  .options = set_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_set,
	  .choices = "@service" },
	{ .object = "service",
	  .verb = "del",
	  .args = "NAME",
	  .help = "forget a service",
	  .options = del_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_del,
	  .choices = "@service" },
	{ .object = NULL },
};
