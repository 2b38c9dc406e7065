// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the record: long texts packed, and when each service was above calm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/core/record/incident.h"

static void texts(void **state)
{
	const size_t len = 200000;
	char *text = malloc(len + 1), *back = NULL;
	unsigned char *packed = NULL;
	size_t packed_len = 0;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i * 7919 % 23);
	text[len] = '\0';
	assert_int_equal(fw_history_pack(text, len, (void **)&packed, &packed_len), 0);
	assert_true(packed_len < len / 4);
	assert_int_equal(packed[0], 0x1f); /* gunzip reads it */
	assert_int_equal(packed[1], 0x8b);
	assert_int_equal(fw_history_unpack(packed, packed_len, &back), 0);
	assert_string_equal(back, text);
	free(back);
	/* Cut, changed in its text, changed in its length: none is taken for the text. */
	for (size_t cut = 0; cut < packed_len; cut += 7)
		assert_int_equal(fw_history_unpack(packed, cut, &back), -EBADMSG);
	packed[packed_len / 2] ^= 1;
	assert_int_equal(fw_history_unpack(packed, packed_len, &back), -EBADMSG);
	packed[packed_len / 2] ^= 1;
	packed[packed_len - 1] = 0xff;
	assert_int_equal(fw_history_unpack(packed, packed_len, &back), -EBADMSG);
	free(packed);
	free(text);
}

#define AT(s, name, old, new)                                                      \
	{                                                                          \
		.when = { (s)*1000000000ULL, (s)*1000000000ULL }, .service = name, \
		.from = FW_LEVEL_##old, .to = FW_LEVEL_##new                       \
	}

static void spans(void **state)
{
	static const struct fw_history_level level[] = {
		AT(10, "web", CALM, GUARDED),  AT(12, "dns", CALM, SIEGE),
		AT(13, "web", GUARDED, SIEGE), AT(20, "mail", GUARDED, SIEGE),
		AT(40, "dns", SIEGE, CALM),    AT(45, "web", CALM, SIEGE), /* a new recorder */
		AT(50, "web", SIEGE, GUARDED), AT(60, "dns", CALM, GUARDED),
		AT(80, "web", GUARDED, CALM),
	};
	struct fw_incident in = { .start = { 9000000000ULL, 9000000000ULL } };
	struct fw_incident_span *list = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(fw_incident_spans(&in, level, sizeof(level) / sizeof(*level), &list, &n),
			 0);
	assert_int_equal(n, 4);
	assert_string_equal(list[0].service, "web");
	assert_int_equal(list[0].from.boot_ns / 1000000000, 10);
	assert_int_equal(list[0].to.boot_ns / 1000000000, 80);
	assert_true(list[0].over && list[0].worst == FW_LEVEL_SIEGE);
	assert_string_equal(list[1].service, "dns");
	assert_int_equal(list[1].to.boot_ns / 1000000000, 40);
	assert_true(list[1].over && list[1].worst == FW_LEVEL_SIEGE);
	/* It was guarded before the incident was opened. */
	assert_string_equal(list[2].service, "mail");
	assert_int_equal(list[2].from.boot_ns / 1000000000, 9);
	assert_false(list[2].over);
	/* A second time: another stretch, which has not ended. */
	assert_string_equal(list[3].service, "dns");
	assert_true(!list[3].over && list[3].worst == FW_LEVEL_GUARDED);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(spans),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
