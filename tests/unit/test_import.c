// SPDX-License-Identifier: GPL-2.0-only
/* Lists of prefixes: the shapes the world has, every problem with its place, and all or nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/import.h"

static const struct fw_prefix how = { .lane = FW_LANE_BLOCKED, .until_s = 5000, .since_s = 10 };
static struct fw_import_report report;
static struct fw_err err;

static int import(struct fw_prefixes *set, const char *text)
{
	return fw_import_text("list.txt", text, strlen(text), &how, "from a list", set, &report,
			      &err);
}

static bool has(struct fw_prefixes *set, const char *text)
{
	__be32 addr[4];
	__u8 len;
	struct fw_prefix *one;

	assert_int_equal(fw_text_prefix(text, addr, &len, NULL), 0);
	one = fw_prefixes_find(set, FW_LANE_BLOCKED, addr, len);
	if (one) {
		assert_int_equal(one->until_s, 5000);
		assert_int_equal(one->since_s, 10);
		assert_string_equal(fw_prefixes_why(set, one), "from a list");
	}
	return one;
}

static void shapes(void **state)
{
	struct fw_prefixes set = { 0 };

	(void)state;
	assert_int_equal(import(&set, "\xef\xbb\xbf# a list\r\n"
				      "\r\n"
				      "192.0.2.0/24 ; SBL123\r\n"
				      "  198.51.100.7\t# one host\n"
				      "2001:db8::/32;no blank before\n"
				      ";\n"
				      "\t \n"
				      "203.0.113.0/24#x\n"
				      "192.0.2.0/24\n"
				      "2001:db8:1::1"), /* no end of line */
			 0);
	assert_int_equal(report.lines, 10);
	assert_int_equal(report.prefixes, 6);
	assert_int_equal(report.added, 5);
	assert_int_equal(report.repeated, 1);
	assert_int_equal(report.replaced, 0);
	assert_int_equal(set.count, 5);
	assert_true(has(&set, "192.0.2.0/24") && has(&set, "198.51.100.7/32") &&
		    has(&set, "2001:db8::/32"));
	assert_true(has(&set, "203.0.113.0/24") && has(&set, "2001:db8:1::1/128"));
	assert_int_equal(import(&set, "192.0.2.0/24\n10.0.0.0/8\n"), 0);
	assert_int_equal(report.added, 1);
	assert_int_equal(report.replaced, 1);
	assert_int_equal(import(&set, ""), 0);
	assert_int_equal(report.lines, 0);
	assert_int_equal(import(&set, "# nothing\n"), 0);
	assert_int_equal(report.prefixes, 0);
	assert_int_equal(set.count, 6);
	fw_prefixes_free(&set);
}

static void problems(void **state)
{
	static const struct {
		const char *text;
		size_t line, col;
		const char *msg;
	} row[] = {
		{ "10.0.0.0/8\n10.0.0.1/8\n", 2, 1, "bits set beyond" },
		{ "  10.0.0.300", 1, 3, "\"10.0.0.300\" is not an address or prefix" },
		{ "10.0.0.0/8 10.1.0.0/16\n", 1, 12, "there is more behind \"10.0.0.0/8\"" },
		{ "10.0.0.0/8, \n", 1, 1, "no length from 0 to 32" },
		{ "\n\n\r\nexample.org # x\n", 4, 1, "\"example.org\" is not" },
		{ "10.0.0.0-10.0.0.9", 1, 1, "is not an address" },
		{ "// c\n", 1, 4, "there is more behind \"//\"" },
		{ "10.0.0.0/33", 1, 1, "no length from 0 to 32" },
		{ "0000000000000000000000000000000000000000000000000000000000000000000000000001::",
		  1, 1, "is not" },
		{ "10.0.0.0/8\r10.0.0.0/9\n", 1, 12, "there is more" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_prefixes set = { 0 };
		char where[32];

		assert_int_equal(import(&set, row[i].text), -EINVAL);
		assert_int_equal(set.count, 0);
		assert_int_equal(report.problems, 1);
		assert_int_equal(report.problem[0].line, row[i].line);
		assert_int_equal(report.problem[0].col, row[i].col);
		snprintf(where, sizeof(where), "list.txt:%zu:%zu: ", row[i].line, row[i].col);
		assert_int_equal(strncmp(err.msg, where, strlen(where)), 0);
		if (!strstr(err.msg, row[i].msg))
			fail_msg("\"%s\" does not say \"%s\"", err.msg, row[i].msg);
		assert_true(err.hint[0] && report.problem[0].err.msg[0]);
		fw_prefixes_free(&set);
	}
}

/* Formats that lists are published in: the hint says how to come by the prefixes. */
static void other_formats(void **state)
{
	static const struct {
		const char *text, *hint;
	} row[] = {
		{ "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\"}\n", "jq -r" },
		{ "{\"cidr\": \"1.10.16.0/20\"}\n", "jq -r" },
		{ "203.0.113.5,reason,2024-01-01\n", "cut -d," },
		{ "\"203.0.113.5\", \"reason\"\n", "cut -d," },
		{ "10.0.0.0-10.0.0.9\n", "write it like" },
		{ "add list 10.0.0.1 # a, b\n", "one prefix on a line" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_prefixes set = { 0 };

		assert_int_equal(import(&set, row[i].text), -EINVAL);
		assert_non_null(strstr(report.problem[0].err.hint, row[i].hint));
		fw_prefixes_free(&set);
	}
}

static void all_at_once(void **state)
{
	struct fw_prefixes set = { 0 };
	char text[4096] = "10.0.0.0/8\n";

	(void)state;
	assert_int_equal(import(&set, text), 0);
	for (int i = 0; i < 50; i++)
		strcat(text, i % 2 ? "bad\n" : "192.0.2.7\n");
	assert_int_equal(import(&set, text), -EINVAL);
	assert_int_equal(report.problems, 25);
	assert_int_equal(report.problem[0].line, 3);
	assert_int_equal(report.problem[FW_IMPORT_SHOWN - 1].line, 3 + 2 * (FW_IMPORT_SHOWN - 1));
	assert_non_null(strstr(err.msg, "(and 24 more)"));
	assert_int_equal(set.count, 1); /* not one of the good ones */
	assert_int_equal(report.added, 0);
	fw_prefixes_free(&set);
}

static void bytes_of_all_kinds(void **state)
{
	static const char nul[] = "10.0.0.0/8\0x\n10.1.0.0/16\n";
	struct fw_prefixes set = { 0 };

	(void)state;
	assert_int_equal(fw_import_text("n", nul, sizeof(nul) - 1, &how, NULL, &set, &report, &err),
			 -EINVAL);
	assert_int_equal(report.problem[0].col, 11);
	assert_int_equal(import(&set, "\x1b[2J\n"), -EINVAL);
	assert_null(strchr(err.msg, '\x1b'));
	assert_int_equal(import(&set, "10.0.0.0/8\n\xff\xfe\n"), -EINVAL);
	assert_int_equal(set.count, 0);
	fw_prefixes_free(&set);
}

static void impossible(void **state)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix never = how;
	char why[FW_WHY_LEN + 5];

	(void)state;
	never.until_s = 0;
	assert_true(fw_import_text("n", "10.0.0.0/8", 10, &never, NULL, &set, &report, &err) < 0);
	memset(why, 'x', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	assert_int_equal(fw_import_text("n", "10.0.0.0/8", 10, &how, why, &set, &report, &err),
			 -EINVAL);
	assert_int_equal(set.count, 0);
	fw_prefixes_free(&set);
}

/* The promised million in one list, and one more list than fits. */
static void large(void **state)
{
	struct fw_prefixes set = { 0 };
	size_t size = 0, n = 1000000;
	char *text = malloc(n * 24);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		size += (size_t)sprintf(text + size, "%zu.%zu.%zu.%zu\n", 1 + i % 200,
					i / 200 % 250, i / 50000 % 250, i % 7);
	assert_int_equal(fw_import_text("big", text, size, &how, "x", &set, &report, &err), 0);
	assert_int_equal(report.added + report.repeated, n);
	assert_int_equal(set.count, report.added);
	n = set.count;
	size = 0;
	for (size_t i = 0; i < 200000; i++)
		size += (size_t)sprintf(text + size, "220.%zu.%zu.%zu\n", i / 62500, i / 250 % 250,
					i % 250);
	if (n + 200000 > FW_PREFIX_MAX) {
		assert_int_equal(fw_import_text("big", text, size, &how, "x", &set, &report, &err),
				 -ENOSPC);
		assert_int_equal(set.count, n); /* all or nothing */
	} else {
		fail_msg("the first list was too small: %zu", n);
	}
	free(text);
	fw_prefixes_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(problems),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(bytes_of_all_kinds),
		cmocka_unit_test(impossible),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
