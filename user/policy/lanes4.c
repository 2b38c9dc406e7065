// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes IPv4 ranges by /16. What must stay true: a /24 whose bit is clear is wholly of the base
 * profile; the ranges of a /16 begin at 0 and cover it, so a search needs no other block.
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

/* Closes the /16 that has been written; ranges start..used are its. */
static void block_finish(struct fw_lanes4 *writer)
{
	struct fw_lane4_dir *dir = &writer->out->dir4[writer->block];
	const __u64 *range = writer->out->range4 + writer->start;
	__u32 n = writer->used - writer->start, first;

	memset(dir, 0, sizeof(*dir));
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
}

static void range_put(struct fw_lanes4 *writer, __u32 low, __u32 profile)
{
	if (writer->used < writer->out->range4_max)
		writer->out->range4[writer->used] = (__u64)low << 32 | profile;
	writer->used++;
}

void fw_lanes4_add(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile)
{
	for (__u32 block = first >> 16; block <= last >> 16; block++) {
		__u32 low = block == first >> 16 ? first & 0xffff : 0;
		__u32 end = block == last >> 16 ? last & 0xffff : 0xffff;

		writer->block = block;
		if (low == 0 && end == 0xffff) {
			writer->out->dir4[block] = (struct fw_lane4_dir){ .base = profile };
			continue;
		}
		if (low == 0)
			writer->start = writer->used;
		range_put(writer, low, profile);
		if (end == 0xffff)
			block_finish(writer);
	}
}

int fw_lanes4_finish(struct fw_lanes4 *writer, struct fw_err *err)
{
	struct fw_lanes *out = writer->out;

	if (writer->used > out->range4_max)
		return fw_err_set(err, -ENOSPC,
				  "import fewer prefixes, or attach anew with more room for them",
				  "the IPv4 prefixes split the space into %u ranges, and %u fit",
				  writer->used, out->range4_max);
	out->range4_used = writer->used;
	return 0;
}
