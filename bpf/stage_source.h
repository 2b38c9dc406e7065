/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-source token buckets: IPv4 by address, IPv6 by /64 and again by /48. A source that nobody
 * knows first wins the budget for newcomers; beyond it the table is not touched, and the packet is
 * left to the crowd budgets.
 */
#ifndef FW_STAGE_SOURCE_H
#define FW_STAGE_SOURCE_H

#include "charge.h"
#include "heavy.h"

/* The key that names a source to people: IPv4 address or upper half of IPv6, host order. */
static __always_inline __u64 source_key(const struct pkt *p)
{
	if (p->family == 4)
		return bpf_ntohl(p->saddr[3]);
	return (__u64)bpf_ntohl(p->saddr[0]) << 32 | bpf_ntohl(p->saddr[1]);
}

/* IPv4 sets come first, then those of /64s, then those of /48s. */
static __always_inline struct fw_place source_place(const struct pkt *p, __u64 key)
{
	struct fw_place place;

	if (p->family == 4)
		return fw_place4(fw_hash4(key, knob_key0, knob_key1, knob_key3), knob_src4_bits);
	place = fw_place6(fw_hash6(key, knob_key0, knob_key1, knob_key3), knob_src6_bits);
	place.set += 1U << knob_src4_bits;
	return place;
}

static __always_inline struct fw_place net48_place(__u64 key)
{
	__u64 hash = fw_hash6(key >> 16, knob_key2, knob_key1, knob_key3);
	struct fw_place place = fw_place6(hash, knob_net6_bits);

	place.set += (1U << knob_src4_bits) + (1U << knob_src6_bits);
	return place;
}

/* After a charge that fitted: is the source proven, did it pass its soft limit? */
static __always_inline void learn(struct pkt *p, const struct entry *e, __u32 proof_s,
				  const struct fw_limit *limits)
{
	__u8 proof = e->rest->proof[e->way];

	p->known = 1;
	p->proven = proof_holds(proof, p->now, proof_s);
	p->soft = is_soft(e, &limits[FW_K_PACKETS], p->now);
}

/* May a source not in the table be entered? The clerks need not queue with the crowd. */
static __always_inline bool admit(const struct pkt *p, const struct fw_policy *policy)
{
	return p->trusted || budget_take(p, policy, p->family == 4 ? FW_B_NEW4 : FW_B_NEW6);
}

/* The second bucket of an IPv6 source. A /48 that finds no place is left to the crowd budgets. */
static __always_inline int net48(struct pkt *p, const struct fw_policy *policy,
				 const struct fw_class *class, __u64 key)
{
	const struct fw_limit *limits = class->net48;
	struct fw_place place = net48_place(key);
	struct entry e = {};

	if (!table_find(&place, &e) && !table_insert(&place, &e, p, policy, limits))
		return FW_CONTINUE;
	if (charge_fits(&e, p, policy->proof_s, limits) != FW_CONTINUE)
		return FW_R_DROP_NET48;
	return charge_take(&e, p, limits) == FW_CONTINUE ? FW_CONTINUE : FW_R_DROP_NET48;
}

/* Look up, or enter, and charge. *ret_tracked: the source has a place in the table. */
static __always_inline int source_charge(struct pkt *p, const struct fw_policy *policy, __u64 key,
					 bool *ret_tracked)
{
	const struct fw_class *class = &policy->class[p->class & (FW_CLASS_MAX - 1)];
	struct fw_place place = source_place(p, key);
	struct entry e = {};
	bool found = table_find(&place, &e);
	int reason = FW_CONTINUE;

	*ret_tracked = found;
	if (found) {
		reason = charge_fits(&e, p, policy->proof_s, class->limit);
	} else if (!admit(p, policy)) {
		p->stranger = 1;
		return FW_CONTINUE;
	}
	/* Before it is entered: a /48 over its limit fills no more of the table with its /64s. */
	if (reason == FW_CONTINUE && p->family == 6)
		reason = net48(p, policy, class, key);
	if (reason != FW_CONTINUE) {
		/* Whether somebody may be spoofing it matters to connections only. */
		if (found && p->proto == FW_PROTO_TCP && (e.rest || entry_rest(&e)))
			p->proven = proof_holds(e.rest->proof[e.way], p->now, policy->proof_s);
		return reason;
	}
	if (!found && !table_insert(&place, &e, p, policy, class->limit))
		return FW_CONTINUE;
	*ret_tracked = true;
	if (!e.rest)
		return FW_CONTINUE;
	reason = charge_take(&e, p, class->limit);
	if (reason == FW_CONTINUE)
		learn(p, &e, policy->proof_s, class->limit);
	p->newcomer = !found;
	return reason;
}

/* Returns the limit it is over, or FW_CONTINUE with p->known saying whether it was charged. */
static __always_inline int stage_source(struct pkt *p, const struct fw_policy *policy)
{
	__u64 key = source_key(p);
	bool tracked;
	int reason = source_charge(p, policy, key, &tracked);

	if (tracked)
		heavy_count(p, key, reason);
	return reason;
}

#endif
