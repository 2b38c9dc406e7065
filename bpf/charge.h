/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charging one packet to one source: packets, bytes, and the kind of packet it is. All limits are
 * looked at before any stamp moves; then each moves by compare-and-swap, so on any number of CPUs
 * a source gets its rate and its burst and nothing more.
 */
#ifndef FW_CHARGE_H
#define FW_CHARGE_H

#include "table.h"

#define FW_MASK32 0xffffffffULL

/* What a packet costs a source: the third charge beside packets and bytes. */
static __always_inline __u32 kind_of(const struct pkt *p)
{
	if (p->fragment)
		return FW_K_FRAG;
	if (p->proto == FW_PROTO_TCP)
		return (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN ? FW_K_SYN
										: FW_K_MAX;
	if (p->proto == FW_PROTO_UDP)
		return FW_K_UDP;
	if (p->proto == FW_PROTO_ICMP || p->proto == FW_PROTO_ICMP6)
		return FW_K_ICMP;
	return FW_K_MAX;
}

static __always_inline int reason_of(__u32 kind)
{
	switch (kind) {
	case FW_K_SYN:
		return FW_R_DROP_SRC_SYN;
	case FW_K_UDP:
		return FW_R_DROP_SRC_UDP;
	case FW_K_ICMP:
		return FW_R_DROP_SRC_ICMP;
	default:
		return FW_R_DROP_SRC_FRAG;
	}
}

static __always_inline __u8 proof_age(__u8 proof, __u64 now)
{
	return (FW_PROOF_EPOCH(now) - proof) & 0x7f;
}

static __always_inline bool proof_holds(__u8 proof, __u64 now, __u32 proof_s)
{
	return proof && proof_age(proof, now) <= proof_s >> 4;
}

/*
 * Once a second and source: make sure no 32-bit stamp is so old that it could be taken for one in
 * the future, and forget a proof that has expired. A stamp is surely paid if the source was silent
 * for longer than any window (FW_WINDOW_MAX units); else the signed comparison still holds,
 * because silence was shorter than half the stamp's range.
 */
static __always_inline void entry_refresh(struct entry *e, const struct pkt *p, __u32 proof_s,
					  const struct fw_limit *limits)
{
	__u16 seen = p->now >> FW_SEEN_SHIFT;
	__u16 gap = seen - e->rest->seen[e->way];
	__u8 proof = e->rest->proof[e->way];

	if (!gap)
		return;
	for (int k = 0; k < FW_STAMPS; k++) {
		__u32 shift = limits[k + 1].shift & 31;
		__u32 now = p->now >> shift;
		__u64 silent = (__u64)(gap - 1) << FW_SEEN_SHIFT >> shift;

		if (silent >= FW_WINDOW_MAX || (__s32)(e->rest->tat[k][e->way] - now) < 0)
			e->rest->tat[k][e->way] = now;
	}
	if (gap > FW_PROOF_MAX_S || !proof_holds(proof, p->now, proof_s))
		e->rest->proof[e->way] = 0;
	e->rest->seen[e->way] = seen;
}

static __always_inline bool stamp_fits(const struct entry *e, __u32 kind,
				       const struct fw_limit *limit, __u64 now, __u64 n)
{
	__u64 stamp = *(volatile __u32 *)&e->rest->tat[kind - 1][e->way];

	return bucket_debt(stamp, now >> (limit->shift & 31), limit->window, FW_MASK32) +
		       bucket_cost(limit, n) <=
	       limit->window;
}

/* Move a 32-bit stamp. False: another CPU spent what was left, or tries ran out. */
static __always_inline bool stamp_take(struct entry *e, __u32 kind, const struct fw_limit *limit,
				       __u64 now, __u64 n)
{
	__u32 *at = &e->rest->tat[kind - 1][e->way];
	__u64 cost = bucket_cost(limit, n);

	for (int i = 0; i < FW_CAS_TRIES; i++) {
		__u32 old = *(volatile __u32 *)at;
		__u64 new = old;

		if (!bucket_charge(&new, now >> (limit->shift & 31), cost, limit->window,
				   FW_MASK32))
			return false;
		if (__sync_val_compare_and_swap(at, old, (__u32) new) == old)
			return true;
	}
	note(FW_N_RACE);
	return false;
}

/* Cut debt that a lowered burst has made impossible, so that it cannot outlive the change. */
static __always_inline void stamp_cut(struct entry *e, __u32 kind, const struct fw_limit *limit,
				      __u64 now)
{
	__u32 *at = &e->rest->tat[kind - 1][e->way];
	__u32 old = *(volatile __u32 *)at, units = now >> (limit->shift & 31);

	if ((__s32)(old - units) > 0 && old - units > 2ULL * limit->window)
		__sync_val_compare_and_swap(at, old, units + limit->window);
}

/* The packet stamp in the hot word. Same contract as stamp_take(). */
static __always_inline bool word_take(struct entry *e, const struct fw_limit *limit, __u64 now)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 cost = bucket_cost(limit, 1) << limit->shift;

	if (!window) /* no limit: the stamp still says when the source was last seen */
		window = FW_TAT_MASK >> 2;
	for (int i = 0; i < FW_CAS_TRIES; i++) {
		__u64 tag = e->word & ~FW_TAT_MASK, stamp = e->word & FW_TAT_MASK, seen;
		bool ok = bucket_charge(&stamp, now, cost, window, FW_TAT_MASK);

		stamp |= tag;
		if (stamp == e->word)
			return ok;
		seen = __sync_val_compare_and_swap(&e->hot->word[e->way], e->word, stamp);
		if (seen == e->word) {
			e->word = stamp;
			return ok;
		}
		if ((seen ^ e->word) >> FW_TAG_SHIFT) /* the place was given away meanwhile */
			return false;
		e->word = seen;
	}
	note(FW_N_RACE);
	return false;
}

static __always_inline bool word_fits(const struct entry *e, const struct fw_limit *limit,
				      __u64 now)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 ahead = (e->word - now) & FW_TAT_MASK;

	if (!window)
		return true;
	if (ahead > FW_TAT_MASK >> 1)
		ahead = 0;
	/* Impossible debt goes on to word_take(), which cuts it. */
	return ahead + (bucket_cost(limit, 1) << limit->shift) <= window || ahead > 2 * window;
}

static __always_inline bool is_soft(const struct entry *e, const struct fw_limit *limit, __u64 now)
{
	__u64 soft = (__u64)limit->soft << limit->shift;
	__u64 ahead = (e->word - now) & FW_TAT_MASK;

	return soft && ahead <= FW_TAT_MASK >> 1 && ahead > soft;
}

/* The third limit a packet is charged by, or NULL. *ret_kind is a valid index either way. */
static __always_inline const struct fw_limit *
third_limit(const struct pkt *p, const struct fw_limit *limits, __u32 *ret_kind)
{
	__u32 kind = kind_of(p);

	*ret_kind = kind < FW_K_MAX ? kind : FW_K_SYN;
	if (kind >= FW_K_MAX || !limits[kind].window)
		return 0;
	return &limits[kind];
}

/*
 * Would p fit every limit of source e? Returns FW_CONTINUE or the reason for which it is over.
 * Moves no stamp; fills e->rest when it returns FW_CONTINUE.
 */
static __always_inline int charge_fits(struct entry *e, const struct pkt *p, __u32 proof_s,
				       const struct fw_limit *limits)
{
	const struct fw_limit *bytes = &limits[FW_K_BYTES], *third;
	__u32 kind;

	if (!word_fits(e, &limits[FW_K_PACKETS], p->now) || !entry_rest(e))
		return FW_R_DROP_SRC_PACKETS;
	entry_refresh(e, p, proof_s, limits);
	third = third_limit(p, limits, &kind);
	if (third && !stamp_fits(e, kind, third, p->now, 1)) {
		stamp_cut(e, kind, third, p->now);
		return reason_of(kind);
	}
	if (bytes->window && !stamp_fits(e, FW_K_BYTES, bytes, p->now, p->len)) {
		stamp_cut(e, FW_K_BYTES, bytes, p->now);
		return FW_R_DROP_SRC_BYTES;
	}
	return FW_CONTINUE;
}

/* Charge p to e, whose rest is known. The same returns; over only if other CPUs were faster. */
static __always_inline int charge_take(struct entry *e, const struct pkt *p,
				       const struct fw_limit *limits)
{
	const struct fw_limit *bytes = &limits[FW_K_BYTES], *third;
	__u32 kind;

	if (!word_take(e, &limits[FW_K_PACKETS], p->now))
		return FW_R_DROP_SRC_PACKETS;
	third = third_limit(p, limits, &kind);
	if (third && !stamp_take(e, kind, third, p->now, 1))
		return reason_of(kind);
	if (bytes->window && !stamp_take(e, FW_K_BYTES, bytes, p->now, p->len))
		return FW_R_DROP_SRC_BYTES;
	return FW_CONTINUE;
}

#endif
