/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IPv4 (RFC 791) with options and IPv6 (RFC 8200) with up to 8 extension headers. Leaves p->off
 * at the upper-layer header and p->payload at the bytes the IP header says are there.
 * No map access; also compiled on the host for fuzzing.
 */
#ifndef FW_PARSE_IP_H
#define FW_PARSE_IP_H

#include "pkt.h"

#define FW_IP6_EXT_MAX 8
#define FW_IP_MAX      65535 /* bytes of a reassembled datagram */

static __always_inline void ip4_mapped(__be32 to[4], __be32 addr)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = bpf_htonl(0xffff);
	to[3] = addr;
}

/*
 * What a fragment may look like. offset in bytes. RFC 1858 and 3128: a first fragment must hold the
 * header that filters look at, and none may start inside it. RFC 8200 section 4.5 for the rest.
 */
static __always_inline int check_fragment(const struct pkt *p, __u32 offset, bool more)
{
	__u32 header = p->proto == FW_PROTO_TCP ? sizeof(struct tcphdr) : 8;

	if (offset + p->payload > FW_IP_MAX)
		return FW_R_DROP_FRAGMENT;
	if (offset == 0 && p->payload < header)
		return FW_R_DROP_FRAGMENT;
	if (offset != 0 && offset < header)
		return FW_R_DROP_FRAGMENT;
	if (more && p->payload & 7)
		return FW_R_DROP_FRAGMENT;
	return FW_CONTINUE;
}

static __always_inline int parse_ip4(const struct frame *f, struct pkt *p)
{
	struct iphdr *ip = header_at(f, p, sizeof(*ip));
	__u32 header, total, offset;
	__u16 frag;

	if (!ip)
		return FW_R_DROP_SHORT;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	frag = bpf_ntohs(ip->frag_off);
	p->l3 = p->off;
	ip4_mapped(p->saddr, ip->saddr);
	ip4_mapped(p->daddr, ip->daddr);
	p->family = 4;
	p->proto = ip->protocol;
	p->hops = ip->ttl;
	if (ip->version != 4 || header < sizeof(*ip) || total < header || total > p->len - p->l3)
		return FW_R_DROP_IP_HEADER;
	p->payload = total - header;
	p->off += header;
	if (!(frag & (FW_IP_MF | FW_IP_OFFSET)))
		return FW_CONTINUE;
	offset = (frag & FW_IP_OFFSET) * 8;
	p->fragment = 1;
	p->later = offset != 0;
	return check_fragment(p, offset, frag & FW_IP_MF);
}

static __always_inline bool ip6_is_extension(__u8 proto)
{
	return proto == FW_IP6_HOPOPTS || proto == FW_IP6_ROUTING || proto == FW_IP6_FRAGMENT ||
	       proto == FW_IP6_AUTH || proto == FW_IP6_DSTOPTS || proto == FW_IP6_MOBILITY;
}

/* Header of an extension at p->off, by its protocol number; 0 if it does not fit the payload. */
static __always_inline __u32 ip6_extension_len(const struct pkt *p, const struct ipv6_opt_hdr *ext)
{
	__u32 len = (ext->hdrlen + 1) * 8;

	if (p->proto == FW_IP6_FRAGMENT)
		len = sizeof(struct frag_hdr);
	else if (p->proto == FW_IP6_AUTH) /* RFC 4302: in words of 4 bytes, minus 2 */
		len = (ext->hdrlen + 2) * 4;
	return len <= p->payload ? len : 0;
}

/* A fragment header. Its own length is still in p->payload. */
static __always_inline int parse_ip6_fragment(struct pkt *p, const struct frag_hdr *frag)
{
	__u16 field = bpf_ntohs(frag->frag_off);
	bool more = field & 1;
	__u32 offset = field & ~7U;

	if (!more && !offset) /* RFC 6946: an atomic fragment is a whole packet */
		return FW_CONTINUE;
	p->fragment = 1;
	p->later = offset != 0;
	p->proto = frag->nexthdr;
	p->payload -= sizeof(*frag);
	return check_fragment(p, offset, more);
}

static __always_inline int parse_ip6_extensions(const struct frame *f, struct pkt *p)
{
	for (int i = 0; i < FW_IP6_EXT_MAX; i++) {
		struct ipv6_opt_hdr *ext = header_at(f, p, 8);
		__u32 len;

		if (!ip6_is_extension(p->proto))
			return FW_CONTINUE;
		if (!ext)
			return FW_R_DROP_SHORT;
		len = ip6_extension_len(p, ext);
		if (!len)
			return FW_R_DROP_IP_HEADER;
		if (p->proto == FW_IP6_FRAGMENT && !p->fragment) {
			int reason = parse_ip6_fragment(p, (struct frag_hdr *)ext);

			if (reason != FW_CONTINUE)
				return reason;
			if (p->fragment) {
				p->off += len;
				if (p->later) /* what follows is payload, whatever it says */
					return FW_CONTINUE;
				continue;
			}
		}
		p->proto = ext->nexthdr;
		p->payload -= len;
		p->off += len;
	}
	if (ip6_is_extension(p->proto))
		p->own_budget = FW_B_DEEP;
	return FW_CONTINUE;
}

static __always_inline int parse_ip6(const struct frame *f, struct pkt *p)
{
	struct ipv6hdr *ip = header_at(f, p, sizeof(*ip));

	if (!ip)
		return FW_R_DROP_SHORT;
	p->l3 = p->off;
	__builtin_memcpy(p->saddr, &ip->saddr, 16);
	__builtin_memcpy(p->daddr, &ip->daddr, 16);
	p->family = 6;
	p->proto = ip->nexthdr;
	p->hops = ip->hop_limit;
	p->payload = bpf_ntohs(ip->payload_len);
	if (ip->version != 6 || p->payload > p->len - p->l3 - sizeof(*ip))
		return FW_R_DROP_IP_HEADER;
	p->off += sizeof(*ip);
	if (!ip6_is_extension(p->proto))
		return FW_CONTINUE;
	return parse_ip6_extensions(f, p);
}

#endif
