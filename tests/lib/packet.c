// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds frames from descriptions, front to back. Each layer leaves a note where the protocol of
 * what follows has to be written, so that any layer may follow any other.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "tests/lib/packet.h"

static const struct {
	const char *ip4, *ip6;
} hosts[HOSTS] = {
	[UNNAMED] = { "192.0.2.80", "2001:db8::80" },
	[SERVER] = { "192.0.2.80", "2001:db8::80" },
	[VOTER] = { "198.51.100.7", "2001:db8:a:1::7" },
	[CLERK] = { "203.0.113.20", "2001:db8:c1e7:1::20" },
	[ADMIN] = { "203.0.113.5", "2001:db8:ad:1::5" },
	[CARRIER] = { "100.64.9.9", "2001:db8:ca:1::9" },
	[ATTACKER] = { "203.0.113.66", "2001:db8:bad:1::66" },
	[CROWD] = { "20.0.0.0", "2a00:1000::1" },
	[LOOPBACK] = { "127.0.0.1", "::1" },
	[MULTICAST] = { "224.0.0.5", "ff02::5" },
	[NOBODY] = { "0.0.0.0", "::" },
};

void packet_addr(enum host host, int family, __u32 nth, __be32 ret_addr_be[4])
{
	memset(ret_addr_be, 0, 16);
	if (family == 6) {
		inet_pton(AF_INET6, hosts[host].ip6, ret_addr_be);
		ret_addr_be[1] = htonl(ntohl(ret_addr_be[1]) + nth);
		return;
	}
	ret_addr_be[2] = htonl(0xffff);
	inet_pton(AF_INET, hosts[host].ip4, &ret_addr_be[3]);
	ret_addr_be[3] = htonl(ntohl(ret_addr_be[3]) + nth);
}

const char *packet_addr_text(enum host host, int family, __u32 nth)
{
	static char text[4][INET6_ADDRSTRLEN];
	static unsigned int next;
	char *to = text[next++ % 4];
	__be32 addr[4];

	packet_addr(host, family, nth, addr);
	inet_ntop(family == 6 ? AF_INET6 : AF_INET, family == 6 ? addr : &addr[3], to,
		  INET6_ADDRSTRLEN);
	return to;
}

__u16 packet_checksum(const void *data, __u32 len, __u32 sum)
{
	const __u8 *b = data;

	for (__u32 i = 0; i < len; i++)
		sum += i & 1 ? b[i] : (__u32)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __u8 *append(struct packet *p, __u32 n)
{
	__u8 *at = p->data + p->len;

	memset(at, 0, n);
	p->len += n;
	return at;
}

static void put16(__u8 *at, __u32 value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static void put32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* Without an L4 header. */
static bool is_bare(const struct spec *s)
{
	return s->raw || (s->frag && s->frag_off);
}

static int proto_of(const struct spec *s)
{
	return s->proto == ICMP && s->family == 6 ? ICMP6 : s->proto;
}

static void build_eth(const struct spec *s, struct packet *p)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };
	__u32 type = s->ethertype ? s->ethertype : s->family == 6 ? 0x86dd : 0x0800;
	__u8 *eth = append(p, 14);

	memcpy(eth, macs, sizeof(macs));
	for (int i = 0; i < s->vlans; i++) {
		put16(p->data + p->len - 2, s->qinq && !i ? 0x88a8 : 0x8100);
		put16(append(p, 4), 100 + (__u32)i);
	}
	put16(p->data + p->len - 2, type);
}

/* Returns where the protocol of what follows goes. */
static __u8 *build_ip4(const struct spec *s, struct packet *p)
{
	__u8 *ip = append(p, 20 + 4u * s->options);
	__be32 addr[4];

	ip[0] = (__u8)(0x45 + s->options);
	put16(ip + 4, 0x1234);
	if (s->frag)
		put16(ip + 6, (s->more ? 0x2000u : 0) | (__u32)s->frag_off / 8);
	ip[8] = s->hops ? s->hops : 64;
	packet_addr(s->src, 4, s->nth, addr);
	memcpy(ip + 12, &addr[3], 4);
	packet_addr(s->dst, 4, 0, addr);
	memcpy(ip + 16, &addr[3], 4);
	memset(ip + 20, 1, 4u * s->options); /* no-operation */
	return ip + 9;
}

static __u8 *build_ext(const struct spec *s, struct packet *p, __u8 *next, enum ext kind)
{
	static const __u8 proto[] = {
		[EXT_HOP] = 0,	      [EXT_DST] = 60,  [EXT_ROUTING] = 43, [EXT_AUTH] = 51,
		[EXT_MOBILITY] = 135, [EXT_FRAG] = 44, [EXT_ATOMIC] = 44
	};
	bool frag = kind == EXT_FRAG || kind == EXT_ATOMIC;
	__u32 len = frag || !s->ext_len ? 8 : (__u32)s->ext_len;
	__u8 *ext = append(p, len);

	*next = proto[kind];
	ext[1] = frag ? 0 : (__u8)(kind == EXT_AUTH ? len / 4 - 2 : len / 8 - 1);
	if (kind == EXT_FRAG)
		put16(ext + 2, (__u32)s->frag_off | s->more);
	if (frag)
		put32(ext + 4, 0x12345678);
	return ext;
}

static __u8 *build_ip6(const struct spec *s, struct packet *p)
{
	__u8 *ip = append(p, 40), *next = ip + 6;
	bool fragmented = false;
	__be32 addr[4];

	ip[0] = 0x60;
	ip[7] = s->hops ? s->hops : 64;
	packet_addr(s->src, 6, s->nth, addr);
	addr[3] ^= htonl(s->low);
	memcpy(ip + 8, addr, 16);
	packet_addr(s->dst, 6, 0, addr);
	memcpy(ip + 24, addr, 16);
	for (int i = 0; i < EXT_MAX && s->ext[i]; i++) {
		next = build_ext(s, p, next, s->ext[i]);
		fragmented |= s->ext[i] == EXT_FRAG;
	}
	if (s->frag && !fragmented)
		next = build_ext(s, p, next, EXT_FRAG);
	return next;
}

static void build_l4(const struct spec *s, struct packet *p)
{
	__u8 *l4;

	p->l4 = (__u16)p->len;
	if (is_bare(s))
		return;
	if (s->proto == TCP) {
		l4 = append(p, 20 + 4u * s->tcp_words);
		l4[12] = (__u8)((5 + s->tcp_words) << 4);
		l4[13] = s->null_flags ? 0 : s->flags ? s->flags : ACK;
		put32(l4 + 4, 0x01020304);
		put16(l4 + 14, 64240);
		memset(l4 + 20, 1, 4u * s->tcp_words);
	} else if (s->proto == UDP) {
		l4 = append(p, 8);
		put16(l4 + 4, 8 + (__u32)s->payload);
	} else {
		if (s->proto == ICMP || s->proto == ICMP6) {
			l4 = append(p, 8);
			l4[0] = s->type;
			l4[1] = s->code;
		}
		return;
	}
	put16(l4, s->zero_sport ? 0 : s->sport ? s->sport : 40000);
	put16(l4 + 2, s->zero_dport ? 0 : s->dport ? s->dport : 80);
}

/* Lengths, protocols and checksums that were not known on the way. */
static void finish(const struct spec *s, struct packet *p, __u8 *next)
{
	static const int field[256] = { [TCP] = 16, [UDP] = 6, [ICMP] = 2, [ICMP6] = 2 };
	int proto = proto_of(s), sum_at = is_bare(s) ? 0 : field[proto];
	__u8 *ip = p->data + p->l3, *l4 = p->data + p->l4;
	__u32 len = p->len - p->l4, sum = 0;

	*next = (__u8)proto;
	if (s->family == 6)
		put16(ip + 4, p->len - p->l3 - 40);
	else
		put16(ip + 2, p->len - p->l3);
	if (s->family != 6)
		put16(ip + 10, packet_checksum(ip, 20 + 4u * s->options, 0));
	if (!sum_at)
		return;
	if (proto != ICMP) /* RFC 9293, 768, 8200 section 8.1: the pseudo header */
		sum = (__u16)~packet_checksum(ip + (s->family == 6 ? 8 : 12),
					      s->family == 6 ? 32 : 8, len + (__u32)proto);
	put16(l4 + sum_at, packet_checksum(l4, len, sum));
}

static void poke(struct packet *p, const struct poke *poke)
{
	__u32 base = poke->at == POKE_L3 ? p->l3 : poke->at == POKE_L4 ? p->l4 : 0;
	__u8 *at = p->data + base + poke->off;

	if (poke->bytes == 4)
		put32(at, poke->value);
	else if (poke->bytes == 2)
		put16(at, poke->value);
	else
		*at = (__u8)poke->value;
}

void packet_build(const struct spec *spec, struct packet *ret)
{
	struct spec named = *spec;
	__u8 *next;

	named.src = spec->src == UNNAMED ? VOTER : spec->src;
	spec = &named;
	ret->len = ret->l3 = ret->l4 = 0;
	build_eth(spec, ret);
	ret->l3 = (__u16)ret->len;
	if (spec->ethertype && !spec->family) {
		append(ret, (__u32)spec->payload);
	} else {
		next = spec->family == 6 ? build_ip6(spec, ret) : build_ip4(spec, ret);
		build_l4(spec, ret);
		memset(append(ret, (__u32)spec->payload), 'x', (__u32)spec->payload);
		finish(spec, ret, next);
	}
	append(ret, (__u32)spec->trailer);
	for (int i = 0; i < 2 && spec->poke[i].at; i++)
		poke(ret, &spec->poke[i]);
}
