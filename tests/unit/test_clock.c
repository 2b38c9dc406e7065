// SPDX-License-Identifier: GPL-2.0-only
/* Program time: its step, its zero, and the way to the wall clock. Asserts no duration. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "tests/unit/unit.h"
#include "user/base/clock.h"
#include "bpf/abi.h"

static void ticks(void **state)
{
	__u64 hz;

	(void)state;
	assert_in_range(fw_clock_tick(), 100000, 10000000);
	assert_true(fw_clock_now() > 0);
	/* Measured or not: INITIAL_JIFFIES, give or take ticks lost while booting. */
	hz = (FW_NS_PER_S + fw_clock_tick() / 2) / fw_clock_tick();
	assert_in_range(fw_clock_jiffies0(fw_clock_tick()) + 60 * hz, (1ULL << 32) - 300 * hz,
			(1ULL << 32) - 180 * hz);
}

static void until(void **state)
{
	(void)state;
	assert_int_equal(fw_clock_until(0, 10), 10);
	assert_int_equal(fw_clock_until(1, 10), 11); /* rounded up: never shorter than asked */
	assert_int_equal(fw_clock_until(5 * FW_NS_PER_S, 1), 6);
	assert_int_equal(fw_clock_until(5 * FW_NS_PER_S, FW_FOREVER), FW_FOREVER);
	assert_int_equal(fw_clock_until(0xfffffffeULL * FW_NS_PER_S, 100), FW_FOREVER - 1);
}

static void wall(void **state)
{
	char buf[FW_CLOCK_LEN];
	__u64 now = fw_clock_now();

	(void)state;
	/* An hour of program time is an hour on the wall, forward and back. */
	assert_in_range(fw_clock_to_realtime(now + 3600 * FW_NS_PER_S, now) -
				fw_clock_to_realtime(now - 3600 * FW_NS_PER_S, now),
			0, 7300 * FW_NS_PER_S);
	setenv("TZ", "XST-2", 1);
	tzset();
	assert_string_equal(fw_clock_put(buf, sizeof(buf), 0), "1970-01-01 02:00:00+02:00");
	setenv("TZ", "XST3:30", 1);
	tzset();
	assert_string_equal(fw_clock_put(buf, sizeof(buf), 86400 * FW_NS_PER_S),
			    "1970-01-01 20:30:00-03:30");
}

/* What no calendar has is refused, not moved to the next day that there is. */
static void parsed(void **state)
{
	static const struct {
		const char *text;
		__u64 want_s; /* 0: refused */
	} row[] = {
		{ "2026-11-30 10:00:00+00:00", 1796032800 },
		{ "2026-11-30T12:00+02:00", 1796032800 },
		{ "2028-02-29 00:00Z", 1835395200 },
		{ "2026-11-31 10:00:00+00:00", 0 },
		{ "2026-11-31 10:00", 0 },
		{ "2026-02-29 10:00Z", 0 },
		{ "2026-11-30 10:00+99:00", 0 },
		{ "2026-11-30 10:00+01:75", 0 },
		{ "2026-11-30", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct fw_err err = { 0 };
		__u64 got = 7;
		int r = fw_clock_parse(row[i].text, &got, &err);

		if (r != (row[i].want_s ? 0 : -EINVAL) ||
		    got != (row[i].want_s ? row[i].want_s * FW_NS_PER_S : 7))
			fail_msg("\"%s\": %d, %llu", row[i].text, r, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticks),
		cmocka_unit_test(until),
		cmocka_unit_test(wall),
		cmocka_unit_test(parsed),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
