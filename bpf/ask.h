/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whom this host knows: what the kernel's socket table says of a packet, and what that proves of
 * its source.
 */
#ifndef FW_ASK_H
#define FW_ASK_H

#include "cookie.h"
#include "source.h"

/*
 * What the kernel's socket table says of TCP within a connection. A connection proves its source;
 * so does the return of a cookie. A half-open one does not, because a spoofed SYN makes one too.
 * FW_CONTINUE: nothing known of it.
 */
__noinline int ask_table(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct bpf_sock *sk;
	__u32 state;
	bool valid;

	sk = p ? socket_of(ctx, p) : 0;
	if (!sk)
		return FW_CONTINUE;
	state = sk->state;
	valid = state == FW_TCP_LISTEN && cookie_valid(&f, p, sk);
	bpf_sk_release(sk);
	/* Only an ACK can bring a cookie back; a SYN-ACK or RST belongs to nothing. */
	if (state == FW_TCP_LISTEN && !valid)
		return p->tcp_flags & (FW_TCP_SYN | FW_TCP_RST) ? FW_CONTINUE : FW_R_DROP_COOKIE;
	p->proven = !(FW_HALF_OPEN >> (state & 31) & 1);
	return valid ? FW_R_PASS_COOKIE : FW_R_PASS_SOCKET;
}

/* Ask the socket table, and remember what it proves. */
static __always_inline int ask_socket(struct xdp_md *ctx, struct pkt *p,
				      const struct fw_policy *policy)
{
	int reason = ask_table(ctx, p);

	if (reason != FW_R_PASS_SOCKET && reason != FW_R_PASS_COOKIE)
		return reason;
	if (p->known && !p->proven)
		return reason;
	/* Half open, and of an unknown source: spoofers can have that, and must not use up what
	 * connections need. */
	if (!p->proven)
		return FW_CONTINUE;
	/* From this packet on its account is kept. */
	if (remember(source_key(p), p->now, source_who(p), true))
		p->known = 1;
	/* Where the table has no place for it, no bucket of its own may hold it back, so a shared
	 * one must. */
	return p->known || budget_take(policy, p->now, FW_B_SOCKET) ? reason : FW_CONTINUE;
}

/*
 * Has a socket of ours asked for this datagram? Of one that is connected the kernel knows whom it
 * asked; what comes to any other shares a budget, for a service may listen there.
 */
__noinline int udp_answers(struct xdp_md *ctx, const struct pkt *p)
{
	struct bpf_sock_tuple tuple;
	struct bpf_sock *sk;
	bool connected;

	if (!p)
		return false;
	if (p->family == 4) {
		tuple.ipv4.saddr = p->saddr[3];
		tuple.ipv4.daddr = p->daddr[3];
		tuple.ipv4.sport = p->sport;
		tuple.ipv4.dport = p->dport;
		sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, p->saddr, 16);
		__builtin_memcpy(tuple.ipv6.daddr, p->daddr, 16);
		tuple.ipv6.sport = p->sport;
		tuple.ipv6.dport = p->dport;
		sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return false;
	connected = sk->state == FW_TCP_ESTABLISHED;
	bpf_sk_release(sk);
	return connected || budget_take(policy_of(p->half), p->now, FW_B_SOCKET);
}

#endif
