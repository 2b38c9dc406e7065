/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heaviest sources of a minute, in memory that does not grow. Sources share places; one that
 * sends more than all others of its place together is there at the end, and what is said of it is
 * what it sent at least. One thread.
 */
#ifndef FW_CORE_HEAVIEST_H
#define FW_CORE_HEAVIEST_H

#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/core/source.h"

#define FW_HEAVIEST 4096

struct fw_heaviest {
	/* Half a line of the cache: each record of a flood touches one, and none of them is near.
	 */
	struct fw_heaviest_place {
		__u64 key;
		__u64 bytes : 48, reason : 8, class : 8;
		__u32 packets, lost;
		__u32 credit; /* packets that others must send before one of them takes over */
		__u32 since_s : 28, family : 4;
	} at[FW_HEAVIEST];
};
_Static_assert(sizeof(struct fw_heaviest_place) == 32, "half a line");

/* So many packets and bytes more of a tally's source. hash: of the source, by a salt that nobody
 * knows, or a flood of small ones could be aimed at the place of a heavy one. */
void fw_heaviest_add(struct fw_heaviest *h, __u64 hash, const struct fw_tally *t, __u32 packets,
		     __u32 bytes);
/* The heaviest first, at most max; h is empty afterwards. Returns how many. */
size_t fw_heaviest_take(struct fw_heaviest *h, struct fw_source_heavy *ret, size_t max);

#endif
