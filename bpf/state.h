/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stages share but packets do not carry: the clock, the notes, the budgets of all CPUs.
 */
#ifndef FW_STATE_H
#define FW_STATE_H

#include "net.h"
#include "knobs.h"
#include "maps.h"
#include "pkt.h"
#include "bucket.h"

/* Tries against other CPUs before a charge is given up and refused. */
#define FW_CAS_TRIES 4

/* Program time, ns. jiffies64 is inlined by the verifier and costs nothing; ktime costs 31 ns. */
static __always_inline __u64 clock_now(void)
{
	if (knob_clock == FW_CLOCK_VIRTUAL)
		return *(volatile __u64 *)&fw_ctl.virtual_ns;
	return (bpf_jiffies64() - knob_jiffies0) * knob_tick_ns;
}

/* The generation in force: an unconfirmed change ends here, whoever is alive in user space. */
static __always_inline __u64 live_word(__u64 now)
{
	const struct fw_ctl *ctl = &fw_ctl;
	__u64 deadline;

	FW_OPAQUE(ctl); /* one address for all three */
	deadline = ctl->deadline_ns;
	if (unlikely(deadline && now >= deadline))
		return ctl->revert;
	return ctl->live;
}

/* The half of the policy that it names. */
static __always_inline const struct fw_policy *policy_of(__u32 half)
{
	const struct fw_policy *policy = &fw_policy[half & 1];

	FW_OPAQUE(policy); /* one address, not one to be reckoned for each field */
	return policy;
}

static __always_inline void note(__u32 what)
{
	struct fw_word *n = bpf_map_lookup_elem(&fw_note, &what);

	if (n)
		n->v++;
}

/* Would a charge of n fit a stamp in ns that all CPUs share? */
static __always_inline bool shared_fits(const __u64 *stamp, __u64 now, const struct fw_limit *limit,
					__u64 n)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 cost = bucket_cost(limit, n) << limit->shift, ahead;

	if (!limit->window) /* before the stamp is read: its line may be cold */
		return true;
	ahead = *(const volatile __u64 *)stamp - now;
	if ((__s64)ahead < 0)
		ahead = 0;
	/* Impossible debt goes on to shared_take(), which cuts it. */
	return ahead + cost <= window || ahead > 2 * window;
}

/* Charge n to a stamp in ns that all CPUs share. False: over the limit, and nothing was written. */
static __always_inline bool shared_take(__u64 *stamp, __u64 now, const struct fw_limit *limit,
					__u64 n)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 cost = bucket_cost(limit, n) << limit->shift;

	if (!limit->window)
		return true;
	for (int i = 0; i < FW_CAS_TRIES; i++) {
		__u64 old = *(volatile __u64 *)stamp, new = old;
		bool ok = bucket_charge(&new, now, cost, window, ~0ULL);

		if (new == old || __sync_val_compare_and_swap(stamp, old, new) == old)
			return ok;
	}
	note(FW_N_RACE);
	return false;
}

static __always_inline bool budget_take(const struct fw_policy *policy, __u64 now, __u32 id)
{
	if (id >= FW_B_MAX) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	return shared_take(&fw_budget[id].tat, now, &policy->budget[id], 1);
}

#endif
