// SPDX-License-Identifier: GPL-2.0-only
/* Sets of sixteen; a full set gives its lightest entry to the newcomer, who inherits its count. */
#include <stdlib.h>
#include <string.h>
#include "user/core/replay/addr_hash.h"
#include "user/core/replay/tops.h"

#define SETS_BITS 13
#define WAYS	  16
#define REGISTERS 12 /* log2 */

struct fw_tops {
	__u64 used;
	bool overflowed;
	__u8 rank[1 << REGISTERS];
	struct fw_top set[1 << SETS_BITS][WAYS];
};

struct fw_tops *fw_tops_new(void)
{
	return calloc(1, sizeof(struct fw_tops));
}

void fw_tops_free(struct fw_tops *tops)
{
	free(tops);
}

static void estimate(struct fw_tops *tops, __u64 hash)
{
	__u64 rest = hash << REGISTERS | 1ULL << (REGISTERS - 1);
	__u8 rank = (__u8)(__builtin_clzll(rest) + 1), *at = &tops->rank[hash >> (64 - REGISTERS)];

	if (rank > *at)
		*at = rank;
}

static struct fw_top *place(struct fw_tops *tops, __u64 hash, const __be32 addr_be[4])
{
	struct fw_top *set = tops->set[hash & ((1 << SETS_BITS) - 1)], *least = set;
	__u64 error;

	for (int i = 0; i < WAYS; i++) {
		if (!set[i].packets) {
			memcpy(set[i].addr_be, addr_be, 16);
			tops->used++;
			return &set[i];
		}
		if (!memcmp(set[i].addr_be, addr_be, 16))
			return &set[i];
		if (set[i].packets < least->packets)
			least = &set[i];
	}
	tops->overflowed = true;
	error = least->packets;
	*least = (struct fw_top){ .packets = error, .error = error };
	memcpy(least->addr_be, addr_be, 16);
	return least;
}

struct fw_top *fw_tops_add(struct fw_tops *tops, const __be32 addr_be[4], __u32 bytes)
{
	__u64 hash = fw_addr_hash(addr_be);
	struct fw_top *top = place(tops, hash, addr_be);

	estimate(tops, hash);
	top->packets++;
	top->bytes += bytes;
	return top;
}

__u64 fw_tops_sources(const struct fw_tops *tops, bool *ret_exact)
{
	const double m = 1 << REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
	double sum = 0;

	*ret_exact = !tops->overflowed;
	if (!tops->overflowed)
		return tops->used;
	for (int i = 0; i < 1 << REGISTERS; i++)
		sum += 1.0 / (double)(1ULL << tops->rank[i]);
	return (__u64)(alpha * m * m / sum);
}

/* What is certain: of very many light sources all bear as much error, and none would stand out. */
static __u64 weight(const struct fw_top *top, int by)
{
	return by < 0 ? top->packets - top->error : top->count[by];
}

/* Equal weights in the order of addresses, so that two runs say the same. */
static bool heavier(const struct fw_top *a, const struct fw_top *b, int by)
{
	__u64 x = weight(a, by), y = weight(b, by);

	return x != y ? x > y : memcmp(a->addr_be, b->addr_be, 16) < 0;
}

size_t fw_tops_list(const struct fw_tops *tops, int by, struct fw_top *ret, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < (1UL << SETS_BITS) * WAYS; i++) {
		const struct fw_top *top = &tops->set[i / WAYS][i % WAYS];
		size_t at = kept;

		if (!top->packets || !weight(top, by))
			continue;
		while (at && heavier(top, &ret[at - 1], by))
			at--;
		if (at == n)
			continue;
		kept += kept < n;
		memmove(&ret[at + 1], &ret[at], (kept - at - 1) * sizeof(*ret));
		ret[at] = *top;
	}
	return kept;
}
