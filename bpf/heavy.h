/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts of tabled sources: exact, for the recorder, and the heaviest of this CPU at once, for
 * `source top` and `source show`. A slot belongs to one source; contenders wear its credit down,
 * and one that comes twice in a row when none is left takes over (after the frequent-items scheme
 * of Misra and Gries). A packet without a slot goes to the ledger as two words, a slot that is
 * given away as a whole. Private to the CPU, and no verdict depends on it.
 *
 * What most packets of a flood from very many sources need is small: a mark that says whose the
 * slot is not, and the place behind the last record.
 */
#ifndef FW_HEAVY_H
#define FW_HEAVY_H

#include "state.h"

#define FW_CREDIT_MAX 128
#define FW_WEAR_BITS  3 /* one in 8 packets without a slot wears: so much heavier must they be */

static __always_inline struct fw_ledger_at *ledger_at(__u32 cpu)
{
	return bpf_map_lookup_elem(&fw_ledger_at, &cpu);
}

/* A record is whole before its reader may see it. */
static __always_inline void ledger_publish(__u64 *head)
{
	asm volatile("" ::: "memory");
	if (knob_ordered)
		++*(volatile __u64 *)head;
	else
		__sync_fetch_and_add(head, 1);
}

/* Has the reader made room? Its line is asked for only when there seems to be none. */
static __always_inline bool ledger_more(__u64 *room, const __u64 *tail, __u64 head, __u32 size)
{
	*room = *(const volatile __u64 *)tail + size;
	return head < *room;
}

/* A packet whose source has no slot. lost_for: as heavy_count()'s. */
static __always_inline void ledger_lone(struct fw_ledger_at *at, __u32 cpu, const struct pkt *p,
					__u64 key, __u64 lost_for)
{
	struct fw_lone *r;
	__u64 head;
	__u32 slot;

	head = at->lone_head;
	if (head >= at->lone_room &&
	    !ledger_more(&at->lone_room, &at->lone_tail, head, knob_lone)) {
		at->lost++;
		return;
	}
	slot = cpu * knob_lone + ((__u32)head & (knob_lone - 1));
	r = bpf_map_lookup_elem(&fw_lone, &slot);
	if (!r)
		return;
	r->key = key;
	r->what = p->len | (lost_for == FW_CONTINUE ? 0 : lost_for << 17) | (__u64)p->proven << 23 |
		  (__u64)(p->family == 6) << 24 | p->now / FW_HEAVY_STEP_NS << 25;
	ledger_publish(&at->lone_head);
}

/* Room for a slot that is emptied, or NULL: the ring is full, and its packets are counted. */
static __always_inline struct fw_heavy *ledger_room(struct fw_ledger_at *at, __u32 cpu,
						    __u64 packets)
{
	__u32 slot;

	if (at->head >= at->room && !ledger_more(&at->room, &at->tail, at->head, knob_ledger)) {
		at->lost += packets;
		return 0;
	}
	slot = cpu * knob_ledger + ((__u32)at->head & (knob_ledger - 1));
	return bpf_map_lookup_elem(&fw_ledger, &slot);
}

/*
 * Empty a slot into the ledger; it is key's from now on. Who reads the slot meanwhile either sees
 * the old turn, and will find it in the ledger, or the new one with all that belongs to it.
 */
__noinline int ledger_flush(__u32 slot, __u64 key)
{
	struct fw_heavy *h = bpf_map_lookup_elem(&fw_heavy, &slot), *r = 0;
	__u32 cpu = bpf_get_smp_processor_id();
	struct fw_ledger_at *at = ledger_at(cpu);

	if (!h || !at)
		return 0;
	h->slot = slot;
	r = ledger_room(at, cpu, h->packets);
	if (r) {
		*r = *h;
		ledger_publish(&at->head);
	}
	h->packets = 0;
	h->bytes = 0;
	h->lost = 0;
	h->lost_bytes = 0;
	h->last = 0;
	h->key = key;
	asm volatile("" ::: "memory");
	h->turn++;
	return 0;
}

static __always_inline __u64 heavy_hash(__u64 key)
{
	return (key ^ knob_key0) * knob_key1 >> 32;
}

static __always_inline __u32 heavy_slot(__u64 hash)
{
	return hash & (FW_HEAVY_SLOTS - 1);
}

/* Tells most other sources of the same slot apart, without a look at the slot. */
static __always_inline __u16 heavy_mark(__u64 hash)
{
	return hash >> 16 | 1;
}

/* The mark of a slot's owner. */
static __always_inline __u16 *heavy_owner(struct fw_ledger_at *at, __u64 slot)
{
	FW_BOUND(slot, FW_HEAVY_SLOTS - 1);
	return &at->mark[slot];
}

/* Ask for the line that heavy_count() will want, before it is wanted. */
static __always_inline void heavy_touch(__u64 key)
{
	__u64 hash = heavy_hash(key);
	__u32 slot = heavy_slot(hash);
	struct fw_ledger_at *at = ledger_at(bpf_get_smp_processor_id());
	const struct fw_heavy *h;

	if (!at || *heavy_owner(at, slot) != heavy_mark(hash))
		return;
	h = bpf_map_lookup_elem(&fw_heavy, &slot);
	if (h)
		(void)*(const volatile __u64 *)&h->key;
}

/* Is this packet without a slot one of those that wear the owner's credit down? A step by the
 * golden ratio: whatever period a source comes in, its turn comes. */
static __always_inline bool heavy_wears(const struct fw_ledger_at *at)
{
	return !((at->lone_head + at->lost) * 0x9e3779b97f4a7c15ULL >> (64 - FW_WEAR_BITS));
}

/* Does the owner of a slot keep it? */
static __always_inline bool heavy_stays(struct fw_heavy *h, __u16 mark)
{
	if (h->credit) {
		h->credit--;
		return true;
	}
	if (h->slot == mark)
		return false;
	h->slot = mark;
	return true;
}

/* The slot becomes key's. What it holds, as whose ever, is in the ledger then. */
static __always_inline void heavy_take(struct fw_heavy *h, __u32 slot, __u64 key, __u8 family)
{
	if (h->packets)
		ledger_flush(slot, key);
	h->key = key;
	h->family = family;
	h->credit = 0;
}

/* Account a packet of a tabled source. lost_for: the reason it was dropped for, or FW_CONTINUE. */
static __always_inline void heavy_count(const struct pkt *p, __u64 key, __u32 lost_for)
{
	__u64 hash = heavy_hash(key);
	__u32 slot = heavy_slot(hash), cpu = bpf_get_smp_processor_id();
	struct fw_ledger_at *at = ledger_at(cpu);
	__u16 mark = heavy_mark(hash), *owner;
	struct fw_heavy *h;

	if (!at)
		return;
	owner = heavy_owner(at, slot);
	if (*owner && *owner != mark && (p->newcomer || !heavy_wears(at)))
		return ledger_lone(at, cpu, p, key, lost_for);
	h = bpf_map_lookup_elem(&fw_heavy, &slot);
	if (!h)
		return;
	if (h->key != key || !*owner) { /* no upper half of an IPv6 source is below 2^32 */
		if (*owner && heavy_stays(h, mark))
			return ledger_lone(at, cpu, p, key, lost_for);
		heavy_take(h, slot, key, p->family);
		*owner = mark;
	} else if (h->lost && lost_for != FW_CONTINUE && h->reason != lost_for) {
		ledger_flush(slot, key);
	}
	if (!h->packets)
		h->first_ns = p->now;
	h->packets++;
	h->bytes += p->len;
	h->last = (p->now - h->first_ns) / FW_HEAVY_STEP_NS;
	h->class = p->class;
	h->proven = p->proven;
	if (h->credit < FW_CREDIT_MAX)
		h->credit++;
	if (lost_for != FW_CONTINUE) {
		h->lost++;
		h->lost_bytes += p->len;
		h->reason = lost_for;
	}
}

#endif
