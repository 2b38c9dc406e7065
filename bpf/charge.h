/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charging one packet to one source: packets, bytes, and the kind of packet it is. All limits are
 * looked at before any stamp moves; then each moves by compare-and-swap, so on any number of CPUs
 * a source gets its rate and its burst and nothing more.
 */
#ifndef FW_CHARGE_H
#define FW_CHARGE_H

#include "table.h"

#define FW_MASK32	  0xffffffffULL
#define FW_GAP_MAX	  (FW_SEEN_GAPS / 2)
#define FW_UNITS_DIFFER	  ((1 << FW_SEEN_UNITS) - 1)
#define FW_PAID_LATELY_NS ((__u64)(FW_GAP_MAX / 2) << FW_SEEN_SHIFT)

/* What a packet costs: one packet, len bytes, and one by the stamp of its kind. */
struct toll {
	__u64 now;   /* program time, ns */
	__u64 stamp; /* index into tat: the kind less one; FW_STAMPS = no third charge */
	__u32 len;
};

#define FW_STAMP_BYTES (FW_K_BYTES - 1)

static __always_inline __u64 stamp_of(const struct pkt *p)
{
	if (p->fragment)
		return FW_K_FRAG - 1;
	if (p->proto == FW_PROTO_TCP)
		return (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN ? FW_K_SYN - 1
										: FW_STAMPS;
	if (p->proto == FW_PROTO_UDP)
		return FW_K_UDP - 1;
	if (p->proto == FW_PROTO_ICMP || p->proto == FW_PROTO_ICMP6)
		return FW_K_ICMP - 1;
	return FW_STAMPS;
}

static __always_inline int reason_of(__u64 stamp)
{
	switch (stamp) {
	case FW_K_SYN - 1:
		return FW_R_DROP_SRC_SYN;
	case FW_K_UDP - 1:
		return FW_R_DROP_SRC_UDP;
	case FW_K_ICMP - 1:
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

/* The packets' window in ns. Without a limit the stamp still says when the source was last seen. */
static __always_inline __u64 word_window(const struct fw_limit *limit)
{
	return limit->window ? (__u64)limit->window << limit->shift : FW_IDLE_NS;
}

/*
 * How long the source was silent, by its packet stamp; 0: it is in debt, which is not deeper than
 * two windows (bucket.h). What lies further ahead is so old that it came round.
 */
static __always_inline __u64 word_paid(const struct entry *e, const struct fw_limit *limit,
				       __u64 now)
{
	__u64 paid = (now - e->word) & FW_TAT_MASK;

	return paid > FW_TAT_MASK - 2 * word_window(limit) - FW_IDLE_NS ? 0 : paid;
}

/* Has a proof expired? It is not younger than the silence, which tells when its age came round. */
static __always_inline bool proof_over(__u8 proof, __u64 now, __u32 proof_s, __u64 silence)
{
	return silence >> FW_SEEN_SHIFT > FW_PROOF_MAX_S || !proof_holds(proof, now, proof_s) ||
	       proof_age(proof, now) < silence >> FW_PROOF_SHIFT;
}

/*
 * Once a second and source: make sure no 32-bit stamp is so old that it could be taken for one in
 * the future, and forget a proof that has expired. A stamp is surely paid if the source was silent
 * for longer than any window (FW_WINDOW_MAX units); else the signed comparison still holds,
 * because silence was shorter than half the stamp's range.
 *
 * seen tells at most 18 minutes; beyond, the packet stamp says for how long it has been paid. A
 * seen from the future is no silence at all: another CPU's clock was a step ahead. Stamps in units
 * of another limit, since changed, say nothing any more and count as paid.
 */
static __always_inline void entry_refresh(struct entry *e, const struct toll *p, __u32 proof_s,
					  const struct fw_limit *limits)
{
	__u32 seen = FW_SEEN(p->now, limits[FW_K_PACKETS].units);
	__u32 last = *(volatile __u16 *)&e->src->seen;
	__u32 gap = FW_SEEN_GAP(seen, last), other = (seen ^ last) & FW_UNITS_DIFFER;
	__u64 paid = (p->now - e->word + FW_BAN_AHEAD_NS) & FW_TAT_MASK;

	/* Nearly always. What follows says the same of more cases. */
	if (likely(seen == last && paid <= FW_BAN_AHEAD_NS + FW_PAID_LATELY_NS))
		return;
	paid = word_paid(e, &limits[FW_K_PACKETS], p->now);
	if (gap > FW_GAP_MAX)
		gap = 0;
	if (!gap && !other && paid <= FW_PAID_LATELY_NS)
		return;
	if (gap && paid < (__u64)(gap - 1) << FW_SEEN_SHIFT)
		paid = (__u64)(gap - 1) << FW_SEEN_SHIFT;
	for (int k = 0; k < FW_STAMPS; k++) {
		__u32 shift = limits[k + 1].shift & 31;
		__u32 *at = &e->src->tat[k];
		__u32 now = p->now >> shift, old = *(volatile __u32 *)at;

		/* Refreshed by another CPU meanwhile? Then old may be its charge. */
		if (*(volatile __u16 *)&e->src->seen != last)
			return;
		if (other || paid >> shift >= FW_WINDOW_MAX || (__s32)(old - now) < 0)
			__sync_val_compare_and_swap(at, old, now);
	}
	if (proof_over(e->src->proof, p->now, proof_s, paid))
		e->src->proof = 0;
	e->src->seen = seen;
}

/* What the stamps become if nobody interferes: reckoned once, then stored. */
struct plan {
	__u64 word;
	__u32 third_old, third_new;
	__u32 bytes_old, bytes_new;
};

/* Reckon a 32-bit stamp. False: over the limit. */
static __always_inline bool stamp_plan(const struct entry *e, __u64 stamp,
				       const struct fw_limit *limit, __u64 now, __u64 n,
				       __u32 *ret_old, __u32 *ret_new)
{
	__u32 old = *(volatile __u32 *)&e->src->tat[stamp];
	__u64 new = old;
	bool fits = bucket_charge(&new, now >> (limit->shift & 31), bucket_cost(limit, n),
				  limit->window, FW_MASK32);

	*ret_old = old;
	*ret_new = new;
	return fits;
}

static __always_inline bool stamp_store(struct entry *e, __u64 stamp, __u32 old, __u32 new)
{
	return likely(__sync_val_compare_and_swap(&e->src->tat[stamp], old, new) == old);
}

/* Move a 32-bit stamp. False: another CPU spent what was left, or tries ran out. */
static __always_inline bool stamp_take(struct entry *e, __u64 stamp, const struct fw_limit *limit,
				       __u64 now, __u64 n)
{
	__u32 *at = &e->src->tat[stamp];
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

/* The packet stamp in the source's word. Same contract as stamp_take(). */
static __always_inline bool word_take(struct entry *e, const struct fw_limit *limit, __u64 now)
{
	__u64 cost = bucket_cost(limit, 1) << limit->shift, window = word_window(limit);

	for (int i = 0; i < FW_CAS_TRIES; i++) {
		__u64 stamp = e->word & FW_TAT_MASK, seen;
		bool ok = bucket_charge(&stamp, now, cost, window, FW_TAT_MASK);

		stamp = word_with(e->word, stamp);
		if (stamp == e->word)
			return ok;
		seen = __sync_val_compare_and_swap(&e->src->word, e->word, stamp);
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

/* Reckon the packet stamp. False: over the limit. */
static __always_inline bool word_plan(const struct entry *e, const struct fw_limit *limit,
				      __u64 now, __u64 *ret_word)
{
	__u64 cost = bucket_cost(limit, 1) << limit->shift, stamp = e->word & FW_TAT_MASK;
	bool fits = bucket_charge(&stamp, now, cost, word_window(limit), FW_TAT_MASK);

	*ret_word = word_with(e->word, stamp);
	return fits;
}

static __always_inline bool word_store(struct entry *e, __u64 word)
{
	if (unlikely(__sync_val_compare_and_swap(&e->src->word, e->word, word) != e->word))
		return false;
	e->word = word;
	return true;
}

/* Is the packet stamp further ahead than any debt under this limit? What bucket_debt() calls paid.
 */
static __always_inline bool word_impossible(const struct entry *e, const struct fw_limit *limit,
					    __u64 now)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 ahead = (e->word - now) & FW_TAT_MASK;

	return ahead <= FW_TAT_MASK >> 1 && ahead > 2 * window;
}

/* Surely over, by reading alone: debt there is room for, but none for one more packet. */
static __always_inline bool word_over(const struct entry *e, const struct fw_limit *limit,
				      __u64 now)
{
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 ahead = (e->word - now) & FW_TAT_MASK;

	return window && ahead <= window &&
	       ahead + (bucket_cost(limit, 1) << limit->shift) > window;
}

static __always_inline bool is_soft(const struct entry *e, const struct fw_limit *limit, __u64 now)
{
	__u64 soft = (__u64)limit->soft << limit->shift;
	__u64 ahead = (e->word - now) & FW_TAT_MASK;

	return soft && ahead <= FW_TAT_MASK >> 1 && ahead > soft;
}

/* The third limit a packet is charged by, or NULL. stamp: what stamp_of() said. */
static __always_inline const struct fw_limit *third_limit(const struct fw_limit *limits,
							  __u64 stamp)
{
	return stamp < FW_STAMPS && limits[stamp + 1].window ? &limits[stamp + 1] : 0;
}

/*
 * Would a packet fit every limit of source e? Returns FW_CONTINUE and what the stamps become, or
 * the reason for which it is over. Moves no stamp.
 */
static __always_inline int charge_plan(struct entry *e, const struct toll *t, __u32 proof_s,
				       const struct fw_limit *limits, struct plan *ret)
{
	const struct fw_limit *bytes = &limits[FW_K_BYTES], *third = third_limit(limits, t->stamp);

	if (!word_plan(e, &limits[FW_K_PACKETS], t->now, &ret->word))
		return FW_R_DROP_SRC_PACKETS;
	entry_refresh(e, t, proof_s, limits);
	if (third && !stamp_plan(e, t->stamp, third, t->now, 1, &ret->third_old, &ret->third_new))
		return reason_of(t->stamp);
	if (bytes->window &&
	    !stamp_plan(e, FW_STAMP_BYTES, bytes, t->now, t->len, &ret->bytes_old, &ret->bytes_new))
		return FW_R_DROP_SRC_BYTES;
	return FW_CONTINUE;
}

/* Store a plan. Where another CPU interfered, reckon again. Returns as charge_plan(). */
static __always_inline int charge_take(struct entry *e, const struct toll *t,
				       const struct fw_limit *limits, const struct plan *plan)
{
	const struct fw_limit *bytes = &limits[FW_K_BYTES], *third = third_limit(limits, t->stamp);

	if (!word_store(e, plan->word)) {
		e->word = *(volatile __u64 *)&e->src->word;
		if ((e->word ^ plan->word) >> FW_TAG_SHIFT ||
		    !word_take(e, &limits[FW_K_PACKETS], t->now))
			return FW_R_DROP_SRC_PACKETS;
	}
	if (third && !stamp_store(e, t->stamp, plan->third_old, plan->third_new) &&
	    !stamp_take(e, t->stamp, third, t->now, 1))
		return reason_of(t->stamp);
	if (bytes->window && !stamp_store(e, FW_STAMP_BYTES, plan->bytes_old, plan->bytes_new) &&
	    !stamp_take(e, FW_STAMP_BYTES, bytes, t->now, t->len))
		return FW_R_DROP_SRC_BYTES;
	return FW_CONTINUE;
}

static __always_inline int charge(struct entry *e, const struct toll *t, __u32 proof_s,
				  const struct fw_limit *limits)
{
	struct plan plan = {};
	int reason = charge_plan(e, t, proof_s, limits, &plan);

	return reason == FW_CONTINUE ? charge_take(e, t, limits, &plan) : reason;
}

static __always_inline bool fits_empty(const struct fw_limit *limit, __u64 n)
{
	return !limit->window || bucket_cost(limit, n) <= limit->window;
}

/*
 * The first packet of a source whose place was just claimed, against buckets that are full. Opens
 * the place. Returns as charge_plan().
 */
static __always_inline int charge_first(struct entry *e, const struct toll *t,
					const struct fw_limit *limits)
{
	const struct fw_limit *packets = limits, *bytes = &limits[FW_K_BYTES];
	const struct fw_limit *third = third_limit(limits, t->stamp);
	__u64 cost = bucket_cost(packets, 1) << packets->shift;
	int reason = FW_CONTINUE;

	entry_reset(e, t->now, limits);
	if (!fits_empty(packets, 1))
		reason = FW_R_DROP_SRC_PACKETS;
	else if (third && !fits_empty(third, 1))
		reason = reason_of(t->stamp);
	else if (!fits_empty(bytes, t->len))
		reason = FW_R_DROP_SRC_BYTES;
	if (reason == FW_CONTINUE) {
		if (third)
			e->src->tat[t->stamp] += bucket_cost(third, 1);
		if (bytes->window)
			e->src->tat[FW_STAMP_BYTES] += bucket_cost(bytes, t->len);
	}
	entry_open(e, reason == FW_CONTINUE ? t->now + cost : t->now);
	return reason;
}

#endif
