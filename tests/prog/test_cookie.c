// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYN cookies: every byte of the SYN-ACK, on every way in; and which of what comes back is taken
 * for a cookie. The listeners are real, so it is the kernel that made the cookies.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"
#include "tests/lib/sockets.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define FOR_FAMILIES(f) for (int f = 4; f <= 6; f += 2)
#define SYN_LONG	160 /* from the IP header on; a longer SYN is not answered */
#define COOKIE_LATE_S	200 /* the kernel takes a cookie for 128 to 192 s */
#define MSS(value)                                   \
	{                                            \
		POKE_L4, 20, 4, 0x02040000 | (value) \
	}

static int listener[2];

static int group_setup(void **state)
{
	sockets_unshare();
	sockets_sysctl("tcp_syncookies", 2);
	sockets_listen(80, listener);
	return prog_group_setup(state);
}

static int test_setup(void **state)
{
	int r = prog_test_setup(state);

	prog_policy(*state)->service[FW_SERVICE_HOST].level_pin = FW_LEVEL_SIEGE + 1;
	return r;
}
#define COOKIE_TEST(f) cmocka_unit_test_setup_teardown(f, test_setup, prog_test_teardown)

/* Runs a packet; what the program made of its bytes is in *ret. Returns the action. */
static int run_out(struct prog *prog, const struct packet *in, struct packet *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->data, .data_size_in = in->len,
		    .data_out = ret->data, .data_size_out = sizeof(ret->data), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog->obj->prog_fd, &opts), 0);
	prog->sent++;
	ret->len = opts.data_size_out;
	ret->l3 = in->l3;
	ret->l4 = (__u16)(in->l3 + (in->data[in->l3] >> 4 == 6 ? 40 : 20));
	return (int)opts.retval;
}

/* With the MSS, if the frame has room for it. */
static __u32 synack_len(const struct packet *out)
{
	return out->len - out->l4 >= 24 ? 24 : 20;
}

/* The sum over pseudo header and TCP of a packet whose checksum is right is 0. */
static __u16 tcp_residue(const struct packet *p, bool v6)
{
	const __u8 *ip = p->data + p->l3;
	__u32 len = synack_len(p);
	__u32 pseudo = (__u16)~packet_checksum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, len + 6);

	return packet_checksum(p->data + p->l4, len, pseudo);
}

static void check_ip4(const struct packet *in, const struct packet *out)
{
	const __u8 *was = in->data + in->l3, *ip = out->data + out->l3;

	assert_int_equal(ip[0], 0x45);
	assert_int_equal(ip[1], 0);
	assert_int_equal(get16(ip + 2), 20 + synack_len(out));
	assert_int_equal(get16(ip + 6), 0x4000);
	assert_int_equal(ip[8], 64);
	assert_int_equal(ip[9], TCP);
	assert_int_equal(packet_checksum(ip, 20, 0), 0);
	assert_memory_equal(ip + 12, was + 16, 4);
	assert_memory_equal(ip + 16, was + 12, 4);
}

static void check_ip6(const struct packet *in, const struct packet *out)
{
	const __u8 *was = in->data + in->l3, *ip = out->data + out->l3;

	assert_int_equal(get32(ip), 6U << 28);
	assert_int_equal(get16(ip + 4), synack_len(out));
	assert_int_equal(ip[6], TCP);
	assert_int_equal(ip[7], 64);
	assert_memory_equal(ip + 8, was + 24, 16);
	assert_memory_equal(ip + 24, was + 8, 16);
}

/* Everything but the sequence number and the MSS, which only the kernel knows. */
static void check_synack(const struct packet *in, const struct packet *out)
{
	const __u8 *was = in->data + in->l4, *tcp = out->data + out->l4;
	bool v6 = in->data[in->l3] >> 4 == 6;

	assert_int_equal(out->len, in->len);
	assert_memory_equal(out->data, in->data + 6, 6);
	assert_memory_equal(out->data + 6, in->data, 6);
	assert_memory_equal(out->data + 12, in->data + 12, in->l3 - 12u); /* type and tags */
	if (v6)
		check_ip6(in, out);
	else
		check_ip4(in, out);
	assert_memory_equal(tcp, was + 2, 2);
	assert_memory_equal(tcp + 2, was, 2);
	assert_int_equal(get32(tcp + 8), get32(was + 4) + 1);
	assert_int_equal(tcp[12], synack_len(out) / 4 << 4);
	assert_int_equal(tcp[13], SYN | ACK);
	assert_int_not_equal(get16(tcp + 14), 0);
	assert_int_equal(get16(tcp + 18), 0);
	assert_int_equal(tcp_residue(out, v6), 0);
	if (synack_len(out) == 20)
		return;
	assert_int_equal(get16(tcp + 20), 0x0204);
	assert_in_range(get16(tcp + 22), 536, v6 ? 9000 - 60 : 1460);
}

static const struct spec syns[] = {
	{ .flags = SYN },
	{ .flags = SYN | PSH | URG },
	{ .flags = SYN | 0xc0 }, /* asks for ECN */
	{ .tcp_words = 1 },
	{ .tcp_words = 5 },
	{ .tcp_words = 10 },
	{ .trailer = 6 },
	{ .trailer = 40 },
	{ .payload = 1 },
	{ .payload = 80, .tcp_words = 5 },
	{ .vlans = 1 },
	{ .vlans = 1, .payload = 80 },
	{ .vlans = 2 },
	{ .vlans = 2, .qinq = true },
	{ .vlans = 2, .qinq = true, .tcp_words = 10 },
	{ .options = 1 },
	{ .options = 10, .tcp_words = 10 },
	{ .options = 10, .vlans = 2, .qinq = true },
	{ .hops = 1 },
	{ .zero_sport = false, .sport = 65535 },
};

static struct spec syn_like(const struct spec *like, size_t i, int family)
{
	struct spec spec = *like;

	spec.family = family;
	spec.src = CROWD;
	spec.nth = (__u32)i * 1000;
	spec.dst = SERVER;
	spec.proto = TCP;
	spec.flags = spec.flags ?: SYN;
	return spec;
}

static void build_syn(size_t i, int family, struct packet *ret)
{
	struct spec spec = syn_like(&syns[i], i, family);

	packet_build(&spec, ret);
}

static void test_every_byte(void **state)
{
	static struct packet in, out;

	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(syns); i++) {
		build_syn(i, family, &in);
		assert_int_equal(run_out(*state, &in, &out), XDP_TX);
		check_synack(&in, &out);
	}
}

/* Whoever floods with long SYNs does not get them back; a real client repeats without data. */
static void test_long(void **state)
{
	static const struct spec rows[] = {
		{ .payload = SYN_LONG },
		{ .payload = 500, .vlans = 1 },
		{ .payload = 1400, .tcp_words = 5 },
		{ .payload = 8900 },  /* jumbo */
		{ .payload = 14000 }, /* in several buffers */
	};

	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct spec spec = syn_like(&rows[i], i, family);

		prog_expect(*state, &spec, FW_R_DROP_RETRANSMIT);
	}
}

/* Extension headers do not come back. */
static void test_extension_headers(void **state)
{
	static const enum ext chains[][EXT_MAX] = {
		{ EXT_HOP }, { EXT_DST }, { EXT_ATOMIC }, { EXT_HOP, EXT_ROUTING, EXT_DST }
	};
	static struct packet in, out;

	for (size_t i = 0; i < COUNT(chains); i++) {
		struct spec spec = { .family = 6,
				     .src = CROWD,
				     .dst = SERVER,
				     .proto = TCP,
				     .flags = SYN,
				     .vlans = (int)i % 2 };

		memcpy(spec.ext, chains[i], sizeof(spec.ext));
		packet_build(&spec, &in);
		assert_int_equal(run_out(*state, &in, &out), XDP_TX);
		check_synack(&in, &out);
	}
}

/* The kernel rounds what the client can take down to one of few values it can remember. */
static void test_mss(void **state)
{
	static const struct {
		int family;
		__u32 asked, given;
	} rows[] = {
		{ 4, 88, 536 },	   { 4, 536, 536 },   { 4, 1299, 536 },	  { 4, 1300, 1300 },
		{ 4, 1460, 1460 }, { 4, 8960, 1460 }, { 6, 88, 1220 },	  { 6, 1220, 1220 },
		{ 6, 1440, 1420 }, { 6, 8940, 8940 }, { 6, 65535, 8940 },
	};
	static struct packet in, out;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct spec spec = { .family = rows[i].family,
				     .src = CROWD,
				     .dst = SERVER,
				     .proto = TCP,
				     .flags = SYN,
				     .tcp_words = 1,
				     .poke = { MSS(rows[i].asked) } };

		packet_build(&spec, &in);
		assert_int_equal(run_out(*state, &in, &out), XDP_TX);
		check_synack(&in, &out);
		if (get16(out.data + out.l4 + 22) > rows[i].asked && rows[i].asked >= 1220)
			fail_msg("asked for %u, given %u", rows[i].asked,
				 get16(out.data + out.l4 + 22));
		if (rows[i].family == 4)
			assert_int_equal(get16(out.data + out.l4 + 22), rows[i].given);
	}
}

/* RFC 9293: a SYN sent to many is not answered; nor is one whose answer would go to many. */
static void test_not_to_many(void **state)
{
	struct spec spec = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN };

	for (int row = 0; row < 4; row++) {
		spec.poke[0] = (struct poke){ POKE_FRAME, row & 1 ? 6 : 0, 4,
					      row & 2 ? 0x01005e00 : 0xffffffff };
		prog_expect(*state, &spec, FW_R_DROP_COOKIE_OVER);
	}
}

/* Nothing is sent, nothing is changed. */
static void test_monitor(void **state)
{
	static struct packet in, out;

	prog_policy(*state)->flags |= FW_P_MONITOR;
	FOR_FAMILIES(family)
	for (size_t i = 0; i < COUNT(syns); i++) {
		build_syn(i, family, &in);
		assert_int_equal(run_out(*state, &in, &out), XDP_PASS);
		assert_int_equal(out.len, in.len);
		assert_memory_equal(out.data, in.data, in.len);
	}
}

/* Ask for a cookie; ret: the ACK that brings it back. */
static void handshake(struct prog *prog, struct spec *syn, struct spec *ret)
{
	static struct packet in, out;
	__u64 reason[FW_R_MAX];
	__u32 cookie;

	syn->proto = TCP;
	syn->flags = SYN;
	syn->dst = SERVER;
	packet_build(syn, &in);
	assert_int_equal(run_out(prog, &in, &out), XDP_TX);
	prog_reasons(prog, reason); /* what moved is known before the next packet */
	cookie = get32(out.data + out.l4 + 4);
	*ret = *syn;
	ret->flags = ACK;
	ret->poke[0] = (struct poke){ POKE_L4, 4, 4, 0x01020304 + 1 };
	ret->poke[1] = (struct poke){ POKE_L4, 8, 4, cookie + 1 };
}

/* Brought back it is valid, with data or without, and its source is proven. */
static void test_returned(void **state)
{
	FOR_FAMILIES(family)
	for (__u32 i = 0; i < 6; i++) {
		struct spec syn = { .family = family,
				    .src = CROWD,
				    .nth = i * 999,
				    .vlans = (int)i % 3,
				    .tcp_words = i % 2 ? 1 : 0 };
		struct spec ack, udp = {
			.family = family, .src = CROWD, .nth = i * 999, .dst = SERVER, .proto = UDP
		};

		if (i % 2)
			syn.poke[0] = (struct poke)MSS(1400);
		handshake(*state, &syn, &ack);
		prog_expect(*state, &udp, FW_R_DROP_CROWD_UDP);
		ack.payload = i > 2 ? 300 : 0;
		prog_expect(*state, &ack, FW_R_PASS_COOKIE);
		prog_expect(*state, &udp, FW_R_PASS_PROVEN);
	}
}

/* Whatever is not exactly what was sent to exactly this client is no cookie. */
static void test_forged(void **state)
{
	FOR_FAMILIES(family)
	{
		struct spec syn = { .family = family, .src = CROWD, .nth = 5000 }, ack, bad;

		handshake(*state, &syn, &ack);
		bad = ack;
		bad.nth++; /* overheard, used by another */
		prog_expect(*state, &bad, FW_R_DROP_COOKIE);
		bad = ack;
		bad.sport = 40001;
		prog_expect(*state, &bad, FW_R_DROP_COOKIE);
		bad = ack;
		bad.poke[0].value += 16; /* another sequence number */
		prog_expect(*state, &bad, FW_R_DROP_COOKIE);
		for (int bit = 2; bit < 32; bit++) { /* the lowest two are the MSS */
			bad = ack;
			bad.poke[1].value ^= 1U << bit;
			prog_expect(*state, &bad, FW_R_DROP_COOKIE);
		}
		bad = ack;
		bad.flags = RST | ACK;
		prog_expect(*state, &bad, FW_R_DROP_OUT_OF_STATE);
		bad.flags = SYN | ACK;
		prog_expect(*state, &bad, FW_R_DROP_OUT_OF_STATE);
		assert_int_equal(prog_note(*state, FW_N_PROVEN), family == 6);
		prog_expect(*state, &ack, FW_R_PASS_COOKIE);
	}
}

/* One in 2^32 times four values of MSS: 20,000 guesses find none. */
static void test_guessed(void **state)
{
	struct spec syn = { .src = CROWD, .nth = 6000 }, ack;
	__u64 reason[FW_R_MAX];
	unsigned int seed = 1;

	handshake(*state, &syn, &ack);
	prog_unlimited(*state, FW_CLASS_DEFAULT);
	for (int i = 0; i < 20000; i++) {
		ack.poke[1].value = (__u32)rand_r(&seed) << 16 ^ (__u32)rand_r(&seed);
		prog_repeat(*state, &ack, 1, reason);
		assert_int_equal(reason[FW_R_PASS_COOKIE] + reason[FW_R_PASS_SOCKET], 0);
	}
}

/* The same listener, a few minutes later. */
static void test_late(void **state)
{
	struct spec syn = { .src = CROWD, .nth = 7000 }, ack, other;

	if (!getenv("FLOODWALL_SLOW")) {
		print_message("skip: takes %d s of the kernel's own clock: FLOODWALL_SLOW=1\n",
			      COOKIE_LATE_S);
		skip();
	}
	handshake(*state, &syn, &ack);
	sleep(COOKIE_LATE_S);
	prog_step(*state, COOKIE_LATE_S * 1000000000LL); /* the program's own clock, too */
	syn.nth++;
	handshake(*state, &syn, &other); /* cookies are being sent again */
	prog_expect(*state, &other, FW_R_PASS_COOKIE);
	prog_expect(*state, &ack, FW_R_DROP_COOKIE);
}

/* No amplification: an answer a SYN at most, and never a larger one. */
static void test_never_more(void **state)
{
	static struct packet in, out;

	FOR_FAMILIES(family)
	for (__u32 i = 0; i < 500; i++) {
		struct spec spec = { .family = family,
				     .src = CROWD,
				     .nth = i,
				     .dst = SERVER,
				     .proto = TCP,
				     .flags = SYN,
				     .payload = (int)(i % 50),
				     .tcp_words = i % 11 };

		packet_build(&spec, &in);
		assert_int_equal(run_out(*state, &in, &out), XDP_TX);
		assert_true(out.len <= in.len);
	}
}

static void expect_same(struct prog *prog, const struct packet *in, struct packet *first)
{
	static struct packet again;

	for (int i = 0; i < 2; i++) { /* cookies change once a minute: two in a row are not that */
		assert_int_equal(run_out(prog, in, &again), XDP_TX);
		if (first->len == again.len && !memcmp(first->data, again.data, again.len))
			return;
		*first = again;
	}
	fail_msg("another answer");
}

/*
 * A listener that has just made a cookie is not looked for again, and the answer is the same to the
 * byte. When it is gone, answers end within two ticks; and at once for who may have a connection.
 */
static void test_without_looking(void **state)
{
	struct spec syn = { .src = VOTER, .dst = SERVER, .proto = TCP, .flags = SYN, .dport = 82 };
	static struct packet in, first;
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];
	int fd[2];

	FOR_FAMILIES(family)
	{
		syn.family = family;
		sockets_listen(82, fd);
		for (syn.tcp_words = 0; syn.tcp_words < 10; syn.tcp_words++) {
			packet_build(&syn, &in);
			prog_step(prog, 12 * (__s64)1000000);
			assert_int_equal(run_out(prog, &in, &first), XDP_TX);
			expect_same(prog, &in, &first);
		}
		close(fd[0]);
		close(fd[1]);
		expect_same(prog, &in, &first);
		prog_reasons(prog, reason); /* what moved is known before the next packet */
		prog_step(prog, 12 * (__s64)1000000);
		prog_expect(prog, &syn, FW_R_DROP_COOKIE_OVER);
	}
	sockets_listen(82, fd);
	prog_expect(prog, &syn, FW_R_TX_COOKIE);
	close(fd[0]);
	close(fd[1]);
	prog_lane(prog, FW_LANE_TRUSTED, packet_addr_text(VOTER, 6, 0), FW_FOREVER, 0);
	prog_budget(prog, FW_B_TRUSTED, 1, 1);
	prog_expect(prog, &syn, FW_R_PASS_TRUSTED);
	prog_expect(prog, &syn, FW_R_DROP_COOKIE_OVER);
}

/* The budget of cookies bounds what this host sends. */
static void test_budget(void **state)
{
	struct spec syn = { .src = CROWD, .dst = SERVER, .proto = TCP, .flags = SYN };

	prog_budget(*state, FW_B_COOKIE, 1, 10);
	for (; syn.nth < 10; syn.nth++)
		prog_expect(*state, &syn, FW_R_TX_COOKIE);
	prog_expect(*state, &syn, FW_R_DROP_COOKIE_OVER);
	syn.dport = 81; /* nobody listens: costs no cookie */
	prog_expect(*state, &syn, FW_R_DROP_COOKIE_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		COOKIE_TEST(test_every_byte),	     COOKIE_TEST(test_long),
		COOKIE_TEST(test_extension_headers), COOKIE_TEST(test_mss),
		COOKIE_TEST(test_not_to_many),	     COOKIE_TEST(test_monitor),
		COOKIE_TEST(test_returned),	     COOKIE_TEST(test_forged),
		COOKIE_TEST(test_guessed),	     COOKIE_TEST(test_late),
		COOKIE_TEST(test_never_more),	     COOKIE_TEST(test_budget),
		COOKIE_TEST(test_without_looking),
	};

	return cmocka_run_group_tests(tests, group_setup, prog_group_teardown);
}
