// SPDX-License-Identifier: GPL-2.0-only
/* Which word was meant. */
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/nearest.h"

static const char *const words[] = { "attach", "block", "limit", "source", "status", "stats" };

static void test_slips(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "blokc", "block" },  /* swapped */
		{ "blok", "block" },   /* left out */
		{ "bllock", "block" }, /* doubled */
		{ "blick", "block" },  /* wrong */
		{ "sorce", "source" },
		{ "at", "attach" }, /* an abbreviation */
		{ "limit", "limit" },
		{ "satus", "status" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "b", NULL },
		{ "blockblockblockblockblock", NULL }, /* longer than any word */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *near = fw_nearest_word(cases[i].typed, words, COUNT(words));

		if (cases[i].meant)
			assert_string_equal(near ? near : "", cases[i].meant);
		else
			assert_null(near);
	}
}

/* One slip in a word of at least four letters always finds a word one slip away or less. */
static void test_any_slip(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		const char *word = words[unit_below(COUNT(words))];
		char typed[16];
		size_t len = strlen(word), at = unit_below(len);

		strcpy(typed, word);
		typed[at] = (char)('a' + unit_below(26));
		assert_non_null(fw_nearest_word(typed, words, COUNT(words)));
	}
}

static void test_none(void **state)
{
	(void)state;
	assert_null(fw_nearest_word("block", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips),
		cmocka_unit_test(test_any_slip),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
