// SPDX-License-Identifier: GPL-2.0-only
/* Ethernet, IPv4 or IPv6, whole or a fragment, and TCP, UDP or ICMP; checksums are the kernel's
 * business, not ours. */
#include <arpa/inet.h>
#include <string.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include "user/base/text.h"
#include "user/core/replay/explain_frame.h"

#define TCP_SYN 0x02
#define MSS_LEN 4
#define SEQ	0x10000001U
#define WINDOW	64240
#define TTL	64
#define UNIT	8U    /* bytes that offsets of fragments count, and all but the last hold */
#define OFFSET	1480U /* where a later fragment begins: one of full size came before it */
#define MORE4	0x2000
#define MORE6	1

struct frag_hdr { /* RFC 8200, 4.5 */
	__u8 nexthdr;
	__u8 reserved;
	__be16 field;
	__be32 id;
};

static __u32 put_tcp(const struct fw_explain_packet *p, __u8 *out)
{
	static const __u8 mss[MSS_LEN] = { 2, 4, 1460 >> 8, 1460 & 0xff }; /* as every SYN has it */
	struct tcphdr tcp = { .source = htons(p->sport),
			      .dest = htons(p->dport),
			      .seq = htonl(SEQ),
			      .ack_seq = htonl(p->tcp_flags & TCP_SYN ? 0 : SEQ),
			      .window = htons(WINDOW) };
	__u32 len = sizeof(tcp) + (p->tcp_flags & TCP_SYN ? MSS_LEN : 0);

	tcp.doff = len / 4 & 15;
	memcpy(out, &tcp, sizeof(tcp));
	out[13] = p->tcp_flags;
	if (p->tcp_flags & TCP_SYN)
		memcpy(out + sizeof(tcp), mss, sizeof(mss));
	return len;
}

static __u32 put_udp(const struct fw_explain_packet *p, __u32 data, __u8 *out)
{
	struct udphdr udp = { .source = htons(p->sport),
			      .dest = htons(p->dport),
			      .len = htons((__u16)(sizeof(udp) + data)) };

	memcpy(out, &udp, sizeof(udp));
	return sizeof(udp);
}

static __u32 put_l4(const struct fw_explain_packet *p, __u32 data, __u8 *out)
{
	if (p->fragment == FW_EXPLAIN_LATER)
		return 0;
	switch (p->proto) {
	case IPPROTO_TCP:
		return put_tcp(p, out);
	case IPPROTO_UDP:
		return put_udp(p, data, out);
	case IPPROTO_ICMP:
		out[0] = ICMP_ECHO;
		return sizeof(struct icmphdr);
	case IPPROTO_ICMPV6:
		out[0] = ICMPV6_ECHO_REQUEST;
		return sizeof(struct icmp6hdr);
	default:
		return 0;
	}
}

static __u32 put_ip6_fragment(const struct fw_explain_packet *p, __u8 *out)
{
	struct frag_hdr frag = { .nexthdr = p->proto };

	frag.field = htons(p->fragment == FW_EXPLAIN_FIRST ? MORE6 : OFFSET);
	memcpy(out, &frag, sizeof(frag));
	return sizeof(frag);
}

static __u32 put_ip(const struct fw_explain_packet *p, bool ip4, __u32 payload, __u8 *out)
{
	struct iphdr v4 = { .version = 4, .ihl = 5, .ttl = TTL, .protocol = p->proto };
	struct ipv6hdr v6 = { .version = 6, .hop_limit = TTL, .nexthdr = p->proto };

	if (ip4) {
		v4.tot_len = htons((__u16)(sizeof(v4) + payload));
		if (p->fragment)
			v4.frag_off =
				htons(p->fragment == FW_EXPLAIN_FIRST ? MORE4 : OFFSET / UNIT);
		v4.saddr = p->saddr_be[3];
		v4.daddr = p->daddr_be[3];
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	if (p->fragment) {
		v6.nexthdr = IPPROTO_FRAGMENT;
		payload += put_ip6_fragment(p, out + sizeof(v6));
	}
	v6.payload_len = htons((__u16)payload);
	memcpy(&v6.saddr, p->saddr_be, 16);
	memcpy(&v6.daddr, p->daddr_be, 16);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

/* Bytes behind the headers, so that the frame is as long as was asked for, or as short as it can.
 */
static __u32 data_of(const struct fw_explain_packet *p, __u32 head, __u32 l4)
{
	__u32 data = p->len > head + l4 ? p->len - head - l4 : 0;

	if (data > EXPLAIN_FRAME_MAX - head - l4)
		data = EXPLAIN_FRAME_MAX - head - l4;
	if (!p->fragment)
		return data;
	if (l4 + data < UNIT)
		data = UNIT - l4;
	return p->fragment == FW_EXPLAIN_FIRST ? data - (l4 + data) % UNIT : data;
}

__u32 explain_frame(const struct fw_explain_packet *p, __u8 *out)
{
	bool ip4 = fw_text_is_ip4(p->saddr_be);
	struct ethhdr eth = { .h_proto = htons(ip4 ? ETH_P_IP : ETH_P_IPV6) };
	__u32 head = sizeof(eth) + (ip4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)), l4, data;

	if (!ip4 && p->fragment)
		head += sizeof(struct frag_hdr);
	memset(out, 0, EXPLAIN_FRAME_MAX);
	memcpy(out, &eth, sizeof(eth));
	l4 = put_l4(p, 0, out + head);
	data = data_of(p, head, l4);
	(void)put_l4(p, data, out + head);
	(void)put_ip(p, ip4, l4 + data, out + sizeof(eth));
	return head + l4 + data;
}
