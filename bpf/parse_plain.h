/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frames that nearly all traffic and nearly all floods consist of: untagged, no IP options or
 * extension headers, no fragment, TCP or UDP, all headers in the first buffer. Their facts have
 * constant offsets and stay in registers, which halves the cost of a drop. Says no to everything
 * else, malformed frames included, and leaves it to parse(); facts are the same either way.
 */
#ifndef FW_PARSE_PLAIN_H
#define FW_PARSE_PLAIN_H

#include "pkt.h"
#include "parse_ip.h"

/* TCP or UDP at l4, of which 8 bytes are readable and payload bytes are announced. */
static __always_inline bool plain_l4(const struct frame *f, struct pkt *p, void *l4)
{
	struct udphdr *udp = l4;
	struct tcphdr *tcp = l4;

	p->sport = udp->source;
	p->dport = udp->dest;
	if (p->proto == FW_PROTO_UDP) {
		__u32 len = bpf_ntohs(udp->len);

		/* Server to client ports of DHCP and DHCPv6: they have a budget of their own. */
		if (p->sport == bpf_htons(67) || p->sport == bpf_htons(547))
			return false;
		return len >= sizeof(*udp) && len <= p->payload;
	}
	if (p->proto != FW_PROTO_TCP || (void *)(tcp + 1) > f->end)
		return false;
	p->seq = tcp->seq;
	p->tcp_flags = ((__u8 *)tcp)[13];
	return tcp->doff * 4 >= (int)sizeof(*tcp) && tcp->doff * 4U <= p->payload;
}

/*
 * More may be the first buffer of several, and the frame longer than it looks: no driver's receive
 * buffer for such is shorter than a full Ethernet frame with two tags.
 */
#define FW_PLAIN_MAX 1522

/* p: as pkt_reset() left it, now and len set. */
static __always_inline bool parse_plain4(const struct frame *f, struct pkt *p)
{
	struct ethhdr *eth = f->data;
	struct iphdr *ip = (struct iphdr *)(eth + 1);
	__u32 total;

	if (unlikely((void *)(ip + 1) + sizeof(struct udphdr) > f->end))
		return false;
	if (eth->h_proto != bpf_htons(FW_ETH_IP4) || *(__u8 *)ip != 0x45 ||
	    ip->frag_off & bpf_htons(FW_IP_MF | FW_IP_OFFSET))
		return false;
	total = bpf_ntohs(ip->tot_len);
	if (unlikely(p->len > FW_PLAIN_MAX))
		return false;
	if (total < sizeof(*ip) + sizeof(struct udphdr) || total > p->len - sizeof(*eth))
		return false;
	p->family = 4;
	p->l3 = sizeof(*eth);
	p->l4 = sizeof(*eth) + sizeof(*ip);
	p->proto = ip->protocol;
	p->hops = ip->ttl;
	p->payload = total - sizeof(*ip);
	ip4_mapped(p->saddr, ip->saddr);
	ip4_mapped(p->daddr, ip->daddr);
	return plain_l4(f, p, ip + 1);
}

static __always_inline bool parse_plain6(const struct frame *f, struct pkt *p)
{
	struct ethhdr *eth = f->data;
	struct ipv6hdr *ip = (struct ipv6hdr *)(eth + 1);

	if (unlikely((void *)(ip + 1) + sizeof(struct udphdr) > f->end))
		return false;
	if (eth->h_proto != bpf_htons(FW_ETH_IP6) || *(__u8 *)ip >> 4 != 6)
		return false;
	if (unlikely(p->len > FW_PLAIN_MAX))
		return false;
	p->payload = bpf_ntohs(ip->payload_len);
	if (p->payload < sizeof(struct udphdr) || p->payload > p->len - sizeof(*eth) - sizeof(*ip))
		return false;
	p->family = 6;
	p->l3 = sizeof(*eth);
	p->l4 = sizeof(*eth) + sizeof(*ip);
	p->proto = ip->nexthdr;
	p->hops = ip->hop_limit;
	__builtin_memcpy(p->saddr, &ip->saddr, 16);
	__builtin_memcpy(p->daddr, &ip->daddr, 16);
	return plain_l4(f, p, ip + 1);
}

#endif
