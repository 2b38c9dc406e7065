// SPDX-License-Identifier: GPL-2.0-only
/* Rates to limits: the fields keep their bounds and the promise, and refusals name what works. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/compile.h"

#define TICK 4000000

/* Bounds of abi.h, and the price of one packet or byte against the rate, exactly. */
static void check_fields(const struct fw_rate *rate, bool bytes, const struct fw_limit *l)
{
	unsigned __int128 interval = (unsigned __int128)rate->per_s * 1000000000;
	__u64 burst = fw_compile_burst(rate, bytes, TICK);
	unsigned __int128 paid;

	assert_in_range(l->window, 1, FW_WINDOW_MAX);
	assert_in_range(l->cost, 1, (1U << 31) - 1);
	assert_in_range(l->shift, 0, bytes ? 24 : 20);
	assert_in_range(l->q, 0, bytes ? 31 : 0);
	assert_true(l->soft <= l->window);
	assert_int_equal(l->units | l->pad, 0);
	/* cost * 2^(shift-q) >= interval / count: never cheaper than the rate */
	paid = (unsigned __int128)l->cost << l->shift;
	assert_true(paid * rate->count >= interval << l->q);
	assert_true(paid * rate->count * 98 <= (interval << l->q) * 100);
	/* The whole burst fits at once, and not one more. */
	if (!bytes) {
		assert_true((__u64)l->cost * burst <= l->window);
		assert_true((__u64)l->cost * (burst + 1) > l->window);
	} else {
		assert_true(((unsigned __int128)l->cost * burst) >> l->q <= l->window);
		assert_true(((unsigned __int128)l->cost * (burst + 1)) >> l->q >= l->window - 1);
	}
}

static void any_rate(void **state)
{
	int good = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		static const __u32 per[] = { 1, 60, 3600 };
		struct fw_rate rate = { .count = 1 + (unit_random() >> unit_below(64)),
					.per_s = per[unit_below(3)],
					.burst =
						unit_below(3) ? unit_random() >> unit_below(64) : 0,
					.soft_pct = (__u32)unit_below(101) };
		struct fw_limit l = { .window = 77 };
		struct fw_err err = { 0 };
		bool bytes = i & 1;

		rate.count &= ~0ULL >> 1;
		rate.burst &= ~0ULL >> 1;
		if (!rate.count)
			continue;
		if (!fw_compile_limit(&rate, bytes, TICK, &l, &err)) {
			check_fields(&rate, bytes, &l);
			good++;
		} else {
			assert_int_equal(l.window, 77);
			assert_true(err.msg[0] && err.hint[0]);
			refused++;
		}
	}
	assert_true(good > 10000 && refused > 10000); /* both were really tried */
}

static void extreme_rates(void **state)
{
	static const struct fw_rate packets[] = {
		{ 1, 0, 3600, 80 },
		{ 1, 1, 3600, 0 },
		{ 1, 100, 3600, 0 },
		{ 10, 0, 60, 0 },
		{ 1, 0, 1, 0 },
		{ 3, 7, 1, 0 },
		{ 10000000, 0, 1, 0 },
		{ 10000000, 10000000, 1, 0 },
		{ 20000000, 0, 1, 0 },
		{ 10000000, 80000, 1, 0 },
		{ 36000000000ULL, 0, 3600, 0 },
		{ 7, 1000, 3600, 0 },
	};
	static const struct fw_rate bytes[] = {
		{ 10000, 0, 3600, 0 },	       { 1, 16384, 1, 0 },
		{ 50000000, 20000000, 1, 80 }, { 1200000000, 0, 1, 0 },
		{ 125000000, 0, 1, 0 },	       { 7, 65535, 60, 0 },
		{ 10000000, 0, 1, 0 },	       { 600000000, 600000000, 1, 0 },
	};
	struct fw_limit l;
	struct fw_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(packets); i++) {
		if (fw_compile_limit(&packets[i], false, TICK, &l, &err))
			fail_msg("packets %zu: %s", i, err.msg);
		check_fields(&packets[i], false, &l);
	}
	for (size_t i = 0; i < COUNT(bytes); i++) {
		if (fw_compile_limit(&bytes[i], true, TICK, &l, &err))
			fail_msg("bytes %zu: %s", i, err.msg);
		check_fields(&bytes[i], true, &l);
	}
}

static void no_limit(void **state)
{
	const struct fw_rate rate = { .count = 0, .per_s = 1, .burst = 5, .soft_pct = 80 };
	static const struct fw_limit none;
	struct fw_limit l = { .window = 7 };

	(void)state;
	assert_int_equal(fw_compile_limit(&rate, false, TICK, &l, NULL), 0);
	assert_memory_equal(&l, &none, sizeof(l));
	assert_int_equal(fw_compile_burst(&(struct fw_rate){ .per_s = 1 }, true, TICK), 0);
}

static void default_burst(void **state)
{
	static const struct {
		struct fw_rate rate;
		bool bytes;
		__u64 want;
	} row[] = {
		{ { 1, 0, 3600, 0 }, false, 1 },
		{ { 5, 0, 1, 0 }, false, 1 },
		{ { 50, 0, 1, 0 }, false, 5 },
		{ { 6, 0, 1, 0 }, false, 2 },
		{ { 5000, 0, 1, 0 }, false, 500 },
		{ { 5000, 42, 1, 0 }, false, 42 },
		{ { 6000, 0, 60, 0 }, false, 10 },
		{ { 1000, 0, 1, 0 }, true, 16384 },
		{ { 50000000, 0, 1, 0 }, true, 5000000 },
		{ { 2000000, 0, 1, 0 }, true, 200000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(fw_compile_burst(&row[i].rate, row[i].bytes, TICK), row[i].want);
}

/* What is refused says a value that then works, and one beyond which it does not. */
static void refusals(void **state)
{
	static const struct {
		struct fw_rate rate;
		bool bytes;
		const char *msg, *hint;
		__u64 works, fails;
	} row[] = {
		{ { 10000, 1, 1, 0 }, false, "too small", "at least 80,", 80, 79 },
		{ { 10000000, 1000, 1, 0 }, false, "too small", "at least 80000,", 80000, 79999 },
		{ { 100, 1, 1, 0 }, false, "too small", "at least 2,", 2, 1 },
		{ { 1000, 16383, 1, 0 }, true, "too small", "at least 16384,", 16384, 16383 },
		{ { 50000000, 20000, 1, 0 },
		  true,
		  "too small",
		  "at least 400000,",
		  400000,
		  399999 },
		{ { 1, 100000, 3600, 0 }, false, "too long", "at most 156", 156, 157 },
		{ { 10000000, 100000000, 1, 0 },
		  false,
		  "too long",
		  "at most 21474836",
		  21474836,
		  21474837 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_rate rate = row[i].rate;
		struct fw_err err = { 0 };
		struct fw_limit l;

		assert_int_equal(fw_compile_limit(&rate, row[i].bytes, TICK, &l, &err), -EINVAL);
		if (!strstr(err.msg, row[i].msg) || !strstr(err.hint, row[i].hint))
			fail_msg("%zu: \"%s\" \"%s\"", i, err.msg, err.hint);
		rate.burst = row[i].works;
		assert_int_equal(fw_compile_limit(&rate, row[i].bytes, TICK, &l, NULL), 0);
		rate.burst = row[i].fails;
		assert_int_equal(fw_compile_limit(&rate, row[i].bytes, TICK, &l, NULL), -EINVAL);
	}
}

static void too_fast_or_slow(void **state)
{
	static const struct {
		struct fw_rate rate;
		bool bytes;
		const char *msg;
	} row[] = {
		{ { 45000000, 0, 1, 0 }, false, "45M/s is too fast" },
		{ { 9000000000000ULL, 0, 1, 0 }, false, "too fast" },
		{ { 5000000000ULL, 0, 1, 0 }, true, "5G/s is too fast" },
		{ { 1, 0, 3600, 0 }, true, "1/h is too slow" },
		{ { 1, 0, 2, 0 }, false, "per second, minute or hour" },
		{ { 1, 0, 0, 0 }, false, "per second, minute or hour" },
		{ { 1, 0, 1, 101 }, false, "from 0 to 100 %" },
		{ { 1ULL << 63, 0, 1, 0 }, false, "too large" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_err err = { 0 };
		struct fw_limit l;

		assert_int_equal(fw_compile_limit(&row[i].rate, row[i].bytes, TICK, &l, &err),
				 -EINVAL);
		if (!strstr(err.msg, row[i].msg))
			fail_msg("%zu: \"%s\"", i, err.msg);
		assert_int_equal(err.exit_code, FW_EXIT_USAGE);
	}
}

static void net48(void **state)
{
	const struct fw_rate rate = { 5000, 5000, 1, 80 };
	const struct fw_rate fast = { 10000000, 0, 1, 0 };
	struct fw_limit one, sixteen;
	struct fw_err err;

	(void)state;
	assert_int_equal(fw_compile_limit(&rate, false, TICK, &one, NULL), 0);
	assert_int_equal(fw_compile_net48(&rate, 16, false, TICK, &sixteen, NULL), 0);
	assert_int_equal(sixteen.cost << sixteen.shift, (one.cost << one.shift) / 16);
	assert_int_equal(sixteen.window / sixteen.cost, 16 * 5000);
	/* 160M/s cannot be precise, but must not be refused, nor give more. */
	assert_int_equal(fw_compile_net48(&fast, 16, false, TICK, &sixteen, NULL), 0);
	assert_int_equal(sixteen.cost << sixteen.shift, 7); /* 6.25 ns */
	assert_int_equal(fw_compile_net48(&fast, 65536, false, TICK, &sixteen, &err), -EINVAL);
	assert_string_equal(err.msg, "65536 times 10M/s is more than can be counted");
	assert_non_null(strstr(err.hint, "net48-factor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_rate), cmocka_unit_test(extreme_rates),
		cmocka_unit_test(no_limit), cmocka_unit_test(default_burst),
		cmocka_unit_test(refusals), cmocka_unit_test(too_fast_or_slow),
		cmocka_unit_test(net48),
	};

	return cmocka_run_group_tests_name("compile_limit", tests, NULL, NULL);
}
