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

#define RUN(bit, stage)                       \
	if (knob_stages & (bit)) {            \
		p->reason = (stage);          \
		if (p->reason != FW_CONTINUE) \
			return true;          \
	}

/* All that is known without asking the crowd. plain: a plain frame. True: p->reason is final. */
static __always_inline bool judge(struct pkt *p, const struct fw_policy *policy, bool plain)
{
	RUN(FW_S_ALL, stage_essential(p, policy));
	RUN(FW_S_SANITY, stage_sanity(p, policy));
	RUN(FW_S_LANES, stage_lanes(p));
	RUN(FW_S_ALL, stage_uninspected(p, policy));
	RUN(FW_S_SERVICE, stage_service(p, policy));
	if (knob_stages & FW_S_SOURCE)
		p->reason = stage_source(p, policy, plain);
	if (p->trusted)
		return false;
	if (knob_stages & FW_S_CROWD && p->reason == FW_CONTINUE)
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

SEC("xdp.frags")
int floodwall(struct xdp_md *ctx)
{
	struct frame f = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	__u32 zero = 0, half;
	const struct fw_ctl *ctl = bpf_map_lookup_elem(&fw_ctl, &zero);
	struct pkt *p = bpf_map_lookup_elem(&fw_scratch, &zero), plain;
	const struct fw_policy *policy;
	__u64 live;

	if (!ctl || !p)
		return XDP_PASS;
	pkt_reset(&plain);
	plain.now = clock_now(ctl);
	plain.len = f.end - f.data;
	live = live_word(ctl, plain.now);
	plain.lanes = FW_LIVE_LANES(live);
	half = FW_LIVE_POLICY(live);
	plain.half = half;
	policy = bpf_map_lookup_elem(&fw_policy, &half);
	if (!policy)
		return XDP_PASS;

	/* Three ways in, the same stages: compiled for plain frames of either family, and for any.
	 */
	if (knob_stages & FW_S_PLAIN && parse_plain4(&f, &plain)) {
		if (judge(&plain, policy, true))
			return conclude(ctx, &plain, policy);
		*p = plain;
	} else if (knob_stages & FW_S_PLAIN && parse_plain6(&f, &plain)) {
		if (judge(&plain, policy, true))
			return conclude(ctx, &plain, policy);
		*p = plain;
	} else {
		pkt_reset(p);
		p->now = plain.now;
		p->len = frame_len(ctx);
		p->lanes = plain.lanes;
		p->half = half;
		p->reason = parse(&f, p);
		if (p->reason != FW_CONTINUE || judge(p, policy, false))
			return conclude(ctx, p, policy);
	}
	judge_crowd(ctx, p, policy);
	return conclude(ctx, p, policy);
}

char _license[] SEC("license") = "GPL";
