// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file beside what runs. Buckets, counters and bans go by the number of a class or service, so a
 * name that is there already keeps its number; and a prefix that is there already keeps its time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/core/policy_record.h"

#define SLACK_S 2 /* what reading a wall clock twice may differ by */

/* Old number -> new number of everything that has a name. */
struct places {
	__u8 class[FW_CLASS_MAX];
	__u8 service[FW_SERVICE_MAX];
};

/*
 * n rows whose name comes first, `size` apart: where each of `from` goes beside `running`. Names
 * that run keep their place, new ones take places that nothing runs in, so long as there are any,
 * and of those the ones that nothing was ever counted in.
 */
static void place_names(const char *running, const char *from, size_t size, unsigned int n,
			const bool *worn, __u8 *ret)
{
	bool taken[256] = { false };

	memset(ret, 0xff, n);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; from[i * size] && k < n; k++)
			if (!strcmp(from + i * size, running + k * size)) {
				ret[i] = (__u8)k;
				taken[k] = true;
			}
	for (int reuse = 0; reuse < 3; reuse++)
		for (unsigned int i = 0; i < n; i++)
			for (unsigned int k = 0; from[i * size] && ret[i] == 0xff && k < n; k++)
				if (!taken[k] && (reuse > 1 || !running[k * size]) &&
				    (reuse || !worn[k])) {
					ret[i] = (__u8)k;
					taken[k] = true;
				}
}

/* Amplifier ports are counted by slot as well. */
static void place_reflect(const struct fw_model *running, const struct fw_model *from,
			  struct fw_model *to)
{
	bool placed[FW_REFLECT_MAX] = { false };

	memset(to->reflect, 0, sizeof(to->reflect));
	for (int i = 1; i < FW_REFLECT_MAX; i++)
		for (int k = 1; k < FW_REFLECT_MAX; k++)
			if (from->reflect[i].port &&
			    from->reflect[i].port == running->reflect[k].port) {
				to->reflect[k] = from->reflect[i];
				placed[i] = true;
			}
	for (int reuse = 0; reuse < 2; reuse++)
		for (int i = 1; i < FW_REFLECT_MAX; i++)
			for (int k = 1; from->reflect[i].port && !placed[i] && k < FW_REFLECT_MAX;
			     k++)
				if (!to->reflect[k].port && (reuse || !running->reflect[k].port)) {
					to->reflect[k] = from->reflect[i];
					placed[i] = true;
				}
}

static void place_model(const struct fw_model *running, const struct fw_model *from,
			struct fw_model *to, struct places *places)
{
	place_names(running->class[0].name, from->class[0].name, sizeof(from->class[0]),
		    FW_CLASS_MAX, running->worn_class, places->class);
	place_names(running->service[0].name, from->service[0].name, sizeof(from->service[0]),
		    FW_SERVICE_MAX, running->worn_service, places->service);
	*to = *from;
	memset(to->class, 0, sizeof(to->class));
	memset(to->service, 0, sizeof(to->service));
	for (int i = 0; i < FW_CLASS_MAX; i++)
		if (*from->class[i].name)
			to->class[places->class[i]] = from->class[i];
	for (int i = 0; i < FW_SERVICE_MAX; i++)
		if (*from->service[i].name)
			to->service[places->service[i]] = from->service[i];
	for (__u32 i = 0; i < to->rules; i++)
		to->rule[i].service = places->service[from->rule[i].service];
	fw_model_rule_sort(to);
	place_reflect(running, from, to);
}

static __u32 gap(__u32 a, __u32 b)
{
	return a > b ? a - b : b - a;
}

/* The same end, but for when each was written: "until" read twice, or "for" begun before. */
static bool same_end(const struct fw_prefix *run, const struct fw_prefix *new)
{
	if (run->until_s == FW_FOREVER || new->until_s == FW_FOREVER)
		return run->until_s == new->until_s;
	return gap(run->until_s, new->until_s) <= SLACK_S ||
	       gap(run->until_s - run->since_s, new->until_s - new->since_s) <= 1;
}

static void place_prefixes(struct fw_prefixes *running, struct fw_prefixes *to,
			   struct fw_policy_diff *diff)
{
	size_t kept = 0;

	for (size_t i = 0; i < to->count; i++) {
		struct fw_prefix *new = &to->at[i];
		const struct fw_prefix *run =
			fw_prefixes_find(running, new->lane, new->addr_be, new->len);

		if (!run) {
			diff->added++;
			continue;
		}
		kept++;
		if (same_end(run, new)) {
			new->until_s = run->until_s;
			new->since_s = run->since_s;
		}
		diff->changed += new->until_s != run->until_s || new->class != run->class ||
				 ((new->why || run->why) &&
				  strcmp(fw_prefixes_why(to, new), fw_prefixes_why(running, run)));
	}
	diff->removed = running->count - kept;
}

/* Copies without the bytes between fields, so that the whole can be compared. */
static void plain_copy(const struct fw_model *from, struct fw_model *to)
{
	memset(to, 0, sizeof(*to));
	to->flags = from->flags;
	to->proof_s = from->proof_s;
	to->ban_s = from->ban_s;
	to->ban_max_s = from->ban_max_s;
	to->net48_factor = from->net48_factor;
	to->rules = from->rules;
	memcpy(to->budget, from->budget, sizeof(to->budget));
	memcpy(to->class, from->class, sizeof(to->class));
	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		const struct fw_model_service *a = &from->service[i];
		struct fw_model_service *b = &to->service[i];

		memcpy(b->name, a->name, sizeof(b->name));
		b->proof = a->proof;
		b->level_pin = a->level_pin;
		b->closed = a->closed;
		memcpy(b->crowd, a->crowd, sizeof(b->crowd));
		memcpy(b->net, a->net, sizeof(b->net));
	}
	for (__u32 i = 0; i < from->rules; i++) {
		const struct fw_model_rule *a = &from->rule[i];
		struct fw_model_rule *b = &to->rule[i];

		memcpy(b->addr_be, a->addr_be, sizeof(b->addr_be));
		b->first = a->first;
		b->last = a->last;
		b->any = a->any;
		b->proto = a->proto;
		b->service = a->service;
	}
	for (int i = 0; i < FW_REFLECT_MAX; i++) {
		to->reflect[i].port = from->reflect[i].port;
		to->reflect[i].everywhere = from->reflect[i].everywhere;
	}
}

__u64 fw_policy_hash_model(const struct fw_model *model)
{
	struct fw_model *copy = malloc(sizeof(*copy));
	__u64 hash;

	if (!copy)
		return 0;
	plain_copy(model, copy);
	hash = fw_policy_hash_bytes(0, copy, sizeof(*copy));
	free(copy);
	return hash;
}

int fw_policy_place(struct fw_file *running, const struct fw_file *file, __u32 now_s,
		    struct fw_file *ret, struct fw_policy_diff *ret_diff, struct fw_err *err)
{
	struct fw_file new = { .settings = file->settings };
	struct places places;
	__u64 hash, before;
	int r;

	memset(ret_diff, 0, sizeof(*ret_diff));
	new.model = malloc(sizeof(*new.model));
	if (!new.model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	place_model(running->model, file->model, new.model, &places);
	r = fw_prefixes_load(&new.lanes, file->lanes.at, file->lanes.count, file->lanes.why,
			     file->lanes.whys, err);
	if (r) {
		fw_file_free(&new);
		return r;
	}
	for (size_t i = 0; i < new.lanes.count; i++)
		if (new.lanes.at[i].lane == FW_LANE_CLASS)
			new.lanes.at[i].class = places.class[new.lanes.at[i].class];
	fw_prefixes_expire(&new.lanes, now_s);
	place_prefixes(&running->lanes, &new.lanes, ret_diff);
	hash = fw_policy_hash_model(new.model);
	before = fw_policy_hash_model(running->model);
	if (!hash || !before) {
		fw_file_free(&new);
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	}
	ret_diff->policy = hash != before;
	*ret = new;
	return 0;
}
