// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding a source by its key. An entry of the index tells most others apart without a look at
 * them: for one that has no account, one line of memory is asked for; for one that has, two, and
 * both have been on their way for a while (fw_accounts_expect()).
 */
#include <string.h>

#include "user/core/record/accounts_table.h"

#define BEHIND (FW_ACCOUNTS_AHEAD / 2) /* so much later the index is read for the source */
#define NEAR   8		       /* entries looked at for that */
#define SOON   16		       /* sources ahead, where all are gone through */

static __u32 tag(const struct fw_accounts *a, __u64 hash)
{
	return (__u32)hash & ~a->number_mask;
}

static __u32 *place(const struct fw_accounts *a, __u64 hash, __u8 family, __u64 key)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1, at = fw_accounts_home(a, hash);
	__u32 wanted = tag(a, hash);

	for (;; at = (at + 1) & mask) {
		__u32 entry = a->index[at];
		const struct source *s;

		if (!entry)
			return &a->index[at];
		if ((entry & ~a->number_mask) != wanted)
			continue;
		s = &a->source[(entry & a->number_mask) - 1];
		if (s->key == key && fw_accounts_family(s) == family)
			return &a->index[at];
	}
}

static __u64 hash_of(const struct fw_accounts *a, const struct source *s)
{
	return fw_accounts_hash(a, fw_accounts_family(s), s->key);
}

/* No two of them are the same source. */
static void fill(struct fw_accounts *a)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1;
	__u32 nr = a->head->nr;

	memset(a->index, 0, sizeof(__u32) << a->head->index_bits);
	for (__u32 i = 0; i < nr; i++) {
		__u64 hash = hash_of(a, &a->source[i]), at = fw_accounts_home(a, hash);

		if (i + SOON < nr)
			__builtin_prefetch(
				&a->index[fw_accounts_home(a, hash_of(a, &a->source[i + SOON]))],
				1);
		while (a->index[at])
			at = (at + 1) & mask;
		a->index[at] = tag(a, hash) | (i + 1);
	}
}

void fw_accounts_reindex(struct fw_accounts *a)
{
	fill(a);
	fw_accounts_relist(a);
}

/* The source that this may be, going by the index alone; or else soon will be. */
static const struct source *guess(const struct fw_accounts *a, __u64 hash)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1, at = fw_accounts_home(a, hash);

	for (__u64 n = 0; n < NEAR; n++) {
		__u32 entry = a->index[(at + n) & mask];

		if (!entry)
			break;
		if ((entry & ~a->number_mask) == tag(a, hash))
			return &a->source[(entry & a->number_mask) - 1];
	}
	return &a->source[a->head->nr + BEHIND];
}

void fw_accounts_expect(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *record)
{
	__u64 hash = fw_accounts_hash(a, FW_TALLY_FAMILY(record->who), record->key);
	unsigned int at = a->expected_at++;

	__builtin_prefetch(&a->index[fw_accounts_home(a, hash)], 1);
	a->expected[at % EXPECTED] = hash;
	__builtin_prefetch(guess(a, a->expected[(at - BEHIND) % EXPECTED]), 1);
	__builtin_prefetch(fw_accounts_booked(a, cpu, record->who), 1);
}

/* Never more than three quarters full, or looking takes long. */
static bool widen(struct fw_accounts *a)
{
	struct head *h = a->head;

	if (4ULL * (h->nr + 1) <= 3ULL << h->index_bits)
		return true;
	if (!fw_accounts_index_room(a, h->index_bits + 1))
		return false;
	h->index_bits++;
	fill(a);
	return true;
}

struct source *fw_accounts_find(struct fw_accounts *a, __u8 family, __u64 key,
				enum fw_accounts_make make)
{
	__u64 hash = fw_accounts_hash(a, family, key);
	__u32 *at = place(a, hash, family, key);
	struct source *s;

	if (*at)
		return &a->source[(*at & a->number_mask) - 1];
	if (make == MAKE_NONE || (make == MAKE_IF_PLENTY && fw_accounts_scarce(a)) ||
	    !fw_accounts_grow(a) || !widen(a))
		return NULL;
	at = place(a, hash, family, key); /* the index may be another one */
	s = &a->source[a->head->nr];
	*s = (struct source){ .key = key, .flags = family == 6 ? IS_IP6 : 0 };
	a->harmless++;
	fw_accounts_order();
	a->head->nr++;
	*at = tag(a, hash) | a->head->nr;
	return s;
}
