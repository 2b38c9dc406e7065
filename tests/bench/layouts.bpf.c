// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layouts of a source table, each as the smallest program that can be measured: walk Ethernet and
 * IPv4, hash the source, read the clock, find the source's bucket, drop. What differs between two
 * of them is the table. lay_none has none and is what the others are compared with.
 *
 * All are GCRA with one stamp a source; a source over its limit is dropped without a store. A
 * source that is not in the table is dropped (cfg_insert = 0, as beyond a newcomers' budget) or
 * entered (1), in place of the one that was idle longest if its set is full.
 */
#include "../../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define WINDOW_NS    8000000ULL	   /* burst */
#define COST_NS	     1000000000ULL /* one packet a second: every source is soon over its limit */
#define LOCKED_TRIES 2		   /* then the charge is given up */

const volatile __u32 cfg_mask = 0; /* sets - 1 */
const volatile __u32 cfg_insert = 0;

struct set8 {
	__u64 word[8];
};
struct set4 {
	__u64 word[4];
};

#define ARRAY(name_, type_)                        \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, 1);            \
		__type(key, __u32);                \
		__type(value, type_);              \
	} name_ SEC(".maps")

ARRAY(plain8, struct set8);
ARRAY(print8, struct set8);
ARRAY(print8_fp, __u64);
ARRAY(print4, struct set4);
ARRAY(print4_fp, __u32);

struct lru_value {
	__u64 tat;
	__u64 pad; /* the usual bucket has two fields */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lru_value);
} lru SEC(".maps");

struct probe {
	__u32 src;
	__u32 set;
	__u64 now; /* ns */
	__u64 tag; /* 12 bits */
	__u32 fp;  /* 1..255 */
};

/* The walk and the hash that every layout shares; 0 if it is an IPv4 packet. */
static __always_inline int look(struct xdp_md *ctx, struct probe *ret)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	__u64 h;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(0x0800) || ip->ihl < 5)
		return -1;
	ret->src = ip->saddr;
	h = (ip->saddr ^ 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 32) * 0x94d049bb133111ebULL;
	ret->set = (__u32)(h >> 16) & cfg_mask;
	ret->tag = h >> 52;
	ret->fp = ((h >> 44) & 0xff) | !((h >> 44) & 0xff);
	ret->now = bpf_jiffies64() * 4000000ULL & ((1ULL << 52) - 1);
	return 0;
}

/* One packet charged to a stamp: 1 and *ret_tat if admitted, 0 if over the limit. */
static __always_inline int charge(__u64 tat, __u64 now, __u64 *ret_tat)
{
	if (tat < now)
		tat = now;
	if (tat - now > WINDOW_NS)
		return 0;
	*ret_tat = tat + COST_NS;
	return 1;
}

static __always_inline int charge_word(__u64 *word, __u64 old, const struct probe *p)
{
	__u64 mask = (1ULL << 52) - 1, tat;

	for (int i = 0; i < LOCKED_TRIES; i++) {
		__u64 seen;

		if (!charge(old & mask, p->now, &tat))
			return XDP_DROP;
		seen = __sync_val_compare_and_swap(word, old, p->tag << 52 | (tat & mask));
		if (seen == old)
			return XDP_PASS;
		old = seen;
	}
	return XDP_DROP;
}

/* The way with the oldest stamp: empty ways (0) first. */
static __always_inline __u32 oldest(const __u64 *word, int ways)
{
	__u64 mask = (1ULL << 52) - 1, best = word[0] & mask;
	__u32 way = 0;

#pragma unroll
	for (int i = 1; i < ways; i++) {
		__u64 tat = word[i] & mask;

		if (tat < best) {
			best = tat;
			way = i;
		}
	}
	return way;
}

static __always_inline int enter(__u64 *word, int ways, const struct probe *p, __u32 *ret_way)
{
	__u32 way = oldest(word, ways) & (ways - 1);
	__u64 old = word[way], tat = 0;

	charge(0, p->now, &tat);
	*ret_way = way;
	__sync_val_compare_and_swap(&word[way], old, p->tag << 52 | (tat & ((1ULL << 52) - 1)));
	return XDP_PASS;
}

SEC("xdp.frags")
int lay_none(struct xdp_md *ctx)
{
	struct probe p;

	if (look(ctx, &p))
		return XDP_ABORTED;
	/* as much of the hash as the others use, so that none of it is optimised away */
	return p.set + p.tag + p.fp + p.now == 1 ? XDP_PASS : XDP_DROP;
}

SEC("xdp.frags")
int lay_lru(struct xdp_md *ctx)
{
	struct lru_value *v, fresh = {};
	struct probe p;
	__u64 tat;

	if (look(ctx, &p))
		return XDP_ABORTED;
	v = bpf_map_lookup_elem(&lru, &p.src);
	if (v) {
		if (!charge(v->tat, p.now, &tat))
			return XDP_DROP;
		v->tat = tat;
		return XDP_PASS;
	}
	if (!cfg_insert)
		return XDP_DROP;
	charge(0, p.now, &fresh.tat);
	bpf_map_update_elem(&lru, &p.src, &fresh, BPF_ANY);
	return XDP_PASS;
}

SEC("xdp.frags")
int lay_plain8(struct xdp_md *ctx)
{
	struct set8 *set;
	struct probe p;
	__u32 way;

	if (look(ctx, &p))
		return XDP_ABORTED;
	set = bpf_map_lookup_elem(&plain8, &p.set);
	if (!set)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < 8; i++) {
		__u64 w = set->word[i];

		if (w >> 52 == p.tag && w)
			return charge_word(&set->word[i], w, &p);
	}
	return cfg_insert ? enter(set->word, 8, &p, &way) : XDP_DROP;
}

/* Bytes of x that equal the byte b, as their top bits; may mark a byte above a true match, too. */
#define MATCH(x, b, ones, tops) (((((x) ^ (b) * (ones))) - (ones)) & ~((x) ^ (b) * (ones)) & (tops))

SEC("xdp.frags")
int lay_print8(struct xdp_md *ctx)
{
	struct set8 *set;
	struct probe p;
	__u64 *fp, m;
	__u32 way;

	if (look(ctx, &p))
		return XDP_ABORTED;
	fp = bpf_map_lookup_elem(&print8_fp, &p.set);
	set = bpf_map_lookup_elem(&print8, &p.set);
	if (!fp || !set)
		return XDP_ABORTED;
	m = MATCH(*fp, (__u64)p.fp, 0x0101010101010101ULL, 0x8080808080808080ULL);
	if (m) {
#pragma unroll
		for (int i = 0; i < 8; i++) {
			__u64 w;

			if (!(m & 0x80ULL << 8 * i))
				continue;
			w = set->word[i];
			if (w >> 52 == p.tag)
				return charge_word(&set->word[i], w, &p);
		}
	}
	if (!cfg_insert)
		return XDP_DROP;
	enter(set->word, 8, &p, &way);
	((__u8 *)fp)[way & 7] = p.fp;
	return XDP_PASS;
}

SEC("xdp.frags")
int lay_print4(struct xdp_md *ctx)
{
	struct set4 *set;
	struct probe p;
	__u32 *fp, m, way;

	if (look(ctx, &p))
		return XDP_ABORTED;
	/* half the ways: twice the sets for as many sources */
	p.set = p.set << 1 | (p.tag & 1);
	fp = bpf_map_lookup_elem(&print4_fp, &p.set);
	set = bpf_map_lookup_elem(&print4, &p.set);
	if (!fp || !set)
		return XDP_ABORTED;
	m = MATCH(*fp, p.fp, 0x01010101U, 0x80808080U);
	if (m) {
#pragma unroll
		for (int i = 0; i < 4; i++) {
			__u64 w;

			if (!(m & 0x80U << 8 * i))
				continue;
			w = set->word[i];
			if (w >> 52 == p.tag)
				return charge_word(&set->word[i], w, &p);
		}
	}
	if (!cfg_insert)
		return XDP_DROP;
	enter(set->word, 4, &p, &way);
	((__u8 *)fp)[way & 3] = p.fp;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
