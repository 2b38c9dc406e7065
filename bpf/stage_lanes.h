/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One look-up of the source address answers who it is: management (nothing cuts it off), trusted,
 * blocked until a time that is compared here, or a member of a class. The tables are compiled by
 * user/policy/lanes.c and never written by the program.
 */
#ifndef FW_STAGE_LANES_H
#define FW_STAGE_LANES_H

#include "hash.h"
#include "state.h"

#define FW_LANE4_STEPS 17 /* halvings of 65,536 ranges */
#define FW_LANE6_STEPS 18 /* halvings of 262,144 ranges */

/*
 * All ones if a <= b, else 0, without a branch: the verifier would follow both ways of each step of
 * a search, and the CPU would mispredict half of them.
 */
static __always_inline __u64 mask_if_le(__u64 a, __u64 b)
{
	__u64 less = (~b & a) | ((~b | a) & (b - a)); /* bit 63: borrow of b - a */

	asm volatile("" : "+r"(less));
	return (less >> 63) - 1;
}

/* Of the ranges [at, at + left) the last that begins at or below low; its profile. */
static __always_inline __u32 lane4_search(__u32 at, __u32 left, __u16 low)
{
	struct fw_word *range;

	for (int i = 0; i < FW_LANE4_STEPS && left > 1; i++) {
		__u32 half = left >> 1, middle = at + half;

		range = bpf_map_lookup_elem(&fw_lane4_rng, &middle);
		if (!range)
			return 0;
		at += half & (__u32)mask_if_le(range->v >> 32, low);
		left -= half;
	}
	range = bpf_map_lookup_elem(&fw_lane4_rng, &at);
	return range ? (__u32)range->v : 0;
}

static __always_inline __u32 count_bits(__u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	return ((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56;
}

/* A /16 that holds more than one profile. */
static __always_inline __u32 lane4_detail(__u32 lanes, __u32 addr)
{
	__u32 key = lanes << 16 | addr >> 16, word = addr >> 14 & 3, bit = addr >> 8 & 63;
	struct fw_lane4_dir *dir = bpf_map_lookup_elem(&fw_lane4_dir, &key);
	__u32 half = lanes * knob_ranges4, at, left, octet = addr & 0xff;
	struct fw_word *leaf;

	if (!dir || !(dir->bits[word] >> bit & 1))
		return dir ? dir->base : 0;
	at = half + dir->start;
	left = dir->count;
	if (!left) {
		at += dir->before[word] + count_bits(dir->bits[word] & ((1ULL << bit) - 1));
		leaf = bpf_map_lookup_elem(&fw_lane4_rng, &at);
		if (!leaf)
			return 0;
		if (!(leaf->v & FW_LEAF_SEARCH))
			return octet >= (leaf->v & 0xff) && octet <= (leaf->v >> 8 & 0xff)
				       ? leaf->v >> FW_LEAF_INSIDE & FW_LEAF_PROFILE
				       : leaf->v >> FW_LEAF_OUTSIDE & FW_LEAF_PROFILE;
		at = half + (__u32)leaf->v;
		left = leaf->v >> 32 & 0xffff;
	}
	return lane4_search(at, left, addr);
}

#define FW_QUARTERS_LOW	 0x0001000100010001ULL
#define FW_QUARTERS_HIGH 0x8000800080008000ULL

/*
 * Is the address in the set? One line of memory, read without a branch. x - 1 & ~x has the highest
 * bit of the lowest quarter that is 0; this is its complement, which takes an operation less.
 */
static __always_inline bool lane4_listed(__u32 lanes, __u32 addr)
{
	__u64 hash = fw_lane4_hash(addr), low = hash & 0xffff, none = ~0ULL;
	__u64 same = low * FW_QUARTERS_LOW, one = FW_QUARTERS_LOW - 1;
	__u32 bits = knob_set4_bits, at = (lanes << bits) + (__u32)(hash >> (32 - bits));
	const struct fw_lane4_set *set = bpf_map_lookup_elem(&fw_lane4_set, &at);

	if (!set)
		return false;
	FW_OPAQUE(one);
#pragma unroll
	for (int i = 0; i < FW_LANE4_WORDS; i++) {
		__u64 x = set->word[i] ^ same;

		none &= (one - x) | x;
		FW_OPAQUE(none); /* in this order, or registers do not suffice */
	}
	return low && ~none & FW_QUARTERS_HIGH;
}

static __always_inline __u32 lane4_profile(const struct pkt *p)
{
	__u32 addr = bpf_ntohl(p->saddr[3]), id = fw_lane4_top[p->lanes & 1][addr >> 16];

	if (likely(id < FW_LANE4_SET))
		return id;
	if (id != FW_LANE4_DIR && lane4_listed(p->lanes, addr))
		return FW_LANE4_COMMON;
	return id == FW_LANE4_SET ? 0 : lane4_detail(p->lanes, addr);
}

/* Ranges over the lower 64 bits, for a /64 that holds longer prefixes. */
static __always_inline __u32 lane6_deep(const struct pkt *p, __u32 first)
{
	__u64 low = (__u64)bpf_ntohl(p->saddr[2]) << 32 | bpf_ntohl(p->saddr[3]);
	__u32 at = p->lanes * knob_deep6 + first, left;
	struct fw_lane6_deep *range = bpf_map_lookup_elem(&fw_lane6_deep, &at);

	left = range ? range->count : 0;
	for (int i = 0; i < FW_LANE6_STEPS && left > 1; i++) {
		__u32 half = left >> 1, middle = at + half;

		range = bpf_map_lookup_elem(&fw_lane6_deep, &middle);
		if (!range)
			return 0;
		at += half & (__u32)mask_if_le(range->low, low);
		left -= half;
	}
	range = bpf_map_lookup_elem(&fw_lane6_deep, &at);
	return range ? range->profile : 0;
}

static __always_inline __u32 lane6_profile(const struct pkt *p)
{
	__u64 high = (__u64)bpf_ntohl(p->saddr[0]) << 32 | bpf_ntohl(p->saddr[1]);
	const struct fw_lane_head *head = &fw_lane_head[p->lanes & 1];
	__u32 node = 0, value = head->profile6_base;

	for (__u32 depth = 0; depth < FW_LANE6_DEPTH && depth < head->depth6; depth++) {
		__u32 at = p->lanes * knob_nodes6 + node, below = 0;
		struct fw_lane6_node *n;

		if (node >= knob_nodes6)
			break;
		n = bpf_map_lookup_elem(&fw_lane6_node, &at);
		if (!n)
			break;
		for (int i = 0; i < FW_LANE6_KEYS; i++)
			below += mask_if_le(n->key[i], high) & 1;
		if (below)
			value = n->val[(below - 1) & (FW_LANE6_KEYS - 1)];
		node = node * (FW_LANE6_KEYS + 1) + 1 + below;
	}
	return value & FW_LANE6_DEEP ? lane6_deep(p, value & ~FW_LANE6_DEEP) : value;
}

/* Multiplied rather than divided: a division takes as long as a third of the stage. */
static __always_inline bool holds(__u32 until_s, __u64 now)
{
	return until_s && (until_s == FW_FOREVER || now < until_s * 1000000000ULL);
}

static __always_inline int stage_lanes(struct pkt *p)
{
	struct fw_profile *profile;
	__u32 id;

	if (!p->family)
		return FW_CONTINUE;
	id = p->family == 4 ? lane4_profile(p) : lane6_profile(p);
	if (likely(!id))
		return FW_CONTINUE;
	id += p->lanes * knob_profiles;
	profile = bpf_map_lookup_elem(&fw_profile, &id);
	if (!profile) {
		note(FW_N_MAP_ERROR);
		return FW_CONTINUE;
	}
	if (holds(profile->management_s, p->now))
		return FW_R_PASS_MANAGEMENT;
	if (holds(profile->trusted_s, p->now)) {
		p->class = FW_CLASS_TRUSTED;
		p->trusted = 1;
		return FW_CONTINUE;
	}
	if (holds(profile->blocked_s, p->now))
		return FW_R_DROP_BLOCKED;
	if (holds(profile->class_s, p->now))
		p->class = profile->class & (FW_CLASS_MAX - 1);
	return FW_CONTINUE;
}

#endif
