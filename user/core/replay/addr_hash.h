/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address, and perhaps a port, as a number to find its place by in a table of a replay. Not
 * keyed: the same capture must say the same twice, and who aims at a table only blurs his own sums.
 */
#ifndef FW_CORE_ADDR_HASH_H
#define FW_CORE_ADDR_HASH_H

#include "bpf/hash.h"

static inline __u64 fw_end_hash(const __be32 addr_be[4], __be16 port_be)
{
	__u64 high = (__u64)addr_be[0] << 32 | addr_be[1];
	__u64 low = (__u64)addr_be[2] << 32 | addr_be[3];

	low = fw_hash6(low ^ (__u64)port_be << 17, 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9,
		       0xeb44accab455d165);
	return fw_hash6(high ^ low, 0x94d049bb133111eb, 0xd6e8feb86659fd93, 0xff51afd7ed558ccd);
}

static inline __u64 fw_addr_hash(const __be32 addr_be[4])
{
	return fw_end_hash(addr_be, 0);
}

#endif
