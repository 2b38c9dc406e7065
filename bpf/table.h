/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source tables: sets of 8 ways in three arrays. Fingerprints are read first and settle most
 * unknown sources with one load; the hot word holds identity and packet stamp and changes by one
 * compare-and-swap; the rest is touched only for packets that may pass.
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
#define FW_IDLE_NS    (1ULL << 33) /* 8.6 s: the least silence before a newcomer may have the place \
				    */

/* One source in a table. rest is NULL until entry_rest() succeeded. */
struct entry {
	struct fw_src_hot *hot;
	struct fw_src_rest *rest;
	__u64 word;
	__u32 set;
	__u32 way; /* below FW_WAYS */
};

/* Bytes of x that are zero, as 0x80 each. Exact up to and including the lowest one. */
static __always_inline __u64 zero_bytes(__u64 x)
{
	return (x - FW_BYTES_LOW) & ~x & FW_BYTES_HIGH;
}

/* Index of the lowest byte marked by zero_bytes(); BPF has no count-trailing-zeros. */
static __always_inline __u32 first_way(__u64 marks)
{
	return ((((marks & -marks) >> 7) * 0x0001020304050607ULL) >> 56) & (FW_WAYS - 1);
}

static __always_inline bool table_find(const struct fw_place *place, struct entry *e)
{
	__u32 set = place->set;
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	__u64 marks;

	e->set = set;
	e->rest = 0;
	if (!fp) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	marks = zero_bytes(fp->v ^ place->fp * FW_BYTES_LOW);
	if (!marks)
		return false;
	e->hot = bpf_map_lookup_elem(&fw_src_hot, &set);
	if (!e->hot)
		return false;
	for (int i = 0; i < FW_WAYS; i++) {
		e->way = first_way(marks);
		e->word = *(volatile __u64 *)&e->hot->word[e->way];
		if (e->word >> FW_TAG_SHIFT == place->tag)
			return true;
		marks &= marks - 1;
		if (!marks)
			break;
	}
	return false;
}

static __always_inline bool entry_rest(struct entry *e)
{
	__u32 set = e->set;

	e->rest = bpf_map_lookup_elem(&fw_src_rest, &set);
	if (!e->rest)
		note(FW_N_MAP_ERROR);
	return e->rest;
}

/* The longest-idle way that may be given away, or FW_WAYS. */
static __always_inline __u32 table_victim(const struct entry *e, const struct pkt *p, __u64 idle_ns)
{
	__u64 oldest = idle_ns > FW_IDLE_NS ? idle_ns : FW_IDLE_NS;
	__u32 victim = FW_WAYS;

	for (int i = 0; i < FW_WAYS; i++) {
		__u64 age = (p->now - e->hot->word[i]) & FW_TAT_MASK;

		if (age > FW_TAT_MASK >> 1 || e->rest->proof[i] || age <= oldest)
			continue;
		oldest = age;
		victim = i;
	}
	return victim;
}

/* Fresh buckets for a place just won: all stamps at now, whatever their unit, is "idle". */
static __always_inline void entry_reset(struct entry *e, __u64 now, const struct fw_limit *limits)
{
	for (int k = 0; k < FW_STAMPS; k++)
		e->rest->tat[k][e->way] = now >> (limits[k + 1].shift & 31);
	e->rest->seen[e->way] = now >> FW_SEEN_SHIFT;
	e->rest->proof[e->way] = 0;
}

/*
 * Enter a source. False: no free place, or another CPU was faster. Two CPUs that enter the same
 * source choose the same way, so it never gets two buckets.
 */
static __always_inline bool table_insert(const struct fw_place *place, struct entry *e,
					 const struct pkt *p, const struct fw_policy *policy,
					 const struct fw_limit *limits)
{
	__u32 set = place->set;
	struct fw_word *fp = bpf_map_lookup_elem(&fw_src_fp, &set);
	__u64 empty, old, new = (__u64)place->tag << FW_TAG_SHIFT | (p->now & FW_TAT_MASK);

	e->set = set;
	e->hot = bpf_map_lookup_elem(&fw_src_hot, &set);
	if (!fp || !e->hot || !entry_rest(e))
		return false;
	empty = zero_bytes(fp->v);
	e->way = empty ? first_way(empty) : table_victim(e, p, policy->idle_ns);
	if (e->way >= FW_WAYS) {
		note(FW_N_SET_FULL);
		return false;
	}
	old = *(volatile __u64 *)&e->hot->word[e->way];
	e->word = __sync_val_compare_and_swap(&e->hot->word[e->way], old, new);
	if (e->word != old)
		return e->word >> FW_TAG_SHIFT == place->tag;
	e->word = new;
	entry_reset(e, p->now, limits);
	((volatile __u8 *)&fp->v)[e->way] = place->fp;
	note(empty ? FW_N_INSERTED : FW_N_EVICTED);
	return true;
}

#endif
