// SPDX-License-Identifier: GPL-2.0-only
/*
 * list: the prefixes of a lane. Written row by row, because a list may hold a million of them and
 * must neither fill the memory nor keep the reader waiting for the first line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/lane.h"

struct list {
	struct fw_cli *cli;
	struct fw_maps maps;
	struct fw_prefixes set;
	struct fw_model *model; /* for the names of classes; NULL for other lanes */
	enum fw_lane lane;
	int class;     /* -1 = all */
	bool expired;  /* show them too */
	bool filtered; /* only what overlaps `only` */
	struct fw_prefix only;
	__u64 now; /* program time, ns */
	__u32 now_s;
	size_t shown;
	int width; /* of the prefix column */
};

static bool wanted(const struct list *l, const struct fw_prefix *one)
{
	if (one->lane != l->lane || (l->class >= 0 && one->class != l->class))
		return false;
	if (!l->expired && one->until_s <= l->now_s)
		return false;
	if (!l->filtered)
		return true;
	return one->len <= l->only.len ? fw_prefixes_covers(one, l->only.addr_be)
				       : fw_prefixes_covers(&l->only, one->addr_be);
}

static const char *class_name(const struct list *l, const struct fw_prefix *one)
{
	return one->class < FW_CLASS_MAX ? l->model->class[one->class].name : "?";
}

static void put_left(char *buf, size_t size, const struct list *l, const struct fw_prefix *one)
{
	if (one->until_s == FW_FOREVER)
		snprintf(buf, size, "forever");
	else if (one->until_s <= l->now_s)
		snprintf(buf, size, "expired");
	else
		fw_text_put_duration(buf, size, fw_lane_left(l->now, one->until_s));
}

static void print_row(struct list *l, const struct fw_prefix *one)
{
	char prefix[FW_TEXT_LEN], since[FW_CLOCK_LEN], left[FW_TEXT_LEN];

	fw_text_put_prefix(prefix, sizeof(prefix), one->addr_be, one->len);
	fw_clock_put(since, sizeof(since),
		     fw_clock_to_realtime(one->since_s * FW_NS_PER_S, l->now));
	put_left(left, sizeof(left), l, one);
	printf("%-*s  ", l->width, prefix);
	if (l->model)
		printf("%-*s  ", FW_NAME_LEN - 1, class_name(l, one));
	printf("%-25s  %8s%s%s\n", since, left, one->why ? "  " : "",
	       one->why ? fw_prefixes_why(&l->set, one) : "");
}

static void print_none(const struct list *l)
{
	const char *class = l->class < 0 ? NULL : l->model->class[l->class].name;

	printf("no %sprefix is %s%s%s\n", l->filtered ? "such " : "",
	       l->model && !class ? "in a class" : fw_lane_words[l->lane].done, class ? " " : "",
	       class ? class : "");
}

static void print_text(struct list *l)
{
	char prefix[FW_TEXT_LEN];

	l->width = 6;
	for (size_t i = 0; i < l->set.count; i++) {
		int len;

		if (!wanted(l, &l->set.at[i]))
			continue;
		fw_text_put_prefix(prefix, sizeof(prefix), l->set.at[i].addr_be, l->set.at[i].len);
		len = (int)strlen(prefix);
		l->width = len > l->width ? len : l->width;
		l->shown++;
	}
	if (!l->shown) {
		print_none(l);
		return;
	}
	printf("%s%-*s  ", l->cli->color ? "\033[1m" : "", l->width, "PREFIX");
	if (l->model)
		printf("%-*s  ", FW_NAME_LEN - 1, "CLASS");
	printf("%-25s  %8s  %s%s\n", "SINCE", "LEFT", "WHY", l->cli->color ? "\033[0m" : "");
	for (size_t i = 0; i < l->set.count && !ferror(stdout); i++)
		if (wanted(l, &l->set.at[i]))
			print_row(l, &l->set.at[i]);
}

static json_t *row_json(struct list *l, const struct fw_prefix *one)
{
	json_t *row = json_object();
	char text[FW_TEXT_LEN];
	int err = 0;

	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	err |= fw_json_set(row, "prefix", fw_json_text(text));
	if (l->model)
		err |= fw_json_set(row, "class", fw_json_text(class_name(l, one)));
	err |= fw_json_set(row, "since", fw_lane_time_json(&l->maps, one->since_s));
	err |= fw_json_set(row, "until", fw_lane_time_json(&l->maps, one->until_s));
	err |= fw_json_set(row, "left_s",
			   one->until_s == FW_FOREVER
				   ? json_null()
				   : json_integer(fw_lane_left(l->now, one->until_s)));
	err |= fw_json_set(row, "why", fw_json_text(fw_prefixes_why(&l->set, one)));
	if (!err)
		return row;
	json_decref(row);
	return NULL;
}

/* One row of the document at a time; broken off only by lack of memory or of a reader. */
static int print_json(struct list *l)
{
	bool lines = l->cli->pretty && !(l->cli->watch_s > 0);
	int err = 0;

	printf("{\"schema\":%d,\"lane\":\"%s\",\"prefixes\":[", FW_JSON_SCHEMA,
	       fw_model_lane_name(l->lane));
	for (size_t i = 0; i < l->set.count && !err && !ferror(stdout); i++) {
		json_t *row;

		if (!wanted(l, &l->set.at[i]))
			continue;
		row = row_json(l, &l->set.at[i]);
		printf("%s%s", l->shown++ ? "," : "", lines ? "\n  " : "");
		err = row ? 0 : -ENOMEM;
		if (row && json_dumpf(row, stdout, lines ? 0 : JSON_COMPACT))
			err = -EIO;
		json_decref(row);
	}
	printf("%s],\"count\":%zu}\n", lines ? "\n" : "", l->shown);
	return err;
}

/* Operands: [CLASS] [PREFIX]; a word that is a prefix is one. */
static int parse(struct list *l, int argc, char **argv)
{
	struct fw_cli *cli = l->cli;

	for (int i = 0; i < argc; i++) {
		int err = fw_text_prefix(argv[i], l->only.addr_be, &l->only.len, &cli->err);

		if (!err && !l->filtered) {
			l->filtered = true;
		} else if (err && l->model && l->class < 0 && !strpbrk(argv[i], "/:")) {
			l->class = fw_model_class_find(l->model, argv[i], &cli->err);
			if (l->class < 0)
				return l->class;
		} else {
			return err ? err
				   : fw_cli_usage(cli, "\"%.60s\": one prefix at a time", argv[i]);
		}
	}
	return 0;
}

int fw_lane_list(struct fw_cli *cli, int argc, char **argv)
{
	struct list l = {
		.cli = cli,
		.lane = (enum fw_lane)cli->command->tag,
		.class = -1,
		.expired = fw_cli_option(cli, "expired") != NULL,
	};
	unsigned int parts = FW_MAPS_LANES | (l.lane == FW_LANE_CLASS ? FW_MAPS_POLICY : 0);
	int err;

	err = fw_maps_open(cli->pins, parts, &l.maps, &cli->err);
	if (err)
		return err;
	if (l.lane == FW_LANE_CLASS)
		err = fw_apply_read_model(&l.maps, &l.model, &cli->err);
	if (!err)
		err = parse(&l, argc, argv);
	if (!err)
		err = fw_apply_read_prefixes(&l.maps, &l.set, &cli->err);
	if (err)
		goto out;
	l.now = fw_apply_now(&l.maps);
	l.now_s = (__u32)(l.now / FW_NS_PER_S);
	fw_prefixes_sort(&l.set);
	if (cli->json)
		err = print_json(&l);
	else
		print_text(&l);
out:
	fw_prefixes_free(&l.set);
	free(l.model);
	fw_maps_close(&l.maps);
	return err;
}
