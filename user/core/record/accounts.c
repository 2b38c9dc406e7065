// SPDX-License-Identifier: GPL-2.0-only
/*
 * Booking: what is in a slot is booked by the difference to the last look; when it has left the
 * slot it comes through the ledger, and the rest is booked. So nothing is counted twice, and
 * nothing is left out.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/core/record/accounts_table.h"
#include "user/core/record/heaviest.h"

void fw_accounts_lose(struct fw_accounts *a, struct source *s, __u32 reason, __u64 packets,
		      __u64 bytes)
{
	struct more *m;

	if (!s->lost || s->reason == reason) {
		s->reason = (__u8)reason;
		s->lost += packets;
		s->lost_bytes += bytes;
	} else {
		/* The last room is for who is real, here as for sources. */
		m = fw_accounts_more(a, s, reason, s->flags & IS_PROVEN || !fw_accounts_scarce(a));
		if (!m) {
			a->head->lost += packets;
			return;
		}
		m->packets += packets;
		m->bytes += bytes;
	}
	fw_accounts_mark(a, s, HAS_LOST | (reason == FW_R_DROP_BANNED ? IS_BANNED : 0));
}

/* Nobody's evidence, and no account to add it to. */
static bool is_nothing(const struct fw_accounts *a, const struct fw_tally *t)
{
	return a->narrow && !FW_TALLY_PROVEN(t->who) && !FW_TALLY_REASON(t->who) &&
	       fw_accounts_absent(a, FW_TALLY_FAMILY(t->who), t->key);
}

/* What t holds beyond what was booked of it. */
static void book(struct fw_accounts *a, const struct fw_tally *t, const struct fw_tally *booked)
{
	__u32 packets = t->packets - booked->packets, bytes = t->bytes - booked->bytes;
	__u32 reason = FW_TALLY_REASON(t->who);
	__u64 last = t->first_ns + t->last;
	bool proven = FW_TALLY_PROVEN(t->who), wanted = !a->narrow || proven || reason;
	__u64 hash = fw_accounts_hash(a, FW_TALLY_FAMILY(t->who), t->key);
	struct source *s;

	if (!packets && !bytes)
		return;
	if (a->heaviest)
		fw_heaviest_add(a->heaviest, hash, t, packets, bytes);
	if (is_nothing(a, t))
		return;
	/* Spoofers can bring any number of addresses: the last room is for who is real. */
	s = fw_accounts_find(a, FW_TALLY_FAMILY(t->who), t->key,
			     !wanted  ? MAKE_NONE
			     : proven ? MAKE
				      : MAKE_IF_PLENTY);
	if (!s) {
		a->head->lost += wanted ? packets : 0;
		return;
	}
	if (!s->packets)
		s->first_ns = booked->packets ? last : t->first_ns;
	if ((__s64)(last - s->last_ns) > 0) /* one from before a restart may seem to be negative */
		s->last_ns = last;
	s->packets += packets;
	s->bytes += bytes;
	fw_accounts_mark(a, s, IS_DUE | (proven ? IS_PROVEN : 0));
	if (reason && reason < FW_R_MAX)
		fw_accounts_lose(a, s, reason, packets, bytes);
	fw_accounts_touch(a, s);
}

/* Is this the tally that has been booked in part, grown since? Else the record of that was lost. */
static bool goes_on(const struct fw_tally *t, const struct fw_tally *booked)
{
	return booked->who == t->who && booked->key == t->key && booked->first_ns == t->first_ns &&
	       booked->packets <= t->packets;
}

static __u32 book_rest(struct fw_accounts *a, const struct fw_tally *t,
		       const struct fw_tally *booked)
{
	static const struct fw_tally nothing;

	if (booked->who && goes_on(t, booked)) {
		book(a, t, booked);
		return 0;
	}
	book(a, t, &nothing);
	return booked->who ? booked->packets : 0;
}

__u32 fw_accounts_record(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *record)
{
	struct fw_tally *booked = fw_accounts_booked(a, cpu, record->who);
	__u32 orphaned = book_rest(a, record, booked);

	booked->who = 0;
	return orphaned;
}

__u32 fw_accounts_slot(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *held)
{
	struct fw_tally *booked = fw_accounts_booked(a, cpu, held->who);
	__u32 orphaned = book_rest(a, held, booked);

	*booked = *held;
	return orphaned;
}

void fw_accounts_watch(struct fw_accounts *a, struct fw_heaviest *to)
{
	a->heaviest = to;
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
