// SPDX-License-Identifier: GPL-2.0-only
/* Reading, finding and lifting bans: what a person names is what is lifted, and nothing else. */
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/base/text.h"
#include "user/core/ban.h"

static __be32 *addr_of(const char *text, __be32 addr_be[4])
{
	assert_int_equal(fw_text_addr(text, addr_be, NULL), 0);
	return addr_be;
}

/* One ban each of 198.51.100.7, 203.0.113.9 and 2001:db8:0:5::/64. */
static void ban_three(struct prog *prog)
{
	static const struct {
		__u64 key;
		__u8 family;
	} who[] = { { 0xc6336407, 4 }, { 0xcb007109, 4 }, { 0x20010db800000005, 6 } };

	for (int i = 0; i < 3; i++)
		prog->maps.ban[100 + i].way[i] = (struct fw_ban){
			.key = who[i].key,
			.family = who[i].family,
			.since_ns = prog_now(prog),
			.until_ns = prog_now(prog) + (__u64)(i + 1) * 10 * SECOND,
			.times = 1,
		};
}

static size_t lift(struct prog *prog, const char *text)
{
	__be32 addr_be[4];
	__u8 len;

	if (!text)
		return fw_ban_lift(&prog->maps, prog_now(prog), NULL, 0);
	assert_int_equal(fw_text_prefix(text, addr_be, &len, NULL), 0);
	return fw_ban_lift(&prog->maps, prog_now(prog), addr_be, len);
}

static void test_list(void **state)
{
	struct prog *prog = *state;
	struct fw_ban_entry *list = NULL;
	size_t count = 0;

	ban_three(prog);
	assert_int_equal(fw_ban_list(&prog->maps, prog_now(prog), &list, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_int_equal(list[0].len, 64); /* the longest left comes first */
	free(list);
	prog_step(prog, 15 * (__s64)SECOND);
	assert_int_equal(fw_ban_list(&prog->maps, prog_now(prog), &list, &count, NULL), 0);
	assert_int_equal(count, 2);
	free(list);
}

static void test_find(void **state)
{
	struct prog *prog = *state;
	struct fw_ban_entry one;
	__u64 now = prog_now(prog);
	__be32 a[4];

	ban_three(prog);
	assert_true(fw_ban_find(&prog->maps, now, addr_of("198.51.100.7", a), &one));
	assert_false(fw_ban_find(&prog->maps, now, addr_of("198.51.100.8", a), &one));
	assert_true(fw_ban_find(&prog->maps, now, addr_of("2001:db8:0:5::77", a), &one));
	assert_false(fw_ban_find(&prog->maps, now, addr_of("2001:db8:0:6::77", a), &one));
	assert_false(fw_ban_find(&prog->maps, now + 10 * SECOND, addr_of("198.51.100.7", a), &one));
}

static void test_lift(void **state)
{
	struct prog *prog = *state;

	ban_three(prog);
	assert_int_equal(lift(prog, "198.51.100.8"), 0);
	assert_int_equal(lift(prog, "2001:db8:0:6::1"), 0);
	assert_int_equal(lift(prog, "2001:db8:0:5::77"), 1);
	assert_int_equal(lift(prog, "198.51.100.0/24"), 1);
	assert_int_equal(lift(prog, "203.0.113.9"), 1);
	ban_three(prog);
	assert_int_equal(lift(prog, "::/0"), 1);
	assert_int_equal(lift(prog, "0.0.0.0/0"), 2);
	ban_three(prog);
	assert_int_equal(lift(prog, NULL), 3);
	assert_int_equal(lift(prog, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_list),
		PROG_TEST(test_find),
		PROG_TEST(test_lift),
	};

	return cmocka_run_group_tests_name("ban_list", tests, prog_group_setup,
					   prog_group_teardown);
}
