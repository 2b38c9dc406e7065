// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that can be wrong with a policy file, one row each: what it says, and the problems
 * with their places, all of them, in the file's order. A file with an error gives nothing.
 */
#include "tests/unit/unit.h"
#include "tests/unit/policy_text.h"
#include "user/base/text.h"

static const struct test_list lists[] = {
	{ "good", "10.0.0.1\n10.0.0.2\n" },
	{ "bad", "# one\n10.0.0.1\n  10.0.0.300\n10.0.0.0/33 x\n" },
	{ "empty", "" },
	{ "none", "# nothing today\n" },
	{ "twice", "10.0.0.1\n10.0.0.1\n" },
	{ "inside", "10.1.0.0/16\n203.0.113.9\n10.2.0.0/16\n" },
	{ NULL, NULL },
};

struct row {
	const char *text, *problems;
	const char *hint; /* of the first problem; NULL: not looked at */
};

static const struct row rows[] = {
	/* keys */
	{ "mod: enforce\n", "1:1 error: there is no key \"mod\"\n", "did you mean \"mode\"?" },
	{ "sanity: {bogus-source: on}\n",
	  "1:10 error: there is no key \"bogus-source\" in sanity\n",
	  "did you mean \"bogus_source\"?" },
	{ "sanity: {zzz: on}\n", "1:10 error: there is no key \"zzz\" in sanity\n",
	  "known here: bogus_source, reserved_source" },
	{ "mode: enforce\nmode: monitor\n", "2:1 error: \"mode\" was given in line 1 already\n",
	  "keep one of them" },
	{ "[a]: b\n", "1:1 error: a key must be a single word\n", NULL },
	{ "- mode\n", "1:1 error: a policy file begins with a key, such as \"services:\"\n", NULL },
	{ "enforce\n", "1:1 error: a policy file begins with a key, such as \"services:\"\n",
	  NULL },
	/* types */
	{ "mode: [enforce]\n", "1:7 error: \"mode\" wants a single value, not a list\n", NULL },
	{ "classes: [x]\n", "1:10 error: \"classes\" wants keys of its own, not a list\n", NULL },
	{ "interfaces: {eth0: [native]}\n",
	  "1:20 error: an interface wants a single value, not a list\n", NULL },
	{ "classes: {default: 5/s}\n",
	  "1:20 error: a class wants keys of its own, not a single value\n", NULL },
	{ "services: {host: []}\n", "1:18 error: a service wants keys of its own, not a list\n",
	  NULL },
	{ "lanes: {blocked: {a: b}}\n",
	  "1:18 error: \"blocked\" wants a list, not keys of its own\n", NULL },
	{ "services: {web: {tcp: [[80]]}}\n",
	  "1:12 error: service \"web\" has no ports: it would never match\n"
	  "1:24 error: \"tcp\" wants a list of single values, not a list\n",
	  NULL },
	{ "proof_time:\n", "1:1 error: \"proof_time\" has no value\n", NULL },
	/* values and ranges */
	{ "mode: enforcing\n", "1:7 error: \"enforcing\" is not enforce or monitor\n", NULL },
	{ "proof_time: 31m\n", "1:13 error: \"31m\" is not within 1s to 30m\n", NULL },
	{ "proof_time: 0\n", "1:13 error: \"0\" is not within 1s to 30m\n", NULL },
	{ "recording: {retention: 4000d}\n",
	  "1:24 error: \"4000d\" is not within 1h to 10 years, or forever\n", NULL },
	{ "proof_time: soon\n", "1:13 error: \"soon\" is not a duration\n", NULL },
	{ "net48_factor: 0\n", "1:15 error: \"0\" is not within 1 to 65536\n", NULL },
	{ "mode: enforce\nnet48_factor: 10738\n",
	  "2:1 error: 10738 times the limit packets of class \"trusted\" is more for a /48 than "
	  "can "
	  "be counted\n",
	  "write net48_factor: 10737 or less, or a lower limit" },
	{ "net48_factor: 269\nclasses:\n  default: {packets: 20M/s}\n",
	  "3:13 error: 269 times the limit packets of class \"default\" is more for a /48 than can "
	  "be counted\n",
	  "write net48_factor: 268 or less, or a lower limit" },
	{ "services: {web: {tcp: 80}}\nban_ceiling: 2h\nban_time: 1d\n",
	  "3:1 error: the first ban (1d) would be longer than the ceiling of bans (2h)\n",
	  "write ban_ceiling: 1d or more, or ban_time: 2h or less" },
	{ "mode: enforce\nban_ceiling: 30s\n",
	  "2:1 error: the first ban (1m) would be longer than the ceiling of bans (30s)\n",
	  "write ban_ceiling: 1m or more, or ban_time: 30s or less" },
	{ "ban_ceiling: 30s\nban_time: off\n", "", NULL },
	{ "metrics: {port: 0}\n", "1:17 error: \"0\" is not within 1 to 65535\n", NULL },
	{ "recording: {database: history.db}\n",
	  "1:23 error: \"history.db\" is not an absolute path\n", NULL },
	{ "sanity: {bogus_source: maybe}\n", "1:24 error: \"maybe\" is not off or on\n", NULL },
	{ "budgets: {arp: 0/s}\n", "1:16 error: \"0/s\" is a rate of zero\n", NULL },
	{ "budgets: {arp: 10/s burst}\n", "1:16 error: \"burst\" does not belong here\n", NULL },
	{ "budgets: {arp: 10/s burst 0}\n", "1:16 error: burst 0 would let nothing pass\n",
	  "leave it out for the default" },
	{ "budgets: {arp: 10/s soft 120%}\n", "1:16 error: \"120%\" is not 0% to 100%\n", NULL },
	{ "interfaces: {a b: native}\n", "1:14 error: \"a b\" is not the name of an interface\n",
	  NULL },
	{ "interfaces: {eth0: fast}\n", "1:20 error: \"fast\" is not native or generic\n", NULL },
	/* what a policy has no use for */
	{ "mode: &a enforce\n", "1:10 error: an anchor (&) has no meaning in a policy\n", NULL },
	{ "mode: !!str enforce\n", "1:13 error: a tag (!) has no meaning in a policy\n", NULL },
	{ "mode: enforce\n---\nmode: monitor\n",
	  "2:1 error: a second document begins here; a policy is one\n", NULL },
	/* a line that ends for YAML alone */
	{ "# a remark\rmode: monitor\n",
	  "1:11 error: a carriage return alone ends no line: lines end in \\n or \\r\\n\n", NULL },
	{ "mode: enforce\r\nmod: x\r",
	  "2:7 error: a carriage return alone ends no line: lines end "
	  "in \\n or \\r\\n\n",
	  NULL },
	{ "mode: enforce\r\nmod: x\r\n", "2:1 error: there is no key \"mod\"\n", NULL },
	/* not YAML: said once, wherever reading was */
	{ "mode: [enforce\n",
	  "1:7 error: \"mode\" wants a single value, not a list\n"
	  "2:1 error: flow sequence without a closing bracket\n",
	  NULL },
	{ "unknown: [1, 2\n",
	  "1:1 error: there is no key \"unknown\"\n"
	  "2:1 error: flow sequence without a closing bracket\n",
	  NULL },
	{ "mode: \"enforce\n", "1:8 error: double-quoted scalar without closing quote\n", NULL },
	{ "services:\n\tweb: 3\n", "2:1 error: tab character may not be used as indentation\n",
	  NULL },
	{ "lanes: [[[[[[[[[[[[[[[[[[[[\n",
	  "1:8 error: \"lanes\" wants keys of its own, not a list\n"
	  "1:23 error: lists and keys within each other too deep\n",
	  NULL },
	{ "# a\n%YAML 1.2\n---\nmode: x\n",
	  "2:1 error: a directive (%) has no meaning in a policy\n", NULL },
	{ "mode: enforce # \xff\n", "1:17 error: this is not UTF-8 text\n", NULL },
	{ "mode: enforce # \xed\xa0\x80\n", "1:17 error: this is not UTF-8 text\n", NULL },
	{ "# 01234567\nmode: enf\033[31morce\n",
	  "2:10 error: a control character has no place here\n", NULL },
	/* classes */
	{ "classes: {UP: {}}\n", "1:11 error: \"UP\" is not a name\n", NULL },
	{ "classes: {a: , a: }\n",
	  "1:11 warning: class \"a\" has no prefixes: it can never match\n"
	  "1:16 error: class \"a\" was given in line 1 already\n",
	  NULL },
	{ "classes: {default: {prefixes: [1.2.3.4]}}\n",
	  "1:31 error: class \"default\" is everybody else, it has no prefixes\n", NULL },
	{ "classes:\n  a: {prefixes: [1.2.3.4]}\n  b: {prefixes: [1.2.3.4/32, 1.2.3.5]}\n",
	  "3:18 error: 1.2.3.4/32 is of class \"a\" already, in line 2\n", NULL },
	/* services */
	{ "services: {web: {tcp: [80, 443, 80-90]}}\n",
	  "1:33 error: 80-90: listed in line 1 already\n", NULL },
	{ "services: {web: {tcp: 80}, www: {tcp: '79, 80'}}\n",
	  "1:44 error: tcp/80 belongs to service \"web\", line 1\n", NULL },
	{ "services: {web: {tcp: 80, closed: on}}\n",
	  "1:27 error: a closed service needs addresses of its own, not any\n", NULL },
	{ "services: {host: {tcp: 80}}\n",
	  "1:24 error: service \"host\" is what no other service claims; it has no \"tcp\"\n",
	  NULL },
	{ "services: {a: {to: 224.0.0.1, tcp: 80}}\n",
	  "1:12 warning: service \"a\" can never match at 224.0.0.1: nobody is reached there\n",
	  NULL },
	{ "services: {web: {tcp: [80, 443]}, api: {to: 192.0.2.7, tcp: [443, 8443]}}\n",
	  "1:35 warning: service \"api\" shadows \"web\": tcp/443@192.0.2.7 is its own, not what "
	  "\"web\" says of every address\n",
	  NULL },
	{ "services: {a: {to: [1.2.3.4, 1.2.3.4], tcp: 80}}\n",
	  "1:30 error: 1.2.3.4 is listed twice\n", NULL },
	{ "reflection: {everywhere: [53, 53]}\n", "1:31 error: port 53 is listed already\n", NULL },
	/* prefixes */
	{ "lanes:\n  blocked:\n  - '2001:db8:1::'\n  - 2001:db8::\n",
	  "4:5 error: there is no key \"2001:db8:\" in a list of prefixes\n",
	  "an IPv6 address that begins or ends with a colon needs quotes" },
	{ "lanes: {blocked: [10.0.0.1/8]}\n",
	  "1:19 error: \"10.0.0.1/8\" has bits set beyond its length\n",
	  "write 10.0.0.0/8 for the network or 10.0.0.1/32 for the address" },
	{ "lanes:\n  blocked:\n  - 1.2.3.4\n  - 1.2.3.4/32\n",
	  "4:5 error: 1.2.3.4/32 is listed already, in line 3\n", NULL },
	{ "lanes:\n  blocked:\n  - 10.1.0.0/16\n  - 10.0.0.0/8\n",
	  "3:5 warning: 10.1.0.0/16 is blocked already, within 10.0.0.0/8\n", NULL },
	{ "sanity: {reserved_source: on}\nlanes:\n  management: [8.8.8.8, 10.9.0.0/24, 10.8.0.1]\n"
	  "  trusted: ['fd00::/64', '2001:db8::1']\n  blocked: [192.168.0.0/16]\n"
	  "classes:\n  a: {prefixes: [100.64.0.0/10]}\n  b: {prefixes: ['fe80::1']}\n"
	  "  c: {prefixes: [100.0.0.0/8]}\n",
	  "3:25 warning: 10.9.0.0/24 can never match as management: it is reserved, and "
	  "reserved_source drops it first\n"
	  "4:14 warning: fd00::/64 can never match as trusted: it is reserved, and "
	  "reserved_source drops it first\n"
	  "7:18 warning: 100.64.0.0/10 can never match as a: it is reserved, and "
	  "reserved_source drops it first\n",
	  "sanity: reserved_source: off" },
	{ "lanes: {management: [10.9.0.0/24]}\n", "", NULL },
	{ "lanes:\n  blocked: ['2001:db8:1::/48']\n  trusted: ['2001:db8::/32']\n",
	  "2:14 warning: 2001:db8:1::/48 can never match as blocked: 2001:db8::/32 is trusted, and "
	  "that wins\n",
	  NULL },
	{ "lanes:\n  blocked: [1.2.3.4]\n  management: [1.2.3.4]\n",
	  "2:13 warning: 1.2.3.4/32 can never match as blocked: it is management, and that wins\n",
	  NULL },
	/* What ends earlier does not make the other useless; IPv4 is not inside ::/0. */
	{ "lanes:\n  blocked:\n  - 10.1.0.0/16\n  - {prefix: 10.0.0.0/8, for: 1h}\n", "", NULL },
	{ "lanes:\n  blocked: [192.0.2.1]\n  trusted: ['4000::/3']\n", "", NULL },
	{ "lanes: {blocked: [0.0.0.0/1]}\n",
	  "1:19 guard: 0.0.0.0/1 is a large part of the whole Internet, voters included\n", NULL },
	{ "lanes: {blocked: [{prefix: 1.2.3.4, for: 1h, until: 2030-01-01 00:00}]}\n",
	  "1:19 error: \"for\" and \"until\" contradict each other\n", NULL },
	{ "lanes: {blocked: [{why: x}]}\n", "1:19 error: an entry has either a prefix or a file\n",
	  NULL },
	{ "lanes: {blocked: [{prefix: 1.2.3.4, until: 2020-01-01 00:00Z}]}\n",
	  "1:19 warning: this is over already and has no effect\n", NULL },
	/* lists */
	{ "lanes: {blocked: [{file: nowhere}]}\n",
	  "1:19 error: nowhere cannot be read: no such list\n", NULL },
	{ "lanes: {blocked: [{file: bad}]}\n",
	  "bad:3:3 error: \"10.0.0.300\" is not an address or prefix\n"
	  "bad:4:13 error: there is more behind \"10.0.0.0/33\"\n",
	  NULL },
	{ "lanes: {blocked: [{file: empty}]}\n",
	  "1:19 error: empty is empty, as after a download that failed\n", NULL },
	{ "lanes: {blocked: [{file: none}]}\n", "1:19 warning: none holds no prefix\n", NULL },
	{ "lanes: {blocked: [{file: twice}]}\n",
	  "1:19 warning: twice: 1 of its lines repeat another\n", NULL },
	{ "lanes:\n  blocked: [{file: inside}, 10.0.0.0/8]\n",
	  "inside:1:1 warning: 10.1.0.0/16 is blocked already, within 10.0.0.0/8\n",
	  "and 1 more like it in this list" },
	/* whoever logs in */
	{ "classes: {default: {packets: 10/s burst 20}}\n",
	  "1:21 warning: so low a limit could lock out whoever logs in from class \"default\"\n",
	  NULL },
	{ "mode: monitor\nclasses: {default: {packets: 10/s burst 20}}\n", "", NULL },
	{ "lanes: {management: [1.2.3.4]}\nclasses: {default: {syn: 1/h}}\n",
	  "2:21 warning: so low a limit of syn cuts honest visitors off: one page takes a "
	  "browser more\n",
	  NULL },
	/* all in one go */
	{ "mode: x\nproof_time: y\nlanes: {blocked: [z, 1.2.3.4]}\nunknown: 1\n",
	  "1:7 error: \"x\" is not enforce or monitor\n"
	  "2:13 error: \"y\" is not a duration\n"
	  "3:19 error: \"z\" is not an address or prefix\n"
	  "4:1 error: there is no key \"unknown\"\n",
	  NULL },
};

static void run(const struct row *row, const struct fw_file_session *session)
{
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	int r = test_parse(row->text, lists, session, &file, &problems);
	char *said = test_problems(&problems);

	if (strcmp(said, row->problems))
		fail_msg("%s--- said\n%s--- instead of\n%s", row->text, said, row->problems);
	assert_int_equal(r, problems.errors ? -EINVAL : 0);
	assert_int_equal(!file.model, problems.errors != 0);
	if (row->hint)
		assert_string_equal(problems.at[0].err.hint, row->hint);
	free(said);
	fw_file_free(&file);
	fw_problems_free(&problems);
}

static void every_problem_has_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		run(&rows[i], NULL);
}

/* Typed from 203.0.113.9, logged in to port 22 of 192.0.2.10. */
static const struct row session_rows[] = {
	{ "lanes: {blocked: [203.0.113.0/24]}\n",
	  "1:19 guard: this would cut your own session off: you are logged in from 203.0.113.9\n",
	  NULL },
	{ "lanes: {blocked: [{file: inside}]}\n",
	  "inside:2:1 guard: this would cut your own session off: you are logged in from "
	  "203.0.113.9\n",
	  NULL },
	{ "lanes: {blocked: [203.0.113.0/24], management: [203.0.113.9]}\n", "", NULL },
	{ "lanes: {blocked: [203.0.113.0/24], trusted: [203.0.113.9]}\n", "", NULL },
	{ "mode: monitor\nlanes: {blocked: [203.0.113.0/24]}\n", "", NULL },
	{ "classes: {default: {bytes: 2kB/s burst 20kB}}\n",
	  "1:21 guard: this limit could cut your own session off: 203.0.113.9 is of class "
	  "\"default\"\n",
	  NULL },
	{ "classes: {mine: {syn: 1/h, prefixes: [203.0.113.0/24]}}\n",
	  "1:18 guard: this limit could cut your own session off: 203.0.113.9 is of class "
	  "\"mine\"\n",
	  NULL },
	{ "services: {web: {to: 192.0.2.10, tcp: 443, closed: on}}\n",
	  "1:12 guard: this would cut your own session off: 192.0.2.10 would speak no TCP port 22 "
	  "any more, and 203.0.113.9 is logged in to it\n",
	  NULL },
	{ "services: {web: {to: 192.0.2.10, tcp: [22, 443], closed: on}}\n", "", NULL },
	{ "services: {web: {to: 192.0.2.11, tcp: [443], closed: on}}\n", "", NULL },
	{ "sanity: {reserved_source: on}\n",
	  "1:10 guard: this would cut your own session off: 203.0.113.9 is a reserved source\n",
	  NULL },
};

static void what_would_cut_off_the_session(void **state)
{
	struct fw_file_session session = { .port = 22 };

	(void)state;
	assert_int_equal(fw_text_addr("203.0.113.9", session.peer_be, NULL), 0);
	assert_int_equal(fw_text_addr("192.0.2.10", session.server_be, NULL), 0);
	for (size_t i = 0; i < COUNT(session_rows); i++)
		run(&session_rows[i], &session);
}

/* The line and a caret below the place, whatever the line holds. */
static void the_excerpt_points(void **state)
{
	static const struct {
		const char *text, *excerpt;
	} row[] = {
		{ "a: 1\n", "    a: 1\n    ^" },
		{ "mode:  x # \xc3\xbc\n", "    mode:  x # \xc3\xbc\n           ^" },
		{ "{\"\xc3\xbc\": 1, mode: x}\n", NULL },
		{ "mode:  \"x\\e[31m\x1b[31m\"\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_problems problems = { 0 };
		struct fw_file file = { 0 };

		assert_int_equal(test_parse(row[i].text, NULL, NULL, &file, &problems), -EINVAL);
		assert_true(problems.count >= 1);
		if (row[i].excerpt)
			assert_string_equal(problems.at[0].excerpt, row[i].excerpt);
		for (const char *p = problems.at[0].excerpt; *p; p++)
			assert_true((unsigned char)*p >= 0x20 || *p == '\n');
		fw_problems_free(&problems);
	}
}

/* A line of a megabyte, and errors without number: bounded, and counted. */
static void problems_are_bounded(void **state)
{
	size_t n = 200000, size = 32;
	char *text = malloc(n * 4 + 64);
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };

	(void)state;
	assert_non_null(text);
	size = (size_t)sprintf(text, "lanes: {blocked: [");
	for (size_t i = 0; i < n; i++)
		size += (size_t)sprintf(text + size, "x,");
	sprintf(text + size, "1.2.3.4]}\n");
	assert_int_equal(test_parse(text, NULL, NULL, &file, &problems), -EINVAL);
	assert_int_equal(problems.errors, n);
	assert_int_equal(problems.count, FW_PROBLEMS_SHOWN);
	for (size_t i = 0; i < problems.count; i++)
		assert_true(strlen(problems.at[i].excerpt) < 400);
	fw_problems_free(&problems);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_problem_has_its_place),
		cmocka_unit_test(what_would_cut_off_the_session),
		cmocka_unit_test(the_excerpt_points),
		cmocka_unit_test(problems_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
