// SPDX-License-Identifier: GPL-2.0-only
/*
 * add, del, flush: arguments are read and checked before the lock is taken; then all of them are
 * applied in one generation, or none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/lane.h"

__u32 fw_lane_left(__u64 now_ns, __u32 until_s)
{
	__u64 until = until_s * FW_NS_PER_S;

	if (until <= now_ns)
		return 0;
	return until - now_ns < FW_NS_PER_S ? 1 : (__u32)((until - now_ns) / FW_NS_PER_S);
}

const char *fw_lane_put_until(char *buf, size_t size, const struct fw_edit *edit,
			      const struct fw_prefix *how)
{
	char left[FW_TEXT_LEN], when[FW_CLOCK_LEN];
	__u64 now = fw_apply_now(&edit->maps);

	*buf = '\0';
	if (how->until_s == FW_FOREVER)
		return buf;
	/* As it was asked for, not less the time that writing took: the end is rounded up. */
	fw_text_put_duration(left, sizeof(left), how->until_s - how->since_s - 1);
	fw_clock_put(when, sizeof(when), fw_clock_to_realtime(how->until_s * FW_NS_PER_S, now));
	snprintf(buf, size, " for %s (until %s)", left, when);
	return buf;
}

json_t *fw_lane_time_json(const struct fw_maps *maps, __u32 s)
{
	char when[FW_CLOCK_LEN];

	if (!s || s == FW_FOREVER)
		return json_null();
	return fw_json_text(fw_clock_put(
		when, sizeof(when), fw_clock_to_realtime(s * FW_NS_PER_S, fw_apply_now(maps))));
}

int fw_lane_options(struct fw_cli *cli, enum fw_lane lane, const struct fw_edit *edit,
		    struct fw_prefix *ret)
{
	const char *time = fw_cli_option(cli, "for");
	__u32 for_s = FW_FOREVER;
	int err;

	if (time) {
		err = fw_text_duration(time, &for_s, &cli->err);
		if (err) {
			fw_err_prepend(&cli->err, "--for");
			return err;
		}
	}
	*ret = (struct fw_prefix){
		.lane = (__u8)lane,
		.since_s = edit->apply.now_s,
		.until_s = fw_clock_until(fw_apply_now(&edit->maps), for_s),
	};
	return 0;
}

/* Parse all prefixes first, so that nothing is touched when the last of them is wrong. */
static int parse_prefixes(struct fw_cli *cli, bool classed, int argc, char **argv,
			  struct fw_prefix **ret)
{
	struct fw_prefix *list = calloc((size_t)argc, sizeof(*list)), none;
	int err;

	if (!list) {
		fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		return -ENOMEM;
	}
	for (int i = 0; i < argc; i++) {
		err = fw_text_prefix(argv[i], list[i].addr_be, &list[i].len, &cli->err);
		if (err && classed && !fw_text_prefix(argv[-1], none.addr_be, &none.len, NULL))
			err = fw_cli_usage(cli, "the class comes first: class %s %.40s %.60s",
					   cli->command->verb, argv[i], argv[-1]);
		if (err) {
			free(list);
			return err;
		}
	}
	*ret = list;
	return 0;
}

/* Leaves each prefix in the list once; returns how many these are. */
static int drop_repeated(struct fw_prefix *list, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++) {
		int k = 0;

		while (k < kept &&
		       (list[k].len != list[i].len ||
			memcmp(list[k].addr_be, list[i].addr_be, sizeof(list[k].addr_be))))
			k++;
		if (k == kept)
			list[kept++] = list[i];
	}
	return kept;
}

/* Lanes of class take the class's name as their first operand. */
int fw_lane_class(struct fw_cli *cli, const struct fw_model *model, const char *name, int *ret)
{
	int class = fw_model_class_find(model, name, &cli->err);

	if (class == -EINVAL && !*cli->err.hint)
		snprintf(cli->err.hint, sizeof(cli->err.hint),
			 "make it first: floodwall class new NAME");
	if (class < 0)
		return class;
	if (class == FW_CLASS_DEFAULT || class == FW_CLASS_TRUSTED)
		return fw_cli_usage(cli, "class %s takes no prefixes: %s", name,
				    class == FW_CLASS_DEFAULT
					    ? "every source is in it that is in no other"
					    : "trusted sources are in it, see floodwall trust");
	*ret = class;
	return 0;
}

static unsigned int lane_parts(enum fw_lane lane)
{
	return lane == FW_LANE_BLOCKED ? FW_APPLY_LANES : FW_APPLY_LANES | FW_APPLY_POLICY;
}

static json_t *prefix_list_json(const struct fw_prefix *list, int n)
{
	json_t *array = json_array();
	char text[FW_TEXT_LEN];

	for (int i = 0; i < n; i++)
		(void)fw_json_push(array, /* a NULL list says it */
				   fw_json_text(fw_text_put_prefix(text, sizeof(text),
								   list[i].addr_be, list[i].len)));
	return array;
}

struct change {
	enum fw_lane lane;
	const char *class; /* name, or NULL */
	const struct fw_prefix *list;
	int n, replaced, moved; /* of the replaced: from another class */
	struct fw_prefix how;	/* lane, since, until, class of all */
	const char *why;
};

static json_t *change_json(const struct fw_edit *edit, const struct change *c, const char *key)
{
	json_t *doc = json_object();
	int err = 0;

	err |= fw_json_set(doc, "lane", fw_json_text(fw_model_lane_name(c->lane)));
	if (c->class)
		err |= fw_json_set(doc, "class", fw_json_text(c->class));
	err |= fw_json_set(doc, key, prefix_list_json(c->list, c->n));
	if (!strcmp(key, "added")) {
		err |= fw_json_set(doc, "replaced", json_integer(c->replaced));
		err |= fw_json_set(doc, "until", fw_lane_time_json(&edit->maps, c->how.until_s));
		err |= fw_json_set(doc, "why", c->why ? fw_json_text(c->why) : json_null());
	}
	err |= fw_json_set(doc, "generation", json_integer(FW_LIVE_GENERATION(edit->apply.live)));
	if (!err)
		return doc;
	json_decref(doc);
	return NULL;
}

static int add_done(struct fw_cli *cli, const struct fw_edit *edit, const struct change *c)
{
	char until[128], text[FW_TEXT_LEN], again[96] = "", moved[32] = "";
	const char *plural = c->n == 1 ? "" : "es";

	if (cli->json)
		return fw_cli_done(cli, change_json(edit, c, "added"), "%s", "");
	if (c->moved)
		snprintf(moved, sizeof(moved), " (%d in another class)", c->moved);
	if (c->replaced)
		snprintf(again, sizeof(again), "; %d had been%s, time and reason are the new ones",
			 c->replaced, moved);
	if (c->n == 1)
		fw_text_put_prefix(text, sizeof(text), c->list[0].addr_be, c->list[0].len);
	else
		snprintf(text, sizeof(text), "%d prefix%s", c->n, plural);
	return fw_cli_done(cli, NULL, "%s %s%s%s%s%s", text, fw_lane_words[c->lane].done,
			   c->class ? " " : "", c->class ? c->class : "",
			   fw_lane_put_until(until, sizeof(until), edit, &c->how), again);
}

static int add_all(struct fw_cli *cli, struct fw_edit *edit, struct change *c)
{
	bool force = fw_cli_option(cli, "force");

	for (int i = 0; i < c->n; i++) {
		struct fw_prefix one = c->how;
		const struct fw_prefix *was;
		int err;

		memcpy(one.addr_be, c->list[i].addr_be, sizeof(one.addr_be));
		one.len = c->list[i].len;
		was = fw_prefixes_find(&edit->apply.prefixes, c->lane, one.addr_be, one.len);
		c->moved += was && was->class != one.class;
		err = force ? 0 : fw_lane_check_width(cli, &one);
		if (err)
			return err;
		err = fw_prefixes_add(&edit->apply.prefixes, &one, c->why, &cli->err);
		if (err < 0)
			return err;
		c->replaced += err;
	}
	return 0;
}

int fw_lane_add(struct fw_cli *cli, int argc, char **argv)
{
	struct change c = { .lane = (enum fw_lane)cli->command->tag };
	bool classed = c.lane == FW_LANE_CLASS;
	struct fw_edit edit = { .lock = -1 };
	struct fw_prefix *list = NULL;
	int err, class = 0;

	c.n = argc - classed;
	c.why = fw_cli_option(cli, "why");
	c.class = classed ? argv[0] : NULL;
	err = parse_prefixes(cli, classed, c.n, argv + classed, &list);
	if (err)
		return err;
	c.list = list;
	c.n = drop_repeated(list, c.n);
	err = fw_edit_begin(cli, lane_parts(c.lane), &edit);
	if (!err)
		err = fw_lane_options(cli, c.lane, &edit, &c.how);
	if (!err && classed)
		err = fw_lane_class(cli, edit.apply.model, argv[0], &class);
	if (err)
		goto out;
	c.how.class = (__u8) class;
	err = add_all(cli, &edit, &c);
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_LANES);
	if (err)
		goto out;
	fw_lane_warn_outweighed(cli, &edit.apply.prefixes, c.lane,
				&(struct fw_lane_news){ .list = list, .n = c.n });
	if (c.lane != FW_LANE_BLOCKED)
		fw_lane_warn_reserved(cli, edit.apply.model, list, (size_t)c.n, c.lane);
	err = add_done(cli, &edit, &c);
out:
	fw_edit_end(&edit);
	free(list);
	return err;
}

/* Say why a prefix that is not there may still be listed: by a wider one, or in another class. */
static int not_there(struct fw_cli *cli, struct fw_edit *edit, const struct change *c,
		     const struct fw_prefix *one)
{
	struct fw_prefixes *set = &edit->apply.prefixes;
	const struct fw_prefix *p = fw_prefixes_find(set, c->lane, one->addr_be, one->len);
	char text[FW_TEXT_LEN], wider[FW_TEXT_LEN], hint[FW_ERR_LEN];

	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	snprintf(hint, sizeof(hint), "floodwall %s list shows what is", cli->command->object);
	if (p)
		snprintf(hint, sizeof(hint), "it is in class %s",
			 edit->apply.model->class[p->class].name);
	for (size_t i = 0; i < set->count && !p; i++) {
		p = &set->at[i];
		if (p->lane == c->lane && p->class == c->how.class && p->len < one->len &&
		    fw_prefixes_covers(p, one->addr_be))
			snprintf(hint, sizeof(hint), "it is covered by %s; take that one away",
				 fw_text_put_prefix(wider, sizeof(wider), p->addr_be, p->len));
		else
			p = NULL;
	}
	return fw_err_set(
		&cli->err, -ENOENT, hint, "%s is not %s%s%s by itself; nothing was changed", text,
		fw_lane_words[c->lane].done, c->class ? " " : "", c->class ? c->class : "");
}

int fw_lane_del(struct fw_cli *cli, int argc, char **argv)
{
	struct change c = { .lane = (enum fw_lane)cli->command->tag };
	bool classed = c.lane == FW_LANE_CLASS;
	struct fw_edit edit = { .lock = -1 };
	struct fw_prefix *list = NULL;
	char text[FW_TEXT_LEN];
	int err, class = 0;

	c.n = argc - classed;
	c.class = classed ? argv[0] : NULL;
	err = parse_prefixes(cli, classed, c.n, argv + classed, &list);
	if (err)
		return err;
	c.list = list;
	c.n = drop_repeated(list, c.n);
	err = fw_edit_begin(cli, lane_parts(c.lane), &edit);
	if (!err && classed)
		err = fw_lane_class(cli, edit.apply.model, argv[0], &class);
	if (err)
		goto out;
	c.how.class = (__u8) class;
	for (int i = 0; i < c.n && !err; i++) {
		struct fw_prefixes *set = &edit.apply.prefixes;
		struct fw_prefix *p = fw_prefixes_find(set, c.lane, list[i].addr_be, list[i].len);

		if (!p || p->class != class)
			err = not_there(cli, &edit, &c, &list[i]);
		else
			err = fw_prefixes_del(set, c.lane, list[i].addr_be, list[i].len, &cli->err);
	}
	if (!err)
		err = fw_edit_commit(cli, &edit, FW_APPLY_LANES);
	if (err)
		goto out;
	if (c.n == 1)
		fw_text_put_prefix(text, sizeof(text), list[0].addr_be, list[0].len);
	else
		snprintf(text, sizeof(text), "%d prefixes", c.n);
	err = fw_cli_done(cli, cli->json ? change_json(&edit, &c, "removed") : NULL, "%s %s%s%s",
			  text, fw_lane_words[c.lane].undone, classed ? " " : "",
			  classed ? argv[0] : "");
out:
	fw_edit_end(&edit);
	free(list);
	return err;
}

int fw_lane_flush(struct fw_cli *cli, int argc, char **argv)
{
	enum fw_lane lane = (enum fw_lane)cli->command->tag;
	struct fw_edit edit;
	int err, class = -1;
	size_t gone;

	err = fw_edit_begin(cli, lane_parts(lane), &edit);
	if (!err && lane == FW_LANE_CLASS && argc)
		err = fw_lane_class(cli, edit.apply.model, argv[0], &class);
	if (err)
		goto out;
	gone = fw_prefixes_flush(&edit.apply.prefixes, lane, class);
	err = fw_edit_commit(cli, &edit, FW_APPLY_LANES);
	if (!err)
		err = fw_cli_done(cli,
				  json_pack("{s:s,s:I,s:i}", "lane", fw_model_lane_name(lane),
					    "removed", (json_int_t)gone, "generation",
					    (int)FW_LIVE_GENERATION(edit.apply.live)),
				  "%zu prefix%s %s%s%s", gone, gone == 1 ? "" : "es",
				  fw_lane_words[lane].undone, argc ? " " : "", argc ? argv[0] : "");
out:
	fw_edit_end(&edit);
	return err;
}
