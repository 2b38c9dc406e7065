/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only exit: a reason is counted, then becomes an XDP action. Monitor mode turns drops into
 * passes here, after full accounting, into counters of its own.
 */
#ifndef FW_VERDICT_H
#define FW_VERDICT_H

#include "sample.h"
#include "source.h"
#include "tally.h"

/* What becomes of a packet, by reason. */
static const __u8 verdict_action[FW_REASON_SLOTS] = {
#define X(id, name, verdict, text) [FW_R_##id] = XDP_##verdict,
	FW_REASONS(X)
#undef X
		[FW_R_MAX... FW_REASON_SLOTS - 1] = XDP_PASS,
};

/* Returns how many packets the slot had counted before. */
static __always_inline __u64 count(void *map, __u32 slot, __u32 len)
{
	struct fw_count *c = bpf_map_lookup_elem(map, &slot);
	__u64 before;

	if (unlikely(!c))
		return ~0ULL;
	before = c->packets;
	c->packets = before + 1;
	c->bytes += len;
	return before;
}

static __always_inline void count_class(const struct pkt *p, bool drop)
{
	if (unlikely(p->class != FW_CLASS_DEFAULT))
		count(&fw_count_cls, p->class * FW_CC_STRIDE + (drop ? FW_CC_DROP : FW_CC_PASS),
		      p->len);
	if (unlikely(p->soft)) {
		note(FW_N_SOFT);
		count(&fw_count_cls, p->class * FW_CC_STRIDE + FW_CC_SOFT, p->len);
	}
}

/*
 * The reason is final. The default class is not counted by itself: it is what the others leave of
 * the total, and most packets are spared a second counter.
 */
static __always_inline int conclude_as(struct xdp_md *ctx, const struct pkt *p,
				       const struct fw_policy *policy, __u64 reason, int action)
{
	bool monitor = policy->flags & FW_P_MONITOR;
	__u64 before;

	before = count(&fw_count_svc,
		       (monitor * FW_SERVICE_MAX + p->service) * FW_REASON_SLOTS + reason, p->len);

	if (unlikely(sample_due(reason, before))) {
		__u64 flags = monitor		 ? FW_SAMPLE_MONITOR
			      : action == XDP_TX ? FW_SAMPLE_ANSWERED
						 : 0;

		/* Shifts: a condition more, and the stack would not do. */
		sample(ctx, p->now, p->family ? source_key(p) : 0,
		       p->len | (__u64)reason << 32 | (__u64)p->service << 40 |
			       (__u64)p->family << 48 |
			       (flags | p->proven * FW_SAMPLE_PROVEN | p->known * FW_SAMPLE_BOOKED)
				       << 56);
	}
	count_class(p, action == XDP_DROP);
	if (p->known)
		tally(p, source_key(p), action == XDP_DROP ? reason : 0);
	return unlikely(monitor) ? XDP_PASS : action;
}

static __always_inline int conclude(struct xdp_md *ctx, const struct pkt *p,
				    const struct fw_policy *policy)
{
	__u64 reason = p->reason;

	FW_BOUND(reason, FW_REASON_SLOTS - 1);
	return conclude_as(ctx, p, policy, reason, verdict_action[reason]);
}

/* The same where every reason is one to drop, and the compiler should know: mostly the very one. */
static __always_inline int conclude_drop(struct xdp_md *ctx, const struct pkt *p,
					 const struct fw_policy *policy)
{
	__u64 reason = p->reason;

	if (!__builtin_constant_p(reason))
		FW_BOUND(reason, FW_REASON_SLOTS - 1);
	return conclude_as(ctx, p, policy, reason, XDP_DROP);
}

#endif
