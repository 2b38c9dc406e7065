// SPDX-License-Identifier: GPL-2.0-only
/* What an account says, and how soon it should be written down. */
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"

size_t fw_accounts_count(const struct fw_accounts *a)
{
	return a->head->nr;
}

__u64 fw_accounts_lost(const struct fw_accounts *a)
{
	return a->head->lost;
}

static void add_loss(struct fw_account_brief *b, __u32 reason, __u64 packets, __u64 bytes)
{
	unsigned int i;

	if (!packets || reason >= FW_R_MAX)
		return;
	for (i = 0; i < b->reasons && b->lost[i].reason != reason; i++)
		;
	if (i == b->reasons) {
		b->lost[i].reason = reason;
		b->lost[i].count = (struct fw_count){};
		b->reasons++;
	}
	b->lost[i].count.packets += packets;
	b->lost[i].count.bytes += bytes;
}

void fw_accounts_brief(const struct fw_accounts *a, size_t at, struct fw_account_brief *ret)
{
	const struct source *s = &a->source[at];

	ret->key = s->key;
	ret->first_ns = s->first_ns;
	ret->last_ns = s->last_ns;
	ret->packets = s->packets;
	ret->bytes = s->bytes;
	ret->weight = (double)s->weight;
	ret->family = fw_accounts_family(s);
	ret->proven = s->flags & IS_PROVEN;
	ret->banned = s->flags & IS_BANNED;
	ret->reasons = 0;
	add_loss(ret, s->reason, s->lost, s->lost_bytes);
	for (__u32 n = s->more; n; n = a->more[n].next) {
		const struct more *m = &a->more[n];

		if (m->kind == BEFORE) {
			ret->first_ns = m->first_ns;
			ret->packets += m->packets;
			ret->bytes += m->bytes;
		} else {
			add_loss(ret, m->kind & ~(__u32)OF_BEFORE, m->packets, m->bytes);
		}
	}
}

void fw_accounts_get(const struct fw_accounts *a, size_t at, struct fw_account *ret)
{
	struct fw_account_brief b;

	fw_accounts_brief(a, at, &b);
	*ret = (struct fw_account){
		.key = b.key,
		.family = b.family,
		.first_ns = b.first_ns,
		.last_ns = b.last_ns,
		.packets = b.packets,
		.bytes = b.bytes,
		.weight = b.weight,
		.proven = b.proven,
		.banned = b.banned,
	};
	for (unsigned int i = 0; i < b.reasons; i++) {
		ret->lost[b.lost[i].reason] = b.lost[i].count;
		ret->lost_packets += b.lost[i].count.packets;
		ret->lost_bytes += b.lost[i].count.bytes;
	}
}

/* A number to 3 digits, in 16 bits: the ten highest bits, and how far they were shifted. */
static __u16 roughly(__u64 n)
{
	unsigned int shift = 0;

	while (n >> shift > 1023)
		shift++;
	return (__u16)(shift << 10 | n >> shift);
}

static __u64 smooth(__u16 rough)
{
	return (__u64)(rough & 1023) << (rough >> 10);
}

void fw_accounts_written(struct fw_accounts *a, size_t at)
{
	struct source *s = &a->source[at];

	s->written = roughly(s->packets);
	s->flags &= ~IS_DUE;
}

void fw_accounts_unwritten(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++) {
		a->source[i].written = 0;
		a->source[i].flags |= IS_DUE;
	}
}

void fw_accounts_seed(struct fw_accounts *a, const struct fw_account *account)
{
	struct source *s = fw_accounts_find(a, account->family, account->key, MAKE);

	if (!s)
		return;
	if (!s->packets)
		s->last_ns = account->last_ns;
	s->first_ns = account->first_ns;
	s->packets += account->packets;
	s->bytes += account->bytes;
	s->weight += (float)account->weight;
	fw_accounts_mark(a, s,
			 (account->proven ? IS_PROVEN : 0) | (account->banned ? IS_BANNED : 0));
	for (__u32 i = 0; i < FW_R_MAX; i++)
		if (account->lost[i].packets)
			fw_accounts_lose(a, s, i, account->lost[i].packets, account->lost[i].bytes);
	fw_accounts_written(a, (size_t)(s - a->source));
}

static bool is_due(const struct source *s)
{
	return s->flags & IS_WORTH && s->flags & IS_DUE;
}

bool fw_accounts_due(const struct fw_accounts *a, size_t at)
{
	return is_due(&a->source[at]);
}

__u64 fw_accounts_rank(const struct fw_accounts *a, size_t at)
{
	const struct source *s = &a->source[at];
	__u64 written = smooth(s->written), more = s->packets - MIN(written, s->packets);

	if (!is_due(s))
		return 0;
	return (__u64) !!(s->flags & IS_PROVEN) << 63 | (__u64)!written << 62 | MAX(more, 1);
}

bool fw_accounts_proven(const struct fw_accounts *a, __u8 family, __u64 key)
{
	const struct source *s = fw_accounts_find((struct fw_accounts *)a, family, key, MAKE_NONE);

	return s && s->flags & IS_PROVEN;
}
