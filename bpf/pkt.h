/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known about one frame: struct pkt holds facts, struct frame where its bytes are.
 * Parsers fill the first half of the facts, stages the second; nobody reads the frame again but the
 * cookie code, which rewrites it.
 *
 * In the program the facts live in per-CPU memory rather than on the stack. The verifier forgets
 * what it knew of values stored there, so that the paths through the parsers do not multiply with
 * the paths through the stages: a million states otherwise, and the program is refused.
 */
#ifndef FW_PKT_H
#define FW_PKT_H

#include "net.h"
#include "abi.h"

#define FW_NO_BUDGET 0xff

/* The readable bytes: of a jumbo frame, its first buffer. */
struct frame {
	void *data;
	void *end;
};

/*
 * Facts of a plain frame (parse_plain.h) are copied when its judgement goes on in memory. What is
 * the same in all of them lies side by side, in eight bytes of their own: one store.
 */
struct pkt {
	__u64 now; /* program time, ns */
	__u32 len; /* bytes on the wire without FCS, all buffers */

	/* Learned by the parsers. */
	__be32 seq;	 /* TCP sequence number */
	__be32 saddr[4]; /* IPv4 as ::ffff:a.b.c.d */
	__be32 daddr[4];
	/* Of a plain frame 0, or never read. */
	__u32 payload; /* bytes that the IP header says follow at off */
	__be32 ts;     /* TSval of a SYN about to be answered, if syn_ts */
	__u8 hops;
	__u8 vlans;
	__u8 fragment; /* 1: first or later one */
	__u8 later;    /* 1: no L4 header in it */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 syn_ts; /* 1: the SYN offers time stamps; all three are set by bpf/cookie.h */
	__u8 syn_sack;
	/* The same in all plain frames of a family. */
	__u16 l3; /* where these headers are, for whoever rewrites the frame */
	__u16 l4;
	__u16 off;	 /* of the header to parse next, from the start of the frame */
	__u8 family;	 /* 4, 6, or 0 = no IP address known */
	__u8 own_budget; /* enum fw_budget_id of traffic judged apart, or FW_NO_BUDGET */
	/* Different. */
	__be16 sport;
	__be16 dport;
	__u8 proto; /* of the layer above IP, FW_PROTO_* */
	__u8 tcp_flags;
	__u8 syn_wscale; /* its window scale, 15 = none */

	/* Learned by the stages. */
	__u8 class;
	__u8 service;
	__u8 trusted; /* 1: in the trusted lane */
	union {
		struct {
			__u8 known : 1; /* its source is in the table, and was charged; at the end:
					   and has it in its account */
			__u8 newcomer : 1; /* ... since this packet */
			__u8 proven : 1;   /* ... and has proven that it is real */
			__u8 soft : 1;	   /* ... and is past its soft limit */
			__u8 stranger : 1; /* unknown, and beyond the newcomers' budget */
		};
		__u8 is; /* all of them: FW_IS_* (bpf/source.h) >> 8 */
	};
	__u8 lanes;  /* live half of the lane maps, 0 or 1 */
	__u8 half;   /* live half of the policy, 0 or 1 */
	__u8 reason; /* enum fw_reason; FW_CONTINUE while undecided */
};

#define FW_HEADERS_MAX 16384 /* no chain that we inspect is longer */

/*
 * The n bytes at p->off (n a constant), or NULL if the frame ends before. off is read as volatile,
 * so that the verifier sees an unknown offset every time instead of following each chain of headers
 * by itself. The empty asm keeps the compiler from checking one pointer and reading through
 * another, and, n being part of it, from merging two checks of different sizes.
 */
#define header_at(f, p, n)                                         \
	({                                                         \
		__u32 off_ = *(volatile const __u16 *)&(p)->off;   \
		void *header_ = 0;                                 \
		if (off_ <= FW_HEADERS_MAX) {                      \
			header_ = (f)->data + off_;                \
			asm volatile("" : "+r"(header_) : "i"(n)); \
			if (header_ + (n) > (f)->end)              \
				header_ = 0;                       \
		}                                                  \
		header_;                                           \
	})

/* Facts about the last packet in this memory are gone after this. */
static __always_inline void pkt_reset(struct pkt *p)
{
	p->off = 0;
	p->payload = 0;
	p->sport = 0;
	p->dport = 0;
	/* Not read, but copied, where they are not set: Linux 6.1 refuses that. */
	p->seq = 0;
	p->ts = 0;
	p->hops = 0;
	p->syn_ts = 0;
	p->syn_sack = 0;
	p->syn_wscale = 0;
	p->family = 0;
	p->proto = 0;
	p->vlans = 0;
	p->tcp_flags = 0;
	p->icmp_type = 0;
	p->icmp_code = 0;
	p->fragment = 0;
	p->later = 0;
	p->own_budget = FW_NO_BUDGET;
	p->class = FW_CLASS_DEFAULT;
	p->service = FW_SERVICE_HOST;
	p->trusted = 0;
	p->is = 0;
	p->reason = FW_CONTINUE;
}

#endif
