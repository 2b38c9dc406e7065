// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds and patches frames for the flood generator. The sums over everything that stays the same
 * are taken once; a packet costs a few additions. What must stay true: every checksum is valid.
 */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

const char *const frame_kind_name[FRAME_KINDS] = {
	[FRAME_UDP] = "udp",
	[FRAME_SYN] = "syn",
	[FRAME_ACK] = "ack",
	[FRAME_SYNACK] = "synack",
	[FRAME_RST] = "rst",
	[FRAME_ICMP] = "icmp",
	[FRAME_FRAG_FIRST] = "frag_first",
	[FRAME_FRAG_LAST] = "frag_last",
};

uint64_t sum_bytes(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint16_t w;

	for (; len > 1; p += 2, len -= 2) {
		memcpy(&w, p, 2);
		sum += w;
	}
	if (len)
		sum += htons((uint16_t)(*p << 8));
	return sum;
}

uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *p, unsigned int host)
{
	uint16_t v = htons((uint16_t)host);

	memcpy(p, &v, 2);
}

static void put32(uint8_t *p, uint32_t host)
{
	uint32_t v = htonl(host);

	memcpy(p, &v, 4);
}

static bool is_frag(const struct frame_spec *s)
{
	return s->kind == FRAME_FRAG_FIRST || s->kind == FRAME_FRAG_LAST;
}

static uint8_t l4_proto(const struct frame_spec *s)
{
	switch (s->kind) {
	case FRAME_UDP:
	case FRAME_FRAG_FIRST:
	case FRAME_FRAG_LAST:
		return IPPROTO_UDP;
	case FRAME_ICMP:
		return s->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	default:
		return IPPROTO_TCP;
	}
}

static size_t l4_csum_at(const struct frame_spec *s)
{
	switch (l4_proto(s)) {
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_TCP:
		return 16;
	default:
		return 2;
	}
}

static size_t put_ethernet(uint8_t *p, const struct frame_spec *s)
{
	size_t at = 12;

	memcpy(p, s->dmac, 6);
	memcpy(p + 6, s->smac, 6);
	if (s->vlan[0] && s->vlan[1]) {
		put16(p + at, 0x88a8);
		put16(p + at + 2, s->vlan[0]);
		put16(p + at + 4, 0x8100);
		put16(p + at + 6, s->vlan[1]);
		at += 8;
	} else if (s->vlan[0]) {
		put16(p + at, 0x8100);
		put16(p + at + 2, s->vlan[0]);
		at += 4;
	}
	put16(p + at, s->v6 ? 0x86dd : 0x0800);
	return at + 2;
}

/* A SYN carries what a common stack sends: MSS, SACK, time stamps, window scale. */
static size_t put_tcp(uint8_t *p, const struct frame_spec *s)
{
	static const uint8_t options[20] = { 2,	   4,	 0x05, 0xb4, 4, 2, 8, 10, 0x12, 0x34,
					     0x56, 0x78, 0,    0,    0, 0, 1, 3,  3,	7 };
	bool syn = s->kind == FRAME_SYN || s->kind == FRAME_SYNACK;
	uint8_t flags = s->kind == FRAME_SYN	  ? 0x02
			: s->kind == FRAME_SYNACK ? 0x12
			: s->kind == FRAME_RST	  ? 0x04
						  : 0x10;

	put16(p + 2, s->dport);
	if (s->kind != FRAME_SYN && s->kind != FRAME_RST)
		put32(p + 8, 0x01020304);
	p[12] = syn ? 10 << 4 : 5 << 4;
	p[13] = flags;
	put16(p + 14, 64240);
	if (!syn)
		return 20;
	memcpy(p + 20, options, sizeof(options));
	return 40;
}

static size_t put_l4(uint8_t *p, const struct frame_spec *s)
{
	size_t head;

	switch (l4_proto(s)) {
	case IPPROTO_TCP:
		head = put_tcp(p, s);
		break;
	case IPPROTO_UDP:
		put16(p + 2, s->dport);
		put16(p + 4, 8u + s->payload);
		head = 8;
		break;
	default:
		p[0] = s->v6 ? 128 : 8;
		put16(p + 4, 0x4c61);
		head = 8;
	}
	for (size_t i = 0; i < s->payload; i++)
		p[head + i] = (uint8_t)(i < 4 ? 0 : i);
	return head + s->payload;
}

static size_t put_ip4(uint8_t *p, const struct frame_spec *s, size_t body, uint16_t offset)
{
	p[0] = 0x45;
	put16(p + 2, (unsigned int)(20 + body));
	put16(p + 6, is_frag(s) ? offset : 0x4000);
	p[8] = s->ttl;
	p[9] = l4_proto(s);
	memcpy(p + 16, s->dst.b + 12, 4);
	return 20;
}

static size_t put_ip6(uint8_t *p, const struct frame_spec *s, size_t body, uint16_t offset)
{
	size_t ext = is_frag(s) ? 8 : 0;

	p[0] = 0x60;
	put16(p + 4, (unsigned int)(body + ext));
	p[6] = ext ? IPPROTO_FRAGMENT : l4_proto(s);
	p[7] = s->ttl;
	memcpy(p + 24, s->dst.b, 16);
	if (ext) {
		p[40] = l4_proto(s);
		put16(p + 42, (offset & 0x2000) ? (unsigned int)((offset & 0x1fff) << 3 | 1)
						: (unsigned int)(offset << 3));
	}
	return 40 + ext;
}

/* Sums of the whole datagram, before it is cut into fragments. */
static void take_sums(struct frame *f, const uint8_t *l4, size_t len)
{
	const struct frame_spec *s = &f->spec;
	uint8_t pseudo[4] = { 0, l4_proto(s) };

	put16(pseudo + 2, (unsigned int)len);
	f->l4_sum = sum_bytes(0, l4, len);
	if (l4_proto(s) != IPPROTO_ICMP) {
		f->l4_sum = sum_bytes(f->l4_sum, pseudo, 4);
		f->l4_sum = s->v6 ? sum_bytes(f->l4_sum, s->dst.b, 16)
				  : sum_bytes(f->l4_sum, s->dst.b + 12, 4);
	}
	f->ip_sum = s->v6 ? 0 : sum_bytes(0, f->data + f->l3, 20);
}

int frame_build(struct frame *f, const struct frame_spec *spec)
{
	uint8_t datagram[FRAME_MAX] = { 0 };
	size_t len, cut = 0, body;

	f->spec = *spec;
	if (spec->payload > FRAME_MAX - 200)
		return -EINVAL;
	memset(f->data, 0, FRAME_MAX);
	len = put_l4(datagram, spec);
	f->has_l4 = spec->kind != FRAME_FRAG_LAST;
	if (is_frag(spec)) {
		cut = (8 + spec->payload / 2u) & ~7u;
		if (cut >= len)
			return -EINVAL;
	}
	body = !is_frag(spec) ? len : f->has_l4 ? cut : len - cut;
	f->l3 = put_ethernet(f->data, spec);
	uint16_t offset = (uint16_t)(f->has_l4 ? 0x2000 : cut / 8);

	f->l4 = f->l3 + (spec->v6 ? put_ip6(f->data + f->l3, spec, body, offset)
				  : put_ip4(f->data + f->l3, spec, body, offset));
	memcpy(f->data + f->l4, datagram + (f->has_l4 ? 0 : cut), body);
	f->len = f->l4 + body;
	take_sums(f, datagram, len);
	return 0;
}

static void patch_l4(struct frame *f, const struct frame_vary *v, uint64_t sum)
{
	uint8_t *l4 = f->data + f->l4;
	uint16_t sport = htons(v->sport), csum;
	uint32_t seq = htonl(v->seq);

	if (l4_proto(&f->spec) == IPPROTO_TCP) {
		memcpy(l4, &sport, 2);
		memcpy(l4 + 4, &seq, 4);
		sum += sport + (uint64_t)(seq & 0xffff) + (seq >> 16);
	} else {
		if (l4_proto(&f->spec) == IPPROTO_UDP) {
			memcpy(l4, &sport, 2);
			sum += sport;
		}
		if (f->spec.payload >= 4) {
			memcpy(l4 + 8, &seq, 4);
			sum += (uint64_t)(seq & 0xffff) + (seq >> 16);
		}
	}
	csum = (uint16_t)~sum_fold(sum);
	if (!csum && l4_proto(&f->spec) == IPPROTO_UDP)
		csum = 0xffff;
	memcpy(l4 + l4_csum_at(&f->spec), &csum, 2);
}

void frame_patch(struct frame *f, const struct frame_vary *v)
{
	uint8_t *ip = f->data + f->l3;
	uint64_t src;
	uint16_t csum, id = htons((uint16_t)v->id);
	uint32_t id32 = htonl(v->id);

	if (f->spec.v6) {
		src = sum_bytes(0, v->src.b, 16);
		memcpy(ip + 8, v->src.b, 16);
		if (is_frag(&f->spec))
			memcpy(ip + 44, &id32, 4);
	} else {
		src = sum_bytes(0, v->src.b + 12, 4);
		memcpy(ip + 12, v->src.b + 12, 4);
		memcpy(ip + 4, &id, 2);
		csum = (uint16_t)~sum_fold(f->ip_sum + src + id);
		memcpy(ip + 10, &csum, 2);
	}
	if (f->has_l4)
		patch_l4(f, v, f->l4_sum + (l4_proto(&f->spec) == IPPROTO_ICMP ? 0 : src));
}
