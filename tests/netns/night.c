// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the history of an invented night through the recorder's own functions, so that reports,
 * bundles and comparisons can be tested against figures that are known, and timed with millions of
 * sources. Prints what it wrote as one line of JSON.
 *
 *   night HISTORY flood|rush PROVEN UNPROVEN [SEED]
 */
#include <arpa/inet.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/core/record/incident.h"

#define SECONDS 120
#define START	1794000000ULL /* 2026-11-06T22:40:00Z */
#define HOSTILE                                                                   \
	"<script>alert(1)</script> =cmd|calc!A0 \"quoted\", [x](javascript:y) \n" \
	"\xe2\x80\xae\x1b[31m & done"

struct night {
	struct fw_history *h;
	struct fw_err err;
	__s64 id;
	unsigned long proven, unproven;
	bool rush;
	unsigned int seed;
	struct fw_count passed, dropped, answered, clerks;
};

static void must(struct night *n, int r, const char *what)
{
	if (!r)
		return;
	fprintf(stderr, "night: %s: %s\n", what, n->err.msg);
	exit(1);
}

static struct fw_when at(unsigned int second)
{
	return (struct fw_when){ .utc_ns = (START + second) * FW_NS_PER_S,
				 .boot_ns = (1000ULL + second) * FW_NS_PER_S };
}

static void count(struct night *n, __s64 tick, unsigned int reason, __u64 packets, __u64 bytes)
{
	struct fw_count c = { packets, bytes };
	enum fw_verdict v = fw_incident_reason_verdict(reason);
	struct fw_count *sum = v == FW_V_PASS ? &n->passed
			       : v == FW_V_TX ? &n->answered
					      : &n->dropped;

	sum->packets += packets;
	sum->bytes += bytes;
	must(n, fw_history_total(n->h, tick, "web", reason, false, &c, &n->err), "total");
}

/* The heaviest two of a minute, one of whom proved nothing. */
static void minute(struct night *n, unsigned int s)
{
	struct fw_history_top t[] = { { .when = at(s - 59),
					.rank = 1,
					.addr_be = { 0, 0, htonl(0xffff), htonl(0x60026aac) },
					.packets = 123456,
					.bytes = 7407360,
					.dropped = 120000,
					.reason = FW_R_DROP_SRC_SYN },
				      { .when = at(s - 59),
					.rank = 2,
					.addr_be = { 0, 0, htonl(0xffff), htonl(0x29500000) },
					.proven = true,
					.class_name = "<b>|cgnat",
					.packets = 4321,
					.bytes = 432100 } };

	for (int i = 0; i < 2; i++)
		must(n, fw_history_top(n->h, &t[i], &n->err), "top");
}

static void second(struct night *n, unsigned int s)
{
	struct fw_history_tick t = { .when = at(s + 1),
				     .span_ns = FW_NS_PER_S,
				     .clerk_pass = { 100, 10000 },
				     .sample_offered = 101500,
				     .sample_emitted = 50,
				     .sample_held = 10,
				     .sample_lost = 1 };
	__u64 wave = 1000 * (10 + (s * 7919) % 91);
	__s64 tick;

	must(n, fw_history_tick(n->h, &t, &tick, &n->err), "tick");
	if (s % 60 == 59)
		minute(n, s);
	n->clerks.packets += 100;
	count(n, tick, FW_R_PASS_TRUSTED, 100, 10000);
	count(n, tick, FW_R_PASS_PROVEN, 4000, 4000000);
	if (n->rush) {
		count(n, tick, FW_R_PASS_SOURCE, 9000, 9000000);
		count(n, tick, FW_R_TX_COOKIE, 1000, 74000);
		count(n, tick, FW_R_PASS_COOKIE, 950, 63000);
		return;
	}
	count(n, tick, FW_R_TX_COOKIE, wave, wave * 60);
	count(n, tick, FW_R_PASS_COOKIE, 40, 2640);
	count(n, tick, FW_R_DROP_SRC_SYN, wave / 4, wave * 15);
	count(n, tick, FW_R_DROP_OUT_OF_STATE, wave / 10, wave * 6);
	count(n, tick, FW_R_DROP_REFLECTED, 500, 700000);
}

static void source(struct night *n, unsigned long i, bool proven)
{
	struct fw_incident_source s = { .len = 128,
					.proven = proven,
					.exact = proven || i % 4 == 0,
					.banned = proven && i % 3 == 0,
					.packets = 1 + i % 1000,
					.first = at((unsigned int)(i % SECONDS)),
					.last = at(SECONDS) };

	s.addr_be[2] = htonl(0xffff);
	/* Proven ones side by side; the others spread, as random ones are. */
	s.addr_be[3] =
		htonl(proven ? 0x29500000 + n->seed * 256 + (__u32)i
			     : 0x60000000 + (__u32)((i * 2654435761ULL + n->seed) % 0x3fffffff));
	s.bytes = s.packets * 60;
	s.dropped = s.packets / 2;
	s.dropped_bytes = s.dropped * 60;
	s.weight = s.exact ? (double)s.packets : (double)s.packets * 2000;
	s.reason[FW_R_DROP_SRC_SYN] = (struct fw_count){ s.dropped, s.dropped_bytes };
	if (!s.exact) { /* all samples have a reason, as the recorder hands them over */
		s.reason[FW_R_TX_COOKIE].packets = s.packets - s.dropped;
		s.reason[FW_R_TX_COOKIE].bytes = s.bytes - s.dropped_bytes;
		s.dropped = s.packets;
		s.dropped_bytes = s.bytes;
	}
	must(n, fw_incident_put_source(n->h, n->id, &s, &n->err), "source");
}

static void sample(struct night *n, unsigned int i)
{
	/* Ethernet, IPv4, TCP SYN to port 443 */
	static const __u8 frame[54] = { 2, 0,	 0, 0, 0,  1,  2, 0,	0,    0,    0, 2,    8,
					0, 0x45, 0, 0, 40, 0,  0, 0,	0,    64,   6, 0,    0,
					1, 2,	 3, 4, 10, 77, 0, 1,	0x30, 0x39, 1, 0xbb, 0,
					0, 0,	 1, 0, 0,  0,  0, 0x50, 2,    4,    0 };
	struct fw_incident_sample s = { .when = at(i * SECONDS / 300),
					.reason = FW_R_DROP_SRC_SYN,
					.verdict = FW_V_DROP,
					.before = i < 10,
					.len = 60,
					.ratio = 2000,
					.captured = sizeof(frame) };

	snprintf(s.service, sizeof(s.service), "web");
	memcpy(s.data, frame, sizeof(frame));
	s.addr_be[2] = htonl(0xffff);
	s.addr_be[3] = htonl(0x60000000 + i * 7919);
	memcpy(s.data + 26, &s.addr_be[3], 4);
	s.data[22] = (__u8)(n->rush ? 50 + i % 13 : i * 37);
	if (n->rush) { /* requests and answers of many lengths */
		s.reason = FW_R_PASS_PROVEN;
		s.verdict = FW_V_PASS;
		s.len = 60 + i % 5 * 300;
		s.data[47] = i % 3 ? 0x10 : 2;
	}
	if (s.before) {
		s.reason = FW_R_PASS_SOURCE;
		s.verdict = FW_V_PASS;
	}
	must(n, fw_incident_put_sample(n->h, n->id, &s, &n->err), "sample");
}

static void events(struct night *n)
{
	struct fw_history_level up = {
		.when = at(2), .service = "web", .from = FW_LEVEL_CALM, .to = FW_LEVEL_GUARDED
	};
	struct fw_history_level siege = {
		.when = at(5), .service = "web", .from = FW_LEVEL_GUARDED, .to = FW_LEVEL_SIEGE
	};
	struct fw_history_change change = { .when = at(40),
					    .generation = 2,
					    .what = "floodwall limit set syn 20/s burst 40" };

	snprintf(change.who, sizeof(change.who), "%.60s", HOSTILE);
	must(n, fw_history_level(n->h, &up, &n->err), "level");
	must(n, fw_history_level(n->h, &siege, &n->err), "level");
	must(n, fw_history_change(n->h, &change, &n->err), "change");
	must(n, fw_incident_note(n->h, n->id, at(60), HOSTILE, HOSTILE, &n->err), "note");
}

static void begin(struct night *n)
{
	struct fw_history_run run = { .when = at(0),
				      .boot_id = "0b8dbb18-0000-4000-8000-000000000000",
				      .host = "results-1",
				      .kernel = "6.1.0",
				      .build = "0.1.0",
				      .program = "cafe0123cafe0123",
				      .generation = 1 };
	struct fw_history_clock clock = { .when = at(0),
					  .synchronised = true,
					  .max_error_ns = 1500000 };
	static const char policy[] =
		"INSERT INTO policy VALUES(NULL, 0, 1794000000000000000, 1000000000000, 1, "
		"'44aff4ab2d7c3250525675a08f0cfa9591168cffe51791c5f5bbc417c15a6c38', "
		"'web0:cafe0123cafe0123', '{\"hello\": \"world\"}\n')";

	must(n, fw_history_run(n->h, &run, &n->err), "run");
	must(n, fw_history_clock(n->h, &clock, &n->err), "clock");
	if (sqlite3_exec(n->h->db, policy, NULL, NULL, NULL) != SQLITE_OK)
		must(n, -1, "policy");
	must(n, fw_incident_open(n->h, at(0), "web", "level", &n->id, &n->err), "open");
}

int main(int argc, char **argv)
{
	struct night n = { 0 };

	if (argc < 5) {
		fprintf(stderr, "usage: night HISTORY flood|rush PROVEN UNPROVEN [SEED]\n");
		return 1;
	}
	n.rush = !strcmp(argv[2], "rush");
	n.proven = strtoul(argv[3], NULL, 10);
	n.unproven = strtoul(argv[4], NULL, 10);
	n.seed = argc > 5 ? (unsigned int)strtoul(argv[5], NULL, 10) : 0;
	must(&n, fw_history_open(argv[1], true, &n.h, &n.err), "history");
	must(&n, fw_history_begin(n.h, &n.err), "begin");
	begin(&n);
	for (unsigned int s = 0; s < SECONDS; s++) {
		second(&n, s);
		if (s == 60)
			events(&n);
	}
	for (unsigned long i = 0; i < n.proven; i++)
		source(&n, i, true);
	for (unsigned long i = 0; i < n.unproven; i++)
		source(&n, i, false);
	for (unsigned int i = 0; i < 300; i++)
		sample(&n, i);
	must(&n, fw_incident_sources_complete(n.h, n.id, 0, &n.err), "sources");
	must(&n, fw_incident_close(n.h, n.id, at(SECONDS), "quiet", &n.err), "close");
	must(&n, fw_history_commit(n.h, &n.err), "commit");
	fw_history_close(n.h);
	printf("{\"id\":%lld,\"passed\":%llu,\"dropped\":%llu,\"answered\":%llu,\"clerks\":%llu}\n",
	       (long long)n.id, (unsigned long long)n.passed.packets,
	       (unsigned long long)n.dropped.packets, (unsigned long long)n.answered.packets,
	       (unsigned long long)n.clerks.packets);
	return 0;
}
