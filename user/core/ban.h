/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bans of proven sources: which are in force, and lifting one. The program starts and ends them by
 * itself; a lifted ban ends with the source's next packet.
 */
#ifndef FW_CORE_BAN_H
#define FW_CORE_BAN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/kern/maps.h"

struct fw_ban_entry {
	__be32 addr_be[4]; /* of an IPv6 source its /64 */
	__u8 len;	   /* of the 128-bit form: 128 or 64 */
	__u64 since_ns;	   /* program time */
	__u64 until_ns;
	__u32 times; /* bans so far */
	__u8 class;
};

/* Bans in force at program time now_ns, longest left first. *ret is freed by the caller. */
int fw_ban_list(const struct fw_maps *maps, __u64 now_ns, struct fw_ban_entry **ret,
		size_t *ret_count, struct fw_err *err);

/* Is this address (of IPv6: its /64) banned at now_ns? *ret is filled if so. */
bool fw_ban_find(const struct fw_maps *maps, __u64 now_ns, const __be32 addr_be[4],
		 struct fw_ban_entry *ret);

/*
 * End the bans that the prefix covers (len of the 128-bit form; addr_be NULL: all), and forget how
 * often they were banned. maps opened for writing, lock held. Returns how many were in force.
 */
size_t fw_ban_lift(struct fw_maps *maps, __u64 now_ns, const __be32 addr_be[4], __u8 len);

#endif
