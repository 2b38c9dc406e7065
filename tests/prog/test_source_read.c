// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `source show` says of a source is what the program decides by: the debt that packets made,
 * the lane and class, the charges and losses.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/core/source.h"

static struct fw_source read_source(struct prog *prog, int family)
{
	struct fw_source source;
	struct fw_err err = {};
	__be32 addr_be[4];

	packet_addr(VOTER, family, 0, addr_be);
	if (fw_source_read(&prog->maps, addr_be, &source, &err))
		fail_msg("%s", err.msg);
	return source;
}

static void expect_debt(const struct fw_source_bucket *bucket, double part)
{
	assert_true(bucket->limited);
	if (bucket->debt < part - 0.03 || bucket->debt > part + 0.03)
		fail_msg("debt %.3f, expected %.3f", bucket->debt, part);
}

static void test_unknown(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct fw_source s = read_source(*state, family);

		assert_int_equal(s.family, family);
		assert_false(s.own.known);
		assert_int_equal(s.heavy.family, 0);
		assert_int_equal(s.class, FW_CLASS_DEFAULT);
		assert_int_equal(s.listings, 0);
	}
}

/* 100 a second, burst 100: half of it used, all of it, and half again after half a second. */
static void test_debt(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = VOTER, .dst = SERVER, .proto = UDP, .payload = 10 };

	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 100, 1, 100);
	for (spec.family = 4; spec.family <= 6; spec.family += 2) {
		struct fw_source s;

		assert_int_equal(prog_admitted(prog, &spec, 50), 50);
		s = read_source(prog, spec.family);
		assert_true(s.own.known);
		assert_int_equal(s.net48.known, spec.family == 6);
		expect_debt(&s.own.bucket[FW_K_UDP], 0.5);
		assert_int_equal(prog_admitted(prog, &spec, 80), 50);
		s = read_source(prog, spec.family);
		expect_debt(&s.own.bucket[FW_K_UDP], 1);
		assert_int_equal(s.heavy.packets, 130);
		assert_int_equal(s.heavy.lost, 30);
		assert_int_equal(s.heavy.reason, FW_R_DROP_SRC_UDP);
		assert_string_equal(fw_source_reason(s.heavy.reason), "source_udp");
		prog_step(prog, SECOND / 2);
		s = read_source(prog, spec.family);
		expect_debt(&s.own.bucket[FW_K_UDP], 0.5);
		expect_debt(&s.own.bucket[FW_K_ICMP], 0);
		prog_step(prog, 3600 * SECOND);
		s = read_source(prog, spec.family);
		expect_debt(&s.own.bucket[FW_K_UDP], 0);
		assert_true(s.own.seen_age_s >= 3500);
	}
}

/* A short stamp wraps within seconds; a source that is silent owes nothing all the while. */
static void test_silence(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = VOTER, .dst = SERVER, .proto = UDP, .payload = 10 };

	prog_no_crowd(prog);
	for (spec.family = 4; spec.family <= 6; spec.family += 2) {
		assert_int_equal(prog_admitted(prog, &spec, 1), 1);
		for (int s = 1; s < 40; s++) {
			struct fw_source source;

			prog_step(prog, SECOND / 2);
			source = read_source(prog, spec.family);
			for (int k = 0; k < FW_K_MAX; k++)
				expect_debt(&source.own.bucket[k], 0);
		}
	}
}

/* The packet stamp lives in the word of 52 bits, in ns. */
static void test_packets(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = VOTER, .dst = SERVER, .proto = UDP, .payload = 10 };

	prog_no_crowd(prog);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1000, 1, 400);
	for (spec.family = 4; spec.family <= 6; spec.family += 2) {
		struct fw_source s;

		assert_int_equal(prog_admitted(prog, &spec, 300), 300);
		s = read_source(prog, spec.family);
		expect_debt(&s.own.bucket[FW_K_PACKETS], 0.75);
		assert_false(s.own.bucket[FW_K_UDP].limited);
		prog_step(prog, SECOND);
	}
}

static void test_lanes(void **state)
{
	struct prog *prog = *state;
	__u32 now_s = (__u32)(prog_now(prog) / SECOND);
	struct fw_source s;
	struct fw_apply *a = prog_edit(prog);
	int class = fw_model_class_add(a->model, "carrier", NULL);
	const char *addr = packet_addr_text(VOTER, 4, 0);

	assert_true(class > 0);
	prog_lane_add(a, FW_LANE_CLASS, addr, FW_FOREVER, (__u8) class);
	prog_lane_add(a, FW_LANE_BLOCKED, addr, now_s + 10, 0);
	prog_commit(prog, a, FW_APPLY_POLICY | FW_APPLY_LANES);
	s = read_source(prog, 4);
	assert_true(s.blocked);
	assert_int_equal(s.listings, 2);
	assert_string_equal(s.class_name, "carrier");
	prog_step(prog, 10 * SECOND);
	s = read_source(prog, 4);
	assert_false(s.blocked);
	assert_int_equal(s.class, class);
	prog_lane(prog, FW_LANE_TRUSTED, addr, FW_FOREVER, 0);
	s = read_source(prog, 4);
	assert_true(s.trusted);
	assert_int_equal(s.class, FW_CLASS_TRUSTED);
	assert_string_equal(s.listing[0].why, "test");
	prog_lane(prog, FW_LANE_MANAGEMENT, addr, FW_FOREVER, 0);
	s = read_source(prog, 4);
	assert_true(s.management && !s.trusted && !s.blocked);
}

/* Every source once, with all it sent; and of a while only what it sent in that. */
static void test_heavy(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = UDP, .payload = 10 };
	struct fw_source_heavies all;
	struct fw_source_heavy none;
	__u64 middle, since, begun = prog_now(prog);

	prog_no_crowd(prog);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 2);
	for (spec.nth = 0; spec.nth < 100; spec.nth++)
		prog_admitted(prog, &spec, 3);
	prog_step(prog, SECOND);
	middle = prog_now(prog);
	for (spec.nth = 0; spec.nth < 20; spec.nth++)
		prog_admitted(prog, &spec, 7);
	prog_step(prog, SECOND);
	assert_int_equal(fw_source_heavy(&prog->maps, 0, &all, NULL), 0);
	assert_int_equal(all.count, 100);
	assert_int_equal(all.since_ns, begun);
	assert_int_equal(all.now_ns, prog_now(prog));
	for (size_t i = 0; i < all.count; i++) {
		bool again = all.list[i].packets == 10;

		assert_int_equal(all.list[i].family, 4);
		assert_int_equal(all.list[i].packets, again ? 10 : 3);
		assert_int_equal(all.list[i].lost, again ? 8 : 1);
		assert_int_equal(all.list[i].reason, FW_R_DROP_SRC_UDP);
		if (i)
			assert_true(all.list[i - 1].key < all.list[i].key);
	}
	free(all.list);
	/* Nothing of one that sent nothing, in the same time. */
	assert_int_equal(fw_source_heavy_one(&prog->maps, 4, 0xc0000201, &none, &since, NULL), 0);
	assert_int_equal(none.family, 0);
	assert_int_equal(since, begun);
	assert_int_equal(fw_source_heavy(&prog->maps, middle, &all, NULL), 0);
	assert_int_equal(all.count, 20);
	assert_int_equal(all.since_ns, middle);
	for (size_t i = 0; i < all.count; i++)
		assert_int_equal(all.list[i].packets + all.list[i].lost, 14);
	free(all.list);
}

/* What is remembered no longer is not part of the time that is spoken of. */
static void test_forgotten(void **state)
{
	struct prog *prog = *state;
	struct spec early = { .src = CROWD, .proto = ESP };
	struct spec udp = { .proto = UDP }, icmp = { .proto = ICMP, .type = 8 };
	const __u32 size = prog->maps.cap_ledger_all / prog->maps.cap_ledger_cpus;
	struct fw_source_heavies all;
	struct fw_source_heavy one;
	__u64 since, key;

	prog_no_crowd(prog);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 1);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_ICMP, 1, 3600, 1);
	prog_raw_spec(prog, &early);
	for (__u32 i = 0; i < size + size / 2; i++) {
		if (!(i % 1024))
			prog_step(prog, SECOND);
		prog_raw_spec(prog, i & 1 ? &udp : &icmp);
	}
	assert_int_equal(fw_source_heavy(&prog->maps, 0, &all, NULL), 0);
	assert_int_equal(all.count, 1);
	assert_in_range((all.now_ns - all.since_ns) / SECOND, size / 1024 - 2, size / 1024);
	assert_in_range(all.list[0].packets, size - 2048, size);
	assert_int_equal(all.list[0].lost, all.list[0].packets);
	key = all.list[0].key;
	free(all.list);
	assert_int_equal(fw_source_heavy_one(&prog->maps, 4, key, &one, &since, NULL), 0);
	assert_in_range(one.packets, size - 2048, size);
	assert_int_equal(since, all.since_ns);
}

/* Sources that found their near set full lie in the far part: what was entered is found. */
static void test_far(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = UDP, .payload = 10 };

	prog_no_crowd(prog);
	for (spec.family = 4; spec.family <= 6; spec.family += 2) {
		const struct fw_maps_table *t =
			spec.family == 4 ? &prog->maps.src4 : &prog->maps.src6;

		static bool entered[10000];

		for (spec.nth = 0; spec.nth < 10000; spec.nth++)
			entered[spec.nth] = prog_send(prog, &spec).reason == FW_R_PASS_NEWCOMER;
		assert_true(fw_maps_occupied(t) > 9000); /* the near part holds 8,192 */
		for (__u32 nth = 0; nth < 10000; nth += 13) {
			struct fw_source s;
			__be32 addr_be[4];

			packet_addr(CROWD, spec.family, nth, addr_be);
			assert_int_equal(fw_source_read(&prog->maps, addr_be, &s, NULL), 0);
			assert_int_equal(s.own.known, entered[nth]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_unknown), PROG_TEST(test_debt),	    PROG_TEST(test_silence),
		PROG_TEST(test_packets), PROG_TEST(test_lanes),	    PROG_TEST(test_heavy),
		PROG_TEST(test_far),	 PROG_TEST(test_forgotten),
	};

	return cmocka_run_group_tests_name("source_read", tests, prog_group_setup,
					   prog_group_teardown);
}
