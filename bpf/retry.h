/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * First SYNs of strangers, remembered until they come again. Under a flood the memory is full of
 * spoofed ones, so what counts is how long an honest one stays: sets of 16 words in a cache line,
 * of which the oldest gives way, keep each for two seconds at a million SYNs a second. A real TCP
 * repeats its SYN after one (RFC 6298 section 2).
 */
#ifndef FW_RETRY_H
#define FW_RETRY_H

#include "state.h"

/* Has this attempt been seen before, at the distance of a real TCP's? hash: of the attempt. */
__noinline int retry_seen(__u64 hash, __u64 now)
{
	__u32 at = hash & ((1 << FW_RETRY_BITS) - 1), tag = hash >> (32 + FW_RETRY_TIME_BITS);
	__u32 units = now >> FW_RETRY_SHIFT;
	__u32 new = tag << FW_RETRY_TIME_BITS | (units & FW_RETRY_TIME_MASK);
	struct fw_retry *set = bpf_map_lookup_elem(&fw_retry, &at);
	__u64 oldest = 0; /* age, and in the low bits which word has it */

	if (!set) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	for (__u32 i = 0; i < FW_RETRY_WAYS; i++) {
		__u32 word = *(volatile __u32 *)&set->first[i];
		__u64 age = (units - word) & FW_RETRY_TIME_MASK;

		if (word >> FW_RETRY_TIME_BITS == tag && age <= FW_RETRY_MAX_UNITS) {
			if (age < FW_RETRY_MIN_UNITS)
				return false;
			/* It counts anew, or a tool that repeats itself had free entry. */
			set->first[i] = new;
			return true;
		}
		age = age * FW_RETRY_WAYS | i;
		if (age > oldest)
			oldest = age;
		FW_FORGET(oldest, now); /* for the verifier, whichever it is, it is one state */
	}
	FW_BOUND(oldest, 15);
	set->first[oldest] = new;
	return false;
}
_Static_assert(FW_RETRY_WAYS == 16, "the bound above");

/* A SYN that no cookie can answer: let it in when the same one comes again. */
static __always_inline int retry_syn(const struct pkt *p)
{
	__u64 key = (__u64)p->saddr[3] << 32 ^ (__u64)p->daddr[3] ^ (__u64)p->saddr[0] << 13 ^
		    (__u64)p->saddr[1] << 29 ^ (__u64)p->sport << 48 ^ (__u64)p->dport << 16 ^
		    p->seq;
	__u64 hash = fw_hash6(key, knob_key2, knob_key1, knob_key3);

	return retry_seen(hash, p->now) ? FW_R_PASS_RETRANSMIT : FW_R_DROP_RETRANSMIT;
}

#endif
