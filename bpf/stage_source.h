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
	__u32 facts = enter(key, p->now, what, who);

	who &= ~FW_WHO_ASK;
	/* The place it wanted went to another source: again, and then no more. */
	if (facts & FW_IS_ABSENT)
		facts = enter(key, p->now, what, who);
	if (facts & FW_IS_ABSENT)
		facts = enter(key, p->now, what, who);
	if (facts & FW_IS_ABSENT) {
		note(FW_N_RACE);
		return FW_R_DROP_SRC_PACKETS | FW_IS_KNOWN;
	}
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

/*
 * All buckets of a source. A /48 over its limit fills no more of the table with its /64s. facts: of
 * an IPv4 source that was seen to be absent, else 0. at: where it was seen, or 0.
 */
static __always_inline __u32 source_facts(const struct pkt *p, __u64 key, __u32 facts, __u64 at)
{
	__u64 what = stamp_of(p) << 32 | p->len;
	__u32 who = source_who(p);

	if (facts)
		return source_enter(p, key, what, who | FW_WHO_ASK);
	if (at)
		facts = charge_at(at, p->now, what, who);
	if (!facts)
		facts = source(key, p->now, what, who);
	if ((facts & 0xff) != FW_CONTINUE || facts & FW_IS_STRANGER)
		return facts;
	if (p->family == 6 &&
	    source_net48(p, key, what, who | (facts & FW_IS_PROVEN ? FW_WHO_PROVEN : 0)) !=
		    FW_CONTINUE)
		return (facts & ~0xffU) | FW_R_DROP_NET48;
	return facts & FW_IS_ABSENT ? source_enter(p, key, what, who) : facts;
}

#define FW_GLANCE_OVER	   (FW_R_DROP_SRC_PACKETS | FW_IS_KNOWN)
#define FW_GLANCE_STRANGER (FW_CONTINUE | FW_IS_STRANGER)

/*
 * The two things that most of a flood is, told by reading and without a call: a source over its
 * packet limit, and one that nobody knows while the newcomers' budget is spent. Else returns
 * FW_IS_ABSENT or 0, for stage_source(), with *ret_at for charge_at(). TCP of known sources is left
 * to it, because their proof decides what becomes of them; so is all that comes in the name of one
 * who ever proved himself, which bpf/ban.h counts; so are bans and claims, whose stamps lie further
 * ahead than debt can.
 */
static __always_inline __u32 source_glance(const struct pkt *p, const struct fw_policy *policy,
					   __u64 key, __u64 *ret_at)
{
	__u32 id = p->family == 4 ? FW_B_NEW4 : FW_B_NEW6, set;
	struct table_key table = source_table(p->family, key);
	struct fw_place place = fw_place_near(table.hash, table.bits);
	const struct fw_word *fp;
	struct fw_src_set *sources;
	struct entry e = {};
	__u64 fps, marks;
	__u32 way;

	set = table.base + place.set;
	fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	if (unlikely(!fp))
		return 0;
	fps = *(const volatile __u64 *)&fp->v;
	marks = zero_byte(fps ^ place.fp * FW_BYTES_LOW);
	/* A set that is not full has sent nobody on, which saves the look at near_overflowed(). */
	if (!marks && !zero_byte(fps)) {
		place = fw_place_far(table.hash, table.bits);
		set = table.base + place.set;
		fp = bpf_map_lookup_elem(&fw_src_fp, &set);
		if (unlikely(!fp))
			return 0;
		fps = *(const volatile __u64 *)&fp->v;
		marks = zero_byte(fps ^ place.fp * FW_BYTES_LOW);
	}
	if (!marks) {
		if (!p->trusted && !shared_fits(&fw_budget[id].tat, p->now, &policy->budget[id], 1))
			return FW_GLANCE_STRANGER;
		set_touch(set, fps);
		return p->family == 4 ? FW_CONTINUE | FW_IS_ABSENT : 0;
	}
	sources = bpf_map_lookup_elem(&fw_src, &set);
	if (unlikely(!sources))
		return 0;
	way = first_way(marks);
	e.src = &sources->way[way];
	*ret_at = source_at(&place, set, way);
	if (p->proto == FW_PROTO_TCP) {
		entry_touch(&e);
		return 0;
	}
	e.word = *(volatile __u64 *)&e.src->word;
	return e.word >> FW_TAG_SHIFT == place.tag && !e.src->proof &&
			       word_over(&e, &policy->class[p->class & (FW_CLASS_MAX - 1)].limit[0],
					 p->now)
		       ? FW_GLANCE_OVER
		       : 0;
}

/*
 * Returns the limit it is over, or FW_CONTINUE with p->known saying whether it was charged. glance,
 * at: what source_glance() saw and where, unless that decides; else 0.
 */
static __always_inline int stage_source(struct pkt *p, __u32 glance, __u64 at)
{
	__u32 facts = source_facts(p, source_key(p), glance, at);
	int reason = facts & 0xff;

	p->is = facts >> 8;
	return reason;
}

#endif
