/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every map of the program: who writes it, who reads it, and what happens when it is full.
 * Sizes marked "set at load" are written by user/kern/object.c before the object is loaded.
 * Arrays are mmapable wherever user space reads or fills them in bulk; that also page-aligns them,
 * without which a 64-byte set would straddle two cache lines.
 */
#ifndef FW_MAPS_H
#define FW_MAPS_H

#include "abi.h"
#include "pkt.h"

#define FW_ARRAY(name_, struct_, entries_)         \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);  \
		__uint(map_flags, BPF_F_MMAPABLE); \
		__uint(max_entries, entries_);     \
		__type(key, __u32);                \
		__type(value, struct struct_);     \
	} name_ SEC(".maps")

#define FW_PERCPU(name_, struct_, entries_)              \
	struct {                                         \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
		__uint(max_entries, entries_);           \
		__type(key, __u32);                      \
		__type(value, struct struct_);           \
	} name_ SEC(".maps")

/*
 * A map of one value that the program reaches by its address, without a look-up: libbpf makes such
 * an array of each section of data. Pinned under the name, as any other. FW_AT: the same for an
 * array that every packet reads; a look-up would cost it ten instructions.
 */
#define FW_AT(name_)		  SEC(".data." #name_)
#define FW_SINGLE(name_, struct_) struct struct_ name_ FW_AT(name_)

struct fw_word {
	__u64 v;
};

/* Where a cookie was made lately, by one CPU. */
struct fw_listener {
	__be32 addr_be[4];
	__u64 since_ns; /* program time; 0 = never */
	__be16 port;
	__u16 pad[3];
};
#define FW_LISTENERS 16

/* Identity of the pins. User space writes it once at load; the program never reads it. */
FW_ARRAY(fw_meta, fw_meta, 1);

/* The live generation. User space writes under the lock; the program reads it once a packet. */
FW_SINGLE(fw_ctl, fw_ctl);

/* Two generations of everything an admin decides. User space fills the half that is not live. */
struct fw_policy fw_policy[2] FW_AT(fw_policy);
FW_ARRAY(fw_policy_txt, fw_policy_text, 2); /* user space only */
struct fw_lane_head fw_lane_head[2] FW_AT(fw_lane_head);
__u16 fw_lane4_top[2][65536] FW_AT(fw_lane4_top);
FW_ARRAY(fw_lane4_set, fw_lane4_set, 2); /* set at load; a full line: listed the other way */
FW_ARRAY(fw_lane4_dir, fw_lane4_dir, 2 * 65536);
FW_ARRAY(fw_lane4_rng, fw_word, 2 * FW_LANE4_RANGES);	    /* set at load; full: apply refused */
FW_ARRAY(fw_lane6_node, fw_lane6_node, 2 * FW_LANE6_NODES); /* set at load; full: apply refused */
FW_ARRAY(fw_lane6_deep, fw_lane6_deep, 2 * FW_LANE6_DEEP_MAX); /* set at load; full: refused */
FW_ARRAY(fw_profile, fw_profile, 2 * FW_PROFILE_MAX); /* set at load; full: apply refused */
FW_ARRAY(fw_prefix, fw_prefix, 2 * FW_PREFIX_MAX);    /* set at load; user space only */
FW_ARRAY(fw_why, fw_why, 2 * FW_WHY_MAX);	      /* user space only */

/* Which policy file made what runs. User space only, under the lock. */
FW_ARRAY(fw_applied, fw_applied, FW_APPLIED_SLOTS);

/*
 * The source tables, one after the other: IPv4 /32, IPv6 /64, IPv6 /48 (sets, set at load). Written
 * by the program, a word at a time by compare-and-swap; user space reads. A full set falls to the
 * crowd budgets.
 */
FW_ARRAY(fw_src_fp, fw_word, 1);
FW_ARRAY(fw_src, fw_src_set, 1);
/* A bit for each near set whose overflow lives in the far part; never cleared. Set at load. */
FW_ARRAY(fw_src_more, fw_word, 1);

/* Shared budgets: enum fw_budget_id. Fixed size, cannot be full. */
struct fw_budget fw_budget[FW_B_MAX] FW_AT(fw_budget);

/* The crowd: per service, per /24 or /48, and first SYNs seen. Fixed size; neighbours share slots.
 */
struct fw_crowd fw_crowd[FW_SERVICE_MAX] FW_AT(fw_crowd);
FW_ARRAY(fw_crowd_net, fw_crowd_net, 1 << FW_CROWD_NET_BITS);
struct fw_service_state fw_level[FW_SERVICE_MAX] FW_AT(fw_level);
FW_ARRAY(fw_ban, fw_ban_set, FW_BAN_SETS); /* a set full of bans in force takes no more */
FW_ARRAY(fw_retry, fw_retry, 1 << FW_RETRY_BITS);

/* Per-CPU accounting: the program adds, user space sums. Fixed size, cannot be full. */
FW_PERCPU(fw_count_svc, fw_count, FW_COUNT_SVC_SLOTS);
FW_PERCPU(fw_count_cls, fw_count, FW_CLASS_MAX *FW_CC_STRIDE);
FW_PERCPU(fw_note, fw_word, FW_NOTE_SLOTS);
FW_PERCPU(fw_pace, fw_word, 1); /* stamp of the CPU's own budget for cookies, ns */
FW_PERCPU(fw_listener, fw_listener, FW_LISTENERS); /* contended slots go to the last one */

/*
 * Accounts of sources: a CPU's book, and its ledger, a ring, set at load; plain arrays, because
 * Linux 6.1 has no way to look into a per-CPU one without a call. What is full goes over what is
 * oldest; who reads finds out how much that was.
 */
FW_ARRAY(fw_book, fw_book, 1);
FW_ARRAY(fw_ledger, fw_tally, 1);
FW_ARRAY(fw_ledger_at, fw_ledger_at, 1); /* a CPU; set at load; user space only: the recorder */

/* For the recorder. Samples: when full, counted as lost. Nobody need read any. */
FW_SINGLE(fw_sampling, fw_sampling);	     /* the recorder writes */
FW_PERCPU(fw_sampler, fw_sampler, FW_G_MAX); /* limits and counts of the samples */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FW_SAMPLE_RING);
} fw_samples SEC(".maps");

/* What each CPU has yet to add to records of bans. Fixed size; who shares a slot writes through. */
FW_PERCPU(fw_ban_due, fw_ban_due, FW_BAN_DUE_SLOTS);

/* The facts about the packet in hand (bpf/pkt.h). The program's own; fixed size. */
FW_PERCPU(fw_scratch, pkt, 1);

/* Interfaces attached to. User space only, under the lock. Full: attach refused. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FW_IFACE_MAX);
	__type(key, __u64);
	__type(value, struct fw_iface);
} fw_iface SEC(".maps");

#endif
