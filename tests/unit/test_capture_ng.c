// SPDX-License-Identifier: GPL-2.0-only
/* Where a pcapng ends, and where only the disk does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include "tests/unit/unit.h"
#include "user/core/replay/capture_ng.h"

/* A section and its interface, both without options. */
static const __u32 blocks[] = {
	FW_NG_MAGIC, 28, 0x1a2b3c4d, 1, ~0U, ~0U, 28, 1, 20, 1, 0, 20,
};

struct disk {
	size_t at, bad; /* bytes from here on cannot be read */
};

static ssize_t disk_read(void *arg, char *buf, size_t size)
{
	struct disk *d = arg;
	size_t left = (d->bad < sizeof(blocks) ? d->bad : sizeof(blocks)) - d->at;

	if (!left && d->bad <= sizeof(blocks)) {
		errno = EIO;
		return -1;
	}
	size = size < left ? size : left;
	memcpy(buf, (const char *)blocks + d->at, size);
	d->at += size;
	return (ssize_t)size;
}

/* What becomes of a file whose bytes from bad on cannot be read. */
static int read_until(size_t bad, char *ret_why, size_t size)
{
	struct disk disk = { .bad = bad };
	FILE *file = fopencookie(&disk, "r", (cookie_io_functions_t){ .read = disk_read });
	struct fw_ng *ng = fw_ng_open(file);
	struct fw_ng_packet p;
	int r;

	assert_non_null(ng);
	r = fw_ng_next(ng, &p);
	snprintf(ret_why, size, "%s", fw_ng_why(ng));
	fw_ng_close(ng);
	fclose(file);
	return r;
}

static void test_unreadable_is_not_the_end(void **unused)
{
	static const size_t bad[] = { 0, 4, 10, 20, 28, 32, 40, sizeof(blocks) };
	char why[128];

	(void)unused;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(read_until(bad[i], why, sizeof(why)), -1);
		assert_string_equal(why, "Input/output error");
	}
	assert_int_equal(read_until(~(size_t)0, why, sizeof(why)), 0);
	assert_string_equal(why, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unreadable_is_not_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
