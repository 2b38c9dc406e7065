// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lane compiler against an oracle that knows nothing of ranges: it looks at every prefix that
 * covers an address. Asked at random addresses, and at the edges of every prefix and one beside.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bpf/hash.h"
#include "tests/unit/lanes.h"
#include "user/base/text.h"
#include "user/policy/lanes.h"

static void random_addr(__be32 addr[4], bool ip4)
{
	for (int i = 0; i < 4; i++)
		addr[i] = (__be32)unit_random();
	if (ip4) {
		addr[0] = addr[1] = 0;
		addr[2] = htonl(0xffff);
	}
}

/* A prefix of random length, often inside or around one that is there. */
static struct fw_prefix random_prefix(const struct fw_prefixes *set, bool ip4, __u32 now_s)
{
	static const __u32 until[] = { FW_FOREVER, 1, 500, 1000, 1001, 2000, 3000, 86400 };
	struct fw_prefix one = { .until_s = until[unit_below(COUNT(until))], .since_s = now_s };
	int len = ip4 ? 96 + (int)unit_below(33) : (int)unit_below(129);

	random_addr(one.addr_be, ip4);
	if (set->count && unit_below(3)) {
		const struct fw_prefix *old = &set->at[unit_below(set->count)];

		if (!ip4 || old->len >= 96)
			memcpy(one.addr_be, old->addr_be, sizeof(one.addr_be));
		if (unit_below(2))
			add_to(one.addr_be, (__s32)unit_below(5) - 2);
	}
	if (ip4 != fw_text_is_ip4(one.addr_be)) {
		one.addr_be[2] = htonl(ip4 ? 0xffff : 0x20010db8);
		one.addr_be[0] = ip4 ? 0 : htonl(0x20010db8);
		one.addr_be[1] = 0;
	}
	for (int i = 0; i < 4; i++) {
		int bits = len - i * 32;

		one.addr_be[i] &= htonl(bits >= 32 ? ~0U : bits <= 0 ? 0 : ~0U << (32 - bits));
	}
	one.len = (__u8)len;
	one.lane = (__u8)unit_below(FW_LANE_MAX);
	one.class = one.lane == FW_LANE_CLASS ? (__u8)unit_below(5) : 0;
	return one;
}

static void compile(const struct fw_prefixes *set, struct room *room)
{
	struct fw_err err = { 0 };

	if (fw_lanes_compile(set, NOW_S, &room->lanes, &err))
		fail_msg("%s", err.msg);
}

static void against_oracle(void **state)
{
	static const int size[] = { 0, 1, 2, 3, 5, 9, 10, 20, 50, 100, 200, 400 };
	struct room *room = room_usual();

	(void)state;
	for (int round = 0; round < 120; round++) {
		struct fw_prefixes set = { 0 };
		int n = size[round % (int)COUNT(size)];
		__be32 addr[4];

		for (int i = 0; i < n; i++) {
			struct fw_prefix one = random_prefix(&set, unit_below(2), NOW_S);

			assert_true(fw_prefixes_add(&set, &one, NULL, NULL) >= 0);
		}
		compile(&set, room);
		assert_int_equal(room->head.prefixes, set.count);
		for (size_t i = 0; i < set.count; i++)
			ask_edges(&set, &room->lanes, i);
		for (int i = 0; i < 200; i++) {
			random_addr(addr, i & 1);
			ask(&set, &room->lanes, addr);
		}
		memset(addr, 0xff, sizeof(addr));
		ask(&set, &room->lanes, addr);
		memset(addr, 0, sizeof(addr));
		ask(&set, &room->lanes, addr);
		fw_prefixes_free(&set);
	}
	room_free(room);
}

static void add(struct fw_prefixes *set, enum fw_lane lane, const char *text, __u32 until_s,
		__u8 class)
{
	struct fw_prefix one = { .lane = lane, .until_s = until_s, .class = class };

	assert_int_equal(fw_text_prefix(text, one.addr_be, &one.len, NULL), 0);
	assert_true(fw_prefixes_add(set, &one, "because", NULL) >= 0);
}

static struct fw_profile at(const struct room *room, const char *text)
{
	__be32 addr[4];

	assert_int_equal(fw_text_addr(text, addr, NULL), 0);
	return room->lanes.profile[fw_lanes_lookup(&room->lanes, addr)];
}

/* The rules of lanes.h, one by one, with addresses a person can follow. */
static void what_wins(void **state)
{
	struct room *room = room_usual();
	struct fw_prefixes set = { 0 };

	(void)state;
	add(&set, FW_LANE_BLOCKED, "10.0.0.0/8", 5000, 0);
	add(&set, FW_LANE_BLOCKED, "10.1.0.0/16", 2000, 0);
	add(&set, FW_LANE_BLOCKED, "10.1.2.0/24", FW_FOREVER, 0);
	add(&set, FW_LANE_BLOCKED, "10.9.0.0/16", NOW_S, 0); /* expired */
	add(&set, FW_LANE_TRUSTED, "10.1.2.3", FW_FOREVER, 0);
	add(&set, FW_LANE_MANAGEMENT, "::/0", FW_FOREVER, 0);
	add(&set, FW_LANE_CLASS, "100.64.0.0/10", FW_FOREVER, 2);
	add(&set, FW_LANE_CLASS, "100.64.7.0/24", 3000, 3);
	compile(&set, room);
	assert_int_equal(at(room, "10.200.0.1").blocked_s, 5000);
	assert_int_equal(at(room, "10.1.0.1").blocked_s, 5000); /* not the shorter one inside */
	assert_int_equal(at(room, "10.1.2.4").blocked_s, FW_FOREVER);
	assert_int_equal(at(room, "10.9.0.1").blocked_s, 5000);
	assert_int_equal(at(room, "10.1.2.3").trusted_s, FW_FOREVER);
	assert_int_equal(at(room, "10.1.2.3").blocked_s, FW_FOREVER);
	assert_int_equal(at(room, "11.0.0.0").blocked_s, 0);
	assert_int_equal(at(room, "11.0.0.0").management_s, 0); /* ::/0 is not IPv4 */
	assert_int_equal(at(room, "2001:db8::1").management_s, FW_FOREVER);
	assert_int_equal(at(room, "100.64.7.200").class, 3);
	assert_int_equal(at(room, "100.64.7.200").class_s, 3000);
	assert_int_equal(at(room, "100.64.8.0").class, 2);
	fw_prefixes_free(&set);
	room_free(room);
}

static void extremes(void **state)
{
	static const char *const text[] = {
		"0.0.0.0/0",
		"0.0.0.0",
		"255.255.255.255",
		"255.255.255.0/24",
		"0.0.0.0/1",
		"::/0",
		"::",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"ffff:ffff:ffff:ffff::/64",
		"ffff:ffff:ffff:ffff::",
		"::/64",
		"8000::/1",
		"::/1",
		"ffff:ffff:ffff:fffe::/64",
	};
	struct room *room = room_usual();

	(void)state;
	/* Each alone, then all subsets of neighbours in the list. */
	for (size_t from = 0; from < COUNT(text); from++)
		for (size_t to = from + 1; to <= COUNT(text); to++) {
			struct fw_prefixes set = { 0 };

			for (size_t i = from; i < to; i++)
				add(&set, (enum fw_lane)(i % 3), text[i], 2000 + (__u32)i, 0);
			compile(&set, room);
			for (size_t i = 0; i < set.count; i++)
				ask_edges(&set, &room->lanes, i);
			fw_prefixes_free(&set);
		}
	room_free(room);
}

/* Trees of every number of keys around the borders of nodes and levels. */
static void tree_sizes(void **state)
{
	static const int size[] = { 1,	4,   5,	  8,   9,   36,	 40,   41,   44,
				    45, 360, 364, 365, 368, 400, 3276, 3280, 3281 };
	struct room *room = room_usual();

	(void)state;
	for (size_t s = 0; s < COUNT(size); s++) {
		struct fw_prefixes set = { 0 };

		for (int i = 0; i < size[s]; i++) {
			struct fw_prefix one = { .len = 64,
						 .lane = FW_LANE_BLOCKED,
						 .until_s = FW_FOREVER };

			one.addr_be[0] = htonl(0x20010db8);
			one.addr_be[1] = htonl((__u32)(2 * i)); /* every other /64: two keys each */
			assert_int_equal(fw_prefixes_add(&set, &one, NULL, NULL), 0);
		}
		compile(&set, room);
		for (__u64 i = 0; i < 2 * (__u64)size[s] + 3; i++) {
			__u64 high = 0x20010db800000000ULL + i - 1;
			bool in = i >= 1 && (i - 1) % 2 == 0 && i - 1 < 2 * (__u64)size[s];
			__u32 id = fw_lanes_lookup6(&room->lanes, high, unit_random());

			assert_int_equal(room->lanes.profile[id].blocked_s, in ? FW_FOREVER : 0);
		}
		assert_int_equal(fw_lanes_lookup6(&room->lanes, ~0ULL, 0), 0);
		assert_int_equal(fw_lanes_lookup6(&room->lanes, 0, 0), 0);
		fw_prefixes_free(&set);
	}
	room_free(room);
}

/* A million IPv4 and a hundred thousand IPv6 prefixes of one list each: the promised size fits. */
static void promised_size(void **state)
{
	struct room *room = room_usual();
	struct fw_prefixes set = { 0 };
	__be32 addr[4];

	(void)state;
	while (set.count < 1100000) {
		struct fw_prefix one = { .lane = FW_LANE_BLOCKED,
					 .until_s = 2000 + (__u32)unit_below(50) };
		bool ip4 = set.count < 1000000;

		random_addr(one.addr_be, ip4);
		one.len = ip4 ? (unit_below(4) ? 128 : (__u8)(112 + unit_below(17)))
			      : (unit_below(4) ? 64 : (__u8)(32 + unit_below(97)));
		if (!ip4)
			one.addr_be[0] = htonl(0x20000000 | (__u32)unit_below(1 << 28));
		for (int i = 0; i < 4; i++) {
			int bits = one.len - i * 32;

			one.addr_be[i] &= htonl(bits >= 32  ? ~0U
						: bits <= 0 ? 0
							    : ~0U << (32 - bits));
		}
		assert_true(fw_prefixes_add(&set, &one, NULL, NULL) >= 0);
	}
	compile(&set, room);
	for (int i = 0; i < 30; i++)
		ask_edges(&set, &room->lanes, unit_below(set.count));
	for (int i = 0; i < 100; i++) {
		random_addr(addr, i & 1);
		ask(&set, &room->lanes, addr);
	}
	/* Every listed address is covered, one by one. */
	for (size_t i = 0; i < set.count; i++) {
		__u32 id = fw_lanes_lookup(&room->lanes, set.at[i].addr_be);

		assert_true(room->lanes.profile[id].blocked_s >= set.at[i].until_s);
	}
	fw_prefixes_free(&set);
	room_free(room);
}

/* Adds n single addresses of those from addr on that keep() wants. */
static void add_listed(struct fw_prefixes *set, __u32 addr, int n, bool (*keep)(__u32 addr))
{
	struct fw_prefix one = { .len = 128, .lane = FW_LANE_BLOCKED, .until_s = 5000 };

	one.addr_be[2] = htonl(0xffff);
	for (; n; addr++) {
		one.addr_be[3] = htonl(addr);
		if (!keep(addr))
			continue;
		assert_true(fw_prefixes_add(set, &one, NULL, NULL) >= 0);
		n--;
	}
}

static bool scattered(__u32 addr)
{
	return addr * 0x9e3779b1U >> 28 == 0;
}

/* Runs of one to seven, some across the border of a /16. */
static bool in_runs(__u32 addr)
{
	return (addr >> 3) % 29 == 0 && (addr & 7) < 1 + (addr >> 3) / 29 % 7;
}

static bool of_one_line(__u32 addr)
{
	return fw_lane4_hash(addr) >> (32 - FW_LANE4_BITS) == 77;
}

static bool without_hash(__u32 addr)
{
	return !(fw_lane4_hash(addr) & 0xffff);
}

/*
 * Long lists go into the set, but for what has no place there. Beside prefixes that hold all or
 * some of it, or lie in it, and again without them, which must not show through.
 */
static void long_lists(void **state)
{
	struct room *room = room_usual();
	struct fw_prefixes set = { 0 };
	__be32 addr[4];
	size_t listed;

	(void)state;
	for (int round = 0; round < 2; round++) {
		add_listed(&set, 20U << 24, 3000, scattered);
		add_listed(&set, (30U << 24) - 64, 3000, in_runs);
		add_listed(&set, 40U << 24, 100, of_one_line); /* a line holds 32 */
		add_listed(&set, 80U << 24, 10, without_hash);
		add_listed(&set, 0, 1, scattered);
		listed = set.count;
		add(&set, FW_LANE_BLOCKED, "255.255.255.255", 5000, 0);
		if (!round) {
			add(&set, FW_LANE_CLASS, "20.0.0.0/12", 3000, 3);
			add(&set, FW_LANE_BLOCKED, "20.0.4.0/22", 2000, 0);
			add(&set, FW_LANE_TRUSTED, "30.0.1.0/25", FW_FOREVER, 0);
			add(&set, FW_LANE_BLOCKED, "40.0.0.0/8", 1500, 0);
		}
		compile(&set, room);
		assert_true(room->lanes.range4_used < set.count);
		for (size_t i = 0; i < set.count; i += i < listed ? 1 + unit_below(12) : 1)
			ask_edges(&set, &room->lanes, i);
		for (int i = 0; i < 300; i++) {
			random_addr(addr, true);
			ask(&set, &room->lanes, addr);
		}
		fw_prefixes_free(&set);
	}
	/* Too few for it. */
	add_listed(&set, 20U << 24, 1000, scattered);
	compile(&set, room);
	for (size_t i = 0; i < set.count; i++)
		ask_edges(&set, &room->lanes, i);
	fw_prefixes_free(&set);
	room_free(room);
}

static void refused(const struct fw_prefixes *set, __u32 ranges4, __u32 nodes6, __u32 deep6,
		    __u32 profiles, const char *what)
{
	struct room *room = room_new(ranges4, nodes6, deep6, profiles);
	struct fw_err err = { 0 };
	int r = fw_lanes_compile(set, NOW_S, &room->lanes, &err);

	assert_int_equal(r, what ? -ENOSPC : 0);
	if (what && !strstr(err.msg, what))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, what);
	for (size_t i = 0; !what && i < set->count; i++)
		ask_edges(set, &room->lanes, i);
	room_free(room);
}

/* Each array one entry too small is refused with its need; exactly large enough, it works. */
static void no_room(void **state)
{
	struct fw_prefixes set = { 0 };

	(void)state;
	add(&set, FW_LANE_BLOCKED, "10.0.0.1", 2000, 0);
	add(&set, FW_LANE_BLOCKED, "10.0.0.3", 2000, 0); /* 5 ranges in the /16 */
	for (int i = 0; i < 9; i++) {
		char text[FW_TEXT_LEN];

		snprintf(text, sizeof(text), "2001:db8:0:%x::/64", 2 * i);
		add(&set, FW_LANE_TRUSTED, text, 2000, 0); /* 18 keys: 3 nodes */
	}
	add(&set, FW_LANE_BLOCKED, "2001:db9::1", 2000, 0); /* 3 deep ranges, 2 keys more */
	refused(&set, 5, 3, 3, 3, NULL);
	refused(&set, 4, 3, 3, 3, "5 ranges, and 4 fit");
	refused(&set, 0, 3, 3, 3, "5 ranges, and 0 fit");
	refused(&set, 5, 2, 3, 3, "20 ranges, and 16 fit");
	refused(&set, 5, 0, 3, 3, "20 ranges, and 0 fit");
	refused(&set, 5, 3, 2, 3, "3 ranges, and 2 fit");
	refused(&set, 5, 3, 0, 3, "3 ranges, and 0 fit");
	refused(&set, 5, 3, 3, 2, "3 different combinations of lane and expiry, and 2 fit");
	fw_prefixes_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_wins),	 cmocka_unit_test(extremes),
		cmocka_unit_test(tree_sizes),	 cmocka_unit_test(against_oracle),
		cmocka_unit_test(no_room),	 cmocka_unit_test(long_lists),
		cmocka_unit_test(promised_size),
	};

	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
