/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A SYN becomes its SYN-ACK with a cookie in place and leaves where it came from, so an answer is
 * never larger than the question, and there is one per SYN.
 *
 * The frame keeps its length. From Linux 6.12 on a program that resizes frames cannot run below
 * libxdp's dispatcher ("Extension program changes packet data"); what the SYN had more than its
 * answer stays as a trailer behind the IP packet, which every receiver cuts off.
 */
#ifndef FW_SYNACK_H
#define FW_SYNACK_H

#include "cookie.h"

#define FW_MSS_LEN 4 /* the option */

/* RFC 1071: fold a sum of 16-bit words and complement it. */
static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u64 sum_words(const void *at, __u32 bytes)
{
	const __u32 *word = at;
	__u64 sum = 0;

	for (__u32 i = 0; i < bytes / 4; i++)
		sum += word[i];
	return sum;
}

/* The words of options behind the MSS, and how a cookie's time stamp says them to the kernel. */
static __always_inline void synack_options(__u32 word[4], const struct pkt *p)
{
	__u32 bits = p->syn_wscale | p->syn_sack << 4; /* TS_OPT_WSCALE_MASK, TS_OPT_SACK */
	__u32 ms = p->now / 1000000, ts = (ms & ~0x3fU) | bits;
	bool scale = p->syn_wscale != FW_WSCALE_NONE && knob_cookie_wscale < FW_WSCALE_NONE;

	if (ts > ms) /* never ahead of the kernel's own clock, or PAWS would drop what follows */
		ts -= 0x40;
	word[0] = bpf_htonl((p->syn_sack ? 0x04020000 : 0x01010000) | FW_OPTION_TS << 8 | 10);
	word[1] = bpf_htonl(ts);
	word[2] = p->ts;
	word[3] = bpf_htonl(scale ? 0x01030300 | knob_cookie_wscale : 0x01010101);
}

/* Returns the length of the header written: a frame without room for an option goes without it. */
static __always_inline __u32 synack_tcp(const struct frame *f, struct tcphdr *tcp,
					const struct pkt *p, __u64 cookie)
{
	__u32 *mss = (__u32 *)(tcp + 1), len = sizeof(*tcp);
	__u64 sum = bpf_htonl(FW_PROTO_TCP);

	if ((void *)(mss + 1) <= f->end) {
		*mss = bpf_htonl(2 << 24 | FW_MSS_LEN << 16 | ((cookie >> 32) & 0xffff));
		sum += *mss;
		len += FW_MSS_LEN;
	}
	if (p->syn_ts && (void *)(mss + 5) <= f->end) {
		synack_options(mss + 1, p);
		sum += sum_words(mss + 1, 16);
		len += 16;
	}
	tcp->source = p->dport;
	tcp->dest = p->sport;
	tcp->seq = bpf_htonl((__u32)cookie);
	tcp->ack_seq = bpf_htonl(bpf_ntohl(p->seq) + 1);
	((__u8 *)tcp)[12] = len / 4 << 4;
	((__u8 *)tcp)[13] = FW_TCP_SYN | FW_TCP_ACK;
	tcp->window = 0xffff;
	tcp->check = 0;
	tcp->urg_ptr = 0;
	sum += sum_words(tcp, sizeof(*tcp)) + bpf_htonl(len);
	/* IPv4 in mapped form: the words before the address would change the sum. */
	if (p->family == 4)
		sum += (__u64)p->saddr[3] + p->daddr[3];
	else
		sum += sum_words(p->saddr, 16) + sum_words(p->daddr, 16);
	tcp->check = sum_fold(sum);
	return len;
}

static __always_inline void synack_ip4(struct iphdr *ip, const struct pkt *p, __u32 tcp_len)
{
	((__u8 *)ip)[0] = 0x45;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + tcp_len);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000); /* RFC 791: don't fragment */
	ip->ttl = 64;
	ip->protocol = FW_PROTO_TCP;
	ip->check = 0;
	ip->saddr = p->daddr[3];
	ip->daddr = p->saddr[3];
	ip->check = sum_fold(sum_words(ip, sizeof(*ip)));
}

static __always_inline void synack_ip6(struct ipv6hdr *ip, const struct pkt *p, __u32 tcp_len)
{
	*(__be32 *)ip = bpf_htonl(6U << 28);
	ip->payload_len = bpf_htons(tcp_len);
	ip->nexthdr = FW_PROTO_TCP;
	ip->hop_limit = 64;
	__builtin_memcpy(&ip->saddr, p->daddr, 16);
	__builtin_memcpy(&ip->daddr, p->saddr, 16);
}

/* RFC 9293 section 3.9.2.3: nobody answers a SYN that was not sent to one host. */
static __always_inline bool is_unicast(const struct ethhdr *eth)
{
	return !(eth->h_dest[0] & 1);
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth->h_dest, 6);
	__builtin_memcpy(eth->h_dest, eth->h_source, 6);
	__builtin_memcpy(eth->h_source, mac, 6);
}

/* Turn the SYN into its SYN-ACK. VLAN tags stay as they are. False: it was sent to many. */
static __always_inline bool synack_write(const struct frame *f, struct pkt *p, __u64 cookie)
{
	__u32 ip_len, tcp_len;
	void *eth, *ip, *tcp;

	ip_len = p->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	p->off = 0;
	eth = header_at(f, p, sizeof(struct ethhdr));
	p->off = p->l3 + ip_len;
	tcp = header_at(f, p, sizeof(struct tcphdr));
	if (!eth || !tcp || !is_unicast(eth))
		return false;
	swap_macs(eth);
	tcp_len = synack_tcp(f, tcp, p, cookie);
	p->off = p->l3;
	if (p->family == 4) {
		ip = header_at(f, p, sizeof(struct iphdr));
		if (ip)
			synack_ip4(ip, p, tcp_len);
	} else {
		ip = header_at(f, p, sizeof(struct ipv6hdr));
		if (ip)
			synack_ip6(ip, p, tcp_len);
	}
	return !!ip;
}

#endif
