// SPDX-License-Identifier: GPL-2.0-only
/* Errors: the code comes back, the text is one printable line, the exit code follows. */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/err.h"

static void codes(void **state)
{
	static const struct {
		int code;
		int exit_code;
	} row[] = {
		{ -EINVAL, FW_EXIT_USAGE },   { -ERANGE, FW_EXIT_USAGE },
		{ -EEXIST, FW_EXIT_USAGE },   { -EPERM, FW_EXIT_PERM },
		{ -EACCES, FW_EXIT_PERM },    { -ENOENT, FW_EXIT_NOTHING },
		{ -ENODEV, FW_EXIT_NOTHING }, { -ENOSPC, FW_EXIT_FAILED },
		{ -ENOMEM, FW_EXIT_FAILED },  { -EIO, FW_EXIT_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_err err;

		assert_int_equal(fw_err_set(&err, row[i].code, "do %s", "it is %d", 5),
				 row[i].code);
		assert_int_equal(err.exit_code, row[i].exit_code);
		assert_string_equal(err.msg, "it is 5");
		assert_string_equal(err.hint, "do %s"); /* a hint is no format */
		assert_int_equal(fw_err_set(NULL, row[i].code, NULL, "x"), row[i].code);
	}
}

/* A file that was named and is not there was named wrongly; the rest is as for everything else. */
static void files(void **state)
{
	static const struct {
		int code;
		int exit_code;
	} row[] = {
		{ -ENOENT, FW_EXIT_USAGE },	  { -ENOTDIR, FW_EXIT_USAGE },
		{ -EISDIR, FW_EXIT_USAGE },	  { -ELOOP, FW_EXIT_USAGE },
		{ -ENAMETOOLONG, FW_EXIT_USAGE }, { -EACCES, FW_EXIT_PERM },
		{ -EPERM, FW_EXIT_PERM },	  { -EIO, FW_EXIT_FAILED },
		{ -ENOSPC, FW_EXIT_FAILED },	  { -EROFS, FW_EXIT_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct fw_err err;

		assert_int_equal(fw_err_set_file(&err, row[i].code, "a %s", "file %d", 5),
				 row[i].code);
		assert_int_equal(err.exit_code, row[i].exit_code);
		assert_string_equal(err.msg, "file 5");
		assert_string_equal(err.hint, "a %s");
		assert_int_equal(fw_err_set_file(NULL, row[i].code, NULL, "x"), row[i].code);
		/* Without a hint of its own it has the usual one, where there is one. */
		fw_err_set_file(&err, row[i].code, NULL, "x");
		assert_int_equal(!*err.hint, row[i].code == -ELOOP || row[i].code == -EIO ||
						     row[i].code == -ENAMETOOLONG);
	}
}

static void texts(void **state)
{
	struct fw_err err;
	char longer[1000];

	(void)state;
	fw_err_set(&err, -EINVAL, NULL, "\"%s\"", "a\x1b[31m\nb\xff");
	assert_string_equal(err.msg, "\"a?[31m?b?\"");
	assert_string_equal(err.hint, "");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fw_err_set(&err, -EINVAL, longer, "%s", longer);
	assert_int_equal(strlen(err.msg), FW_ERR_LEN - 1);
	assert_int_equal(strlen(err.hint), FW_ERR_LEN - 1);
	fw_err_prepend(&err, "%s", longer); /* no room for both: the message stays */
	assert_int_equal(err.msg[0], 'x');
	assert_int_equal(strlen(err.msg), FW_ERR_LEN - 1);
}

static void own_text(void **state)
{
	struct fw_err err;

	(void)state;
	fw_err_set(&err, -EINVAL, "a hint", "inner");
	fw_err_prepend(&err, "file %d", 3);
	assert_string_equal(err.msg, "file 3: inner");
	assert_string_equal(err.hint, "a hint");
	fw_err_set(&err, -EINVAL, err.hint, "again %s", err.msg); /* quotes itself */
	assert_string_equal(err.msg, "again file 3: inner");
	assert_string_equal(err.hint, "a hint");
	fw_err_prepend(NULL, "x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes),
		cmocka_unit_test(files),
		cmocka_unit_test(texts),
		cmocka_unit_test(own_text),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
