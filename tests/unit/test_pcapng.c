// SPDX-License-Identifier: GPL-2.0-only
/* Captures out: every block has its length at both ends, and every field where the format says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/pcapng.h"

static __u32 word(const char *at)
{
	__u32 w;

	memcpy(&w, at, sizeof(w));
	return w;
}

static void blocks(void **state)
{
	static const char frame[] = "0123456789abc"; /* 13 bytes: padding is needed */
	struct fw_pcapng_packet p = { .realtime_ns = 0x0123456789abcdefULL,
				      .data = frame,
				      .captured = 13,
				      .length = 1500,
				      .comment = "drop land web" };
	char *data = NULL, *at;
	size_t size;
	FILE *f = open_memstream(&data, &size);

	(void)state;
	assert_int_equal(fw_pcapng_begin(f, "floodwall", "eth0", 128), 0);
	assert_int_equal(fw_pcapng_packet(f, &p), 0);
	p.comment = NULL;
	assert_int_equal(fw_pcapng_packet(f, &p), 0);
	fclose(f);
	assert_int_equal(word(data), 0x0a0d0d0a);
	assert_int_equal(word(data + 8), 0x1a2b3c4d);
	at = data + word(data + 4);
	assert_int_equal(word(at - 4), word(data + 4));
	assert_int_equal(word(at), 1);
	assert_int_equal(word(at + 12), 128);
	at += word(at + 4);
	assert_int_equal(word(at), 6);
	assert_int_equal(word(at + 8), 0);
	assert_int_equal(word(at + 12), 0x01234567);
	assert_int_equal(word(at + 16), 0x89abcdef);
	assert_int_equal(word(at + 20), 13);
	assert_int_equal(word(at + 24), 1500);
	assert_memory_equal(at + 28, frame, 13);
	assert_int_equal(at[44], 1); /* comment, 13 bytes */
	assert_int_equal(at[46], 13);
	assert_memory_equal(at + 48, "drop land web\0\0\0", 16);
	assert_int_equal(word(at + 64), 0);
	assert_int_equal(word(at + 4), 72);
	assert_int_equal(word(at + 68), 72);
	at += 72;
	assert_int_equal(word(at + 4), 48);
	assert_int_equal(word(at + 44), 48);
	assert_ptr_equal(at + 48, data + size);
	free(data);
}

static void refused(void **state)
{
	struct fw_pcapng_packet p = { .data = "", .captured = 10, .length = 9 };
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setbuf(full, NULL);
	assert_int_equal(fw_pcapng_packet(stdout, &p), -EINVAL);
	assert_int_equal(fw_pcapng_begin(stdout, "", "", 65536), -EINVAL);
	assert_int_equal(fw_pcapng_begin(full, "x", "", 128), -EIO);
	fclose(full);
}

/* A comment of any length and any bytes is cut at a character. */
static void long_comment(void **state)
{
	char comment[4000], *data = NULL;
	struct fw_pcapng_packet p = { .data = "", .comment = comment };
	size_t size;
	FILE *f = open_memstream(&data, &size);

	(void)state;
	for (size_t i = 0; i < sizeof(comment) - 1; i++)
		comment[i] = i % 2 ? (char)0xa4 : (char)0xc3;
	comment[sizeof(comment) - 1] = '\0';
	assert_int_equal(fw_pcapng_packet(f, &p), 0);
	fclose(f);
	assert_int_equal(word(data + 4), size);
	assert_int_equal(word(data + size - 4), size);
	assert_int_equal((unsigned char)data[28 + 4 + 1021], 0xa4);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(blocks), cmocka_unit_test(refused),
					    cmocka_unit_test(long_comment) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
