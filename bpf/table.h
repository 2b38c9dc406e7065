/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source tables: sets of 8 ways in two arrays. Fingerprints are read first and settle most
 * unknown sources with one load; the word of a way holds identity and packet stamp and changes by
 * one compare-and-swap; its other stamps are touched only for packets that may pass.
 *
 * A source is entered in three steps: its place is claimed by an exchange that names it, the stamps
 * are made ready while no other CPU may touch them, and the word opens the place. CPUs that bring
 * packets of the same source meanwhile find the claim and wait for it, some hundred nanoseconds;
 * who waits in vain refuses. So no charge is ever forgotten.
 *
 * Nothing here blocks or allocates. A source leaves only when it has been idle long enough for its
 * buckets to be full again, so forgetting it changes nothing.
 */
#ifndef FW_TABLE_H
#define FW_TABLE_H

#include "state.h"
#include "hash.h"

#define FW_BYTES_LOW  0x0101010101010101ULL
#define FW_BYTES_HIGH 0x8080808080808080ULL
#define FW_LINE	      64 /* bytes of a cache line */
#define FW_IDLE_NS                                                                         \
	(1ULL << 33)	  /* 8.6 s: the least silence before a newcomer may have the place \
			   */
#define FW_IDLE_ANY	1 /* set: any silence at all, for a source that has proven itself */
#define FW_BAN_AHEAD_NS ((__u64)FW_BAN_MAX_S << 30) /* no ban reaches further */

/* What to look for, and in which table. */
struct table_key {
	__u64 hash;
	__u32 base; /* first set of the table */
	__u32 bits; /* log2 of its far sets */
};

/* One source in a table. */
struct entry {
	struct fw_src *src;
	__u64 word; /* as last read */
};

/* Looks at a place that another CPU has claimed. What lies between two takes time, and no more. */
#define FW_CLAIM_LOOKS 64
#define claim_pause()  bpf_ktime_get_ns()

/* A word with another stamp. The one stamp that would read as a claim is made a nanosecond later.
 */
static __always_inline __u64 word_with(__u64 word, __u64 stamp)
{
	stamp &= FW_TAT_MASK;
	stamp += (stamp + 1) >> FW_TAG_SHIFT;
	return (word & ~FW_TAT_MASK) | (stamp & FW_TAT_MASK);
}

static __always_inline bool is_claimed(__u64 word)
{
	return (word & FW_TAT_MASK) == FW_CLAIMED;
}

/* Bytes of x that are zero, as 0x80 each. Nothing is borrowed from one byte to the next. */
static __always_inline __u64 zero_bytes(__u64 x)
{
	return ~(((x & ~FW_BYTES_HIGH) + ~FW_BYTES_HIGH) | x) & FW_BYTES_HIGH;
}

/*
 * The same for whoever asks only whether one is zero, and which is the lowest: above that one
 * others may be marked, too.
 */
static __always_inline __u64 zero_byte(__u64 x)
{
	return (x - FW_BYTES_LOW) & ~x & FW_BYTES_HIGH;
}

/* Index of the lowest byte marked by zero_bytes(); BPF has no count-trailing-zeros. */
static __always_inline __u32 first_way(__u64 marks)
{
	return ((((marks & -marks) >> 7) * 0x0001020304050607ULL) >> 56) & (FW_WAYS - 1);
}

/* Has this near set, counted from the start of all tables, sent sources to the far part? */
static __always_inline bool near_overflowed(__u32 set)
{
	__u32 slot = set >> 6;
	struct fw_word *more = bpf_map_lookup_elem(&fw_src_more, &slot);

	return more && more->v >> (set & 63) & 1;
}

static __always_inline void near_overflow(__u32 set)
{
	__u32 slot = set >> 6;
	struct fw_word *more = bpf_map_lookup_elem(&fw_src_more, &slot);

	if (more)
		__sync_fetch_and_or(&more->v, 1ULL << (set & 63));
}

/* Look in one set. *ret_fps: the fingerprints it was decided on. */
static __always_inline bool set_find(const struct fw_place *place, __u32 set, struct entry *e,
				     __u64 *ret_fps)
{
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	struct fw_src_set *sources;
	__u64 marks;

	if (!fp) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	*ret_fps = *(volatile __u64 *)&fp->v;
	marks = zero_bytes(*ret_fps ^ place->fp * FW_BYTES_LOW);
	if (!marks)
		return false;
	sources = bpf_map_lookup_elem(&fw_src, &set);
	if (!sources)
		return false;
	for (int i = 0; i < FW_WAYS; i++) {
		e->src = &sources->way[first_way(marks)];
		e->word = *(volatile __u64 *)&e->src->word;
		if (e->word >> FW_TAG_SHIFT == place->tag)
			return true;
		marks &= marks - 1;
		if (!marks)
			break;
	}
	return false;
}

/*
 * A source is about to be entered in a set of these fingerprints: ask for the line it will be
 * written to or, of a full set, for all to choose from at once. Left to the exchanges that enter
 * it, each would be waited for by itself.
 */
static __always_inline void set_touch(__u32 set, __u64 fps)
{
	struct fw_src_set *sources = bpf_map_lookup_elem(&fw_src, &set);
	__u64 empty = zero_bytes(fps);

	if (!sources)
		return;
	if (empty) {
		(void)*(volatile __u64 *)&sources->way[first_way(empty)].word;
		return;
	}
	for (int i = 0; i < FW_WAYS; i += FW_LINE / (int)sizeof(sources->way[0]))
		(void)*(volatile __u64 *)&sources->way[i].word;
}

/* The same for a source that is about to be charged. */
static __always_inline void entry_touch(const struct entry *e)
{
	(void)*(volatile __u64 *)&e->src->word;
}

static __always_inline bool table_find(const struct table_key *k, struct entry *e)
{
	struct fw_place place = fw_place_near(k->hash, k->bits);
	__u32 set = k->base + place.set;
	__u64 fps;

	/* A loop, not two calls: the code of set_find() is wanted once. */
#pragma clang loop unroll(disable)
	for (int far = 0; far < 2; far++) {
		if (set_find(&place, set, e, &fps))
			return true;
		if (far || !near_overflowed(set))
			break;
		place = fw_place_far(k->hash, k->bits);
		set = k->base + place.set;
	}
	return false;
}

/* All ones if a < b, else 0; both are below 2^63. No branch, so that ways do not multiply. */
static __always_inline __u64 mask_if_less(__u64 a, __u64 b)
{
	__u64 less = a - b;

	asm volatile("" : "+r"(less));
	return (__s64)less >> 63;
}

/* a where mask has ones, else b. */
static __always_inline __u64 mask_pick(__u64 mask, __u64 a, __u64 b)
{
	return b ^ ((a ^ b) & mask);
}

/*
 * The longest-idle way that may be given away, or FW_WAYS; or the one claimed for this very source
 * since it was looked for. *ret_word: what it held then. idle_ns: the longest window, so nobody's
 * debt reaches further ahead; nor does a ban reach further than FW_BAN_AHEAD_NS. What seems to is
 * weeks old.
 */
static __always_inline __u64 table_victim(const struct fw_src_set *sources, __u64 claim, __u64 now,
					  __u64 idle_ns, __u64 *ret_word)
{
	/* A proof that nobody used for so long has expired, but only its owner would clear it. */
	const __u64 proof_ns = (__u64)FW_PROOF_MAX_S << 30;
	__u64 ever = FW_TAT_MASK - (idle_ns > FW_BAN_AHEAD_NS ? idle_ns : FW_BAN_AHEAD_NS);
	__u64 oldest = idle_ns & FW_IDLE_ANY ? 0 : idle_ns > FW_IDLE_NS ? idle_ns : FW_IDLE_NS;
	__u64 victim = FW_WAYS, held = 0;

	for (int i = 0; i < FW_WAYS; i++) {
		const struct fw_src *src = &sources->way[i];
		__u64 word = *(volatile __u64 *)&src->word, proof = src->proof;
		__u64 age = (now - word) & FW_TAT_MASK, take, same = word ^ claim;

		same = mask_if_less(0, (~same & (same - 1)) >> 63);
		take = mask_if_less(oldest, age) & ~mask_if_less(ever, age) &
		       mask_if_less(word & FW_TAT_MASK, FW_CLAIMED) &
		       (mask_if_less(proof, 1) | mask_if_less(proof_ns, age));
		take |= same;
		held = mask_pick(take, word, held);
		victim = mask_pick(take, i, victim);
		oldest = mask_pick(take, age | (same & FW_TAT_MASK), oldest);
	}
	*ret_word = held;
	return victim;
}

/* Wait until the place of a source is open. False: it takes too long, or went to another. */
static __always_inline bool entry_wait(struct entry *e)
{
	__u64 tag = e->word >> FW_TAG_SHIFT;

	for (int i = 0; i < FW_CLAIM_LOOKS && is_claimed(e->word); i++) {
		claim_pause();
		e->word = *(volatile __u64 *)&e->src->word;
	}
	if (!is_claimed(e->word) && e->word >> FW_TAG_SHIFT == tag)
		return true;
	note(FW_N_RACE);
	return false;
}

/* What became of entering a source: e is its place, unless there is none. */
enum entering {
	FW_ENTER_NONE, /* no place is free */
	FW_ENTER_LOST, /* the place went to another source meanwhile: try again */
	FW_ENTER_OURS, /* claimed: make its stamps ready, then entry_open() */
	FW_ENTER_MET,  /* another CPU has entered it, or is about to: entry_wait() */
};

/* Of the ways without a fingerprint, those that nobody has claimed, or for this source alone. */
static __always_inline __u64 free_ways(const struct fw_src_set *sources, __u64 empty, __u64 claim)
{
	for (int i = 0; i < FW_WAYS && empty; i++) {
		__u64 word = *(volatile __u64 *)&sources->way[first_way(empty)].word;

		if (!word || word == claim)
			break;
		empty &= empty - 1;
	}
	return empty;
}

/*
 * Claim a place for a source in one set. Everything is decided on one state of the fingerprints and
 * by exchanging a word that was seen, 0 for a free way: two CPUs that enter the same source at once
 * meet at the same way. A fingerprint is there before its place opens, so that an open place is
 * never missed, and nobody can take the place before it is open.
 */
static __always_inline enum entering set_enter(const struct fw_place *place, __u32 set,
					       struct entry *e, __u64 now, __u64 idle_ns)
{
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	__u64 claim = (__u64)place->tag << FW_TAG_SHIFT | FW_CLAIMED;
	struct fw_src_set *sources;
	__u64 fps = 0, empty, old = 0, way;
	volatile __u8 *print;

	if (set_find(place, set, e, &fps))
		return FW_ENTER_MET;
	sources = bpf_map_lookup_elem(&fw_src, &set);
	if (!fp || !sources)
		return FW_ENTER_NONE;
	empty = free_ways(sources, zero_bytes(fps), claim);
	/* Claimed, but not full yet: who goes on to the far part now is not looked for there. */
	if (!empty && zero_bytes(fps))
		return FW_ENTER_LOST;
	way = empty ? first_way(empty) : table_victim(sources, claim, now, idle_ns, &old);
	if (*(volatile __u64 *)&fp->v != fps)
		return FW_ENTER_LOST;
	if (way >= FW_WAYS)
		return FW_ENTER_NONE;
	FW_BOUND(way, FW_WAYS - 1);
	print = (volatile __u8 *)&fp->v + way;
	e->src = &sources->way[way];
	e->word = __sync_val_compare_and_swap(&e->src->word, old, claim);
	if (e->word == claim)
		return FW_ENTER_MET;
	if (e->word != old)
		return FW_ENTER_LOST;
	e->word = claim;
	*print = place->fp;
	note(empty ? FW_N_INSERTED : FW_N_EVICTED);
	return FW_ENTER_OURS;
}

/*
 * Claim a place in the near part, or in the far one if there is none. A near set that has been full
 * is asked last by all but one source in eight: to look for an idle one in it costs as much as all
 * the rest, and under a flood of newcomers there is none.
 */
static __always_inline enum entering table_enter(const struct table_key *k, struct entry *e,
						 __u64 now, __u64 idle_ns)
{
	__u32 near = k->base + fw_place_near(k->hash, k->bits).set;
	__u64 far = near_overflowed(near) && k->hash >> FW_TAG_SHIFT & 7;
	enum entering entering = FW_ENTER_NONE;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 2 && entering == FW_ENTER_NONE; i++) {
		struct fw_place place;

		FW_FORGET(far, now); /* the verifier follows one way on, not one for each part */
		place = far ? fw_place_far(k->hash, k->bits) : fw_place_near(k->hash, k->bits);
		entering = set_enter(&place, k->base + place.set, e, now, idle_ns);
		if (!far && entering == FW_ENTER_NONE)
			near_overflow(near);
		far ^= 1;
	}
	if (entering == FW_ENTER_NONE)
		note(FW_N_SET_FULL);
	return entering;
}

/* Fresh buckets for a place just claimed: all stamps at now, whatever their unit, is "idle". */
static __always_inline void entry_reset(struct entry *e, __u64 now, const struct fw_limit *limits)
{
	for (int k = 0; k < FW_STAMPS; k++)
		e->src->tat[k] = now >> (limits[k + 1].shift & 31);
	e->src->seen = FW_SEEN(now, limits[FW_K_PACKETS].units);
	e->src->proof = 0;
}

/* Let other CPUs have a place just claimed. An exchange, so that all stores before it are seen
 * first, on any machine. */
static __always_inline void entry_open(struct entry *e, __u64 stamp)
{
	e->word = word_with(e->word, stamp);
	__sync_lock_test_and_set(&e->src->word, e->word);
}

#endif
