/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heaviest sources of a stream in fixed memory: Space-Saving (Metwally and others, 2005) in
 * sets. Exact as long as no set overflowed; else a source's packets are too many by at most its
 * error. How many sources there were is estimated beyond that (HyperLogLog, within 2 % or so).
 */
#ifndef FW_CORE_TOPS_H
#define FW_CORE_TOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define FW_TOPS_COUNTS 4 /* what is counted of a source besides, by whoever counts */

struct fw_top {
	__be32 addr_be[4];
	__u64 packets;
	__u64 error; /* of them, at most so many were others'; ordered by what is left */
	__u64 bytes;
	__u64 count[FW_TOPS_COUNTS];
	__u8 reason; /* enum fw_reason it last lost for; if it lost */
};

struct fw_tops;

struct fw_tops *fw_tops_new(void); /* 10 MiB; NULL: no memory */
void fw_tops_free(struct fw_tops *tops);

/* One packet of a source. Returns its entry, already counted, for count[] and reason. */
struct fw_top *fw_tops_add(struct fw_tops *tops, const __be32 addr_be[4], __u32 bytes);

/* How many sources; *ret_exact: counted, not estimated. */
__u64 fw_tops_sources(const struct fw_tops *tops, bool *ret_exact);

/*
 * The n heaviest, heaviest first, into ret; returns how many. by: which count[] orders them and
 * must not be 0, or -1 for packets.
 */
size_t fw_tops_list(const struct fw_tops *tops, int by, struct fw_top *ret, size_t n);

#endif
