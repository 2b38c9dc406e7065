// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which accounts changed since they were last logged: positions in a list, and a flag in each, by
 * which the list is made again when accounts have moved.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"

#define ROOM 1024 /* positions */

static void append(struct fw_accounts *a, struct source *s)
{
	if (a->nr_changed == a->room_changed) {
		size_t room = a->room_changed ? 2 * a->room_changed : ROOM;
		__u32 *more = realloc(a->changed, room * sizeof(*more));

		if (!more)
			return; /* its next packet tries again */
		a->changed = more;
		a->room_changed = room;
	}
	s->flags |= IS_CHANGED;
	a->changed[a->nr_changed++] = (__u32)(s - a->source);
}

void fw_accounts_touch(struct fw_accounts *a, struct source *s)
{
	if (a->listing && s->flags & (IS_PROVEN | HAS_LOST) && !(s->flags & IS_CHANGED))
		append(a, s);
}

void fw_accounts_relist(struct fw_accounts *a)
{
	a->nr_changed = 0;
	for (__u32 i = 0; a->listing && i < a->head->nr; i++)
		if (a->source[i].flags & IS_CHANGED)
			append(a, &a->source[i]);
}

void fw_accounts_list_all(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++)
		fw_accounts_touch(a, &a->source[i]);
}

/* Back to twice what it holds, from four times. What cannot be given back stays: no harm. */
static void shrink(struct fw_accounts *a)
{
	size_t room = MAX(2 * a->nr_changed, (size_t)ROOM);
	__u32 *less;

	if (a->room_changed < 2 * room)
		return;
	less = realloc(a->changed, room * sizeof(*less));
	if (!less)
		return;
	a->changed = less;
	a->room_changed = room;
}

void fw_accounts_list(struct fw_accounts *a, bool listing)
{
	a->nr_changed = 0;
	a->listing = listing;
	a->logged[false] = a->logged[true] = 0;
	for (__u32 i = 0; i < a->head->nr; i++)
		a->source[i].flags &= (__u8)~ABOUT_LOG;
	if (listing)
		fw_accounts_list_all(a);
	else
		shrink(a);
}

bool fw_accounts_listing(const struct fw_accounts *a)
{
	return a->listing;
}

size_t fw_accounts_changes(const struct fw_accounts *a)
{
	return a->nr_changed;
}

/* With the array of sources: positions alone cannot be compared. */
static int by_key(const void *x, const void *y, void *arg)
{
	const struct source *sources = arg;
	const struct source *a = &sources[*(const __u32 *)x], *b = &sources[*(const __u32 *)y];

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return a->key < b->key ? -1 : a->key > b->key;
}

const __u32 *fw_accounts_changed(struct fw_accounts *a, size_t *n)
{
	*n = MIN(*n, a->nr_changed);
	if (*n)
		qsort_r(a->changed, *n, sizeof(*a->changed), by_key, a->source);
	return a->changed;
}

void fw_accounts_logged(struct fw_accounts *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct source *s = &a->source[a->changed[i]];
		bool proven = s->flags & IS_PROVEN;

		if (s->flags & IS_LOGGED)
			a->logged[!!(s->flags & LOGGED_PROVEN)]--;
		a->logged[proven]++;
		s->flags =
			(__u8)((s->flags & ~ABOUT_LOG) | IS_LOGGED | (proven ? LOGGED_PROVEN : 0));
	}
	a->nr_changed -= n;
	if (n && a->nr_changed)
		memmove(a->changed, a->changed + n, a->nr_changed * sizeof(*a->changed));
	shrink(a);
}

void fw_accounts_totals(const struct fw_accounts *a, __u64 *ret_proven, __u64 *ret_other)
{
	*ret_proven = a->logged[true];
	*ret_other = a->logged[false];
}
