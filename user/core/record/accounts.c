// SPDX-License-Identifier: GPL-2.0-only
/*
 * Booking: a slot of the program's counts up within a turn, and is booked by the difference; a turn
 * that ends comes through the ledger. So nothing is counted twice, and nothing is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"

static void book_loss(struct fw_accounts *a, struct source *s, __u32 reason, __u64 packets,
		      __u64 bytes)
{
	struct loss *l = NULL;
	__u32 n;

	for (n = s->losses; n; n = a->loss[n].next)
		if (a->loss[n].reason == reason) {
			l = &a->loss[n];
			break;
		}
	if (!l) {
		l = fw_accounts_loss(a, &n);
		if (!l) {
			a->head->lost += packets;
			return;
		}
		l->reason = reason;
		l->next = s->losses;
		s->losses = n;
	}
	l->count[WINDOW_NOW].packets += packets;
	l->count[WINDOW_NOW].bytes += bytes;
	s->flags |= HAS_LOST | (reason == FW_R_DROP_BANNED ? IS_BANNED : 0);
}

static __u64 last_of(const struct fw_heavy *h)
{
	return h->first_ns + h->last * FW_HEAVY_STEP_NS;
}

/* What h holds beyond what was booked of it. */
static void book(struct fw_accounts *a, const struct fw_heavy *h, const struct booked *b)
{
	__u64 packets = h->packets - b->packets, last = last_of(h);
	struct source *s;
	bool wanted;

	if (!h->family || h->packets <= b->packets)
		return;
	wanted = !a->narrow || h->proven || h->lost > b->lost;
	/* Spoofers can bring any number of addresses: the last room is for who is real. */
	s = fw_accounts_find(a, h->family, h->key, wanted && (h->proven || !fw_accounts_scarce(a)));
	if (!s) {
		a->head->lost += wanted ? packets : 0;
		return;
	}
	if (!s->packets[WINDOW_NOW])
		s->first_ns[WINDOW_NOW] = b->packets ? last : h->first_ns;
	if ((__s64)(last - s->last_ns) > 0) /* one from before a restart may seem to be negative */
		s->last_ns = last;
	s->packets[WINDOW_NOW] += packets;
	s->bytes[WINDOW_NOW] += h->bytes - b->bytes;
	if (h->proven)
		s->flags |= IS_PROVEN;
	if (h->lost > b->lost && h->reason < FW_R_MAX)
		book_loss(a, s, h->reason, h->lost - b->lost, h->lost_bytes - b->lost_bytes);
	fw_accounts_touch(a, s);
}

/* Nobody's evidence, and no account to add it to. */
static bool is_nothing(const struct fw_accounts *a, const struct fw_heavy *h)
{
	return a->narrow && !h->proven && !h->lost && fw_accounts_absent(a, h->family, h->key);
}

void fw_accounts_record(struct fw_accounts *a, unsigned int cpu, const struct fw_heavy *record)
{
	static const struct booked nothing;
	struct booked *b;

	if (record->slot >= FW_HEAVY_SLOTS || cpu >= a->head->id.cpus) {
		if (!is_nothing(a, record))
			book(a, record, &nothing);
		return;
	}
	b = &a->booked[(size_t)cpu * FW_HEAVY_SLOTS + record->slot];
	if (!is_nothing(a, record))
		book(a, record, b->turn == record->turn ? b : &nothing);
	*b = (struct booked){ .turn = record->turn + 1, .flushed = record->turn, .any = 1 };
}

void fw_accounts_lone(const struct fw_lone *lone, struct fw_heavy *ret)
{
	__u32 reason = lone->what >> 17 & (FW_REASON_SLOTS - 1),
	      len = lone->what & ((1U << 17) - 1);

	*ret = (struct fw_heavy){
		.key = lone->key,
		.packets = 1,
		.bytes = len,
		.lost = !!reason,
		.lost_bytes = reason ? len : 0,
		.first_ns = (lone->what >> 25) * FW_HEAVY_STEP_NS,
		.family = lone->what >> 24 & 1 ? 6 : 4,
		.reason = (__u8)reason,
		.proven = lone->what >> 23 & 1,
		.slot = FW_HEAVY_NONE,
	};
}

void fw_accounts_slots(struct fw_accounts *a, const struct fw_heavy *raw)
{
	unsigned int cpus = a->head->id.cpus;

	for (__u32 slot = 0; slot < FW_HEAVY_SLOTS; slot++)
		for (unsigned int cpu = 0; cpu < cpus; cpu++) {
			const struct fw_heavy *h = &raw[(size_t)slot * cpus + cpu];
			struct booked *b = &a->booked[(size_t)cpu * FW_HEAVY_SLOTS + slot];

			if (!h->family || !h->packets)
				continue;
			/* It has been emptied since, and that came through the ledger. */
			if (b->any && (__s32)(h->turn - b->flushed) <= 0)
				continue;
			if (b->turn != h->turn) /* the record of a turn was lost */
				*b = (struct booked){ .flushed = b->flushed, .any = b->any };
			book(a, h, b);
			b->turn = h->turn;
			b->packets = h->packets;
			b->bytes = h->bytes;
			b->lost = h->lost;
			b->lost_bytes = h->lost_bytes;
		}
}

void fw_accounts_narrow(struct fw_accounts *a, bool narrow)
{
	a->narrow = narrow;
}

void fw_accounts_sample(struct fw_accounts *a, const struct fw_sample *sample, double weight)
{
	struct source *s = fw_accounts_find(a, sample->family, sample->key, true);

	if (!s || sample->reason >= FW_R_MAX)
		return;
	if (!s->packets[WINDOW_NOW])
		s->first_ns[WINDOW_NOW] = sample->now_ns;
	if (sample->now_ns > s->last_ns)
		s->last_ns = sample->now_ns;
	s->packets[WINDOW_NOW]++;
	s->bytes[WINDOW_NOW] += sample->len;
	s->weight += weight;
	book_loss(a, s, sample->reason, 1, sample->len);
	fw_accounts_touch(a, s);
}

static void drop_losses(struct fw_accounts *a, struct source *s)
{
	while (s->losses) {
		__u32 n = s->losses;

		s->losses = a->loss[n].next;
		a->loss[n].next = a->head->free_loss;
		a->head->free_loss = n;
	}
}

static void shift(struct fw_accounts *a, struct source *s)
{
	s->first_ns[WINDOW_BEFORE] = s->first_ns[WINDOW_NOW];
	s->packets[WINDOW_BEFORE] = s->packets[WINDOW_NOW];
	s->bytes[WINDOW_BEFORE] = s->bytes[WINDOW_NOW];
	s->packets[WINDOW_NOW] = 0;
	s->bytes[WINDOW_NOW] = 0;
	s->weight = 0;
	s->written = 0;
	s->flags &= IS_PROVEN | ABOUT_LOG;
	for (__u32 n = s->losses; n; n = a->loss[n].next) {
		struct loss *l = &a->loss[n];

		l->count[WINDOW_BEFORE] = l->count[WINDOW_NOW];
		l->count[WINDOW_NOW] = (struct fw_count){};
		if (l->count[WINDOW_BEFORE].packets)
			s->flags |= HAS_LOST;
	}
}

void fw_accounts_turn(struct fw_accounts *a, bool incident, __u64 idle_ns)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < a->head->nr; i++) {
		struct source *s = &a->source[i];
		bool stays;

		if (!incident)
			shift(a, s);
		stays = incident ? s->flags & (IS_PROVEN | HAS_LOST) || s->last_ns >= idle_ns
				 : s->packets[WINDOW_BEFORE];
		if (!stays) {
			drop_losses(a, s);
			continue;
		}
		if (kept != i)
			a->source[kept] = *s;
		kept++;
	}
	if (kept == a->head->nr)
		return;
	a->head->nr = kept;
	fw_accounts_shrink(a);
	fw_accounts_reindex(a);
}

void fw_accounts_begin(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++) {
		struct source *s = &a->source[i];

		if (s->packets[WINDOW_BEFORE])
			s->first_ns[WINDOW_NOW] = s->first_ns[WINDOW_BEFORE];
		s->packets[WINDOW_NOW] += s->packets[WINDOW_BEFORE];
		s->bytes[WINDOW_NOW] += s->bytes[WINDOW_BEFORE];
		s->packets[WINDOW_BEFORE] = 0;
		s->bytes[WINDOW_BEFORE] = 0;
		s->written = 0;
		for (__u32 n = s->losses; n; n = a->loss[n].next) {
			struct fw_count *c = a->loss[n].count;

			c[WINDOW_NOW].packets += c[WINDOW_BEFORE].packets;
			c[WINDOW_NOW].bytes += c[WINDOW_BEFORE].bytes;
			c[WINDOW_BEFORE] = (struct fw_count){};
		}
	}
	a->head->lost = 0;
}

void fw_accounts_forget(struct fw_accounts *a)
{
	a->head->nr = 0;
	a->head->nr_losses = 0;
	a->head->free_loss = 0;
	a->head->lost = 0;
	fw_accounts_shrink(a);
	fw_accounts_reindex(a);
}

size_t fw_accounts_count(const struct fw_accounts *a)
{
	return a->head->nr;
}

__u64 fw_accounts_lost(const struct fw_accounts *a)
{
	return a->head->lost;
}

void fw_accounts_get(const struct fw_accounts *a, size_t at, struct fw_account *ret)
{
	const struct source *s = &a->source[at];

	*ret = (struct fw_account){
		.key = s->key,
		.family = s->family,
		.first_ns = s->first_ns[s->packets[WINDOW_BEFORE] ? WINDOW_BEFORE : WINDOW_NOW],
		.last_ns = s->last_ns,
		.packets = s->packets[WINDOW_NOW] + s->packets[WINDOW_BEFORE],
		.bytes = s->bytes[WINDOW_NOW] + s->bytes[WINDOW_BEFORE],
		.weight = s->weight,
		.proven = s->flags & IS_PROVEN,
		.banned = s->flags & IS_BANNED,
	};
	for (__u32 n = s->losses; n; n = a->loss[n].next)
		for (int w = 0; w < WINDOWS; w++) {
			const struct fw_count *c = &a->loss[n].count[w];

			ret->lost[a->loss[n].reason].packets += c->packets;
			ret->lost[a->loss[n].reason].bytes += c->bytes;
			ret->lost_packets += c->packets;
			ret->lost_bytes += c->bytes;
		}
}

void fw_accounts_written(struct fw_accounts *a, size_t at)
{
	a->source[at].written = a->source[at].packets[WINDOW_NOW];
}

void fw_accounts_sort(struct fw_accounts *a)
{
	fw_accounts_arrange(a->source, a->head->nr);
	fw_accounts_reindex(a);
}

void fw_accounts_unwritten(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++)
		a->source[i].written = ~0ULL;
}

void fw_accounts_seed(struct fw_accounts *a, const struct fw_account *account)
{
	struct source *s = fw_accounts_find(a, account->family, account->key, true);

	if (!s)
		return;
	if (!s->packets[WINDOW_NOW])
		s->last_ns = account->last_ns;
	s->first_ns[WINDOW_NOW] = account->first_ns;
	s->packets[WINDOW_NOW] += account->packets;
	s->bytes[WINDOW_NOW] += account->bytes;
	s->weight += account->weight;
	s->flags |= (account->proven ? IS_PROVEN : 0) | (account->banned ? IS_BANNED : 0);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		if (account->lost[i].packets)
			book_loss(a, s, i, account->lost[i].packets, account->lost[i].bytes);
	s->written = s->packets[WINDOW_NOW];
}

bool fw_accounts_due(const struct fw_accounts *a, size_t at)
{
	const struct source *s = &a->source[at];

	return s->flags & (IS_PROVEN | HAS_LOST) && s->packets[WINDOW_NOW] != s->written;
}

__u64 fw_accounts_rank(const struct fw_accounts *a, size_t at)
{
	const struct source *s = &a->source[at];
	__u64 packets = s->packets[WINDOW_NOW] + s->packets[WINDOW_BEFORE];
	bool fresh = !s->written || s->written > packets; /* never, or nobody knows */
	__u64 more = fresh ? packets : packets - s->written;

	if (!fw_accounts_due(a, at))
		return 0;
	return (__u64) !!(s->flags & IS_PROVEN) << 63 | (__u64)fresh << 62 |
	       MIN(MAX(more, 1), (1ULL << 62) - 1);
}

bool fw_accounts_proven(const struct fw_accounts *a, __u8 family, __u64 key)
{
	const struct source *s = fw_accounts_find((struct fw_accounts *)a, family, key, false);

	return s && s->flags & IS_PROVEN;
}
