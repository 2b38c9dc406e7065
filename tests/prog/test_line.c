// SPDX-License-Identifier: GPL-2.0-only
/*
 * From argv to a command: options anywhere, nothing abbreviated, every refusal in words that name
 * what was typed. And the table itself: whole, unambiguous, explained.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/cli/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS_MAX    16

struct parsed {
	struct fw_cli cli;
	struct fw_cli_line line;
	char text[256];
	char *argv[WORDS_MAX + 1];
	int argc, err;
};

/* A line of words separated by single spaces. */
static void parse(struct parsed *p, const char *text)
{
	char *save = NULL;

	memset(p, 0, sizeof(*p));
	snprintf(p->text, sizeof(p->text), "floodwall %s", text);
	for (char *w = strtok_r(p->text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		assert_true(p->argc < WORDS_MAX);
		p->argv[p->argc++] = w;
	}
	p->err = fw_options_parse(&p->cli, p->argc, p->argv, &p->line);
}

static void release(struct parsed *p)
{
	free(p->line.argv);
}

static void test_good(void **state)
{
	static const struct {
		const char *text, *object, *verb;
		int operands;
		bool json, pretty;
		double watch_s;
	} cases[] = {
		{ "block add 192.0.2.1", "block", "add", 1, false, false, 0 },
		{ "-j block add 192.0.2.1", "block", "add", 1, true, false, 0 },
		{ "block -j add 192.0.2.1", "block", "add", 1, true, false, 0 },
		{ "block add -jp 192.0.2.1", "block", "add", 1, true, true, 0 },
		{ "block add 192.0.2.1 --pretty", "block", "add", 1, true, true, 0 },
		{ "block add 192.0.2.1 --for 5m 192.0.2.2", "block", "add", 2, false, false, 0 },
		{ "block add --for=5m --why=x 192.0.2.1", "block", "add", 1, false, false, 0 },
		{ "block add -f 5m 192.0.2.1", "block", "add", 1, false, false, 0 },
		{ "block import -", "block", "import", 1, false, false, 0 },
		{ "block", "block", "list", 0, false, false, 0 },
		{ "limit", "limit", "show", 0, false, false, 0 },
		{ "source --watch", "source", "top", 0, false, false, 1 },
		{ "--watch=0.5 source top 5 -j", "source", "top", 1, true, false, 0.5 },
		{ "limit set packets 10k/s burst 5k soft 80%", "limit", "set", 6, false, false, 0 },
		{ "mode", "mode", NULL, 0, false, false, 0 },
		{ "mode monitor", "mode", NULL, 1, false, false, 0 },
		{ "--pins /sys/fs/bpf/x mode", "mode", NULL, 0, false, false, 0 },
		{ "mode --pins --odd", "mode", NULL, 0, false, false, 0 }, /* a value may look so */
		{ "stats -bpackets", "stats", NULL, 0, false, false, 0 },
		{ "block add 192.0.2.1 -wspam", "block", "add", 1, false, false, 0 },
		{ "block add 192.0.2.1 --why --json", "block", "add", 1, false, false, 0 },
		{ "block add 192.0.2.1 -wspam -j", "block", "add", 1, true, false, 0 },
		{ "class add isp -- 192.0.2.1", "class", "add", 2, false, false, 0 },
		{ "block flush --force --force", "block", "flush", 0, false, false, 0 },
		{ "replay --to ::1 --to ::2 file", "replay", NULL, 1, false, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].text);
		if (p.err)
			fail_msg("%s: %s", cases[i].text, p.cli.err.msg);
		assert_int_equal(p.line.wish, FW_WISH_RUN);
		assert_string_equal(p.cli.command->object, cases[i].object);
		if (cases[i].verb)
			assert_string_equal(p.cli.command->verb, cases[i].verb);
		else
			assert_null(p.cli.command->verb);
		assert_int_equal(p.line.argc, cases[i].operands);
		assert_int_equal(p.cli.json, cases[i].json);
		assert_int_equal(p.cli.pretty, cases[i].pretty);
		assert_true(p.cli.watch_s == cases[i].watch_s);
		release(&p);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "blokc add 192.0.2.1", "did you mean \"block\"" },
		{ "block ad 192.0.2.1", "did you mean \"block add\"" },
		{ "bl add 192.0.2.1", "no command \"bl\"" },
		{ "block 192.0.2.1", "block add 192.0.2.1?" },
		{ "source 2001:db8::1", "source show 2001:db8::1?" },
		{ "block frobnicate", "it has: add del list import flush" },
		{ "block add --forr 5m 192.0.2.1", "did you mean --for" },
		{ "block add --fo 5m 192.0.2.1", "no option --fo here" }, /* no abbreviation */
		{ "--js block list", "no option --js here; did you mean --json" },
		{ "--for 5m block add 192.0.2.1", "no option --for here" },
		{ "block add 192.0.2.1 --for", "--for needs a value" },
		{ "block add 192.0.2.1 -f", "-f needs a value" },
		{ "block add --force=yes 192.0.2.1", "--force takes no value" },
		{ "block list -x", "no option -x" },
		{ "block add", "block add needs PREFIX..." },
		{ "limit set syn", "limit set needs KIND" },
		{ "limit show syn", "\"syn\" is one argument too many" },
		{ "source top --watch 2 3", "--watch=SEC" },
		{ "source top --watch=soon", "--watch=soon" },
		{ "source top --watch=0", "--watch=0" },
		{ "source top --watch=-1", "--watch=-1" },
		{ "source top --watch=nan", "--watch=nan" },
		{ "block add 192.0.2.1 --watch", "no --watch here" },
		{ "mode --color=blue", "--color=blue" },
		{ "mode --pins", "--pins needs a value" },
		{ "budget set arp -5", "no option -5" },
		{ "mode --pins=", "--pins is empty" },
		{ "add block 192.0.2.1", "did you mean \"block add\"" },
		{ "service add web --tcp 80 --tcp 90", "--tcp is given twice" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].text);
		if (p.err != -EINVAL || !strstr(p.cli.err.msg, cases[i].says))
			fail_msg("%s: %d %s", cases[i].text, p.err, p.cli.err.msg);
		assert_int_equal(p.cli.err.exit_code, FW_EXIT_USAGE);
		assert_true(*p.cli.err.hint);
		release(&p);
	}
}

/* An error of the line itself is JSON when JSON was asked for, wherever that stands. */
static void test_json_error(void **state)
{
	static const char *const lines[] = { "-j blokc", "blokc -j", "block add --forr --json",
					     "block -p frob", "block add -j --for" };
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		parse(&p, lines[i]);
		assert_true(p.err && p.cli.json);
		release(&p);
	}
	parse(&p, "blokc -- -j");
	assert_true(p.err && !p.cli.json);
	release(&p);
}

static void test_wishes(void **state)
{
	static const struct {
		const char *text;
		enum fw_cli_wish wish;
	} cases[] = {
		{ "", FW_WISH_OVERVIEW },
		{ "--help", FW_WISH_HELP },
		{ "-h", FW_WISH_HELP },
		{ "block --help", FW_WISH_HELP },
		{ "block add --help", FW_WISH_HELP },
		{ "--help block add", FW_WISH_HELP },
		{ "-V", FW_WISH_VERSION },
		{ "--version -j", FW_WISH_VERSION },
		{ "-j", FW_WISH_OVERVIEW },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct parsed p;

		parse(&p, cases[i].text);
		if (p.err || p.line.wish != cases[i].wish)
			fail_msg("%s: %d, wish %d", cases[i].text, p.err, p.line.wish);
		release(&p);
	}
}

static void check_row(const struct fw_cli_command *c)
{
	size_t options = 0;

	assert_true(c->help && *c->help && c->help[strlen(c->help) - 1] != '.');
	assert_true(strlen(c->help) < 80);
	assert_non_null(c->args);
	assert_non_null(c->run);
	assert_true(c->max_args == -1 || c->max_args >= c->min_args);
	for (const struct fw_cli_option *o = c->options; o && o->name; o++, options++) {
		assert_non_null(o->help);
		for (const struct fw_cli_option *g = fw_options_global; g->name; g++) {
			assert_string_not_equal(o->name, g->name);
			assert_true(!o->key || o->key != g->key);
		}
		for (const struct fw_cli_option *other = o + 1; other->name; other++) {
			assert_string_not_equal(o->name, other->name);
			assert_true(!o->key || o->key != other->key);
		}
	}
	assert_true(options <= FW_CLI_OPTIONS_MAX);
}

/* Every row is explained, and no two rows claim the same words. */
static void test_table(void **state)
{
	size_t rows = 0;

	(void)state;
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++) {
		for (const struct fw_cli_command *c = f->commands; c->object; c++, rows++) {
			struct parsed p;
			char text[64];

			check_row(c);
			snprintf(text, sizeof(text), "%s%s%s --help", c->object, c->verb ? " " : "",
				 c->verb ? c->verb : "");
			parse(&p, text);
			assert_int_equal(p.err, 0);
			assert_ptr_equal(p.cli.command, c);
			release(&p);
		}
	}
	assert_true(rows > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_json_error), cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
