// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and policy under test. Lanes and models change the way operators change them; limits are
 * compiled by the same compiler and then stored straight into the live policy, because property
 * tests change them thousands of times.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/base/text.h"
#include "user/policy/compile.h"

void prog_clock(struct prog *prog, __u64 ns)
{
	__atomic_store_n(&prog->maps.ctl->virtual_ns, ns, __ATOMIC_SEQ_CST);
}

__u64 prog_now(const struct prog *prog)
{
	return __atomic_load_n(&prog->maps.ctl->virtual_ns, __ATOMIC_SEQ_CST);
}

void prog_step(struct prog *prog, __s64 ns)
{
	prog_clock(prog, prog_now(prog) + (__u64)ns);
}

struct fw_apply *prog_edit(struct prog *prog)
{
	struct fw_apply *apply = calloc(1, sizeof(*apply));
	struct fw_err err = {};

	assert_non_null(apply);
	if (fw_apply_begin(&prog->maps, FW_APPLY_POLICY | FW_APPLY_LANES, apply, &err))
		fail_msg("cannot edit: %s (%s)", err.msg, err.hint);
	return apply;
}

void prog_commit(struct prog *prog, struct fw_apply *apply, unsigned int changed)
{
	struct fw_err err = {};

	(void)prog;
	apply->changed = changed;
	if (fw_apply_commit(apply, &err))
		fail_msg("cannot commit: %s (%s)", err.msg, err.hint);
	fw_apply_end(apply);
	free(apply);
}

void prog_lane_add(struct fw_apply *apply, enum fw_lane lane, const char *prefix, __u32 until_s,
		   __u8 class)
{
	struct fw_prefix one = {
		.until_s = until_s, .lane = (__u8)lane, .class = class, .since_s = apply->now_s
	};
	struct fw_err err = {};

	if (fw_text_prefix(prefix, one.addr_be, &one.len, &err) ||
	    fw_prefixes_add(&apply->prefixes, &one, "test", &err) < 0)
		fail_msg("%s: %s", prefix, err.msg);
}

void prog_lane(struct prog *prog, enum fw_lane lane, const char *prefix, __u32 until_s, __u8 class)
{
	struct fw_apply *apply = prog_edit(prog);

	prog_lane_add(apply, lane, prefix, until_s, class);
	prog_commit(prog, apply, FW_APPLY_LANES);
}

struct fw_policy *prog_policy(struct prog *prog)
{
	return &prog->maps.policy[FW_LIVE_POLICY(prog->maps.ctl->live)];
}

/* As user/policy/compile.c does for a whole class: other shifts, another name. */
static void name_units(struct fw_limit limit[FW_K_MAX])
{
	__u32 mix = 0;

	for (int k = FW_K_PACKETS + 1; k < FW_K_MAX; k++)
		mix = mix * 3 + limit[k].shift;
	limit[FW_K_PACKETS].units = mix & ((1 << FW_SEEN_UNITS) - 1);
}

void prog_limit(struct prog *prog, __u32 class, __u32 kind, __u64 count, __u32 per_s, __u64 burst)
{
	struct fw_rate rate = { .count = count, .per_s = per_s, .burst = burst };
	struct fw_policy *policy = prog_policy(prog);
	struct fw_limit *limit = &policy->class[class].limit[kind];
	struct fw_err err = {};
	__u64 window;

	if (fw_compile_limit(&rate, kind == FW_K_BYTES, prog->obj->meta.tick_ns, limit, &err))
		fail_msg("%llu per %u s, burst %llu: %s (%s)", count, per_s, burst, err.msg,
			 err.hint);
	name_units(policy->class[class].limit);
	window = (__u64)limit->window << limit->shift;
	if (policy->idle_ns < window)
		policy->idle_ns = window;
}

void prog_unlimited(struct prog *prog, __u32 class)
{
	memset(&prog_policy(prog)->class[class], 0, sizeof(struct fw_class));
}

void prog_budget(struct prog *prog, __u32 budget, __u64 count, __u64 burst)
{
	struct fw_rate rate = { .count = count, .per_s = 1, .burst = burst };
	struct fw_err err = {};

	if (fw_compile_limit(&rate, false, prog->obj->meta.tick_ns,
			     &prog_policy(prog)->budget[budget], &err))
		fail_msg("budget of %llu: %s (%s)", count, err.msg, err.hint);
}

void prog_no_crowd(struct prog *prog)
{
	struct fw_policy *policy = prog_policy(prog);

	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		memset(policy->service[i].crowd, 0, sizeof(policy->service[i].crowd));
		memset(policy->service[i].net, 0, sizeof(policy->service[i].net));
	}
	memset(&policy->budget[FW_B_NEW4], 0, sizeof(struct fw_limit));
	memset(&policy->budget[FW_B_NEW6], 0, sizeof(struct fw_limit));
}

static struct fw_file read_text(struct prog *prog, const char *text)
{
	struct fw_file_context context = { fw_policy_clock(&prog->maps), prog->maps.meta->tick_ns,
					   NULL, NULL, NULL };
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	struct fw_err err = { 0 };

	if (fw_file_parse("t", text, strlen(text), &context, &file, &problems, &err))
		fail_msg("%s\n%s", err.msg, text);
	fw_problems_free(&problems);
	return file;
}

struct fw_policy_diff prog_apply(struct prog *prog, const char *text, __u32 confirm_s,
				 struct fw_change *change)
{
	struct fw_policy_opts opts = { "/etc/floodwall/t.yaml", "somebody", confirm_s };
	struct fw_file file = read_text(prog, text);
	struct fw_policy_diff diff = { 0 };
	struct fw_err err = { 0 };

	if (fw_policy_apply(&prog->maps, &file, &opts, &diff, change, &err))
		fail_msg("%s\n%s", err.msg, text);
	fw_file_free(&file);
	return diff;
}
