/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole header walk, and which packets keep the link and the path alive: those are judged by a
 * budget of their own (p->own_budget) whatever the policy says about their source.
 * No map access; also compiled on the host for fuzzing.
 */
#ifndef FW_PARSE_H
#define FW_PARSE_H

#include "parse_eth.h"
#include "parse_ip.h"
#include "parse_l4.h"

#define FW_ICMP_UNREACH	    3
#define FW_ICMP_FRAG_NEEDED 4	/* RFC 1191 */
#define FW_ICMP6_TOO_BIG    2	/* RFC 8201 */
#define FW_ND_FIRST	    133 /* RFC 4861: router solicitation .. redirect */
#define FW_ND_LAST	    137

/*
 * RFC 2710, RFC 3810 sections 5.1.14, 5.2.13: from a link-local address, a host's reports from
 * "::", too. No router forwards these (RFC 4291); a hop limit of 1 alone can be had from afar by
 * counting.
 */
static __always_inline bool is_mld(const struct pkt *p)
{
	const __be32 *a = p->saddr;
	bool here = (a[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) ||
		    !(a[0] | a[1] | a[2] | a[3]);

	return p->hops == 1 && here &&
	       ((p->icmp_type >= 130 && p->icmp_type <= 132) || p->icmp_type == 143);
}

static __always_inline __u8 own_budget4(const struct pkt *p)
{
	if (p->proto == FW_PROTO_ICMP && p->icmp_type == FW_ICMP_UNREACH &&
	    p->icmp_code == FW_ICMP_FRAG_NEEDED)
		return FW_B_PMTU;
	if (p->proto == FW_PROTO_UDP && p->sport == bpf_htons(67) && p->dport == bpf_htons(68))
		return FW_B_DHCP;
	return FW_NO_BUDGET;
}

static __always_inline __u8 own_budget6(const struct pkt *p)
{
	if (p->proto == FW_PROTO_ICMP6) {
		if (p->icmp_type == FW_ICMP6_TOO_BIG)
			return FW_B_PMTU;
		/* RFC 4861 section 7.1: a router would have lowered 255, so it is from this link.
		 */
		if (p->icmp_type >= FW_ND_FIRST && p->icmp_type <= FW_ND_LAST && p->hops == 255)
			return FW_B_ND;
		if (is_mld(p))
			return FW_B_ND;
	}
	if (p->proto == FW_PROTO_UDP && p->sport == bpf_htons(547) && p->dport == bpf_htons(546))
		return FW_B_DHCP;
	return FW_NO_BUDGET;
}

/* Returns a reason for a frame that is malformed, else FW_CONTINUE. */
static __always_inline int parse(const struct frame *f, struct pkt *p)
{
	__be16 proto;
	int reason = parse_eth(f, p, &proto);

	if (reason != FW_CONTINUE)
		return reason;
	if (proto == bpf_htons(FW_ETH_IP4)) {
		reason = parse_ip4(f, p);
	} else if (proto == bpf_htons(FW_ETH_IP6)) {
		reason = parse_ip6(f, p);
	} else {
		p->own_budget = proto == bpf_htons(FW_ETH_ARP) ? FW_B_ARP
				: eth_is_vlan(proto)	       ? FW_B_DEEP
							       : FW_B_OTHER_L3;
		return FW_CONTINUE;
	}
	if (reason != FW_CONTINUE || p->own_budget != FW_NO_BUDGET)
		return reason;
	reason = parse_l4(f, p);
	if (reason == FW_CONTINUE && !p->later)
		p->own_budget = p->family == 4 ? own_budget4(p) : own_budget6(p);
	return reason;
}

#endif
