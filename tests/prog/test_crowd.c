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
#include "tests/lib/crowd.h"

#define CLOSED_PORT 81

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
	crowd_pin(*state, FW_LEVEL_SIEGE);
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
	crowd_pin(*state, FW_LEVEL_CALM);
	FOR_FAMILIES(family)
	{
		crowd_use_up_newcomers(*state, family);
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

	crowd_budget(prog, false, FW_C_SYN, 1, 5);
	for (; syn.nth < 5 * 256; syn.nth += 256)
		prog_expect(prog, &syn, FW_R_PASS_NEWCOMER);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	prog_step(prog, (__s64)SECOND + 100 * (__s64)MILLISECOND);
	prog_expect(prog, &syn, FW_R_PASS_SOURCE);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE); /* it was SYNs that were too many */
	crowd_budget(prog, false, FW_C_BYTES, 1000, 71000);
	udp.payload = 13958; /* five of 14,000 bytes */
	for (int i = 0; i < 5; i++)
		prog_expect(prog, &udp, FW_R_PASS_SOURCE);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
	crowd_budget(prog, false, FW_C_BYTES, 1000000, 1000000);
	crowd_budget(prog, false, FW_C_PACKETS, 1, 1);
	prog_step(prog, 2 * (__s64)SECOND);
	prog_expect(prog, &udp, FW_R_PASS_SOURCE);
	prog_expect(prog, &udp, FW_R_DROP_CROWD_UDP);
}

/* A SYN in fragments is one, too, though no cookie can answer it; what follows the first is none.
 */
static void test_syn_in_fragments(void **state)
{
	struct prog *prog = *state;

	crowd_budget(prog, false, FW_C_SYN, 1, 5);
	FOR_FAMILIES(family)
	{
		struct spec syn = { .family = family,
				    .src = CROWD,
				    .dst = SERVER,
				    .proto = TCP,
				    .flags = SYN,
				    .payload = 12,
				    .frag = true,
				    .more = true };
		struct spec rest = { .family = family,
				     .src = CROWD,
				     .dst = SERVER,
				     .proto = TCP,
				     .payload = 8,
				     .frag = true,
				     .frag_off = 32 };

		assert_int_equal(prog_admitted(prog, &syn, 20), 5);
		prog_expect(prog, &syn, FW_R_DROP_CROWD_FRAG);
		prog_expect(prog, &rest, FW_R_PASS_SOURCE);
		prog_step(prog, 10 * (__s64)SECOND);
	}
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
		crowd_budget(prog, true, FW_C_PACKETS, 1, 50);
		crowd_budget(prog, false, FW_C_PACKETS, 1, 100);
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
	crowd_budget(prog, false, FW_C_PACKETS, 1, 1);
	prog_expect(prog, &spec, FW_R_PASS_CROWD);
	prog_expect(prog, &spec, FW_R_DROP_CROWD_UDP);
}

/* A connection that was there before the filter is honoured from its first packet. */
static void test_socket(void **state)
{
	struct prog *prog = *state;

	crowd_pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	{
		struct spec ack = { .family = family, .src = VOTER, .dst = SERVER, .proto = TCP };
		struct spec udp = ack;
		int fd[2];

		crowd_use_up_newcomers(prog, family);
		ack.sport = sockets_connect(crowd_listener[family == 6], family, VOTER, 80, fd);
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

/* Proof lasts as long as the policy says, and a proven source is not given away before. */
static void test_proof_expires(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP }, udp = ack, other = udp;
	struct prog *prog = *state;
	int fd[2];

	ack.sport = sockets_connect(crowd_listener[0], 4, VOTER, 80, fd);
	crowd_pin(prog, FW_LEVEL_SIEGE);
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
	ack.sport = sockets_connect(crowd_listener[0], 4, VOTER, 80, fd);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	prog_expect(prog, &ack, FW_R_PASS_PROVEN);
	close(fd[0]);
	close(fd[1]);
}

/* ... and so does who only came again, where nothing more can be asked for. */
static void test_place_for_who_came_again(void **state)
{
	struct spec syn = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN }, ack;
	struct spec other = { .src = CROWD, .dst = SERVER, .proto = UDP };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];

	prog_no_crowd(prog);
	for (; other.nth < 60000 * 257; other.nth += 257)
		prog_repeat(prog, &other, 1, reason);
	assert_true(prog_note(prog, FW_N_SET_FULL) > 10000);
	prog_policy(prog)->service[FW_SERVICE_HOST].proof = FW_PROOF_RETRANSMIT;
	crowd_pin(prog, FW_LEVEL_SIEGE);
	/* Not those that other tests have half-open; the flood's are multiples of 257. */
	for (syn.nth = 101; syn.nth < 200; syn.nth++) {
		ack = syn;
		ack.flags = ACK;
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
		prog_step(prog, (__s64)SECOND);
		prog_expect(prog, &syn, FW_R_PASS_RETRANSMIT);
		prog_expect(prog, &ack, FW_R_PASS_SOURCE);
	}
}

/* A resolver's answer is not part of the crowd. */
static void test_answers(void **state)
{
	struct prog *prog = *state;

	crowd_pin(prog, FW_LEVEL_SIEGE);
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

		crowd_use_up_newcomers(prog, family);
		prog_expect(prog, &answer, FW_R_PASS_SOCKET);
		answer.sport = 5301;
		prog_expect(prog, &answer, FW_R_DROP_CROWD_UDP);
		prog_budget(prog, FW_B_SOCKET, 1, 2);
		prog_zero(prog, "fw_budget");
		crowd_use_up_newcomers(prog, family);
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
	crowd_pin(*state, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, (__u32)i);
		struct outcome out = prog_expect(*state, &spec, unproven[i].reason);

		assert_true(out.monitor);
		assert_int_equal(out.action, XDP_PASS);
	}
}

/* Sends one, which ends so, and is in an account or in none. */
static void expect_booked(struct prog *prog, const struct spec *spec, __u32 reason, __u64 accounts)
{
	__u64 before = prog_booked(prog);

	prog_expect(prog, spec, reason);
	assert_int_equal(prog_booked(prog) - before, accounts);
}

/* What the crowd's budgets refuse of a source that is in the table, but never proved itself, is in
 * no account. What passes is, and what exceeds a limit of its own; and all of a class that was
 * named. */
static void test_unproven_accounts(void **state)
{
	struct prog *prog = *state;

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 3);
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, (__u32)i * 65536);

		crowd_pin(prog, FW_LEVEL_SIEGE);
		expect_booked(prog, &spec, unproven[i].reason, 0);
		expect_booked(prog, &spec, unproven[i].reason, 0); /* known by now */
		crowd_pin(prog, FW_LEVEL_CALM);
		expect_booked(prog, &spec, FW_R_PASS_SOURCE, 1);
		expect_booked(prog, &spec, FW_R_DROP_SRC_PACKETS, 1);
	}
	prog_lane(prog, FW_LANE_CLASS, packet_addr_text(CROWD, 4, 0), FW_FOREVER, 1);
	prog_lane(prog, FW_LANE_CLASS, packet_addr_text(CROWD, 6, 0), FW_FOREVER, 1);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(unproven); i++) {
		struct spec spec = unproven_spec(i, family, 0);

		expect_booked(prog, &spec, unproven[i].reason, 1);
	}
}

/* Of a proven source everything is, also a SYN that must prove itself once more. */
static void test_proven_accounts(void **state)
{
	struct prog *prog = *state;

	crowd_pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	{
		struct spec ack = { .family = family, .src = VOTER, .dst = SERVER, .proto = TCP };
		struct spec syn = ack, udp = ack;
		int fd[2];

		ack.sport = sockets_connect(crowd_listener[family == 6], family, VOTER, 80, fd);
		syn.flags = SYN;
		udp.proto = UDP;
		prog_unlimited(prog, FW_CLASS_DEFAULT);
		prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 5);
		expect_booked(prog, &syn, FW_R_TX_COOKIE, 0);
		expect_booked(prog, &udp, FW_R_DROP_CROWD_UDP, 0);
		expect_booked(prog, &ack, FW_R_PASS_SOCKET, 1);
		expect_booked(prog, &udp, FW_R_PASS_PROVEN, 1);
		expect_booked(prog, &syn, FW_R_PASS_PROVEN, 1);
		expect_booked(prog, &syn, FW_R_TX_COOKIE, 1);
		expect_booked(prog, &udp, FW_R_DROP_SRC_PACKETS, 1);
		close(fd[0]);
		close(fd[1]);
	}
}

/* Who must send its SYN twice is in an account with the second one. */
static void test_retransmit_accounts(void **state)
{
	struct prog *prog = *state;

	crowd_proof(prog, FW_PROOF_RETRANSMIT);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	FOR_FAMILIES(family)
	{
		struct spec syn = { .family = family, .src = CROWD, .dst = SERVER, .proto = TCP };

		syn.flags = SYN;
		expect_booked(prog, &syn, FW_R_DROP_RETRANSMIT, 0);
		prog_step(prog, (__s64)SECOND);
		expect_booked(prog, &syn, FW_R_PASS_RETRANSMIT, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CROWD_TEST(test_siege),
		CROWD_TEST(test_strangers),
		CROWD_TEST(test_calm),
		CROWD_TEST(test_budgets),
		CROWD_TEST(test_syn_in_fragments),
		CROWD_TEST(test_networks),
		CROWD_TEST(test_untracked),
		CROWD_TEST(test_socket),
		CROWD_TEST(test_answers),
		CROWD_TEST(test_monitor),
		CROWD_TEST(test_proof_expires),
		CROWD_TEST(test_place_for_the_proven),
		CROWD_TEST(test_place_for_who_came_again),
		CROWD_TEST(test_unproven_accounts),
		CROWD_TEST(test_proven_accounts),
		CROWD_TEST(test_retransmit_accounts),
	};

	return cmocka_run_group_tests(tests, crowd_group_setup, prog_group_teardown);
}
