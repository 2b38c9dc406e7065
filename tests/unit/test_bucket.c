// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bucket as properties, with limits as the policy compiles them and the clock in steps, as the
 * program sees it: at most rate x time + burst (+ one step of the clock), at least 98 % of it when
 * the demand is there. The three stamps of the program: 52 bits in ns (packets), 32 bits in units
 * of the limit (other kinds), 64 bits in ns (budgets).
 */
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "bpf/bucket.h"
#include "user/base/text.h"
#include "user/policy/compile.h"

#define TICK 4000000ULL
#define S    1000000000ULL

enum width { W32, W52, W64, WIDTHS };

struct bucket {
	struct fw_limit limit;
	enum width width;
	__u64 stamp;
};

static __u64 mask_of(enum width width)
{
	return width == W32 ? 0xffffffffULL : width == W52 ? FW_TAT_MASK : ~0ULL;
}

/* As charge.h and state.h scale it. */
static bool charge(struct bucket *b, __u64 now, __u64 n)
{
	__u32 scale = b->width == W32 ? 0 : b->limit.shift;
	__u64 unit = b->width == W32 ? now >> b->limit.shift : now;

	return bucket_charge(&b->stamp, unit, bucket_cost(&b->limit, n) << scale,
			     (__u64)b->limit.window << scale, mask_of(b->width));
}

static void full_at(struct bucket *b, __u64 now)
{
	b->stamp = (b->width == W32 ? now >> b->limit.shift : now) & mask_of(b->width);
}

static struct bucket bucket_of(const struct fw_rate *rate, bool bytes, enum width width)
{
	struct bucket b = { .width = width };
	struct fw_err err;

	if (fw_compile_limit(rate, bytes, TICK, &b.limit, &err))
		fail_msg("%s", err.msg);
	return b;
}

static __u64 step_of(__u64 ns)
{
	return ns - ns % TICK;
}

/* What a rate gives in so many ns, in thousandths, to lose nothing. */
static unsigned __int128 due_milli(const struct fw_rate *rate, __u64 ns)
{
	return (unsigned __int128)rate->count * 1000 * ns / ((unsigned __int128)rate->per_s * S);
}

struct run {
	const struct fw_rate *rate;
	__u64 burst;
	bool bytes;
	__u64 size; /* of one charge; 0: random frames */
};

static void check_most(const struct run *run, __u64 got, __u64 ns)
{
	unsigned __int128 most =
		due_milli(run->rate, ns + TICK) + (unsigned __int128)run->burst * 1000;

	/* One unit of rounding a full window makes is less than one byte or packet. */
	if ((unsigned __int128)got * 1000 > most + 1000)
		fail_msg("%llu in %llu ns, at most %llu: rate %llu per %u s, burst %llu", got, ns,
			 (__u64)(most / 1000), run->rate->count, run->rate->per_s, run->burst);
}

static void check_least(const struct run *run, __u64 got, __u64 ns)
{
	unsigned __int128 all = due_milli(run->rate, ns) + (unsigned __int128)run->burst * 1000;
	__u64 frame = run->bytes ? (run->size ? run->size : 1514) : 1;

	/* What did not fit yet at the end is not lost: less than one charge. */
	if (((unsigned __int128)got + frame) * 1000 * 100 < all * 98)
		fail_msg("%llu in %llu ns, of %llu due: rate %llu per %u s, burst %llu, size %llu",
			 got, ns, (__u64)(all / 1000), run->rate->count, run->rate->per_s,
			 run->burst, run->size);
}

static __u64 frame_of(const struct run *run)
{
	if (!run->bytes)
		return 1;
	return run->size ? run->size : 60 + unit_below(1455);
}

/* Offers charges at now until one is refused (or enough were taken); returns what was taken. */
static __u64 drain(struct bucket *b, const struct run *run, __u64 now, __u64 limit)
{
	__u64 got = 0;

	while (got < limit) {
		__u64 n = frame_of(run);

		if (!charge(b, now, n))
			break;
		got += n;
	}
	return got;
}

/* More is always wanted than there is: at every step of the clock until refused. */
static void run_greedy(const struct run *run, enum width width, __u64 start, int steps,
		       __u64 stride)
{
	struct bucket b = bucket_of(run->rate, run->bytes, width);
	__u64 got = 0, now = step_of(start), base = now, half = 0, half_at = now;

	full_at(&b, now);
	for (int i = 0; i < steps; i++, now += stride) {
		got += drain(&b, run, now, ~0ULL);
		check_most(run, got, now - base);
		check_most(run, got - half,
			   now - half_at); /* any interval, not only from the start */
		if (unit_below(64) == 0) {
			half = got;
			half_at = now;
		}
	}
	check_least(run, got, now - stride - base);
}

static const struct fw_rate packet_rate[] = {
	{ 1, 0, 3600, 0 },
	{ 1, 5, 3600, 0 },
	{ 7, 3, 60, 0 },
	{ 1, 0, 1, 0 },
	{ 3, 10, 1, 0 },
	{ 5, 0, 1, 0 },
	{ 6, 2, 1, 0 },
	{ 50, 100, 1, 0 },
	{ 100, 300, 1, 0 },
	{ 249, 2, 1, 0 },
	{ 250, 2, 1, 0 },
	{ 251, 3, 1, 0 },
	{ 5000, 40, 1, 0 },
	{ 5000, 5000, 1, 0 },
	{ 200000, 0, 1, 0 },
	{ 333333, 2667, 1, 0 },
	{ 10000000, 80000, 1, 0 },
	{ 10000000, 0, 1, 0 },
	{ 19999999, 160000, 1, 0 },
};

static const struct fw_rate byte_rate[] = {
	{ 1, 0, 1, 0 },
	{ 1000, 0, 1, 0 },
	{ 2000000, 17300, 1, 0 },
	{ 4096000, 0, 1, 0 },
	{ 50000000, 20000000, 1, 0 },
	{ 125000000, 1000000, 1, 0 },
	{ 1200000000, 9600000, 1, 0 },
	{ 333333333, 0, 1, 0 },
};

/* Every step of the clock; for slow rates 200 looks an interval, ten intervals long. */
static void greedy_all(const struct fw_rate *rate, size_t n, bool bytes, __u64 size)
{
	for (size_t i = 0; i < n; i++)
		for (int width = 0; width < WIDTHS; width++) {
			struct run run = { &rate[i], fw_compile_burst(&rate[i], bytes, TICK), bytes,
					   size };
			__u64 interval =
				(__u64)rate[i].per_s * S / rate[i].count * (bytes ? 1514 : 1);
			bool slow = interval > 200 * TICK;
			__u64 stride = slow ? step_of(interval / 200) : TICK;

			if (width == W52 && bytes) /* no such stamp */
				continue;
			run_greedy(&run, (enum width)width, unit_random() >> 12, slow ? 2000 : 400,
				   stride);
			run_greedy(&run, (enum width)width, 0, slow ? 2000 : 400, stride);
		}
}

static void greedy_packets(void **state)
{
	(void)state;
	greedy_all(packet_rate, COUNT(packet_rate), false, 0);
}

static void greedy_bytes(void **state)
{
	static const __u64 size[] = { 60, 61, 64, 590, 1514, 9018, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(size); i++)
		greedy_all(byte_rate, COUNT(byte_rate), true, size[i]);
}

/* A random rate that compiles. */
static struct fw_rate random_rate(bool bytes)
{
	static const __u32 per[] = { 1, 60, 3600 };
	struct fw_limit l;

	for (;;) {
		struct fw_rate rate = { 1 + unit_below(1ULL << unit_below(bytes ? 31 : 25)), 0,
					per[unit_below(3)], 0 };

		if (unit_below(2))
			rate.burst = 1 + unit_below(1ULL << unit_below(24));
		if (!fw_compile_limit(&rate, bytes, TICK, &l, NULL))
			return rate;
	}
}

/* Greedy with any rate. The steps skipped are fewer than the burst covers. */
static void greedy_random(void **state)
{
	(void)state;
	for (int i = 0; i < 400; i++) {
		bool bytes = i & 1;
		struct fw_rate rate = random_rate(bytes);
		struct run run = { &rate, fw_compile_burst(&rate, bytes, TICK), bytes, 0 };
		struct bucket b = bucket_of(&rate, bytes, W64);
		__u64 window = (__u64)b.limit.window << b.limit.shift;
		__u64 cost = bucket_cost(&b.limit, bytes ? 1514 : 1) << b.limit.shift;
		__u64 stride = window > cost ? step_of((window - cost) / 2) : 0;
		__u64 per_step;

		if (window == cost && window > 1000 * TICK)
			stride = step_of(window / 1000);
		if (stride < TICK)
			stride = TICK;
		per_step = rate.count / rate.per_s * stride / S / (bytes ? 787 : 1) + 1;
		run_greedy(&run, bytes || i & 2 ? W32 : W52, unit_random() >> 12,
			   (int)(per_step > 20000 ? 20 : 400), stride);
	}
}

/* Demand that comes and goes: never more than due over any stretch, whatever the pattern. */
static void bursty(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		bool bytes = i & 1;
		struct fw_rate rate = random_rate(bytes);
		struct run run = { &rate, fw_compile_burst(&rate, bytes, TICK), bytes, 0 };
		struct bucket b = bucket_of(&rate, bytes,
					    bytes ? (i & 2 ? W32 : W64) : (enum width)(i / 2 % 3));
		__u64 window = (__u64)b.limit.window << b.limit.shift;
		__u64 now = step_of(unit_random() >> 12), base = now, got = 0, from = 0;

		full_at(&b, now);
		for (int k = 0; k < 60; k++) {
			got += drain(&b, &run, now, unit_below(2) ? 5000 : unit_below(50));
			check_most(&run, got - from, now - base);
			if (unit_below(8) == 0) {
				base = now;
				from = got;
			}
			now += step_of(unit_below(unit_below(4) ? TICK * 4 : window + TICK));
		}
	}
}

/* Whoever stays within rate and burst is never refused. */
static void conforming(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		struct fw_rate rate = random_rate(false);
		struct bucket b = bucket_of(&rate, false, (enum width)(i % 3));
		__u64 burst = fw_compile_burst(&rate, false, TICK);
		/* One packet each 1/0.97 of the interval that the limit really charges, and its
		 * step. */
		__u64 cost = (__u64)b.limit.cost << b.limit.shift;
		__u64 gap = cost + cost * 3 / 97 + 1, at = unit_random() >> 12;

		full_at(&b, step_of(at));
		for (__u64 k = 0; k + 1 < burst && k < 3000;
		     k++) /* one packet spare for the step */
			assert_true(charge(&b, step_of(at), 1));
		at += (__u64)b.limit.window << b.limit.shift;
		if (burst < 2)
			gap += TICK;
		for (int k = 0; k < 3000; k++, at += gap)
			if (!charge(&b, step_of(at), 1))
				fail_msg("packet %d at %llu/%us burst %llu", k, rate.count,
					 rate.per_s, burst);
	}
}

/* A refused charge does not move the stamp: a flood only reads. */
static void refused_reads(void **state)
{
	(void)state;
	for (int width = 0; width < WIDTHS; width++) {
		struct fw_rate rate = { 100, 300, 1, 0 };
		struct run run = { &rate, 300, false, 0 };
		struct bucket b = bucket_of(&rate, false, (enum width)width);
		__u64 now = 77 * S, stamp;

		full_at(&b, now);
		assert_int_equal(drain(&b, &run, now, ~0ULL), 300);
		stamp = b.stamp;
		for (int i = 0; i < 1000; i++)
			assert_false(charge(&b, now, 1));
		assert_int_equal(b.stamp, stamp);
	}
}

/*
 * Idle of any length up to months: no more than a burst. 32-bit stamps are refreshed by the
 * program before they can wrap; the others need nothing.
 */
static void idle(void **state)
{
	static const __u64 gap[] = { 1,		60,	    3600,	86400,
				     7 * 86400, 25 * 86400, 90 * 86400, 400 * 86400 };

	(void)state;
	for (size_t i = 0; i < COUNT(packet_rate); i++)
		for (size_t g = 0; g < COUNT(gap); g++) {
			const struct fw_rate *rate = &packet_rate[i];
			struct run run = { rate, fw_compile_burst(rate, false, TICK), false, 0 };
			struct bucket b = bucket_of(rate, false, W64);
			__u64 now = 1000 * S, got;

			full_at(&b, now);
			drain(&b, &run, now, ~0ULL);
			now += gap[g] * S;
			got = drain(&b, &run, now, ~0ULL);
			check_most(&run, got, 0);
			if (gap[g] * S > (__u64)b.limit.window << b.limit.shift)
				assert_int_equal(got, run.burst);
		}
}

/* The clock steps back: never more than a burst for it, and service again within two windows. */
static void backward(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct fw_rate rate = random_rate(false);
		struct run run = { &rate, fw_compile_burst(&rate, false, TICK), false, 0 };
		struct bucket b = bucket_of(&rate, false, (enum width)(i % 3));
		__u64 window = (__u64)b.limit.window << b.limit.shift;
		__u64 now = step_of((1ULL << 50) + (unit_random() >> 16)), back, got, limit = 3000;

		full_at(&b, now);
		drain(&b, &run, now, unit_below(limit));
		back = step_of(unit_below(4 * window));
		now -= back;
		got = drain(&b, &run, now, limit);
		check_most(&run, got, 0);
		now += 2 * window + TICK;
		assert_true(charge(&b, now, 1));
	}
}

/* Limits change while there is debt: what the new limit admits from then on keeps the new bound. */
static void change(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct fw_rate old = random_rate(false), new = random_rate(false);
		struct run run_old = { &old, fw_compile_burst(&old, false, TICK), false, 0 };
		struct run run = { &new, fw_compile_burst(&new, false, TICK), false, 0 };
		enum width width = i & 1 ? W52 : W64;
		struct bucket b = bucket_of(&old, false, width);
		__u64 now = step_of(unit_random() >> 13), base, got = 0, window;

		full_at(&b, now);
		drain(&b, &run_old, now, 2000);
		b.limit = bucket_of(&new, false, width).limit;
		window = (__u64)b.limit.window << b.limit.shift;
		base = now;
		for (int k = 0; k < 30; k++, now += step_of(window / 8) + TICK) {
			got += drain(&b, &run, now, 2000);
			check_most(&run, got, now - base);
		}
		assert_true(got > 0); /* old debt does not outlive three windows */
	}
}

/* Any stamp at all: no more than a burst at once, and never refused for good. */
static void any_stamp(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct fw_rate rate = random_rate(false);
		struct run run = { &rate, fw_compile_burst(&rate, false, TICK), false, 0 };
		struct bucket b = bucket_of(&rate, false, (enum width)(i % 3));
		__u64 window = (__u64)b.limit.window << b.limit.shift;
		__u64 now = step_of(unit_random() >> 12), got;

		b.stamp = unit_random() & mask_of(b.width);
		got = drain(&b, &run, now, 3000);
		check_most(&run, got, 0);
		/* The refusal cut impossible debt to a window, or it was at most two. */
		now += 2 * window + TICK;
		assert_true(charge(&b, now, 1));
	}
}

/* Frames of every size pay at least their share, and rounding takes at most 2 %. */
static void byte_costs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(byte_rate); i++) {
		struct bucket b = bucket_of(&byte_rate[i], true, W64);

		for (__u64 len = 60; len <= 65535; len++) {
			unsigned __int128 paid = (unsigned __int128)bucket_cost(&b.limit, len)
						 << b.limit.shift;
			unsigned __int128 share = (unsigned __int128)len * byte_rate[i].per_s * S;

			assert_true(paid * byte_rate[i].count >= share);
			assert_true(paid * byte_rate[i].count * 98 <= share * 100);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greedy_packets), cmocka_unit_test(greedy_bytes),
		cmocka_unit_test(greedy_random),  cmocka_unit_test(bursty),
		cmocka_unit_test(conforming),	  cmocka_unit_test(refused_reads),
		cmocka_unit_test(idle),		  cmocka_unit_test(backward),
		cmocka_unit_test(change),	  cmocka_unit_test(any_stamp),
		cmocka_unit_test(byte_costs),
	};

	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
