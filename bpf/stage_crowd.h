/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What per-source buckets cannot see: traffic of sources that have not proven that they exist. They
 * share budgets, per service and per /24 or /48. From the packet on that exceeds one, a SYN is
 * answered with a cookie, TCP without a socket is dropped, and so is the rest; proven sources are
 * not part of the crowd.
 */
#ifndef FW_STAGE_CROWD_H
#define FW_STAGE_CROWD_H

#include "charge.h"
#include "ask.h"
#include "level.h"
#include "listener.h"
#include "source.h"
#include "ban.h"
#include "retry.h"
#include "synack.h"
#include "tally.h"

/* Does it ask for a connection? A first fragment may; a later one has no flags. */
static __always_inline bool asks_for_one(const struct pkt *p)
{
	return p->proto == FW_PROTO_TCP && (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN;
}

static __always_inline bool is_syn(const struct pkt *p)
{
	return asks_for_one(p) && !p->fragment;
}

static __always_inline bool is_in_connection(const struct pkt *p)
{
	return p->proto == FW_PROTO_TCP && !p->fragment && !is_syn(p);
}

/* Would a packet of len bytes fit one set of budgets? Writes nothing. */
static __always_inline bool crowd_fits(const __u64 tat[FW_C_MAX],
				       const struct fw_limit limit[FW_C_MAX], const struct pkt *p)
{
	return (!asks_for_one(p) || shared_fits(&tat[FW_C_SYN], p->now, &limit[FW_C_SYN], 1)) &&
	       shared_fits(&tat[FW_C_PACKETS], p->now, &limit[FW_C_PACKETS], 1) &&
	       shared_fits(&tat[FW_C_BYTES], p->now, &limit[FW_C_BYTES], p->len);
}

static __always_inline bool crowd_charge(__u64 tat[FW_C_MAX], const struct fw_limit limit[FW_C_MAX],
					 const struct pkt *p)
{
	return (!asks_for_one(p) || shared_take(&tat[FW_C_SYN], p->now, &limit[FW_C_SYN], 1)) &&
	       shared_take(&tat[FW_C_PACKETS], p->now, &limit[FW_C_PACKETS], 1) &&
	       shared_take(&tat[FW_C_BYTES], p->now, &limit[FW_C_BYTES], p->len);
}

/* Is any of a set of budgets limited? */
static __always_inline bool crowd_limited(const struct fw_limit limit[FW_C_MAX])
{
	return limit[FW_C_SYN].window | limit[FW_C_PACKETS].window | limit[FW_C_BYTES].window;
}

/*
 * Charge the budgets of the packet's network and of its service. False: one is exceeded. Both are
 * looked at before either is charged: a network over its own budget must not spend the service's,
 * or one /24 could outspend all others, and a packet that is refused writes nothing.
 */
static __always_inline bool crowd_take(const struct pkt *p, const struct fw_service *service)
{
	__u32 id = p->service & (FW_SERVICE_MAX - 1), net;
	__u64 key = source_key(p);
	struct fw_crowd *crowd = &fw_crowd[id];
	struct fw_crowd_net *near;

	if (!crowd_limited(service->crowd) && !crowd_limited(service->net))
		return true;
	net = fw_hash6(p->family == 4 ? key >> 8 : key >> 16, knob_key2, knob_key1, knob_key3) >>
	      (64 - FW_CROWD_NET_BITS);
	near = bpf_map_lookup_elem(&fw_crowd_net, &net);
	if (!near) {
		note(FW_N_MAP_ERROR);
		return false;
	}
	return crowd_fits(crowd->tat, service->crowd, p) &&
	       crowd_fits(near->tat, service->net, p) && crowd_charge(near->tat, service->net, p) &&
	       crowd_charge(crowd->tat, service->crowd, p);
}

/* The rare part of noticing excess: a few times a second at most, on one CPU. */
__noinline int level_step(__u32 service, __u64 now)
{
	if (service < FW_SERVICE_MAX)
		level_over(&fw_level[service], now);
	return 0;
}

/* A crowd budget of the packet's service is exceeded. Reads one line that CPUs share. */
static __always_inline struct fw_service_state *crowd_exceeded(const struct pkt *p, bool over)
{
	__u32 id = p->service & (FW_SERVICE_MAX - 1);
	struct fw_service_state *state = &fw_level[id];

	if (over && (__s64)(p->now - *(volatile __u64 *)&state->over_ns) >= (__s64)FW_LEVEL_STEP_NS)
		level_step(id, p->now);
	return state;
}

/* Is the crowd of this packet's service over its budget, from this packet's point of view? */
static __always_inline bool crowd_over(const struct pkt *p, const struct fw_service *service)
{
	bool over = p->stranger || !crowd_take(p, service);
	const struct fw_service_state *state = crowd_exceeded(p, over);

	/* Who cannot prove himself must not be asked to. */
	if (over || service->proof == FW_PROOF_OFF)
		return over;
	return fw_level_now(state, p->now, service->level_pin) == FW_LEVEL_SIEGE;
}

/*
 * Each CPU answers at its own pace: what it cannot answer must cost next to nothing, or the ring
 * overflows and drops voters with the flood.
 */
static __always_inline bool cookie_pace(const struct fw_policy *policy, __u64 now)
{
	const struct fw_limit *limit = &policy->budget[FW_B_COOKIE];
	__u64 window = (__u64)limit->window << limit->shift;
	__u64 cost = bucket_cost(limit, 1) << limit->shift;
	__u32 zero = 0;
	struct fw_word *pace = bpf_map_lookup_elem(&fw_pace, &zero);

	return pace && (!window || bucket_charge(&pace->v, now, cost, window, ~0ULL));
}

/*
 * A SYN beyond the budget: answer it, if there is a listener and it gives us a cookie. As in all
 * functions by themselves, p is never NULL, but the verifier must be told.
 */
__noinline int answer_syn(struct xdp_md *ctx, struct pkt *p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	const struct fw_policy *policy;
	__s64 cookie = FW_ELSEWHERE;
	bool known;

	if (!p)
		return FW_R_DROP_COOKIE_OVER;
	policy = policy_of(p->half);
	if (!cookie_pace(policy, p->now)) /* first: what follows is dear */
		return FW_R_DROP_COOKIE_OVER;
	p->syn_ts = 0;
	p->syn_wscale = FW_WSCALE_NONE;
	p->syn_sack = 0;
	if (knob_cookie_ts)
		syn_options(ctx, p);
	known = listener_known(p);
	if (known && knob_cookie_raw)
		cookie = p->family == 4 ? cookie_here(&f, p, 4) : cookie_here(&f, p, 6);
	if (cookie == FW_ELSEWHERE)
		cookie = known ? cookie_raw(ctx, p) : cookie_socket(ctx, p);
	if (cookie == FW_NOBODY)
		return FW_R_DROP_COOKIE_OVER;
	if (!known && cookie >= 0 && knob_cookie_raw && cookie_raw(ctx, p) == cookie)
		listener_learn(p);
	/* net.ipv4.tcp_syncookies 1 gives none before the listener's queue is full, and 0 never. */
	if (cookie < 0)
		return retry_syn(p);
	if (policy->flags & FW_P_MONITOR) /* counted, but the SYN goes its way */
		return FW_R_TX_COOKIE;
	return synack_write(&f, p, cookie) ? FW_R_TX_COOKIE : FW_R_DROP_COOKIE_OVER;
}

static __always_inline int reason_of_crowd(const struct pkt *p)
{
	if (p->fragment)
		return FW_R_DROP_CROWD_FRAG;
	if (p->proto == FW_PROTO_TCP)
		return FW_R_DROP_OUT_OF_STATE;
	if (p->proto == FW_PROTO_UDP)
		return FW_R_DROP_CROWD_UDP;
	if (p->proto == FW_PROTO_ICMP || p->proto == FW_PROTO_ICMP6)
		return FW_R_DROP_CROWD_ICMP;
	return FW_R_DROP_CROWD_OTHER;
}

/*
 * May a socket of ours be waiting for this datagram? Answers come to ports that the kernel picks,
 * not to those of a service.
 */
static __always_inline bool may_be_answer(const struct pkt *p)
{
	return p->proto == FW_PROTO_UDP && !p->fragment && p->service == FW_SERVICE_HOST &&
	       bpf_ntohs(p->dport) >= knob_local_port;
}

/* The crowd is over its budget, and the packet is neither a SYN nor part of a known connection. */
static __always_inline int refuse(struct xdp_md *ctx, const struct pkt *p)
{
	if (may_be_answer(p) && udp_answers(ctx, p))
		return FW_R_PASS_SOCKET;
	return reason_of_crowd(p);
}

/* A stranger whom nothing can prove: most of a flood ends here. */
static __always_inline int stage_stranger(const struct pkt *p)
{
	if (!p->stranger || p->proto == FW_PROTO_TCP || unlikely(may_be_answer(p)))
		return FW_CONTINUE;
	crowd_exceeded(p, true);
	return reason_of_crowd(p);
}

/* Why an unproven packet within the budgets passes. */
static __always_inline int pass_reason(const struct pkt *p)
{
	if (p->newcomer)
		return FW_R_PASS_NEWCOMER;
	return p->known ? FW_R_PASS_SOURCE : FW_R_PASS_CROWD;
}

/*
 * What is no SYN, in the name of a proven or trusted source over its limits. By itself, for the
 * verifier's sake.
 */
__noinline int over_limit(struct xdp_md *ctx, struct pkt *p, int over)
{
	int asked = FW_CONTINUE;
	bool own, half, was;

	if (!p)
		return over;
	was = p->proven;
	/* Other traffic speaks for a spoofer, too: it uses up what connections need. So does that
	 * of a half-open one, which a spoofed SYN makes. */
	if (is_in_connection(p))
		asked = ask_table(ctx, p);
	own = (asked == FW_R_PASS_SOCKET && p->proven) || asked == FW_R_PASS_COOKIE;
	half = asked == FW_R_PASS_SOCKET && !own;
	p->proven |= was;
	/* Within limits of her own; the lane's ceiling is for what may be spoofed, and this is not.
	 */
	if (own && over == FW_R_DROP_TRUSTED)
		return asked;
	/* She may have sent the SYN, too, before somebody used up what was hers: handshakes end. */
	if (half && half_open_fits(source_key(p), p->now, source_who(p)))
		return asked;
	return ban_consider(source_key(p), p->now, source_who(p), own) ? asked : over;
}

/* Of the unproven, who came again is remembered, and what the crowd owns is in nobody's account. */
static __always_inline int unproven_end(struct pkt *p, int reason)
{
	if (reason == FW_R_PASS_RETRANSMIT && remember(source_key(p), p->now, source_who(p), false))
		p->known = 1;
	else if (p->known && crowd_owns(p, reason))
		p->known = 0;
	return reason;
}

/*
 * TCP of a /48 whose unproven are together over its limit, which somebody may use up with invented
 * ones: whoever is there, or has a connection, can still prove it. By itself, for the verifier's
 * sake.
 */
__noinline int over_net48(struct xdp_md *ctx, struct pkt *p, int proof)
{
	int asked = FW_CONTINUE;

	if (!p)
		return FW_R_DROP_NET48;
	if (is_syn(p) && proof == FW_PROOF_COOKIE)
		asked = answer_syn(ctx, p);
	else if (is_in_connection(p))
		asked = ask_socket(ctx, p, policy_of(p->half));
	if (asked == FW_R_TX_COOKIE || asked == FW_R_PASS_RETRANSMIT)
		return unproven_end(p, asked);
	if (asked == FW_R_PASS_COOKIE)
		return asked;
	if (asked == FW_R_PASS_SOCKET &&
	    (p->proven || half_open_fits(source_key(p), p->now, source_who(p))))
		return asked;
	return FW_R_DROP_NET48;
}

/*
 * A source over its limits. If it is proven or trusted, somebody may be spoofing it: its SYNs must
 * prove themselves, and bpf/ban.h tells what becomes of the rest. Anybody else is simply over.
 */
static __always_inline int crowd_over_limit(struct xdp_md *ctx, struct pkt *p, __u8 proof, int over)
{
	if (!p->proven && !p->trusted)
		return over == FW_R_DROP_NET48 ? over_net48(ctx, p, proof) : over;
	if (is_syn(p) && proof == FW_PROOF_COOKIE)
		return answer_syn(ctx, p);
	if (is_syn(p) && proof == FW_PROOF_RETRANSMIT)
		return retry_syn(p);
	return over_limit(ctx, p, over);
}

/* A stranger, or one of a crowd over its budget. asked: what the socket table said of it. */
static __always_inline int crowd_excess(struct xdp_md *ctx, struct pkt *p, __u8 proof, int asked)
{
	if (proof == FW_PROOF_COOKIE) {
		if (is_syn(p))
			return answer_syn(ctx, p);
		return asked == FW_R_DROP_COOKIE ? asked : refuse(ctx, p);
	}
	if (proof == FW_PROOF_RETRANSMIT) {
		if (is_syn(p))
			return retry_syn(p);
		/* Connections end elsewhere, so nobody here can say which exist: known sources go
		 * on. */
		return p->known && is_in_connection(p) ? pass_reason(p) : refuse(ctx, p);
	}
	if (p->stranger)
		return FW_R_DROP_NEWCOMER;
	return is_syn(p) ? FW_R_DROP_COOKIE_OVER : refuse(ctx, p);
}

static __always_inline int stage_crowd(struct xdp_md *ctx, struct pkt *p,
				       const struct fw_policy *policy)
{
	const struct fw_service *service = &policy->service[p->service & (FW_SERVICE_MAX - 1)];
	__u64 asked = FW_CONTINUE;
	int over = p->reason;
	bool beyond;

	FW_OPAQUE(service); /* one address, not one to be reckoned for each field */
	if (over == FW_CONTINUE && p->trusted) {
		if (budget_take(policy, p->now, FW_B_TRUSTED))
			return FW_R_PASS_TRUSTED;
		over = FW_R_DROP_TRUSTED;
	}
	if (over != FW_CONTINUE)
		return crowd_over_limit(ctx, p, service->proof, over);
	if (p->proven)
		return FW_R_PASS_PROVEN;
	/* A connection of this host's is proof, whatever strangers are asked for. */
	if (is_in_connection(p))
		asked = ask_socket(ctx, p, policy);
	if (asked == FW_R_PASS_COOKIE || (asked == FW_R_PASS_SOCKET && p->proven))
		return asked;
	FW_FORGET(asked, p->now); /* whatever it is, for the verifier it is one state */
	beyond = crowd_over(p, service);
	/* Half open: a spoofed SYN makes such a one, and then any flood belongs to it. */
	if (asked == FW_R_PASS_SOCKET &&
	    (!beyond || half_open_fits(source_key(p), p->now, source_who(p))))
		return asked;
	if (!beyond)
		return pass_reason(p);
	return unproven_end(p, crowd_excess(ctx, p, service->proof, asked));
}

#endif
