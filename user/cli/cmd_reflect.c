// SPDX-License-Identifier: GPL-2.0-only
/*
 * reflect: source ports of UDP that only reflected floods come from (DNS, NTP, memcached, ...).
 * By default they are dropped towards named services; --everywhere also towards the rest of the
 * host, which then cannot use such a server itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/edit.h"

static const char *port_name(__u16 port)
{
	const char *name = fw_model_reflect_name(port);

	return name ? name : "";
}

static json_t *list_json(const struct fw_model *model)
{
	json_t *list = json_array();

	for (int i = 1; i < FW_REFLECT_MAX; i++)
		if (model->reflect[i].port)
			(void)fw_json_push(list, /* a NULL list says it */
					   json_pack("{s:i,s:s,s:b}", "port",
						     model->reflect[i].port, "name",
						     port_name(model->reflect[i].port),
						     "everywhere", model->reflect[i].everywhere));
	return list;
}

static int cmd_list(struct fw_cli *cli, int argc, char **argv)
{
	static const struct fw_column columns[] = { { "PORT", FW_RIGHT },
						    { "NAME", FW_LEFT },
						    { "DROPPED TOWARDS", FW_LEFT } };
	struct fw_model *model = NULL;
	struct fw_table *table = NULL;
	int err;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_edit_read_model(cli, &model);
	if (err)
		return err;
	if (cli->json) {
		json_t *doc = json_object();

		err = fw_json_set(doc, "ports", list_json(model));
		err = err ? err : fw_cli_json(cli, json_incref(doc));
		json_decref(doc);
		goto out;
	}
	table = fw_table_new(columns, 3);
	for (int i = 1; table && i < FW_REFLECT_MAX; i++) {
		if (!model->reflect[i].port)
			continue;
		fw_table_cell(table, "%u", model->reflect[i].port);
		fw_table_cell(table, "%s", port_name(model->reflect[i].port));
		fw_table_cell(table, "%s",
			      model->reflect[i].everywhere ? "everything" : "named services");
	}
	err = table ? fw_table_print(table, stdout) : -ENOMEM;
out:
	fw_table_free(table);
	free(model);
	return err;
}

/* One port, no range: each has a place and a counter of its own. */
static int parse_port(struct fw_cli *cli, const char *text, __u16 *ret)
{
	__u16 first, last;
	int err = fw_text_ports(text, &first, &last, &cli->err);

	if (err) {
		snprintf(cli->err.hint, sizeof(cli->err.hint),
			 "write ports from 1 to 65535, with blanks between: 53 123");
		return err;
	}
	if (first != last)
		return fw_cli_usage(cli, "\"%.40s\": one port at a time, each is counted by itself",
				    text);
	*ret = first;
	return 0;
}

/* All of them, each once, before the lock is taken; *ret is the caller's to free. Their number. */
static int parse_ports(struct fw_cli *cli, int argc, char **argv, __u16 **ret)
{
	__u16 *ports = calloc((size_t)argc, sizeof(*ports));
	int err, n = 0;

	*ret = ports;
	if (!ports)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	for (int i = 0; i < argc; i++) {
		int k = 0;

		err = parse_port(cli, argv[i], &ports[n]);
		if (err)
			return err;
		while (ports[k] != ports[n])
			k++;
		n += k == n;
	}
	return n;
}

/* tag 1: add, 0: del */
static int cmd_change(struct fw_cli *cli, int argc, char **argv)
{
	bool add = cli->command->tag, everywhere = add && fw_cli_option(cli, "everywhere");
	struct fw_edit edit = { .lock = -1 };
	__u16 *ports = NULL;
	int n = parse_ports(cli, argc, argv, &ports);
	int err = n < 0 ? n : fw_edit_begin(cli, FW_APPLY_POLICY, &edit);

	for (int i = 0; i < n && !err; i++)
		err = add ? fw_model_reflect_add(edit.apply.model, ports[i], everywhere, &cli->err)
			  : fw_model_reflect_del(edit.apply.model, ports[i], &cli->err);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (!err)
		err = fw_cli_done(cli, json_pack("{s:o}", "ports", list_json(edit.apply.model)),
				  "UDP from %d port%s %s%s", n, n == 1 ? "" : "s",
				  add ? "is dropped" : "is no longer dropped as reflected",
				  !add	       ? ""
				  : everywhere ? " everywhere"
					       : " towards named services");
	fw_edit_end(&edit);
	free(ports);
	return err;
}

static const struct fw_cli_option add_options[] = {
	{ "everywhere", 'e', NULL, "not only towards named services", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_reflect[] = {
	{ .object = "reflect",
	  .verb = "list",
	  .args = "",
	  .help = "UDP source ports from which reflected floods come",
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_list },
	{ .object = "reflect",
	  .verb = "add",
	  .args = "PORT...",
	  .help = "drop UDP from these source ports",
	  .doc = "Without --everywhere only towards named services, because the rest of the host "
		 "may ask a DNS or time server itself. A port that is there already gets the new "
		 "scope.",
	  .options = add_options,
	  .min_args = 1,
	  .max_args = -1,
	  .run = cmd_change,
	  .tag = 1 },
	{ .object = "reflect",
	  .verb = "del",
	  .args = "PORT...",
	  .help = "drop them no more",
	  .min_args = 1,
	  .max_args = -1,
	  .run = cmd_change },
	{ .object = NULL },
};
