// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources that come back after minutes, hours and weeks: short time stamps come round meanwhile,
 * but nothing is to be read from the past. Proof ends when its time is over, whoever was silent for
 * how long, and places are given to others.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/lib/crowd.h"

#define DAY (86400 * (__s64)SECOND)

/* A month after a flood has filled the table its places are free for others. */
static void test_places_after_weeks(void **state)
{
	struct spec other = { .src = CROWD, .dst = SERVER, .proto = UDP };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];

	for (__s64 silence = DAY; silence < 80 * DAY; silence += 7 * DAY) {
		struct spec voter = { .src = VOTER, .dst = SERVER, .proto = UDP };

		prog_finish(prog);
		prog_reset(prog);
		prog_no_crowd(prog);
		for (other.nth = 0; other.nth < 60000 * 257; other.nth += 257)
			prog_repeat(prog, &other, 1, reason);
		assert_true(prog_note(prog, FW_N_SET_FULL) > 10000);
		prog_step(prog, silence);
		prog_expect(prog, &voter, FW_R_PASS_NEWCOMER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CROWD_TEST(test_places_after_weeks),
	};

	return cmocka_run_group_tests(tests, crowd_group_setup, prog_group_teardown);
}
