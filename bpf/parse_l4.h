/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443): ports, flags, types.
 * Other protocols have no header that we know. No map access; also compiled on the host.
 */
#ifndef FW_PARSE_L4_H
#define FW_PARSE_L4_H

#include "pkt.h"

static __always_inline int parse_tcp(const struct frame *f, struct pkt *p)
{
	struct tcphdr *tcp = header_at(f, p, sizeof(*tcp));
	__u32 header;

	if (p->payload < sizeof(*tcp))
		return FW_R_DROP_L4_HEADER;
	if (!tcp)
		return FW_R_DROP_SHORT;
	header = tcp->doff * 4;
	/* A first fragment may end inside the options; a whole packet may not. */
	if (header < sizeof(*tcp) || (header > p->payload && !p->fragment))
		return FW_R_DROP_L4_HEADER;
	p->sport = tcp->source;
	p->dport = tcp->dest;
	p->seq = tcp->seq;
	p->tcp_flags = ((__u8 *)tcp)[13];
	return FW_CONTINUE;
}

static __always_inline int parse_udp(const struct frame *f, struct pkt *p)
{
	struct udphdr *udp = header_at(f, p, sizeof(*udp));
	__u32 len;

	if (p->payload < sizeof(*udp))
		return FW_R_DROP_L4_HEADER;
	if (!udp)
		return FW_R_DROP_SHORT;
	len = bpf_ntohs(udp->len);
	if (len < sizeof(*udp) || (len > p->payload && !p->fragment))
		return FW_R_DROP_L4_HEADER;
	p->sport = udp->source;
	p->dport = udp->dest;
	return FW_CONTINUE;
}

static __always_inline int parse_icmp(const struct frame *f, struct pkt *p)
{
	__u8 *icmp = header_at(f, p, 4);

	if (p->payload < 4)
		return FW_R_DROP_L4_HEADER;
	if (!icmp)
		return FW_R_DROP_SHORT;
	p->icmp_type = icmp[0];
	p->icmp_code = icmp[1];
	return FW_CONTINUE;
}

static __always_inline int parse_l4(const struct frame *f, struct pkt *p)
{
	p->l4 = p->off;
	if (p->later)
		return FW_CONTINUE;
	if (p->proto == FW_PROTO_TCP)
		return parse_tcp(f, p);
	if (p->proto == FW_PROTO_UDP)
		return parse_udp(f, p);
	if (p->proto == (p->family == 4 ? FW_PROTO_ICMP : FW_PROTO_ICMP6))
		return parse_icmp(f, p);
	return FW_CONTINUE;
}

#endif
