/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Program time: what the XDP program compares stamps and expiries with. It derives it from jiffies:
 * (jiffies64 - jiffies0) * tick, which follows CLOCK_MONOTONIC to within a tick or two. When the
 * program's clock is virtual (tests, replay), fw_ctl.virtual_ns replaces fw_clock_now().
 */
#ifndef FW_CLOCK_H
#define FW_CLOCK_H

#include <linux/types.h>
#include <stddef.h>
#include "user/base/err.h"

#define FW_NS_PER_S 1000000000ULL

/* Program time now, ns since boot (CLOCK_MONOTONIC: suspend does not count). */
__u64 fw_clock_now(void);

/* One step of the program's clock in ns: a jiffy (4,000,000 at HZ=250). */
__u32 fw_clock_tick(void);

/*
 * jiffies64 at program time 0: measured where /proc/timer_list may be read, so that program time is
 * CLOCK_MONOTONIC to within a tick; else INITIAL_JIFFIES, 300 s before 2^32 wraps. tick_ns > 0.
 */
__u64 fw_clock_jiffies0(__u32 tick_ns);

/* CLOCK_REALTIME and CLOCK_BOOTTIME now, ns. */
__u64 fw_clock_realtime(void);
__u64 fw_clock_boottime(void);

/*
 * The wall-clock time (CLOCK_REALTIME ns) at which program time is, was or will be program_ns.
 * now_ns: program time now, as the caller knows it (fw_clock_now(), or the virtual one).
 */
__u64 fw_clock_to_realtime(__u64 program_ns, __u64 now_ns);

/* Seconds of program time, rounded up, that lie for_s after now_ns; FW_FOREVER stays FW_FOREVER. */
__u32 fw_clock_until(__u64 now_ns, __u32 for_s);

#define FW_CLOCK_LEN 32
/* "2024-06-09 22:00:01+02:00" in local time, into buf (size >= FW_CLOCK_LEN). Returns buf. */
char *fw_clock_put(char *buf, size_t size, __u64 realtime_ns);
/* "2024-06-09T20:00:01Z" (RFC 3339) into buf, with digits (0 or 3) of a fraction. Returns buf. */
char *fw_clock_put_utc(char *buf, size_t size, __u64 realtime_ns, int digits);

/*
 * What fw_clock_put writes, back into CLOCK_REALTIME ns: date and time with a space or T between,
 * seconds and zone may be missing (then 00 and local time). 0 or -EINVAL with err filled.
 */
int fw_clock_parse(const char *text, __u64 *ret_realtime_ns, struct fw_err *err);

#endif
