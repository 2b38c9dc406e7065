// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bans: a proven source that stays over its limits with connections of its own is refused for a
 * while, longer each time; one that somebody else spoofs is not. The connection is real.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/lib/prog.h"
#include "tests/lib/sockets.h"

#define MILLISECOND (SECOND / 1000)
#define SIGNS	    15 /* seconds of flooding after which a ban must have come */

static int listener[2];

static int group_setup(void **state)
{
	sockets_unshare();
	sockets_listen(80, listener);
	return prog_group_setup(state);
}

/* A voter with a connection, proven, whose class allows 100 packets a second. */
static struct spec proven(struct prog *prog, int family, int fd[2])
{
	struct spec ack = { .family = family, .src = VOTER, .dst = SERVER, .proto = TCP };

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 100, 1, 100);
	ack.sport = sockets_connect(listener[family == 6], family, VOTER, 80, fd);
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	return ack;
}

/* Floods at 4,000 a second until banned. Returns virtual ns that took, 0: never. */
static __u64 flood(struct prog *prog, const struct spec *spec)
{
	__u64 start = prog_now(prog);
	struct outcome out;

	while (prog_now(prog) < start + SIGNS * SECOND) {
		for (int i = 0; i < 16; i++) {
			out = prog_send(prog, spec);
			if (out.reason == FW_R_DROP_BANNED)
				return prog_now(prog) - start;
		}
		prog_step(prog, 4 * MILLISECOND);
	}
	return 0;
}

static void test_flooder(void **state)
{
	struct prog *prog = *state;
	__u64 ban_ns = prog_policy(prog)->ban_s * SECOND, start;

	for (int family = 4; family <= 6; family += 2) {
		int fd[2];
		struct spec ack = proven(prog, family, fd), udp = ack;

		assert_true(flood(prog, &ack) >= FW_BAN_AFTER_NS);
		start = prog_now(prog);
		udp.proto = UDP; /* the source is banned, not the connection */
		prog_expect(prog, &udp, FW_R_DROP_BANNED);
		for (__u64 at = 0; at < ban_ns - SECOND / 2; at += SECOND / 2) {
			prog_clock(prog, start + at);
			assert_int_equal(prog_send(prog, &ack).action, 1); /* XDP_DROP */
		}
		prog_clock(prog, start + ban_ns + 3 * SECOND);
		assert_int_equal(prog_send(prog, &ack).action, 2); /* XDP_PASS */
		/* Again, and for longer. */
		assert_true(flood(prog, &ack) > 0);
		prog_step(prog, (__s64)(ban_ns + 3 * SECOND));
		prog_expect(prog, &ack, FW_R_DROP_BANNED);
		close(fd[0]);
		close(fd[1]);
		prog_step(prog, 3600 * (__s64)SECOND);
	}
	assert_int_equal(prog_note(prog, FW_N_BANNED), 4);
}

/* A clerk's address in the /64 of a banned source, or who is trusted since the ban, is not banned.
 */
static void test_trusted(void **state)
{
	struct prog *prog = *state;

	for (int family = 4; family <= 6; family += 2) {
		int fd[2];
		struct spec ack = proven(prog, family, fd), clerk = ack;

		assert_true(flood(prog, &ack) > 0);
		clerk.low = 0x77;
		prog_expect(prog, &clerk, FW_R_DROP_BANNED);
		prog_lane(prog, FW_LANE_TRUSTED,
			  family == 6 ? "2001:db8:a:1::70/128" : "198.51.100.7", FW_FOREVER, 0);
		prog_expect(prog, &clerk, FW_R_PASS_TRUSTED);
		if (family == 6)
			prog_expect(prog, &ack, FW_R_DROP_BANNED);
		close(fd[0]);
		close(fd[1]);
	}
}

/* The same flood, but of no connection: the victim is not banned, and her own one goes on. */
static void test_spoofed(void **state)
{
	struct prog *prog = *state;

	for (int family = 4; family <= 6; family += 2) {
		int fd[2], passed = 0;
		struct spec own = proven(prog, family, fd), spoofed = own;

		spoofed.sport ^= 0x1111;
		assert_int_equal(flood(prog, &spoofed), 0);
		for (int i = 0; i < 50; i++)
			passed += prog_send(prog, &own).action == 2;
		assert_int_equal(passed, 50);
		close(fd[0]);
		close(fd[1]);
	}
	assert_int_equal(prog_note(prog, FW_N_BANNED), 0);
}

/*
 * Whoever spoofs her SYN, too, has a half-open connection in her name, which stays if nothing
 * refuses the answer: firewalls are silent. It is none of hers: she is not banned for its packets,
 * and they have no part in what is kept for her own.
 */
static void test_half_open(void **state)
{
	struct prog *prog = *state;
	static struct packet packet;
	struct spec own, spoofed;
	int fd[2], passed = 0;

	own = proven(prog, 4, fd);
	spoofed = own;
	spoofed.sport ^= 0x1111;
	spoofed.flags = SYN;
	sockets_silence("198.51.100.0/24");
	packet_build(&spoofed, &packet);
	sockets_inject(&packet);
	spoofed.flags = ACK;
	assert_int_equal(flood(prog, &spoofed), 0);
	assert_int_equal(prog_note(prog, FW_N_BANNED), 0);
	for (int i = 0; i < 50; i++)
		passed += prog_send(prog, &own).action == 2;
	assert_int_equal(passed, 50);
	close(fd[0]);
	close(fd[1]);
}

/* A flood in her name that no limit of its own kind stops: the same. */
static void test_spoofed_udp(void **state)
{
	struct prog *prog = *state;

	for (int family = 4; family <= 6; family += 2) {
		int fd[2], passed = 0;
		struct spec own = proven(prog, family, fd), spoofed = own;

		spoofed.proto = UDP;
		assert_int_equal(flood(prog, &spoofed), 0);
		for (int i = 0; i < 50; i++)
			passed += prog_send(prog, &own).action == 2;
		assert_int_equal(passed, 50);
		close(fd[0]);
		close(fd[1]);
	}
	assert_int_equal(prog_note(prog, FW_N_BANNED), 0);
}

/*
 * What CPUs share is written once in a step of the clock, however many packets are over the limit;
 * and yet each of them counts.
 */
static void test_written_once_a_step(void **state)
{
	enum { STEPS = 20, EACH = 40 };
	struct prog *prog = *state;
	size_t size = FW_BAN_SETS * sizeof(struct fw_ban_set);
	struct fw_ban_set *before = malloc(size);
	int fd[2], score = 0;
	struct spec ack = proven(prog, 4, fd);

	assert_non_null(before);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 1);
	prog_step(prog, SECOND); /* the first packet's debt is paid */
	prog_expect(prog, &ack, FW_R_PASS_PROVEN);
	for (int step = 0; step < STEPS; step++) {
		prog_step(prog, 4 * MILLISECOND);
		prog_expect(prog, &ack, FW_R_DROP_SRC_PACKETS);
		memcpy(before, prog->maps.ban, size);
		for (int i = 1; i < EACH; i++)
			prog_expect(prog, &ack, FW_R_DROP_SRC_PACKETS);
		assert_memory_equal(before, prog->maps.ban, size);
	}
	prog_step(prog, 4 * MILLISECOND);
	prog_expect(prog, &ack, FW_R_DROP_SRC_PACKETS);
	for (size_t i = 0; i < FW_BAN_SETS; i++)
		for (int w = 0; w < FW_BAN_WAYS; w++)
			score += prog->maps.ban[i].way[w].score;
	assert_in_range(score, STEPS * EACH, STEPS * EACH + 2);
	free(before);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { PROG_TEST(test_flooder),
					    PROG_TEST(test_trusted),
					    PROG_TEST(test_spoofed),
					    PROG_TEST(test_spoofed_udp),
					    PROG_TEST(test_written_once_a_step),
					    PROG_TEST(test_half_open) };

	return cmocka_run_group_tests(tests, group_setup, prog_group_teardown);
}
