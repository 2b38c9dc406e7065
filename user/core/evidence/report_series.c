// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time axis: ticks gathered into at most so many points, with what was counted in each by
 * family of reasons. The sums over all points are those of the incident, for they come from the
 * same rows.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include "user/base/clock.h"
#include "user/core/evidence/report.h"

const char *const fw_report_family_names[FW_RF_MAX] = {
#define X(id, name, words) [FW_RF_##id] = name,
	FW_REPORT_FAMILIES(X)
#undef X
};

const char *const fw_report_family_words[FW_RF_MAX] = {
#define X(id, name, words) [FW_RF_##id] = words,
	FW_REPORT_FAMILIES(X)
#undef X
};

/* Only drops stand here; what passes and what is answered follows from the verdict. */
static const __u8 drop_family[FW_R_MAX] = {
	[FW_R_DROP_SRC_PACKETS] = FW_RF_SOURCE,	 [FW_R_DROP_SRC_BYTES] = FW_RF_SOURCE,
	[FW_R_DROP_SRC_SYN] = FW_RF_SOURCE,	 [FW_R_DROP_SRC_UDP] = FW_RF_SOURCE,
	[FW_R_DROP_SRC_ICMP] = FW_RF_SOURCE,	 [FW_R_DROP_SRC_FRAG] = FW_RF_SOURCE,
	[FW_R_DROP_NET48] = FW_RF_SOURCE,	 [FW_R_DROP_NEWCOMER] = FW_RF_CROWD,
	[FW_R_DROP_CROWD_UDP] = FW_RF_CROWD,	 [FW_R_DROP_CROWD_ICMP] = FW_RF_CROWD,
	[FW_R_DROP_CROWD_FRAG] = FW_RF_CROWD,	 [FW_R_DROP_CROWD_OTHER] = FW_RF_CROWD,
	[FW_R_DROP_COOKIE_OVER] = FW_RF_CROWD,	 [FW_R_DROP_RETRANSMIT] = FW_RF_CROWD,
	[FW_R_DROP_OUT_OF_STATE] = FW_RF_STATE,	 [FW_R_DROP_COOKIE] = FW_RF_STATE,
	[FW_R_DROP_BLOCKED] = FW_RF_LISTED,	 [FW_R_DROP_BANNED] = FW_RF_LISTED,
	[FW_R_DROP_REFLECTED] = FW_RF_UNWANTED,	 [FW_R_DROP_UNSPOKEN] = FW_RF_UNWANTED,
	[FW_R_DROP_SHORT] = FW_RF_MALFORMED,	 [FW_R_DROP_IP_HEADER] = FW_RF_MALFORMED,
	[FW_R_DROP_L4_HEADER] = FW_RF_MALFORMED, [FW_R_DROP_FRAGMENT] = FW_RF_MALFORMED,
	[FW_R_DROP_TCP_FLAGS] = FW_RF_MALFORMED, [FW_R_DROP_PORT_ZERO] = FW_RF_MALFORMED,
	[FW_R_DROP_LAND] = FW_RF_MALFORMED,	 [FW_R_DROP_BOGUS_SOURCE] = FW_RF_MALFORMED,
};

_Static_assert(FW_R_MAX == 45, "a new reason: of which family is it?");

enum fw_report_family fw_report_family(unsigned int reason)
{
	enum fw_verdict verdict = fw_incident_reason_verdict(reason);

	if (reason >= FW_R_MAX)
		return FW_RF_OTHER;
	if (verdict != FW_V_DROP)
		return verdict == FW_V_TX ? FW_RF_ANSWER : FW_RF_PASS;
	return drop_family[reason] ? drop_family[reason] : FW_RF_OTHER;
}

static int prepare(struct fw_history *h, const char *sql, const struct fw_incident *i, __s64 last,
		   __s64 per, sqlite3_stmt **ret, struct fw_err *err)
{
	int r = sqlite3_prepare_v2(h->db, sql, -1, ret, NULL);

	if (r != SQLITE_OK)
		return fw_history_fail(h, r, "read the ticks", err);
	sqlite3_bind_int64(*ret, 1, i->first_tick);
	sqlite3_bind_int64(*ret, 2, last);
	sqlite3_bind_int64(*ret, 3, per);
	return 0;
}

static struct fw_count count_at(sqlite3_stmt *stmt, int column)
{
	return (struct fw_count){ .packets = (__u64)sqlite3_column_int64(stmt, column),
				  .bytes = (__u64)sqlite3_column_int64(stmt, column + 1) };
}

/* Spans, clocks and the clerk lane. */
static int read_ticks(struct fw_history *h, struct fw_report *report, __s64 last, __s64 per,
		      struct fw_err *err)
{
	static const char sql[] =
		"SELECT (id - ?1) / ?3, sum(span_ns), min(boot_ns - span_ns), max(boot_ns), "
		"max(utc_ns), sum(clerk_pass_packets), sum(clerk_pass_bytes), "
		"sum(clerk_drop_packets), sum(clerk_drop_bytes) FROM tick WHERE id BETWEEN ?1 AND "
		"?2 GROUP BY 1 ORDER BY 1";
	sqlite3_stmt *stmt;
	__u64 before = 0;
	double at = 0;
	int r = prepare(h, sql, &report->incident, last, per, &stmt, err);

	if (r)
		return r;
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct fw_report_point *p = &report->point[sqlite3_column_int64(stmt, 0)];
		__u64 begin = (__u64)sqlite3_column_int64(stmt, 2);
		double gap = before && begin > before ? (double)(begin - before) / 1e9 : 0;

		p->span_ns = (__u64)sqlite3_column_int64(stmt, 1);
		p->when.boot_ns = (__u64)sqlite3_column_int64(stmt, 3);
		p->when.utc_ns = (__u64)sqlite3_column_int64(stmt, 4);
		p->clerk_pass = count_at(stmt, 5);
		p->clerk_drop = count_at(stmt, 7);
		p->begin_s = at + (gap > 2 ? gap : 0); /* less is the recorder's own jitter */
		p->end_s = p->begin_s + (double)p->span_ns / 1e9;
		at = p->end_s;
		before = p->when.boot_ns;
		if ((size_t)sqlite3_column_int64(stmt, 0) + 1 > report->nr_points)
			report->nr_points = (size_t)sqlite3_column_int64(stmt, 0) + 1;
	}
	sqlite3_finalize(stmt);
	return r == SQLITE_DONE ? 0 : fw_history_fail(h, r, "read the ticks", err);
}

static int read_totals(struct fw_history *h, struct fw_report *report, __s64 last, __s64 per,
		       struct fw_err *err)
{
	static const char sql[] =
		"SELECT (tick - ?1) / ?3, reason, would, sum(packets), sum(bytes) FROM total WHERE "
		"tick BETWEEN ?1 AND ?2 GROUP BY 1, 2, 3";
	sqlite3_stmt *stmt;
	int r = prepare(h, sql, &report->incident, last, per, &stmt, err);

	if (r)
		return r;
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct fw_report_point *p = &report->point[sqlite3_column_int64(stmt, 0)];
		enum fw_report_family f =
			fw_report_family((unsigned int)sqlite3_column_int64(stmt, 1));
		struct fw_count count = count_at(stmt, 3);

		if (sqlite3_column_int64(stmt, 2) && f != FW_RF_PASS)
			f = FW_RF_WOULD;
		p->family[f].packets += count.packets;
		p->family[f].bytes += count.bytes;
	}
	sqlite3_finalize(stmt);
	return r == SQLITE_DONE ? 0 : fw_history_fail(h, r, "read the totals", err);
}

int fw_report_series(struct fw_history *h, struct fw_report *report, size_t points,
		     struct fw_err *err)
{
	const struct fw_incident *i = &report->incident;
	__s64 last = i->last_tick, ticks, per;
	int r;

	ticks = last >= i->first_tick ? last - i->first_tick + 1 : 0;
	per = (ticks + (__s64)points - 1) / (__s64)points;
	if (per < 1)
		per = 1;
	report->point = calloc((size_t)(ticks / per) + 1, sizeof(*report->point));
	if (!report->point)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r = read_ticks(h, report, last, per, err);
	return r ? r : read_totals(h, report, last, per, err);
}
