// SPDX-License-Identifier: GPL-2.0-only
/* Who holds a lock, as the kernel's list tells it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/base/flock.h"

static void test_owner_of_a_list(void **unused)
{
	static const char locks[] = "1: FLOCK  ADVISORY  WRITE 11 00:1c:8192 0 EOF\n"
				    "1: -> FLOCK  ADVISORY  WRITE 12 00:1d:77 0 EOF\n"
				    "2: POSIX  ADVISORY  WRITE 13 00:1d:77 0 EOF\n"
				    "3: FLOCK  ADVISORY  READ  14 00:1d:77 0 EOF\n"
				    "4: FLOCK  ADVISORY  WRITE 0 00:1d:77 0 EOF\n"
				    "5: FLOCK  ADVISORY  WRITE 15 00:1d:77 0 EOF\n"
				    "6: FLOCK  ADVISORY  WRITE 16 fe:1d:77 0 EOF";
	struct stat st = { .st_dev = makedev(0, 0x1d), .st_ino = 77 };

	(void)unused;
	assert_int_equal(fw_flock_owner(locks, &st), 15);
	st.st_dev = makedev(0xfe, 0x1d);
	assert_int_equal(fw_flock_owner(locks, &st), 16);
	st.st_ino = 7;
	assert_int_equal(fw_flock_owner(locks, &st), 0);
	assert_int_equal(fw_flock_owner("", &st), 0);
}

static void test_ourselves(void **unused)
{
	char path[] = "/tmp/fw-flock-XXXXXX", said[256], want[32];
	struct stat st;
	pid_t pid;
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(fstat(fd, &st), 0);
	fw_flock_describe(&st, said, sizeof(said), &pid);
	assert_string_equal(said, "");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	fw_flock_describe(&st, said, sizeof(said), &pid);
	snprintf(want, sizeof(want), "process %d (", getpid());
	assert_int_equal(pid, getpid());
	assert_int_equal(strncmp(said, want, strlen(want)), 0);
	assert_non_null(strstr(said, "test_flock"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_of_a_list),
		cmocka_unit_test(test_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
