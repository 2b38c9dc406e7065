// SPDX-License-Identifier: GPL-2.0-only
/* status: what is attached where, and whether it is as it should be. Exit code 5 if it is not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/incident.h"
#include "user/cli/policy.h"
#include "user/core/beat.h"
#include "user/core/status.h"
#include "user/policy/model.h"

static const char *mode_name(__u8 mode)
{
	return mode == FW_MODE_GENERIC ? "generic" : "native";
}

static unsigned long long mib(__u64 bytes)
{
	return (bytes + (1 << 20) - 1) >> 20;
}

static json_t *iface_json(const struct fw_status_iface *s)
{
	json_t *others = json_array();
	json_t *obj;
	char since[FW_CLOCK_LEN];

	for (unsigned int i = 0; i < s->state.nr; i++)
		if (!s->state.prog[i].ours)
			fw_json_push(others,
				     json_pack("{s:i,s:o}", "id", (int)s->state.prog[i].id, "name",
					       fw_json_text(s->state.prog[i].name)));
	fw_clock_put(since, sizeof(since), s->iface.since_ns);
	obj = json_pack("{s:o,s:i,s:s,s:b,s:s,s:o,s:b,s:i,s:o,s:s,s:I,s:s,s:i}", "interface",
			fw_json_text(s->iface.name), "ifindex", (int)s->iface.ifindex, "health",
			fw_status_word(s->health), "attached",
			(int)(s->health == FW_STATUS_FINE || s->health == FW_STATUS_ELSEWHERE),
			"mode", mode_name(s->iface.mode), "driver", fw_json_text(s->info.driver),
			"dispatcher", (int)s->iface.dispatcher, "program_id", (int)s->iface.prog_id,
			"others", others, "since", since, "since_ns", (json_int_t)s->iface.since_ns,
			"build", s->iface.build, "mtu", (int)s->info.mtu);
	return obj;
}

static json_t *level_json(const struct fw_level_now *s)
{
	json_t *entries = json_object(), *spent = json_object();

	for (unsigned int i = 0; i < FW_LEVEL_MAX; i++) {
		fw_json_set(entries, fw_model_level_name(i), json_integer(s->entries[i]));
		fw_json_set(spent, fw_model_level_name(i), json_integer(s->spent_s[i]));
	}
	return json_pack("{s:s,s:s,s:b,s:i,s:o,s:o}", "service", s->name, "level",
			 fw_model_level_name(s->level), "pinned", (int)s->pinned, "for_s",
			 (int)s->for_s, "entered", entries, "spent_s", spent);
}

static json_t *status_json(const struct fw_status *st)
{
	json_t *ifaces = json_array(), *tables = json_array(), *maps = json_array();
	json_t *services = json_array();
	char loaded[FW_CLOCK_LEN];

	for (unsigned int i = 0; i < st->nr_ifaces; i++)
		fw_json_push(ifaces, iface_json(&st->iface[i]));
	for (int i = 0; i < FW_STATUS_TABLES; i++)
		fw_json_push(tables, json_pack("{s:s,s:I,s:I,s:I}", "name", st->table[i].name,
					       "size", (json_int_t)st->table[i].size, "used",
					       (json_int_t)st->table[i].used, "bytes",
					       (json_int_t)st->table[i].bytes));
	for (unsigned int i = 0; i < st->nr_costs; i++)
		fw_json_push(maps, json_pack("{s:s,s:I,s:I}", "name", st->cost[i].name, "entries",
					     (json_int_t)st->cost[i].entries, "bytes",
					     (json_int_t)st->cost[i].bytes));
	for (unsigned int i = 0; i < st->nr_services; i++)
		fw_json_push(services, level_json(&st->service[i]));
	fw_clock_put(loaded, sizeof(loaded), st->loaded_ns);
	return json_pack("{s:s,s:i,s:s,s:s,s:i,s:i,s:b,s:i,s:i,s:I,s:I,s:o,s:o,s:o,s:o}", "mode",
			 st->monitor ? "monitor" : "enforce", "generation", (int)st->generation,
			 "build", st->meta.build, "state_since", loaded, "confirm_within_s",
			 (int)st->confirm_s, "abi", (int)st->meta.abi, "degraded",
			 (int)fw_status_degraded(st), "prefixes", (int)st->prefixes, "prefixes_max",
			 (int)st->prefixes_max, "tick_ns", (json_int_t)st->meta.tick_ns,
			 "memory_bytes", (json_int_t)st->memory, "interfaces", ifaces, "tables",
			 tables, "maps", maps, "services", services);
}

static enum fw_style health_style(const struct fw_status_iface *s)
{
	if (s->health == FW_STATUS_ELSEWHERE)
		return FW_STYLE_DIM;
	return s->health == FW_STATUS_FINE ? FW_STYLE_GOOD : FW_STYLE_BAD;
}

static int print_ifaces(const struct fw_status *st)
{
	static const struct fw_column columns[] = {
		{ "INTERFACE", FW_LEFT }, { "STATE", FW_LEFT },	     { "MODE", FW_LEFT },
		{ "DRIVER", FW_LEFT },	  { "DISPATCHER", FW_LEFT }, { "SINCE", FW_LEFT },
		{ "BUILD", FW_LEFT },	  { "PROGRAM", FW_RIGHT },
	};
	struct fw_table *t = fw_table_new(columns, sizeof(columns) / sizeof(*columns));
	int r;

	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < st->nr_ifaces; i++) {
		const struct fw_status_iface *s = &st->iface[i];
		bool generic = s->iface.mode == FW_MODE_GENERIC;
		char since[FW_CLOCK_LEN];

		fw_table_cell(t, "%s", s->iface.name);
		fw_table_cell_styled(t, health_style(s), "%s", fw_status_word(s->health));
		fw_table_cell_styled(t, generic ? FW_STYLE_BAD : FW_STYLE_NONE, "%s",
				     generic ? "GENERIC" : "native");
		fw_table_cell(t, "%s", *s->info.driver ? s->info.driver : "-");
		fw_table_cell(t, "%s", s->iface.dispatcher ? "yes" : "no");
		fw_table_cell(t, "%s", fw_clock_put(since, sizeof(since), s->iface.since_ns));
		fw_table_cell(t, "%s", s->iface.build);
		fw_table_cell(t, "%u", s->iface.prog_id);
	}
	r = fw_table_print(t, stdout);
	fw_table_free(t);
	return r;
}

/* A heartbeat a moment in the future is of a moment ago. */
static unsigned int beat_age_s(const struct fw_beat *beat)
{
	__u64 now_ns = fw_clock_realtime();

	return now_ns > beat->when_ns ? (unsigned int)((now_ns - beat->when_ns) / FW_NS_PER_S) : 0;
}

static bool beat_late(const struct fw_beat *beat)
{
	return beat->alive && beat_age_s(beat) * FW_NS_PER_S > FW_BEAT_LATE_NS;
}

static json_t *controller_json(const struct fw_cli *cli)
{
	struct fw_beat beat = fw_beat_read(fw_beat_dir(), cli->pins);
	char when[FW_CLOCK_LEN];

	return json_pack("{s:b,s:i,s:s?,s:b}", "running", (int)beat.alive, "pid",
			 beat.alive ? (int)beat.pid : 0, "heartbeat",
			 beat.when_ns ? fw_clock_put(when, sizeof(when), beat.when_ns) : NULL,
			 "late", (int)beat_late(&beat));
}

static void print_controller(const struct fw_cli *cli)
{
	struct fw_beat beat = fw_beat_read(fw_beat_dir(), cli->pins);

	if (beat_late(&beat))
		printf("controller    %sprocess %d gives no sign of life for %u s%s; the filter "
		       "goes on by itself\n",
		       fw_table_style(stdout, FW_STYLE_BAD), (int)beat.pid, beat_age_s(&beat),
		       fw_table_style(stdout, FW_STYLE_NONE));
	else if (beat.alive)
		printf("controller    process %d\n", (int)beat.pid);
	else
		printf("controller    none runs; the filter goes on by itself\n");
}

static void print_tables(const struct fw_status *st)
{
	static const char *const title[FW_STATUS_TABLES] = { "IPv4 sources", "IPv6 /64s",
							     "IPv6 /48s" };

	for (int i = 0; i < FW_STATUS_TABLES; i++)
		printf("%-13s %llu of %llu in use (%.1f %%), %llu MiB\n", title[i],
		       (unsigned long long)st->table[i].used, (unsigned long long)st->table[i].size,
		       100.0 * (double)st->table[i].used / (double)st->table[i].size,
		       mib(st->table[i].bytes));
	printf("%-13s %u of %u\n", "prefixes", st->prefixes, st->prefixes_max);
	printf("%-13s %llu MiB in %u maps\n", "memory", mib(st->memory), st->nr_costs);
}

/* How often a level was entered, and how long it lasted in all. */
static void put_past(struct fw_table *t, const struct fw_level_now *s, enum fw_level level)
{
	char spent[FW_TEXT_LEN];

	if (!s->entries[level] && !s->spent_s[level])
		fw_table_cell(t, "-");
	else
		fw_table_cell(t, "%u x, %s", s->entries[level],
			      s->spent_s[level] ? fw_text_put_duration(spent, sizeof(spent),
								       s->spent_s[level])
						: "0s");
}

static int print_levels(const struct fw_status *st)
{
	static const struct fw_column columns[] = { { "SERVICE", FW_LEFT },
						    { "LEVEL", FW_LEFT },
						    { "FOR", FW_RIGHT },
						    { "GUARDED", FW_RIGHT },
						    { "SIEGE", FW_RIGHT } };
	struct fw_table *t = fw_table_new(columns, sizeof(columns) / sizeof(*columns));
	char text[FW_TEXT_LEN];
	int r;

	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < st->nr_services; i++) {
		const struct fw_level_now *s = &st->service[i];

		fw_table_cell(t, "%s", s->name);
		fw_table_cell_styled(t, s->level == FW_LEVEL_CALM ? FW_STYLE_NONE : FW_STYLE_BAD,
				     "%s%s", fw_model_level_name(s->level),
				     s->pinned ? " (pinned)" : "");
		fw_table_cell(t, "%s",
			      s->for_s ? fw_text_put_duration(text, sizeof(text), s->for_s) : "-");
		put_past(t, s, FW_LEVEL_GUARDED);
		put_past(t, s, FW_LEVEL_SIEGE);
	}
	putchar('\n');
	r = fw_table_print(t, stdout);
	fw_table_free(t);
	return r;
}

static int print_maps(const struct fw_status *st)
{
	static const struct fw_column columns[] = { { "MAP", FW_LEFT },
						    { "ENTRIES", FW_RIGHT },
						    { "BYTES", FW_RIGHT } };
	struct fw_table *t = fw_table_new(columns, 3);
	int r;

	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < st->nr_costs; i++) {
		fw_table_cell(t, "%s", st->cost[i].name);
		fw_table_cell(t, "%u", st->cost[i].entries);
		fw_table_cell(t, "%llu", (unsigned long long)st->cost[i].bytes);
	}
	putchar('\n');
	r = fw_table_print(t, stdout);
	fw_table_free(t);
	return r;
}

/* The command that mends it, under the table, where it can be copied. */
static void explain(struct fw_cli *cli, const struct fw_status_iface *s)
{
	const char *name = s->iface.name;

	switch (s->health) {
	case FW_STATUS_REPLACED:
		fw_cli_warn(cli, "%s: %s (%s, id %u); floodwall attach %s says how to get it off",
			    name, fw_status_text(s->health), s->state.prog[0].name, s->state.top_id,
			    name);
		break;
	case FW_STATUS_LOST:
	case FW_STATUS_BEGUN:
		fw_cli_warn(cli, "%s: %s; floodwall attach %s", name, fw_status_text(s->health),
			    name);
		break;
	case FW_STATUS_VANISHED:
		fw_cli_warn(cli, "%s: %s; floodwall detach %s", name, fw_status_text(s->health),
			    name);
		break;
	case FW_STATUS_UNKNOWN:
		fw_cli_warn(cli, "%s: %s", name, fw_status_text(s->health));
		break;
	case FW_STATUS_FINE:
		if (s->iface.mode == FW_MODE_GENERIC)
			fw_cli_warn(cli,
				    "%s runs in GENERIC mode: after the kernel has built each "
				    "packet, at several times the cost",
				    name);
		if (!s->info.up)
			fw_cli_warn(cli, "%s is down; ip link set %s up", name, name);
		break;
	case FW_STATUS_ELSEWHERE:
	case FW_STATUS_HEALTH_MAX:
		break;
	}
}

static int print_status(struct fw_cli *cli, const struct fw_status *st, bool all)
{
	char loaded[FW_CLOCK_LEN];
	int r = 0;

	if (st->nr_ifaces)
		r = print_ifaces(st);
	else
		printf("attached to no interface; the state of an earlier one is kept\n");
	if (r)
		return r;
	printf("\nmode          %s\n",
	       st->monitor ? "MONITOR: drops are counted, nothing is dropped" : "enforce");
	printf("generation    %u", st->generation);
	if (st->confirm_s)
		printf(", goes back in %u s unless confirmed (floodwall policy confirm)",
		       st->confirm_s);
	putchar('\n');
	r = fw_policy_status_print(cli);
	if (r)
		return r;
	print_controller(cli);
	fw_recording_status_print(cli);
	print_tables(st);
	printf("state since   %s, made by build %s\n",
	       fw_clock_put(loaded, sizeof(loaded), st->loaded_ns), st->meta.build);
	r = print_levels(st);
	return !r && all ? print_maps(st) : r;
}

static int cmd_status(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_status *st = malloc(sizeof(*st));
	int r;

	(void)argc;
	(void)argv;
	if (!st)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	r = fw_status_read(cli->pins, st, &cli->err);
	if (r)
		goto out;
	cli->exit_code = FW_EXIT_OK;
	if (!st->nr_ifaces)
		cli->exit_code = FW_EXIT_NOTHING;
	else if (fw_status_degraded(st))
		cli->exit_code = FW_EXIT_DEGRADED;
	if (!cli->json) {
		r = print_status(cli, st, fw_cli_option(cli, "maps"));
		if (r)
			fw_err_set(&cli->err, r, NULL, "cannot print: %s", strerror(-r));
	}
	for (unsigned int i = 0; i < st->nr_ifaces; i++)
		explain(cli, &st->iface[i]);
	fw_recording_status_warn(cli);
	if (cli->json) {
		json_t *doc = status_json(st);

		r = fw_policy_status_json(cli, doc);
		if (!r)
			r = fw_json_set(doc, "controller", controller_json(cli));
		if (!r)
			r = fw_recording_status_json(cli, doc);
		if (!r)
			r = fw_cli_json(cli, doc);
		else
			json_decref(doc);
	}
out:
	free(st);
	return r;
}

static const struct fw_cli_option options[] = {
	{ "maps", 0, NULL, "list every map with its memory", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_status[] = {
	{ .object = "status",
	  .args = "",
	  .help = "what is attached where, in which mode, and how services stand",
	  .doc = "Exit code 5: attached, but not as it should be (generic mode, another program in "
		 "the place of floodwall, an interface gone); 3: attached nowhere.",
	  .options = options,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_status },
	{ .object = NULL },
};
