/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handshakes seen in a capture. The kernel's sockets of that night are gone; that a handshake was
 * completed stands in the capture itself. Fixed memory: what a flood of SYNs pushes out is counted.
 * Pure; time is a parameter.
 *
 * What counts (RFC 9293 section 3.5): SYN, SYN-ACK that acknowledges it, ACK that acknowledges
 * that. Where only one direction was captured: SYN, then an ACK with data that continues it.
 */
#ifndef FW_CORE_FLOW_H
#define FW_CORE_FLOW_H

#include <stdbool.h>
#include <linux/types.h>

/* One TCP segment. */
struct fw_segment {
	__be32 saddr[4]; /* 128-bit form */
	__be32 daddr[4];
	__be16 sport, dport;
	__u32 seq, ack; /* host order */
	__u32 data;	/* bytes behind the TCP header */
	__u8 flags;	/* as in the header */
};

enum fw_flow_said {
	FW_FLOW_ASKED,	 /* a SYN */
	FW_FLOW_ANSWER,	 /* SYN-ACK of a SYN seen: whoever sent it received that */
	FW_FLOW_PROOF,	 /* completes a handshake of which both directions were seen */
	FW_FLOW_ONE_WAY, /* completes one of which only the client's side was seen */
	FW_FLOW_OPEN,	 /* belongs to a connection whose handshake was seen */
	FW_FLOW_UNKNOWN, /* in a connection whose handshake was not seen, or in none */
};

struct fw_flows;

/* About 24 MiB. NULL: no memory. */
struct fw_flows *fw_flows_new(void);
void fw_flows_free(struct fw_flows *flows); /* NULL is fine */

/* What a segment is, and remember it. at_ns: of the capture, never backward. */
enum fw_flow_said fw_flows_look(struct fw_flows *flows, __u64 at_ns, const struct fw_segment *seg);

/* Connections, and handshakes half seen, that were forgotten for want of room. */
__u64 fw_flows_forgotten(const struct fw_flows *flows);

#endif
