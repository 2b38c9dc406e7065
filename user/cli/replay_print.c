// SPDX-License-Identifier: GPL-2.0-only
/* A replay for people: what was read, what became of it, when it began, and how sure that is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/replay.h"
#include "user/core/stats.h"

#define CHANGES_SHOWN 20
#define DAY_NS	      (86400ULL * 1000000000)

void fw_replay_put_bytes(struct fw_table *table, const struct fw_count *count)
{
	char text[FW_TEXT_LEN];

	if (!count->packets)
		fw_table_cell_styled(table, FW_STYLE_DIM, "-");
	else
		fw_table_cell(table, "%s",
			      fw_text_put_about(text, sizeof(text), (double)count->bytes));
}

void fw_replay_put_packets(struct fw_table *table, const struct fw_count *count)
{
	if (!count->packets)
		fw_table_cell_styled(table, FW_STYLE_DIM, "-");
	else
		fw_table_cell(table, "%llu", (unsigned long long)count->packets);
}

static double percent(__u64 part, __u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

int fw_replay_print_table(struct fw_table *table)
{
	int r = fw_table_print(table, stdout);

	fw_table_free(table);
	putchar('\n');
	return r;
}

void fw_replay_print_captures(const struct fw_replay *replay, const struct fw_replay_tally *t,
			      char *const *path, unsigned int paths)
{
	char from[FW_REPLAY_TIME_LEN], to[FW_REPLAY_TIME_LEN], more[32] = "";

	if (paths > 1)
		snprintf(more, sizeof(more), " and %u more", paths - 1);
	fw_cli_print("captures  %s%s", path[0], more);
	if (!t->packets)
		return;
	printf("recorded  %s to %s, %.3f s",
	       fw_replay_put_time(from, sizeof(from), t->begin_ns, true),
	       fw_replay_put_time(to, sizeof(to), t->end_ns, t->end_ns - t->begin_ns > DAY_NS),
	       (double)(t->end_ns - t->begin_ns) / 1e9);
	if (replay->told.speed < 1 || replay->told.speed > 1)
		printf(", replayed %.4g times as fast", replay->told.speed);
	putchar('\n');
}

static int print_verdicts(const struct fw_replay_tally *t)
{
	static const struct fw_column columns[] = {
		{ "", FW_LEFT }, { "PACKETS", FW_RIGHT }, { "", FW_RIGHT }, { "BYTES", FW_RIGHT }
	};
	static const char *const names[FW_V_MAX] = { "passed", "dropped", "answered" };
	static const enum fw_style styles[FW_V_MAX] = { FW_STYLE_GOOD, FW_STYLE_BAD,
							FW_STYLE_WARN };
	struct fw_table *table = fw_table_new(columns, 4);
	struct fw_count all = { t->packets, t->bytes };

	if (!table)
		return -ENOMEM;
	for (int v = 0; v < FW_V_MAX; v++) {
		fw_table_cell_styled(table, styles[v], "%s", names[v]);
		fw_replay_put_packets(table, &t->verdict[v]);
		fw_table_cell(table, "%.1f %%", percent(t->verdict[v].packets, t->packets));
		fw_replay_put_bytes(table, &t->verdict[v]);
	}
	fw_table_cell(table, "total");
	fw_replay_put_packets(table, &all);
	fw_table_cell(table, " ");
	fw_replay_put_bytes(table, &all);
	return fw_replay_print_table(table);
}

static int print_reasons(const struct fw_replay_tally *t)
{
	static const struct fw_column columns[] = {
		{ "REASON", FW_LEFT }, { "DOES", FW_LEFT },   { "PACKETS", FW_RIGHT },
		{ "BYTES", FW_RIGHT }, { "FIRST", FW_RIGHT }, { "MEANING", FW_LEFT },
	};
	static const char *const does[FW_V_MAX] = { "pass", "drop", "answer" };
	static const enum fw_style styles[FW_V_MAX] = { FW_STYLE_GOOD, FW_STYLE_BAD,
							FW_STYLE_WARN };
	struct fw_table *table = fw_table_new(columns, 6);
	char when[FW_REPLAY_TIME_LEN];

	if (!table)
		return -ENOMEM;
	for (int v = 0; v < FW_V_MAX; v++)
		for (int i = 0; i < FW_R_MAX; i++) {
			const struct fw_stats_name *name = &fw_stats_reasons[i];

			if (!t->reason[i].packets || (int)name->verdict != v)
				continue;
			fw_table_cell_styled(table, styles[v], "%s", name->name);
			fw_table_cell_styled(table, styles[v], "%s", does[v]);
			fw_replay_put_packets(table, &t->reason[i]);
			fw_replay_put_bytes(table, &t->reason[i]);
			fw_table_cell(
				table, "%s",
				fw_replay_put_time(when, sizeof(when), t->first_ns[i], false));
			fw_table_cell_styled(table, FW_STYLE_DIM, "%s", name->text);
		}
	return fw_replay_print_table(table);
}

/* Services or classes: name, and packets and bytes of each verdict. */
static int print_parts(const char *title, const char (*names)[FW_NAME_LEN],
		       const struct fw_count (*counts)[FW_V_MAX], int n, bool always)
{
	struct fw_column columns[] = {
		{ title, FW_LEFT },	 { "PASSED", FW_RIGHT }, { "BYTES", FW_RIGHT },
		{ "DROPPED", FW_RIGHT }, { "BYTES", FW_RIGHT },	 { "ANSWERED", FW_RIGHT },
		{ "BYTES", FW_RIGHT },
	};
	struct fw_table *table = fw_table_new(columns, 7);
	int rows = 0;

	if (!table)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		if (!*names[i] || !fw_tally_sum(counts[i]).packets)
			continue;
		rows++;
		fw_table_cell(table, "%s", names[i]);
		for (int v = 0; v < FW_V_MAX; v++) {
			fw_replay_put_packets(table, &counts[i][v]);
			fw_replay_put_bytes(table, &counts[i][v]);
		}
	}
	if (rows > 1 || (rows && always))
		return fw_replay_print_table(table);
	fw_table_free(table);
	return 0;
}

int fw_replay_print_tops(const struct fw_tops *tops, unsigned int n,
			 const struct fw_column columns[6], const char *words,
			 void (*row)(struct fw_table *table, const struct fw_top *top))
{
	struct fw_top *list = calloc(n + 1, sizeof(*list));
	struct fw_table *table = list ? fw_table_new(columns, 6) : NULL;
	char text[FW_TEXT_LEN];
	__u64 sources;
	size_t count;
	bool exact;

	if (!table) {
		free(list);
		return -ENOMEM;
	}
	count = fw_tops_list(tops, -1, list, n);
	for (size_t i = 0; i < count; i++) {
		const struct fw_top *top = &list[i];

		fw_table_cell(table, "%s", fw_text_put_addr(text, sizeof(text), top->addr_be));
		/* As bytes and the rest: counted since it was taken up, so at least that. */
		fw_table_cell(table, "%llu%s", (unsigned long long)(top->packets - top->error),
			      top->error ? "+" : "");
		fw_replay_put_bytes(table, &(struct fw_count){ top->packets, top->bytes });
		row(table, top);
	}
	free(list);
	if (!count) {
		fw_table_free(table);
		return 0;
	}
	sources = fw_tops_sources(tops, &exact);
	printf("%s%llu sources%s:\n", exact ? "" : "about ", (unsigned long long)sources, words);
	return fw_replay_print_table(table);
}

static void put_top(struct fw_table *table, const struct fw_top *top)
{
	__u64 dropped = top->count[FW_TOP_DROPPED];

	fw_replay_put_packets(table, &(struct fw_count){ dropped, 0 });
	fw_replay_put_packets(table, &(struct fw_count){ top->count[FW_TOP_ANSWERED], 0 });
	fw_table_cell(table, "%s", dropped ? fw_stats_reasons[top->reason].name : "-");
}

static int print_tops(const struct fw_replay_tally *t, unsigned int n)
{
	static const struct fw_column columns[] = {
		{ "SOURCE", FW_LEFT },	 { "PACKETS", FW_RIGHT },  { "BYTES", FW_RIGHT },
		{ "DROPPED", FW_RIGHT }, { "ANSWERED", FW_RIGHT }, { "LAST LOST FOR", FW_LEFT },
	};

	return fw_replay_print_tops(t->tops, n, columns, "; the heaviest", put_top);
}

static void print_levels(const struct fw_replay_tally *t, const struct fw_policy_text *text)
{
	char when[FW_REPLAY_TIME_LEN];

	for (unsigned int i = 0; i < t->changes && i < CHANGES_SHOWN; i++) {
		const struct fw_tally_change *c = &t->change[i];

		printf("%s  %s: %s\n", fw_replay_put_time(when, sizeof(when), c->at_ns, false),
		       text->service_name[c->service], fw_model_level_name(c->level));
	}
	if (t->changes > CHANGES_SHOWN)
		printf("and %u more changes of level\n", t->changes - CHANGES_SHOWN);
	if (t->changes)
		putchar('\n');
}

/* One declared fact on a line; nothing where there is nothing to declare. */
static void declare(__u64 n, const char *text)
{
	if (n)
		printf("  %12llu %s\n", (unsigned long long)n, text);
}

void fw_replay_print_known(const struct fw_replay *replay, const struct fw_replay_tally *t)
{
	const struct fw_feed_told *told = &replay->told;
	const struct fw_capture_told *files = &replay->files;
	const struct fw_replay_tally *second = replay->tally[1];

	printf("what the captures tell, and what they cannot:\n");
	printf("  %12llu handshakes seen: their sources count as proven (%llu of one side only)\n",
	       (unsigned long long)told->handshakes, (unsigned long long)told->one_way);
	printf("  %12llu packets judged as of a proven source%s", (unsigned long long)t->proven,
	       second ? " by the first policy" : "\n");
	if (second)
		printf(", %llu by the second\n", (unsigned long long)second->proven);
	declare(t->midstream, "TCP packets of connections whose beginning is not in the captures: "
			      "unknown");
	declare(t->midstream_lost, second ? "of them dropped by the first; of a real connection, "
					    "the host would know it"
					  : "of them dropped; of a real connection, the host "
					    "would know it");
	if (second)
		declare(second->midstream_lost, "of them dropped by the second, likewise");
	declare(told->outgoing, "packets left out: the host itself sent them");
	declare(told->elsewhere, "packets left out: neither to nor from the host");
	declare(files->cut, "packets cut when captured: filled up with zeros");
	declare(files->longer + t->oversize, "packets longer than can be run: cut");
	declare(files->shorter, "packets shorter than an Ethernet header: filled up");
	declare(files->backward,
		"time stamps before an earlier one: held at the latest, or shifted");
	putchar('\n');
}

void fw_replay_print_rate(const struct fw_replay *replay, const struct fw_replay_tally *t)
{
	double seconds = (double)replay->run_ns / 1e9;
	char rate[FW_TEXT_LEN];

	fw_text_put_about(rate, sizeof(rate), seconds > 0 ? (double)t->packets / seconds : 0);
	printf("%llu packets in %.2f s: %s/s\n", (unsigned long long)t->packets, seconds, rate);
}

int fw_replay_print(const struct fw_replay *replay, char *const *path, unsigned int paths,
		    const struct fw_replay_source *source, unsigned int top)
{
	const struct fw_replay_tally *t = replay->tally[0];
	const struct fw_policy_text *text = replay->text[0];
	int r;

	fw_replay_print_captures(replay, t, path, paths);
	fw_cli_print("policy    %s%s", source->name,
		     source->monitor ? " (it only monitors; shown is what it would do)" : "");
	putchar('\n');
	r = print_verdicts(t);
	if (!r && t->packets)
		r = print_reasons(t);
	if (!r)
		r = print_parts("SERVICE", text->service_name, t->service, FW_SERVICE_MAX, true);
	if (!r)
		r = print_parts("CLASS", text->class_name, t->class, FW_CLASS_MAX, false);
	if (!r)
		r = print_tops(t, top);
	if (r)
		return r;
	print_levels(t, text);
	if (t->bins > 1) {
		fw_replay_picture(t, fw_cli_width());
		putchar('\n');
	}
	fw_replay_print_known(replay, t);
	fw_replay_print_rate(replay, t);
	return 0;
}
