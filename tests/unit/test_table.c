// SPDX-License-Identifier: GPL-2.0-only
/* Tables: alignment, no blanks at line ends, no colour into files, nothing that moves a cursor. */
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/base/table.h"

static const struct fw_column column[] = {
	{ "reason", FW_LEFT },
	{ "packets", FW_RIGHT },
	{ "note", FW_LEFT },
};

static char *printed(const struct fw_table *table)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(fw_table_print(table, f), 0);
	fclose(f);
	return text;
}

static void aligned(void **state)
{
	struct fw_table *table = fw_table_new(column, 3);
	char *text;

	(void)state;
	fw_table_cell(table, "blocked");
	fw_table_cell(table, "%d", 12345678);
	fw_table_cell(table, "now");
	fw_table_cell_styled(table, FW_STYLE_BAD,
			     "\xc3\xbc"
			     "ber");
	fw_table_cell(table, "%d", 5);
	fw_table_cell(table, "%s", "");
	fw_table_cell(table, "last");
	text = printed(table);
	assert_string_equal(text, "reason    packets  note\n"
				  "blocked  12345678  now\n"
				  "\xc3\xbc"
				  "ber            5\n"
				  "last\n");
	free(text);
	fw_table_free(table);
	fw_table_free(NULL);
}

static void headless(void **state)
{
	static const struct fw_column bare[] = { { "", FW_LEFT }, { "", FW_RIGHT } };
	struct fw_table *table = fw_table_new(bare, 2);
	char *text;

	(void)state;
	fw_table_cell(table, "mode");
	fw_table_cell(table, "native");
	text = printed(table);
	assert_string_equal(text, "mode  native\n");
	free(text);
	fw_table_free(table);
}

static void hostile(void **state)
{
	struct fw_table *table = fw_table_new(column, 3);
	char *text;

	(void)state;
	fw_table_cell(table, "a\x1b[2J\nb");
	text = printed(table);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "a?[2J?b\n"));
	free(text);
	fw_table_free(table);
}

static void many(void **state)
{
	struct fw_table *table = fw_table_new(column, 3);
	size_t lines = 0;
	char *text;

	(void)state;
	for (int i = 0; i < 3000; i++)
		fw_table_cell(table, "%d", i);
	text = printed(table);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 1001);
	free(text);
	fw_table_free(table);
}

/* What has no style is printed as it is, between texts that have one. */
static void coloured(void **state)
{
	static const struct fw_column bare[] = { { "", FW_LEFT }, { "", FW_RIGHT } };
	struct fw_table *table = fw_table_new(bare, 2);
	char *text;

	(void)state;
	fw_table_cell_styled(table, FW_STYLE_BAD, "lost");
	fw_table_cell(table, "%d", 7);
	fw_table_colour_wish(FW_COLOUR_ALWAYS);
	text = printed(table);
	fw_table_colour_wish(FW_COLOUR_AUTO);
	assert_string_equal(text, "\033[31mlost\033[0m  7\n");
	free(text);
	fw_table_free(table);
}

static void no_terminal(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_false(fw_table_colour(f));
	assert_string_equal(fw_table_style(f, FW_STYLE_BAD), "");
	fclose(f);
}

/* On a narrow terminal the last one goes on below itself; numbers never do. */
static void narrow(void **state)
{
	static const char want[] = "reason  packets  note\r\n"
				   "syn           1  one two three four five\r\n"
				   "                 six\r\n"
				   "udp           2  unbreakableunbreakableunbreakable\r\n";
	struct fw_table *table = fw_table_new(column, 3);
	struct winsize size = { .ws_col = 17 + 24, .ws_row = 5 };
	char text[sizeof(want) + 100] = "";
	int master, slave;
	ssize_t got = 0, n;
	FILE *out;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	out = fdopen(slave, "w");
	assert_non_null(out);
	fw_table_cell(table, "syn");
	fw_table_cell(table, "1");
	fw_table_cell(table, "one two three four five six");
	fw_table_cell(table, "udp");
	fw_table_cell(table, "2");
	fw_table_cell(table, "unbreakableunbreakableunbreakable");
	setenv("TERM", "dumb", 1);
	assert_int_equal(fw_table_print(table, out), 0);
	fflush(out);
	while (!strstr(text, "able\r\n") &&
	       (n = read(master, text + got, sizeof(text) - 1 - (size_t)got)) > 0)
		got += n;
	assert_string_equal(text, want);
	fclose(out);
	close(master);
	fw_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned),  cmocka_unit_test(headless),
		cmocka_unit_test(hostile),  cmocka_unit_test(many),
		cmocka_unit_test(coloured), cmocka_unit_test(no_terminal),
		cmocka_unit_test(narrow),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
