// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program's parser over any bytes, compiled on the host. The first byte says how many bytes lie
 * beyond the first buffer; the rest is that buffer, in memory of exactly its size. Besides not
 * reading past it: facts stay within the frame and agree with each other, and the short way for
 * plain frames finds what the long way finds.
 */
#include <stdlib.h>
#include <string.h>

/* A frame puts headers where it likes; the machines that run the program do not mind. */
#pragma clang attribute push(__attribute__((no_sanitize("alignment"))), apply_to = function)
#include "bpf/parse.h"
#include "bpf/parse_plain.h"
#pragma clang attribute pop

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static bool has_ports(__u8 proto)
{
	return proto == FW_PROTO_TCP || proto == FW_PROTO_UDP;
}

static void check_reason(const struct pkt *p, int reason)
{
	CHECK(reason == FW_CONTINUE || reason == FW_R_DROP_SHORT || reason == FW_R_DROP_IP_HEADER ||
	      reason == FW_R_DROP_L4_HEADER || reason == FW_R_DROP_FRAGMENT);
	CHECK(p->vlans <= 2);
	CHECK(p->family == 0 || p->family == 4 || p->family == 6);
	CHECK(p->own_budget == FW_NO_BUDGET || p->own_budget <= FW_B_DEEP);
	CHECK(p->fragment <= 1 && p->later <= p->fragment);
	if (p->family == 4)
		CHECK(!p->saddr[0] && !p->saddr[1] && p->saddr[2] == bpf_htonl(0xffff) &&
		      !p->daddr[0] && !p->daddr[1] && p->daddr[2] == bpf_htonl(0xffff));
}

/* A source that no router forwards: link-local, or none. */
static bool from_the_link(const struct pkt *p)
{
	static const __u8 none[16];
	const __u8 *a = (const __u8 *)p->saddr;

	return !memcmp(a, none, 16) || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

/* A frame that goes on to the stages. */
static void check_facts(const struct pkt *p)
{
	__u32 least = p->family == 4 ? 20 : 40;

	CHECK(p->off <= p->len);
	if (!p->family) {
		CHECK(p->own_budget == FW_B_ARP || p->own_budget == FW_B_DEEP ||
		      p->own_budget == FW_B_OTHER_L3);
		return;
	}
	CHECK(p->l3 == 14 + 4 * p->vlans);
	CHECK(p->off >= p->l3 + least);
	CHECK(p->off + p->payload <= p->len);
	if (p->own_budget == FW_B_DEEP)
		return;
	CHECK(p->l4 == p->off);
	if (p->later)
		CHECK(!p->sport && !p->dport && !p->tcp_flags && p->own_budget == FW_NO_BUDGET);
	if (!has_ports(p->proto))
		CHECK(!p->sport && !p->dport);
	if (p->proto != FW_PROTO_TCP)
		CHECK(!p->tcp_flags);
	if (!p->later && p->proto == FW_PROTO_TCP)
		CHECK(p->payload >= 20);
	if (!p->later && p->proto == FW_PROTO_UDP)
		CHECK(p->payload >= 8);
	if (p->own_budget == FW_B_ND)
		CHECK(p->family == 6 && p->proto == FW_PROTO_ICMP6 &&
		      (p->hops == 255 || (p->hops == 1 && from_the_link(p))));
	CHECK(p->own_budget != FW_B_ARP && p->own_budget != FW_B_OTHER_L3);
}

static void check_short_way(const struct frame *f, const struct pkt *p, int reason)
{
	struct pkt plain4, plain6;
	const struct pkt *plain = &plain4;
	bool is4, is6;

	memset(&plain4, 0, sizeof(plain4));
	pkt_reset(&plain4);
	plain4.len = p->len;
	plain6 = plain4;
	is4 = parse_plain4(f, &plain4);
	is6 = parse_plain6(f, &plain6);
	CHECK(!is4 || !is6);
	if (!is4 && !is6)
		return;
	plain = is4 ? &plain4 : &plain6;
	CHECK(reason == FW_CONTINUE && p->own_budget == FW_NO_BUDGET);
	CHECK(plain->own_budget == FW_NO_BUDGET);
	CHECK(plain->family == p->family && plain->proto == p->proto && plain->hops == p->hops);
	CHECK(plain->sport == p->sport && plain->dport == p->dport);
	CHECK(plain->tcp_flags == p->tcp_flags && plain->payload == p->payload);
	CHECK(plain->l3 == p->l3 && plain->l4 == p->l4 && plain->vlans == p->vlans);
	CHECK(plain->fragment == p->fragment && plain->later == p->later);
	CHECK(!memcmp(plain->saddr, p->saddr, 16) && !memcmp(plain->daddr, p->daddr, 16));
	if (p->proto == FW_PROTO_TCP)
		CHECK(plain->seq == p->seq);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct frame f;
	struct pkt p;
	__u8 *copy;
	int reason;

	if (!size)
		return 0;
	copy = malloc(size - 1 ? size - 1 : 1);
	CHECK(copy);
	memcpy(copy, data + 1, size - 1);
	f = (struct frame){ copy, copy + size - 1 };
	memset(&p, 0xa5, sizeof(p)); /* facts of the packet before */
	pkt_reset(&p);
	p.len = (__u32)(size - 1) + data[0] * 64u;
	reason = parse(&f, &p);
	check_reason(&p, reason);
	if (reason == FW_CONTINUE)
		check_facts(&p);
	check_short_way(&f, &p, reason);
	free(copy);
	return 0;
}
