/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SYN cookies from the driver: the kernel computes and checks them for its own listener (RFC 4987
 * section 3.6), we only carry them; bpf/synack.h sends them.
 */
#ifndef FW_COOKIE_H
#define FW_COOKIE_H

#include "state.h"

#define FW_TCP_HEADER_MAX   60
#define FW_OPTION_END	    0
#define FW_OPTION_NOP	    1
#define FW_OPTION_WSCALE    3 /* RFC 7323 */
#define FW_OPTION_SACK	    4 /* RFC 2018 */
#define FW_OPTION_TS	    8 /* RFC 7323 */
#define FW_TCP_OPTIONS_MAX  20
#define FW_WSCALE_NONE	    15
#define FW_SYN_MAX	    160 /* bytes from the IP header on; more is a SYN that carries data */
#define FW_TCP_ESTABLISHED  1	/* UDP sockets that are connected say so, too */
#define FW_TCP_SYN_RECV	    3	/* enum of net/tcp_states.h, stable UAPI by bpf_sock */
#define FW_TCP_LISTEN	    10
#define FW_TCP_NEW_SYN_RECV 12

/* Of sockets that a SYN alone makes; the first of them with data, where TCP Fast Open asks for no
 * cookie of its own (RFC 7413). */
#define FW_HALF_OPEN (1U << FW_TCP_SYN_RECV | 1U << FW_TCP_NEW_SYN_RECV)

/* A TCP header with its options, copied so that the verifier knows all 60 bytes of it. */
union tcp_copy {
	struct tcphdr header;
	__u32 word[FW_TCP_HEADER_MAX / 4];
};

/* Returns the header's length in bytes, or 0 if it is not all in the first buffer. */
static __always_inline __u32 tcp_copy(const struct frame *f, struct pkt *p, union tcp_copy *to)
{
	struct tcphdr *tcp;
	__u32 len;

	p->off = p->l4;
	tcp = header_at(f, p, sizeof(*tcp));
	if (!tcp)
		return 0;
	len = tcp->doff * 4;
	for (__u32 i = 0; i < FW_TCP_HEADER_MAX / 4; i++) {
		__u32 *word = (__u32 *)tcp + i;

		to->word[i] = 0;
		if (i * 4 >= len)
			continue;
		if ((void *)(word + 1) > f->end)
			return 0;
		to->word[i] = *word;
	}
	return len;
}

/* The socket of this host that the packet is for, a listener included. Release what is not NULL. */
static __always_inline struct bpf_sock *socket_of(struct xdp_md *ctx, const struct pkt *p)
{
	struct bpf_sock_tuple tuple;

	if (p->family == 4) {
		tuple.ipv4.saddr = p->saddr[3];
		tuple.ipv4.daddr = p->daddr[3];
		tuple.ipv4.sport = p->sport;
		tuple.ipv4.dport = p->dport;
		return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple.ipv6.saddr, p->saddr, 16);
	__builtin_memcpy(tuple.ipv6.daddr, p->daddr, 16);
	tuple.ipv6.sport = p->sport;
	tuple.ipv6.dport = p->dport;
	return bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* Does this ACK return a cookie of the listener sk? The numbers tell, the options do not matter. */
static __always_inline bool cookie_valid(const struct frame *f, struct pkt *p, struct bpf_sock *sk)
{
	struct tcphdr *tcp;
	void *ip;

	p->off = p->l4;
	tcp = header_at(f, p, sizeof(*tcp));
	p->off = p->l3;
	if (p->family == 4) {
		ip = header_at(f, p, sizeof(struct iphdr));
		return ip && tcp &&
		       !bpf_tcp_check_syncookie(sk, ip, sizeof(struct iphdr), tcp, sizeof(*tcp));
	}
	ip = header_at(f, p, sizeof(struct ipv6hdr));
	return ip && tcp &&
	       !bpf_tcp_check_syncookie(sk, ip, sizeof(struct ipv6hdr), tcp, sizeof(*tcp));
}

/*
 * What a SYN offers; a function of its own, or the verifier would walk it once for each way to it.
 * A cookie has no room for it, but the time stamp that comes back with the ACK has: the kernel
 * reads window scale and SACK from its lowest bits (net/ipv4/syncookies.c). Not with
 * net.ipv4.tcp_timestamps 1, which adds an offset that only the kernel can reckon.
 */
__noinline int syn_options(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u64 off = sizeof(struct tcphdr);
	struct tcphdr *tcp;
	__u32 len;

	/* Linux 6.1 verifies this even where nothing calls it. */
	if (!p || !knob_cookie_ts)
		return 0;
	p->off = p->l4;
	tcp = header_at(&f, p, sizeof(*tcp));
	if (!tcp)
		return 0;
	len = tcp->doff * 4;
	for (int i = 0; i < FW_TCP_OPTIONS_MAX; i++) {
		__u8 *at, size;

		/* However the last option ended, for the verifier it is one state. */
		FW_FORGET(off, p->now);
		FW_BOUND(off, 63);
		at = (__u8 *)tcp + off;
		if (off >= len || (void *)(at + 1) > f.end || at[0] == FW_OPTION_END)
			break;
		if (at[0] == FW_OPTION_NOP) {
			off++;
			continue;
		}
		if ((void *)(at + 2) > f.end)
			break;
		size = at[1];
		if (size < 2 || off + size > len)
			break;
		off += size;
		if (at[0] == FW_OPTION_SACK) {
			p->syn_sack = 1;
		} else if (at[0] == FW_OPTION_WSCALE && size == 3) {
			if ((void *)(at + 3) > f.end)
				break;
			p->syn_wscale = at[2] < FW_WSCALE_NONE ? at[2] : FW_WSCALE_NONE - 1;
		} else if (at[0] == FW_OPTION_TS && size == 10) {
			if ((void *)(at + 10) > f.end)
				break;
			p->syn_ts = 1;
			p->ts = at[2] | at[3] << 8 | at[4] << 16 | (__u32)at[5] << 24;
		}
	}
	return 0;
}

/* The SYN's TCP header in *to; returns its length, or 0 if no cookie is made for such a SYN. */
static __always_inline __u32 syn_copy(const struct frame *f, struct pkt *p, union tcp_copy *to)
{
	__u32 len;

	/* A flood of long SYNs is not sent back. Clients repeat theirs without data (RFC 7413). */
	if (p->len > p->l3 + FW_SYN_MAX)
		return 0;
	len = tcp_copy(f, p, to);
	p->off = p->l3;
	return len < sizeof(struct tcphdr) || len > FW_TCP_HEADER_MAX ? 0 : len;
}

/*
 * The kernel's cookie for this SYN: sequence number in the low half, MSS above it; < 0: none, or
 * FW_NOBODY. By the listener, and without one. Functions of their own, or the verifier would walk
 * each for each way to it; one call for each family, for Linux 6.1 must see the length of its
 * header as a constant.
 */
#define FW_NOBODY -1000 /* no socket is there */

__noinline __s64 cookie_socket(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	union tcp_copy tcp;
	struct bpf_sock *sk;
	__s64 cookie = -1;
	__u32 len;
	void *ip;

	sk = p ? socket_of(ctx, p) : NULL;
	if (!sk)
		return FW_NOBODY;
	len = syn_copy(&f, p, &tcp);
	if (!len) {
		bpf_sk_release(sk);
		return -1;
	}
	if (sk->state == FW_TCP_LISTEN && p->family == 4) {
		ip = header_at(&f, p, sizeof(struct iphdr));
		if (ip)
			cookie = bpf_tcp_gen_syncookie(sk, ip, sizeof(struct iphdr), &tcp.header,
						       len);
	} else if (sk->state == FW_TCP_LISTEN) {
		ip = header_at(&f, p, sizeof(struct ipv6hdr));
		if (ip)
			cookie = bpf_tcp_gen_syncookie(sk, ip, sizeof(struct ipv6hdr), &tcp.header,
						       len);
	}
	bpf_sk_release(sk);
	return cookie;
}

__noinline __s64 cookie_raw(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	union tcp_copy tcp;
	__u32 len;
	void *ip;

	len = p && knob_cookie_raw ? syn_copy(&f, p, &tcp) : 0;
	if (!len)
		return -1;
	if (p->family == 4) {
		ip = header_at(&f, p, sizeof(struct iphdr));
		return ip ? bpf_tcp_raw_gen_syncookie_ipv4(ip, &tcp.header, len) : -1;
	}
	ip = header_at(&f, p, sizeof(struct ipv6hdr));
	return ip ? bpf_tcp_raw_gen_syncookie_ipv6(ip, &tcp.header, len) : -1;
}

#define FW_ELSEWHERE -1001 /* the header must be copied first: cookie_raw() */

/*
 * The same with the header where it lies, for SYNs with options of the lengths that nearly all
 * have: none, MSS alone, those of Windows, Linux and macOS. The verifier wants each as a constant.
 */
#define COOKIE_OF(n)                                                                     \
	if (len == (n))                                                                  \
	return (void *)tcp + (n) > f->end ? -1                                           \
	       : family == 4		  ? bpf_tcp_raw_gen_syncookie_ipv4(ip, tcp, (n)) \
					  : bpf_tcp_raw_gen_syncookie_ipv6(ip, tcp, (n))

static __always_inline __s64 cookie_here(const struct frame *f, struct pkt *p, int family)
{
	struct tcphdr *tcp;
	__u32 len;
	void *ip;

	if (p->len > p->l3 + FW_SYN_MAX)
		return -1;
	p->off = p->l4;
	tcp = header_at(f, p, sizeof(*tcp));
	p->off = p->l3;
	ip = family == 4 ? header_at(f, p, sizeof(struct iphdr))
			 : header_at(f, p, sizeof(struct ipv6hdr));
	if (!tcp || !ip)
		return -1;
	len = tcp->doff * 4;
	COOKIE_OF(20);
	COOKIE_OF(24);
	COOKIE_OF(32);
	COOKIE_OF(40);
	COOKIE_OF(44);
	return FW_ELSEWHERE;
}

#endif
