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

/* What the policy says of its addresses and ports. */
static __always_inline int judge_policy(struct pkt *p, const struct fw_policy *policy, __u32 stages)
{
	RUN(FW_S_LANES, stage_lanes(p));
	RUN(FW_S_ALL, stage_uninspected(p, policy));
	RUN(FW_S_SERVICE, stage_service(p, policy));
	return FW_CONTINUE;
}

/* What is known of its source. plain: a plain frame. FW_CONTINUE: ask the crowd. */
static __always_inline bool judge_source(struct pkt *p, const struct fw_policy *policy,
					 __u32 stages, bool plain)
{
	if (stages & FW_S_SOURCE)
		p->reason = stage_source(p, policy, plain);
	if (p->trusted)
		return false;
	if (stages & FW_S_CROWD && p->reason == FW_CONTINUE)
		p->reason = stage_stranger(p);
	if (p->reason == FW_CONTINUE && p->proven)
		p->reason = FW_R_PASS_PROVEN;
	else if (p->reason != FW_CONTINUE && p->proven)
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
 * All that is known without asking the crowd. Returns an XDP action, or FW_OPEN: *p is left to the
 * crowd. Each way out concludes by itself: of those that leave early the compiler knows most facts,
 * which need not be made ready for the others' sake.
 */
#define FW_OPEN -1

static __always_inline int judge(struct xdp_md *ctx, struct pkt *p, const struct fw_policy *policy,
				 bool plain)
{
	__u32 stages = knob_stages;

	p->reason = judge_frame(p, policy, stages);
	if (p->reason != FW_CONTINUE)
		return conclude(ctx, p, policy);
	p->reason = judge_policy(p, policy, stages);
	if (p->reason != FW_CONTINUE)
		return conclude(ctx, p, policy);
	return judge_source(p, policy, stages, plain) ? conclude(ctx, p, policy) : FW_OPEN;
}

/* The same for any frame, whose facts are in memory. */
static __always_inline bool judge_any(struct pkt *p, const struct fw_policy *policy)
{
	__u32 stages = knob_stages;

	p->reason = judge_frame(p, policy, stages);
	if (p->reason == FW_CONTINUE)
		p->reason = judge_policy(p, policy, stages);
	return p->reason != FW_CONTINUE || judge_source(p, policy, stages, false);
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

/* Judge a plain frame of a family. FW_OPEN: with its facts in the scratch memory. */
#define FW_NOT_PLAIN -2

static __always_inline int judge_plain(struct xdp_md *ctx, const struct pkt *start,
				       const struct fw_policy *policy, int family)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct pkt plain, *p;
	__u32 zero = 0;
	int action;

	pkt_start(&plain, start, f.end - f.data);
	if (!(family == 4 ? parse_plain4(&f, &plain) : parse_plain6(&f, &plain)))
		return FW_NOT_PLAIN;
	action = judge(ctx, &plain, policy, true);
	if (action != FW_OPEN)
		return action;
	p = bpf_map_lookup_elem(&fw_scratch, &zero);
	if (!p)
		return XDP_PASS;
	*p = plain;
	return FW_OPEN;
}

SEC("xdp.frags")
int floodwall(struct xdp_md *ctx)
{
	struct frame f;
	__u32 zero = 0, half;
	const struct fw_ctl *ctl = bpf_map_lookup_elem(&fw_ctl, &zero);
	const struct fw_policy *policy;
	struct pkt *p, start;
	int action = FW_NOT_PLAIN;
	__u64 live;

	if (!ctl)
		return XDP_PASS;
	start.now = clock_now(ctl);
	live = live_word(ctl, start.now);
	start.lanes = FW_LIVE_LANES(live);
	half = FW_LIVE_POLICY(live);
	start.half = half;
	policy = bpf_map_lookup_elem(&fw_policy, &half);
	if (!policy)
		return XDP_PASS;

	/* Three ways in, the same stages: compiled for plain frames of either family, and for any.
	 */
	if (knob_stages & FW_S_PLAIN) {
		action = judge_plain(ctx, &start, policy, 4);
		if (action == FW_NOT_PLAIN)
			action = judge_plain(ctx, &start, policy, 6);
		if (action >= 0)
			return action;
	}
	p = bpf_map_lookup_elem(&fw_scratch, &zero);
	if (!p)
		return XDP_PASS;
	if (action == FW_NOT_PLAIN) {
		f = (struct frame){ (void *)(long)ctx->data, (void *)(long)ctx->data_end };
		pkt_start(p, &start, frame_len(ctx));
		p->reason = parse(&f, p);
		if (p->reason != FW_CONTINUE || judge_any(p, policy))
			return conclude(ctx, p, policy);
	}
	judge_crowd(ctx, p, policy);
	return conclude(ctx, p, policy);
}

char _license[] SEC("license") = "GPL";
