// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proof by trying again, no proof at all, and those who need none: what a service may ask of
 * strangers, and that a connection of this host's own counts whatever it asks. Clerks, and what is
 * sent in their name.
 */
#include <string.h>
#include <unistd.h>
#include "tests/lib/crowd.h"

/* A SYN that no cookie answers must come again, at the pace of a real TCP's, each time. */
static void test_retransmit(void **state)
{
	struct spec syn = { .dst = SERVER, .proto = TCP, .flags = SYN };
	struct prog *prog = *state;

	crowd_pin(prog, FW_LEVEL_SIEGE);
	for (int row = 0; row < 6; row++) {
		syn.family = row & 1 ? 6 : 4;
		syn.src = row < 2 ? VOTER : row < 4 ? CARRIER : CROWD;
		sockets_sysctl("tcp_syncookies", row < 2 ? 0 : row < 4 ? 1 : 2);
		crowd_proof(prog, row < 4 ? FW_PROOF_COOKIE : FW_PROOF_RETRANSMIT);
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

/*
 * Half a million spoofed SYNs a second do not make the program forget those of real people before
 * they come again.
 */
static void test_retransmit_under_a_flood(void **state)
{
	const __u32 people = 50, spoofed = 500000;
	struct spec syn = { .src = VOTER, .dst = SERVER, .proto = TCP, .flags = SYN };
	struct spec flood = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];

	crowd_pin(prog, FW_LEVEL_SIEGE);
	crowd_proof(prog, FW_PROOF_RETRANSMIT);
	prog_budget(prog, FW_B_NEW4, 1, 1);
	for (syn.nth = 0; syn.nth < people; syn.nth++)
		prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
	for (flood.nth = 0; flood.nth < spoofed; flood.nth++) {
		prog_raw_spec(prog, &flood);
		prog_step(prog, SECOND / spoofed);
	}
	prog_reasons(prog, reason);
	assert_true(reason[FW_R_PASS_RETRANSMIT] < 50); /* by chance: a tag has 20 bits */
	for (syn.nth = 0; syn.nth < people; syn.nth++)
		prog_expect(prog, &syn, FW_R_PASS_RETRANSMIT);
}

/* Nobody here can say which connections exist elsewhere: known sources go on, strangers do not. */
static void test_retransmit_connections(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP };
	struct spec other = { .src = CARRIER, .dst = SERVER, .proto = TCP }, syn = other;
	struct prog *prog = *state;

	crowd_proof(prog, FW_PROOF_RETRANSMIT);
	prog_expect(prog, &ack, FW_R_PASS_NEWCOMER);
	crowd_use_up_newcomers(prog, 4);
	prog_expect(prog, &ack, FW_R_PASS_SOURCE);
	prog_expect(prog, &other, FW_R_DROP_OUT_OF_STATE);
	syn.flags = SYN;
	prog_expect(prog, &syn, FW_R_DROP_RETRANSMIT);
	prog_step(prog, (__s64)SECOND);
	crowd_use_up_newcomers(prog, 4);
	prog_expect(prog, &syn, FW_R_PASS_RETRANSMIT);
	prog_expect(prog, &other, FW_R_PASS_SOURCE); /* admitted, so it may go on */
}

/* A connection of this host's own is proof, whatever else strangers are asked for. */
static void test_sockets_always_count(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP };
	struct prog *prog = *state;
	int fd[2];

	ack.sport = sockets_connect(crowd_listener[0], 4, VOTER, 80, fd);
	for (int how = FW_PROOF_COOKIE; how < FW_PROOF_MAX; how++) {
		prog_zero(prog, "fw_src_fp");
		prog_zero(prog, "fw_src");
		crowd_proof(prog, (enum fw_proof)how);
		crowd_pin(prog, FW_LEVEL_SIEGE);
		crowd_use_up_newcomers(prog, 4);
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

	crowd_proof(prog, FW_PROOF_OFF);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	prog_expect(prog, &syn, FW_R_PASS_NEWCOMER); /* who cannot prove himself is not asked to */
	crowd_budget(prog, false, FW_C_SYN, 1, 1);
	prog_expect(prog, &syn, FW_R_DROP_COOKIE_OVER);
	crowd_use_up_newcomers(prog, 4);
	syn.nth = 1;
	prog_expect(prog, &syn, FW_R_DROP_NEWCOMER);
}

/*
 * A proven source over its limit of new connections may be spoofed: its SYN must prove itself, and
 * the ACK that does is within its limits.
 */
static void test_proven_syns(void **state)
{
	struct spec ack = { .src = VOTER, .dst = SERVER, .proto = TCP }, syn = ack;
	struct prog *prog = *state;
	int fd[2];

	ack.sport = sockets_connect(crowd_listener[0], 4, VOTER, 80, fd);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_SYN, 10, 1, 10);
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	syn.flags = SYN;
	for (int i = 0; i < 20; i++)
		prog_expect(prog, &syn, i < 10 ? FW_R_PASS_PROVEN : FW_R_TX_COOKIE);
	syn.flags = ACK;
	prog_expect(prog, &syn, FW_R_PASS_PROVEN);
	close(fd[0]);
	close(fd[1]);
}

/* Clerks: their committed budget first, then a ceiling; their connections go on beyond it. */
static void test_trusted(void **state)
{
	struct spec ack = { .src = CLERK, .dst = SERVER, .proto = TCP }, udp = ack, syn = ack;
	struct prog *prog = *state;
	int fd[2];

	prog_lane(prog, FW_LANE_TRUSTED, "203.0.113.0/24", FW_FOREVER, 0);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	crowd_use_up_newcomers(prog, 4);
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
	ack.sport = sockets_connect(crowd_listener[0], 4, CLERK, 80, fd);
	syn.sport = 1;
	for (int i = 0; i < 3; i++) { /* somebody spends what is hers */
		syn.flags = ACK;
		prog_expect(prog, &syn, FW_R_DROP_TRUSTED);
	}
	prog_expect(prog, &ack, FW_R_PASS_SOCKET);
	close(fd[0]);
	close(fd[1]);
}

/* Nor does it matter in whose name of the lane: beyond the ceiling connections go on, and begin. */
static void test_spoofed_colleague(void **state)
{
	struct spec spoofed = { .src = ADMIN, .dst = SERVER, .proto = UDP };
	struct prog *prog = *state;

	prog_lane(prog, FW_LANE_TRUSTED, "203.0.113.0/24", FW_FOREVER, 0);
	prog_lane(prog, FW_LANE_TRUSTED, "2001:db8:c1e7:1::/64", FW_FOREVER, 0);
	FOR_FAMILIES(family)
	{
		struct spec ack = { .family = family, .src = CLERK, .dst = SERVER, .proto = TCP };
		struct spec syn = ack;
		int fd[2];

		ack.sport = sockets_connect(crowd_listener[family == 6], family, CLERK, 80, fd);
		prog_expect(prog, &ack, FW_R_PASS_TRUSTED);
		prog_budget(prog, FW_B_TRUSTED, 1, 1);
		prog_admitted(prog, &spoofed, 100);
		prog_expect(prog, &spoofed, FW_R_DROP_TRUSTED);
		for (int i = 0; i < 50; i++)
			prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		syn.flags = SYN;
		prog_expect(prog, &syn, FW_R_TX_COOKIE);
		ack.sport ^= 0x1111;
		prog_expect(prog, &ack, FW_R_DROP_TRUSTED);
		prog_budget(prog, FW_B_TRUSTED, 1000, 1000);
		close(fd[0]);
		close(fd[1]);
	}
}

/*
 * Nor does a handshake that began before: the connection is half open yet, and what comes for it
 * passes, as often as she may begin one. That is also all that a spoofed SYN lets in.
 */
static void test_spoofed_handshake(void **state)
{
	static const struct spec floods[] = { { .src = ADMIN }, { .src = CLERK } };
	struct spec syn = { .src = CLERK, .dst = SERVER, .proto = TCP, .flags = SYN }, ack = syn;
	static struct packet packet;
	struct prog *prog = *state;

	ack.flags = ACK;
	sockets_sysctl("tcp_syncookies", 1);
	sockets_silence("203.0.113.0/24");
	packet_build(&syn, &packet);
	sockets_inject(&packet);
	prog_lane(prog, FW_LANE_TRUSTED, "203.0.113.0/24", FW_FOREVER, 0);
	prog_unlimited(prog, FW_CLASS_TRUSTED);
	prog_limit(prog, FW_CLASS_TRUSTED, FW_K_PACKETS, 100, 1, 100);
	prog_limit(prog, FW_CLASS_TRUSTED, FW_K_SYN, 10, 1, 10);
	for (size_t i = 0; i < COUNT(floods); i++) {
		struct spec spoofed = floods[i];

		spoofed.dst = SERVER;
		spoofed.proto = UDP;
		prog_budget(prog, FW_B_TRUSTED, i ? 1000 : 1, i ? 1000 : 1);
		prog_step(prog, 5 * (__s64)SECOND);
		prog_expect(prog, &ack, FW_R_PASS_TRUSTED);
		prog_admitted(prog, &spoofed, 300);
		for (int n = 0; n < 10; n++)
			prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		assert_true(prog_send(prog, &ack).reason != FW_R_PASS_SOCKET);
	}
}

/* Whatever is sent in her name, her connections go on: they have a bucket of their own. */
static void test_spoofed_clerk(void **state)
{
	static const struct spec floods[] = { { .proto = UDP },
					      { .proto = ICMP, .type = 8 },
					      { .proto = TCP, .flags = ACK, .sport = 7 } };
	struct spec ack = { .src = CLERK, .dst = SERVER, .proto = TCP };
	struct prog *prog = *state;
	int fd[2];

	prog_lane(prog, FW_LANE_TRUSTED, "203.0.113.0/24", FW_FOREVER, 0);
	prog_limit(prog, FW_CLASS_TRUSTED, FW_K_PACKETS, 100, 1, 100);
	prog_limit(prog, FW_CLASS_TRUSTED, FW_K_UDP, 100, 1, 100);
	prog_limit(prog, FW_CLASS_TRUSTED, FW_K_ICMP, 100, 1, 100);
	ack.sport = sockets_connect(crowd_listener[0], 4, CLERK, 80, fd);
	for (size_t i = 0; i < COUNT(floods); i++) {
		struct spec spoofed = floods[i];

		spoofed.src = CLERK;
		spoofed.dst = SERVER;
		prog_admitted(prog, &spoofed, 300);
		for (int n = 0; n < 50; n++)
			prog_expect(prog, &ack, FW_R_PASS_SOCKET);
		prog_step(prog, 5 * (__s64)SECOND);
	}
	close(fd[0]);
	close(fd[1]);
}

/*
 * Invented neighbours of one /48 use up what the unproven of it may send, but neither what its
 * voters may nor what a clerk in the same network may.
 */
static void test_spoofed_neighbours(void **state)
{
	struct spec voter = { .family = 6, .src = VOTER, .dst = SERVER, .proto = TCP };
	struct spec clerk = voter, spoofed = voter;
	struct fw_apply *apply = prog_edit(*state);
	struct prog *prog = *state;
	int fd[2];

	for (int i = FW_CLASS_DEFAULT; i <= FW_CLASS_TRUSTED; i++) {
		memset(apply->model->class[i].rate, 0, sizeof(apply->model->class[i].rate));
		apply->model->class[i].rate[FW_K_PACKETS] = (struct fw_rate){ 100, 100, 1, 0 };
	}
	prog_lane_add(apply, FW_LANE_TRUSTED, "2001:db8:a:777::/64", FW_FOREVER, 0);
	prog_commit(prog, apply, FW_APPLY_POLICY | FW_APPLY_LANES);
	clerk.nth = 0x776;
	voter.sport = sockets_connect(crowd_listener[1], 6, VOTER, 80, fd);
	crowd_pin(prog, FW_LEVEL_SIEGE);
	prog_expect(prog, &voter, FW_R_PASS_SOCKET);
	prog_expect(prog, &clerk, FW_R_PASS_TRUSTED);
	spoofed.proto = UDP;
	for (int i = 0; i < 50; i++) {
		for (spoofed.nth = 1; spoofed.nth <= 100; spoofed.nth++)
			prog_raw_spec(prog, &spoofed);
		prog_expect(prog, &voter, FW_R_PASS_PROVEN);
		prog_expect(prog, &clerk, FW_R_PASS_TRUSTED);
	}
	spoofed.nth = 101;
	prog_expect(prog, &spoofed, FW_R_DROP_NET48);
	close(fd[0]);
	close(fd[1]);
}

/* ... nor keep the unproven of it from proving themselves, or from a connection they have. */
static void test_spoofed_network(void **state)
{
	struct spec voter = { .family = 6, .src = VOTER, .dst = SERVER, .proto = TCP };
	struct spec spoofed = voter, syn = voter, neighbour = voter;
	struct prog *prog = *state;
	struct fw_class *class = &prog_policy(prog)->class[FW_CLASS_DEFAULT];
	int fd[2];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 100, 1, 100);
	class->net48[FW_K_PACKETS] = class->limit[FW_K_PACKETS];
	voter.sport = sockets_connect(crowd_listener[1], 6, VOTER, 80, fd);
	for (int flags = SYN; flags <= ACK; flags += ACK - SYN) {
		spoofed.flags = (__u8)flags;
		for (spoofed.nth = 1; spoofed.nth <= 100; spoofed.nth++)
			prog_raw_spec(prog, &spoofed);
		/* Without a socket, or not in one piece, or not TCP: nothing proves it. */
		neighbour = spoofed;
		neighbour.flags = ACK;
		prog_expect(prog, &neighbour, FW_R_DROP_NET48);
		neighbour.proto = UDP;
		prog_expect(prog, &neighbour, FW_R_DROP_NET48);
		syn.flags = SYN;
		syn.nth++;
		prog_expect(prog, &syn, FW_R_TX_COOKIE);
		prog_expect(prog, &voter, FW_R_PASS_SOCKET);
		prog_expect(prog, &voter, FW_R_PASS_PROVEN);
		prog_zero(prog, "fw_src_fp");
		prog_zero(prog, "fw_src");
	}
	crowd_proof(prog, FW_PROOF_RETRANSMIT);
	for (spoofed.nth = 1; spoofed.nth <= 100; spoofed.nth++)
		prog_raw_spec(prog, &spoofed);
	prog_expect(prog, &syn, FW_R_DROP_NET48);
	prog_expect(prog, &voter, FW_R_PASS_SOCKET);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CROWD_TEST(test_retransmit),
		CROWD_TEST(test_retransmit_under_a_flood),
		CROWD_TEST(test_retransmit_connections),
		CROWD_TEST(test_sockets_always_count),
		CROWD_TEST(test_no_proof),
		CROWD_TEST(test_proven_syns),
		CROWD_TEST(test_trusted),
		CROWD_TEST(test_spoofed_clerk),
		CROWD_TEST(test_spoofed_colleague),
		CROWD_TEST(test_spoofed_handshake),
		CROWD_TEST(test_spoofed_neighbours),
		CROWD_TEST(test_spoofed_network),
	};

	return cmocka_run_group_tests(tests, crowd_group_setup, prog_group_teardown);
}
