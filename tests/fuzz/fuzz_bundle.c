// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `incident verify` is handed by a stranger. Any bytes as they are, or, since a header that is
 * off by a bit ends the walk, as contents of members with headers that are right: then manifest,
 * key and signature are reached. Whatever it is, faults are named, and intact means none.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/core/evidence/bundle.c"
#include "user/core/evidence/bundle_check.c"
#include "user/core/evidence/bundle_walk.c"
#include "user/core/evidence/bundle_text.c"

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

#define MADE 1700000000

static const char *const names[] = { FW_BUNDLE_MANIFEST, FW_BUNDLE_KEY, FW_BUNDLE_SIG,
				     FW_BUNDLE_VERIFY,	 "report.txt",	"samples/1.pcapng" };

static void put(int fd, const void *data, size_t len)
{
	CHECK(write(fd, data, len) == (ssize_t)len);
}

/* [which name, low and high byte of the size, content]...; what is left over stands behind. */
static void frame(int fd, const __u8 *data, size_t size)
{
	static const char zeros[2 * FW_TAR_BLOCK];
	char block[FW_TAR_BLOCK];

	while (size >= 3) {
		struct fw_tar_head head = { .size = data[1] | data[2] << 8, .mtime_s = MADE };

		data += 3;
		size -= 3;
		head.size = head.size < size ? head.size : size;
		strcpy(head.name, names[data[-3] % (sizeof(names) / sizeof(*names))]);
		CHECK(!fw_tar_head_put(&head, block));
		put(fd, block, sizeof(block));
		put(fd, data, head.size);
		put(fd, zeros, fw_tar_padding(head.size));
		data += head.size;
		size -= head.size;
	}
	put(fd, zeros, sizeof(zeros));
	put(fd, data, size);
}

static void check_told(int r, const struct fw_bundle_check *told, const struct fw_err *err)
{
	CHECK(!r || (r == -EINVAL && *err->msg && err->exit_code));
	CHECK(told->nr_findings <= FW_BUNDLE_FINDINGS);
	CHECK(!told->intact || (!r && !told->nr_findings && !told->nr_more && told->records));
	for (__u32 i = 0; i < told->nr_findings; i++)
		CHECK(told->finding[i].fault < FW_BF_MAX && *told->finding[i].text);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct fw_bundle_check told = { 0 };
	struct fw_err err = { 0 };
	int fd;

	if (!size)
		return 0;
	fd = memfd_create("bundle", MFD_CLOEXEC);
	CHECK(fd >= 0);
	if (data[0] & 1)
		put(fd, data + 1, size - 1);
	else
		frame(fd, data + 1, size - 1);
	check_told(fw_bundle_check(fd, data[0] & 2 ? "00" : NULL, NULL, NULL, &told, &err), &told,
		   &err);
	close(fd);
	return 0;
}
