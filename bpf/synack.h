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

/* RFC 1071: fold a sum of 32-bit words, fewer than 32 of them, and complement it. */
static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The sum of n words of 32 bits. */
static __always_inline __u64 sum_words(const __be32 *word, __u32 n)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < n; i++)
		sum += word[i];
	return sum;
}

/* Store n words and return their sum: of what is stored in parts, the CPU waits to read a whole. */
static __always_inline __u64 put_words(__be32 *to, const __be32 *word, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		to[i] = word[i];
	return sum_words(word, n);
}

/* The words of options behind the MSS, and how a cookie's time stamp says them to the kernel. */
static __always_inline void synack_options(__be32 word[4], const struct pkt *p)
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
static __always_inline __u32 synack_tcp(const struct frame *f, __be32 *tcp, const struct pkt *p,
					__u64 cookie, int family)
{
	__be32 mss = bpf_htonl(2 << 24 | FW_MSS_LEN << 16 | ((cookie >> 32) & 0xffff));
	__be32 stamps[4], header[4];
	__u32 len = sizeof(struct tcphdr);
	__u64 sum = bpf_htonl(FW_PROTO_TCP);

	if ((void *)(tcp + 6) <= f->end) {
		sum += put_words(tcp + 5, &mss, 1);
		len += FW_MSS_LEN;
	}
	if (p->syn_ts && (void *)(tcp + 10) <= f->end) {
		synack_options(stamps, p);
		sum += put_words(tcp + 6, stamps, 4);
		len += 16;
	}
	header[0] = bpf_htonl((__u32)bpf_ntohs(p->dport) << 16 | bpf_ntohs(p->sport));
	header[1] = bpf_htonl((__u32)cookie);
	header[2] = bpf_htonl(bpf_ntohl(p->seq) + 1);
	header[3] = bpf_htonl(len / 4 << 28 | (FW_TCP_SYN | FW_TCP_ACK) << 16 | 0xffff);
	sum += put_words(tcp, header, 4) + bpf_htonl(len);
	/* IPv4 in mapped form: the words before the address would change the sum. */
	if (family == 4)
		sum += (__u64)p->saddr[3] + p->daddr[3];
	else
		sum += sum_words(p->saddr, 4) + sum_words(p->daddr, 4);
	((struct tcphdr *)tcp)->check = sum_fold(sum);
	((struct tcphdr *)tcp)->urg_ptr = 0;
	return len;
}

static __always_inline void synack_ip4(__be32 *ip, const struct pkt *p, __u32 tcp_len)
{
	__be32 word[5] = {
		bpf_htonl(0x45 << 24 | (sizeof(struct iphdr) + tcp_len)),
		bpf_htonl(0x4000),			  /* RFC 791: don't fragment */
		bpf_htonl(64 << 24 | FW_PROTO_TCP << 16), /* TTL; the checksum comes last */
		p->daddr[3],
		p->saddr[3],
	};
	__u64 sum = put_words(ip, word, 5);

	((struct iphdr *)ip)->check = sum_fold(sum);
}

static __always_inline void synack_ip6(__be32 *ip, const struct pkt *p, __u32 tcp_len)
{
	ip[0] = bpf_htonl(6U << 28);
	ip[1] = bpf_htonl(tcp_len << 16 | FW_PROTO_TCP << 8 | 64); /* hop limit */
	put_words(ip + 2, p->daddr, 4);
	put_words(ip + 6, p->saddr, 4);
}

/*
 * RFC 9293 section 3.9.2.3: nobody answers a SYN that was not sent to one host; nor to many, whose
 * address no card has (IEEE 802.3 section 3.2.5).
 */
static __always_inline bool is_unicast(const struct ethhdr *eth)
{
	return !((eth->h_dest[0] | eth->h_source[0]) & 1);
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u16 *to = (__u16 *)eth->h_dest, *from = (__u16 *)eth->h_source;

	for (int i = 0; i < 3; i++) {
		__u16 part = to[i];

		to[i] = from[i];
		from[i] = part;
	}
}

/*
 * Turn the SYN into its SYN-ACK. VLAN tags stay as they are; of IP headers longer than ours the
 * rest is overwritten. False: it was sent to many, or the answer would be.
 */
static __always_inline bool synack_write(const struct frame *f, struct pkt *p, __u64 cookie)
{
	struct ethhdr *eth;
	__be32 *ip;

	p->off = 0;
	eth = header_at(f, p, sizeof(*eth));
	p->off = p->l3;
	if (!eth || !is_unicast(eth))
		return false;
	if (p->family == 4) {
		ip = header_at(f, p, sizeof(struct iphdr) + sizeof(struct tcphdr));
		if (ip)
			synack_ip4(ip, p, synack_tcp(f, ip + 5, p, cookie, 4));
	} else {
		ip = header_at(f, p, sizeof(struct ipv6hdr) + sizeof(struct tcphdr));
		if (ip)
			synack_ip6(ip, p, synack_tcp(f, ip + 10, p, cookie, 6));
	}
	if (ip)
		swap_macs(eth);
	return !!ip;
}

#endif
