/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source of packets: its key, its place, and the charge of one packet to it. Behind functions of
 * scalars, see below; shared by the stages that ask about sources.
 */
#ifndef FW_SOURCE_H
#define FW_SOURCE_H

#include "charge.h"

/* The key that names a source to people: IPv4 address or upper half of IPv6, host order. */
static __always_inline __u64 source_key(const struct pkt *p)
{
	if (p->family == 4)
		return bpf_ntohl(p->saddr[3]);
	return (__u64)bpf_ntohl(p->saddr[0]) << 32 | bpf_ntohl(p->saddr[1]);
}

static __always_inline struct table_key source_table(__u8 family, __u64 key)
{
	if (family == 4)
		return (struct table_key){ fw_hash4(key, knob_key0, knob_key1, knob_key3), 0,
					   knob_src4_bits };
	return (struct table_key){ fw_hash6(key, knob_key0, knob_key1, knob_key3), knob_src6_base,
				   knob_src6_bits };
}

/*
 * The source tables are behind a function of scalars: the verifier proves it once, not once for
 * each path that leads here, and the facts of a plain packet can stay in registers.
 * who: bit 0 live policy half, FW_WHO_* flags, bits 8-15 class. what: stamp << 32 | length.
 * Returns a reason or FW_CONTINUE in the low byte, FW_IS_* above it.
 */
#define FW_WHO_IP4     (1 << 16)
#define FW_WHO_TRUSTED (1 << 17)
#define FW_WHO_NET48   (1 << 18) /* the second bucket of an IPv6 source: that of its /48 */
#define FW_WHO_ASK     (1 << 19) /* enter() only: the newcomers' budget has not been asked yet */
#define FW_WHO_PROVEN  (1 << 20) /* of a /48 only: whose bucket */
#define FW_IS_KNOWN    (1 << 8)
#define FW_IS_NEWCOMER (1 << 9)
#define FW_IS_PROVEN   (1 << 10)
#define FW_IS_SOFT     (1 << 11)
#define FW_IS_STRANGER (1 << 12)
#define FW_IS_ABSENT   (1 << 13) /* not in the table, but may be entered */
#define FW_IS_MET      (1 << 14) /* another CPU has entered it: ask again */

static __always_inline const struct fw_class *who_class(const struct fw_policy *policy, __u32 who)
{
	return &policy->class[who >> 8 & (FW_CLASS_MAX - 1)];
}

static __always_inline struct toll toll_of(__u64 now, __u64 what)
{
	struct toll toll = { now, what >> 32, (__u32)what };

	/*
	 * Else the compiler checks the packed value instead, and the verifier learns nothing. The
	 * mask bounds it before it is first spilled: Linux 6.1 keeps only bounds known by then.
	 */
	FW_FORGET(toll.stamp, now);
	FW_BOUND(toll.stamp, 7);
	return toll;
}

static __always_inline struct table_key who_table(__u64 key, __u32 who)
{
	enum fw_net48 whose = who & FW_WHO_TRUSTED  ? FW_NET48_TRUSTED
			      : who & FW_WHO_PROVEN ? FW_NET48_PROVEN
						    : FW_NET48_UNPROVEN;

	if (who & FW_WHO_NET48)
		return (struct table_key){ fw_net48_hash(key, whose, knob_key1, knob_key2,
							 knob_key3),
					   knob_net6_base, knob_net6_bits };
	return source_table(who & FW_WHO_IP4 ? 4 : 6, key);
}

static __always_inline const struct fw_limit *who_limits(const struct fw_class *class, __u32 who)
{
	const struct fw_limit *limits = who & FW_WHO_NET48 ? class->net48 : class->limit;

	FW_OPAQUE(limits); /* one address, not one to be reckoned for each field */
	return limits;
}

/* May a source not in the table be entered? The clerks need not queue with the crowd. */
static __always_inline bool admit(const struct fw_policy *policy, __u64 now, __u32 who)
{
	if (who & (FW_WHO_TRUSTED | FW_WHO_NET48))
		return true;
	return budget_take(policy, now, who & FW_WHO_IP4 ? FW_B_NEW4 : FW_B_NEW6);
}

/* The facts that a source's entry adds, when its charge ended in reason. */
static __always_inline __u32 entry_facts(const struct entry *e, const struct fw_policy *policy,
					 const struct fw_limit *limits, __u64 now, int reason)
{
	__u32 facts = reason | FW_IS_KNOWN;

	if (proof_holds(e->src->proof, now, policy->proof_s))
		facts |= FW_IS_PROVEN;
	if (reason == FW_CONTINUE && is_soft(e, &limits[FW_K_PACKETS], now))
		facts |= FW_IS_SOFT;
	return facts;
}

static __always_inline int ban_holds(__u64 key, __u64 now); /* ban.h */

/* Where a source may be, in a word for charge_at(): set, way and tag. Never 0. */
#define FW_AT_SHIFT 4

static __always_inline __u64 source_at(const struct fw_place *place, __u32 set, __u32 way)
{
	return (__u64)place->tag << FW_TAG_SHIFT | (__u64)set << FW_AT_SHIFT | FW_WAYS | way;
}

/* Charge a packet to its source. One that is not in the table and may be goes on to enter(). */
__noinline __u32 source(__u64 key, __u64 now, __u64 what, __u32 who)
{
	const struct fw_policy *policy = policy_of(who);
	struct table_key table = who_table(key, who);
	struct toll toll = toll_of(now, what);
	const struct fw_limit *limits;
	struct entry e = {};

	limits = who_limits(who_class(policy, who), who);
	if (!table_find(&table, &e) || !e.src)
		return FW_CONTINUE | (admit(policy, now, who) ? FW_IS_ABSENT : FW_IS_STRANGER);
	if (is_claimed(e.word))
		return FW_CONTINUE | FW_IS_ABSENT;
	/*
	 * A stamp further ahead than debt can be is a ban, or what a lowered burst left. Whom an
	 * admin trusts is not banned, nor for what others of his /64 did; a charge to the stamp
	 * would end their ban, so the lane's ceiling alone holds him meanwhile.
	 */
	if (!(who & FW_WHO_NET48) && word_impossible(&e, &limits[FW_K_PACKETS], now) &&
	    ban_holds(key, now))
		return (who & FW_WHO_TRUSTED ? FW_CONTINUE : FW_R_DROP_BANNED) | FW_IS_KNOWN;
	return entry_facts(&e, policy, limits, now, charge(&e, &toll, policy->proof_s, limits));
}

/*
 * The same for a source whose place was seen: all that source() does for nearly every packet of one
 * it knows, without looking for it. at: see source_at(). Returns 0 if the rest is to be done: ask
 * source(). That the place still belongs to the source is checked here.
 */
__noinline __u32 charge_at(__u64 at, __u64 now, __u64 what, __u32 who)
{
	const struct fw_policy *policy = policy_of(who);
	struct toll toll = toll_of(now, what);
	const struct fw_limit *limits;
	struct entry e = {};
	__u32 set = at >> FW_AT_SHIFT;
	struct fw_src_set *sources = bpf_map_lookup_elem(&fw_src, &set);

	if (!sources)
		return 0;
	limits = who_limits(who_class(policy, who), who & ~FW_WHO_NET48);
	e.src = &sources->way[at & (FW_WAYS - 1)];
	FW_OPAQUE(e.src); /* one address, as above */
	e.word = *(volatile __u64 *)&e.src->word;
	if ((e.word ^ at) >> FW_TAG_SHIFT || is_claimed(e.word) ||
	    word_impossible(&e, &limits[FW_K_PACKETS], now))
		return 0;
	return entry_facts(&e, policy, limits, now, charge(&e, &toll, policy->proof_s, limits));
}

/* Enter a source that was called absent, and charge its first packet. */
__noinline __u32 enter(__u64 key, __u64 now, __u64 what, __u32 who)
{
	const struct fw_policy *policy = policy_of(who);
	struct table_key table = who_table(key, who);
	struct toll toll = toll_of(now, what);
	const struct fw_limit *limits;
	struct entry e = {};
	enum entering entering;

	if (who & FW_WHO_ASK && !admit(policy, now, who))
		return FW_CONTINUE | FW_IS_STRANGER;
	limits = who_limits(who_class(policy, who), who);
	entering = table_enter(&table, &e, now, policy->idle_ns & ~(__u64)FW_IDLE_ANY);
	if (entering == FW_ENTER_LOST)
		return FW_CONTINUE | FW_IS_ABSENT;
	if (entering == FW_ENTER_NONE || !e.src)
		return FW_CONTINUE;
	if (entering == FW_ENTER_MET)
		return entry_wait(&e) ? FW_CONTINUE | FW_IS_MET
				      : FW_R_DROP_SRC_PACKETS | FW_IS_KNOWN;
	return entry_facts(&e, policy, limits, now, charge_first(&e, &toll, limits)) |
	       FW_IS_NEWCOMER;
}

/*
 * The source has shown that it is no invention: remember it, whatever the newcomers' budget.
 * proven: even that it receives what we send.
 */
__noinline int remember(__u64 key, __u64 now, __u32 who, int proven)
{
	const struct fw_policy *policy = policy_of(who);
	struct table_key table = source_table(who & FW_WHO_IP4 ? 4 : 6, key);
	enum entering entering;
	struct entry e = {};

	/* In a full set it takes the place of who is not proven, unless he is in debt: without one,
	 * who came again could not go on. */
	entering = table_find(&table, &e)
			   ? FW_ENTER_MET
			   : table_enter(&table, &e, now, policy->idle_ns | FW_IDLE_ANY);
	if (entering == FW_ENTER_NONE || entering == FW_ENTER_LOST || !e.src)
		return 0;
	if (entering == FW_ENTER_OURS)
		entry_reset(&e, now, who_class(policy, who)->limit);
	else if (!entry_wait(&e))
		return 0;
	if (proven && !e.src->proof)
		note(FW_N_PROVEN);
	if (proven)
		e.src->proof = FW_PROOF_EPOCH(now);
	if (entering == FW_ENTER_OURS)
		entry_open(&e, now);
	return 1;
}

/*
 * A packet of a half-open connection, beyond a budget or limit. Some must come through, or who is
 * let in could not finish; how many, the limit on new connections says: each is charged like one.
 * Where there is no such limit, 100 a second do, and 50 at once.
 */
__noinline int half_open_fits(__u64 key, __u64 now, __u32 who)
{
	const struct fw_policy *policy = policy_of(who);
	struct fw_limit limit = who_class(policy, who)->limit[FW_K_SYN];
	struct table_key table = source_table(who & FW_WHO_IP4 ? 4 : 6, key);
	struct entry e = {};
	__u64 none = limit.window ? 0 : ~0ULL;

	FW_FORGET(none, now); /* for the verifier, limit or none, it is one state */
	limit.window |= none & 500000000;
	limit.cost |= none & 10000000;
	if (!table_find(&table, &e) || !e.src)
		return 0;
	return stamp_take(&e, FW_K_SYN - 1, &limit, now, 1);
}

static __always_inline __u32 source_who(const struct pkt *p)
{
	return p->half | p->class << 8 | (p->family == 4 ? FW_WHO_IP4 : 0) |
	       (p->trusted ? FW_WHO_TRUSTED : 0);
}

#endif
