// SPDX-License-Identifier: GPL-2.0-only
/* What a report concludes: families, traits of samples, attack or rush, sentences. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/reports.h"
#include "tests/unit/unit.h"
#include "user/core/evidence/report.h"

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

/*
 * As many visitors as spoofed SYNs. The kernel answers some visitors with cookies of its own, which
 * come back as ours do: they must not make the flood look like visitors.
 */
static void half_and_half(void **state)
{
	struct fw_report *r = new_report();

	(void)state;
	set(r, FW_R_PASS_NEWCOMER, 5000); /* of either, as they come */
	set(r, FW_R_TX_COOKIE, 182000);
	set(r, FW_R_DROP_RETRANSMIT, 43000);
	set(r, FW_R_PASS_COOKIE, 108000);
	set(r, FW_R_PASS_SOCKET, 17000);
	set(r, FW_R_PASS_PROVEN, 530000);
	for (int i = 0; i < 900; i++) {
		struct fw_incident_sample s = syn((__u8)(50 + i % 13), false);

		s.len = 60 + (__u32)i % 7 * 200;
		s.data[47] = i % 3 ? 0x10 : 2;
		fw_report_traits_add(&r->traits, &s, 100);
	}
	fw_report_traits_finish(&r->traits);
	fw_report_rush(r);
	assert_int_equal(r->rush.measure[0].of, 230000);
	assert_true(r->rush.nr_rush >= r->rush.nr_attack + 2); /* voters send more each */
	assert_int_equal(r->rush.measure[0].speaks, FW_RV_UNDETERMINED);
	assert_int_equal(r->rush.verdict, FW_RV_UNDETERMINED);
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
		     { 7499, FW_RV_UNDETERMINED },
		     { 7500, FW_RV_RUSH } };

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

/*
 * A SYN flood is answered, so its samples are of our own packets. The TTLs and lengths of the few
 * visitors beside it are not those of the flood, and must not speak for a rush.
 */
static void answered_flood(void **state)
{
	struct fw_report *r = new_report();

	(void)state;
	like_flood(r);
	for (int i = 0; i < 400; i++) {
		struct fw_incident_sample s = syn((__u8)(50 + i % 13), false);

		s.answered = i < 200;
		s.len = 60 + (__u32)i % 7 * 200;
		fw_report_traits_add(&r->traits, &s, s.answered ? 5000 : 25);
	}
	fw_report_traits_finish(&r->traits);
	fw_report_rush(r);
	for (size_t i = 0; i < FW_REPORT_MEASURES; i++) {
		const struct fw_report_measure *m = &r->rush.measure[i];

		assert_int_not_equal(m->speaks, FW_RV_RUSH);
		if (!strcmp(m->name, "ttl") || !strcmp(m->name, "length"))
			assert_false(m->known);
		if (!strcmp(m->name, "kind"))
			assert_int_equal(m->of, 400);
	}
	assert_int_equal(r->rush.verdict, FW_RV_ATTACK);
	free(r);
}

/* A thousand bots that send UDP of many kinds are no strangers for long, and no visitors either. */
static void no_connections(void **state)
{
	struct fw_report *r = new_report();

	(void)state;
	set(r, FW_R_DROP_SRC_UDP, 400000);
	set(r, FW_R_PASS_NEWCOMER, 1000);
	set(r, FW_R_PASS_SOURCE, 100000);
	for (int i = 0; i < 400; i++) {
		struct fw_incident_sample s = syn((__u8)(50 + i % 13), false);

		s.len = 60 + (__u32)i % 7 * 200;
		s.data[37] = (__u8)i; /* each to another port */
		fw_report_traits_add(&r->traits, &s, 1250);
	}
	fw_report_traits_finish(&r->traits);
	fw_report_rush(r);
	assert_true(r->rush.nr_rush >= r->rush.nr_attack + 2);
	assert_int_equal(r->rush.verdict, FW_RV_UNDETERMINED);
	/* The same of people who were there before: they are. */
	set(r, FW_R_PASS_PROVEN, 600000);
	fw_report_rush(r);
	assert_int_equal(r->rush.verdict, FW_RV_RUSH);
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
	assert_non_null(strstr(text, "(0 % sure): "));
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

static struct fw_when at(__u64 s)
{
	return (struct fw_when){ (1794009540 + s) * 1000000000, (1000 + s) * 1000000000 };
}

/* What was done stands in the order in which it was done, whoever did it. */
static void events(void **state)
{
	static const char *const said[] = { "web: guarded, was calm", "called",
					    "mode monitor",	      "abcd",
					    "web: calm, was guarded", "over now" };
	struct fw_history_level level[] = { { .when = at(0), .service = "web", .to = 1 },
					    { .when = at(60), .service = "web", .from = 1 } };
	struct fw_history_change change[] = {
		{ .when = at(30), .who = "ana", .what = "mode monitor", .policy_hash = "abcd" }
	};
	struct fw_incident_note note[] = { { .when = at(20), .who = "ana", .text = "called" },
					   { .when = at(90), .who = "ana", .text = "over now" } };
	struct fw_report *r = new_report();
	char *text = NULL, *from;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	r->level = level;
	r->nr_levels = COUNT(level);
	r->change = change;
	r->nr_changes = COUNT(change);
	r->note = note;
	r->nr_notes = COUNT(note);
	fw_report_rush(r);
	assert_int_equal(fw_report_markdown(out, r), 0);
	fclose(out);
	from = strstr(text, "## What was done");
	assert_non_null(from);
	for (size_t i = 0; i < COUNT(said); i++) {
		from = strstr(from, said[i]);
		assert_non_null(from);
	}
	free(text);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),	   cmocka_unit_test(traits),
		cmocka_unit_test(hostile_samples), cmocka_unit_test(verdicts),
		cmocka_unit_test(thresholds),	   cmocka_unit_test(answered_flood),
		cmocka_unit_test(half_and_half),   cmocka_unit_test(no_connections),
		cmocka_unit_test(empty),	   cmocka_unit_test(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
