/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts of tabled sources: exact, for the recorder, for `source top` and `source show`; of the
 * unproven without what crowd_owns(). What a source sends is added up in a slot; when another one
 * needs the slot, or after a while, what it holds is appended to the CPU's ledger. Nobody is waited
 * for: what is not read in time is written over, and whoever reads finds out how much that was.
 * Private to the CPU, and no verdict depends on it.
 */
#ifndef FW_TALLY_H
#define FW_TALLY_H

#include "state.h"

/* Whoever reads meanwhile sees what is stored below this after what is stored above it. */
#define TALLY_IN_ORDER() asm volatile("" ::: "memory")

/* A store that others see after all before it and before all after it; ordered: as knob_ordered. */
#define tally_publish(ordered, at, value)                    \
	({                                                   \
		TALLY_IN_ORDER();                            \
		if (ordered)                                 \
			*(at) = (value);                     \
		else                                         \
			__sync_lock_test_and_set(at, value); \
		TALLY_IN_ORDER();                            \
	})

/*
 * Empty a slot into the ledger, where it is whole before the head says so. The slot is free from
 * then on, for whoever reads it before the head as for who does after.
 */
static __always_inline void tally_leave(struct fw_book *book, __u32 cpu, struct fw_tally *t,
					__u32 ordered)
{
	__u32 size = knob_ledger, at = cpu * size + ((__u32)book->head & (size - 1));
	struct fw_tally *record = bpf_map_lookup_elem(&fw_ledger, &at);
	__u64 packets;

	if (!record)
		return;
	*record = *t;
	packets = book->packets + t->packets;
	book->packets = packets;
	tally_publish(ordered, &t->who, 0);
	tally_publish(ordered, &book->head, book->head + 1);
	book->whole = packets;
}

/* Account a packet of a tabled source. lost_for: the reason it was dropped for, or 0. */
static __always_inline void tally(const struct pkt *p, __u64 key, __u32 lost_for)
{
	__u64 at = key * knob_key1 >> (64 - FW_TALLY_BITS), age;
	__u32 cpu = bpf_get_smp_processor_id(), who;
	struct fw_book *book = bpf_map_lookup_elem(&fw_book, &cpu);
	struct fw_tally *t;
	__u32 ordered;

	if (!book)
		return;
	/* What it loses and what it does not lie side by side, in one cache line. */
	at ^= !!lost_for;
	FW_BOUND(at, FW_TALLY_SLOTS - 1);
	who = FW_TALLY_WHO(lost_for, p->class, p->proven, p->family == 6, (__u32)at);
	t = &book->slot[at];
	FW_OPAQUE(t);
	age = p->now - t->first_ns;
	if (t->key == key && t->who == who && age < FW_TALLY_NS) {
		t->packets++;
		t->bytes += p->len;
		t->last = age;
		return;
	}
	ordered = knob_ordered;
	if (t->who)
		tally_leave(book, cpu, t, ordered);
	t->key = key;
	t->first_ns = p->now;
	t->last = 0;
	t->packets = 1;
	t->bytes = p->len;
	tally_publish(ordered, &t->who, who);
}

/* Reasons for which the crowd's budgets refuse a packet, a bit each; the compiler adds them up. */
static __always_inline __u64 crowd_reasons(void)
{
	static const __u8 group[FW_REASON_SLOTS] = FW_REASON_GROUPS;
	static const bool of_crowd[FW_G_MAX] = {
#define X(id, name, crowd) crowd,
		FW_GROUPS(X)
#undef X
	};
	__u64 reasons = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < FW_R_MAX; i++)
		reasons |= (__u64)of_crowd[group[i]] << i;
	return reasons;
}

/*
 * What the crowd's budgets refuse of a source that never proved itself is the crowd's, too: counted
 * by reason, and sampled. Anybody can send it in any name, and with an account for each name it
 * would cost a flood's recorder a record a packet. Classes are named by people: who is in one has
 * his account.
 */
static __always_inline bool crowd_owns(const struct pkt *p, int reason)
{
	return p->class == FW_CLASS_DEFAULT && crowd_reasons() >> reason & 1;
}

#endif
