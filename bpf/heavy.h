/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts of tabled sources: exact, for the recorder, and the heaviest of this CPU at once, for
 * `source top` and `source show`. A slot belongs to one source; a contender wears its credit down
 * and takes over when none is left (the frequent-items scheme of Misra and Gries). A packet that
 * has no slot, and a slot that is given away, go to the ledger. Private to the CPU, and no verdict
 * depends on it.
 */
#ifndef FW_HEAVY_H
#define FW_HEAVY_H

#include "state.h"

#define FW_CREDIT_MAX 1024

/* Where the CPU's next record goes, or NULL: its ring is full, and the packets are counted. */
static __always_inline struct fw_heavy *ledger_room(struct fw_ledger_at **ret_at, __u64 packets)
{
	__u32 cpu = bpf_get_smp_processor_id(), slot;
	struct fw_ledger_at *at = bpf_map_lookup_elem(&fw_ledger_at, &cpu);

	*ret_at = at;
	if (!at)
		return 0;
	if (at->head - *(volatile __u64 *)&at->tail >= knob_ledger) {
		at->lost += packets;
		return 0;
	}
	slot = cpu * knob_ledger + ((__u32)at->head & (knob_ledger - 1));
	return bpf_map_lookup_elem(&fw_ledger, &slot);
}

/* A packet whose source has no slot. what: length | class << 32 | proven << 40 | family << 48, and
 * the reason it was dropped for << 56, else FW_CONTINUE. */
__noinline int ledger_one(__u64 key, __u64 now, __u64 what)
{
	struct fw_ledger_at *at;
	struct fw_heavy *r = ledger_room(&at, 1);
	__u8 reason = what >> 56;

	if (!r || !at)
		return 0;
	r->key = key;
	r->packets = 1;
	r->bytes = (__u32)what;
	r->lost = reason != FW_CONTINUE;
	r->lost_bytes = reason != FW_CONTINUE ? (__u32)what : 0;
	r->first_ns = now;
	r->last = 0;
	r->turn = 0;
	r->family = what >> 48;
	r->class = what >> 32;
	r->reason = reason;
	r->proven = what >> 40;
	r->credit = 0;
	r->slot = FW_HEAVY_NONE;
	__sync_fetch_and_add(&at->head,
			     1); /* after the record, also where stores may pass stores */
	return 0;
}

/* Empty a slot into the ledger. Its owner stays. */
__noinline int ledger_flush(__u32 slot)
{
	struct fw_heavy *h = bpf_map_lookup_elem(&fw_heavy, &slot), *r;
	struct fw_ledger_at *at;

	if (!h)
		return 0;
	h->slot = slot;
	r = ledger_room(&at, h->packets);
	if (r && at) {
		*r = *h;
		__sync_fetch_and_add(&at->head, 1);
	}
	h->packets = 0;
	h->bytes = 0;
	h->lost = 0;
	h->lost_bytes = 0;
	h->last = 0;
	h->turn++;
	return 0;
}

static __always_inline __u32 heavy_slot(__u64 key)
{
	return (key ^ knob_key0) * knob_key1 >> 32 & (FW_HEAVY_SLOTS - 1);
}

/* Ask for the line that heavy_count() will want, before it is wanted. */
static __always_inline void heavy_touch(__u64 key)
{
	__u32 slot = heavy_slot(key);
	const struct fw_heavy *h = bpf_map_lookup_elem(&fw_heavy, &slot);

	if (h)
		(void)*(const volatile __u64 *)&h->key;
}

/* Account a packet of a tabled source. lost_for: the reason it was dropped for, or FW_CONTINUE. */
static __always_inline void heavy_count(const struct pkt *p, __u64 key, __u32 lost_for)
{
	__u32 slot = heavy_slot(key);
	struct fw_heavy *h = bpf_map_lookup_elem(&fw_heavy, &slot);

	if (!h)
		return;
	if (h->key != key) { /* no upper half of an IPv6 source is below 2^32 */
		if (h->family && h->credit) {
			h->credit--;
			ledger_one(key, p->now,
				   p->len | (__u64)p->class << 32 | (__u64)p->proven << 40 |
					   (__u64)p->family << 48 | (__u64)lost_for << 56);
			return;
		}
		if (h->packets)
			ledger_flush(slot);
		h->key = key;
		h->family = p->family;
		h->credit = 0;
	} else if (h->lost && lost_for != FW_CONTINUE && h->reason != lost_for) {
		ledger_flush(slot);
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
