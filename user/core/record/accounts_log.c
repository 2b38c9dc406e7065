// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which accounts changed since they were last logged: a bit for each position, and a flag in each
 * account, by which the bits are set again when accounts have moved. They are taken round by round,
 * so that none waits for long while others change all the time.
 */
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"

static void append(struct fw_accounts *a, struct source *s)
{
	size_t at = (size_t)(s - a->source);

	s->flags |= IS_CHANGED;
	a->changed[at / 64] |= 1ULL << at % 64;
	a->nr_changed++;
}

void fw_accounts_touch(struct fw_accounts *a, struct source *s)
{
	if (a->listing && s->flags & IS_WORTH && !(s->flags & IS_CHANGED))
		append(a, s);
}

static size_t words(const struct fw_accounts *a)
{
	return (a->head->id.max + 63) / 64;
}

static void clear(struct fw_accounts *a)
{
	if (a->nr_changed)
		memset(a->changed, 0, words(a) * sizeof(*a->changed));
	a->nr_changed = 0;
}

void fw_accounts_relist(struct fw_accounts *a)
{
	clear(a);
	for (__u32 i = 0; a->listing && i < a->head->nr; i++)
		if (a->source[i].flags & IS_CHANGED)
			append(a, &a->source[i]);
}

void fw_accounts_list_all(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++)
		fw_accounts_touch(a, &a->source[i]);
}

void fw_accounts_list(struct fw_accounts *a, bool listing)
{
	clear(a);
	a->listing = listing;
	a->logged[false] = a->logged[true] = 0;
	for (__u32 i = 0; i < a->head->nr; i++)
		a->source[i].flags &= (__u8)~ABOUT_LOG;
	if (listing)
		fw_accounts_list_all(a);
}

bool fw_accounts_listing(const struct fw_accounts *a)
{
	return a->listing;
}

size_t fw_accounts_changes(const struct fw_accounts *a)
{
	return a->nr_changed;
}

static void logged(struct fw_accounts *a, struct source *s)
{
	bool proven = s->flags & IS_PROVEN;

	if (s->flags & IS_LOGGED)
		a->logged[!!(s->flags & LOGGED_PROVEN)]--;
	a->logged[proven]++;
	s->flags = (__u8)((s->flags & ~ABOUT_LOG) | IS_LOGGED | (proven ? LOGGED_PROVEN : 0));
}

/* The next positions by their bits. */
static size_t take(struct fw_accounts *a, __u32 *ret, size_t most)
{
	size_t n = 0;

	for (most = MIN(most, a->nr_changed); n < most; a->cursor = (a->cursor + 1) % words(a)) {
		__u64 *word = &a->changed[a->cursor];

		for (; *word && n < most; *word &= *word - 1)
			ret[n++] = (__u32)(a->cursor * 64 + (size_t)__builtin_ctzll(*word));
		if (*word)
			break;
	}
	a->nr_changed -= n;
	return n;
}

/* IPv4 before IPv6, each by address as far as there is room beside the position. */
static void arrange(struct fw_accounts *a, __u32 *at, size_t n)
{
	unsigned int bits = (unsigned int)__builtin_popcount(a->number_mask);
	size_t ip4 = 0, ip6 = n;

	for (size_t i = 0; i < n; i++) {
		const struct source *s = &a->source[at[i]];

		if (s->flags & IS_IP6)
			a->batch[--ip6] = s->key >> bits << bits | at[i];
		else
			a->batch[ip4++] = s->key << bits | at[i];
	}
	fw_accounts_order_keys(a->batch, a->batch + FW_ACCOUNTS_BATCH, ip4, bits);
	fw_accounts_order_keys(a->batch + ip6, a->batch + FW_ACCOUNTS_BATCH, n - ip6, bits);
	for (size_t i = 0; i < n; i++)
		at[i] = (__u32)a->batch[i] & a->number_mask;
}

size_t fw_accounts_changed(struct fw_accounts *a, __u32 ret[FW_ACCOUNTS_BATCH], size_t most)
{
	size_t n = take(a, ret, MIN(most, (size_t)FW_ACCOUNTS_BATCH));

	for (size_t i = 0; i < n; i++)
		logged(a, &a->source[ret[i]]);
	arrange(a, ret, n);
	return n;
}

void fw_accounts_totals(const struct fw_accounts *a, __u64 *ret_proven, __u64 *ret_other)
{
	*ret_proven = a->logged[true];
	*ret_other = a->logged[false];
}

__u64 fw_accounts_apart(const struct fw_accounts *a, const struct fw_accounts *known)
{
	__u64 n = 0;

	for (__u32 i = 0; i < a->head->nr; i++) {
		const struct source *own = &a->source[i];
		const struct source *s = fw_accounts_find(
			(struct fw_accounts *)known, fw_accounts_family(own), own->key, MAKE_NONE);

		n += !s || !(s->flags & (IS_PROVEN | IS_LOGGED));
	}
	return n;
}
