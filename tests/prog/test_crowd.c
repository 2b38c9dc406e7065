// SPDX-License-Identifier: GPL-2.0-only
/*
 * The crowd: what becomes of traffic whose source has proven nothing. Sockets are real and live in
 * a namespace of this test's own; time is virtual. That each packet was counted once, prog_finish()
 * proves after every test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"
#include "tests/lib/sockets.h"
#include "user/policy/compile.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define CLOSED_PORT	81
#define MILLISECOND	(SECOND / 1000)
#define FOR_FAMILIES(f) for (int f = 4; f <= 6; f += 2)

static int listener[2];

static int group_setup(void **state)
{
	sockets_unshare();
	sockets_listen(80, listener);
	return prog_group_setup(state);
}

static int test_setup(void **state)
{
	sockets_sysctl("tcp_syncookies", 2);
	prog_zero((*state), "fw_ban");
	return prog_test_setup(state);
}
#define CROWD_TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, prog_test_teardown)

/* The service host's level is pinned, so that everybody must prove himself. */
static void pin(struct prog *prog, int level)
{
	prog_policy(prog)->service[FW_SERVICE_HOST].level_pin = (__u8)(level + 1);
}

static void proof(struct prog *prog, enum fw_proof how)
{
	prog_policy(prog)->service[FW_SERVICE_HOST].proof = (__u8)how;
}

static void crowd(struct prog *prog, bool net, int kind, __u64 count, __u64 burst)
{
	struct fw_service *host = &prog_policy(prog)->service[FW_SERVICE_HOST];
	struct fw_rate rate = { .count = count, .per_s = 1, .burst = burst };

	assert_int_equal(fw_compile_limit(&rate, kind == FW_C_BYTES, prog->obj->meta.tick_ns,
					  net ? &host->net[kind] : &host->crowd[kind], NULL),
			 0);
}

/* From here on everybody unknown is a stranger: one newcomer a second, and here she is. */
static void use_up_newcomers(struct prog *prog, int family)
{
	struct spec one = {
		.family = family, .src = CROWD, .nth = 4000000, .dst = SERVER, .proto = UDP
	};

	prog_budget(prog, family == 6 ? FW_B_NEW6 : FW_B_NEW4, 1, 1);
	assert_int_not_equal(prog_send(prog, &one).reason, FW_R_DROP_NEWCOMER);
}

static const struct {
	struct spec spec;
	__u32 reason;
} unproven[] = {
	{ { .proto = TCP, .flags = SYN }, FW_R_TX_COOKIE },
	{ { .proto = TCP, .flags = SYN, .payload = 100 }, FW_R_TX_COOKIE },
	{ { .proto = TCP, .flags = SYN, .dport = CLOSED_PORT }, FW_R_DROP_COOKIE_OVER },
	{ { .proto = TCP, .flags = ACK }, FW_R_DROP_COOKIE },
	{ { .proto = TCP, .flags = ACK | PSH, .payload = 10 }, FW_R_DROP_COOKIE },
	{ { .proto = TCP, .flags = FIN | ACK }, FW_R_DROP_COOKIE },
	{ { .proto = TCP, .flags = RST }, FW_R_DROP_OUT_OF_STATE },
	{ { .proto = TCP, .flags = RST | ACK }, FW_R_DROP_OUT_OF_STATE },
	{ { .proto = TCP, .flags = SYN | ACK }, FW_R_DROP_OUT_OF_STATE },
	{ { .proto = TCP, .flags = ACK, .dport = CLOSED_PORT }, FW_R_DROP_OUT_OF_STATE },
	{ { .proto = TCP, .flags = SYN | ACK, .dport = 50000 }, FW_R_DROP_OUT_OF_STATE },
	{ { .proto = UDP, .dport = 80 }, FW_R_DROP_CROWD_UDP },
	{ { .proto = UDP, .dport = 50000 }, FW_R_DROP_CROWD_UDP },
	{ { .proto = ICMP, .type = 8 }, FW_R_DROP_CROWD_ICMP },
	{ { .proto = UDP, .frag = true, .more = true, .payload = 600 }, FW_R_DROP_CROWD_FRAG },
	{ { .proto = UDP, .frag = true, .frag_off = 800, .payload = 64 }, FW_R_DROP_CROWD_FRAG },
	{ { .proto = TCP, .frag = true, .frag_off = 800, .payload = 64 }, FW_R_DROP_CROWD_FRAG },
	{ { .proto = ESP, .payload = 40 }, FW_R_DROP_CROWD_OTHER },
};

static struct spec unproven_spec(size_t i, int family, __u32 nth)
{
	struct spec spec = unproven[i].spec;

	spec.family = family;
	spec.src = CROWD;
	spec.dst = SERVER;
	spec.nth = nth;
	if (family == 6 && spec.proto == ICMP)
		spec.type = 128;
	return spec;
}

/* In siege all of it, although it is within every budget. */
static void test_siege(void **state)
{
	pin(*state, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, (__u32)i);

		prog_expect(*state, &spec, unproven[i].reason);
		prog_expect(*state, &spec, unproven[i].reason); /* known by now */
	}
}

/* Nobody is in siege, but the newcomers' budget is spent: the very next packet already. */
static void test_strangers(void **state)
{
	pin(*state, FW_LEVEL_CALM);
	FOR_FAMILIES(family)
	{
		use_up_newcomers(*state, family);
		for (size_t i = 0; i < COUNT(unproven); i++) {
			struct spec spec = unproven_spec(i, family, (__u32)i);

			prog_expect(*state, &spec, unproven[i].reason);
		}
	}
	assert_int_equal(prog_note(*state, FW_N_INSERTED), 3); /* one each, and the /48 */
}

/* Within the budgets each passes, and says whether its source is new. */
static void test_calm(void **state)
{
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, (__u32)i);

		prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);
		prog_expect(*state, &spec, FW_R_PASS_SOURCE);
	}
}

/* The packet that exceeds a budget is the first that is treated so. */
static void test_budgets(void **state)
{
	struct spec syn = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN };
	struct spec udp = { .src = CROWD, .dst = SERVER, .proto = UDP, .payload = 1000 };
	struct prog *prog = *state;

	crowd(prog, false, FW_C_SYN, 1, 5);
	for (; syn.nth < 5 * 256; syn.nth += 256)
		prog_expect(prog, &syn, FW_R_PASS_NEWCOMER);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	prog_step(prog, (__s64)SECOND + 100 * (__s64)MILLISECOND);
	prog_expect(prog, &syn, FW_R_PASS_SOURCE);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE); /* it was SYNs that were too many */
	crowd(prog, false, FW_C_BYTES, 1000, 71000);
	udp.payload = 13958; /* five of 14,000 bytes */
	for (int i = 0; i < 5; i++)
		prog_expect(prog, &udp, FW_R_PASS_SOURCE);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
	crowd(prog, false, FW_C_BYTES, 1000000, 1000000);
	crowd(prog, false, FW_C_PACKETS, 1, 1);
	prog_step(prog, 2 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
}

/* A network over its own budget spends nothing of the service's. */
static void test_networks(void **state)
{
	struct prog *prog = *state;

	FOR_FAMILIES(family)
	{
		struct spec a = { .family = family, .src = CROWD, .dst = SERVER, .proto = UDP };
		struct spec b = { .family = family, .src = VOTER, .dst = SERVER, .proto = UDP };

		prog_zero(prog, "fw_crowd");
		crowd(prog, true, FW_C_PACKETS, 1, 50);
		crowd(prog, false, FW_C_PACKETS, 1, 100);
		for (; a.nth < 50; a.nth++)
			prog_expect(prog, &a, FW_R_PASS_NEWCOMER);
		for (; a.nth < 200; a.nth++) /* all of one /24, and of one /48 */
			prog_expect(prog, &a, FW_R_DROP_CROWD_UDP);
		for (int i = 0; i < 50; i++)
			prog_expect(prog, &b, i ? FW_R_PASS_SOURCE : FW_R_PASS_NEWCOMER);
		prog_expect(prog, &b, FW_R_DROP_CROWD_UDP);
	}
}

/* A table without room is not a free pass, and not the end: the budgets of the crowd decide. */
static void test_untracked(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = UDP, .payload = 10 };
	__u64 reason[FW_R_MAX];

	prog_no_crowd(prog);
	for (; !prog_note(prog, FW_N_SET_FULL); spec.nth += 257)
		prog_repeat(prog, &spec, 1, reason);
	spec.nth -= 257;
	prog_expect(prog, &spec, FW_R_PASS_CROWD);
	crowd(prog, false, FW_C_PACKETS, 1, 1);
	prog_expect(prog, &spec, FW_R_PASS_CROWD);
	prog_expect(prog, &spec, FW_R_DROP_CROWD_UDP);
}

/* A connection that was there before the filter is honoured from its first packet. */
static void test_socket(void **state)
{
	struct prog *prog = *state;

	pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	{
		struct spec ack = { .family = family, .src = VOTER, .dst = SERVER, .proto = TCP };
		struct spec udp = ack;
		int fd[2];

		use_up_newcomers(prog, family);
		ack.sport = sockets_connect(listener[family == 6], family, VOTER, 80, fd);
		udp.proto = UDP;
		prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
		ack.sport ^= 1; /* not this one */
		prog_expect(prog, &ack, FW_R_DROP_COOKIE);
		ack.sport ^= 1;
		prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		prog_expect(prog, &ack, FW_R_PASS_PROVEN);
		prog_expect(prog, &udp, FW_R_PASS_PROVEN);
		close(fd[0]);
		close(fd[1]);
	}
	assert_int_equal(prog_note(prog, FW_N_PROVEN), 2);
}

/* A SYN alone may have been spoofed: its half-open connection passes, but proves nobody. */
static void test_half_open(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN, .nth = 77 };
	static struct packet packet;
	struct prog *prog = *state;

	sockets_sysctl("tcp_syncookies", 1);
	packet_build(&spec, &packet);
	sockets_inject(&packet);
	pin(prog, FW_LEVEL_SIEGE);
	spec.flags = ACK;
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	prog_expect(prog, &spec, FW_R_PASS_SOCKET);
	spec.sport = 40001;
	prog_expect(prog, &spec, FW_R_DROP_COOKIE);
	assert_int_equal(prog_note(prog, FW_N_PROVEN), 0);
}

/* Proof lasts as long as the policy says, and a proven source is not given away before. */
static void test_proof_expires(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP }, udp = ack, other = udp;
	struct prog *prog = *state;
	int fd[2];

	ack.sport = sockets_connect(listener[0], 4, VOTER, 80, fd);
	pin(prog, FW_LEVEL_SIEGE);
	udp.proto = UDP;
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	prog_no_crowd(prog);
	prog_step(prog, 570 * (__s64)SECOND);
	other.src = CROWD;
	other.proto = UDP;
	for (; other.nth < 40000 * 257; other.nth += 257) /* nobody evicts her */
		prog_send(prog, &other);
	prog_expect(prog, &udp, FW_R_PASS_PROVEN);
	prog_step(prog, 630 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
	prog_expect(prog, &ack, FW_R_PASS_SOCKET); /* she still has her connection */
	prog_expect(prog, &udp, FW_R_PASS_PROVEN);
	close(fd[0]);
	close(fd[1]);
}

/* Spoofed sources fill the table; who proves herself finds a place all the same. */
static void test_place_for_the_proven(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP };
	struct spec other = { .src = CROWD, .dst = SERVER, .proto = UDP };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];
	int fd[2];

	prog_no_crowd(prog);
	for (; other.nth < 60000 * 257; other.nth += 257)
		prog_repeat(prog, &other, 1, reason);
	assert_true(prog_note(prog, FW_N_SET_FULL) > 10000);
	prog_step(prog, (__s64)MILLISECOND * 10);
	ack.sport = sockets_connect(listener[0], 4, VOTER, 80, fd);
	pin(prog, FW_LEVEL_SIEGE);
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	prog_expect(prog, &ack, FW_R_PASS_PROVEN);
	close(fd[0]);
	close(fd[1]);
}

/* A SYN that no cookie answers must come again, at the pace of a real TCP's, each time. */
static void test_retransmit(void **state)
{
	struct spec syn = { .dst = SERVER, .proto = TCP, .flags = SYN };
	struct prog *prog = *state;

	pin(prog, FW_LEVEL_SIEGE);
	for (int row = 0; row < 6; row++) {
		syn.family = row & 1 ? 6 : 4;
		syn.src = row < 2 ? VOTER : row < 4 ? CARRIER : CROWD;
		sockets_sysctl("tcp_syncookies", row < 2 ? 0 : row < 4 ? 1 : 2);
		proof(prog, row < 4 ? FW_PROOF_COOKIE : FW_PROOF_RETRANSMIT);
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
		prog_step(prog, 300 * (__s64)MILLISECOND);
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
		prog_step(prog, 700 * (__s64)MILLISECOND);
		prog_expect(prog, &syn, FW_R_PASS_RETRANSMIT);
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT); /* not a tool that repeats itself */
		prog_step(prog, 30 * (__s64)SECOND);
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
		syn.sport = 41000; /* another attempt */
		prog_step(prog, (__s64)SECOND);
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
		syn.sport = 0;
	}
	assert_int_equal(prog_note(prog, FW_N_PROVEN), 0); /* who spoofs can send twice */
}

/* Nobody here can say which connections exist elsewhere: known sources go on, strangers do not. */
static void test_retransmit_connections(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP };
	struct spec other = { .src = CARRIER, .dst = SERVER, .proto = TCP }, syn = other;
	struct prog *prog = *state;

	proof(prog, FW_PROOF_RETRANSMIT);
	prog_expect(prog, &ack, FW_R_PASS_NEWCOMER);
	use_up_newcomers(prog, 4);
	prog_expect(prog, &ack, FW_R_PASS_SOURCE);
	prog_expect(prog, &other, FW_R_DROP_OUT_OF_STATE);
	syn.flags = SYN;
	prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
	prog_step(prog, (__s64)SECOND);
	use_up_newcomers(prog, 4);
	prog_expect(prog, &syn, FW_R_PASS_RETRANSMIT);
	prog_expect(prog, &other, FW_R_PASS_SOURCE); /* admitted, so it may go on */
}

/* A connection of this host's own is proof, whatever else strangers are asked for. */
static void test_sockets_always_count(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP };
	struct prog *prog = *state;
	int fd[2];

	ack.sport = sockets_connect(listener[0], 4, VOTER, 80, fd);
	for (int how = FW_PROOF_COOKIE; how < FW_PROOF_MAX; how++) {
		prog_zero(prog, "fw_src_fp");
		prog_zero(prog, "fw_src");
		proof(prog, (enum fw_proof)how);
		pin(prog, FW_LEVEL_SIEGE);
		use_up_newcomers(prog, 4);
		prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		prog_expect(prog, &ack, FW_R_PASS_PROVEN);
		prog_step(prog, 10 * (__s64)SECOND);
	}
	close(fd[0]);
	close(fd[1]);
}

static void test_no_proof(void **state)
{
	struct spec syn = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN };
	struct prog *prog = *state;

	proof(prog, FW_PROOF_OFF);
	pin(prog, FW_LEVEL_SIEGE);
	prog_expect(prog, &syn, FW_R_PASS_NEWCOMER); /* who cannot prove himself is not asked to */
	crowd(prog, false, FW_C_SYN, 1, 1);
	prog_expect(prog, &syn, FW_R_DROP_COOKIE_OVER);
	use_up_newcomers(prog, 4);
	syn.nth = 1;
	prog_expect(prog, &syn, FW_R_DROP_NEWCOMER);
}

/* Clerks: their committed budget first, then a ceiling; their connections go on beyond it. */
static void test_trusted(void **state)
{
	struct spec ack = { .src = CLERK, .dst = SERVER, .proto = TCP }, udp = ack, syn = ack;
	struct prog *prog = *state;
	int fd[2];

	prog_lane(prog, FW_LANE_TRUSTED, "203.0.113.0/24", FW_FOREVER, 0);
	pin(prog, FW_LEVEL_SIEGE);
	use_up_newcomers(prog, 4);
	udp.proto = UDP;
	syn.flags = SYN;
	prog_expect(prog, &udp, FW_R_PASS_TRUSTED);
	prog_expect(prog, &syn, FW_R_PASS_TRUSTED);
	prog_expect(prog, &ack, FW_R_PASS_TRUSTED);
	prog_budget(prog, FW_B_TRUSTED, 1, 1);
	prog_step(prog, 2 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_PASS_TRUSTED);
	prog_expect(prog, &udp, FW_R_DROP_TRUSTED);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	ack.sport = sockets_connect(listener[0], 4, CLERK, 80, fd);
	syn.sport = 1;
	for (int i = 0; i < 3; i++) { /* somebody spends what is hers */
		syn.flags = ACK;
		prog_expect(prog, &syn, FW_R_DROP_TRUSTED);
	}
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	close(fd[0]);
	close(fd[1]);
}

/* A resolver's answer is not part of the crowd. */
static void test_answers(void **state)
{
	struct prog *prog = *state;

	pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	{
		struct spec answer = { .family = family,
				       .src = VOTER,
				       .dst = SERVER,
				       .proto = UDP,
				       .sport = 5300,
				       .dport = 50001 };
		int asked = sockets_udp(family, 50001, VOTER, 5300);
		int open = sockets_udp(family, 50002, HOSTS, 0);

		use_up_newcomers(prog, family);
		prog_expect(prog, &answer, FW_R_PASS_SOCKET);
		answer.sport = 5301;
		prog_expect(prog, &answer, FW_R_DROP_CROWD_UDP);
		prog_budget(prog, FW_B_SOCKET, 1, 2);
		prog_zero(prog, "fw_budget");
		use_up_newcomers(prog, family);
		answer.dport = 50002; /* bound, not connected: whoever comes, within a budget */
		prog_expect(prog, &answer, FW_R_PASS_SOCKET);
		prog_expect(prog, &answer, FW_R_PASS_SOCKET);
		prog_expect(prog, &answer, FW_R_DROP_CROWD_UDP);
		answer.dport = 50001; /* the one that asked has no need of it */
		answer.sport = 5300;
		prog_expect(prog, &answer, FW_R_PASS_SOCKET);
		close(asked);
		close(open);
	}
}

/* Counted as in earnest, and every packet goes its way. */
static void test_monitor(void **state)
{
	prog_policy(*state)->flags |= FW_P_MONITOR;
	pin(*state, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, (__u32)i);
		struct outcome out = prog_expect(*state, &spec, unproven[i].reason);

		assert_true(out.monitor);
		assert_int_equal(out.action, XDP_PASS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CROWD_TEST(test_siege),
		CROWD_TEST(test_strangers),
		CROWD_TEST(test_calm),
		CROWD_TEST(test_budgets),
		CROWD_TEST(test_networks),
		CROWD_TEST(test_untracked),
		CROWD_TEST(test_socket),
		CROWD_TEST(test_half_open),
		CROWD_TEST(test_retransmit),
		CROWD_TEST(test_retransmit_connections),
		CROWD_TEST(test_no_proof),
		CROWD_TEST(test_trusted),
		CROWD_TEST(test_answers),
		CROWD_TEST(test_monitor),
		CROWD_TEST(test_proof_expires),
		CROWD_TEST(test_place_for_the_proven),
		CROWD_TEST(test_sockets_always_count),
	};

	return cmocka_run_group_tests(tests, group_setup, prog_group_teardown);
}
