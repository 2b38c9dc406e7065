// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting accounts into order where they lie: byte by byte from the top, each source into the part
 * of its byte (P. M. McIlroy, K. Bostic, M. D. McIlroy, "Engineering Radix Sort", 1993). qsort()
 * would take as much memory again, in the very minute in which a large incident ends, and who
 * floods us chooses the order.
 */
#include <string.h>

#include "user/core/record/accounts_table.h"

#define FEW    32 /* sorted by insertion */
#define LEVELS (1 + (int)sizeof(__u64))

/* Where an IPv4 address has nothing below, it has no digits above either. */
static __u8 digit(const struct source *s, int level)
{
	__u64 key = s->flags & IS_IP6 ? s->key : s->key << 32;

	return level ? (__u8)(key >> (64 - 8 * level)) : s->flags & IS_IP6;
}

static bool before(const struct source *a, const struct source *b)
{
	return (a->flags ^ b->flags) & IS_IP6 ? b->flags & IS_IP6 : a->key < b->key;
}

static void insert(struct source *list, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct source s = list[i];
		size_t at = i;

		for (; at && before(&s, &list[at - 1]); at--)
			list[at] = list[at - 1];
		list[at] = s;
	}
}

static void arrange(struct source *list, size_t count, int level)
{
	size_t next[256] = { 0 }, end[256], at = 0;

	for (size_t i = 0; i < count; i++)
		next[digit(&list[i], level)]++;
	for (int d = 0; d < 256; d++) {
		end[d] = at + next[d];
		next[d] = at;
		at = end[d];
	}
	for (int d = 0; d < 256; d++)
		while (next[d] < end[d]) {
			__u8 to = digit(&list[next[d]], level);
			struct source s = list[next[d]];

			list[next[d]] = list[next[to]];
			list[next[to]++] = s;
		}
	for (int d = 0; level + 1 < LEVELS && d < 256; d++) {
		size_t from = d ? end[d - 1] : 0, n = end[d] - from;

		if (n > FEW)
			arrange(list + from, n, level + 1);
		else
			insert(list + from, n);
	}
}

void fw_accounts_arrange(struct source *list, size_t count)
{
	arrange(list, count, 0);
}

/* One byte of them, the order of what is equal in it kept. */
static void order_byte(const __u64 *keys, __u64 *ret, size_t count, unsigned int shift,
		       const size_t sum[256])
{
	size_t next[256], at = 0;

	for (int d = 0; d < 256; d++) {
		next[d] = at;
		at += sum[d];
	}
	for (size_t i = 0; i < count; i++)
		ret[next[keys[i] >> shift & 255]++] = keys[i];
}

void fw_accounts_order_keys(__u64 *keys, __u64 *scratch, size_t count, unsigned int low_bits)
{
	__u64 *from = keys, *to = scratch, *was;

	for (unsigned int shift = low_bits / 8 * 8; count && shift < 64; shift += 8) {
		size_t sum[256] = { 0 };

		for (size_t i = 0; i < count; i++)
			sum[from[i] >> shift & 255]++;
		if (sum[from[0] >> shift & 255] == count)
			continue;
		order_byte(from, to, count, shift, sum);
		was = from;
		from = to;
		to = was;
	}
	if (from != keys)
		memcpy(keys, from, count * sizeof(*keys));
}
