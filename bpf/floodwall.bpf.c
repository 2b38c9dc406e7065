// SPDX-License-Identifier: GPL-2.0-only
/*
 * floodwall's data path: one frame in, one counted reason out. Read floodwall() and judge() as a
 * table of contents. Stages are cheap and stateless first; each returns a reason, or FW_CONTINUE to
 * leave the packet to the next one. The rules they share stand in the headers they include.
 */
#include "net.h"
#include "abi.h"
#include "knobs.h"
#include "pkt.h"
#include "maps.h"
#include "parse.h"
#include "parse_plain.h"
#include "state.h"
#include "stage_own.h"
#include "stage_sanity.h"
#include "stage_lanes.h"
#include "stage_service.h"
#include "stage_source.h"
#include "stage_crowd.h"
#include "verdict.h"

#define RUN(bit, stage)                     \
	if (stages & (bit)) {               \
		int reason_ = (stage);      \
                                            \
		if (reason_ != FW_CONTINUE) \
			return reason_;     \
	}

/* What the frame alone tells. */
static __always_inline int judge_frame(const struct pkt *p, const struct fw_policy *policy,
				       __u32 stages)
{
	RUN(FW_S_ALL, stage_essential(p, policy));
	RUN(FW_S_SANITY, stage_sanity(p, policy));
	return FW_CONTINUE;
}

/* What the policy says of where it comes from, */
static __always_inline int judge_lane(struct pkt *p, __u32 stages)
{
	RUN(FW_S_LANES, stage_lanes(p));
	return FW_CONTINUE;
}

/* ... and of where it goes. */
static __always_inline int judge_service(struct pkt *p, const struct fw_policy *policy,
					 __u32 stages)
{
	RUN(FW_S_ALL, stage_uninspected(p, policy));
	RUN(FW_S_SERVICE, stage_service(p, policy));
	return FW_CONTINUE;
}

/* What is known of its source. glance, at: see there, or 0. False: ask the crowd. */
static __always_inline bool judge_source(struct pkt *p, __u32 stages, __u32 glance, __u64 at)
{
	if (stages & FW_S_SOURCE)
		p->reason = stage_source(p, glance, at);
	if (p->trusted)
		return false;
	if (stages & FW_S_CROWD && p->reason == FW_CONTINUE)
		p->reason = stage_stranger(p);
	if (p->reason == FW_CONTINUE && p->proven)
		p->reason = FW_R_PASS_PROVEN;
	else if (p->reason != FW_CONTINUE &&
		 (p->proven ||
		  (p->family == 6 && p->proto == FW_PROTO_TCP && p->reason == FW_R_DROP_NET48)))
		return false; /* over its limits, but perhaps the victim of a spoofer */
	return p->reason != FW_CONTINUE;
}

/* What judge() left open: strangers, the unproven, and who may be spoofed. */
static __always_inline void judge_crowd(struct xdp_md *ctx, struct pkt *p,
					const struct fw_policy *policy)
{
	if (knob_stages & FW_S_CROWD)
		p->reason = stage_crowd(ctx, p, policy);
	else if (p->reason == FW_CONTINUE)
		p->reason = pass_reason(p);
}

/* Length on the wire; the helper sees all buffers of a jumbo frame. */
static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
	return knob_frags ? bpf_xdp_get_buff_len(ctx) : ctx->data_end - ctx->data;
}

/*
 * All that is known of a plain frame without asking the crowd. Returns an XDP action, or what is
 * left to do. Compiled for each family and protocol, and for sources that are not trusted: what the
 * compiler knows need not be kept. Each way out concludes by itself for the same reason.
 */
enum { FW_OPEN = -1, FW_TRUSTED = -2, FW_NOT_PLAIN = -3 };

static __always_inline int judge(struct xdp_md *ctx, struct pkt *p, const struct fw_policy *policy,
				 __u32 stages, __u8 proto)
{
	__u32 glance = 0;
	__u64 at = 0;

	p->proto = proto;
	if (proto == FW_PROTO_UDP)
		p->tcp_flags = 0;
	p->reason = judge_frame(p, policy, stages);
	if (p->reason != FW_CONTINUE)
		return conclude_drop(ctx, p, policy);
	/* Of a reason that floods are made of the compiler should know, too: its counter has a
	 * place. */
	p->reason = judge_lane(p, stages);
	if (p->reason == FW_R_DROP_BLOCKED)
		return conclude_as(ctx, p, policy, FW_R_DROP_BLOCKED, XDP_DROP);
	if (unlikely(p->reason != FW_CONTINUE))
		return conclude(ctx, p, policy);
	if (p->trusted)
		return FW_TRUSTED;
	p->reason = judge_service(p, policy, stages);
	if (p->reason == FW_R_DROP_UNSPOKEN)
		return conclude_as(ctx, p, policy, FW_R_DROP_UNSPOKEN, XDP_DROP);
	if (unlikely(p->reason != FW_CONTINUE))
		return conclude_drop(ctx, p, policy);
	if (stages & FW_S_SOURCE)
		glance = source_glance(p, policy, source_key(p), &at);
	if (glance == FW_GLANCE_OVER) {
		p->known = 1;
		p->reason = FW_R_DROP_SRC_PACKETS;
		return conclude_drop(ctx, p, policy);
	}
	if (glance == FW_GLANCE_STRANGER) {
		p->stranger = 1;
		if (stages & FW_S_CROWD)
			p->reason = stage_stranger(p);
		return p->reason == FW_CONTINUE ? aside(FW_OPEN) : conclude_drop(ctx, p, policy);
	}
	return judge_source(p, stages, glance, at) ? conclude(ctx, p, policy) : FW_OPEN;
}

/*
 * The same for any frame, whose facts are in memory: up to its source's lane. That is asked for
 * what keeps the link alive, too, where its budget is used up: strangers may do that, but not cut
 * off management with it, nor the trusted.
 */
static __always_inline bool judge_any(struct xdp_md *ctx, struct pkt *p,
				      const struct fw_policy *policy)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u32 stages = knob_stages;
	bool over;

	p->reason = parse(&f, p);
	if (p->reason == FW_CONTINUE)
		p->reason = judge_frame(p, policy, stages);
	over = p->reason == FW_R_DROP_ESSENTIAL;
	if (over || p->reason == FW_CONTINUE) {
		int lane = judge_lane(p, stages);

		if (!over || lane == FW_R_PASS_MANAGEMENT || p->trusted)
			p->reason = lane;
	}
	return p->reason != FW_CONTINUE;
}

/* ... and from there, where plain frames of a trusted source come in. */
static __always_inline bool judge_onward(struct pkt *p, const struct fw_policy *policy)
{
	__u32 stages = knob_stages;

	p->reason = judge_service(p, policy, stages);
	return p->reason != FW_CONTINUE || judge_source(p, stages, 0, 0);
}

/* The facts about the packet in hand, as all but a plain one's are kept. */
static __always_inline struct pkt *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fw_scratch, &zero);
}

/* Facts that the frame has no part in. */
static __always_inline void pkt_start(struct pkt *p, const struct pkt *from, __u32 len)
{
	pkt_reset(p);
	p->now = from->now;
	p->lanes = from->lanes;
	p->half = from->half;
	p->len = len;
}

/* Judge a plain frame of a family. What is left to do is done to its facts in *ret_p. */
static __always_inline int judge_family(struct xdp_md *ctx, const struct pkt *start,
					const struct fw_policy *policy, __u32 stages, int family,
					struct pkt **ret_p)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct pkt plain, *p;
	int action;

	pkt_start(&plain, start, f.end - f.data);
	if (!(family == 4 ? parse_plain4(&f, &plain) : parse_plain6(&f, &plain)))
		return FW_NOT_PLAIN;
	action = plain.proto == FW_PROTO_TCP ? judge(ctx, &plain, policy, stages, FW_PROTO_TCP)
					     : judge(ctx, &plain, policy, stages, FW_PROTO_UDP);
	if (action >= 0)
		return action;
	p = scratch();
	if (!p)
		return XDP_PASS;
	plain.hops = 0; /* no stage reads these two */
	plain.payload = 0;
	*p = plain;
	*ret_p = p;
	return action;
}

static __always_inline int judge_plain(struct xdp_md *ctx, const struct pkt *start,
				       const struct fw_policy *policy, __u32 stages,
				       struct pkt **ret_p)
{
	int action = judge_family(ctx, start, policy, stages, 4, ret_p);

	return action == FW_NOT_PLAIN ? judge_family(ctx, start, policy, stages, 6, ret_p) : action;
}

SEC("xdp.frags")
int floodwall(struct xdp_md *ctx)
{
	const struct fw_policy *policy;
	struct pkt *p, start;
	int action = FW_NOT_PLAIN;
	__u64 live;

	start.now = clock_now();
	live = live_word(start.now);
	start.lanes = FW_LIVE_LANES(live);
	start.half = FW_LIVE_POLICY(live);
	policy = policy_of(start.half);

	/*
	 * The same stages for plain frames and for any. Of the stages that run the compiler should
	 * know, too: unless a bench leaves some out, the verifier takes out the second of these.
	 */
	if (knob_stages == FW_S_ALL)
		action = judge_plain(ctx, &start, policy, FW_S_ALL, &p);
	else if (knob_stages & FW_S_PLAIN)
		action = judge_plain(ctx, &start, policy, knob_stages, &p);
	if (action >= 0)
		return action;
	if (action == FW_NOT_PLAIN)
		p = scratch();
	if (!p)
		return XDP_PASS;
	if (action == FW_NOT_PLAIN) {
		pkt_start(p, &start, frame_len(ctx));
		if (judge_any(ctx, p, policy))
			return conclude(ctx, p, policy);
	}
	if (action != FW_OPEN && judge_onward(p, policy))
		return conclude(ctx, p, policy);
	judge_crowd(ctx, p, policy);
	return conclude(ctx, p, policy);
}

char _license[] SEC("license") = "GPL";
