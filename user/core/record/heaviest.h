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
	struct fw_source_heavy at[FW_HEAVIEST];
	__u64 credit[FW_HEAVIEST]; /* packets that others must send before one of them takes over */
};

/* So many packets and bytes more of a tally's source. */
void fw_heaviest_add(struct fw_heaviest *h, const struct fw_tally *t, __u32 packets, __u32 bytes);
/* The heaviest first, at most max; h is empty afterwards. Returns how many. */
size_t fw_heaviest_take(struct fw_heaviest *h, struct fw_source_heavy *ret, size_t max);

#endif
