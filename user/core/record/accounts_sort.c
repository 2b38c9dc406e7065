// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting accounts into order where they lie: byte by byte from the top, each source into the part
 * of its byte (P. M. McIlroy, K. Bostic, M. D. McIlroy, "Engineering Radix Sort", 1993). qsort()
 * would take as much memory again, in the very minute in which a large incident ends, and who
 * floods us chooses the order.
 */
#include "user/core/record/accounts_table.h"

#define FEW    32 /* sorted by insertion */
#define LEVELS (1 + (int)sizeof(__u64))

static __u8 digit(const struct source *s, int level)
{
	return level ? (__u8)(s->key >> (64 - 8 * level)) : s->family;
}

static bool before(const struct source *a, const struct source *b)
{
	return a->family != b->family ? a->family < b->family : a->key < b->key;
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
