// SPDX-License-Identifier: GPL-2.0-only
/* What a file that is written may take the place of. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/base/replace.h"

static void test_targets(void **state)
{
	char dir[] = "/tmp/floodwall-replace.XXXXXX", file[64], link[64], real[PATH_MAX] = "";
	struct fw_err err = { 0 };
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(fw_replace_target(file, NULL, real, &err), 0); /* nothing there yet */
	assert_string_equal(real, file);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(fw_replace_target(link, NULL, real, &err), 0); /* it points nowhere */
	assert_string_equal(real, link);
	out = fopen(file, "w");
	assert_non_null(out);
	fclose(out);
	assert_int_equal(fw_replace_target(link, NULL, real, &err), 0);
	assert_string_equal(real, file);
	assert_int_equal(fw_replace_target(dir, "name a file", real, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is a directory"));
	assert_string_equal(err.hint, "name a file");
	assert_string_equal(real, file);
	unlink(link);
	unlink(file);
	rmdir(dir);
}

static void test_devices_stay(void **state)
{
	char real[PATH_MAX] = "";
	struct fw_err err = { 0 };

	(void)state;
	assert_int_equal(fw_replace_target("/dev/null", NULL, real, &err), -EINVAL);
	assert_string_equal(err.msg, "/dev/null is a device or the like, not a file");
	assert_int_equal(err.exit_code, FW_EXIT_USAGE);
	assert_string_equal(real, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_devices_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
