// SPDX-License-Identifier: GPL-2.0-only
/* Numbers, sizes, rates, durations, ports and names: what is read, what is refused, and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"

#define BAD ~0ULL

struct row {
	const char *text;
	__u64 want;
};

static void check(const struct row *row, size_t n,
		  int (*parse)(const char *, __u64 *, struct fw_err *))
{
	for (size_t i = 0; i < n; i++) {
		__u64 got = 12345;
		struct fw_err err = { 0 };
		int r = parse(row[i].text, &got, &err);

		if (row[i].want == BAD) {
			if (!r)
				fail_msg("\"%s\" was read as %llu", row[i].text, got);
			assert_int_equal(got, 12345); /* untouched */
			assert_non_null(strstr(err.msg, row[i].text));
			assert_true(err.hint[0]);
			assert_int_equal(err.exit_code, FW_EXIT_USAGE);
			assert_true(parse(row[i].text, &got, NULL) < 0);
		} else {
			if (r || got != row[i].want)
				fail_msg("\"%s\": %d, %llu, wanted %llu", row[i].text, r, got,
					 row[i].want);
		}
	}
}

static void numbers(void **state)
{
	static const struct row row[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "500", 500 },
		{ "007", 7 },
		{ "10k", 10000 },
		{ "10K", 10000 },
		{ "1.5k", 1500 },
		{ "1.234k", 1234 },
		{ "200M", 200000000 },
		{ "2G", 2000000000 },
		{ "0.5k", 500 },
		{ "1.0", 1 },
		{ "9223372036854775807", 9223372036854775807ULL },
		{ "9223372036.854775807G", 9223372036854775807ULL },
		{ "", BAD },
		{ "k", BAD },
		{ "1.2345k", BAD },
		{ "1.5", BAD },
		{ "1.", BAD },
		{ ".5k", BAD },
		{ "1..5k", BAD },
		{ "1.5.5k", BAD },
		{ "-1", BAD },
		{ "+1", BAD },
		{ " 1", BAD },
		{ "1 ", BAD },
		{ "1 k", BAD },
		{ "1e3", BAD },
		{ "0x10", BAD },
		{ "10kk", BAD },
		{ "10km", BAD },
		{ "10m", BAD },
		{ "1,000", BAD },
		{ "9223372036854775808", BAD },
		{ "18446744073709551616", BAD },
		{ "99999999999G", BAD },
		{ "99999999999999999999", BAD },
		{ "0.00000000000000000000000000001", BAD },
	};

	(void)state;
	check(row, COUNT(row), fw_text_number);
}

static void bytes(void **state)
{
	static const struct row row[] = {
		{ "1500", 1500 },    { "1500B", 1500 },	       { "64k", 64000 },
		{ "64kB", 64000 },   { "64KiB", 65536 },       { "20MB", 20000000 },
		{ "1MiB", 1048576 }, { "1.5MiB", 1572864 },    { "1Gbit", 125000000 },
		{ "8bit", 1 },	     { "2.5Gbit", 312500000 }, { "100Mbit", 12500000 },
		{ "1GiB", 1 << 30 }, { "1bit", BAD },	       { "1.5KiBB", BAD },
		{ "1gb", BAD },	     { "1Gbps", BAD },	       { "1Gb", BAD },
		{ "", BAD },	     { "bit", BAD },	       { "99999999999GiB", BAD },
	};

	(void)state;
	check(row, COUNT(row), fw_text_bytes);
}

static void numbers_round_trip(void **state)
{
	char buf[FW_TEXT_LEN];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		static const __u64 unit[] = { 1, 10, 100, 1000, 1000000, 1000000000 };
		__u64 n = unit_random() >> (1 + unit_below(63)), got;

		if (n < 1000000000)
			n *= unit[unit_below(6)];
		assert_int_equal(
			fw_text_number(fw_text_put_number(buf, sizeof(buf), n), &got, NULL), 0);
		assert_int_equal(got, n);
	}
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 0), "0");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 999), "999");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 10000), "10k");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 1500), "1.5k");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 1050), "1.05k");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 1001), "1.001k");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 1000001), "1000.001k");
	assert_string_equal(fw_text_put_number(buf, sizeof(buf), 2000000000), "2G");
	assert_string_equal(fw_text_put_number(buf, 3, 10000), "10");
	assert_string_equal(fw_text_put_grouped(buf, sizeof(buf), 0), "0");
	assert_string_equal(fw_text_put_grouped(buf, sizeof(buf), 999), "999");
	assert_string_equal(fw_text_put_grouped(buf, sizeof(buf), 8801250), "8,801,250");
	assert_string_equal(fw_text_put_grouped(buf, sizeof(buf), ~0ULL),
			    "18,446,744,073,709,551,615");
	assert_string_equal(fw_text_put_grouped(buf, 4, 12345), "12");
}

static const struct rate_row {
	const char *text;
	bool bytes;
	__u64 count;
	__u32 per_s;
} rate_row[] = {
	{ "50/s", false, 50, 1 },
	{ "50", false, 50, 1 },
	{ "10k/m", false, 10000, 60 },
	{ "10k/min", false, 10000, 60 },
	{ "1/h", false, 1, 3600 },
	{ "1/hour", false, 1, 3600 },
	{ "2/second", false, 2, 1 },
	{ "none", false, 0, 1 },
	{ "none", true, 0, 1 },
	{ "200MB/s", true, 200000000, 1 },
	{ "1Gbit/s", true, 125000000, 1 },
	{ "50M", true, 50000000, 1 },
	{ "50M/h", true, 50000000, 3600 },
	{ "0", false, BAD, 0 },
	{ "0/s", false, BAD, 0 },
	{ "/s", false, BAD, 0 },
	{ "50/", false, BAD, 0 },
	{ "50/d", false, BAD, 0 },
	{ "50/s/s", false, BAD, 0 },
	{ "50 /s", false, BAD, 0 },
	{ "50/ s", false, BAD, 0 },
	{ "50/S", false, BAD, 0 },
	{ "200MB/s", false, BAD, 0 },
	{ "None", false, BAD, 0 },
	{ "none/s", false, BAD, 0 },
	{ "", false, BAD, 0 },
};

static void rates_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rate_row); i++) {
		struct fw_rate rate = { 77, 88, 99, 11 };
		struct fw_err err = { 0 };

		if (rate_row[i].count != BAD)
			continue;
		if (!fw_text_rate(rate_row[i].text, rate_row[i].bytes, &rate, &err))
			fail_msg("\"%s\" was read as a rate", rate_row[i].text);
		assert_true(rate.count == 77 && rate.burst == 88 && rate.per_s == 99);
		assert_true(err.msg[0] && err.hint[0]);
	}
}

static void rates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rate_row); i++) {
		struct fw_rate rate = { 77, 88, 99, 11 }, back = rate;
		bool bytes = rate_row[i].bytes;
		char buf[FW_TEXT_LEN];

		if (rate_row[i].count == BAD)
			continue;
		assert_int_equal(fw_text_rate(rate_row[i].text, bytes, &rate, NULL), 0);
		assert_int_equal(rate.count, rate_row[i].count);
		assert_int_equal(rate.per_s, rate_row[i].per_s);
		assert_true(rate.burst == 88 && rate.soft_pct == 11); /* not a rate's business */
		fw_text_put_rate(buf, sizeof(buf), &rate);
		assert_int_equal(fw_text_rate(buf, bytes, &back, NULL), 0);
		assert_memory_equal(&back, &rate, sizeof(rate));
	}
}

static int duration(const char *text, __u64 *ret, struct fw_err *err)
{
	__u32 s;
	int r = fw_text_duration(text, &s, err);

	if (!r)
		*ret = s;
	return r;
}

static void durations(void **state)
{
	static const struct row row[] = {
		{ "90s", 90 },
		{ "5m", 300 },
		{ "2h", 7200 },
		{ "1d", 86400 },
		{ "1w", 604800 },
		{ "1h30m", 5400 },
		{ "1d1s", 86401 },
		{ "45", 45 },
		{ "120m", 7200 },
		{ "3650d", 315360000 },
		{ "forever", FW_FOREVER },
		{ "", BAD },
		{ "0", BAD },
		{ "0s", BAD },
		{ "h", BAD },
		{ "1h30", BAD },
		{ "30m1h", BAD },
		{ "1h1h", BAD },
		{ "1y", BAD },
		{ "1.5h", BAD },
		{ "-1h", BAD },
		{ "1h ", BAD },
		{ " 1h", BAD },
		{ "1H", BAD },
		{ "3650d1s", BAD },
		{ "4294967295", BAD },
		{ "4294967297s", BAD },
		{ "18446744073709551617s", BAD },
		{ "Forever", BAD },
	};
	char buf[FW_TEXT_LEN];
	__u32 s;

	(void)state;
	check(row, COUNT(row), duration);
	for (int i = 0; i < 20000; i++) {
		__u32 want = 1 + (__u32)unit_below(i % 2 ? 315360000 : 100000);

		assert_int_equal(
			fw_text_duration(fw_text_put_duration(buf, sizeof(buf), want), &s, NULL),
			0);
		assert_int_equal(s, want);
	}
	assert_string_equal(fw_text_put_duration(buf, sizeof(buf), 5400), "1h30m");
	assert_string_equal(fw_text_put_duration(buf, sizeof(buf), 0), "0s");
	assert_string_equal(fw_text_put_duration(buf, sizeof(buf), FW_FOREVER), "forever");
}

static void ports(void **state)
{
	static const char *const bad[] = { "",	      "0",    "65536", "1-",	     "-1",
					   "1-65536", "2-1",  "1-2-3", "01",	     "1 ",
					   " 1",      "http", "1,2",   "99999999999" };
	__u16 first = 7, last = 8;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct fw_err err = { 0 };

		if (!fw_text_ports(bad[i], &first, &last, &err))
			fail_msg("\"%s\" was read as ports", bad[i]);
		assert_true(err.msg[0] && first == 7 && last == 8);
	}
	assert_int_equal(fw_text_ports("443", &first, &last, NULL), 0);
	assert_true(first == 443 && last == 443);
	assert_int_equal(fw_text_ports("1-65535", &first, &last, NULL), 0);
	assert_true(first == 1 && last == 65535);
}

static void names(void **state)
{
	static const char *const good[] = { "web", "a", "0", "my-web_1.x", "abcdefghijklmno" };
	static const char *const bad[] = { "", "-a", ".a", "A", "a b", "a/b", "abcdefghijklmnop",
					   "ä" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_int_equal(fw_text_name(good[i], NULL), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(fw_text_name(bad[i], NULL), -EINVAL);
}

static void about(void **state)
{
	static const struct {
		double n;
		const char *want;
	} row[] = {
		{ 0, "0" },	    { 7, "7" },		 { 999, "999" },       { 0.5, "0.50" },
		{ 12.34, "12.3" },  { 999.6, "1.00k" },	 { 1234567, "1.23M" }, { 99999, "100k" },
		{ 12345, "12.3k" }, { -1500, "-1.50k" }, { 1e18, "1.00E" },    { 1e22, "10000E" },
	};
	char buf[FW_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++)
		assert_string_equal(fw_text_put_about(buf, sizeof(buf), row[i].n), row[i].want);
}

static void clean(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "plain \xc3\xa4 \xe2\x82\xac"),
			    "plain \xc3\xa4 \xe2\x82\xac");
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "a\x1b[2Jb\n\x7f"), "a?[2Jb??");
	assert_string_equal(fw_text_clean(buf, sizeof(buf),
					  "\xc2\x9b"
					  "31m"),
			    "?31m"); /* C1 CSI */
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "\xc0\xaf\xff"), "???");
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "\xed\xa0\x80"), "???"); /* surrogate */
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "x\xe2\x82"), "x??");
	/* What shows another text than stands there: overrides, isolates, marks, nothing at all. */
	assert_string_equal(fw_text_clean(buf, sizeof(buf),
					  "4\xe2\x80\xae"
					  "1.0\xe2\x80\xac"),
			    "4?1.0?");
	assert_string_equal(fw_text_clean(buf, sizeof(buf), "\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c"),
			    "?x??");
	assert_string_equal(fw_text_clean(buf, sizeof(buf),
					  "a\xe2\x80\x8b"
					  "b\xe2\x80\x8f\xef\xbb\xbf"),
			    "a?b??");
	assert_string_equal(
		fw_text_clean(buf, sizeof(buf), "a\xc2\xad\xe2\x80\xa8\xf3\xa0\x81\x81"), "a???");
	/* Neighbours of these in the code charts are letters and signs. */
	assert_string_equal(
		fw_text_clean(buf, sizeof(buf), "\xe2\x80\xa7\xe2\x80\xb0\xc2\xae\xc2\xa0"),
		"\xe2\x80\xa7\xe2\x80\xb0\xc2\xae\xc2\xa0");
	assert_string_equal(fw_text_clean(buf, 4, "ab\xe2\x82\xac"), "ab"); /* not cut in two */
	assert_string_equal(fw_text_clean(buf, 1, "ab"), "");
	/* In its own place, where what is kept moves over what it was. */
	strcpy(buf, "\xe2\x80\xae\xe2\x82\xac\xf0\x9f\x97\xb3");
	assert_string_equal(fw_text_clean(buf, sizeof(buf), buf), "?\xe2\x82\xac\xf0\x9f\x97\xb3");
}

/* Any bytes: no crash, and what is read prints back to something that reads the same. */
static void any_bytes(void **state)
{
	static const char alphabet[] = "0123456789.kMGBbitsmhd/none-wforv ";
	char text[24], buf[FW_TEXT_LEN];

	(void)state;
	for (int i = 0; i < 300000; i++) {
		size_t len = unit_below(sizeof(text));
		struct fw_rate rate = { 0 }, again = { 0 };
		__u64 n, m;
		__u32 s, t;

		for (size_t k = 0; k < len; k++)
			text[k] = i % 4 ? alphabet[unit_below(sizeof(alphabet) - 1)]
					: (char)(1 + unit_below(255));
		text[len] = '\0';
		if (!fw_text_number(text, &n, NULL)) {
			assert_int_equal(
				fw_text_number(fw_text_put_number(buf, sizeof(buf), n), &m, NULL),
				0);
			assert_int_equal(n, m);
		}
		if (!fw_text_rate(text, i & 1, &rate, NULL)) {
			fw_text_put_rate(buf, sizeof(buf), &rate);
			assert_int_equal(fw_text_rate(buf, i & 1, &again, NULL), 0);
			assert_memory_equal(&rate, &again, sizeof(rate));
		}
		if (!fw_text_duration(text, &s, NULL)) {
			fw_text_put_duration(buf, sizeof(buf), s);
			assert_int_equal(fw_text_duration(buf, &t, NULL), 0);
			assert_int_equal(s, t);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(bytes),
		cmocka_unit_test(numbers_round_trip),
		cmocka_unit_test(rates),
		cmocka_unit_test(rates_refused),
		cmocka_unit_test(durations),
		cmocka_unit_test(ports),
		cmocka_unit_test(names),
		cmocka_unit_test(about),
		cmocka_unit_test(clean),
		cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
