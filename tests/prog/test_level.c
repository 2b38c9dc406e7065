// SPDX-License-Identifier: GPL-2.0-only
/*
 * calm, guarded, siege: when a service changes its level, how long it was in each, how often, and
 * that an admin's pin wins. What people read is settled on a copy; the program's own copy is asked
 * through what it does with packets.
 */
#include <string.h>
#include <linux/bpf.h>
#include "bpf/level.h"
#include "tests/lib/prog.h"
#include "user/core/level.h"
#include "user/policy/compile.h"

#define MILLISECOND (SECOND / 1000)

static const struct fw_service_state *stored(struct prog *prog)
{
	return &prog->maps.level[FW_SERVICE_HOST];
}

static __u32 level(struct prog *prog)
{
	__u8 pin = prog_policy(prog)->service[FW_SERVICE_HOST].level_pin;

	return fw_level_now(stored(prog), prog_now(prog), pin);
}

static struct fw_service_state settled(struct prog *prog)
{
	struct fw_service_state s = *stored(prog);

	fw_level_settle(&s, s.over_ns, prog_now(prog));
	return s;
}

/* One unproven packet a second fits; UDP of a source that is known. */
static void tight(struct prog *prog)
{
	struct fw_rate rate = { .count = 1, .per_s = 1, .burst = 1 };
	struct spec one = { .src = CROWD, .dst = SERVER, .proto = UDP };

	assert_int_equal(
		fw_compile_limit(&rate, false, prog->obj->meta.tick_ns,
				 &prog_policy(prog)->service[FW_SERVICE_HOST].crowd[FW_C_PACKETS],
				 NULL),
		0);
	prog_step(prog, (__s64)SECOND);
	prog_expect(prog, &one, FW_R_PASS_NEWCOMER);
}

static void excess(struct prog *prog)
{
	struct spec one = { .src = CROWD, .dst = SERVER, .proto = UDP };

	prog_expect(prog, &one, FW_R_DROP_CROWD_UDP);
}

/* Excess every 100 ms, each time two packets of which the second is surely too many. */
static void flood(struct prog *prog, __u64 ns)
{
	struct spec one = { .src = CROWD, .dst = SERVER, .proto = UDP };

	for (__u64 end = prog_now(prog) + ns; prog_now(prog) < end;
	     prog_step(prog, 100 * (__s64)MILLISECOND)) {
		prog_send(prog, &one);
		excess(prog);
	}
}

static void expect_close(__u64 ns, __u64 want_ns)
{
	if (ns + 400 * MILLISECOND < want_ns || ns > want_ns + 400 * MILLISECOND)
		fail_msg("%llu ms, expected about %llu", ns / MILLISECOND, want_ns / MILLISECOND);
}

static void test_up_and_down(void **state)
{
	struct prog *prog = *state;
	struct fw_service_state s;
	__u64 start;

	tight(prog);
	assert_int_equal(level(prog), FW_LEVEL_CALM);
	start = prog_now(prog);
	excess(prog);
	assert_int_equal(level(prog), FW_LEVEL_GUARDED); /* from the packet on that was too many */
	assert_int_equal(stored(prog)->entered_ns, start);
	flood(prog, 2 * SECOND);
	assert_int_equal(level(prog), FW_LEVEL_GUARDED);
	flood(prog, SECOND);
	assert_int_equal(level(prog), FW_LEVEL_SIEGE);
	expect_close(stored(prog)->entered_ns - start, FW_LEVEL_SIEGE_NS);
	flood(prog, 5 * SECOND);
	prog_step(prog, 10 * (__s64)SECOND);
	assert_int_equal(level(prog), FW_LEVEL_SIEGE);
	prog_step(prog, (__s64)SECOND);
	assert_int_equal(level(prog), FW_LEVEL_GUARDED);
	prog_step(prog, 20 * (__s64)SECOND);
	assert_int_equal(level(prog), FW_LEVEL_GUARDED);
	prog_step(prog, 2 * (__s64)SECOND);
	assert_int_equal(level(prog), FW_LEVEL_CALM);
	prog_step(prog, 60 * (__s64)SECOND);
	s = settled(prog);
	assert_int_equal(s.level, FW_LEVEL_CALM);
	expect_close(s.spent_ns[FW_LEVEL_SIEGE],
		     8 * SECOND - FW_LEVEL_SIEGE_NS + FW_LEVEL_RELAX_NS);
	expect_close(s.spent_ns[FW_LEVEL_GUARDED],
		     FW_LEVEL_SIEGE_NS + FW_LEVEL_CALM_NS - FW_LEVEL_RELAX_NS);
	assert_int_equal(s.entries[FW_LEVEL_GUARDED], 2);
	assert_int_equal(s.entries[FW_LEVEL_SIEGE], 1);
	assert_int_equal(s.entries[FW_LEVEL_CALM], 1);
	expect_close(s.entered_ns, s.over_ns + FW_LEVEL_CALM_NS);
}

/* What nobody watched is booked by the program, too, when the next excess comes. */
static void test_again(void **state)
{
	struct prog *prog = *state;
	struct fw_service_state s;

	tight(prog);
	flood(prog, 4 * SECOND);
	prog_step(prog, 600 * (__s64)SECOND);
	s = settled(prog);
	flood(prog, 100 * MILLISECOND);
	assert_int_equal(stored(prog)->level, FW_LEVEL_GUARDED);
	assert_int_equal(stored(prog)->entries[FW_LEVEL_CALM], s.entries[FW_LEVEL_CALM]);
	assert_int_equal(stored(prog)->entries[FW_LEVEL_GUARDED], s.entries[FW_LEVEL_GUARDED] + 1);
	assert_int_equal(stored(prog)->spent_ns[FW_LEVEL_SIEGE], s.spent_ns[FW_LEVEL_SIEGE]);
	expect_close(stored(prog)->spent_ns[FW_LEVEL_CALM] - s.spent_ns[FW_LEVEL_CALM],
		     600 * SECOND - FW_LEVEL_CALM_NS);
}

/* Now and then a packet too many is no episode. */
static void test_pulses(void **state)
{
	struct prog *prog = *state;

	tight(prog);
	for (int i = 0; i < 20; i++) {
		flood(prog, 100 * MILLISECOND);
		assert_int_equal(level(prog), FW_LEVEL_GUARDED);
		prog_step(prog, 3 * (__s64)SECOND);
	}
	assert_int_equal(stored(prog)->entries[FW_LEVEL_GUARDED], 1);
	assert_int_equal(stored(prog)->entries[FW_LEVEL_SIEGE], 0);
}

/* Another CPU may see the tick later: its clock is behind the stamp, and no pause has been. */
static void test_tick_behind(void **state)
{
	struct prog *prog = *state;

	tight(prog);
	flood(prog, SECOND);
	for (int i = 0; i < 30; i++) {
		prog_step(prog, -4 * (__s64)MILLISECOND);
		excess(prog);
		prog_step(prog, 4 * (__s64)MILLISECOND);
		flood(prog, 100 * MILLISECOND);
	}
	assert_int_equal(level(prog), FW_LEVEL_SIEGE);
	assert_int_equal(stored(prog)->entries[FW_LEVEL_GUARDED], 1);
}

static void test_pin(void **state)
{
	struct prog *prog = *state;
	__u8 *pin = &prog_policy(prog)->service[FW_SERVICE_HOST].level_pin;
	struct spec udp = { .src = CROWD, .nth = 9, .dst = SERVER, .proto = UDP };

	*pin = FW_LEVEL_SIEGE + 1;
	assert_int_equal(level(prog), FW_LEVEL_SIEGE);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
	*pin = FW_LEVEL_GUARDED + 1;
	assert_int_equal(level(prog), FW_LEVEL_GUARDED);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE);
	*pin = 0;
	tight(prog);
	flood(prog, 4 * SECOND);
	assert_int_equal(level(prog), FW_LEVEL_SIEGE);
	*pin = FW_LEVEL_CALM + 1;
	assert_int_equal(level(prog), FW_LEVEL_CALM);
	prog_step(prog, 2 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE); /* calm, but the budget holds */
	excess(prog);
	*pin = 0;
	assert_int_equal(level(prog), FW_LEVEL_SIEGE); /* counted on meanwhile */
}

/* In siege what is within the budget must prove itself, too; guarded, it need not. */
static void test_what_it_changes(void **state)
{
	struct spec udp = { .src = CROWD, .dst = SERVER, .proto = UDP };
	struct prog *prog = *state;

	tight(prog);
	flood(prog, 4 * SECOND);
	prog_step(prog, 5 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
	prog_step(prog, 6 * (__s64)SECOND);
	assert_int_equal(level(prog), FW_LEVEL_GUARDED);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE);
}

/* What `status` shows is that, in words and seconds. */
static void test_shown(void **state)
{
	struct fw_level_now now[FW_SERVICE_MAX];
	struct prog *prog = *state;

	tight(prog);
	assert_int_equal(fw_level_read(&prog->maps, prog_now(prog), now), 1);
	assert_string_equal(now[0].name, "host");
	assert_int_equal(now[0].level, FW_LEVEL_CALM);
	assert_int_equal(now[0].for_s, 0);
	flood(prog, 5 * SECOND);
	fw_level_read(&prog->maps, prog_now(prog), now);
	assert_int_equal(now[0].level, FW_LEVEL_SIEGE);
	assert_in_range(now[0].for_s, 2, 3);
	assert_int_equal(now[0].entries[FW_LEVEL_SIEGE], 1);
	prog_policy(prog)->service[FW_SERVICE_HOST].level_pin = FW_LEVEL_CALM + 1;
	prog_step(prog, 100 * (__s64)SECOND);
	fw_level_read(&prog->maps, prog_now(prog), now);
	assert_int_equal(now[0].level, FW_LEVEL_CALM);
	assert_true(now[0].pinned);
	assert_in_range(now[0].spent_s[FW_LEVEL_SIEGE], 12, 14);
	assert_in_range(now[0].spent_s[FW_LEVEL_GUARDED], 22, 25);
	assert_int_equal(now[0].entries[FW_LEVEL_GUARDED], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_up_and_down), PROG_TEST(test_again), PROG_TEST(test_pulses),
		PROG_TEST(test_tick_behind), PROG_TEST(test_pin),   PROG_TEST(test_what_it_changes),
		PROG_TEST(test_shown),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
