/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a source lives in its table. Keyed per load, so that collisions cannot be aimed. The IPv4
 * mix is a bijection on 32 bits: in a table of at least 4,096 sets, set, fingerprint and tag
 * together name one address and no other. IPv6 places differ with probability 1 - 2^-19 in the
 * bits beyond the set. Host and BPF, so that `source show` finds what the program filed.
 */
#ifndef FW_HASH_H
#define FW_HASH_H

#include "net.h"
#include "abi.h"

struct fw_place {
	__u32 set;
	__u32 tag; /* FW_TAT_MASK's complement: 12 bits */
	__u8 fp;   /* fingerprint, never 0 */
};

/* key1 and key3 are odd. addr in host order. */
static __always_inline __u32 fw_hash4(__u32 addr, __u64 key0, __u64 key1, __u64 key3)
{
	__u32 x = addr ^ (__u32)key0;

	x *= (__u32)key1;
	x ^= x >> 15;
	x *= (__u32)key3;
	return x ^ (x >> 16);
}

static __always_inline __u64 fw_hash6(__u64 prefix, __u64 key0, __u64 key1, __u64 key3)
{
	__u64 x = (prefix ^ key0) * key1;

	x ^= x >> 32;
	x *= key3;
	return x ^ (x >> 29);
}

static __always_inline struct fw_place fw_place4(__u32 hash, __u32 bits)
{
	struct fw_place place = { .set = hash & ((1U << bits) - 1), .tag = hash >> 20 };

	place.fp = hash >> bits;
	if (!place.fp)
		place.fp = 0xff;
	return place;
}

static __always_inline struct fw_place fw_place6(__u64 hash, __u32 bits)
{
	struct fw_place place = { .set = hash & ((1U << bits) - 1), .tag = hash >> FW_TAG_SHIFT };

	place.fp = hash >> bits;
	if (!place.fp)
		place.fp = 0xff;
	return place;
}

#endif
