// SPDX-License-Identifier: GPL-2.0-only
/* The set of prefixes against a plain list, its texts, its limits, and what it covers. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/prefixes.h"

static struct fw_prefix prefix(enum fw_lane lane, const char *text, __u32 until_s)
{
	struct fw_prefix one = { .lane = lane, .until_s = until_s };

	assert_int_equal(fw_text_prefix(text, one.addr_be, &one.len, NULL), 0);
	return one;
}

static struct fw_prefix numbered(int lane, int n)
{
	char text[FW_TEXT_LEN];

	snprintf(text, sizeof(text), n & 1 ? "2001:db8:%x::/48" : "10.0.%d.0/24", n);
	return prefix((enum fw_lane)lane, text, FW_FOREVER);
}

static void against_list(void **state)
{
	static struct fw_prefix all[FW_LANE_MAX * 200]; /* until_s 0: not there */
	struct fw_prefix(*list)[200] = (void *)all;
	struct fw_prefixes set = { 0 };

	(void)state;
	memset(all, 0, sizeof(all));
	for (int i = 0; i < 60000; i++) {
		int lane = (int)unit_below(FW_LANE_MAX), n = (int)unit_below(200);
		struct fw_prefix one = numbered(lane, n), *found, *mine = &list[lane][n];
		bool there = mine->until_s != 0;

		one.until_s = 1 + (__u32)unit_below(100000);
		switch (unit_below(i % 20000 < 15000 ? 3 : 2)) {
		case 0:
			found = fw_prefixes_find(&set, one.lane, one.addr_be, one.len);
			assert_int_equal(found != NULL, there);
			if (found)
				assert_int_equal(found->until_s, mine->until_s);
			break;
		case 1:
			assert_int_equal(
				fw_prefixes_del(&set, one.lane, one.addr_be, one.len, NULL),
				there ? 0 : -ENOENT);
			mine->until_s = 0;
			break;
		default:
			assert_int_equal(fw_prefixes_add(&set, &one, NULL, NULL), there);
			*mine = one;
		}
		if (i % 20000 == 5000) {
			fw_prefixes_sort(&set);
		} else if (i % 20000 == 9000) {
			size_t gone = 0;

			for (int k = 0; k < 200; k++) {
				gone += list[1][k].until_s != 0;
				list[1][k].until_s = 0;
			}
			assert_int_equal(fw_prefixes_flush(&set, (enum fw_lane)1, -1), gone);
		} else if (i % 20000 == 12000) {
			size_t gone = 0;

			for (int k = 0; k < FW_LANE_MAX * 200; k++)
				if (all[k].until_s && all[k].until_s <= 30000) {
					gone++;
					all[k].until_s = 0;
				}
			assert_int_equal(fw_prefixes_expire(&set, 30000), gone);
		}
	}
	assert_true(set.count > 0);
	fw_prefixes_free(&set);
	assert_int_equal(set.count, 0);
}

static void order(void **state)
{
	struct fw_prefixes set = { 0 };

	(void)state;
	fw_prefixes_sort(&set);
	for (int i = 0; i < 500; i++) {
		struct fw_prefix one = numbered((int)unit_below(4), (int)unit_below(200));

		assert_true(fw_prefixes_add(&set, &one, NULL, NULL) >= 0);
	}
	fw_prefixes_sort(&set);
	for (size_t i = 1; i < set.count; i++) {
		const struct fw_prefix *a = &set.at[i - 1], *b = &set.at[i];
		int d = memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));

		assert_true(a->lane < b->lane ||
			    (a->lane == b->lane && (d < 0 || (!d && a->len < b->len))));
	}
	fw_prefixes_free(&set);
}

static void classes(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix one;

	(void)state;
	for (int i = 0; i < 10; i++) {
		one = numbered(FW_LANE_CLASS, i);
		one.class = (__u8)(2 + i % 2);
		assert_int_equal(fw_prefixes_add(&set, &one, NULL, NULL), 0);
	}
	one = numbered(FW_LANE_BLOCKED, 3);
	one.class = 5; /* means nothing in this lane */
	assert_int_equal(fw_prefixes_add(&set, &one, NULL, NULL), 0);
	assert_int_equal(fw_prefixes_find(&set, FW_LANE_BLOCKED, one.addr_be, one.len)->class, 0);
	assert_int_equal(fw_prefixes_count(&set, FW_LANE_CLASS, -1), 10);
	assert_int_equal(fw_prefixes_count(&set, FW_LANE_CLASS, 3), 5);
	assert_int_equal(fw_prefixes_flush(&set, FW_LANE_CLASS, 3), 5);
	assert_int_equal(fw_prefixes_count(&set, FW_LANE_CLASS, -1), 5);
	assert_int_equal(set.count, 6);
	fw_prefixes_free(&set);
}

static void whys(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix one = prefix(FW_LANE_BLOCKED, "10.0.0.1", FW_FOREVER);
	char longest[FW_WHY_LEN + 1], text[32];
	struct fw_err err;

	(void)state;
	memset(longest, 'x', FW_WHY_LEN);
	longest[FW_WHY_LEN] = '\0';
	assert_int_equal(fw_prefixes_add(&set, &one, longest, &err), -EINVAL);
	assert_int_equal(set.count, 0);
	assert_int_equal(fw_prefixes_add(&set, &one, longest + 1, &err), 0);
	assert_string_equal(fw_prefixes_why(&set, &set.at[0]), longest + 1);
	assert_int_equal(fw_prefixes_add(&set, &one, NULL, &err), 1);
	assert_string_equal(fw_prefixes_why(&set, &set.at[0]), "");
	one.addr_be[3] = htonl(0x0affffff); /* one that stays without a text */
	assert_int_equal(fw_prefixes_add(&set, &one, "", &err), 0);
	/* Texts nobody uses make room; used ones stay what they were. */
	for (int i = 0; i < 3 * FW_WHY_MAX; i++) {
		one.addr_be[3] = htonl(0x0a000000U + (__u32)(i % 3000));
		snprintf(text, sizeof(text), "text %d", i);
		assert_true(fw_prefixes_add(&set, &one, text, &err) >= 0);
		assert_true(set.whys <= FW_WHY_MAX);
	}
	for (size_t i = 0; i < set.count; i++) {
		__u32 n = ntohl(set.at[i].addr_be[3]) - 0x0a000000U;

		if (n == 0xffffff) {
			assert_string_equal(fw_prefixes_why(&set, &set.at[i]), "");
			continue;
		}
		snprintf(text, sizeof(text), "text %u",
			 n + (n < 3 * FW_WHY_MAX % 3000 ? 12000 : 9000));
		assert_string_equal(fw_prefixes_why(&set, &set.at[i]), text);
	}
	for (int i = 0; i < 2000; i++) { /* until all are in use */
		int r;

		one.addr_be[3] = htonl(0x0b000000U + (__u32)i);
		snprintf(text, sizeof(text), "more %d", i);
		r = fw_prefixes_add(&set, &one, text, &err);
		if (r)
			assert_int_equal(r, -ENOSPC);
		assert_int_equal(r == 0, set.count == 3001U + (__u32)i + 1);
		if (r) {
			assert_int_equal(set.whys, FW_WHY_MAX);
			assert_int_equal(fw_prefixes_add(&set, &one, "more 1", &err), 0);
			break;
		}
	}
	assert_non_null(strstr(err.msg, "4096"));
	fw_prefixes_free(&set);
}

static void bad_entries(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix good = prefix(FW_LANE_CLASS, "10.0.0.0/8", FW_FOREVER), bad[6];
	struct fw_why why[2] = { { "" }, { "x" } };
	struct fw_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = good;
	bad[0].addr_be[3] |= htonl(1);
	bad[1].len = 129;
	bad[2].lane = FW_LANE_MAX;
	bad[3].class = FW_CLASS_MAX;
	bad[4].until_s = 0;
	bad[5].len = 0;
	assert_int_equal(fw_prefixes_add(&set, &good, "y", &err), 0);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(fw_prefixes_add(&set, &bad[i], NULL, &err), -EINVAL);
		assert_int_equal(fw_prefixes_load(&set, &bad[i], 1, why, 2, &err), -EINVAL);
		assert_int_equal(set.count, 1); /* untouched */
	}
	good.why = 2;
	assert_int_equal(fw_prefixes_load(&set, &good, 1, why, 2, &err), -EINVAL);
	good.why = 1;
	memset(why[1].text, 'x', FW_WHY_LEN);
	assert_int_equal(fw_prefixes_load(&set, &good, 1, why, 2, &err), -EINVAL);
	assert_int_equal(fw_prefixes_load(&set, &good, 1, why, FW_WHY_MAX + 1, &err), -EINVAL);
	why[1] = (struct fw_why){ "new" };
	assert_int_equal(fw_prefixes_load(&set, &good, 1, why, 2, &err), 0);
	assert_string_equal(fw_prefixes_why(&set, &set.at[0]), "new");
	assert_int_equal(fw_prefixes_load(&set, NULL, 0, NULL, 0, &err), 0);
	assert_int_equal(set.count, 0);
	fw_prefixes_free(&set);
}

/* "until" is the first second in which it no longer holds, as in the program. */
static void expiry(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix one = prefix(FW_LANE_BLOCKED, "10.0.0.0/8", 100);
	struct fw_prefix forever = prefix(FW_LANE_BLOCKED, "11.0.0.0/8", FW_FOREVER);

	(void)state;
	assert_int_equal(fw_prefixes_add(&set, &one, NULL, NULL), 0);
	assert_int_equal(fw_prefixes_add(&set, &forever, NULL, NULL), 0);
	assert_int_equal(fw_prefixes_expire(&set, 99), 0);
	assert_int_equal(fw_prefixes_expire(&set, 100), 1);
	assert_int_equal(fw_prefixes_expire(&set, FW_FOREVER), 0);
	assert_non_null(fw_prefixes_find(&set, FW_LANE_BLOCKED, forever.addr_be, forever.len));
	fw_prefixes_free(&set);
}

static void coverage(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool covers;
	} row[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1", "2001:db8::2", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.0", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_prefix one = prefix(FW_LANE_BLOCKED, row[i].prefix, FW_FOREVER);
		__be32 addr[4];

		assert_int_equal(fw_text_addr(row[i].addr, addr, NULL), 0);
		assert_int_equal(fw_prefixes_covers(&one, addr), row[i].covers);
	}
}

static void del_says_which(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix one = prefix(FW_LANE_BLOCKED, "192.0.2.0/24", FW_FOREVER);
	struct fw_err err;

	(void)state;
	assert_int_equal(fw_prefixes_del(&set, one.lane, one.addr_be, one.len, &err), -ENOENT);
	assert_string_equal(err.msg, "192.0.2.0/24 is not in this list");
	assert_null(fw_prefixes_find(&set, one.lane, one.addr_be, one.len));
	fw_prefixes_free(NULL);
}

static void limit(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix one = prefix(FW_LANE_BLOCKED, "0.0.0.0", FW_FOREVER);
	struct fw_err err;

	(void)state;
	for (__u32 i = 0; i < FW_PREFIX_MAX; i++) {
		one.addr_be[3] = htonl(i * 3);
		assert_int_equal(fw_prefixes_add(&set, &one, "full", NULL), 0);
	}
	assert_int_equal(fw_prefixes_add(&set, &one, "other", &err),
			 1); /* replacing needs no room */
	assert_int_equal(fw_prefixes_reserve(&set, 1, "full", &err), -ENOSPC);
	one.addr_be[3] = htonl(1);
	assert_int_equal(fw_prefixes_add(&set, &one, "full", &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "1100000"));
	fw_prefixes_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_list), cmocka_unit_test(order),
		cmocka_unit_test(classes),	cmocka_unit_test(whys),
		cmocka_unit_test(bad_entries),	cmocka_unit_test(expiry),
		cmocka_unit_test(coverage),	cmocka_unit_test(del_says_which),
		cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests_name("prefixes", tests, NULL, NULL);
}
