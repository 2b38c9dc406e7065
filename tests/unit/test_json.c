// SPDX-License-Identifier: GPL-2.0-only
/* JSON out: one document, schema first, valid whatever the texts hold. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/json.h"

static char *printed(const json_t *doc, enum fw_json_form form)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(fw_json_print(f, doc, form), 0);
	fclose(f);
	return text;
}

static void forms(void **state)
{
	json_t *doc = fw_json_new(), *list = json_array();
	char *text;

	(void)state;
	assert_int_equal(fw_json_push(list, fw_json_count(1)), 0);
	assert_int_equal(fw_json_push(list, fw_json_text("two")), 0);
	assert_int_equal(fw_json_set(doc, "zebra", list), 0);
	assert_int_equal(fw_json_set(doc, "apple", json_true()), 0);
	text = printed(doc, FW_JSON_COMPACT);
	assert_string_equal(text, "{\"schema\":1,\"zebra\":[1,\"two\"],\"apple\":true}\n");
	free(text);
	text = printed(doc, FW_JSON_PRETTY);
	assert_non_null(strstr(text, "{\n  \"schema\": 1,\n"));
	free(text);
	json_decref(doc);
}

static void any_text(void **state)
{
	json_t *v = fw_json_text("bad \xff\xfe utf8");

	(void)state;
	assert_non_null(v);
	assert_string_equal(json_string_value(v), "bad ?? utf8");
	json_decref(v);
	v = fw_json_text("line\nfeed \xc3\xa4");
	assert_string_equal(json_string_value(v), "line\nfeed \xc3\xa4");
	json_decref(v);
	v = fw_json_count(~0ULL);
	assert_int_equal(json_integer_value(v), 0x7fffffffffffffffLL);
	json_decref(v);
}

static void failures(void **state)
{
	json_t *doc = fw_json_new();
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_int_equal(fw_json_set(doc, "x", NULL), -ENOMEM);
	assert_int_equal(fw_json_set(NULL, "x", json_true()), -ENOMEM);
	assert_int_equal(fw_json_push(NULL, json_integer(4)),
			 -ENOMEM); /* no leak: the sanitizer sees */
	assert_int_equal(fw_json_print(stdout, NULL, FW_JSON_COMPACT), -ENOMEM);
	assert_non_null(full);
	assert_int_equal(fw_json_print(full, doc, FW_JSON_COMPACT), -EIO);
	fclose(full);
	json_decref(doc);
}

static void errors(void **state)
{
	struct fw_err err;
	json_t *doc;
	char *text;

	(void)state;
	fw_err_set(&err, -EINVAL, "try \"b\"", "no \"a\"");
	doc = fw_json_error(&err);
	text = printed(doc, FW_JSON_COMPACT);
	assert_string_equal(text,
			    "{\"schema\":1,\"error\":{\"code\":1,\"message\":\"no \\\"a\\\"\","
			    "\"hint\":\"try \\\"b\\\"\"}}\n");
	free(text);
	json_decref(doc);
	fw_err_set(&err, -EIO, NULL, "gone");
	doc = fw_json_error(&err);
	assert_true(json_is_null(json_object_get(json_object_get(doc, "error"), "hint")));
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(any_text),
		cmocka_unit_test(failures),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
