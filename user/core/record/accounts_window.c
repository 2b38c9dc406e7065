// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two windows outside an incident, one within it: what is added up, shifted and forgotten. Whoever
 * is killed while sources move leaves word of it in the file.
 */
#include "user/core/record/accounts_table.h"

/* In an incident: one in so many must be harmless, or the others need not move for them. */
#define HARMLESS_PART 16

static void moving(struct fw_accounts *a, bool begins)
{
	fw_accounts_order();
	a->head->moving = begins;
	fw_accounts_order();
}

static void drop_more(struct fw_accounts *a, struct source *s)
{
	while (s->more)
		fw_accounts_take_more(a, s);
}

static void keep(struct fw_accounts *a, struct source *s, __u32 kind, __u64 packets, __u64 bytes)
{
	struct more *m = packets ? fw_accounts_more(a, s, kind, true) : NULL;

	if (!m) {
		a->head->lost += kind == BEFORE ? packets : 0;
		return;
	}
	m->first_ns = s->first_ns;
	m->packets += packets;
	m->bytes += bytes;
}

/* What was now becomes what was before. Returns false: it was not seen in that window. */
static bool shift(struct fw_accounts *a, struct source *s)
{
	struct source was = *s;
	bool seen = s->packets;

	s->more = 0;
	s->packets = s->bytes = s->lost = s->lost_bytes = s->written = 0;
	s->weight = 0;
	s->flags &= IS_IP6 | IS_PROVEN | ABOUT_LOG;
	s->flags |= was.lost ? HAS_LOST : 0;
	while (was.more) {
		struct more m = fw_accounts_take_more(a, &was);

		if (m.kind >= OF_BEFORE)
			continue;
		keep(a, s, m.kind | OF_BEFORE, m.packets, m.bytes);
		s->flags |= HAS_LOST;
	}
	keep(a, s, was.reason | OF_BEFORE, was.lost, was.lost_bytes);
	keep(a, s, BEFORE, was.packets, was.bytes);
	return seen;
}

void fw_accounts_turn(struct fw_accounts *a, bool incident, __u64 idle_ns)
{
	__u32 kept = 0, harmless = 0;

	if (incident && (__u64)a->harmless * HARMLESS_PART < a->head->nr)
		return;
	moving(a, true);
	for (__u32 i = 0; i < a->head->nr; i++) {
		struct source *s = &a->source[i];
		bool stays = incident ? s->flags & IS_WORTH || s->last_ns >= idle_ns : shift(a, s);

		if (!stays) {
			drop_more(a, s);
			continue;
		}
		if (kept != i)
			a->source[kept] = *s;
		harmless += !(s->flags & IS_WORTH);
		kept++;
	}
	a->harmless = harmless;
	if (kept != a->head->nr) {
		a->head->nr = kept;
		fw_accounts_shrink(a);
		fw_accounts_reindex(a);
	}
	moving(a, false);
}

/* Both windows as one. */
static void join(struct fw_accounts *a, struct source *s)
{
	struct source was = *s;

	s->more = 0;
	while (was.more) {
		struct more m = fw_accounts_take_more(a, &was);

		if (m.kind == BEFORE) {
			s->first_ns = m.first_ns;
			s->packets += m.packets;
			s->bytes += m.bytes;
		} else {
			fw_accounts_lose(a, s, m.kind & ~(__u32)OF_BEFORE, m.packets, m.bytes);
		}
	}
	s->written = 0;
	s->flags |= IS_DUE;
}

void fw_accounts_begin(struct fw_accounts *a)
{
	moving(a, true);
	a->head->lost = 0;
	for (__u32 i = 0; i < a->head->nr; i++)
		join(a, &a->source[i]);
	moving(a, false);
}

void fw_accounts_forget(struct fw_accounts *a)
{
	moving(a, true);
	a->head->nr = 0;
	a->head->nr_more = 0;
	a->head->free_more = 0;
	a->head->lost = 0;
	a->harmless = 0;
	fw_accounts_shrink(a);
	fw_accounts_reindex(a);
	moving(a, false);
}

void fw_accounts_sort(struct fw_accounts *a)
{
	moving(a, true);
	fw_accounts_arrange(a->source, a->head->nr);
	fw_accounts_reindex(a);
	moving(a, false);
}
