/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source tables: sets of 8 ways in two arrays. Fingerprints are read first and settle most
 * unknown sources with one load; the word of a way holds identity and packet stamp and changes by
 * one compare-and-swap; its other stamps are touched only for packets that may pass.
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
#define FW_IDLE_NS                                                                     \
	(1ULL << 33)  /* 8.6 s: the least silence before a newcomer may have the place \
		       */
#define FW_IDLE_ANY 1 /* any silence at all: for a source that has proven itself */

/* What to look for, and in which table. */
struct table_key {
	__u64 hash;
	__u32 base; /* first set of the table */
	__u32 bits; /* log2 of its far sets */
};

/* One source in a table. */
struct entry {
	struct fw_src *set;
	__u64 word;
	__u32 way; /* below FW_WAYS */
};

/* Bytes of x that are zero, as 0x80 each. Nothing is borrowed from one byte to the next. */
static __always_inline __u64 zero_bytes(__u64 x)
{
	return ~(((x & ~FW_BYTES_HIGH) + ~FW_BYTES_HIGH) | x) & FW_BYTES_HIGH;
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

/* Look in one set. */
static __always_inline bool set_find(const struct fw_place *place, __u32 set, struct entry *e)
{
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	__u64 marks;

	if (!fp) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	marks = zero_bytes(fp->v ^ place->fp * FW_BYTES_LOW);
	if (!marks)
		return false;
	e->set = bpf_map_lookup_elem(&fw_src, &set);
	if (!e->set)
		return false;
	for (int i = 0; i < FW_WAYS; i++) {
		e->way = first_way(marks);
		e->word = *(volatile __u64 *)&e->set->word[e->way];
		if (e->word >> FW_TAG_SHIFT == place->tag)
			return true;
		marks &= marks - 1;
		if (!marks)
			break;
	}
	return false;
}

static __always_inline bool table_find(const struct table_key *k, struct entry *e)
{
	struct fw_place place = fw_place_near(k->hash, k->bits);
	__u32 set = k->base + place.set;

	/* A loop, not two calls: the code of set_find() is wanted once. */
#pragma clang loop unroll(disable)
	for (int far = 0; far < 2; far++) {
		if (set_find(&place, set, e))
			return true;
		if (far || !near_overflowed(set))
			break;
		place = fw_place_far(k->hash, k->bits);
		set = k->base + place.set;
	}
	return false;
}

/* The longest-idle way that may be given away, or FW_WAYS. *ret_word: what it held then. */
static __always_inline __u32 table_victim(const struct entry *e, __u64 now, __u64 idle_ns,
					  __u64 *ret_word)
{
	/* A proof that nobody used for so long has expired, but only its owner would clear it. */
	const __u64 proof_ns = (__u64)FW_PROOF_MAX_S << 30;
	__u64 oldest = idle_ns == FW_IDLE_ANY ? 0 : idle_ns > FW_IDLE_NS ? idle_ns : FW_IDLE_NS;
	__u32 victim = FW_WAYS;

	for (int i = 0; i < FW_WAYS; i++) {
		__u64 word = *(volatile __u64 *)&e->set->word[i];
		__u64 age = (now - word) & FW_TAT_MASK;

		if (age > FW_TAT_MASK >> 1 || age <= oldest ||
		    (e->set->proof[i] && age <= proof_ns))
			continue;
		oldest = age;
		victim = i;
		*ret_word = word;
	}
	return victim;
}

/*
 * Fresh buckets for a place just won: all stamps at now, whatever their unit, is "idle". What
 * another CPU that met this one at the place has charged meanwhile is forgotten: a packet at most.
 */
static __always_inline void entry_reset(struct entry *e, __u64 now, const struct fw_limit *limits)
{
	for (int k = 0; k < FW_STAMPS; k++)
		e->set->tat[e->way][k] = now >> (limits[k + 1].shift & 31);
	e->set->seen[e->way] = FW_SEEN(now, limits[FW_K_PACKETS].units);
	e->set->proof[e->way] = 0;
}

/*
 * Enter a source into one set. Returns 1, 0 if the set is full, -1 if another CPU was faster.
 * Everything is decided on one reading of the fingerprints and by exchanging a word that was seen
 * in it, 0 for a free way: two CPUs that enter the same source at once meet at the same way.
 */
static __always_inline int set_insert(const struct fw_place *place, __u32 set, struct entry *e,
				      __u64 now, __u64 idle_ns, const struct fw_limit *limits)
{
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	__u64 fps, empty, old = 0, new = (__u64)place->tag << FW_TAG_SHIFT | (now & FW_TAT_MASK);

	e->set = bpf_map_lookup_elem(&fw_src, &set);
	if (!fp || !e->set)
		return -1;
	fps = *(volatile __u64 *)&fp->v;
	/* Entered since it was looked for? The stack has no room to look at more than one way. */
	empty = zero_bytes(fps ^ place->fp * FW_BYTES_LOW);
	if (empty) {
		e->way = first_way(empty);
		e->word = *(volatile __u64 *)&e->set->word[e->way];
		if (e->word >> FW_TAG_SHIFT == place->tag)
			return 1;
	}
	empty = zero_bytes(fps);
	e->way = empty ? first_way(empty) : table_victim(e, now, idle_ns, &old);
	if (e->way >= FW_WAYS)
		return 0;
	e->word = __sync_val_compare_and_swap(&e->set->word[e->way], old, new);
	if (e->word != old)
		return e->word >> FW_TAG_SHIFT == place->tag ? 1 : -1;
	e->word = new;
	entry_reset(e, now, limits);
	((volatile __u8 *)&fp->v)[e->way] = place->fp;
	note(empty ? FW_N_INSERTED : FW_N_EVICTED);
	return 1;
}

/* Enter a source. False: no free place, or another CPU was faster with another source. */
static __always_inline bool table_insert(const struct table_key *k, struct entry *e, __u64 now,
					 __u64 idle_ns, const struct fw_limit *limits)
{
	struct fw_place place = fw_place_near(k->hash, k->bits);
	__u32 near = k->base + place.set;
	int entered = 0;

#pragma clang loop unroll(disable)
	for (int far = 0; far < 2 && !entered; far++) {
		if (far) {
			place = fw_place_far(k->hash, k->bits);
			near_overflow(near);
		}
		entered = set_insert(&place, k->base + place.set, e, now, idle_ns, limits);
	}
	if (!entered)
		note(FW_N_SET_FULL);
	return entered > 0;
}

#endif
