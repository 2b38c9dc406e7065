// SPDX-License-Identifier: GPL-2.0-only
/* Addresses and prefixes: strict reading, canonical writing, and the form inside. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"

static void addresses(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* as printed; NULL: refused */
	} row[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "2001:db8:0:0:0:0:0:1", "2001:db8::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::192.0.2.1", "::192.0.2.1" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.1.1", NULL },
		{ "192.0.2.01", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.1 ", NULL },
		{ " 192.0.2.1", NULL },
		{ "192.0.2.1/32", NULL },
		{ "3221225985", NULL },
		{ "0xc0.0.2.1", NULL },
		{ "fe80::1%eth0", NULL },
		{ "2001:db8::1::2", NULL },
		{ "2001:db8:1", NULL },
		{ "[::1]", NULL },
		{ ":::", NULL },
		{ "12345::", NULL },
		{ "localhost", NULL },
		{ "2001:0db8:0000:0000:0000:0000:0000:0001:0000", NULL },
		{ "0000000000000000000000000000000000000000000000000001::", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		__be32 addr[4] = { 1, 2, 3, 4 };
		struct fw_err err = { 0 };
		char buf[FW_TEXT_LEN];
		int r = fw_text_addr(row[i].text, addr, &err);

		if (!row[i].want) {
			if (!r)
				fail_msg("\"%s\" was read as an address", row[i].text);
			assert_true(addr[0] == 1 && addr[3] == 4);
			assert_non_null(strstr(err.msg, row[i].text));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(fw_text_put_addr(buf, sizeof(buf), addr), row[i].want);
	}
}

static void prefixes(void **state)
{
	static const struct {
		const char *text;
		const char *want;
		__u8 len;
	} row[] = {
		{ "192.0.2.0/24", "192.0.2.0/24", 120 },
		{ "192.0.2.1", "192.0.2.1/32", 128 },
		{ "192.0.2.1/32", "192.0.2.1/32", 128 },
		{ "0.0.0.0/0", "0.0.0.0/0", 96 },
		{ "128.0.0.0/1", "128.0.0.0/1", 97 },
		{ "2001:db8::/32", "2001:db8::/32", 32 },
		{ "2001:db8::1", "2001:db8::1/128", 128 },
		{ "::/0", "::/0", 0 },
		{ "::/128", "::/128", 128 },
		{ "ffff:ffff:ffff:ffff::/64", "ffff:ffff:ffff:ffff::/64", 64 },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24", 120 },
		{ "192.0.2.1/24", NULL, 0 },
		{ "0.0.0.1/0", NULL, 0 },
		{ "2001:db8::1/32", NULL, 0 },
		{ "::1/127", NULL, 0 },
		{ "192.0.2.0/33", NULL, 0 },
		{ "192.0.2.0/024", NULL, 0 },
		{ "192.0.2.0/", NULL, 0 },
		{ "192.0.2.0/-1", NULL, 0 },
		{ "192.0.2.0/+24", NULL, 0 },
		{ "192.0.2.0/24 ", NULL, 0 },
		{ "192.0.2.0/ 24", NULL, 0 },
		{ "192.0.2.0/24/24", NULL, 0 },
		{ "192.0.2.0/255.255.255.0", NULL, 0 },
		{ "192.0.2/24", NULL, 0 },
		{ "2001:db8::/129", NULL, 0 },
		{ "2001:db8::/4294967328", NULL, 0 },
		{ "::ffff:0:0/95", NULL, 0 },
		{ "/24", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		__be32 addr[4] = { 1, 2, 3, 4 };
		struct fw_err err = { 0 };
		char buf[FW_TEXT_LEN];
		__u8 len = 77;
		int r = fw_text_prefix(row[i].text, addr, &len, &err);

		if (!row[i].want) {
			if (!r)
				fail_msg("\"%s\" was read as a prefix", row[i].text);
			assert_true(addr[0] == 1 && addr[3] == 4 && len == 77);
			assert_non_null(strstr(err.msg, row[i].text));
			assert_true(err.hint[0]);
			continue;
		}
		if (r)
			fail_msg("\"%s\": %s", row[i].text, err.msg);
		assert_int_equal(len, row[i].len);
		assert_string_equal(fw_text_put_prefix(buf, sizeof(buf), addr, len), row[i].want);
	}
}

static void form_inside(void **state)
{
	const __be32 want[4] = { 0, 0, htonl(0xffff), htonl(0xc0000201) };
	__be32 addr[4];

	(void)state;
	assert_int_equal(fw_text_addr("192.0.2.1", addr, NULL), 0);
	assert_memory_equal(addr, want, sizeof(want));
	assert_true(fw_text_is_ip4(addr));
	assert_int_equal(fw_text_addr("::fffe:0:0", addr, NULL), 0);
	assert_false(fw_text_is_ip4(addr));
}

/* Who copies a source from a list has its length with it. */
static void sources_as_printed(void **state)
{
	static const char *const none[] = { "2001:db8::/48", "2001:db8::1/64", "192.0.2.0/24",
					    "192.0.2.1/64", "x/64" };
	__be32 addr[4];
	char buf[FW_TEXT_LEN];

	(void)state;
	assert_int_equal(fw_text_source("2001:db8:0:5::/64", addr, NULL), 0);
	assert_string_equal(fw_text_put_addr(buf, sizeof(buf), addr), "2001:db8:0:5::");
	assert_int_equal(fw_text_source("192.0.2.1/32", addr, NULL), 0);
	assert_string_equal(fw_text_put_addr(buf, sizeof(buf), addr), "192.0.2.1");
	assert_int_equal(fw_text_source("2001:db8::7", addr, NULL), 0);
	assert_string_equal(fw_text_put_addr(buf, sizeof(buf), addr), "2001:db8::7");
	for (size_t i = 0; i < COUNT(none); i++) {
		struct fw_err err = { 0 };

		assert_int_equal(fw_text_source(none[i], addr, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "is not an address"));
	}
}

static void host_bits_hint(void **state)
{
	struct fw_err err = { 0 };
	__be32 addr[4];
	__u8 len;

	(void)state;
	assert_int_equal(fw_text_prefix("192.0.2.77/24", addr, &len, &err), -EINVAL);
	assert_string_equal(err.msg, "\"192.0.2.77/24\" has bits set beyond its length");
	assert_string_equal(err.hint,
			    "write 192.0.2.0/24 for the network or 192.0.2.77/32 for the address");
}

/* What a URL or ss(8) prints is an address with something around it: said without that. */
static void bare_hint(void **state)
{
	static const struct {
		const char *text, *bare;
	} rows[] = {
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:443", "2001:db8::1" },
		{ "192.0.2.7:443", "192.0.2.7" },
	};
	char hint[FW_TEXT_LEN];
	struct fw_err err;
	__be32 addr[4];
	__u8 len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(hint, sizeof(hint), "write %s alone", rows[i].bare);
		assert_int_equal(fw_text_addr(rows[i].text, addr, &err), -EINVAL);
		assert_string_equal(err.hint, hint);
		assert_int_equal(fw_text_prefix(rows[i].text, addr, &len, &err), -EINVAL);
		assert_string_equal(err.hint, hint);
	}
	assert_int_equal(fw_text_addr("[web]:80", addr, &err), -EINVAL);
	assert_null(strstr(err.hint, "alone"));
}

static void round_trip(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		bool ip4 = unit_below(2);
		int len = ip4 ? 96 + (int)unit_below(33) : (int)unit_below(129);
		__be32 addr[4], got[4];
		char buf[FW_TEXT_LEN];
		__u8 got_len;

		for (int w = 0; w < 4; w++) {
			int bits = len - w * 32;
			__u32 keep = bits >= 32 ? ~0U : bits <= 0 ? 0 : ~0U << (32 - bits);

			addr[w] = htonl((__u32)unit_random() & (unit_below(3) ? ~0U : 0) & keep);
		}
		if (ip4) {
			addr[0] = addr[1] = 0;
			addr[2] = htonl(0xffff);
		}
		fw_text_put_prefix(buf, sizeof(buf), addr, (__u8)len);
		assert_int_equal(fw_text_prefix(buf, got, &got_len, NULL), 0);
		assert_memory_equal(addr, got, sizeof(addr));
		assert_int_equal(len, got_len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),	  cmocka_unit_test(prefixes),
		cmocka_unit_test(form_inside),	  cmocka_unit_test(sources_as_printed),
		cmocka_unit_test(host_bits_hint), cmocka_unit_test(bare_hint),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests_name("text_addr", tests, NULL, NULL);
}
