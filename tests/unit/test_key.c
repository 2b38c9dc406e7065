// SPDX-License-Identifier: GPL-2.0-only
/* The key that signs: made once; one that is published is not replaced unasked, nor forgotten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "user/core/evidence/key.h"

static char dir[] = "/tmp/fw-key-XXXXXX";
static char history[64], key_path[64], pub_path[64];

static int begin(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(history, sizeof(history), "%s/history.db", dir);
	snprintf(key_path, sizeof(key_path), "%s/evidence.key", dir);
	snprintf(pub_path, sizeof(pub_path), "%s/evidence.pub", dir);
	return 0;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void made_once(void **state)
{
	struct fw_key key, again;
	struct fw_err err = {};

	(void)state;
	assert_int_equal(fw_key_read(history, &key, &err), -ENOENT);
	assert_int_equal(fw_key_make(history, false, &key, &err), 0);
	assert_int_equal(fw_key_read(history, &again, &err), 0);
	assert_memory_equal(&key.pub, &again.pub, sizeof(key.pub));
	assert_int_equal(fw_key_make(history, false, &again, &err), -EEXIST);
	assert_int_equal(fw_key_make(history, true, &again, &err), -EEXIST);
}

static void a_published_one_is_not_replaced_unasked(void **state)
{
	struct fw_sign_public kept;
	struct fw_key key, next;
	char id[FW_SIGN_ID_LEN], path[96];
	struct fw_err err = {};

	(void)state;
	assert_int_equal(fw_key_make(history, false, &key, &err), 0);
	snprintf(path, sizeof(path), "%s.%.8s", pub_path, fw_sign_id(id, &key.pub));
	assert_int_equal(unlink(key_path), 0);
	assert_int_equal(fw_key_make(history, false, &next, &err), -EEXIST);
	assert_non_null(strstr(err.hint, "--force"));
	assert_non_null(strstr(err.hint, strrchr(path, '/') + 1));
	assert_int_equal(access(key_path, F_OK), -1);
	assert_int_equal(fw_key_make(history, true, &next, &err), 0);
	assert_int_equal(fw_key_read_public(path, &kept, &err), 0);
	assert_memory_equal(&kept, &key.pub, sizeof(kept));
	assert_int_equal(fw_key_read_public(pub_path, &kept, &err), 0);
	assert_memory_equal(&kept, &next.pub, sizeof(kept));
}

/* Whatever took its place: it is said what it is not, and what to do. */
static void anything_else_is_no_key(void **state)
{
	static const size_t sizes[] = { 0, 100, FW_SIGN_PEM_LEN, 100000 };
	struct fw_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct fw_err err = {};
		FILE *out = fopen(key_path, "w");

		for (size_t n = 0; n < sizes[i]; n++)
			fputc('A', out);
		fclose(out);
		assert_int_equal(chmod(key_path, 0600), 0);
		assert_int_equal(fw_key_read(history, &key, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "is no Ed25519 key"));
		assert_non_null(strstr(err.hint, "restore it from a copy"));
	}
}

/* `key show > office.pem`: what it says around the key is no harm. */
static void words_around_it_are_none_of_it(void **state)
{
	struct fw_sign_public read;
	char pem[FW_SIGN_PEM_LEN];
	struct fw_err err = {};
	struct fw_key key;
	FILE *out;

	(void)state;
	assert_int_equal(fw_key_make(history, false, &key, &err), 0);
	fw_sign_put_public(pem, sizeof(pem), &key.pub);
	out = fopen(pub_path, "w");
	fprintf(out, "fingerprint 08e8\n\n%s\nPublish the fingerprint.\n", pem);
	fclose(out);
	assert_int_equal(fw_key_read_public(pub_path, &read, &err), 0);
	assert_memory_equal(&read, &key.pub, sizeof(read));
	out = fopen(pub_path, "w");
	fprintf(out, "fingerprint 08e8\n\n%.60s\n", pem);
	fclose(out);
	assert_int_equal(fw_key_read_public(pub_path, &read, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once, begin, end),
		cmocka_unit_test_setup_teardown(a_published_one_is_not_replaced_unasked, begin,
						end),
		cmocka_unit_test_setup_teardown(anything_else_is_no_key, begin, end),
		cmocka_unit_test_setup_teardown(words_around_it_are_none_of_it, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
