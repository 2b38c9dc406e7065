/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-source token buckets: IPv4 by address, IPv6 by /64 and again by /48. A source that nobody
 * knows first wins the budget for newcomers; beyond it the table is not touched, and the packet is
 * left to the crowd budgets.
 */
#ifndef FW_STAGE_SOURCE_H
#define FW_STAGE_SOURCE_H

#include "source.h"

/* Enter a source called absent. Where another CPU was first, its bucket is charged as any. */
static __always_inline __u32 source_enter(const struct pkt *p, __u64 key, __u64 what, __u32 who)
{
	__u32 facts = FW_IS_ABSENT;

	for (int i = 0; i < FW_CAS_TRIES && facts & FW_IS_ABSENT; i++)
		facts = enter(key, p->now, what, who);
	return facts & FW_IS_MET ? source(key, p->now, what, who) | FW_IS_NEWCOMER : facts;
}

/* The second bucket of an IPv6 source. A /48 that finds no place is left to the crowd budgets. */
static __always_inline int source_net48(const struct pkt *p, __u64 key, __u64 what, __u32 who)
{
	__u32 facts = source(key, p->now, what, who | FW_WHO_NET48);

	if (facts & FW_IS_ABSENT)
		facts = source_enter(p, key, what, who | FW_WHO_NET48);
	return (facts & 0xff) == FW_CONTINUE ? FW_CONTINUE : FW_R_DROP_NET48;
}

/* All buckets of a source. A /48 over its limit fills no more of the table with its /64s. */
static __always_inline __u32 source_facts(const struct pkt *p, __u64 key)
{
	__u64 what = stamp_of(p) << 32 | p->len;
	__u32 who = source_who(p), facts = source(key, p->now, what, who);

	if ((facts & 0xff) != FW_CONTINUE || facts & FW_IS_STRANGER)
		return facts;
	if (p->family == 6 && source_net48(p, key, what, who) != FW_CONTINUE)
		return (facts & ~0xffU) | FW_R_DROP_NET48;
	return facts & FW_IS_ABSENT ? source_enter(p, key, what, who) : facts;
}

/* Returns the limit it is over, or FW_CONTINUE with p->known saying whether it was charged. */
static __always_inline int stage_source(struct pkt *p)
{
	__u64 key = source_key(p);
	__u32 facts = source_facts(p, key);
	int reason = facts & 0xff;

	p->known = !!(facts & FW_IS_KNOWN);
	p->newcomer = !!(facts & FW_IS_NEWCOMER);
	p->proven = !!(facts & FW_IS_PROVEN);
	p->soft = !!(facts & FW_IS_SOFT);
	p->stranger = !!(facts & FW_IS_STRANGER);
	return reason;
}

#endif
