/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * calm, guarded, siege: how a service stands, decided from its crowd budget with hysteresis. One
 * excess makes it guarded; an episode of excess makes it a siege; silence lets it relax. The stored
 * state changes a few times a second at most, so that a flood does not write. Host and BPF.
 */
#ifndef FW_LEVEL_H
#define FW_LEVEL_H

#include "net.h"
#include "abi.h"

static __always_inline void level_enter(struct fw_service_state *s, __u64 when, __u32 level)
{
	__u32 old = s->level < FW_LEVEL_MAX ? s->level : FW_LEVEL_CALM;

	s->spent_ns[old] += when - s->entered_ns;
	s->entered_ns = when;
	s->level = level;
	s->entries[level]++;
}

/*
 * Let a stored state relax: it was last exceeded at over_ns, now it is now. Book the time in each
 * level as if somebody had been watching. Readers do this on a copy.
 */
static __always_inline void fw_level_settle(struct fw_service_state *s, __u64 over_ns, __u64 now)
{
	if (s->level == FW_LEVEL_SIEGE && now > over_ns + FW_LEVEL_RELAX_NS)
		level_enter(s, over_ns + FW_LEVEL_RELAX_NS, FW_LEVEL_GUARDED);
	if (s->level == FW_LEVEL_GUARDED && now > over_ns + FW_LEVEL_CALM_NS)
		level_enter(s, over_ns + FW_LEVEL_CALM_NS, FW_LEVEL_CALM);
}

/* The level in force, given the stored state. pin: enum fw_level + 1, or 0. */
static __always_inline __u32 fw_level_now(const struct fw_service_state *s, __u64 now, __u8 pin)
{
	if (pin)
		return pin - 1;
	if (!s->over_ns || now > s->over_ns + FW_LEVEL_CALM_NS)
		return FW_LEVEL_CALM;
	if (s->level == FW_LEVEL_SIEGE && now > s->over_ns + FW_LEVEL_RELAX_NS)
		return FW_LEVEL_GUARDED;
	return s->level;
}

/*
 * The budget was just exceeded. Reads one line that CPUs share; whoever finds the last look
 * FW_LEVEL_STEP_NS old and wins the exchange writes.
 */
static __always_inline void level_over(struct fw_service_state *s, __u64 now)
{
	__u64 last = *(volatile __u64 *)&s->over_ns;
	__u32 level;

	/* Signed: another CPU's clock may be a tick ahead, which must not look like a long pause.
	 */
	if (last && (__s64)(now - last) < (__s64)FW_LEVEL_STEP_NS)
		return;
	if (__sync_val_compare_and_swap(&s->over_ns, last, now) != last)
		return;
	if (!last || now - last > FW_LEVEL_PAUSE_NS)
		s->episode_ns = now;
	fw_level_settle(s, last, now);
	level = now - s->episode_ns >= FW_LEVEL_SIEGE_NS ? FW_LEVEL_SIEGE : FW_LEVEL_GUARDED;
	if (level > s->level)
		level_enter(s, now, level);
}

#endif
