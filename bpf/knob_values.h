/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What some load-time settings may be, for both sides: user space chooses, the program reads. The
 * settings themselves are variables of the program, in knobs.h.
 */
#ifndef FW_KNOB_VALUES_H
#define FW_KNOB_VALUES_H

/* Where net.ipv4.ip_local_port_range begins, unless somebody widened it; host order. */
#define FW_LOCAL_PORT 32768

enum fw_clock { FW_CLOCK_JIFFIES, FW_CLOCK_VIRTUAL };

/* Stages in the order they run; a cleared bit skips one (benchmarks take differences with it). */
enum fw_stage_bit {
	FW_S_SANITY = 1 << 0,
	FW_S_LANES = 1 << 1,
	FW_S_SERVICE = 1 << 2,
	FW_S_SOURCE = 1 << 3,
	FW_S_CROWD = 1 << 4,
	FW_S_PLAIN = 1 << 5, /* the short way in for plain frames; changes no verdict */
	FW_S_ALL = (FW_S_PLAIN << 1) - 1,
	FW_S_LONG_WAY = FW_S_ALL & ~FW_S_PLAIN, /* every frame leaves its facts in scratch memory */
};

#endif
