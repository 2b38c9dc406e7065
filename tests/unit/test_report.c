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
	assert_non_null(strstr(text, "watch only for a part of that time")); /* some was answered */
	free(text);
	free(r);
}

/* Sentences that figures alone could make untrue, or read like a machine's. */
static void true_words(void **state)
{
	static const struct {
		double pps;
		const char *says;
	} rows[] = { { 1, "peak 1 packets" },
		     { 9999.6, "peak about 10,000 packets" },
		     { 999499, "peak about 999,000 packets" },
		     { 999600, "peak about 1.0 million packets" },
		     { 9960000, "peak about 10 million packets" } };
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		r->sums.peak_pps = rows[i].pps;
		text = sentences(r);
		assert_non_null(strstr(text, rows[i].says));
		free(text);
	}
	/* Opened by hand on a quiet day: nothing was unusual. */
	fw_report_rush(r);
	r->incident.open = true;
	r->length_s = 1;
	text = sentences(r);
	assert_non_null(strstr(text, "(for 1 second now) the server has been watched:"));
	assert_null(strstr(text, "unusual"));
	assert_null(strstr(fw_report_title(r), "unusual"));
	free(text);
	/* From one day into the next; a little is not nothing; how many others there were nobody
	 * knows. */
	strcpy(r->incident.service, "web");
	r->incident.open = false;
	r->incident.start.utc_ns = 1794009540ULL * 1000000000; /* 2026-11-06T23:59:00Z */
	r->incident.end.utc_ns = r->incident.start.utc_ns + 93000000000;
	r->length_s = 93;
	like_flood(r);
	set(r, FW_R_DROP_OUT_OF_STATE, 3);
	r->sums.handshakes = 1;
	r->sums.sources_unproven = 611;
	fw_report_rush(r);
	text = sentences(r);
	assert_non_null(strstr(text, "From 06 November 2026, 23:59 to 07 November 2026, 00:00 UTC "
				     "(for 93 seconds) the server was flooded"));
	assert_non_null(strstr(text, "dropped less than 0.1 % of all packets and answered 99.5 %"));
	assert_non_null(strstr(text, "1 time a sender proved"));
	assert_non_null(strstr(text, "all others may be forged"));
	assert_non_null(strstr(text, "611 of them were noted"));
	free(text);
	free(r);
}

/* Answered, and nobody came back: then somebody had to prove himself, and nobody did. */
static void checked_in_vain(void **state)
{
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	like_flood(r);
	r->sums.clerk_pass.packets = 14354;
	r->proven.count = 62;
	fw_report_rush(r);
	text = sentences(r);
	assert_non_null(strstr(text, "No sender that was checked proved"));
	assert_null(strstr(text, "had to prove"));
	assert_non_null(strstr(text, "of their 14,354 packets not one"));
	/* Whether visitors are among them, no counter knows. */
	assert_non_null(strstr(text, "62 sender addresses are proven to be real, and may be"));
	free(text);
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

/* Many strangers were real and many were not: no word for either, but for both. */
static void attack_during_a_rush(void **state)
{
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	set(r, FW_R_TX_COOKIE, 107000);
	set(r, FW_R_PASS_COOKIE, 17000);
	set(r, FW_R_PASS_PROVEN, 90000);
	strcpy(r->incident.service, "web");
	fw_report_rush(r);
	assert_int_equal(r->rush.verdict, FW_RV_UNDETERMINED);
	text = sentences(r);
	assert_non_null(strstr(text, "15.9 % were completed"));
	assert_non_null(strstr(text, "both at once"));
	free(text);
	/* Too few to say anything: nothing is said of both. */
	set(r, FW_R_TX_COOKIE, 10);
	fw_report_rush(r);
	text = sentences(r);
	assert_null(strstr(text, "both at once"));
	free(text);
	free(r);
}

/* A botnet completes connections like visitors do: the name of the kind claims neither. */
static void names(void **state)
{
	struct fw_report *r = new_report();

	(void)state;
	strcpy(r->incident.service, "web");
	set(r, FW_R_TX_COOKIE, 10000);
	set(r, FW_R_PASS_COOKIE, 9900);
	fw_incident_guess(&r->sums, &r->guess);
	assert_null(strstr(r->guess.words, "honest"));
	assert_string_equal(fw_report_title(r), r->guess.words);
	r->rush.verdict = FW_RV_RUSH;
	assert_string_equal(fw_report_title(r), "rush of visitors");
	r->rush.verdict = FW_RV_ATTACK;
	assert_null(strstr(fw_report_title(r), "visitors"));
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
		cmocka_unit_test(thresholds),	   cmocka_unit_test(answered_flood),
		cmocka_unit_test(half_and_half),   cmocka_unit_test(words),
		cmocka_unit_test(true_words),	   cmocka_unit_test(empty),
		cmocka_unit_test(checked_in_vain), cmocka_unit_test(attack_during_a_rush),
		cmocka_unit_test(names),	   cmocka_unit_test(no_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
