// SPDX-License-Identifier: GPL-2.0-only
/*
 * Booking: a slot of the program's counts up within a turn, and is booked by the difference; a turn
 * that ends comes through the ledger. So nothing is counted twice, and nothing is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"

void fw_accounts_lose(struct fw_accounts *a, struct source *s, __u32 reason, __u64 packets,
		      __u64 bytes)
{
	struct more *m;

	if (!s->lost || s->reason == reason) {
		s->reason = (__u8)reason;
		s->lost += packets;
		s->lost_bytes += bytes;
	} else {
		m = fw_accounts_more(a, s, reason, true);
		if (!m) {
			a->head->lost += packets;
			return;
		}
		m->packets += packets;
		m->bytes += bytes;
	}
	fw_accounts_mark(a, s, HAS_LOST | (reason == FW_R_DROP_BANNED ? IS_BANNED : 0));
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
	s = fw_accounts_find(a, h->family, h->key,
			     !wanted	 ? MAKE_NONE
			     : h->proven ? MAKE
					 : MAKE_IF_PLENTY);
	if (!s) {
		a->head->lost += wanted ? packets : 0;
		return;
	}
	if (!s->packets)
		s->first_ns = b->packets ? last : h->first_ns;
	if ((__s64)(last - s->last_ns) > 0) /* one from before a restart may seem to be negative */
		s->last_ns = last;
	s->packets += packets;
	s->bytes += h->bytes - b->bytes;
	fw_accounts_mark(a, s, IS_DUE | (h->proven ? IS_PROVEN : 0));
	if (h->lost > b->lost && h->reason < FW_R_MAX)
		fw_accounts_lose(a, s, h->reason, h->lost - b->lost, h->lost_bytes - b->lost_bytes);
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
	struct source *s = fw_accounts_find(a, sample->family, sample->key, MAKE);

	if (!s || sample->reason >= FW_R_MAX)
		return;
	if (!s->packets)
		s->first_ns = sample->now_ns;
	if (sample->now_ns > s->last_ns)
		s->last_ns = sample->now_ns;
	s->packets++;
	s->bytes += sample->len;
	s->weight += (float)weight;
	fw_accounts_mark(a, s, IS_DUE);
	fw_accounts_lose(a, s, sample->reason, 1, sample->len);
	fw_accounts_touch(a, s);
}
