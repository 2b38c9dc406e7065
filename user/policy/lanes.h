/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flattens the prefixes of a generation into what the program searches: disjoint IPv4 ranges by
 * /16, a static 9-ary tree of IPv6 ranges over the upper 64 bits, groups of ranges below that, and
 * the profiles they point at. Pure; writes into memory the caller gives, usually the half of the
 * mapped arrays that is not live. Formats: bpf/abi.h.
 *
 * What an address is: for each of management, trusted and blocked the latest expiry of all prefixes
 * that cover it; for class the longest prefix that covers it, with that prefix's expiry.
 * A profile holds one class: when a longer class prefix expires, the shorter around it holds again
 * from the next compilation on; until then its addresses are of the default class.
 */
#ifndef FW_LANES_H
#define FW_LANES_H

#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/policy/prefixes.h"

/* Where the result goes: arrays of the given sizes, owned by the caller. */
struct fw_lanes {
	struct fw_lane_head *head; /* one; prefixes and whys are set from the set's counts */
	__u64 *top4;		   /* 16,384: 4 /16s each, the lowest first */
	struct fw_lane4_dir *dir4; /* 65,536 */
	struct fw_lane4_set *set4; /* set4_lines */
	__u64 *range4;		   /* ranges and leaves */
	struct fw_lane6_node *node6;
	struct fw_lane6_deep *deep6;
	struct fw_profile *profile;
	__u32 set4_lines; /* a power of two, at least 2^FW_LANE4_BITS; less: no set */
	__u32 range4_max; /* sizes in entries */
	__u32 node6_max;
	__u32 deep6_max;
	__u32 profile_max; /* at least 1 */
	__u32 range4_used; /* out: entries in use */
	__u32 profile_used;
};

/*
 * now_s: program time; prefixes expired by then are left out. -ENOSPC: does not fit; the error
 * names the array, its size and, where it can be known, the size needed. -ENOMEM. On failure the
 * arrays hold rubbish.
 */
int fw_lanes_compile(const struct fw_prefixes *set, __u32 now_s, struct fw_lanes *out,
		     struct fw_err *err);

/* Profile of an address, read from the compiled form the way the program does. */
__u32 fw_lanes_lookup4(const struct fw_lanes *lanes, __u32 addr);	     /* host order */
__u32 fw_lanes_lookup6(const struct fw_lanes *lanes, __u64 high, __u64 low); /* host order */
/* Either family, 128-bit form, network order. */
__u32 fw_lanes_lookup(const struct fw_lanes *lanes, const __be32 addr_be[4]);

#endif
