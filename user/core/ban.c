// SPDX-License-Identifier: GPL-2.0-only
/* Reads and ends what bpf/ban.h writes. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/core/ban.h"
#include "user/policy/prefixes.h"

static void entry_read(const struct fw_ban *ban, struct fw_ban_entry *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->since_ns = ban->since_ns;
	ret->until_ns = ban->until_ns;
	ret->times = ban->times;
	ret->class = ban->class;
	if (ban->family == 4) {
		ret->addr_be[2] = htobe32(0xffff);
		ret->addr_be[3] = htobe32((__u32)ban->key);
		ret->len = 128;
	} else {
		ret->addr_be[0] = htobe32((__u32)(ban->key >> 32));
		ret->addr_be[1] = htobe32((__u32)ban->key);
		ret->len = 64;
	}
}

static int later(const void *a, const void *b)
{
	const struct fw_ban_entry *x = a, *y = b;

	return x->until_ns < y->until_ns ? 1 : x->until_ns > y->until_ns ? -1 : 0;
}

int fw_ban_list(const struct fw_maps *maps, __u64 now_ns, struct fw_ban_entry **ret,
		size_t *ret_count, struct fw_err *err)
{
	struct fw_ban_entry *list = calloc((size_t)FW_BAN_SETS * FW_BAN_WAYS, sizeof(*list));
	size_t count = 0;

	if (!list)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the bans");
	for (int set = 0; set < FW_BAN_SETS; set++) {
		for (int way = 0; way < FW_BAN_WAYS; way++) {
			struct fw_ban ban = maps->ban[set].way[way];

			if (ban.until_ns > now_ns)
				entry_read(&ban, &list[count++]);
		}
	}
	qsort(list, count, sizeof(*list), later);
	*ret = list;
	*ret_count = count;
	return 0;
}

bool fw_ban_find(const struct fw_maps *maps, __u64 now_ns, const __be32 addr_be[4],
		 struct fw_ban_entry *ret)
{
	for (int set = 0; set < FW_BAN_SETS; set++) {
		for (int way = 0; way < FW_BAN_WAYS; way++) {
			struct fw_ban ban = maps->ban[set].way[way];
			struct fw_ban_entry entry;

			if (ban.until_ns <= now_ns)
				continue;
			entry_read(&ban, &entry);
			if (memcmp(entry.addr_be, addr_be, entry.len / 8))
				continue;
			*ret = entry;
			return true;
		}
	}
	return false;
}

/* An IPv6 address means its /64, which is what was banned. */
static bool meant(const struct fw_ban_entry *entry, const __be32 addr_be[4], __u8 len)
{
	struct fw_prefix prefix = { .len = len };

	if (!addr_be)
		return true;
	if (len > entry->len)
		prefix.len = entry->len;
	memcpy(prefix.addr_be, addr_be, sizeof(prefix.addr_be));
	return fw_prefixes_covers(&prefix, entry->addr_be);
}

size_t fw_ban_lift(struct fw_maps *maps, __u64 now_ns, const __be32 addr_be[4], __u8 len)
{
	size_t lifted = 0;

	for (int set = 0; set < FW_BAN_SETS; set++) {
		for (int way = 0; way < FW_BAN_WAYS; way++) {
			struct fw_ban *ban = &maps->ban[set].way[way];
			struct fw_ban_entry entry;

			if (ban->until_ns <= now_ns)
				continue;
			entry_read(ban, &entry);
			if (!meant(&entry, addr_be, len))
				continue;
			__atomic_store_n(&ban->until_ns, 0, __ATOMIC_RELEASE);
			__atomic_store_n(&ban->times, 0, __ATOMIC_RELAXED);
			lifted++;
		}
	}
	return lifted;
}
