// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources that come back after minutes, hours and weeks: short time stamps come round meanwhile,
 * but nothing is to be read from the past. Proof ends when its time is over, whoever was silent for
 * how long, and places are given to others.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/lib/crowd.h"
#include "user/core/source.h"

#define MINUTE (60 * (__s64)SECOND)
#define DAY    (1440 * MINUTE)

/* A voter who proved herself just now, in a siege; UDP tells whether she still counts as proven. */
static struct spec proven(struct prog *prog, int family, int fd[2], struct spec *ret_udp)
{
	struct spec ack = { .family = family, .src = VOTER, .dst = SERVER, .proto = TCP };

	crowd_pin(prog, FW_LEVEL_SIEGE);
	ack.sport = sockets_connect(crowd_listener[family == 6], family, VOTER, 80, fd);
	*ret_udp = ack;
	ret_udp->proto = UDP;
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	prog_expect(prog, ret_udp, FW_R_PASS_PROVEN);
	return ack;
}

/* What `source show` says of the voter. */
static struct fw_source_place shown(struct prog *prog, int family)
{
	struct fw_source source;
	__be32 addr_be[4];

	packet_addr(VOTER, family, 0, addr_be);
	assert_int_equal(fw_source_read(&prog->maps, addr_be, &source, NULL), 0);
	return source.own;
}

/* Silent for any time: proof is over when its time is, however often that comes round. */
static void test_proof_after_a_silence(void **state)
{
	struct prog *prog = *state;
	int fd[2];

	FOR_FAMILIES(family)
	{
		for (__s64 silence = 11 * MINUTE; silence < 60 * DAY; silence += silence / 7) {
			struct spec udp;

			prog_finish(prog);
			prog_reset(prog);
			proven(prog, family, fd, &udp);
			assert_true(shown(prog, family).proven);
			prog_step(prog, silence);
			assert_false(shown(prog, family).proven);
			if (silence < 50 * DAY)
				assert_true(shown(prog, family).seen_age_s >= 599);
			prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
			close(fd[0]);
			close(fd[1]);
		}
	}
}

/* The same with one packet between, at any time. It may last a tenth longer: steps of 17 s. */
static void test_proof_after_two_silences(void **state)
{
	struct prog *prog = *state;
	int fd[2];

	for (__u32 proof_s = 600; proof_s <= FW_PROOF_MAX_S; proof_s += 600) {
		for (__s64 first = MINUTE; first < 40 * MINUTE; first += MINUTE) {
			for (__s64 second = MINUTE; second < 40 * MINUTE; second += MINUTE) {
				struct spec udp;

				if (first + second < (proof_s * 11 / 10 + 20) * (__s64)SECOND)
					continue;
				prog_finish(prog);
				prog_reset(prog);
				prog_policy(prog)->proof_s = proof_s;
				proven(prog, 4, fd, &udp);
				prog_step(prog, first);
				prog_send(prog, &udp);
				prog_step(prog, second);
				prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
				close(fd[0]);
				close(fd[1]);
			}
		}
	}
}

/*
 * A ban is no silence that a stamp tells of, but time passes: who comes back from a long one has
 * full buckets and no proof.
 */
static void test_after_a_ban(void **state)
{
	struct prog *prog = *state;
	int fd[2];

	for (__u32 ban_s = 700; ban_s <= FW_BAN_MAX_S; ban_s += ban_s / 5) {
		struct spec udp, ack;
		struct outcome out = {};

		prog_finish(prog);
		prog_reset(prog);
		prog_zero(prog, "fw_ban");
		prog_policy(prog)->ban_s = ban_s;
		prog_policy(prog)->ban_max_s = ban_s;
		prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 100, 1, 100);
		ack = proven(prog, 4, fd, &udp);
		for (int i = 0; i < 20000 && out.reason != FW_R_DROP_BANNED; i++) {
			out = prog_send(prog, &ack);
			prog_step(prog, MILLISECOND / 4);
		}
		assert_int_equal(out.reason, FW_R_DROP_BANNED);
		prog_step(prog, (__s64)((ban_s + 5) * SECOND));
		prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
		prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		close(fd[0]);
		close(fd[1]);
	}
}

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
		CROWD_TEST(test_proof_after_a_silence),
		CROWD_TEST(test_proof_after_two_silences),
		CROWD_TEST(test_after_a_ban),
		CROWD_TEST(test_places_after_weeks),
	};

	return cmocka_run_group_tests(tests, crowd_group_setup, prog_group_teardown);
}
