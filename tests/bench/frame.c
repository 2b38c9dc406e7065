// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds the packet templates. Checksums of TCP and UDP are left zero (UDP: "none"): the stepper
 * would have to redo them for every source, and no program that is measured here reads them.
 */
#include "tests/bench/frame.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <string.h>

static const __u8 mac_to[ETH_ALEN] = { 0x02, 0, 0, 0, 0xb, 1 };
static const __u8 mac_from[ETH_ALEN] = { 0x02, 0, 0, 0, 0xb, 2 };

static size_t put_eth(struct frame *frame, __u16 proto)
{
	struct ethhdr *eth = (struct ethhdr *)frame->data;

	memcpy(eth->h_dest, mac_to, ETH_ALEN);
	memcpy(eth->h_source, mac_from, ETH_ALEN);
	eth->h_proto = htons(proto);
	return sizeof(*eth);
}

static size_t put_ip4(struct frame *frame, size_t at, __u8 proto, size_t payload)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((__u16)(sizeof(ip) + payload)),
		.id = htons(1),
		.ttl = 60,
		.protocol = proto,
		.daddr = htonl(FRAME_DST4),
	};
	__u16 word[sizeof(ip) / 2];

	memcpy(word, &ip, sizeof(ip));
	frame->ip4_sum = 0;
	for (size_t i = 0; i < sizeof(ip) / 2; i++)
		frame->ip4_sum += word[i];
	memcpy(frame->data + at, &ip, sizeof(ip));
	return at + sizeof(ip);
}

static size_t put_ip6(struct frame *frame, size_t at, __u8 proto, size_t payload)
{
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = htons((__u16)payload),
		.nexthdr = proto,
		.hop_limit = 60,
	};

	inet_pton(AF_INET6, FRAME_DST6, &ip.daddr);
	ip.saddr.s6_addr32[3] = htonl(1);
	memcpy(frame->data + at, &ip, sizeof(ip));
	return at + sizeof(ip);
}

static size_t put_udp(struct frame *frame, size_t at, size_t payload)
{
	struct udphdr udp = {
		.source = htons(40000),
		.dest = htons(9999),
		.len = htons((__u16)(sizeof(udp) + payload)),
	};

	memcpy(frame->data + at, &udp, sizeof(udp));
	return at + sizeof(udp) + payload;
}

static size_t put_tcp(struct frame *frame, size_t at, bool syn)
{
	static const __u8 options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					  0, 1, 0, 0,	 0, 0, 1, 3,  3, 7 };
	struct tcphdr tcp = {
		.source = htons(40000),
		.dest = htons(FRAME_WEB),
		.seq = htonl(0x01020304),
		.ack_seq = syn ? 0 : htonl(0x11223344),
		.doff = syn ? 10 : 5,
		.syn = syn,
		.ack = !syn,
		.window = htons(64240),
	};

	memcpy(frame->data + at, &tcp, sizeof(tcp));
	if (!syn)
		return at + sizeof(tcp);
	memcpy(frame->data + at + sizeof(tcp), options, sizeof(options));
	return at + sizeof(tcp) + sizeof(options);
}

static const struct row {
	const char *bare;
	enum frame_stepper stepper;
	__u8 proto;
	bool six;
	bool syn;
} row[FRAMES] = {
	[FRAME_UDP4] = { "bare drop, UDP", FRAME_4_SHORT, IPPROTO_UDP, false, false },
	[FRAME_UDP6] = { "bare drop, UDPv6", FRAME_6_SHORT, IPPROTO_UDP, true, false },
	[FRAME_ACK4] = { "bare drop, ACK", FRAME_4_SHORT, IPPROTO_TCP, false, false },
	[FRAME_ACK6] = { "bare drop, ACKv6", FRAME_6_SHORT, IPPROTO_TCP, true, false },
	[FRAME_SYN4] = { "bare drop, SYN", FRAME_4_LONG, IPPROTO_TCP, false, true },
	[FRAME_SYN6] = { "bare drop, SYNv6", FRAME_6_LONG, IPPROTO_TCP, true, true },
};
/* A frame is at least as long as what the stepper writes of it. */
static const __u32 shortest[FRAME_STEPPERS] = { 60, 74, 74, 94 };

const struct frame *frame_get(enum frame_id id)
{
	static struct frame frames[FRAMES];
	struct frame *frame = &frames[id];
	const struct row *r = &row[id];
	size_t payload, at;

	if (frame->len)
		return frame;
	frame->bare = r->bare;
	frame->stepper = r->stepper;
	payload = r->proto == IPPROTO_UDP ? sizeof(struct udphdr) + 18
					  : sizeof(struct tcphdr) + (r->syn ? 20 : 0);
	at = put_eth(frame, r->six ? ETH_P_IPV6 : ETH_P_IP);
	at = r->six ? put_ip6(frame, at, r->proto, payload) : put_ip4(frame, at, r->proto, payload);
	at = r->proto == IPPROTO_UDP ? put_udp(frame, at, 18) : put_tcp(frame, at, r->syn);
	frame->len = at > shortest[r->stepper] ? (__u32)at : shortest[r->stepper];
	return frame;
}
