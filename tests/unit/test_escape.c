// SPDX-License-Identifier: GPL-2.0-only
/* Hostile text in HTML, Markdown and CSV. */
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/escape.h"

struct row {
	int (*escape)(FILE *out, const char *text);
	const char *text, *want;
};

static const struct row rows[] = {
	{ fw_escape_html, "plain \xc3\xa4", "plain \xc3\xa4" },
	{ fw_escape_html, "<script>alert('x\"&')</script>",
	  "&lt;script&gt;alert(&#39;x&quot;&amp;&#39;)&lt;/script&gt;" },
	{ fw_escape_html, "a\nb\x1b[31m\xff", "a?b?[31m?" },
	{ fw_escape_html, "user\xe2\x80\xaegnp.exe", "user?gnp.exe" }, /* right-to-left override */
	{ fw_escape_html,
	  "a\xe2\x80\x8b\xef\xbb\xbf"
	  "b\xe2\x81\xa6",
	  "a??b?" },
	{ fw_escape_html, "\xe2\x82\xac 5", "\xe2\x82\xac 5" }, /* a euro sign is none of them */
	{ fw_escape_markdown, "[x](javascript:a) *b* `c` | d",
	  "\\[x\\]\\(javascript:a\\) \\*b\\* "
	  "\\`c\\` \\| d" },
	{ fw_escape_markdown, "<img src=x>", "&lt;img src\\=x&gt;" },
	{ fw_escape_markdown, "http://evil.example", "http&#58;//evil.example" },
	{ fw_escape_markdown, "# head\n- list", "\\# head?\\- list" },
	{ fw_escape_csv, "plain", "plain" },
	{ fw_escape_csv, "", "" },
	{ fw_escape_csv, "a,b", "\"a,b\"" },
	{ fw_escape_csv, "say \"hi\"", "\"say \"\"hi\"\"\"" },
	{ fw_escape_csv, "a\r\nb", "a??b" },
	{ fw_escape_csv, "=1+1", "\"'=1+1\"" },
	{ fw_escape_csv, "+1", "\"'+1\"" },
	{ fw_escape_csv, "-1", "\"'-1\"" },
	{ fw_escape_csv, "@SUM(A1)", "\"'@SUM(A1)\"" },
	{ fw_escape_csv, " =1", "\"' =1\"" },
	{ fw_escape_csv, "\t=1", "?=1" },
	{ fw_escape_csv,
	  "\xef\xbc\x9d"
	  "1",
	  "\"'\xef\xbc\x9d"
	  "1\"" }, /* a wide = */
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);

		assert_int_equal(rows[i].escape(f, rows[i].text), 0);
		fclose(f);
		assert_string_equal(text, rows[i].want);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
