/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames for tests, described by what differs from an ordinary one. A struct spec is a row of a
 * table; packet_build() turns it into bytes whose lengths and checksums are right, unless pokes
 * say otherwise. Hosts have names; each has an IPv4 and an IPv6 address.
 */
#ifndef TEST_PACKET_H
#define TEST_PACKET_H

#include <stdbool.h>
#include <linux/types.h>

#define PACKET_MAX 16384 /* bytes; test-run takes about 4 pages of fragments */

enum host {
	UNNAMED,  /* not said: the server's as a destination, the voter's as a source */
	SERVER,	  /* what floodwall protects */
	VOTER,	  /* an ordinary client */
	CLERK,	  /* in the trusted lane, where a test puts her there */
	ADMIN,	  /* in the management lane, likewise */
	CARRIER,  /* carrier-grade NAT: a class of its own */
	ATTACKER, /* on the block list */
	CROWD,	  /* the first of many: .nth counts on from here */
	LOOPBACK, /* addresses that cannot be a source */
	MULTICAST,
	NOBODY, /* unspecified */
	HOSTS,
};

/* Extension headers of IPv6, in the order they stand. */
enum ext { EXT_END, EXT_HOP, EXT_DST, EXT_ROUTING, EXT_AUTH, EXT_MOBILITY, EXT_FRAG, EXT_ATOMIC };
#define EXT_MAX 12

/* Overwrite bytes after the frame is built: value, big endian, of 1, 2 or 4 bytes. */
enum poke_at { POKE_FRAME = 1, POKE_L3, POKE_L4 };
struct poke {
	enum poke_at at; /* 0 = none */
	int off;	 /* from there */
	int bytes;
	__u32 value;
};

enum { TCP = 6, UDP = 17, ICMP = 1, ICMP6 = 58, ESP = 50, NO_NEXT = 59 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

struct spec {
	int family; /* 4 (also 0), 6; 0 with ethertype: a frame without IP */
	enum host src, dst;
	__u32 nth;	    /* IPv4: added to the source address; IPv6: to the /64's number */
	__u32 low;	    /* IPv6: xor'ed into the last 32 bits of the source */
	int proto;	    /* as in the header; ICMP means ICMPv6 for family 6 */
	__u16 sport, dport; /* 0 = 40000, 80 */
	bool zero_sport, zero_dport;
	__u8 flags; /* TCP, 0 = ACK */
	bool null_flags;
	__u8 tcp_words;	 /* of TCP options */
	__u8 type, code; /* ICMP */
	__u8 hops;	 /* 0 = 64 */
	int payload;	 /* bytes above L4 */
	int trailer;	 /* bytes of Ethernet padding behind the IP packet */
	int vlans;	 /* tags: 802.1Q, with 802.1ad outermost if qinq */
	bool qinq;
	__u16 ethertype; /* instead of IP's */
	__u8 options;	 /* IPv4: words of options, up to 10 */
	enum ext ext[EXT_MAX];
	int ext_len;  /* bytes of each option header, 0 = 8 */
	bool frag;    /* a fragment: IPv4 by its field, IPv6 by an EXT_FRAG (added if not in ext) */
	int frag_off; /* bytes, a multiple of 8 */
	bool more;
	bool raw; /* nothing of an L4 header: payload alone, even in a first fragment */
	struct poke poke[2];
};

struct packet {
	__u32 len;
	__u16 l3, l4; /* offsets; l4 = 0: none */
	__u8 data[PACKET_MAX];
};

/* Later fragments carry payload bytes and no L4 header. Frames shorter than Ethernet's 14 never
 * come out. */
void packet_build(const struct spec *spec, struct packet *ret);

/* Addresses of a host in 128-bit form, network order (IPv4 as ::ffff:a.b.c.d). */
void packet_addr(enum host host, int family, __u32 nth, __be32 ret_addr_be[4]);
/* The same as text, in one of a few static buffers. */
const char *packet_addr_text(enum host host, int family, __u32 nth);

/* Network order. */
static inline __u32 get16(const __u8 *at)
{
	return (__u32)at[0] << 8 | at[1];
}

static inline __u32 get32(const __u8 *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* Internet checksum over len bytes, starting from sum (host order, not folded). */
__u16 packet_checksum(const void *data, __u32 len, __u32 sum);

#endif
