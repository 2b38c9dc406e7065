/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples: one packet in so many of each reason, then at most so many a second of each group of
 * reasons and CPU. The first choice is made with the counter that was raised anyway; all the rest
 * is off the way of the packets that are not chosen.
 */
#ifndef FW_SAMPLE_H
#define FW_SAMPLE_H

#include "state.h"

static const __u8 sample_group[FW_REASON_SLOTS] = FW_REASON_GROUPS;

/* reason: bounded. before: packets of this reason, service and CPU counted before this one. */
static __always_inline bool sample_due(__u64 reason, __u64 before)
{
	/* "None" (0) becomes one in 2^32 here, which sample() refuses. */
	return !(before & (fw_sampling.every[reason] - 1));
}

/* May one more of this group be handed over? Steps of the clock backward end in a full burst. */
static __always_inline bool sample_fits(struct fw_sampler *me, const struct fw_sampling *set,
					__u64 now)
{
	__u64 ahead = me->tat_ns - now;

	if ((__s64)ahead < 0 || ahead > 2 * set->burst_ns + set->gap_ns)
		ahead = 0;
	if (ahead > set->burst_ns)
		return false;
	me->tat_ns = now + ahead + set->gap_ns;
	return true;
}

/* What is to be known of the packet: length | reason << 32 | service << 40 | family << 48, and
 * FW_SAMPLE_* << 56. */
static __always_inline void sample_fill(struct xdp_md *ctx, struct fw_sample *s, __u64 what)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 i;

	s->boot_ns = bpf_ktime_get_boot_ns();
	s->len = what;
	s->reason = what >> 32;
	s->service = what >> 40;
	s->family = what >> 48;
	s->flags = what >> 56;
	s->cpu = bpf_get_smp_processor_id();
	/* Of a jumbo frame, the first buffer. bpf_xdp_load_bytes() is of 5.18. */
#pragma clang loop unroll(disable)
	for (i = 0; i < FW_SAMPLE_BYTES; i++) {
		if (data + i + 1 > end)
			break;
		s->data[i] = *(__u8 *)(data + i);
	}
	s->captured = i;
}

/* A packet was chosen. key: of its source. Scalars: the stack above has no room for more facts. */
__noinline int sample(struct xdp_md *ctx, __u64 now, __u64 key, __u64 what)
{
	__u32 reason = what >> 32 & (FW_REASON_SLOTS - 1), group = sample_group[reason];
	const struct fw_sampling *set = &fw_sampling;
	struct fw_sampler *me = bpf_map_lookup_elem(&fw_sampler, &group);
	struct fw_sample *s;

	if (!me || !set->every[reason])
		return 0;
	if (!sample_fits(me, set, now)) {
		me->held++;
		return 0;
	}
	s = bpf_ringbuf_reserve(&fw_samples, sizeof(*s), 0);
	if (!s) {
		me->lost++;
		return 0;
	}
	s->now_ns = now;
	s->key = key;
	s->every = set->every[reason];
	sample_fill(ctx, s, what);
	bpf_ringbuf_submit(s, FW_RB_NO_WAKEUP); /* the recorder looks by itself */
	me->emitted++;
	return 0;
}

#endif
