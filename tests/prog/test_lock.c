// SPDX-License-Identifier: GPL-2.0-only
/* The lock on the pin directory: whoever waits for it in vain hears who has it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "tests/lib/prog.h"
#include "user/kern/pin.h"

static void test_the_holder_is_named(void **state)
{
	char dir[] = "/tmp/fw-lock-XXXXXX", who[32], way[32];
	struct fw_err err = {};
	int held, fd = -1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	held = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(held >= 0);
	assert_int_equal(flock(held, LOCK_EX), 0);
	assert_int_equal(fw_pin_lock(dir, 0, &fd, &err), -EBUSY);
	assert_int_equal(fd, -1);
	snprintf(who, sizeof(who), ": process %d (", getpid());
	snprintf(way, sizeof(way), "`kill %d`", getpid());
	assert_non_null(strstr(err.msg, dir));
	assert_non_null(strstr(err.msg, who));
	assert_non_null(strstr(err.hint, way));
	close(held);
	assert_int_equal(fw_pin_lock(dir, 0, &fd, &err), 0);
	fw_pin_unlock(fd);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_holder_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
