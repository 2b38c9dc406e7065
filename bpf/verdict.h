/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only exit: a reason is counted, then becomes an XDP action. Monitor mode turns drops into
 * passes here, after full accounting, into counters of its own.
 */
#ifndef FW_VERDICT_H
#define FW_VERDICT_H

#include "state.h"

static __always_inline int verdict_of(int reason)
{
	switch (reason) {
#define X(id, name, verdict, text) \
	case FW_R_##id:            \
		return FW_V_##verdict;
		FW_REASONS(X)
#undef X
	default:
		return FW_V_DROP;
	}
}

static __always_inline void count(void *map, __u32 slot, __u32 len)
{
	struct fw_count *c = bpf_map_lookup_elem(map, &slot);

	if (c) {
		c->packets++;
		c->bytes += len;
	}
}

/* p->reason is final. */
static __always_inline int conclude(const struct pkt *p, const struct fw_policy *policy)
{
	bool monitor = policy->flags & FW_P_MONITOR;
	__u32 reason = p->reason;
	int verdict = verdict_of(reason);

	count(&fw_count_svc, (monitor * FW_SERVICE_MAX + p->service) * FW_REASON_SLOTS + reason,
	      p->len);
	count(&fw_count_cls,
	      p->class * FW_CC_STRIDE + (verdict == FW_V_DROP ? FW_CC_DROP : FW_CC_PASS), p->len);
	if (p->soft) {
		note(FW_N_SOFT);
		count(&fw_count_cls, p->class * FW_CC_STRIDE + FW_CC_SOFT, p->len);
	}
	if (monitor)
		return XDP_PASS;
	return verdict == FW_V_DROP ? XDP_DROP : verdict == FW_V_TX ? XDP_TX : XDP_PASS;
}

#endif
