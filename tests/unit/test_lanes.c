// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lane compiler against an oracle that knows nothing of ranges: it looks at every prefix that
 * covers an address. Asked at random addresses, and at the edges of every prefix and one beside.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/lanes.h"

#define NOW_S 1000

struct room {
	struct fw_lane_head head;
	struct fw_lanes lanes;
};

static struct room *room_new(__u32 ranges4, __u32 nodes6, __u32 deep6, __u32 profiles)
{
	struct room *room = calloc(1, sizeof(*room));
	struct fw_lanes *l;

	assert_non_null(room);
	l = &room->lanes;
	l->head = &room->head;
	l->dir4 = malloc(65536 * sizeof(*l->dir4));
	l->top4 = malloc(16384 * sizeof(*l->top4));
	l->range4 = malloc((ranges4 + 1) * sizeof(*l->range4));
	l->node6 = malloc((nodes6 + 1) * sizeof(*l->node6));
	l->deep6 = malloc((deep6 + 1) * sizeof(*l->deep6));
	l->profile = malloc(profiles * sizeof(*l->profile));
	assert_true(l->top4 && l->dir4 && l->range4 && l->node6 && l->deep6 && l->profile);
	/* What the half held before must not show through. */
	memset(l->dir4, 0xa5, 65536 * sizeof(*l->dir4));
	memset(l->range4, 0xa5, (ranges4 + 1) * sizeof(*l->range4));
	memset(l->node6, 0x5a, (nodes6 + 1) * sizeof(*l->node6));
	memset(l->deep6, 0xa5, (deep6 + 1) * sizeof(*l->deep6));
	memset(l->profile, 0xa5, profiles * sizeof(*l->profile));
	memset(l->head, 0xa5, sizeof(*l->head));
	l->range4_max = ranges4;
	l->node6_max = nodes6;
	l->deep6_max = deep6;
	l->profile_max = profiles;
	return room;
}

static struct room *room_usual(void)
{
	return room_new(FW_LANE4_RANGES, FW_LANE6_NODES, FW_LANE6_DEEP_MAX, FW_PROFILE_MAX);
}

static void room_free(struct room *room)
{
	free(room->lanes.dir4);
	free(room->lanes.top4);
	free(room->lanes.range4);
	free(room->lanes.node6);
	free(room->lanes.deep6);
	free(room->lanes.profile);
	free(room);
}

/* What an address is, straight from lanes.h. */
static struct fw_profile oracle(const struct fw_prefixes *set, const __be32 addr_be[4])
{
	struct fw_profile p = { 0 };
	__u32 *until[] = { &p.management_s, &p.trusted_s, &p.blocked_s };
	int longest = -1;

	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		if ((one->until_s != FW_FOREVER && one->until_s <= NOW_S) ||
		    !fw_prefixes_covers(one, addr_be))
			continue;
		if (one->lane != FW_LANE_CLASS) {
			if (one->until_s > *until[one->lane])
				*until[one->lane] = one->until_s;
		} else if (one->len > longest) {
			longest = one->len;
			p.class = one->class;
			p.class_s = one->until_s;
		}
	}
	return p;
}

static void ask(const struct fw_prefixes *set, const struct fw_lanes *lanes,
		const __be32 addr_be[4])
{
	struct fw_profile want = oracle(set, addr_be);
	__u32 id = fw_lanes_lookup(lanes, addr_be);
	char text[FW_TEXT_LEN];

	assert_true(id < lanes->profile_used);
	if (memcmp(&lanes->profile[id], &want, sizeof(want)))
		fail_msg("%s: profile %u", fw_text_put_addr(text, sizeof(text), addr_be), id);
}

static void add_to(__be32 addr_be[4], __s32 n)
{
	unsigned __int128 a = 0;

	for (int i = 0; i < 4; i++)
		a = a << 32 | ntohl(addr_be[i]);
	a += (unsigned __int128)(__s64)n;
	for (int i = 3; i >= 0; i--, a >>= 32)
		addr_be[i] = htonl((__u32)a);
}

static void last_of(const struct fw_prefix *one, __be32 ret[4])
{
	for (int i = 0; i < 4; i++) {
		int bits = one->len - i * 32;

		ret[i] = one->addr_be[i] | htonl(bits >= 32 ? 0 : bits <= 0 ? ~0U : ~0U >> bits);
	}
}

static void ask_edges(const struct fw_prefixes *set, const struct fw_lanes *lanes, size_t i)
{
	for (int edge = 0; edge < 2; edge++)
		for (int step = -1; step <= 1; step++) {
			__be32 addr[4];

			memcpy(addr, set->at[i].addr_be, sizeof(addr));
			if (edge)
				last_of(&set->at[i], addr);
			add_to(addr, step);
			ask(set, lanes, addr);
		}
}

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
		cmocka_unit_test(what_wins),  cmocka_unit_test(extremes),
		cmocka_unit_test(tree_sizes), cmocka_unit_test(against_oracle),
		cmocka_unit_test(no_room),    cmocka_unit_test(promised_size),
	};

	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
