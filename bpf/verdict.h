/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only exit: a reason is counted, then becomes an XDP action. Monitor mode turns drops into
 * passes here, after full accounting, into counters of its own.
 */
#ifndef FW_VERDICT_H
#define FW_VERDICT_H

#include "state.h"

/* One bit a reason, for a test instead of a jump table. */
#define X(id, name, verdict, text) | (__u64)(FW_V_##verdict == FW_V_DROP) << FW_R_##id
static const __u64 verdict_drops = 0 FW_REASONS(X);
#undef X

static __always_inline void count(void *map, __u32 slot, __u32 len)
{
	struct fw_count *c = bpf_map_lookup_elem(map, &slot);

	if (c) {
		c->packets++;
		c->bytes += len;
	}
}

/*
 * p->reason is final. The default class is not counted by itself: it is what the others leave of
 * the total, and most packets are spared a second counter.
 */
static __always_inline int conclude(const struct pkt *p, const struct fw_policy *policy)
{
	bool monitor = policy->flags & FW_P_MONITOR;
	__u32 reason = p->reason & (FW_REASON_SLOTS - 1);
	bool drop = verdict_drops >> reason & 1;

	count(&fw_count_svc, (monitor * FW_SERVICE_MAX + p->service) * FW_REASON_SLOTS + reason,
	      p->len);
	if (p->class != FW_CLASS_DEFAULT)
		count(&fw_count_cls, p->class * FW_CC_STRIDE + (drop ? FW_CC_DROP : FW_CC_PASS),
		      p->len);
	if (p->soft) {
		note(FW_N_SOFT);
		count(&fw_count_cls, p->class * FW_CC_STRIDE + FW_CC_SOFT, p->len);
	}
	if (monitor)
		return XDP_PASS;
	if (drop)
		return XDP_DROP;
	return reason == FW_R_TX_COOKIE ? XDP_TX : XDP_PASS;
}

#endif
