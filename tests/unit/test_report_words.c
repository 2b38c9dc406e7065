// SPDX-License-Identifier: GPL-2.0-only
/* The sentences of a report: each is literally true, whatever the figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/reports.h"
#include "tests/unit/unit.h"

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
	} rows[] = { { 0, "peak 0 packets a second" },
		     { 1, "peak 1 packet a second" },
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
	/* Opened by hand on a quiet day: nothing was unusual, and nobody was there. */
	fw_report_rush(r);
	text = sentences(r);
	assert_non_null(strstr(text, "rush of visitors cannot be said from the measurements.\n"));
	assert_non_null(strstr(text, "No sender address is proven to be real; all may be forged"));
	free(text);
	r->incident.open = true;
	r->length_s = 1;
	text = sentences(r);
	assert_non_null(strstr(text, "(for 1 second now) the server has been watched:"));
	assert_null(strstr(text, "unusual"));
	assert_non_null(strstr(text, "cannot be said from the measurements so far.\n"));
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
	assert_non_null(strstr(text, "all may be forged"));
	assert_non_null(strstr(text, "611 of them were noted"));
	free(text);
	free(r);
}

static struct fw_when after(__u64 s)
{
	return (struct fw_when){ (1794009540 + s) * 1000000000, (1000 + s) * 1000000000 };
}

/* What closes an incident is a time of quiet: for so long nobody flooded anything. */
static void the_quiet_is_no_flood(void **state)
{
	struct fw_incident_span span[] = {
		{ .service = "web", .from = after(0), .to = after(70), .over = true },
		{ .service = "dns", .from = after(10), .to = after(80), .over = true },
		{ .service = "web", .from = after(600), .to = after(605), .over = true },
	};
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	like_flood(r);
	fw_report_rush(r);
	strcpy(r->incident.service, "web");
	r->incident.start = after(0);
	r->incident.end = after(380);
	r->length_s = 380;
	r->span = span;
	r->nr_spans = 1;
	span[0].to = after(40);
	text = sentences(r);
	assert_non_null(strstr(text, "On 06 November 2026, at 23:59 UTC (for 40 seconds) the "
				     "server was flooded"));
	free(text);
	span[0].to = after(70);
	r->nr_spans = 2;
	text = sentences(r);
	assert_non_null(strstr(text, "From 06 November 2026, 23:59 to 07 November 2026, 00:00 UTC "
				     "(for 80 seconds) the server was flooded"));
	assert_null(strstr(text, "calm since"));
	free(text);
	/* Not closed yet, and over all the same. */
	r->incident.open = true;
	text = sentences(r);
	assert_non_null(strstr(text, "(for 80 seconds) the server was flooded"));
	assert_non_null(strstr(text, "a second; it has been calm since."));
	free(text);
	/* It began again. */
	r->nr_spans = 3;
	text = sentences(r);
	assert_non_null(strstr(text, "(for 10 minutes, with pauses) the server was"));
	free(text);
	span[2].over = false;
	text = sentences(r);
	assert_non_null(strstr(text, "(for 6 minutes now) the server has been flooded"));
	assert_null(strstr(text, "calm since"));
	free(text);
	free(r);
}

/* The clock is set within it: no time of day is told that was before the beginning. */
static void clock_is_set(void **state)
{
	struct fw_incident_span span[] = {
		{ .service = "web", .from = after(0), .to = after(70), .over = true },
	};
	struct fw_history_clock clock[] = { { .when = after(0) },
					    { .when = after(30), .step_ns = -3600000000000 } };
	struct fw_report *r = new_report();
	char *text;

	(void)state;
	like_flood(r);
	fw_report_rush(r);
	strcpy(r->incident.service, "web");
	r->incident.start = after(0);
	r->incident.end = after(380);
	r->incident.end.utc_ns -= 3600 * 1000000000ULL;
	span[0].to.utc_ns -= 3600 * 1000000000ULL;
	r->length_s = 380;
	r->span = span;
	r->nr_spans = 1;
	r->clock = clock;
	r->nr_clocks = 2;
	text = sentences(r);
	assert_non_null(strstr(text, "From 06 November 2026, 23:59 UTC on (for 70 seconds) the "
				     "server was flooded"));
	assert_non_null(
		strstr(text, "clock of the machine was set meanwhile, by up to 60 minutes"));
	free(text);
	clock[1].step_ns = 200000000; /* nobody reads that off a clock */
	text = sentences(r);
	assert_null(strstr(text, "clock"));
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
	assert_non_null(strstr(text, "62 sender addresses are proven to be real"));
	assert_non_null(strstr(text, "all others may be forged"));
	assert_null(strstr(text, "had to prove"));
	assert_non_null(strstr(text, "of their 14,354 packets not one"));
	/* Whether visitors are among them, no counter knows. */
	assert_non_null(strstr(text, "62 sender addresses are proven to be real, and may be"));
	free(text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(true_words),
		cmocka_unit_test(the_quiet_is_no_flood),
		cmocka_unit_test(clock_is_set),
		cmocka_unit_test(checked_in_vain),
		cmocka_unit_test(attack_during_a_rush),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("report_words", tests, NULL, NULL);
}
