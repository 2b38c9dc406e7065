// SPDX-License-Identifier: GPL-2.0-only
/* samples.pcapng and totals.csv: the record itself, row by row, for whoever wants to count again.
 */
#include <errno.h>
#include <sqlite3.h>
#include "user/base/clock.h"
#include "user/base/escape.h"
#include "user/base/pcapng.h"
#include "user/core/evidence/evidence.h"

struct samples {
	FILE *out;
	__u64 count;
};

static int put_sample(void *arg, const struct fw_incident_sample *s)
{
	static const char *const verdicts[FW_V_MAX] = { "pass", "drop", "answer" };
	struct samples *to = arg;
	char comment[256];
	struct fw_pcapng_packet p = { .realtime_ns = s->when.utc_ns,
				      .data = s->data,
				      .captured = s->captured,
				      .length = s->len,
				      .comment = comment };

	snprintf(comment, sizeof(comment), "%s %s %s; source %s; drawn as one in %u%s%s%s",
		 s->verdict < FW_V_MAX ? verdicts[s->verdict] : "?",
		 fw_incident_reason_name(s->reason), *s->service ? s->service : "-",
		 s->proven ? "proven" : "possibly spoofed", s->ratio ? s->ratio : 1,
		 s->before ? "; from before the first drop" : "",
		 s->monitor ? "; monitor mode, passed" : "",
		 s->answered ? "; these bytes are our answer" : "");
	if (p.length < p.captured)
		p.length = p.captured;
	to->count++;
	return fw_pcapng_packet(to->out, &p);
}

int fw_evidence_samples(FILE *out, const struct fw_evidence_job *job, __u64 *ret_samples,
			struct fw_err *err)
{
	struct samples to = { .out = out };
	int r = fw_pcapng_begin(out, "floodwall " FW_VERSION, "", 128);

	if (!r)
		r = fw_incident_each_sample(job->history, job->report->incident.id, put_sample, &to,
					    err);
	*ret_samples = to.count;
	return r;
}

int fw_evidence_totals(FILE *out, const struct fw_evidence_job *job, struct fw_err *err)
{
	static const char sql[] =
		"SELECT t.id, t.utc_ns, t.boot_ns, t.span_ns, s.name, o.reason, o.would, "
		"o.packets, o.bytes FROM tick t JOIN total o ON o.tick = t.id "
		"JOIN service s ON s.id = o.service WHERE t.id BETWEEN ? AND ? "
		"ORDER BY t.id, s.name, o.reason, o.would";
	const struct fw_incident *i = &job->report->incident;
	char utc[FW_CLOCK_LEN];
	sqlite3_stmt *stmt;
	int r = sqlite3_prepare_v2(job->history->db, sql, -1, &stmt, NULL);

	if (r != SQLITE_OK)
		return fw_history_fail(job->history, r, "read the totals", err);
	sqlite3_bind_int64(stmt, 1, i->first_tick);
	sqlite3_bind_int64(stmt, 2, i->last_tick);
	fputs("tick,end_utc,end_boot_ns,span_ns,service,reason,monitor,packets,bytes\r\n", out);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		fprintf(out, "%lld,%s,%lld,%lld,", sqlite3_column_int64(stmt, 0),
			fw_clock_put_utc(utc, sizeof(utc), (__u64)sqlite3_column_int64(stmt, 1), 3),
			sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3));
		fw_escape_csv(out, (const char *)sqlite3_column_text(stmt, 4));
		fprintf(out, ",%s,%s,%lld,%lld\r\n",
			fw_incident_reason_name((unsigned int)sqlite3_column_int(stmt, 5)),
			sqlite3_column_int(stmt, 6) ? "yes" : "no", sqlite3_column_int64(stmt, 7),
			sqlite3_column_int64(stmt, 8));
	}
	sqlite3_finalize(stmt);
	return r == SQLITE_DONE ? 0 : fw_history_fail(job->history, r, "read the totals", err);
}
