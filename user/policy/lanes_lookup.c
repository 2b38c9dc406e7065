// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference reading of compiled lanes: step by step what bpf/stage_lanes.h does, over plain
 * memory. Tests compare it with the prefixes, and the program with it.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include "bpf/hash.h"
#include "user/base/text.h"
#include "user/policy/lanes.h"

static __u32 search4(const struct fw_lanes *lanes, __u32 at, __u32 left, __u32 low)
{
	while (left > 1) {
		__u32 half = left >> 1;

		if (lanes->range4[at + half] >> 32 <= low)
			at += half;
		left -= half;
	}
	return (__u32)lanes->range4[at];
}

static __u32 leaf4(const struct fw_lanes *lanes, __u64 leaf, __u32 addr)
{
	__u32 octet = addr & 0xff;

	if (leaf & FW_LEAF_SEARCH)
		return search4(lanes, (__u32)leaf, leaf >> 32 & 0xffff, addr & 0xffff);
	if (octet >= (leaf & 0xff) && octet <= (leaf >> 8 & 0xff))
		return leaf >> FW_LEAF_INSIDE & FW_LEAF_PROFILE;
	return leaf >> FW_LEAF_OUTSIDE & FW_LEAF_PROFILE;
}

static bool set4(const struct fw_lanes *lanes, __u32 addr)
{
	__u32 hash = fw_lane4_hash(addr), low = hash & 0xffff;
	const struct fw_lane4_set *set = &lanes->set4[hash * (__u64)lanes->set4_lines >> 32];

	for (int i = 0; low && i < 4 * FW_LANE4_WORDS; i++)
		if ((set->word[i / 4] >> i % 4 * 16 & 0xffff) == low)
			return true;
	return false;
}

__u32 fw_lanes_lookup4(const struct fw_lanes *lanes, __u32 addr)
{
	__u32 top = lanes->top4[addr >> 18] >> (addr >> 16) % 4 * 16 & 0xffff, rank;
	const struct fw_lane4_dir *dir = &lanes->dir4[addr >> 16];
	__u64 bits = dir->bits[addr >> 14 & 3];

	if (top < FW_LANE4_SET)
		return top;
	if (top != FW_LANE4_DIR && set4(lanes, addr))
		return FW_LANE4_COMMON;
	if (top == FW_LANE4_SET)
		return 0;
	if (!(bits >> (addr >> 8 & 63) & 1))
		return dir->base;
	if (dir->count)
		return search4(lanes, dir->start, dir->count, addr & 0xffff);
	rank = dir->before[addr >> 14 & 3] +
	       (__u32)__builtin_popcountll(bits & ((1ULL << (addr >> 8 & 63)) - 1));
	return leaf4(lanes, lanes->range4[dir->start + rank], addr);
}

static __u32 deep_lookup(const struct fw_lanes *lanes, __u32 at, __u64 low)
{
	__u32 left = lanes->deep6[at].count;

	while (left > 1) {
		__u32 half = left >> 1;

		if (lanes->deep6[at + half].low <= low)
			at += half;
		left -= half;
	}
	return lanes->deep6[at].profile;
}

__u32 fw_lanes_lookup6(const struct fw_lanes *lanes, __u64 high, __u64 low)
{
	__u32 value = lanes->head->profile6_base, node = 0;

	for (__u32 depth = 0; depth < lanes->head->depth6 && node < lanes->node6_max; depth++) {
		const struct fw_lane6_node *n = &lanes->node6[node];
		__u32 below = 0;

		for (int i = 0; i < FW_LANE6_KEYS; i++)
			below += n->key[i] <= high;
		if (below)
			value = n->val[below - 1];
		node = node * (FW_LANE6_KEYS + 1) + 1 + below;
	}
	if (value & FW_LANE6_DEEP)
		return deep_lookup(lanes, value & ~FW_LANE6_DEEP, low);
	return value;
}

__u32 fw_lanes_lookup(const struct fw_lanes *lanes, const __be32 addr_be[4])
{
	if (fw_text_is_ip4(addr_be))
		return fw_lanes_lookup4(lanes, ntohl(addr_be[3]));
	return fw_lanes_lookup6(lanes, (__u64)ntohl(addr_be[0]) << 32 | ntohl(addr_be[1]),
				(__u64)ntohl(addr_be[2]) << 32 | ntohl(addr_be[3]));
}
