// SPDX-License-Identifier: GPL-2.0-only
/* Half-open connections: a spoofed SYN makes them as a voter's does, so they prove nothing. */
#include <unistd.h>
#include "tests/lib/crowd.h"

/* A SYN alone may have been spoofed: its half-open connection passes, but proves nobody. */
static void test_half_open(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN, .nth = 77 };
	static struct packet packet;
	struct prog *prog = *state;

	sockets_sysctl("tcp_syncookies", 1);
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	spec.flags = ACK;
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	spec.sport = 40001;
	prog_expect(prog, &spec, FW_R_DROP_COOKIE);
	assert_int_equal(prog_note(prog, FW_N_PROVEN), 0);
}

/*
 * Nor does it let a flood through: what comes for it is within the crowd's budget, or few packets
 * of each source, as many as it may open connections. The excess is noticed.
 */
static void test_half_open_flood(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN, .nth = 79 };
	static struct packet packet;
	struct prog *prog = *state;

	sockets_sysctl("tcp_syncookies", 1);
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_SYN, 10, 1, 10);
	crowd_budget(prog, false, FW_C_PACKETS, 100, 100);
	spec.flags = ACK;
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	assert_in_range(prog_admitted(prog, &spec, 2000), 100, 110);
	prog_expect(prog, &spec, FW_R_DROP_OUT_OF_STATE);
	assert_int_equal(prog->maps.level[FW_SERVICE_HOST].level, FW_LEVEL_GUARDED);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	prog_step(prog, (__s64)SECOND);
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	assert_in_range(prog_admitted(prog, &spec, 2000), 8, 10);
}

/* Nor if sources have no limit on new connections: few for each all the same. */
static void test_half_open_unlimited(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN, .nth = 81 };
	static struct packet packet;
	struct prog *prog = *state;

	sockets_sysctl("tcp_syncookies", 1);
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	spec.flags = ACK;
	for (int i = 0; i < 3; i++) {
		assert_in_range(prog_admitted(prog, &spec, 2000), 45, 51);
		prog_expect(prog, &spec, FW_R_DROP_OUT_OF_STATE);
		prog_step(prog, (1 + i) * 3 * (__s64)SECOND);
	}
}

/* Whoever spoofs SYNs and ACKs alike cannot use up the budget that connections may need. */
static void test_half_open_spends_nothing(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN, .nth = 78 };
	struct spec answer = { .src = VOTER, .dst = SERVER, .proto = UDP, .dport = 50003 };
	static struct packet packet;
	struct prog *prog = *state;
	int open = sockets_udp(4, 50003, HOSTS, 0);

	sockets_sysctl("tcp_syncookies", 1);
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	crowd_use_up_newcomers(prog, 4);
	prog_budget(prog, FW_B_SOCKET, 1, 1);
	spec.flags = ACK;
	for (int i = 0; i < 10; i++)
		prog_expect(prog, &spec, FW_R_DROP_OUT_OF_STATE);
	prog_expect(prog, &answer, FW_R_PASS_SOCKET);
	prog_expect(prog, &answer, FW_R_DROP_CROWD_UDP); /* it was the only one */
	close(open);
}

/*
 * Nor does one that TCP Fast Open makes of a SYN with data, where the kernel is told to ask for no
 * cookie of its own: the server may answer already, but nobody has shown that he receives it.
 */
static void test_fast_open(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .dport = 81, .flags = SYN };
	static struct packet packet;
	struct prog *prog = *state;
	int listener[2];

	sockets_sysctl("tcp_syncookies", 1);
	sockets_sysctl("tcp_fastopen", 0x602); /* server, no cookie, every listener */
	sockets_listen(81, listener);
	spec.nth = 80;
	spec.payload = 10;
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	spec.flags = ACK;
	for (int i = 0; i < 10; i++)
		prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	assert_int_equal(prog_note(prog, FW_N_PROVEN), 0);
	close(listener[0]);
	close(listener[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { CROWD_TEST(test_half_open),
					    CROWD_TEST(test_half_open_flood),
					    CROWD_TEST(test_half_open_unlimited),
					    CROWD_TEST(test_half_open_spends_nothing),
					    CROWD_TEST(test_fast_open) };

	return cmocka_run_group_tests(tests, crowd_group_setup, prog_group_teardown);
}
