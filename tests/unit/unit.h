/* SPDX-License-Identifier: GPL-2.0-only */
/* What unit tests share: cmocka with its includes, and repeatable random numbers. */
#ifndef FW_UNIT_H
#define FW_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/types.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64*; the seed is fixed, so a failure repeats; FW_SEED tries others. */
static inline __u64 unit_random(void)
{
	static __u64 x;

	if (!x) {
		const char *seed = getenv("FW_SEED");

		x = seed && strtoull(seed, NULL, 0) ? strtoull(seed, NULL, 0) : 0x5eed0f10d3a11ULL;
	}
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	return x * 0x2545f4914f6cdd1dULL;
}

/* 0 .. n - 1 */
static inline __u64 unit_below(__u64 n)
{
	return unit_random() % n;
}

#endif
