// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bundles: what is written checks, and nothing else does. Every single bit of a bundle is turned
 * and every length is cut, besides the tampering that a person would try, which must be named.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/core/evidence/bundle_check.h"

static const char *const records[][2] = {
	{ "report.txt", "the page stayed up\n" },
	{ "sources.csv", "address,proven\r\n192.0.2.1,proven\r\n" },
	{ "as/64500.csv", "" },
	{ "samples.pcapng", "no samples" },
};

struct whole {
	struct fw_sign_secret secret;
	struct fw_sign_public key;
	char *data;
	size_t len;
};

static int file_of(const char *data, size_t len)
{
	int fd = memfd_create("bundle", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

/* A bundle of the first `count` records, signed with w's key. */
static void make(struct whole *w, size_t count)
{
	struct fw_bundle_info info = {
		.incident = "7", .program = "floodwall test", .key = w->key, .made_s = 1700000000
	};
	struct fw_bundle *b = NULL;
	int fd = memfd_create("bundle", 0);

	assert_int_equal(fw_bundle_begin(fd, &info, &b), 0);
	for (size_t i = 0; i < count; i++) {
		FILE *out = fw_bundle_open(b, records[i][0]);

		assert_non_null(out);
		fputs(records[i][1], out);
		assert_int_equal(fw_bundle_close(b), 0);
	}
	assert_int_equal(fw_bundle_finish(b, &w->secret), 0);
	assert_int_equal(fw_bundle_records(b), count + 2);
	fw_bundle_free(b);
	w->len = (size_t)lseek(fd, 0, SEEK_END);
	w->data = malloc(w->len);
	assert_int_equal(pread(fd, w->data, w->len, 0), w->len);
	close(fd);
}

static int setup(void **state)
{
	struct whole *w = calloc(1, sizeof(*w));

	assert_int_equal(fw_sign_make(&w->secret, &w->key), 0);
	make(w, COUNT(records));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct whole *w = *state;

	free(w->data);
	free(w);
	return 0;
}

static struct fw_bundle_check look(const char *data, size_t len, const char *id)
{
	struct fw_bundle_check check;
	struct fw_err err = { 0 };
	int fd = file_of(data, len), r;

	r = fw_bundle_check(fd, id, NULL, NULL, &check, &err);
	close(fd);
	if (r)
		assert_int_equal(r, -EINVAL);
	if (r)
		assert_false(check.intact);
	return check;
}

static bool found(const struct fw_bundle_check *check, enum fw_bundle_fault fault, const char *name)
{
	for (__u32 i = 0; i < check->nr_findings; i++)
		if (check->finding[i].fault == fault &&
		    (!name || !strcmp(check->finding[i].name, name)))
			return true;
	for (__u32 i = 0; i < check->nr_findings; i++)
		print_message("%s: %s\n", fw_bundle_fault_names[check->finding[i].fault],
			      check->finding[i].text);
	return false;
}

/* Offset of the header of a member. */
static size_t header_of(const struct whole *w, const char *name)
{
	for (size_t at = 0; at + FW_TAR_BLOCK <= w->len; at += FW_TAR_BLOCK)
		if (!strcmp(w->data + at, name))
			return at;
	fail_msg("no %s", name);
	return 0;
}

static size_t length_of(const struct whole *w, const char *name)
{
	struct fw_tar_head head;

	assert_int_equal(fw_tar_head_get(w->data + header_of(w, name), &head), 0);
	return (size_t)(FW_TAR_BLOCK + head.size + fw_tar_padding(head.size));
}

static char *copy_of(const struct whole *w)
{
	char *copy = malloc(w->len + 4096);

	memcpy(copy, w->data, w->len);
	return copy;
}

static void intact(void **state)
{
	struct whole *w = *state;
	char id[FW_SIGN_ID_LEN];
	struct fw_bundle_check check = look(w->data, w->len, fw_sign_id(id, &w->key));

	assert_true(check.intact);
	assert_true(check.key_known);
	assert_int_equal(check.records, COUNT(records) + 2);
	assert_string_equal(check.incident, "7");
	assert_string_equal(check.made, "2023-11-14T22:13:20Z");
	assert_string_equal(check.key_id, fw_sign_id(id, &w->key));
	check = look(w->data, w->len, NULL);
	assert_true(check.intact);
	assert_false(check.key_known);
}

static void every_bit(void **state)
{
	struct whole *w = *state;
	char *copy = copy_of(w);

	for (size_t i = 0; i < w->len; i++) {
		copy[i] ^= (char)(1 << unit_below(8));
		if (look(copy, w->len, NULL).intact)
			fail_msg("byte %zu was changed and nothing said", i);
		copy[i] = w->data[i];
	}
	free(copy);
}

static void every_length(void **state)
{
	struct whole *w = *state;

	for (size_t len = 0; len < w->len; len++)
		if (look(w->data, len, NULL).intact)
			fail_msg("cut at byte %zu and nothing said", len);
}

static void changed_byte(void **state)
{
	struct whole *w = *state;
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	copy[header_of(w, "sources.csv") + FW_TAR_BLOCK + 20] ^= 1;
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_CHANGED, "sources.csv"));
	assert_int_equal(check.nr_findings, 1);
	assert_int_equal(check.finding[0].record, 4);
	assert_non_null(strstr(check.finding[0].text, "sources.csv"));
	free(copy);
}

static void damaged_header(void **state)
{
	struct whole *w = *state;
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	copy[header_of(w, "sources.csv") + 3] ^= 1;
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_CHANGED, "sources.csv"));
	assert_true(found(&check, FW_BF_FRAME, NULL));
	assert_int_equal(check.nr_findings, 2); /* the walk found its way again */
	free(copy);
}

static void removed(void **state)
{
	struct whole *w = *state;
	size_t at = header_of(w, "sources.csv"), len = length_of(w, "sources.csv");
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	memmove(copy + at, copy + at + len, w->len - at - len);
	check = look(copy, w->len - len, NULL);
	assert_true(found(&check, FW_BF_REMOVED, "sources.csv"));
	assert_int_equal(check.nr_findings, 1);
	free(copy);
}

/* The record is gone from the manifest as well: the next link of the chain does not hold. */
static void removed_line(void **state)
{
	struct whole *w = *state;
	size_t at = header_of(w, FW_BUNDLE_MANIFEST) + FW_TAR_BLOCK;
	char *copy = copy_of(w), *line = strstr(copy + at, "\n4 ") + 1,
	     *next = strchr(line, '\n') + 1;
	struct fw_bundle_check check;

	memmove(line, next, strlen(next) + 1);
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_CHAIN, "as/64500.csv"));
	assert_true(found(&check, FW_BF_SIGNATURE, NULL));
	free(copy);
}

static void reordered(void **state)
{
	struct whole *w = *state;
	size_t a = header_of(w, "report.txt"), b = header_of(w, "sources.csv");
	size_t a_len = length_of(w, "report.txt"), b_len = length_of(w, "sources.csv");
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	memcpy(copy + a, w->data + b, b_len);
	memcpy(copy + a + b_len, w->data + a, a_len);
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_ORDER, "sources.csv"));
	free(copy);
}

static void added(void **state)
{
	struct whole *w = *state;
	size_t at = header_of(w, "report.txt"), len = length_of(w, "report.txt");
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	memmove(copy + at + len, copy + at, w->len - at);
	check = look(copy, w->len + len, NULL);
	assert_true(found(&check, FW_BF_ADDED, "report.txt"));
	free(copy);
}

static void appended(void **state)
{
	struct whole *w = *state;
	char *copy = copy_of(w);
	struct fw_bundle_check check;

	memset(copy + w->len, 0, 1024);
	check = look(copy, w->len + 1024, NULL);
	assert_true(found(&check, FW_BF_APPENDED, NULL));
	assert_non_null(strstr(check.finding[0].text, "1024 bytes"));
	free(copy);
}

static void cut(void **state)
{
	struct whole *w = *state;
	size_t at = header_of(w, "sources.csv");
	struct fw_bundle_check check = look(w->data, at + FW_TAR_BLOCK + 10, NULL);

	assert_true(found(&check, FW_BF_CUT, "sources.csv"));
	assert_int_equal(check.finding[0].record, 4);
	assert_true(found(&check, FW_BF_MANIFEST, NULL));
	check = look(w->data, at, NULL); /* on a border */
	assert_true(found(&check, FW_BF_CUT, "report.txt"));
	check = look(w->data, w->len - FW_TAR_BLOCK, NULL);
	assert_true(found(&check, FW_BF_CUT, NULL));
}

/* Another key: in the file alone, and with everything signed anew. */
static void swapped_key(void **state)
{
	struct whole *w = *state, other = { .len = 0 };
	char *copy = copy_of(w), id[FW_SIGN_ID_LEN];
	struct fw_bundle_check check;

	assert_int_equal(fw_sign_make(&other.secret, &other.key), 0);
	fw_sign_put_public(copy + header_of(w, FW_BUNDLE_KEY) + FW_TAR_BLOCK, FW_SIGN_PEM_LEN,
			   &other.key);
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_KEY, FW_BUNDLE_KEY));
	assert_true(found(&check, FW_BF_CHANGED, FW_BUNDLE_KEY));
	assert_true(found(&check, FW_BF_SIGNATURE, NULL));
	make(&other, COUNT(records));
	check = look(other.data, other.len, NULL);
	assert_true(check.intact);
	check = look(other.data, other.len, fw_sign_id(id, &w->key));
	assert_true(found(&check, FW_BF_KEY, NULL));
	free(other.data);
	free(copy);
}

/* A shorter bundle under the same key, with the signature of the longer one. */
static void old_signature(void **state)
{
	struct whole *w = *state, less = *w;
	struct fw_bundle_check check;

	make(&less, 2);
	memcpy(less.data + header_of(&less, FW_BUNDLE_SIG) + FW_TAR_BLOCK,
	       w->data + header_of(w, FW_BUNDLE_SIG) + FW_TAR_BLOCK, FW_SIGN_LEN);
	check = look(less.data, less.len, NULL);
	assert_true(found(&check, FW_BF_SIGNATURE, NULL));
	free(less.data);
}

/* Blocks moved, doubled, mixed and cut at random: an answer, never intact, and nothing read that is
 * not there (the sanitizer sees). */
static void shuffled(void **state)
{
	struct whole *w = *state;
	size_t blocks = w->len / FW_TAR_BLOCK;

	for (int round = 0; round < 2000; round++) {
		char *copy = copy_of(w);
		size_t len = w->len;

		for (__u64 n = 1 + unit_below(4); n; n--) {
			size_t to = unit_below(blocks) * FW_TAR_BLOCK;
			size_t from = unit_below(blocks) * FW_TAR_BLOCK;

			if (unit_below(2))
				memcpy(copy + to, w->data + from, FW_TAR_BLOCK);
			else
				copy[to + unit_below(FW_TAR_BLOCK)] = (char)unit_random();
		}
		if (!unit_below(4))
			len = unit_below(w->len);
		if ((len != w->len || memcmp(copy, w->data, len) != 0) &&
		    look(copy, len, NULL).intact)
			fail_msg("round %d: changed, and nothing said", round);
		free(copy);
	}
}

/* A manifest that cannot be read says nothing of keys; one that is too long is a fault of the
 * bundle, not of the machine's memory. */
static void manifest_unread(void **state)
{
	struct whole *w = *state;
	size_t at = header_of(w, FW_BUNDLE_MANIFEST), size = 65U << 20;
	char *copy = calloc(1, w->len + size + FW_TAR_BLOCK);
	struct fw_bundle_check check;
	struct fw_tar_head head;

	memcpy(copy, w->data, w->len);
	copy[at + FW_TAR_BLOCK] ^= 1;
	check = look(copy, w->len, NULL);
	assert_true(found(&check, FW_BF_MANIFEST, FW_BUNDLE_MANIFEST));
	assert_true(found(&check, FW_BF_SIGNATURE, NULL));
	assert_int_equal(check.nr_findings, 2);
	assert_int_equal(fw_tar_head_get(w->data + at, &head), 0);
	head.size = size;
	assert_int_equal(fw_tar_head_put(&head, copy + at), 0);
	memset(copy + at + FW_TAR_BLOCK, 'x', size);
	memcpy(copy + at + FW_TAR_BLOCK + size, w->data + header_of(w, FW_BUNDLE_SIG),
	       w->len - header_of(w, FW_BUNDLE_SIG));
	check = look(copy, at + FW_TAR_BLOCK + size + w->len - header_of(w, FW_BUNDLE_SIG), NULL);
	assert_true(found(&check, FW_BF_MANIFEST, FW_BUNDLE_MANIFEST));
	assert_non_null(strstr(check.finding[0].text, "longer than any"));
	free(copy);
}

static void no_bundle(void **state)
{
	struct fw_bundle_check check;
	struct fw_err err = { 0 };
	int fd = file_of("hello, world", 12);

	(void)state;
	assert_int_equal(fw_bundle_check(fd, NULL, NULL, NULL, &check, &err), -EINVAL);
	assert_int_equal(err.exit_code, FW_EXIT_USAGE);
	close(fd);
}

/* A full disk, a name that is none, two streams at once. */
static void failures(void **state)
{
	struct whole *w = *state;
	struct fw_bundle_info info = { .incident = "7", .program = "test", .key = w->key };
	struct fw_bundle *b = NULL;
	int fd = memfd_create("bundle", MFD_ALLOW_SEALING), full = open("/dev/full", O_RDWR);

	assert_int_equal(fw_bundle_begin(full, &info, &b), -ENOSPC);
	close(full);
	assert_int_equal(fw_bundle_begin(fd, &info, &b), 0);
	assert_null(fw_bundle_open(b, "../evil"));
	assert_int_equal(fw_bundle_finish(b, &w->secret), -EINVAL);
	fw_bundle_free(b);
	fw_bundle_free(NULL);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intact),
		cmocka_unit_test(every_bit),
		cmocka_unit_test(every_length),
		cmocka_unit_test(changed_byte),
		cmocka_unit_test(damaged_header),
		cmocka_unit_test(removed),
		cmocka_unit_test(removed_line),
		cmocka_unit_test(reordered),
		cmocka_unit_test(added),
		cmocka_unit_test(appended),
		cmocka_unit_test(cut),
		cmocka_unit_test(swapped_key),
		cmocka_unit_test(old_signature),
		cmocka_unit_test(shuffled),
		cmocka_unit_test(manifest_unread),
		cmocka_unit_test(no_bundle),
		cmocka_unit_test(failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
