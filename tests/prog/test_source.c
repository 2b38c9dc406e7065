// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage source, the tables: everybody has a bucket of his own, newcomers queue for a place, a full
 * set is neither a free pass nor a blanket drop, only the idle are forgotten, IPv6 is charged by
 * /64 and again by /48. What one source gets is test_bucket.c's.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"

/* One packet an hour for everybody, nothing else limited. */
static void one_each(struct prog *prog)
{
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 1);
}

static struct spec crowd(int family)
{
	return (struct spec){ .family = family, .src = CROWD, .proto = ESP, .payload = 20 };
}

/* Sources in the table; a /48 has a place in another one. */
static __u64 kept(struct prog *prog, int family)
{
	return fw_maps_occupied(family == 4 ? &prog->maps.src4 : &prog->maps.src6);
}

/*
 * If two shared a bucket, the second would not get his packet; if one had two, he would get two.
 * Some hundred share set and fingerprint with another. TCP is charged where a glance saw its
 * source.
 */
static void own_bucket(void **state, __u8 proto)
{
	for (int family = 4; family <= 6; family += 2) {
		struct spec spec = crowd(family);
		__u32 untracked = 0;

		if (proto == TCP)
			spec = (struct spec){
				.family = family, .src = CROWD, .proto = TCP, .flags = FW_TCP_ACK
			};
		prog_finish(*state);
		prog_reset(*state);
		one_each(*state);
		for (int round = 0; round < 2; round++) {
			for (__u32 i = 0; i < 30000; i++) {
				struct outcome out;

				spec.nth = i * 77;
				out = prog_send(*state, &spec);
				if (out.reason == FW_R_PASS_CROWD)
					untracked += !round;
				else if (out.reason !=
					 (round ? FW_R_DROP_SRC_PACKETS : FW_R_PASS_NEWCOMER))
					fail_msg("v%d source %u, round %d: %s", family, i, round,
						 prog_reason_name(out.reason));
			}
		}
		assert_true(untracked < 30); /* 65,536 places and 30,000 sources */
		assert_int_equal(kept(*state, family), 30000 - untracked);
	}
}

static void test_own_bucket(void **state)
{
	own_bucket(state, ESP);
}

static void test_own_bucket_at_a_glance(void **state)
{
	own_bucket(state, TCP);
}

/* Everything below a /64 is one source. */
static void test_one_64(void **state)
{
	struct spec spec = crowd(6);

	one_each(*state);
	prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);
	for (spec.low = 1; spec.low; spec.low <<= 1)
		prog_expect(*state, &spec, FW_R_DROP_SRC_PACKETS);
	spec.low = 0;
	spec.nth = 1;
	prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);
}

/* A /48 gets 16 times a /64's limit, whatever its /64s would add up to. */
static void test_net48(void **state)
{
	struct fw_apply *apply = prog_edit(*state);
	struct spec spec = crowd(6);
	__u32 admitted = 0;

	memset(apply->model->class[0].rate, 0, sizeof(apply->model->class[0].rate));
	apply->model->class[0].rate[FW_K_PACKETS] = (struct fw_rate){ 100, 100, 1, 0 };
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_no_crowd(*state);
	for (spec.nth = 0; spec.nth < 100; spec.nth++)
		for (int i = 0; i < 50; i++)
			admitted += prog_send(*state, &spec).action == XDP_PASS;
	assert_in_range(admitted, 1568, 1600);
	spec.nth = 99;
	prog_expect(*state, &spec, FW_R_DROP_NET48);
	spec.nth = 0x10000; /* the next /48 */
	assert_int_equal(prog_admitted(*state, &spec, 1000), 100);
	prog_step(*state, SECOND / 2);
	spec.nth = 0;
	assert_in_range(prog_admitted(*state, &spec, 1000), 98, 100);
}

/* So many newcomers a second and family; whom the table knows does not queue with them. */
static void test_newcomers(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct spec spec = crowd(family), known = { .family = family, .proto = ESP };
		struct spec clerk = { .family = family, .src = CLERK, .proto = ESP };
		__u64 reason[FW_R_MAX];

		prog_finish(*state);
		prog_reset(*state);
		prog_lane(*state, FW_LANE_TRUSTED, packet_addr_text(CLERK, family, 0), FW_FOREVER,
			  0);
		prog_expect(*state, &known, FW_R_PASS_NEWCOMER);
		prog_budget(*state, family == 4 ? FW_B_NEW4 : FW_B_NEW6, 100, 100);
		memset(prog_policy(*state)->service[0].crowd, 0,
		       sizeof(struct fw_limit) * FW_C_MAX);
		memset(prog_policy(*state)->service[0].net, 0, sizeof(struct fw_limit) * FW_C_MAX);
		prog_step(*state, SECOND);
		for (spec.nth = 0; spec.nth < 1000; spec.nth++)
			prog_send(*state, &spec);
		prog_reasons(*state, reason);
		assert_in_range(reason[FW_R_PASS_NEWCOMER], 99, 102);
		assert_int_equal(reason[FW_R_DROP_CROWD_OTHER], 1001 - reason[FW_R_PASS_NEWCOMER]);
		prog_expect(*state, &known, FW_R_PASS_SOURCE);
		prog_expect(*state, &clerk, FW_R_PASS_TRUSTED);
	}
}

/*
 * More sources than places. Who has no place is left to the crowd's budget; who has one keeps it
 * and its debt. After a silence newcomers take the places of the idle, and of nobody else.
 */
static void test_full(void **state)
{
	enum { MANY = 400000 };

	for (int family = 4; family <= 6; family += 2) {
		struct spec spec = crowd(family), voter = { .family = family, .proto = ESP };
		__u64 reason[FW_R_MAX], places, untracked, evicted;

		prog_finish(*state);
		prog_reset(*state);
		prog_unlimited(*state, FW_CLASS_DEFAULT);
		prog_no_crowd(*state);
		prog_limit(*state, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 1, 3);
		prog_expect(*state, &voter, FW_R_PASS_NEWCOMER);
		for (spec.nth = 0; spec.nth < MANY; spec.nth++)
			prog_raw_spec(*state, &spec);
		prog_reasons(*state, reason);
		places = kept(*state, family);
		/* Every place is taken; the rest was told so, and left to the crowd. */
		assert_in_range(places, 65536, 2 * 65536);
		assert_int_equal(reason[FW_R_PASS_NEWCOMER], places);
		/* Of so many /64s a few pairs share a name, see test_hash.c; IPv4 has none. */
		assert_in_range(reason[FW_R_PASS_SOURCE], 0, family == 4 ? 0 : 40);
		untracked = MANY + 1 - places - reason[FW_R_PASS_SOURCE];
		assert_int_equal(reason[FW_R_PASS_CROWD], untracked);
		assert_int_equal(prog_note(*state, FW_N_SET_FULL), untracked);
		assert_int_equal(prog_note(*state, FW_N_EVICTED), 0);
		/* The voter is still known, and still owes. */
		prog_expect(*state, &voter, FW_R_PASS_SOURCE);
		prog_expect(*state, &voter, FW_R_PASS_SOURCE);
		prog_expect(*state, &voter, FW_R_DROP_SRC_PACKETS);

		/* He comes every second; all others have gone. */
		for (int i = 0; i < 15; i++) {
			prog_step(*state, SECOND + SECOND / 50);
			prog_expect(*state, &voter, FW_R_PASS_SOURCE);
		}
		for (; spec.nth < MANY + 40000; spec.nth++)
			prog_raw_spec(*state, &spec);
		evicted = prog_note(*state, FW_N_EVICTED);
		assert_true(evicted > 38000);
		prog_expect(*state, &voter, FW_R_DROP_SRC_PACKETS); /* nobody took his place */
		prog_reasons(*state, reason);
		assert_int_equal(reason[FW_R_PASS_NEWCOMER], places + evicted);
	}
}

/* A crowd budget that is used up: a full table passes nothing for free. */
static void test_full_and_over(void **state)
{
	struct spec spec = crowd(4);
	__u64 reason[FW_R_MAX];

	memset(&prog_policy(*state)->budget[FW_B_NEW4], 0, sizeof(struct fw_limit));
	memset(prog_policy(*state)->service[0].crowd, 0, sizeof(struct fw_limit) * FW_C_MAX);
	memset(prog_policy(*state)->service[0].net, 0, sizeof(struct fw_limit) * FW_C_MAX);
	for (; !prog_note(*state, FW_N_SET_FULL); spec.nth++)
		prog_raw_spec(*state, &spec);
	spec.nth--;
	prog_policy(*state)->service[0].crowd[FW_C_PACKETS] =
		(struct fw_limit){ .window = 1000, .cost = 10, .shift = 20 };
	prog_repeat(*state, &spec, 500, reason);
	assert_int_equal(reason[FW_R_PASS_CROWD], 100);
	assert_int_equal(reason[FW_R_DROP_CROWD_OTHER], 400);
}

static int setup(void **state)
{
	static const struct prog_opts opts = {
		.clock = PROG_CLOCK_VIRTUAL,
		.sizes = { .sources4 = 65536, .sources6 = 65536 },
	};

	*state = prog_open(&opts);
	return 0;
}

/* The one stamp that would read as a place not yet open: it must never be stored. */
static void test_claim_stamp(void **state)
{
	struct prog *prog = *state;
	struct spec spec = crowd(4);
	const struct fw_limit *limit;

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 60, 4);
	limit = &prog_policy(prog)->class[FW_CLASS_DEFAULT].limit[FW_K_PACKETS];
	for (__u64 packets = 1; packets <= 2; packets++) {
		__u64 cost = (__u64)limit->cost << limit->shift >> limit->q;

		prog_clock(prog, FW_TAT_MASK - packets * cost);
		spec.nth++;
		prog_expect(prog, &spec, FW_R_PASS_NEWCOMER);
		prog_expect(prog, &spec, FW_R_PASS_SOURCE);
		prog_expect(prog, &spec, FW_R_PASS_SOURCE);
	}
	assert_int_equal(prog_note(prog, FW_N_RACE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_own_bucket),    PROG_TEST(test_own_bucket_at_a_glance),
		PROG_TEST(test_one_64),	       PROG_TEST(test_net48),
		PROG_TEST(test_newcomers),     PROG_TEST(test_full),
		PROG_TEST(test_full_and_over), PROG_TEST(test_claim_stamp),
	};

	return cmocka_run_group_tests(tests, setup, prog_group_teardown);
}
