// SPDX-License-Identifier: GPL-2.0-only
/* Gathering a report: everything is read within one state of the history, and computed once. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/evidence/report.h"

#define POINTS 240 /* on the time axis: a plot's pixels, not more */

__u64 fw_report_packets(const struct fw_report *r)
{
	return r->sums.pass.packets + r->sums.answered.packets + r->sums.drop.packets +
	       r->sums.would_all.packets;
}

double fw_report_share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

double fw_report_sampling(const struct fw_report *r)
{
	return r->sums.sample_emitted
		       ? (double)fw_report_packets(r) / (double)r->sums.sample_emitted
		       : 0;
}

/* Sums over the list of sources, in three parts that never mix. Summed here: to group millions of
 * rows, SQLite would sort them. */
static int read_sources(struct fw_history *h, struct fw_report *report, struct fw_err *err)
{
	static const char sql[] =
		"SELECT proven, exact, banned, packets, bytes, dropped, weight FROM source WHERE "
		"incident = ? AND " FW_SOURCE_ONCE;
	sqlite3_stmt *stmt;
	int r = sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL);

	if (r != SQLITE_OK)
		return fw_history_fail(h, r, "read the sources", err);
	sqlite3_bind_int64(stmt, 1, report->incident.id);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct fw_report_sources *s = sqlite3_column_int(stmt, 0)   ? &report->proven
					      : sqlite3_column_int(stmt, 1) ? &report->listed
									    : &report->sampled;

		s->count++;
		s->banned += (__u64)sqlite3_column_int64(stmt, 2);
		s->packets += (__u64)sqlite3_column_int64(stmt, 3);
		s->bytes += (__u64)sqlite3_column_int64(stmt, 4);
		s->dropped += (__u64)sqlite3_column_int64(stmt, 5);
		s->weight += sqlite3_column_double(stmt, 6);
	}
	sqlite3_finalize(stmt);
	return r == SQLITE_DONE ? 0 : fw_history_fail(h, r, "read the sources", err);
}

#define STEP_NS 100000000LL /* less is what a clock is off by between two looks */

/* A moment as the clock showed it then: it was written down as the clock stood later. */
static void put_right(const struct fw_report *r, struct fw_when *when)
{
	const struct fw_history_clock *c = r->clock;
	__s64 told;

	for (size_t i = 1; i < r->nr_clocks && r->clock[i].when.boot_ns <= when->boot_ns; i++)
		c = &r->clock[i];
	told = (__s64)(when->boot_ns + c->when.utc_ns - c->when.boot_ns);
	if (llabs(told - (__s64)when->utc_ns) >= STEP_NS)
		when->utc_ns = (__u64)told;
}

void fw_report_source_times(const struct fw_report *r, struct fw_incident_source *s)
{
	/* The time since the machine started leads from one clock to the other, while it is one. */
	for (size_t i = 1; i < r->nr_runs; i++)
		if (strcmp(r->run[i].boot_id, r->run[0].boot_id) != 0)
			return;
	if (!r->nr_clocks)
		return;
	put_right(r, &s->first);
	put_right(r, &s->last);
}

static int take_proven(void *arg, const struct fw_incident_source *s)
{
	struct fw_report *report = arg;

	report->top_proven[report->nr_top_proven] = *s;
	fw_report_source_times(report, &report->top_proven[report->nr_top_proven++]);
	return 0;
}

static int take_other(void *arg, const struct fw_incident_source *s)
{
	struct fw_report *report = arg;

	report->top_other[report->nr_top_other] = *s;
	fw_report_source_times(report, &report->top_other[report->nr_top_other++]);
	return 0;
}

static int read_tops(struct fw_history *h, struct fw_report *r, struct fw_err *err)
{
	__s64 id = r->incident.id;
	int e = 0;

	/* Each reads all sources: not to find that there are none. */
	if (r->proven.count)
		e = fw_incident_each_source(h, id, true, FW_REPORT_TOP, take_proven, r, err);
	if (!e && r->listed.count + r->sampled.count)
		e = fw_incident_each_source(h, id, false, FW_REPORT_TOP, take_other, r, err);
	return e;
}

/*
 * Samples are chosen by reason, and limited by reason, but packets are counted: so a sample stands
 * for the packets of its reason divided by the samples of it.
 */
struct weigh {
	struct fw_report *report;
	__u64 samples[FW_R_MAX];
};

static bool is_of_crowd(unsigned int reason)
{
	return reason < FW_R_MAX && reason != FW_R_PASS_TRUSTED && reason != FW_R_DROP_TRUSTED &&
	       reason != FW_R_PASS_MANAGEMENT;
}

static int count_sample(void *arg, const struct fw_incident_sample *s)
{
	struct weigh *w = arg;

	if (!s->before && is_of_crowd(s->reason))
		w->samples[s->reason]++;
	return 0;
}

static int take_sample(void *arg, const struct fw_incident_sample *s)
{
	const struct weigh *w = arg;
	const struct fw_incident_sums *sums = &w->report->sums;

	if (!s->before && is_of_crowd(s->reason))
		fw_report_traits_add(
			&w->report->traits, s,
			(double)(sums->reason[s->reason].packets + sums->would[s->reason].packets) /
				(double)w->samples[s->reason]);
	return 0;
}

static int read_samples(struct fw_history *h, struct fw_report *r, struct fw_err *err)
{
	struct weigh w = { .report = r };
	int e = fw_incident_each_sample(h, r->incident.id, count_sample, &w, err);

	return e ? e : fw_incident_each_sample(h, r->incident.id, take_sample, &w, err);
}

/* One that cannot be read any more counts as not kept. */
static char *policy_text(sqlite3_stmt *stmt, int column)
{
	char *text = NULL;

	if (sqlite3_column_type(stmt, column) != SQLITE_BLOB)
		return strdup((const char *)sqlite3_column_text(stmt, column));
	if (fw_history_unpack(sqlite3_column_blob(stmt, column),
			      (size_t)sqlite3_column_bytes(stmt, column), &text) == -EBADMSG)
		return strdup("");
	return text;
}

/* Those of its time, and the one that was in force when it began. */
static int read_policies(struct fw_history *h, struct fw_report *report, struct fw_err *err)
{
	static const char sql[] =
		"SELECT utc_ns, boot_ns, generation, sha256, program, text FROM policy WHERE tick "
		"BETWEEN ?1 AND ?2 OR id = (SELECT max(id) FROM policy WHERE tick < ?1) ORDER BY "
		"id";
	sqlite3_stmt *stmt;
	int r = sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL);

	if (r != SQLITE_OK)
		return fw_history_fail(h, r, "read the policies", err);
	sqlite3_bind_int64(stmt, 1, report->incident.first_tick);
	sqlite3_bind_int64(stmt, 2, report->incident.last_tick);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct fw_report_policy *p = realloc(
			report->policy, (report->nr_policies + 1) * sizeof(*report->policy));

		if (!p)
			break;
		report->policy = p;
		p += report->nr_policies;
		memset(p, 0, sizeof(*p));
		p->since.utc_ns = (__u64)sqlite3_column_int64(stmt, 0);
		p->since.boot_ns = (__u64)sqlite3_column_int64(stmt, 1);
		p->generation = (__u32)sqlite3_column_int64(stmt, 2);
		snprintf(p->sha256, sizeof(p->sha256), "%s", sqlite3_column_text(stmt, 3));
		snprintf(p->program, sizeof(p->program), "%s", sqlite3_column_text(stmt, 4));
		p->text = policy_text(stmt, 5);
		if (!p->text)
			break;
		report->nr_policies++;
	}
	sqlite3_finalize(stmt);
	if (r == SQLITE_ROW)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	return r == SQLITE_DONE ? 0 : fw_history_fail(h, r, "read the policies", err);
}

static int read_lists(struct fw_history *h, struct fw_report *r, struct fw_err *err)
{
	const struct fw_incident *i = &r->incident;
	int e = fw_incident_services(h, i, &r->service, &r->nr_services, err);

	if (!e)
		e = fw_incident_notes(h, i->id, &r->note, &r->nr_notes, err);
	if (!e)
		e = fw_incident_levels(h, i, &r->level, &r->nr_levels, err);
	if (!e)
		e = fw_incident_spans(i, r->level, r->nr_levels, &r->span, &r->nr_spans);
	if (!e)
		e = fw_incident_changes(h, i, &r->change, &r->nr_changes, err);
	if (!e)
		e = fw_incident_clocks(h, i, &r->clock, &r->nr_clocks, err);
	if (!e)
		e = fw_incident_runs(h, i, &r->run, &r->nr_runs, err);
	if (!e)
		e = read_policies(h, r, err);
	if (!e)
		e = fw_report_series(h, r, POINTS, err);
	if (!e)
		e = fw_report_minutes_read(h, r, err);
	if (!e)
		e = read_sources(h, r, err);
	return e;
}

#define AWAY_S 5 /* longer without a second written, and nobody writes */

/* How long nothing has been recorded up to now, if both clocks agree on it: this may be another
 * machine, or have been started anew. */
static double away_s(const struct fw_report *r)
{
	const struct fw_when *last = &r->point[r->nr_points - 1].when;
	__s64 boot = (__s64)(r->now.boot_ns - last->boot_ns);
	__s64 utc = (__s64)(r->now.utc_ns - last->utc_ns);

	if (boot < AWAY_S * (__s64)FW_NS_PER_S || llabs(utc - boot) > (__s64)FW_NS_PER_S)
		return 0;
	return (double)boot / 1e9;
}

/* By the clock that does not jump, if the machine has not been started anew in between. */
static double length_s(const struct fw_report *r)
{
	const struct fw_when *end = r->incident.open ? &r->now : &r->incident.end;

	if (r->nr_points)
		return r->point[r->nr_points - 1].end_s + (r->incident.open ? away_s(r) : 0);
	return end->boot_ns > r->incident.start.boot_ns
		       ? (double)(end->boot_ns - r->incident.start.boot_ns) / 1e9
		       : 0;
}

int fw_report_read(struct fw_history *h, __s64 id, struct fw_when now, struct fw_report **ret,
		   struct fw_err *err)
{
	struct fw_report *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r->now = now;
	e = fw_incident_read(h, id, &r->incident, err);
	if (!e)
		e = fw_incident_sums(h, &r->incident, &r->sums, err);
	if (!e)
		e = read_lists(h, r, err);
	if (!e)
		e = read_samples(h, r, err);
	if (!e)
		e = read_tops(h, r, err);
	if (e) {
		fw_report_free(r);
		return e;
	}
	fw_incident_guess(&r->sums, &r->guess);
	fw_report_traits_finish(&r->traits);
	fw_report_rush(r);
	r->length_s = length_s(r);
	*ret = r;
	return 0;
}

void fw_report_free(struct fw_report *r)
{
	if (!r)
		return;
	free(r->point);
	free(r->service);
	free(r->note);
	free(r->level);
	free(r->span);
	free(r->change);
	free(r->clock);
	free(r->run);
	free(r->top);
	for (size_t i = 0; i < r->nr_policies; i++)
		free(r->policy[i].text);
	free(r->policy);
	free(r);
}
