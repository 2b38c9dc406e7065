/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All prefixes of a generation, as the admin gave them: a growable vector with an index, at most
 * one entry per (lane, address, length), and the texts that say why. A zeroed struct is an empty
 * set.
 */
#ifndef FW_PREFIXES_H
#define FW_PREFIXES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "bpf/abi.h"
#include "user/base/err.h"

struct fw_prefixes {
	struct fw_prefix *at; /* count of them, no order; pad bytes zero */
	size_t count;
	size_t room;
	struct fw_why *why; /* whys of them; [0] is the empty text when whys > 0 */
	size_t whys;
	size_t why_room;
	__u32 *index;	 /* hash of (lane, address, length) -> position + 1 in at; private */
	size_t slots;	 /* power of two, 0 = to be built; private */
	size_t why_last; /* text of the last add; private */
	__u16 *why_hint; /* where texts were found; private */
};

/* Frees what it holds and leaves an empty set. */
void fw_prefixes_free(struct fw_prefixes *set);

/*
 * Replaces the content by copies of what the maps hold (head.prefixes, head.whys). set untouched
 * on failure: -ENOMEM; -EINVAL when an entry makes no sense.
 */
int fw_prefixes_load(struct fw_prefixes *set, const struct fw_prefix *at, size_t count,
		     const struct fw_why *why, size_t whys, struct fw_err *err);

/*
 * Adds one, or replaces until_s, since_s, why and class of the entry with the same lane, address
 * and length. one->why is ignored; why: text, NULL or "" for none, -EINVAL beyond FW_WHY_LEN - 1
 * bytes. 0 new, 1 replaced, -ENOSPC beyond FW_PREFIX_MAX prefixes or FW_WHY_MAX texts, -EINVAL when
 * host bits are set or a field is out of range, -ENOMEM.
 */
int fw_prefixes_add(struct fw_prefixes *set, const struct fw_prefix *one, const char *why,
		    struct fw_err *err);

/*
 * Makes room, so that adding extra more prefixes, all with this why, cannot fail for want of memory
 * or texts. -ENOSPC, -ENOMEM, -EINVAL as above.
 */
int fw_prefixes_reserve(struct fw_prefixes *set, size_t extra, const char *why, struct fw_err *err);

/* The entry, or NULL. The pointer holds until the next add, del, flush, expire or sort. */
struct fw_prefix *fw_prefixes_find(struct fw_prefixes *set, enum fw_lane lane,
				   const __be32 addr_be[4], __u8 len);

/* -ENOENT with the text of the prefix in err when it is not there. */
int fw_prefixes_del(struct fw_prefixes *set, enum fw_lane lane, const __be32 addr_be[4], __u8 len,
		    struct fw_err *err);

/* Empties a lane (class: only of this class, -1 all). Returns how many went. */
size_t fw_prefixes_flush(struct fw_prefixes *set, enum fw_lane lane, int class);

/* Forgets those with until_s <= now_s. Returns how many. */
size_t fw_prefixes_expire(struct fw_prefixes *set, __u32 now_s);

/* How many a lane has (class: as above). */
size_t fw_prefixes_count(const struct fw_prefixes *set, enum fw_lane lane, int class);

/* Orders by lane, address, length. */
void fw_prefixes_sort(struct fw_prefixes *set);

/* The text of an entry, "" for none. */
const char *fw_prefixes_why(const struct fw_prefixes *set, const struct fw_prefix *one);

/* Whether a prefix holds an address. */
bool fw_prefixes_covers(const struct fw_prefix *one, const __be32 addr_be[4]);

#endif
