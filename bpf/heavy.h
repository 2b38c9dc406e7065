/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heaviest sources of this CPU, for `source top` and `source show`. A slot belongs to one
 * source; a contender wears its credit down and takes over when none is left (the frequent-items
 * scheme of Misra and Gries). Private to the CPU, and no verdict depends on it.
 */
#ifndef FW_HEAVY_H
#define FW_HEAVY_H

#include "state.h"

#define FW_CREDIT_MAX 1024

static __always_inline void heavy_take(struct fw_heavy *h, const struct pkt *p, __u64 key)
{
	h->key = key;
	h->packets = 0;
	h->bytes = 0;
	h->lost = 0;
	h->since_s = clock_s(p->now);
	h->family = p->family;
	h->credit = 0;
}

/* Account a packet of a known source. key: IPv4 address or upper half of IPv6, host order. */
static __always_inline void heavy_count(const struct pkt *p, __u64 key, int lost_for)
{
	__u32 slot = (key ^ knob_key0) * knob_key1 >> 32 & (FW_HEAVY_SLOTS - 1);
	struct fw_heavy *h = bpf_map_lookup_elem(&fw_heavy, &slot);

	if (!h)
		return;
	if (h->key != key) { /* no upper half of an IPv6 source is below 2^32 */
		if (h->family && h->credit) {
			h->credit--;
			return;
		}
		heavy_take(h, p, key);
	}
	h->packets++;
	h->bytes += p->len;
	h->class = p->class;
	if (h->credit < FW_CREDIT_MAX)
		h->credit++;
	if (lost_for != FW_CONTINUE) {
		h->lost++;
		h->reason = lost_for;
	}
}

#endif
