// SPDX-License-Identifier: GPL-2.0-only
/* Two policies on the same packets: how much, and whom, they treat differently. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/replay.h"
#include "user/core/stats.h"

static const char *const verdicts[FW_V_MAX] = { "pass", "drop", "tx" };
static const char *const done[FW_V_MAX] = { "passed", "dropped", "answered" };

static struct fw_count sum_of(const struct fw_replay *replay, bool differ)
{
	struct fw_count sum = { 0, 0 };

	for (int a = 0; a < FW_V_MAX; a++)
		for (int b = 0; b < FW_V_MAX; b++)
			if ((a != b) == differ) {
				sum.packets += replay->both[a][b].packets;
				sum.bytes += replay->both[a][b].bytes;
			}
	return sum;
}

static json_t *count_json(struct fw_count count)
{
	return json_pack("{s:o,s:o}", "packets", fw_json_count(count.packets), "bytes",
			 fw_json_count(count.bytes));
}

static json_t *both_json(const struct fw_replay *replay)
{
	json_t *out = json_object();

	for (int a = 0; a < FW_V_MAX; a++) {
		json_t *row = json_object();
		int err = 0;

		for (int b = 0; b < FW_V_MAX; b++)
			err |= fw_json_set(row, verdicts[b], count_json(replay->both[a][b]));
		if (err || fw_json_set(out, verdicts[a], row))
			break;
	}
	return out;
}

static json_t *top_json(const struct fw_top *top)
{
	char text[FW_TEXT_LEN];

	fw_text_put_addr(text, sizeof(text), top->addr_be);
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "source", text, "packets",
			 fw_json_count(top->packets), "packets_error", fw_json_count(top->error),
			 "bytes", fw_json_count(top->bytes), "worse_by_first",
			 fw_json_count(top->count[FW_DIFFERS_FIRST]), "worse_by_second",
			 fw_json_count(top->count[FW_DIFFERS_SECOND]), "last_reason",
			 fw_stats_reasons[top->reason].name);
}

static json_t *policy_json(const struct fw_replay *replay, int i,
			   const struct fw_replay_source *source)
{
	json_t *one = json_object();

	if (fw_json_set(one, "policy", fw_json_text(source->name)) |
	    fw_replay_json_sums(one, replay->tally[i], replay->text[i])) {
		json_decref(one);
		return NULL;
	}
	return one;
}

int fw_replay_compare_json(struct fw_cli *cli, const struct fw_replay *replay,
			   const struct fw_replay_source source[2], unsigned int top)
{
	struct fw_top *list = calloc(top + 1, sizeof(*list));
	size_t count = list ? fw_tops_list(replay->differ, -1, list, top) : 0;
	json_t *doc = list ? json_object() : NULL, *tops = json_array();
	bool exact;
	int err = 0;

	for (size_t i = 0; i < count; i++)
		err |= fw_json_push(tops, top_json(&list[i]));
	err |= fw_json_set(doc, "packets", fw_json_count(replay->tally[0]->packets));
	err |= fw_json_set(doc, "bytes", fw_json_count(replay->tally[0]->bytes));
	err |= fw_json_set(doc, "first", policy_json(replay, 0, &source[0]));
	err |= fw_json_set(doc, "second", policy_json(replay, 1, &source[1]));
	err |= fw_json_set(doc, "alike", count_json(sum_of(replay, false)));
	err |= fw_json_set(doc, "different", count_json(sum_of(replay, true)));
	err |= fw_json_set(doc, "by_verdicts", both_json(replay));
	err |= fw_json_set(doc, "sources_different",
			   fw_json_count(fw_tops_sources(replay->differ, &exact)));
	err |= fw_json_set(doc, "sources_exact", json_boolean(exact));
	err |= fw_json_set(doc, "top", tops);
	free(list);
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static int print_verdicts(const struct fw_replay *replay)
{
	static const struct fw_column columns[] = {
		{ "", FW_LEFT },	{ "FIRST", FW_RIGHT }, { "BYTES", FW_RIGHT },
		{ "SECOND", FW_RIGHT }, { "BYTES", FW_RIGHT },
	};
	struct fw_table *table = fw_table_new(columns, 5);

	if (!table)
		return -ENOMEM;
	for (int v = 0; v < FW_V_MAX; v++) {
		fw_table_cell(table, "%s", done[v]);
		for (int i = 0; i < FW_REPLAY_POLICIES; i++) {
			fw_replay_put_packets(table, &replay->tally[i]->verdict[v]);
			fw_replay_put_bytes(table, &replay->tally[i]->verdict[v]);
		}
	}
	return fw_replay_print_table(table);
}

static int print_both(const struct fw_replay *replay)
{
	static const struct fw_column columns[] = {
		{ "BY THE FIRST", FW_LEFT },
		{ "BY THE SECOND", FW_LEFT },
		{ "PACKETS", FW_RIGHT },
		{ "BYTES", FW_RIGHT },
	};
	struct fw_count alike = sum_of(replay, false), differ = sum_of(replay, true);
	struct fw_table *table = fw_table_new(columns, 4);

	if (!table)
		return -ENOMEM;
	printf("%llu packets are treated alike, %llu differently%s\n",
	       (unsigned long long)alike.packets, (unsigned long long)differ.packets,
	       differ.packets ? ":" : "");
	for (int a = 0; a < FW_V_MAX; a++)
		for (int b = 0; b < FW_V_MAX; b++) {
			if (a == b || !replay->both[a][b].packets)
				continue;
			fw_table_cell(table, "%s", done[a]);
			fw_table_cell(table, "%s", done[b]);
			fw_replay_put_packets(table, &replay->both[a][b]);
			fw_replay_put_bytes(table, &replay->both[a][b]);
		}
	if (differ.packets)
		return fw_replay_print_table(table);
	fw_table_free(table);
	putchar('\n');
	return 0;
}

/* Reasons that have not as many packets by both. */
static int print_reasons(const struct fw_replay *replay)
{
	static const struct fw_column columns[] = {
		{ "REASON", FW_LEFT },
		{ "FIRST", FW_RIGHT },
		{ "SECOND", FW_RIGHT },
		{ "MEANING", FW_LEFT },
	};
	struct fw_table *table = fw_table_new(columns, 4);
	int rows = 0;

	if (!table)
		return -ENOMEM;
	for (int i = 0; i < FW_R_MAX; i++) {
		const struct fw_count *a = &replay->tally[0]->reason[i];
		const struct fw_count *b = &replay->tally[1]->reason[i];

		if (a->packets == b->packets)
			continue;
		rows++;
		fw_table_cell(table, "%s", fw_stats_reasons[i].name);
		fw_replay_put_packets(table, a);
		fw_replay_put_packets(table, b);
		fw_table_cell_styled(table, FW_STYLE_DIM, "%s", fw_stats_reasons[i].text);
	}
	if (rows)
		return fw_replay_print_table(table);
	fw_table_free(table);
	return 0;
}

static void put_top(struct fw_table *table, const struct fw_top *top)
{
	fw_replay_put_packets(table, &(struct fw_count){ top->count[FW_DIFFERS_FIRST], 0 });
	fw_replay_put_packets(table, &(struct fw_count){ top->count[FW_DIFFERS_SECOND], 0 });
	fw_table_cell(table, "%s", fw_stats_reasons[top->reason].name);
}

static int print_tops(const struct fw_replay *replay, unsigned int n)
{
	static const struct fw_column columns[] = {
		{ "SOURCE", FW_LEFT },		 { "PACKETS", FW_RIGHT },
		{ "BYTES", FW_RIGHT },		 { "WORSE BY FIRST", FW_RIGHT },
		{ "WORSE BY SECOND", FW_RIGHT }, { "LAST REASON", FW_LEFT },
	};

	return fw_replay_print_tops(
		replay->differ, n, columns,
		" are treated differently; the heaviest, and the packets that made the difference",
		put_top);
}

int fw_replay_compare_print(const struct fw_replay *replay, char *const *path, unsigned int paths,
			    const struct fw_replay_source source[2], unsigned int top)
{
	const struct fw_replay_tally *t = replay->tally[0];
	int r;

	fw_replay_print_captures(replay, t, path, paths);
	for (int i = 0; i < FW_REPLAY_POLICIES; i++)
		fw_cli_print("%-9s %s%s", i ? "second" : "first", source[i].name,
			     source[i].monitor ? " (it only monitors; shown is what it would do)"
					       : "");
	putchar('\n');
	r = print_verdicts(replay);
	if (!r)
		r = print_both(replay);
	if (!r)
		r = print_reasons(replay);
	if (!r)
		r = print_tops(replay, top);
	if (r)
		return r;
	fw_replay_print_known(replay, t);
	fw_replay_print_rate(replay, t);
	return 0;
}
