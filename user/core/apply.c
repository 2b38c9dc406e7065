// SPDX-License-Identifier: GPL-2.0-only
/*
 * Read, edit, compile into the idle half, flip. What must stay true: nothing of a live half is ever
 * written; the flip is one 64-bit store and the last one; after it every CPU has left the old half
 * before the lock goes. So a kill at any point leaves a whole generation running.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/apply_live.h"
#include "user/policy/compile.h"

#define READ_TRIES 100

struct fw_lanes fw_apply_lanes(const struct fw_maps *maps, __u32 half, struct fw_lane_head *head)
{
	return (struct fw_lanes){
		.head = head,
		.top4 = maps->lane4_top + (size_t)half * 16384,
		.dir4 = maps->lane4_dir + (size_t)half * 65536,
		.set4 = maps->lane4_set + (size_t)half * maps->cap_set4,
		.range4 = maps->lane4_rng + (size_t)half * maps->cap_rng4,
		.node6 = maps->lane6_node + (size_t)half * maps->cap_node6,
		.deep6 = maps->lane6_deep + (size_t)half * maps->cap_deep6,
		.profile = maps->profile + (size_t)half * maps->cap_profile,
		.set4_lines = maps->cap_set4,
		.range4_max = maps->cap_rng4,
		.node6_max = maps->cap_node6,
		.deep6_max = maps->cap_deep6,
		.profile_max = maps->cap_profile,
	};
}

static int load_model(const struct fw_maps *maps, __u64 live, struct fw_model **ret,
		      struct fw_err *err)
{
	__u32 half = FW_LIVE_POLICY(live);
	struct fw_model *model = malloc(sizeof(*model));
	int r;

	if (!model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	r = fw_model_from(&maps->policy[half], &maps->policy_txt[half], model, err);
	if (r) {
		fw_err_prepend(err, "the policy that runs cannot be read back");
		free(model);
		return r;
	}
	*ret = model;
	return 0;
}

static int load_prefixes(const struct fw_maps *maps, __u64 live, struct fw_prefixes *ret,
			 struct fw_err *err)
{
	__u32 half = FW_LIVE_LANES(live);
	__u32 prefixes = maps->lane_head[half].prefixes, whys = maps->lane_head[half].whys;
	int r;

	if (prefixes > maps->cap_prefix || whys > maps->cap_why)
		return fw_err_set(err, -EIO, NULL,
				  "the prefixes that run cannot be read back: "
				  "%u of at most %u",
				  prefixes, maps->cap_prefix);
	r = fw_prefixes_load(ret, maps->prefix + (size_t)half * maps->cap_prefix, prefixes,
			     maps->why + (size_t)half * maps->cap_why, whys, err);
	if (r)
		fw_err_prepend(err, "the prefixes that run cannot be read back");
	return r;
}

/* A writer may reuse the half under us, but not without moving the live word first. */
int fw_apply_read_model(const struct fw_maps *maps, struct fw_model **ret_model, struct fw_err *err)
{
	for (int i = 0; i < READ_TRIES; i++) {
		__u64 live = fw_apply_live(maps);
		struct fw_model *model = NULL;
		int ret = load_model(maps, live, &model, err);

		if (live == fw_apply_live(maps)) {
			if (!ret)
				*ret_model = model;
			return ret;
		}
		free(model);
	}
	return fw_err_set(err, -EAGAIN, "try again",
			  "the policy changes faster than it can be read");
}

int fw_apply_read_prefixes(const struct fw_maps *maps, struct fw_prefixes *ret_prefixes,
			   struct fw_err *err)
{
	for (int i = 0; i < READ_TRIES; i++) {
		__u64 live = fw_apply_live(maps);
		int ret = load_prefixes(maps, live, ret_prefixes, err);

		if (live == fw_apply_live(maps))
			return ret;
		fw_prefixes_free(ret_prefixes);
	}
	return fw_err_set(err, -EAGAIN, "try again",
			  "the prefixes change faster than they can be read");
}

int fw_apply_read_back(const struct fw_maps *maps, struct fw_model **ret_model,
		       struct fw_prefixes *ret_prefixes, struct fw_err *err)
{
	__u64 back = 0;
	int r = fw_live_back(maps, &back, err);

	if (!r)
		r = load_prefixes(maps, back, ret_prefixes, err);
	if (r)
		return r;
	fw_prefixes_expire(ret_prefixes, (__u32)(fw_apply_now(maps) / FW_NS_PER_S));
	return load_model(maps, back, ret_model, err);
}

int fw_apply_begin(struct fw_maps *maps, unsigned int parts, struct fw_apply *ret,
		   struct fw_err *err)
{
	__u32 waits_s = fw_apply_pending(maps);
	int r;

	*ret = (struct fw_apply){ .maps = maps };
	if (waits_s)
		return fw_err_set(err, -EBUSY, "floodwall policy confirm, or floodwall policy undo",
				  "a change waits %u s for its confirmation", waits_s);
	ret->now_s = (__u32)(fw_apply_now(maps) / FW_NS_PER_S);
	ret->live = fw_apply_live(maps);
	if (parts & FW_APPLY_POLICY) {
		r = load_model(maps, ret->live, &ret->model, err);
		if (r)
			goto out;
	}
	if (parts & FW_APPLY_LANES) {
		r = load_prefixes(maps, ret->live, &ret->prefixes, err);
		if (r)
			goto out;
		fw_prefixes_expire(&ret->prefixes, ret->now_s);
	}
	return 0;
out:
	fw_apply_end(ret);
	return r;
}

void fw_apply_end(struct fw_apply *apply)
{
	free(apply->model);
	apply->model = NULL;
	fw_prefixes_free(&apply->prefixes);
}

/* A policy as the program and as its readers have it. */
struct compiled {
	struct fw_policy policy;
	struct fw_policy_text text;
};

static int compile_policy(const struct fw_maps *maps, const struct fw_model *model,
			  struct compiled **ret, struct fw_err *err)
{
	struct compiled *made = malloc(sizeof(*made));
	int r;

	if (!made)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	r = fw_compile_policy(model, maps->meta->tick_ns, &made->policy, &made->text, err);
	if (r)
		free(made);
	else
		*ret = made;
	return r;
}

static int write_policy(struct fw_maps *maps, __u32 half, const struct compiled *made,
			struct fw_err *err)
{
	memcpy(&maps->policy[half], &made->policy, sizeof(made->policy));
	memcpy(&maps->policy_txt[half], &made->text, sizeof(made->text));
	if (!memcmp(&maps->policy[half], &made->policy, sizeof(made->policy)) &&
	    !memcmp(&maps->policy_txt[half], &made->text, sizeof(made->text)))
		return 0;
	return fw_err_set(err, -EIO, "look whether another program writes to these maps",
			  "the policy reads back differently than it was written");
}

/* First or last address of a prefix. */
static void prefix_edge(const struct fw_prefix *one, bool last, __be32 addr_be[4])
{
	unsigned char *byte = (unsigned char *)addr_be;

	memcpy(addr_be, one->addr_be, sizeof(one->addr_be));
	for (unsigned int bit = one->len; last && bit < 128; bit++)
		byte[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

static bool profile_keeps(const struct fw_profile *profile, const struct fw_prefix *one)
{
	switch (one->lane) {
	case FW_LANE_MANAGEMENT:
		return profile->management_s >= one->until_s;
	case FW_LANE_TRUSTED:
		return profile->trusted_s >= one->until_s;
	case FW_LANE_BLOCKED:
		return profile->blocked_s >= one->until_s;
	default:
		/* A longer prefix may give the address to another class, but not to none. */
		return profile->class_s != 0;
	}
}

/* Look both ends of every prefix up as the program will: what is listed must be covered. */
static int verify_lanes(const struct fw_lanes *lanes, const struct fw_prefixes *set,
			struct fw_err *err)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		for (int last = 0; last < 2; last++) {
			__be32 addr_be[4];
			char text[FW_TEXT_LEN];
			__u32 index;

			prefix_edge(one, last, addr_be);
			index = fw_lanes_lookup(lanes, addr_be);
			if (index < lanes->profile_max &&
			    profile_keeps(&lanes->profile[index], one))
				continue;
			fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
			return fw_err_set(err, -EIO,
					  "nothing was changed; this is a bug, report it",
					  "%s would not be covered by the new prefixes", text);
		}
	}
	return 0;
}

static int check_room(const struct fw_maps *maps, const struct fw_prefixes *set, struct fw_err *err)
{
	if (set->count <= maps->cap_prefix && set->whys <= maps->cap_why)
		return 0;
	return fw_err_set(
		err, -ENOSPC,
		"floodwall policy save FILE keeps what runs; then detach, attach with more "
		"--prefixes4 or --prefixes6, and policy apply FILE",
		"%zu prefixes with %zu texts; there is room for %u and %u", set->count, set->whys,
		maps->cap_prefix, maps->cap_why);
}

static int write_lanes(struct fw_maps *maps, __u32 half, const struct fw_prefixes *set, __u32 now_s,
		       struct fw_err *err)
{
	struct fw_lanes out = fw_apply_lanes(maps, half, &maps->lane_head[half]);
	int ret;

	ret = fw_lanes_compile(set, now_s, &out, err);
	if (ret)
		return ret;
	if (set->count)
		memcpy(maps->prefix + (size_t)half * maps->cap_prefix, set->at,
		       set->count * sizeof(*set->at));
	if (set->whys)
		memcpy(maps->why + (size_t)half * maps->cap_why, set->why,
		       set->whys * sizeof(*set->why));
	return verify_lanes(&out, set, err);
}

int fw_apply_commit(struct fw_apply *apply, struct fw_err *err)
{
	struct fw_maps *maps = apply->maps;
	__u64 live, bits = apply->live & 3, deadline = 0;
	struct compiled *made = NULL;
	int ret = 0;

	if (!apply->changed)
		return 0;
	/* What is refused here has cost nothing: the half that undo goes back to is still whole. */
	if (apply->changed & FW_APPLY_POLICY)
		ret = compile_policy(maps, apply->model, &made, err);
	if (!ret && apply->changed & FW_APPLY_LANES)
		ret = check_room(maps, &apply->prefixes, err);
	if (ret)
		goto out;
	fw_live_settle(maps);
	live = maps->ctl->live;
	if (made) {
		bits ^= 1;
		ret = write_policy(maps, FW_LIVE_POLICY(bits), made, err);
	}
	if (!ret && apply->changed & FW_APPLY_LANES) {
		bits ^= 2;
		ret = write_lanes(maps, FW_LIVE_LANES(bits), &apply->prefixes, apply->now_s, err);
	}
	if (ret)
		goto out;
	apply->live = fw_live_next(maps, bits);
	if (apply->before_flip)
		apply->before_flip(apply);
	if (apply->confirm_s)
		deadline = fw_apply_now(maps) + apply->confirm_s * FW_NS_PER_S;
	fw_live_flip(maps, live, apply->live, deadline);
	apply->changed = 0;
out:
	free(made);
	return ret;
}

int fw_apply_init(struct fw_maps *maps, const struct fw_model *model, struct fw_err *err)
{
	struct fw_prefixes none = { 0 };
	struct fw_model *standard = NULL;
	struct compiled *made = NULL;
	int ret;

	if (!model) {
		standard = malloc(sizeof(*standard));
		if (!standard)
			return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
		fw_model_default(standard);
		model = standard;
	}
	ret = compile_policy(maps, model, &made, err);
	if (made)
		ret = write_policy(maps, 0, made, err);
	if (!ret)
		ret = write_lanes(maps, 0, &none, 0, err);
	if (!ret)
		fw_live_flip(maps, 0, 1ULL << 32, 0);
	free(made);
	free(standard);
	return ret;
}
