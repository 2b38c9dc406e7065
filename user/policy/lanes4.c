// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes IPv4 ranges by /16, then packs those of a /16 into one leaf a /24 where that takes no more
 * room. What must stay true: a /24 whose bit is clear is wholly of the base profile; the ranges of
 * a /16, or of a leaf, cover it, so a search needs no other block.
 */
#include <errno.h>
#include <string.h>
#include "user/policy/lanes_build.h"

static __u32 range_low(__u64 range)
{
	return (__u32)(range >> 32);
}

/* Last low address of range i of n. */
static __u32 range_end(const __u64 *range, __u32 n, __u32 i)
{
	return i + 1 < n ? range_low(range[i + 1]) - 1 : 0xffff;
}

/* /24s that lie wholly in [low, end]: the first, and how many. */
static __u32 nets_inside(__u32 low, __u32 end, __u32 *ret_first)
{
	__u32 first = (low + 255) >> 8, behind = (end + 1) >> 8;

	*ret_first = first;
	return behind > first ? behind - first : 0;
}

/* The base that leaves the fewest bits set: "in no lane", or the profile with the longest range. */
static __u32 base_choose(const __u64 *range, __u32 n)
{
	__u32 longest = 0, candidate = 0, zero = 0, other = 0, first;

	for (__u32 i = 0; i < n; i++) {
		__u32 nets = nets_inside(range_low(range[i]), range_end(range, n, i), &first);

		if (nets > longest) {
			longest = nets;
			candidate = (__u32)range[i];
		}
	}
	for (__u32 i = 0; i < n; i++) {
		__u32 nets = nets_inside(range_low(range[i]), range_end(range, n, i), &first);

		zero += (__u32)range[i] == 0 ? nets : 0;
		other += (__u32)range[i] == candidate ? nets : 0;
	}
	return other > zero ? candidate : 0;
}

/* Ranges of a /24: their number, and the index of the first. */
static __u32 net_ranges(const __u64 *range, __u32 n, __u32 net, __u32 *ret_first)
{
	__u32 first = 0, behind;

	while (first + 1 < n && range_low(range[first + 1]) <= net << 8)
		first++;
	behind = first + 1;
	while (behind < n && range_low(range[behind]) <= (net << 8 | 0xff))
		behind++;
	*ret_first = first;
	return behind - first;
}

/* A /24 of at most three ranges, the outer two alike, is one interval; else 0. */
static __u64 leaf_interval(const __u64 *range, __u32 n, __u32 net)
{
	__u32 first = 0, last = 0xff, inside = (__u32)range[0], outside = inside;

	if (n > 3 || (n == 3 && (__u32)range[0] != (__u32)range[2]))
		return 0;
	if (n > 1) {
		first = range_low(range[1]) - (net << 8);
		inside = (__u32)range[1];
	}
	if (n == 3)
		last = range_low(range[2]) - (net << 8) - 1;
	return first | last << 8 | (__u64)inside << FW_LEAF_INSIDE |
	       (__u64)outside << FW_LEAF_OUTSIDE;
}

/*
 * The leaves of a /16 of n ranges, then the ranges that some of them need. Returns the words
 * written to ret, or 0 if they would be more than n.
 */
static __u32 block_pack(const struct fw_lane4_dir *dir, const __u64 *range, __u32 n, __u32 start,
			__u64 *ret)
{
	__u32 leaves = 0, used, leaf = 0;

	for (int i = 0; i < 4; i++)
		leaves += (__u32)__builtin_popcountll(dir->bits[i]);
	used = leaves;
	for (__u32 net = 0; net < 256 && used <= n; net++) {
		__u32 first, count;

		if (!(dir->bits[net >> 6] >> (net & 63) & 1))
			continue;
		count = net_ranges(range, n, net, &first);
		ret[leaf] = leaf_interval(range + first, count, net);
		if (!ret[leaf++]) {
			if (used + count > n)
				return 0;
			ret[leaf - 1] = FW_LEAF_SEARCH | (__u64)count << 32 | (start + used);
			memcpy(ret + used, range + first, count * sizeof(*range));
			used += count;
		}
	}
	return used <= n ? used : 0;
}

/* Replaces the ranges of a finished /16 by leaves, if that takes no more words. */
static void block_shrink(struct fw_lanes4 *writer, struct fw_lane4_dir *dir)
{
	__u64 *range = writer->out->range4 + writer->start;
	__u32 words = block_pack(dir, range, dir->count, dir->start, writer->pack);

	if (!words)
		return;
	memcpy(range, writer->pack, words * sizeof(*range));
	writer->used = writer->start + words;
	dir->count = 0;
	for (int i = 1; i < 4; i++)
		dir->before[i] =
			(__u8)(dir->before[i - 1] + __builtin_popcountll(dir->bits[i - 1]));
}

static void top_put(struct fw_lanes4 *writer, __u32 block, __u32 profile)
{
	__u64 *top = &writer->out->top4[block / 4];
	unsigned int shift = block % 4 * 16;

	*top = (*top & ~(0xffffULL << shift)) | (__u64)profile << shift;
}

/* Closes the /16 that has been written; ranges start..used are its. */
static void block_finish(struct fw_lanes4 *writer)
{
	struct fw_lane4_dir *dir = &writer->out->dir4[writer->block];
	const __u64 *range = writer->out->range4 + writer->start;
	__u32 n = writer->used - writer->start, first;

	memset(dir, 0, sizeof(*dir));
	top_put(writer, writer->block, FW_LANE4_DIR);
	if (writer->used > writer->out->range4_max)
		return; /* refused in the end, this only counts */
	dir->base = base_choose(range, n);
	memset(dir->bits, 0xff, sizeof(dir->bits));
	for (__u32 i = 0; i < n; i++) {
		__u32 nets = nets_inside(range_low(range[i]), range_end(range, n, i), &first);

		for (__u32 net = first; (__u32)range[i] == dir->base && net < first + nets; net++)
			dir->bits[net >> 6] &= ~(1ULL << (net & 63));
	}
	dir->start = writer->start;
	dir->count = n;
	block_shrink(writer, dir);
}

static void range_put(struct fw_lanes4 *writer, __u32 low, __u32 profile)
{
	if (writer->used < writer->out->range4_max)
		writer->out->range4[writer->used] = (__u64)low << 32 | profile;
	writer->used++;
}

static void range_write(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile)
{
	for (__u32 block = first >> 16; block <= last >> 16; block++) {
		__u32 low = block == first >> 16 ? first & 0xffff : 0;
		__u32 end = block == last >> 16 ? last & 0xffff : 0xffff;

		writer->block = block;
		if (low == 0 && end == 0xffff) {
			writer->out->dir4[block] = (struct fw_lane4_dir){ .base = profile };
			top_put(writer, block, profile < FW_LANE4_SET ? profile : FW_LANE4_DIR);
			continue;
		}
		if (low == 0)
			writer->start = writer->used;
		range_put(writer, low, profile);
		if (end == 0xffff)
			block_finish(writer);
	}
}

void fw_lanes4_add(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile)
{
	if (writer->counting) {
		fw_lanes4_count(writer, first, last, profile);
		return;
	}
	/* What is in the set may be anything here: the range before it runs on. */
	if (writer->open &&
	    (profile == writer->profile || fw_lanes4_list(writer, first, last, profile)))
		return;
	if (writer->open)
		range_write(writer, writer->first, first - 1, writer->profile);
	writer->open = true;
	writer->first = first;
	writer->profile = profile;
}

/* Where the set is to be asked first, the top says so. */
static void tops_mark(struct fw_lanes4 *writer)
{
	for (__u32 block = 0; block < 65536; block++) {
		__u64 top = writer->out->top4[block / 4] >> block % 4 * 16 & 0xffff;

		if (fw_lanes4_is_listed(writer, block))
			top_put(writer, block, top ? FW_LANE4_SET_DIR : FW_LANE4_SET);
	}
}

int fw_lanes4_finish(struct fw_lanes4 *writer, struct fw_err *err)
{
	struct fw_lanes *out = writer->out;

	range_write(writer, writer->first, 0xffffffff, writer->profile);
	tops_mark(writer);
	if (writer->used > out->range4_max)
		return fw_err_set(err, -ENOSPC,
				  "import fewer prefixes, or attach anew with more room for them",
				  "the IPv4 prefixes split the space into %u ranges, and %u fit",
				  writer->used, out->range4_max);
	out->range4_used = writer->used;
	return 0;
}
