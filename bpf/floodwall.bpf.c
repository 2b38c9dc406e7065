// SPDX-License-Identifier: GPL-2.0-only
/*
 * floodwall's data path: one frame in, one counted reason out. Read judge() as a table of contents.
 * Stages are cheap and stateless first; each returns a reason, or FW_CONTINUE to leave the packet
 * to the next one. The rules they share stand in the headers they include.
 */
#include "net.h"
#include "abi.h"
#include "knobs.h"
#include "pkt.h"
#include "maps.h"
#include "parse.h"
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
			return;               \
	}

static __always_inline void judge(struct xdp_md *ctx, struct pkt *p, const struct fw_policy *policy)
{
	RUN(FW_S_ALL, stage_essential(p, policy));
	RUN(FW_S_SANITY, stage_sanity(p, policy));
	RUN(FW_S_LANES, stage_lanes(p));
	RUN(FW_S_ALL, stage_uninspected(p, policy));
	RUN(FW_S_SERVICE, stage_service(p, policy));
	/* A source over its limits goes on: a proven one may be the victim of a spoofer. */
	if (knob_stages & FW_S_SOURCE)
		p->reason = stage_source(p, policy);
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
	struct pkt *p = bpf_map_lookup_elem(&fw_scratch, &zero);
	const struct fw_policy *policy;
	__u64 live;

	if (!ctl || !p)
		return XDP_PASS;
	pkt_reset(p);
	p->now = clock_now(ctl);
	p->len = frame_len(ctx);
	live = live_word(ctl, p->now);
	p->lanes = FW_LIVE_LANES(live);
	half = FW_LIVE_POLICY(live);
	policy = bpf_map_lookup_elem(&fw_policy, &half);
	if (!policy)
		return XDP_PASS;
	p->reason = parse(&f, p);
	if (p->reason == FW_CONTINUE)
		judge(ctx, p, policy);
	return conclude(p, policy);
}

char _license[] SEC("license") = "GPL";
