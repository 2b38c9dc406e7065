// SPDX-License-Identifier: GPL-2.0-only
/*
 * source top: the heaviest sources. Totals at first; under --watch the difference to the last look,
 * per second, which is what one wants to see while it happens.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/edit.h"
#include "user/cli/lane.h"
#include "user/cli/source.h"

#define TOP_DEFAULT 20
#define TOP_MAX	    100000

enum top_by { BY_PACKETS, BY_LOST, BY_BYTES };

/* What is kept between two looks. */
struct top_memory {
	__u64 when_ns; /* program time */
};

static int order(__u64 a, __u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_packets(const void *a, const void *b)
{
	return order(((const struct fw_source_heavy *)a)->packets,
		     ((const struct fw_source_heavy *)b)->packets);
}

static int by_lost(const void *a, const void *b)
{
	return order(((const struct fw_source_heavy *)a)->lost,
		     ((const struct fw_source_heavy *)b)->lost);
}

static int by_bytes(const void *a, const void *b)
{
	return order(((const struct fw_source_heavy *)a)->bytes,
		     ((const struct fw_source_heavy *)b)->bytes);
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} orders[] = {
	[BY_PACKETS] = { "packets", by_packets },
	[BY_LOST] = { "lost", by_lost },
	[BY_BYTES] = { "bytes", by_bytes },
};

static const char *put_key(char *buf, size_t size, const struct fw_source_heavy *h)
{
	__be32 addr_be[4] = { 0 };

	if (h->family == 4) {
		addr_be[2] = htobe32(0xffff);
		addr_be[3] = htobe32((__u32)h->key);
		return fw_text_put_addr(buf, size, addr_be);
	}
	addr_be[0] = htobe32((__u32)(h->key >> 32));
	addr_be[1] = htobe32((__u32)h->key);
	return fw_text_put_prefix(buf, size, addr_be, 64);
}

json_t *fw_source_heavy_json(const struct fw_maps *maps, const struct fw_source_heavy *h)
{
	json_t *one = json_object();
	int err = 0;

	err |= fw_json_set(one, "packets", fw_json_count(h->packets));
	err |= fw_json_set(one, "bytes", fw_json_count(h->bytes));
	err |= fw_json_set(one, "lost", fw_json_count(h->lost));
	err |= fw_json_set(one, "reason",
			   h->lost ? fw_json_text(fw_source_reason(h->reason)) : json_null());
	err |= fw_json_set(one, "since", fw_lane_time_json(maps, h->since_s));
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

struct top {
	struct fw_cli *cli;
	const struct fw_maps *maps;
	const struct fw_model *model;
	const struct fw_source_heavy *rows;
	size_t count;
	double seconds; /* that the rows are of */
	bool rates;	/* one look of several */
};

static json_t *row_json(const struct top *t, const struct fw_source_heavy *row)
{
	json_t *counts = fw_source_heavy_json(t->maps, row), *one = json_object();
	char text[FW_TEXT_LEN];
	int err = 0;

	err |= fw_json_set(one, "source", fw_json_text(put_key(text, sizeof(text), row)));
	err |= fw_json_set(one, "class",
			   fw_json_text(t->model->class[row->class % FW_CLASS_MAX].name));
	err |= json_object_update(one, counts);
	json_decref(counts);
	if (t->rates && t->seconds > 0) {
		err |= fw_json_set(one, "packets_per_s",
				   json_real((double)row->packets / t->seconds));
		err |= fw_json_set(one, "bytes_per_s", json_real((double)row->bytes / t->seconds));
		err |= fw_json_set(one, "lost_per_s", json_real((double)row->lost / t->seconds));
	}
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

static int print_json(const struct top *t)
{
	json_t *doc = json_object(), *list = json_array();
	int err = 0;

	for (size_t i = 0; i < t->count; i++)
		err |= fw_json_push(list, row_json(t, &t->rows[i]));
	err |= fw_json_set(doc, "seconds", json_real(t->seconds));
	err |= fw_json_set(doc, "sources", list);
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(t->cli, doc);
}

/* "1.23 Mpps", "35.2 MB/s"; totals "1.23M", "35.2MB". */
static void number_cell(struct fw_table *table, const struct top *t, __u64 n,
			const char *total_unit, const char *rate_unit)
{
	char text[FW_TEXT_LEN];
	size_t digits;

	if (!t->rates || !(t->seconds > 0)) {
		fw_text_put_about(text, sizeof(text), (double)n);
		fw_table_cell(table, "%s%s", text, total_unit);
		return;
	}
	fw_text_put_about(text, sizeof(text), (double)n / t->seconds);
	digits = strspn(text, "0123456789.");
	fw_table_cell(table, "%.*s %s%s", (int)digits, text, text + digits, rate_unit);
}

static int print_text(const struct top *t)
{
	static const struct fw_column columns[] = {
		{ "SOURCE", FW_LEFT }, { "CLASS", FW_LEFT }, { "PACKETS", FW_RIGHT },
		{ "BYTES", FW_RIGHT }, { "LOST", FW_RIGHT }, { "LAST LOST FOR", FW_LEFT },
		{ "SINCE", FW_RIGHT },
	};
	__u32 now_s = (__u32)(fw_apply_now(t->maps) / FW_NS_PER_S);
	struct fw_table *table;
	char text[FW_TEXT_LEN];
	int err;

	if (!t->count) {
		puts(t->rates ? "no source was counted since the last look"
			      : "no source was counted yet");
		return 0;
	}
	table = fw_table_new(columns, 7);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < t->count; i++) {
		const struct fw_source_heavy *r = &t->rows[i];
		__u32 age = now_s > r->since_s ? now_s - r->since_s : 0;

		fw_table_cell(table, "%s", put_key(text, sizeof(text), r));
		fw_table_cell(table, "%s", t->model->class[r->class % FW_CLASS_MAX].name);
		number_cell(table, t, r->packets, "", "pps");
		number_cell(table, t, r->bytes, "B", "B/s");
		number_cell(table, t, r->lost, "", "pps");
		fw_table_cell_styled(table, FW_STYLE_BAD, "%s",
				     r->lost ? fw_source_reason(r->reason) : "");
		fw_table_cell(table, "%s",
			      age ? fw_text_put_duration(text, sizeof(text), age) : "now");
	}
	printf("of the last %s\n", fw_source_span(text, sizeof(text), t->seconds));
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	return err;
}

/* For the next look; without memory that is as the first one. */
static void remember(struct fw_cli *cli, __u64 when_ns)
{
	struct top_memory *m = cli->memory;

	if (!m)
		m = calloc(1, sizeof(*m));
	if (!m)
		return;
	m->when_ns = when_ns;
	cli->memory = m;
	cli->memory_free = free;
}

static int read_arguments(struct fw_cli *cli, int argc, char **argv, size_t *ret_max,
			  enum top_by *ret_by)
{
	const char *by = fw_cli_option(cli, "by");
	__u64 max = TOP_DEFAULT;
	int err;

	if (argc) {
		err = fw_text_number(argv[0], &max, &cli->err);
		if (err)
			return err;
		if (!max || max > TOP_MAX)
			return fw_cli_usage(cli, "%s sources: say 1 to %d", argv[0], TOP_MAX);
	}
	*ret_max = max;
	for (enum top_by i = BY_PACKETS; i <= BY_BYTES; i++) {
		if (by && strcmp(by, orders[i].name))
			continue;
		*ret_by = i;
		return 0;
	}
	return fw_cli_usage(cli, "--by %.40s: say packets, lost or bytes", by);
}

int fw_source_top(struct fw_cli *cli, int argc, char **argv)
{
	const struct top_memory *m = cli->memory;
	struct fw_source_heavies all = {};
	struct fw_model *model = NULL;
	struct fw_maps maps;
	enum top_by by = BY_PACKETS;
	size_t max = 0;
	int err;

	err = read_arguments(cli, argc, argv, &max, &by);
	if (!err)
		err = fw_maps_open(cli->pins, FW_MAPS_POLICY | FW_MAPS_TALLIES, &maps, &cli->err);
	if (err)
		return err;
	err = fw_source_heavy(&maps, m ? m->when_ns : 0, &all, &cli->err);
	if (!err)
		err = fw_apply_read_model(&maps, &model, &cli->err);
	if (err)
		goto out;
	qsort(all.list, all.count, sizeof(*all.list), orders[by].compare);
	struct top t = { cli,
			 &maps,
			 model,
			 all.list,
			 all.count < max ? all.count : max,
			 (double)(all.now_ns - all.since_ns) / FW_NS_PER_S,
			 m };
	err = cli->json ? print_json(&t) : print_text(&t);
	if (cli->watch_s > 0)
		remember(cli, all.now_ns);
out:
	free(all.list);
	free(model);
	fw_maps_close(&maps);
	return err;
}
