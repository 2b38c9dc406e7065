/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What no honest stack sends: impossible TCP flags, port 0, a source that equals the destination,
 * source addresses that cannot be. No state.
 */
#ifndef FW_STAGE_SANITY_H
#define FW_STAGE_SANITY_H

#include "pkt.h"

#define FW_NET4(a, b) ((__u32)(a) << 24 | (b) << 16)

/* RFC 9293: SYN excludes FIN and RST, RST excludes FIN, and every other segment carries ACK. */
static __always_inline bool tcp_flags_bad(__u8 flags)
{
	if (flags & FW_TCP_SYN)
		return flags & (FW_TCP_FIN | FW_TCP_RST);
	if (flags & FW_TCP_RST)
		return flags & FW_TCP_FIN;
	return !(flags & FW_TCP_ACK);
}

/* RFC 1122 section 3.2.1.3: unspecified, loopback, multicast, limited broadcast. Host order. */
static __always_inline bool source4_bogus(__u32 a)
{
	/* Most are of 1.0.0.0 to 223.255.255.255, and the loopback net is in the middle. */
	if (a - (1U << 24) < 223U << 24)
		return a >> 24 == 127;
	return !a || a >> 28 == 14 || a == 0xffffffff;
}

/* RFC 6890 and the IANA IPv4 special-purpose registry, as far as it is not bogus already. */
static __always_inline bool source4_reserved(__u32 a)
{
	__u32 net8 = a >> 24, net16 = a & 0xffff0000, net24 = a & 0xffffff00;

	return net8 == 0 || net8 == 10 || a >> 28 == 15 || a >> 22 == FW_NET4(100, 64) >> 22 ||
	       net16 == FW_NET4(169, 254) || a >> 20 == FW_NET4(172, 16) >> 20 ||
	       net16 == FW_NET4(192, 168) || a >> 17 == FW_NET4(198, 18) >> 17 ||
	       net24 == FW_NET4(192, 0) || net24 == (FW_NET4(192, 0) | 2 << 8) ||
	       net24 == (FW_NET4(198, 51) | 100 << 8) || net24 == (FW_NET4(203, 0) | 113 << 8);
}

/* RFC 4291: multicast, unspecified, loopback. */
static __always_inline bool source6_bogus(const __be32 a[4])
{
	if (a[0] & bpf_htonl(0xff000000))
		return (a[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
	return !a[0] && !a[1] && !a[2] && (!a[3] || a[3] == bpf_htonl(1));
}

/* Outside global unicast 2000::/3 (link-local excepted: the link needs it), or documentation. */
static __always_inline bool source6_reserved(const __be32 a[4])
{
	__u32 top = bpf_ntohl(a[0]);

	return (top >> 29 != 1 && top >> 22 != 0xfe80 >> 6) || top == 0x20010db8;
}

static __always_inline bool source_bad(const struct pkt *p, const struct fw_policy *policy)
{
	__u32 a = bpf_ntohl(p->saddr[3]);

	/* The address first: nearly none needs the question. */
	if (unlikely(p->family == 4 ? source4_bogus(a) : source6_bogus(p->saddr)) &&
	    policy->flags & FW_P_BOGUS_SOURCE)
		return true;
	return unlikely(policy->flags & FW_P_RESERVED_SOURCE) &&
	       (p->family == 4 ? source4_reserved(a) : source6_reserved(p->saddr));
}

static __always_inline bool is_land(const struct pkt *p)
{
	return p->saddr[3] == p->daddr[3] && p->saddr[2] == p->daddr[2] &&
	       p->saddr[1] == p->daddr[1] && p->saddr[0] == p->daddr[0];
}

static __always_inline int stage_sanity(const struct pkt *p, const struct fw_policy *policy)
{
	if (!p->family)
		return FW_CONTINUE;
	if (unlikely(is_land(p)))
		return aside(FW_R_DROP_LAND);
	if (unlikely(source_bad(p, policy)))
		return aside(FW_R_DROP_BOGUS_SOURCE);
	if (p->later || p->own_budget != FW_NO_BUDGET)
		return FW_CONTINUE;
	if (p->proto == FW_PROTO_TCP && unlikely(tcp_flags_bad(p->tcp_flags)))
		return aside(FW_R_DROP_TCP_FLAGS);
	/* RFC 768 allows UDP source port 0; nobody listens on destination 0. */
	if (p->proto == FW_PROTO_TCP && unlikely(!p->sport || !p->dport))
		return aside(FW_R_DROP_PORT_ZERO);
	if (p->proto == FW_PROTO_UDP && unlikely(!p->dport))
		return aside(FW_R_DROP_PORT_ZERO);
	return FW_CONTINUE;
}

#endif
