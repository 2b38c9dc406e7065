/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct pkt: the cursor over one frame and the facts learned so far. Parsers fill the first half,
 * stages the second; nobody reads the frame again afterwards but the cookie code, which rewrites it.
 * All of it is inlined into one function, so most of it lives in registers.
 */
#ifndef FW_PKT_H
#define FW_PKT_H

#include "net.h"
#include "abi.h"

#define FW_NO_BUDGET 0xff

struct pkt {
	/* The frame. Only bytes below end may be read. */
	void *data;
	void *cur;
	void *end;
	__u32 len; /* bytes on the wire without FCS, all buffers */

	/* Learned by the parsers. */
	__be32 saddr[4]; /* IPv4 as ::ffff:a.b.c.d */
	__be32 daddr[4];
	__u32 payload; /* bytes that the IP header says follow at cur */
	__be16 sport;
	__be16 dport;
	__be32 ack; /* TCP acknowledgement number */
	__u16 l3;   /* offsets from data, for whoever rewrites the frame */
	__u16 l4;
	__u8 family; /* 4, 6, or 0 = no IP address known */
	__u8 proto;  /* of the layer above IP, FW_PROTO_* */
	__u8 hops;
	__u8 vlans;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	bool fragment; /* first or later one */
	bool later;    /* no L4 header in it */
	__u8 own_budget; /* enum fw_budget_id of traffic judged apart, or FW_NO_BUDGET */

	/* Learned by the stages. */
	__u8 class;
	__u8 service;
	bool trusted;
	bool known;  /* its source is in the table */
	bool proven; /* ... and has proven that it is real */
	__u8 over;   /* reason for which a trusted source is beyond its committed budget */
	__u64 now;   /* program time, ns */
	const struct fw_policy *policy;
	__u32 lanes; /* live half of the lane maps */
};

/* True when n bytes at the cursor may be read. */
static __always_inline bool pkt_has(const struct pkt *p, __u32 n)
{
	return p->cur + n <= p->end;
}

#endif
