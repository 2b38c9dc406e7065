/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a source lives. Hashes are keyed per load, so that collisions cannot be aimed. The IPv4 mix
 * is a bijection on 32 bits: set, fingerprint and tag together name one address and no other (in
 * tables of at least 8,192 sets). IPv6 prefixes that differ share a name with probability 2^-20.
 * Host and BPF, so that `source show` finds what the program filed.
 *
 * A table is a near part of at most 131,072 sources, dense enough for caches and TLB, and a far
 * part of the size asked for. A source goes to the near part while its set there has room.
 */
#ifndef FW_HASH_H
#define FW_HASH_H

#include "net.h"
#include "abi.h"

#define FW_NEAR_BITS                                                                \
	13 /* log2 of the sets of a near part, unless the far part is smaller still \
	    */

struct fw_place {
	__u32 set; /* from the start of the table: near part, then far part */
	__u32 tag; /* 12 bits */
	__u8 fp;   /* fingerprint, never 0 */
};

/* key1 and key3 are odd. addr in host order. The upper 12 bits are the tag. */
static __always_inline __u64 fw_hash4(__u32 addr, __u64 key0, __u64 key1, __u64 key3)
{
	__u32 x = addr ^ (__u32)key0;

	x *= (__u32)key1;
	x ^= x >> 15;
	x *= (__u32)key3;
	x ^= x >> 16;
	return (__u64)(x >> 20) << FW_TAG_SHIFT | x;
}

/*
 * Where a listed address is. A bijection, too, and not keyed: who lists is trusted, and what finds
 * its line full is found the other way.
 */
static __always_inline __u32 fw_lane4_hash(__u32 addr)
{
	__u32 x = addr * 0x7feb352dU;

	return (x ^ x >> 15) * 0x846ca68bU;
}

static __always_inline __u64 fw_hash6(__u64 prefix, __u64 key0, __u64 key1, __u64 key3)
{
	__u64 x = (prefix ^ key0) * key1;

	x ^= x >> 32;
	x *= key3;
	return x ^ (x >> 29);
}

/*
 * A /48 has several buckets: what invented neighbours use up must not be what proven sources live
 * on, nor what those use up the clerks'. upper: of any of its addresses, the upper 64 bits.
 */
static __always_inline __u64 fw_net48_hash(__u64 upper, enum fw_net48 whose, __u64 key1, __u64 key2,
					   __u64 key3)
{
	return fw_hash6(upper >> 16 | (__u64)whose << 48, key2, key1, key3);
}

/* bits: log2 of the far part's sets. */
static __always_inline __u32 fw_near_bits(__u32 bits)
{
	return bits < FW_NEAR_BITS ? bits : FW_NEAR_BITS;
}

static __always_inline __u32 fw_table_sets(__u32 bits)
{
	return (1U << bits) + (1U << fw_near_bits(bits));
}

static __always_inline struct fw_place fw_place(__u64 hash, __u32 bits)
{
	struct fw_place place = { .set = hash & ((1U << bits) - 1), .tag = hash >> FW_TAG_SHIFT };
	__u64 fp = hash >> bits & 0xff;

	if (!fp)
		fp = 0xff;
	place.fp = fp;
	return place;
}

static __always_inline struct fw_place fw_place_near(__u64 hash, __u32 bits)
{
	return fw_place(hash, fw_near_bits(bits));
}

static __always_inline struct fw_place fw_place_far(__u64 hash, __u32 bits)
{
	struct fw_place place = fw_place(hash, bits);

	place.set += 1U << fw_near_bits(bits);
	return place;
}

#endif
