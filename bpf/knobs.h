/* SPDX-License-Identifier: GPL-2.0-only */
/* Load-time settings, written by user/kern/object.c into .rodata before the verifier sees them. */
#ifndef FW_KNOBS_H
#define FW_KNOBS_H

#include "abi.h"
#include "knob_values.h"

const volatile __u32 knob_clock =
	FW_CLOCK_JIFFIES; /* enum fw_clock; virtual reads fw_ctl.virtual_ns */
const volatile __u32 knob_tick_ns =
	4000000;			/* ns a jiffy; from CLOCK_MONOTONIC_COARSE's resolution */
const volatile __u64 knob_jiffies0 = 0; /* jiffies64 at program time 0 */
const volatile __u32 knob_cookie_ts =
	0; /* 1: cookies carry options in TSval (net.ipv4.tcp_timestamps 2) */
const volatile __u32 knob_cookie_raw =
	0; /* 1: the kernel makes cookies without a socket (6.0: bpf_tcp_raw_gen_syncookie_*) */
const volatile __u32 knob_cookie_wscale = 0; /* window scale that the kernel will use, 15 = none */
const volatile __u32 knob_local_port =
	FW_LOCAL_PORT; /* answers to what this host asks come to ports from here on */
const volatile __u32 knob_stages = FW_S_ALL; /* enum fw_stage_bit */
const volatile __u32 knob_frags = 0;	     /* 1: bpf_xdp_get_buff_len exists (5.18) */
const volatile __u32 knob_src4_bits = 0;     /* log2 of the far sets of the IPv4 source table */
const volatile __u32 knob_src6_bits = 0;     /* log2 of the far sets of the IPv6 /64 table */
const volatile __u32 knob_net6_bits = 0;     /* log2 of the far sets of the IPv6 /48 table */
const volatile __u32 knob_src6_base = 2;     /* first set of the IPv6 /64 table */
const volatile __u32 knob_net6_base = 4;     /* first set of the IPv6 /48 table */
const volatile __u32 knob_ranges4 = FW_LANE4_RANGES; /* IPv4 ranges a generation */
const volatile __u32 knob_set4_bits = 0; /* log2 of the lines of listed addresses, a generation */
const volatile __u32 knob_nodes6 = FW_LANE6_NODES;   /* IPv6 tree nodes a generation */
const volatile __u32 knob_deep6 = FW_LANE6_DEEP_MAX; /* IPv6 ranges longer than /64, a generation */
const volatile __u32 knob_profiles = FW_PROFILE_MAX; /* profiles a generation */
const volatile __u32 knob_ledger = 1;  /* records a CPU in fw_ledger, a power of two */
const volatile __u32 knob_ordered = 0; /* 1: stores of one CPU are seen in their order (x86) */
const volatile __u64 knob_key0 =
	0x9e3779b97f4a7c15; /* hash keys, random per load; 1 and 3 are odd */
const volatile __u64 knob_key1 = 0xbf58476d1ce4e5b9;
const volatile __u64 knob_key2 = 0x94d049bb133111eb;
const volatile __u64 knob_key3 = 0xd6e8feb86659fd93;

#endif
