// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load, give it a policy, run frames. The facts of the last frame lie in the program's scratch
 * memory, which is an array here and mapped, so learning them costs no system call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include "bpf/knob_values.h"
#include "bpf/level.h"
#include "bpf/pkt.h"
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/replay/judge.h"
#include "user/kern/probe.h"

#define PREFIXES_LEAST 4096

/* Loading is all the privilege it takes; say so. */
static int refused(int r, struct fw_err *err)
{
	if (r == -EPERM || r == -EACCES)
		snprintf(err->hint, sizeof(err->hint),
			 "run it with sudo: the kernel must load the program, though it is "
			 "attached to nothing");
	return r;
}

static int load(const struct fw_judge_opts *opts, struct fw_judge *j, struct fw_err *err)
{
	struct fw_object_opts how = {
		.sizes = opts->sizes,
		.clock = FW_CLOCK_VIRTUAL,
		.stages = FW_S_LONG_WAY,
		.build = FW_VERSION,
		.fixed_keys = true,
		.keys = opts->keys,
		.local_port = fw_probe_local_port(),
		.watch = true,
	};
	__u64 prefixes = opts->lanes ? opts->lanes->count : 0;
	struct fw_features features;
	int r;

	how.sizes.prefixes4 = how.sizes.prefixes4 ?: prefixes + PREFIXES_LEAST;
	how.sizes.prefixes6 = how.sizes.prefixes6 ?: prefixes + PREFIXES_LEAST;
	if (how.sizes.prefixes6 > FW_PREFIXES6_MAX)
		how.sizes.prefixes6 = FW_PREFIXES6_MAX;
	r = fw_probe_features(&features, err);
	if (!r)
		r = fw_probe_require(&features, err);
	if (r)
		return refused(r, err);
	how.frags = features.frags == FW_YES;
	how.cookie_raw = features.raw_cookie == FW_YES;
	r = fw_object_open(&how, &j->obj, err);
	if (!r)
		r = fw_object_load(j->obj, err);
	if (!r)
		r = fw_object_commit(j->obj, err);
	return refused(r, err);
}

static int map(struct fw_judge *j, struct fw_err *err)
{
	int r = fw_maps_open_object(j->obj, FW_MAPS_ALL | FW_MAPS_WRITE, &j->maps, err);

	if (!r)
		r = fw_run_view(j->obj, "fw_scratch", sizeof(struct pkt), &j->facts, err);
	if (!r)
		r = fw_run_view(j->obj, "fw_src_fp", sizeof(__u64), &j->fp, err);
	if (!r)
		r = fw_run_view(j->obj, "fw_src", sizeof(struct fw_src_set), &j->src, err);
	if (!r)
		r = fw_run_view(j->obj, "fw_src_more", sizeof(__u64), &j->more, err);
	return r;
}

static int set_policy(const struct fw_judge_opts *opts, struct fw_judge *j, struct fw_err *err)
{
	struct fw_model *model = malloc(sizeof(*model));
	int r;

	if (!model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	if (opts->model)
		*model = *opts->model;
	else
		fw_model_default(model);
	model->flags &= ~(__u32)FW_P_MONITOR;
	r = fw_apply_init(&j->maps, model, err);
	free(model);
	return r;
}

static int set_lanes(const struct fw_prefixes *lanes, struct fw_judge *j, struct fw_err *err)
{
	struct fw_apply apply;
	int r;

	if (!lanes || !lanes->count)
		return 0;
	r = fw_apply_begin(&j->maps, FW_APPLY_LANES, &apply, err);
	if (r)
		return r;
	r = fw_prefixes_load(&apply.prefixes, lanes->at, lanes->count, lanes->why, lanes->whys,
			     err);
	/* Of the live ones those that are over stand there until somebody changes a lane. */
	fw_prefixes_expire(&apply.prefixes, apply.now_s);
	apply.changed = FW_APPLY_LANES;
	if (!r)
		r = fw_apply_commit(&apply, err);
	fw_apply_end(&apply);
	return r;
}

int fw_judge_open(const struct fw_judge_opts *opts, struct fw_judge *ret, struct fw_err *err)
{
	struct fw_judge j = { 0 };
	int r = load(opts, &j, err);

	if (!r)
		r = map(&j, err);
	if (!r) {
		j.maps.ctl->virtual_ns = opts->start_ns ?: FW_JUDGE_START_NS;
		r = set_policy(opts, &j, err);
	}
	if (!r)
		r = set_lanes(opts->lanes, &j, err);
	if (r)
		fw_judge_close(&j);
	else
		*ret = j;
	return r;
}

void fw_judge_close(struct fw_judge *j)
{
	fw_run_unview(&j->facts);
	fw_run_unview(&j->fp);
	fw_run_unview(&j->src);
	fw_run_unview(&j->more);
	fw_maps_close(&j->maps);
	fw_object_close(j->obj);
	*j = (struct fw_judge){ 0 };
}

static int verdict_of(__u32 action, enum fw_verdict *ret)
{
	switch (action) {
	case XDP_PASS:
		*ret = FW_V_PASS;
		return 0;
	case XDP_DROP:
		*ret = FW_V_DROP;
		return 0;
	case XDP_TX:
		*ret = FW_V_TX;
		return 0;
	default:
		return -EIO;
	}
}

int fw_judge_frame(struct fw_judge *j, __u64 now_ns, const void *data, __u32 len,
		   struct fw_judged *ret)
{
	const struct pkt *p = j->facts.mem;
	__u32 action;
	int r;

	now_ns -= now_ns % j->obj->meta.tick_ns;
	__atomic_store_n(&j->maps.ctl->virtual_ns, now_ns, __ATOMIC_SEQ_CST);
	r = fw_run_frame(j->obj, data, len, &action);
	if (r)
		return r == -EINVAL ? -E2BIG : r;
	r = verdict_of(action, &ret->verdict);
	/* The scratch memory is only believed if it is about this frame. */
	if (r || p->now != now_ns || p->reason >= FW_R_MAX)
		return -EIO;
	ret->reason = p->reason;
	ret->service = p->service & (FW_SERVICE_MAX - 1);
	ret->class = p->class & (FW_CLASS_MAX - 1);
	ret->soft = p->soft;
	ret->known = p->known;
	ret->proven = p->proven;
	ret->trusted = p->trusted;
	return 0;
}

const struct fw_policy *fw_judge_policy(const struct fw_judge *j)
{
	return &j->maps.policy[FW_LIVE_POLICY(j->maps.ctl->live)];
}

const struct fw_policy_text *fw_judge_text(const struct fw_judge *j)
{
	return &j->maps.policy_txt[FW_LIVE_POLICY(j->maps.ctl->live)];
}

__u32 fw_judge_level(const struct fw_judge *j, unsigned int service, __u64 now_ns)
{
	return fw_level_now(&j->maps.level[service], now_ns,
			    fw_judge_policy(j)->service[service].level_pin);
}
