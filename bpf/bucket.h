/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Token-bucket arithmetic: GCRA (ITU-T I.371), the bucket written as one time stamp, the
 * theoretical arrival time. A stamp in the past is a full bucket; a stamp ahead of now is debt. A
 * charge that does not fit the burst leaves the stamp alone, so whoever is over the limit causes no
 * store.
 *
 * Stamps are unsigned and wrap; mask gives their width. Time is a parameter. Host and BPF.
 */
#ifndef FW_BUCKET_H
#define FW_BUCKET_H

#include "net.h"
#include "abi.h"

/* Time that n packets or bytes cost, in units of the limit, rounded up. */
static __always_inline __u64 bucket_cost(const struct fw_limit *limit, __u64 n)
{
	if (__builtin_constant_p(n) && n == 1) /* packets: q is 0 */
		return limit->cost;
	return (n * limit->cost + ((1ULL << limit->q) - 1)) >> limit->q;
}

/*
 * Debt of a stamp at now. A stamp further ahead than the window is debt from a larger burst that
 * was lowered since, or from a clock that stepped back: it counts as a window. Beyond two windows
 * it counts as paid: so far ahead lies a stamp so old that it came round to the future, and whoever
 * comes back after a month finds a full bucket. Windows are at most an eighth of a stamp's range.
 */
static __always_inline __u64 bucket_debt(__u64 stamp, __u64 now, __u64 window, __u64 mask)
{
	__u64 ahead = (stamp - now) & mask;

	if (ahead > 2 * window)
		return 0;
	return ahead > window ? window : ahead;
}

/* Charge cost to a stamp. True: admitted, *stamp moved. False: over the limit, *stamp as it was. */
static __always_inline bool bucket_charge(__u64 *stamp, __u64 now, __u64 cost, __u64 window,
					  __u64 mask)
{
	__u64 debt = bucket_debt(*stamp, now, window, mask);

	if (debt + cost > window)
		return false;
	*stamp = (now + debt + cost) & mask;
	return true;
}

#endif
