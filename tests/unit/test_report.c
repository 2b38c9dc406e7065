// SPDX-License-Identifier: GPL-2.0-only
/* What a report concludes: families, traits of samples, attack or rush, sentences. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/core/evidence/report.h"

static struct fw_report *new_report(void)
{
	return calloc(1, sizeof(struct fw_report));
}

static void set(struct fw_report *r, unsigned int reason, __u64 packets)
{
	enum fw_verdict v = fw_incident_reason_verdict(reason);
	struct fw_count *sum = v == FW_V_PASS ? &r->sums.pass
			       : v == FW_V_TX ? &r->sums.answered
					      : &r->sums.drop;

	r->sums.reason[reason].packets = packets;
	sum->packets += packets;
}

static void families(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		enum fw_report_family f = fw_report_family(i);
		enum fw_verdict v = fw_incident_reason_verdict(i);

		assert_true(f < FW_RF_WOULD);
		assert_int_equal(v == FW_V_PASS, f == FW_RF_PASS);
		assert_int_equal(v == FW_V_TX, f == FW_RF_ANSWER);
	}
	assert_int_equal(fw_report_family(FW_R_MAX), FW_RF_OTHER);
	assert_int_equal(fw_report_family(FW_R_DROP_REFLECTED), FW_RF_UNWANTED);
}

/* Ethernet, perhaps a VLAN, IPv4, TCP SYN */
static struct fw_incident_sample syn(__u8 ttl, bool vlan)
{
	struct fw_incident_sample s = { .len = 60, .ratio = 10, .captured = 54 };
	size_t at = 12;

	if (vlan) {
		s.data[at] = 0x81;
		at += 4;
		s.captured += 4;
	}
	s.data[at] = 8;
	s.data[at + 2] = 0x45;
	s.data[at + 10] = ttl;
	s.data[at + 11] = 6;
	s.data[at + 24] = 1; /* port 443 */
	s.data[at + 25] = 0xbb;
	s.data[at + 35] = 2;
	return s;
}

static void traits(void **state)
{
	struct fw_report_traits t = { 0 };
	struct fw_incident_sample s = syn(57, false);

	(void)state;
	fw_report_traits_add(&t, &s, 10);
	s = syn(57, true);
	fw_report_traits_add(&t, &s, 10);
	s = syn(200, false);
	fw_report_traits_add(&t, &s, 10);
	/* Our own packet tells which port was asked, and neither their TTL nor their length. */
	s = syn(1, false);
	s.answered = true;
	s.len = 999;
	s.data[34] = 0x01;
	s.data[35] = 0xbb;
	s.data[47] = 0x12;
	fw_report_traits_add(&t, &s, 10);
	fw_report_traits_finish(&t);
	assert_int_equal(t.samples, 4);
	assert_true(t.weight > 39.9 && t.weight < 40.1);
	assert_int_equal(t.length_distinct, 1);
	assert_string_equal(t.kind_top_name, "TCP SYN to port 443");
	assert_true(t.kind_top > 0.99);
	assert_int_equal(t.ttl_top_value, 57);
	assert_int_equal(t.ttl_distinct, 2);
	assert_true(t.ttl_usual > 0.66 && t.ttl_usual < 0.67);
}

/* Any bytes, any length: nothing is read that is not there (the sanitizer sees). */
static void hostile_samples(void **state)
{
	struct fw_report_traits t = { 0 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct fw_incident_sample s = { .len = (__u32)unit_below(70000), .ratio = 1 };

		for (size_t n = 0; n < sizeof(s.data); n++)
			s.data[n] = (__u8)unit_random();
		if (i % 2)
			memcpy(s.data + 12, i % 4 == 1 ? "\x08\x00" : "\x86\xdd", 2);
		s.captured = (__u16)unit_below(200); /* more than there is, too */
		s.answered = i % 3 == 0;
		fw_report_traits_add(&t, &s, 1);
	}
	fw_report_traits_finish(&t);
	assert_int_equal(t.samples, 20000);
	assert_int_equal(t.nr_kinds, FW_REPORT_KINDS);
}

static void like_flood(struct fw_report *r)
{
	set(r, FW_R_TX_COOKIE, 1000000);
	set(r, FW_R_PASS_COOKIE, 100);
	set(r, FW_R_PASS_PROVEN, 5000);
}

static void verdicts(void **state)
{
	struct fw_report *r = new_report();

	(void)state;
	fw_report_rush(r); /* nothing at all */
	assert_int_equal(r->rush.verdict, FW_RV_UNDETERMINED);
	assert_int_equal(r->rush.nr_known, 0);
	like_flood(r);
	fw_report_rush(r);
	assert_int_equal(r->rush.verdict, FW_RV_ATTACK);
	/* Everybody came back: whatever else, no attack of spoofed SYNs. */
	r->sums.reason[FW_R_PASS_COOKIE].packets = 900000;
	fw_report_rush(r);
	assert_int_not_equal(r->rush.verdict, FW_RV_ATTACK);
	free(r);
	r = new_report();
	set(r, FW_R_TX_COOKIE, 10000);
	set(r, FW_R_PASS_COOKIE, 9000);
	set(r, FW_R_PASS_PROVEN, 100000);
	fw_report_rush(r);
	assert_int_equal(r->rush.verdict, FW_RV_RUSH);
	/* The same with a reflection on top: visitors do not send those. */
	set(r, FW_R_DROP_REFLECTED, 1000000);
	fw_report_rush(r);
	assert_int_not_equal(r->rush.verdict, FW_RV_RUSH);
	free(r);
}

/* Just below and just above each threshold of the first measure. */
static void thresholds(void **state)
{
	static const struct {
		__u64 back;
		enum fw_report_verdict speaks;
	} rows[] = { { 1000, FW_RV_ATTACK },
		     { 1001, FW_RV_UNDETERMINED },
		     { 4999, FW_RV_UNDETERMINED },
		     { 5000, FW_RV_RUSH } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fw_report *r = new_report();

		set(r, FW_R_TX_COOKIE, 10000);
		set(r, FW_R_PASS_COOKIE, rows[i].back);
		fw_report_rush(r);
		assert_int_equal(r->rush.measure[0].speaks, rows[i].speaks);
		free(r);
	}
}

static char *sentences(const struct fw_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(fw_report_public(out, r), 0);
	fclose(out);
	return text;
}

static void words(void **state)
{
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	like_flood(r);
	fw_report_rush(r);
	text = sentences(r);
	assert_non_null(strstr(text, "nothing can be said of it"));
	assert_null(strstr(text, "not one was dropped")); /* nobody was there to be dropped */
	free(text);
	r->sums.clerk_pass.packets = 10;
	text = sentences(r);
	assert_non_null(strstr(text, "of their 10 packets not one was dropped"));
	free(text);
	r->sums.clerk_drop.packets = 3;
	text = sentences(r);
	assert_non_null(
		strstr(text, "Of the 13 packets of those who enter the results 3 were dropped"));
	free(text);
	r->sums.would_all.packets = 5;
	text = sentences(r);
	assert_non_null(strstr(text, "watch only"));
	free(text);
	free(r);
}

/* An incident opened by hand while nothing was recorded: every writer says what little there is. */
static void empty(void **state)
{
	struct fw_report *r = new_report();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size), *full = fopen("/dev/full", "w");
	json_t *doc;

	(void)state;
	r->incident.open = true;
	fw_report_rush(r);
	assert_int_equal(fw_report_html(out, r), 0);
	assert_int_equal(fw_report_markdown(out, r), 0);
	assert_int_equal(fw_report_public(out, r), 0);
	fclose(out);
	assert_non_null(strstr(text, "Undetermined"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf<"));
	free(text);
	doc = fw_report_json(r);
	assert_non_null(doc);
	json_decref(doc);
	setbuf(full, NULL);
	assert_int_equal(fw_report_html(full, r), -EIO);
	assert_int_equal(fw_report_markdown(full, r), -EIO);
	assert_int_equal(fw_report_public(full, r), -EIO);
	fclose(full);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),	   cmocka_unit_test(traits),
		cmocka_unit_test(hostile_samples), cmocka_unit_test(verdicts),
		cmocka_unit_test(thresholds),	   cmocka_unit_test(words),
		cmocka_unit_test(empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
