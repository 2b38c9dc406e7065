/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking for the listener costs more than the cookie, for what is found first is that no
 * connection is known: a cache miss in a large table. So a listener that made a cookie is taken to
 * do so for another tick or two. Not for sources that may have a connection here: their SYN may
 * belong to it.
 */
#ifndef FW_LISTENER_H
#define FW_LISTENER_H

#include "state.h"

#define FW_LISTENER_NS 8000000

static __always_inline struct fw_listener *listener_slot(const struct pkt *p)
{
	__u32 slot =
		(p->daddr[3] ^ p->daddr[3] >> 16 ^ p->daddr[3] >> 24 ^ p->dport ^ p->dport >> 8) &
		(FW_LISTENERS - 1);

	return bpf_map_lookup_elem(&fw_listener, &slot);
}

static __always_inline bool listener_known(const struct pkt *p)
{
	const struct fw_listener *l;

	if (!knob_cookie_raw || p->proven || p->trusted)
		return false;
	l = listener_slot(p);
	return l && p->now - l->since_ns <= FW_LISTENER_NS && l->port == p->dport &&
	       l->addr_be[3] == p->daddr[3] && l->addr_be[2] == p->daddr[2] &&
	       l->addr_be[1] == p->daddr[1] && l->addr_be[0] == p->daddr[0];
}

static __always_inline void listener_learn(const struct pkt *p)
{
	struct fw_listener *l = listener_slot(p);

	if (!l)
		return;
	__builtin_memcpy(l->addr_be, p->daddr, 16);
	l->port = p->dport;
	l->since_ns = p->now;
}

#endif
