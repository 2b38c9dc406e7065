// SPDX-License-Identifier: GPL-2.0-only
/* Incidents by hand: list, show, watch, open, note, close. All work without the controller. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/incident.h"
#include "user/cli/report.h"
#include "user/core/policy.h"

static int open_read(struct fw_cli *cli, struct fw_history **ret)
{
	struct fw_history *h = NULL;
	int r = fw_history_open(fw_cli_history(cli), false, &h, &cli->err);

	if (!r)
		r = fw_history_begin(h, &cli->err);
	if (r)
		fw_history_close(h);
	else
		*ret = h;
	return r;
}

struct line {
	struct fw_incident_sums sums;
	struct fw_incident_guess guess;
};

static int read_line(struct fw_cli *cli, struct fw_history *h, const struct fw_incident *in,
		     struct line *ret)
{
	int r = fw_incident_sums(h, in, &ret->sums, &cli->err);

	if (!r)
		fw_incident_guess(&ret->sums, &ret->guess);
	return r;
}

static const struct fw_column list_columns[] = {
	{ "ID", FW_RIGHT },	    { "BEGAN", FW_LEFT },	 { "LASTED", FW_RIGHT },
	{ "SERVICE", FW_LEFT },	    { "WHAT", FW_LEFT },	 { "SURE", FW_RIGHT },
	{ "PEAK PKT/S", FW_RIGHT }, { "CLERKS LOST", FW_RIGHT },
};

static void put_line(struct fw_table *table, const struct fw_incident *in, const struct line *line)
{
	char when[FW_CLOCK_LEN], lasted[FW_TEXT_LEN], peak[FW_TEXT_LEN];
	__u64 end = in->open ? fw_clock_boottime() : in->end.boot_ns;
	__u64 s = end > in->start.boot_ns ? (end - in->start.boot_ns) / FW_NS_PER_S : 0;

	fw_table_cell(table, "%lld", (long long)in->id);
	fw_table_cell(table, "%s", fw_clock_put(when, sizeof(when), in->start.utc_ns));
	if (in->open)
		fw_table_cell_styled(table, FW_STYLE_BAD, "open");
	else
		fw_table_cell(table, "%s",
			      fw_text_put_duration(lasted, sizeof(lasted), s ? (__u32)s : 1));
	fw_table_cell(table, "%s", *in->service ? in->service : "-");
	fw_table_cell(table, "%s", line->guess.words);
	fw_table_cell(table, "%u %%", line->guess.sure_pct);
	fw_table_cell(table, "%s", fw_text_put_about(peak, sizeof(peak), line->sums.peak_pps));
	fw_table_cell(table, "%llu", (unsigned long long)line->sums.clerk_drop.packets);
}

static int list(struct fw_cli *cli, struct fw_history *h, const struct fw_incident *all,
		size_t count)
{
	const size_t columns = sizeof(list_columns) / sizeof(*list_columns);
	struct fw_table *table = fw_table_new(list_columns, columns);
	json_t *rows = json_array(), *doc = json_object();
	struct line *line = malloc(sizeof(*line));
	int r = 0;

	if (!table || !rows || !doc || !line) {
		r = fw_err_set(&cli->err, -ENOMEM, NULL, "no memory for the list");
		goto out;
	}
	for (size_t i = 0; i < count && !r; i++) {
		r = read_line(cli, h, &all[i], line);
		if (r)
			break;
		put_line(table, &all[i], line);
		fw_json_push(rows, fw_incident_short_json(&all[i], &line->sums, &line->guess));
	}
	if (!r && cli->json) {
		fw_json_set(doc, "incidents", json_incref(rows));
		r = fw_cli_json(cli, json_incref(doc));
	} else if (!r && !count) {
		puts("no incident is recorded");
	} else if (!r) {
		r = fw_table_print(table, stdout);
	}
out:
	json_decref(rows);
	json_decref(doc);
	fw_table_free(table);
	free(line);
	return r;
}

static int cmd_list(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_incident *all = NULL;
	struct fw_history *h = NULL;
	size_t count = 0;
	int r = open_read(cli, &h);

	(void)argc;
	(void)argv;
	if (!r)
		r = fw_incident_list(h, &all, &count, &cli->err);
	if (!r)
		r = list(cli, h, all, count);
	free(all);
	fw_history_close(h);
	return r;
}

static int show(struct fw_cli *cli, struct fw_history *h, __s64 id)
{
	struct fw_incident_view *view = calloc(1, sizeof(*view));
	int r = view ? fw_incident_view_read(h, id, view, &cli->err)
		     : fw_err_set(&cli->err, -ENOMEM, NULL, "no memory");

	if (!r && cli->json)
		r = fw_cli_json(cli, fw_incident_view_json(view));
	else if (!r)
		r = fw_incident_view_print(view, stdout);
	if (view)
		fw_incident_view_free(view);
	free(view);
	return r;
}

static int cmd_show(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_history *h = NULL;
	__s64 id;
	int r = fw_cli_incident_id(cli, argv[0], &id);

	(void)argc;
	if (!r)
		r = open_read(cli, &h);
	if (!r)
		r = fw_cli_incident_last(cli, h, &id);
	if (!r)
		r = show(cli, h, id);
	fw_history_close(h);
	return r;
}

/* The open incident, or the last one; once a second until interrupted. */
static int cmd_watch(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_incident *all = NULL;
	struct fw_history *h = NULL;
	size_t count = 0;
	int r = open_read(cli, &h);

	(void)argc;
	(void)argv;
	if (!(cli->watch_s > 0) && !fw_cli_option(cli, "once"))
		cli->watch_s = 1;
	if (!r)
		r = fw_incident_list(h, &all, &count, &cli->err);
	if (!r && count)
		r = show(cli, h, all[0].id);
	else if (!r && cli->json)
		r = fw_cli_json(cli, json_pack("{s:n}", "incident"));
	else if (!r)
		puts("no incident is recorded");
	free(all);
	fw_history_close(h);
	return r;
}

static int open_write(struct fw_cli *cli, struct fw_history **ret)
{
	return fw_history_open(fw_cli_history(cli), true, ret, &cli->err);
}

/* A text that was typed without quotes is several arguments. NULL: none, or no memory. */
static char *join(int argc, char **argv)
{
	size_t size = 1, used = 0;
	char *text;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	text = argc ? calloc(1, size) : NULL;
	for (int i = 0; text && i < argc; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", argv[i]);
	return text;
}

static int cmd_open(struct fw_cli *cli, int argc, char **argv)
{
	char who[FW_INCIDENT_WHO_LEN];
	struct fw_history *h = NULL;
	char *text = join(argc, argv);
	__s64 id;
	int r = open_write(cli, &h);

	fw_policy_who(who, sizeof(who) - 1);
	if (!r)
		r = fw_incident_open(h, fw_cli_now(), "", who, &id, &cli->err);
	if (!r && text)
		r = fw_incident_note(h, id, fw_cli_now(), who, text, &cli->err);
	fw_history_close(h);
	free(text);
	if (r)
		return r;
	return fw_cli_done(
		cli, json_pack("{s:I}", "incident", (json_int_t)id),
		"incident %lld is open; it stays so until: floodwall incident close %lld",
		(long long)id, (long long)id);
}

static int cmd_note(struct fw_cli *cli, int argc, char **argv)
{
	char who[FW_INCIDENT_WHO_LEN];
	struct fw_history *h = NULL;
	__s64 id;
	char *text = join(argc - 1, argv + 1);
	int r = fw_cli_incident_id(cli, argv[0], &id);

	if (!r && (!text || !*text))
		r = fw_cli_usage(cli, "the note is empty");
	if (!r)
		r = open_write(cli, &h);
	if (!r)
		r = fw_cli_incident_last(cli, h, &id);
	fw_policy_who(who, sizeof(who) - 1);
	if (!r)
		r = fw_incident_note(h, id, fw_cli_now(), who, text, &cli->err);
	fw_history_close(h);
	free(text);
	if (r)
		return r;
	return fw_cli_done(cli, json_pack("{s:I}", "incident", (json_int_t)id),
			   "noted in incident %lld", (long long)id);
}

static int cmd_close(struct fw_cli *cli, int argc, char **argv)
{
	char who[FW_INCIDENT_WHO_LEN];
	struct fw_history *h = NULL;
	__s64 id;
	int r = fw_cli_incident_id(cli, argv[0], &id);

	(void)argc;
	if (!r)
		r = open_write(cli, &h);
	if (!r)
		r = fw_cli_incident_last(cli, h, &id);
	fw_policy_who(who, sizeof(who) - 1);
	if (!r)
		r = fw_incident_close(h, id, fw_cli_now(), who, &cli->err);
	fw_history_close(h);
	if (r)
		return r;
	return fw_cli_done(cli, json_pack("{s:I}", "incident", (json_int_t)id),
			   "incident %lld is closed", (long long)id);
}

static const struct fw_cli_option watch_options[] = {
	{ "once", 0, NULL, "print once and end", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_incident[] = {
	{ .object = "incident",
	  .verb = "list",
	  .args = "",
	  .help = "what was recorded, the newest first",
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_list },
	{ .object = "incident",
	  .verb = "show",
	  .args = "ID|last",
	  .help = "one incident: what it was, who noticed, what was done",
	  .doc = "Works while it lasts and after. What the sources prove is told apart: proven "
		 "ones completed a TCP handshake; of all others the address is possibly spoofed.",
	  .min_args = 1,
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_show },
	{ .object = "incident",
	  .verb = "watch",
	  .args = "",
	  .help = "the open incident, or the last one, anew every second",
	  .options = watch_options,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_watch },
	{ .object = "incident",
	  .verb = "open",
	  .args = "[TEXT]",
	  .help = "begin an incident by hand, with a first note",
	  .doc = "For what the levels do not see. It stays open until it is closed by hand.",
	  .max_args = -1,
	  .run = cmd_open },
	{ .object = "incident",
	  .verb = "note",
	  .args = "ID|last TEXT",
	  .help = "write something down in an incident, with your name and the time",
	  .min_args = 2,
	  .max_args = -1,
	  .run = cmd_note },
	{ .object = "incident",
	  .verb = "close",
	  .args = "ID|last",
	  .help = "end an incident by hand",
	  .doc = "An incident that a service's level began ends by itself after a minute in calm.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_close },
	{ .object = NULL },
};
