// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage lanes: who is managed, trusted, blocked or of a class, and until when. Prefixes are
 * compiled and flipped by the operators' own code; what the program makes of them is compared with
 * the plainest reading of the list.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"

#define NOW_S	   ((__u32)(PROG_TIME0 / SECOND))
#define RANDOM_MAX 3000
#define LISTED	   2500

/* A source address in text. */
static struct outcome from(struct prog *prog, const char *text)
{
	bool six = strchr(text, ':');
	struct spec spec = { .family = six ? 6 : 4, .proto = TCP, .flags = SYN };
	static struct packet packet;

	packet_build(&spec, &packet);
	assert_int_equal(
		inet_pton(six ? AF_INET6 : AF_INET, text, packet.data + packet.l3 + (six ? 8 : 12)),
		1);
	return prog_run(prog, packet.data, packet.len);
}

static void expect_from(struct prog *prog, const char *text, __u32 reason)
{
	struct outcome out = from(prog, text);

	if (out.reason != reason)
		fail_msg("%s: %s, not %s", text, prog_reason_name(out.reason),
			 prog_reason_name(reason));
}

static void expect_class(struct prog *prog, const char *text, int class)
{
	struct outcome out = from(prog, text);

	if (out.facts.class != class || prog_action(out.reason) != XDP_PASS)
		fail_msg("%s: class %d, %s", text, out.facts.class, prog_reason_name(out.reason));
}

static void add(struct prog *prog, enum fw_lane lane, const char *prefix)
{
	prog_lane(prog, lane, prefix, FW_FOREVER, 5);
}

/* Management before trusted before blocked before class, whichever prefix is the longer. */
static void test_precedence(void **state)
{
	static const struct {
		const char *inner, *outer, *host;
	} nets[] = { { "198.51.100.7", "198.51.100.0/24", "198.51.100.7" },
		     { "198.51.0.0/16", "198.51.100.0/24", "198.51.100.9" },
		     { "2001:db8:a:1::/64", "2001:db8:a::/48", "2001:db8:a:1::7" },
		     { "2001:db8:b:1::7", "2001:db8:b:1::/64", "2001:db8:b:1::7" } };

	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		prog_finish(*state);
		prog_reset(*state);
		add(*state, FW_LANE_CLASS, nets[i].inner);
		expect_class(*state, nets[i].host, 5);
		add(*state, FW_LANE_BLOCKED, nets[i].outer);
		expect_from(*state, nets[i].host, FW_R_DROP_BLOCKED);
		add(*state, FW_LANE_TRUSTED, nets[i].inner);
		expect_from(*state, nets[i].host, FW_R_PASS_TRUSTED);
		add(*state, FW_LANE_MANAGEMENT, nets[i].outer);
		expect_from(*state, nets[i].host, FW_R_PASS_MANAGEMENT);
	}
}

/* First and last address of a prefix are in it, their neighbours are not. */
static void test_edges(void **state)
{
	static const struct {
		const char *prefix, *before, *first, *last, *after;
	} rows[] = {
		{ "198.51.100.0/24", "198.51.99.255", "198.51.100.0", "198.51.100.255",
		  "198.51.101.0" },
		{ "198.51.100.7/32", "198.51.100.6", "198.51.100.7", "198.51.100.7",
		  "198.51.100.8" },
		{ "10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
		{ "20.16.0.0/15", "20.15.255.255", "20.16.0.0", "20.17.255.255", "20.18.0.0" },
		{ "20.30.255.255/32", "20.30.255.254", "20.30.255.255", "20.30.255.255",
		  "20.31.0.0" },
		{ "20.40.0.0/32", "20.39.255.255", "20.40.0.0", "20.40.0.0", "20.40.0.1" },
		{ "128.0.0.0/1", "126.255.255.255", "128.0.0.0", "223.255.255.255", "1.0.0.0" },
		{ "2001:db8::/32", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
		  "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
		{ "2a00:1:2:3::/64", "2a00:1:2:2:ffff:ffff:ffff:ffff",
		  "2a00:1:2:3::", "2a00:1:2:3:ffff:ffff:ffff:ffff", "2a00:1:2:4::" },
		{ "2a00:1:2:3::8/125", "2a00:1:2:3::7", "2a00:1:2:3::8", "2a00:1:2:3::f",
		  "2a00:1:2:3::10" },
		{ "2a00:1:2:3::ffff/128", "2a00:1:2:3::fffe", "2a00:1:2:3::ffff",
		  "2a00:1:2:3::ffff", "2a00:1:2:3::1:0" },
		{ "2a00:1:2:3:ffff:ffff:ffff:ffff/128", "2a00:1:2:3:ffff:ffff:ffff:fffe",
		  "2a00:1:2:3:ffff:ffff:ffff:ffff", "2a00:1:2:3:ffff:ffff:ffff:ffff",
		  "2a00:1:2:4::" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		prog_finish(*state);
		prog_reset(*state);
		prog_policy(*state)->flags = 0;
		add(*state, FW_LANE_BLOCKED, rows[i].prefix);
		expect_from(*state, rows[i].before, FW_R_PASS_NEWCOMER);
		expect_from(*state, rows[i].first, FW_R_DROP_BLOCKED);
		expect_from(*state, rows[i].last, FW_R_DROP_BLOCKED);
		assert_int_equal(from(*state, rows[i].after).action, XDP_PASS);
	}
}

/* Everybody of a family, and not of the other. */
static void test_all_of_a_family(void **state)
{
	add(*state, FW_LANE_BLOCKED, "0.0.0.0/0");
	expect_from(*state, "1.2.3.4", FW_R_DROP_BLOCKED);
	expect_from(*state, "223.255.255.255", FW_R_DROP_BLOCKED);
	expect_from(*state, "2001:db8::1", FW_R_PASS_NEWCOMER);
	add(*state, FW_LANE_MANAGEMENT, "203.0.113.5");
	expect_from(*state, "203.0.113.5", FW_R_PASS_MANAGEMENT);
	expect_from(*state, "203.0.113.6", FW_R_DROP_BLOCKED);
	add(*state, FW_LANE_BLOCKED, "::/0");
	expect_from(*state, "2001:db8::1", FW_R_DROP_BLOCKED);
}

/* The program compares the time itself: nobody has to take an expired prefix away. */
static void test_expiry(void **state)
{
	static const struct {
		const char *prefix, *host;
	} rows[] = { { "198.51.100.0/24", "198.51.100.7" },
		     { "2001:db8:a:1::/64", "2001:db8:a:1::7" },
		     { "2001:db8:a:2::7", "2001:db8:a:2::7" } };

	for (size_t i = 0; i < 3; i++) {
		prog_finish(*state);
		prog_reset(*state);
		prog_lane(*state, FW_LANE_BLOCKED, rows[i].prefix, NOW_S + 600, 0);
		prog_lane(*state, FW_LANE_CLASS, rows[i].prefix, NOW_S + 1200, 7);
		expect_from(*state, rows[i].host, FW_R_DROP_BLOCKED);
		prog_clock(*state, (NOW_S + 600) * SECOND - 1);
		expect_from(*state, rows[i].host, FW_R_DROP_BLOCKED);
		prog_step(*state, 1);
		expect_class(*state, rows[i].host, 7);
		prog_clock(*state, (NOW_S + 1200) * SECOND - 1);
		expect_class(*state, rows[i].host, 7);
		prog_step(*state, 1);
		expect_class(*state, rows[i].host, FW_CLASS_DEFAULT);
	}
}

/* Of two that cover an address in one lane, the one that lasts longer holds. */
static void test_latest_expiry(void **state)
{
	prog_lane(*state, FW_LANE_BLOCKED, "198.51.100.0/24", NOW_S + 100, 0);
	prog_lane(*state, FW_LANE_BLOCKED, "198.51.100.7", NOW_S + 10, 0);
	prog_lane(*state, FW_LANE_BLOCKED, "198.51.0.0/16", NOW_S + 50, 0);
	prog_clock(*state, (NOW_S + 60) * SECOND);
	expect_from(*state, "198.51.100.7", FW_R_DROP_BLOCKED);
	assert_int_equal(from(*state, "198.51.7.7").action, XDP_PASS);
	prog_clock(*state, (NOW_S + 100) * SECOND);
	assert_int_equal(from(*state, "198.51.100.7").action, XDP_PASS);
}

/* Of classes the longest prefix wins. */
static void test_longest_class(void **state)
{
	static const char *const nets[] = { "0.0.0.0/0", "100.64.0.0/10", "100.64.9.0/24",
					    "100.64.9.9" };

	for (int i = 0; i < 4; i++)
		prog_lane(*state, FW_LANE_CLASS, nets[(i * 3) % 4], FW_FOREVER,
			  (__u8)(2 + (i * 3) % 4));
	expect_class(*state, "1.2.3.4", 2);
	expect_class(*state, "100.65.0.1", 3);
	expect_class(*state, "100.64.9.10", 4);
	expect_class(*state, "100.64.9.9", 5);
}

/* What every lane leaves alone: frames without an address; and malformed ones of a blocked host. */
static void test_beside(void **state)
{
	struct spec arp = { .ethertype = 0x0806, .payload = 28 };
	struct spec tags = { .src = VOTER, .proto = TCP, .vlans = 3 };
	struct spec deep = { .family = 6,
			     .src = VOTER,
			     .proto = TCP,
			     .ext = { EXT_DST, EXT_DST, EXT_DST, EXT_DST, EXT_DST, EXT_DST, EXT_DST,
				      EXT_DST, EXT_DST } };
	struct spec frag = {
		.src = VOTER, .proto = UDP, .frag = true, .frag_off = 80, .payload = 9
	};
	struct spec nd = { .family = 6, .src = VOTER, .proto = ICMP, .type = 136, .hops = 255 };

	add(*state, FW_LANE_BLOCKED, "0.0.0.0/0");
	add(*state, FW_LANE_BLOCKED, "::/0");
	prog_expect(*state, &arp, FW_R_PASS_ESSENTIAL);
	prog_expect(*state, &nd, FW_R_PASS_ESSENTIAL);
	prog_expect(*state, &tags, FW_R_PASS_DEEP);
	prog_expect(*state, &deep, FW_R_DROP_BLOCKED); /* its address is known all the same */
	for (frag.family = 4; frag.family <= 6; frag.family += 2)
		prog_expect(*state, &frag, FW_R_DROP_BLOCKED);
}

/*
 * Whoever floods what keeps the link alive uses up its budget for strangers; who is let through
 * whatever comes, or has a lane of his own, is none.
 */
static void test_essential_over(void **state)
{
	struct spec pmtu = { .proto = ICMP };

	add(*state, FW_LANE_MANAGEMENT, "203.0.113.5");
	add(*state, FW_LANE_MANAGEMENT, "2001:db8:ad:1::/64");
	add(*state, FW_LANE_TRUSTED, "203.0.113.20");
	add(*state, FW_LANE_TRUSTED, "2001:db8:c1e7:1::/64");
	add(*state, FW_LANE_BLOCKED, "203.0.113.66");
	add(*state, FW_LANE_BLOCKED, "2001:db8:bad:1::/64");
	for (pmtu.family = 4; pmtu.family <= 6; pmtu.family += 2) {
		pmtu.type = pmtu.family == 4 ? 3 : 2;
		pmtu.code = pmtu.family == 4 ? 4 : 0;
		prog_budget(*state, FW_B_PMTU, 1, 1);
		prog_step(*state, 2 * (__s64)SECOND);
		pmtu.src = VOTER;
		prog_expect(*state, &pmtu, FW_R_PASS_ESSENTIAL);
		prog_expect(*state, &pmtu, FW_R_DROP_ESSENTIAL);
		pmtu.src = ATTACKER;
		prog_expect(*state, &pmtu, FW_R_DROP_ESSENTIAL);
		pmtu.src = ADMIN;
		prog_expect(*state, &pmtu, FW_R_PASS_MANAGEMENT);
		pmtu.src = CLERK;
		prog_expect(*state, &pmtu, FW_R_PASS_TRUSTED);
	}
}

/* The plainest reading of a list of prefixes. */
struct reading {
	__u32 until[FW_LANE_MAX];
	__u8 class;
};

static struct reading read_list(const struct fw_prefix *list, int n, const __be32 addr[4])
{
	struct reading r = { { 0 }, 0 };
	int longest = -1;

	for (int i = 0; i < n; i++) {
		if (!fw_prefixes_covers(&list[i], addr))
			continue;
		if (list[i].lane != FW_LANE_CLASS) {
			if (list[i].until_s > r.until[list[i].lane])
				r.until[list[i].lane] = list[i].until_s;
		} else if (list[i].len > longest) {
			longest = list[i].len;
			r.until[FW_LANE_CLASS] = list[i].until_s;
			r.class = list[i].class;
		}
	}
	return r;
}

static void check(struct prog *prog, const struct fw_prefix *list, int n, const __be32 addr[4],
		  bool six)
{
	struct reading want = read_list(list, n, addr);
	struct spec spec = { .family = six ? 6 : 4, .src = VOTER, .proto = TCP, .flags = SYN };
	__u32 now_s = (__u32)(prog_now(prog) / SECOND);
	static struct packet packet;
	struct outcome out;
	char text[64];
	bool ok;

	packet_build(&spec, &packet);
	memcpy(packet.data + packet.l3 + (six ? 8 : 12), six ? addr : &addr[3], six ? 16 : 4);
	out = prog_run(prog, packet.data, packet.len);
	if (want.until[FW_LANE_MANAGEMENT] > now_s)
		ok = out.reason == FW_R_PASS_MANAGEMENT;
	else if (want.until[FW_LANE_TRUSTED] > now_s)
		ok = out.reason == FW_R_PASS_TRUSTED && out.facts.class == FW_CLASS_TRUSTED;
	else if (want.until[FW_LANE_BLOCKED] > now_s)
		ok = out.reason == FW_R_DROP_BLOCKED;
	else
		ok = out.facts.class == (want.until[FW_LANE_CLASS] > now_s ? want.class : 0) &&
		     out.reason != FW_R_DROP_BLOCKED;
	if (!ok)
		fail_msg("%s: %s, class %u; until %u %u %u %u, class %u, at %u",
			 inet_ntop(six ? AF_INET6 : AF_INET, six ? addr : &addr[3], text, 64),
			 prog_reason_name(out.reason), out.facts.class, want.until[0],
			 want.until[1], want.until[2], want.until[3], want.class, now_s);
}

/* Crowded corners, so that prefixes nest and touch. */
static void random_addr(__be32 addr[4], bool six)
{
	static const __u32 high[] = { 0x2a000000, 0x2a000001, 0x20010db8 };

	addr[0] = addr[1] = 0;
	addr[2] = htonl(0xffff);
	addr[3] = htonl(0x14000000 | (__u32)(random() & 3) << 16 | (__u32)(random() & 0x3ff));
	if (!six)
		return;
	addr[0] = htonl(high[random() % 3]);
	addr[1] = htonl((__u32)random() & 0x30003);
	addr[2] = htonl(random() & 1 ? 0 : (__u32)random());
	addr[3] = htonl((__u32)random() & 0x7f); /* never the server itself */
}

static void mask(__be32 addr[4], int len)
{
	for (int i = 0; i < 4; i++) {
		int bits = len - 32 * i;

		if (bits < 32)
			addr[i] &= bits <= 0 ? 0 : htonl(~0u << (32 - bits));
	}
}

/* Single addresses, alike and apart: more than are worth a set. */
static int long_list(struct fw_apply *apply, struct fw_prefix *list)
{
	struct fw_prefix p = { .lane = FW_LANE_BLOCKED, .until_s = FW_FOREVER, .len = 128 };
	int n = 0;

	p.addr_be[2] = htonl(0xffff);
	while (n < LISTED) {
		p.addr_be[3] = htonl(0x14040000 | (__u32)(random() & 0x3ffff));
		if (!fw_prefixes_add(&apply->prefixes, &p, NULL, NULL))
			list[n++] = p;
	}
	return n;
}

static int random_list(struct fw_apply *apply, struct fw_prefix *list)
{
	int n = 0;

	for (int i = 0; i < RANDOM_MAX; i++) {
		bool six = random() & 1;
		struct fw_prefix p = {
			.lane = (__u8)(random() % FW_LANE_MAX),
			.class = (__u8)(2 + random() % 30),
			.until_s = random() % 3 ? NOW_S + 1 + (__u32)random() % 1000 : FW_FOREVER,
			.len = (__u8)(six ? 20 + random() % 109 : 104 + random() % 25)
		};

		random_addr(p.addr_be, six);
		mask(p.addr_be, p.len);
		if (fw_prefixes_find(&apply->prefixes, p.lane, p.addr_be, p.len))
			continue;
		assert_int_equal(fw_prefixes_add(&apply->prefixes, &p, NULL, NULL), 0);
		list[n++] = p;
	}
	return n;
}

static void no_limits(struct prog *prog)
{
	prog_no_crowd(prog);
	memset(prog_policy(prog)->budget, 0, sizeof(prog_policy(prog)->budget));
	for (int class = 0; class < FW_CLASS_MAX; class ++)
		prog_unlimited(prog, (__u32) class);
}

static void test_random(void **state)
{
	static struct fw_prefix list[RANDOM_MAX];
	struct fw_apply *apply = prog_edit(*state);
	__be32 addr[4];
	int n;

	srandom(20240609);
	n = random_list(apply, list);
	prog_commit(*state, apply, FW_APPLY_LANES);
	no_limits(*state);
	for (int i = 0; i < 40000; i++) {
		bool six = i & 1;

		if (i % 8000 == 7999)
			prog_step(*state, 200 * (__s64)SECOND);
		random_addr(addr, six);
		check(*state, list, n, addr, six);
	}
	for (int i = 0; i < n; i++) { /* the ends of each prefix */
		memcpy(addr, list[i].addr_be, 16);
		check(*state, list, n, addr, list[i].len < 96 || addr[0]);
	}
}

/* Where there is room for many prefixes, a long list of addresses is a set of its own: each of
 * them, those beside them, and what else is listed around them. */
static void test_long_list(void **state)
{
	static const struct prog_opts large = { .clock = PROG_CLOCK_VIRTUAL,
						.stages = PROG_LONG_WAY,
						.sizes = { .prefixes4 = 65536 } };
	static struct fw_prefix list[RANDOM_MAX + LISTED];
	struct prog *prog = prog_open(&large);
	struct fw_apply *apply = prog_edit(prog);
	int n;

	(void)state;
	srandom(20240610);
	n = random_list(apply, list);
	n += long_list(apply, list + n);
	prog_commit(prog, apply, FW_APPLY_LANES);
	no_limits(prog);
	for (int i = 0; i < n; i++) {
		for (__u32 step = -1U; step != 2; step++) {
			__be32 addr[4];

			memcpy(addr, list[i].addr_be, 16);
			if (list[i].len < 96 || addr[0])
				continue;
			addr[3] = htonl(ntohl(addr[3]) + step);
			check(prog, list, n, addr, false);
		}
	}
	prog_finish(prog);
	prog_close(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_precedence),	 PROG_TEST(test_edges),
		PROG_TEST(test_all_of_a_family), PROG_TEST(test_expiry),
		PROG_TEST(test_latest_expiry),	 PROG_TEST(test_longest_class),
		PROG_TEST(test_beside),		 PROG_TEST(test_essential_over),
		PROG_TEST(test_random),		 cmocka_unit_test(test_long_list),
	};

	return cmocka_run_group_tests(tests, prog_group_setup_facts, prog_group_teardown);
}
