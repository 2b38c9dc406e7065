// SPDX-License-Identifier: GPL-2.0-only
/* What an incident counted, added up in one place, so that all who print it agree. */
#include <sys/param.h>

#include "user/base/clock.h"
#include "user/core/record/incident_sum.h"
#include "user/core/record/source_log.h"

static int sum_total(void *arg, sqlite3_stmt *row)
{
	struct fw_incident_sums *s = arg;
	unsigned int reason = (unsigned int)sqlite3_column_int(row, 0);
	bool would = sqlite3_column_int(row, 1);
	struct fw_count c = fw_incident_count(row, 2);

	fw_incident_add(
		fw_incident_sort(reason, would, &s->pass, &s->answered, &s->drop, &s->would_all),
		&c);
	if (reason >= FW_R_MAX)
		return 0;
	/* What passes, passes in monitor mode too. */
	if (would && fw_incident_reason_verdict(reason) != FW_V_PASS)
		fw_incident_add(&s->would[reason], &c);
	else
		fw_incident_add(&s->reason[reason], &c);
	return 0;
}

static int sum_ticks(void *arg, sqlite3_stmt *row)
{
	struct fw_incident_sums *s = arg;

	s->ticks = (__u64)sqlite3_column_int64(row, 0);
	s->span_ns = (__u64)sqlite3_column_int64(row, 1);
	s->clerk_pass = fw_incident_count(row, 2);
	s->clerk_drop = fw_incident_count(row, 4);
	s->sample_offered = (__u64)sqlite3_column_int64(row, 6);
	s->sample_emitted = (__u64)sqlite3_column_int64(row, 7);
	s->sample_held = (__u64)sqlite3_column_int64(row, 8);
	s->sample_lost = (__u64)sqlite3_column_int64(row, 9);
	s->ledger_lost = (__u64)sqlite3_column_int64(row, 10);
	return 1;
}

/*
 * A tick may be shorter than a second (the one before it came late, and packets were counted into
 * the wrong one of the two), and what came within a tenth of one is no packets a second. So ticks
 * count together until there is a second of them; one that is not quite a second counts as one.
 */
#define PEAK_NS	   (0.9 * FW_NS_PER_S)
#define PEAK_TICKS 16

struct peak {
	struct fw_incident_sums *s;
	struct {
		double ns, packets, bytes;
	} tick[PEAK_TICKS]; /* the latest, in a ring */
	unsigned int nr;
};

static int sum_peak(void *arg, sqlite3_stmt *row)
{
	struct peak *p = arg;
	unsigned int at = p->nr++ % PEAK_TICKS;
	double ns = 0, packets = 0, bytes = 0;

	p->tick[at].ns = sqlite3_column_double(row, 2);
	p->tick[at].packets = sqlite3_column_double(row, 3);
	p->tick[at].bytes = sqlite3_column_double(row, 4);
	for (unsigned int i = 0; i < MIN(p->nr, PEAK_TICKS) && ns < PEAK_NS; i++) {
		unsigned int t = (p->nr - 1 - i) % PEAK_TICKS;

		ns += p->tick[t].ns;
		packets += p->tick[t].packets;
		bytes += p->tick[t].bytes;
	}
	ns = MAX(ns, PEAK_NS); /* there has been no second yet */
	if (packets * 1e9 / ns > p->s->peak_pps) {
		p->s->peak_pps = packets * 1e9 / ns;
		p->s->peak = fw_sql_when(row, 0);
	}
	p->s->peak_Bps = MAX(p->s->peak_Bps, bytes * 1e9 / ns);
	return 0;
}

static int sum_sources(void *arg, sqlite3_stmt *row)
{
	struct fw_incident_sums *s = arg;

	s->sources_proven = (__u64)sqlite3_column_int64(row, 0);
	s->sources_unproven = (__u64)sqlite3_column_int64(row, 1);
	return 1;
}

/*
 * While it lasts few of them are in the history, and all in the log: also the accounts of whoever
 * only has samples in the history, and is proven. Who has put both together has summed them.
 */
static int sum_logged(struct fw_history *h, const struct fw_incident *in,
		      struct fw_incident_sums *s, struct fw_err *err)
{
	__u64 proven, other;
	__s64 attached = 0;
	int r = fw_sql_number(
		h,
		"SELECT count(*) FROM temp.sqlite_master WHERE type = 'view' AND name = 'source'",
		&attached, err, "");

	if (r || attached || in->sources_complete ||
	    !fw_source_log_totals(sqlite3_db_filename(h->db, "main"), in->id, &proven, &other))
		return r;
	s->sources_proven = MAX(s->sources_proven, proven);
	s->sources_unproven = other;
	return 0;
}

/* UDP source port of a frame, host order; 0 = it is none. */
static unsigned int udp_port(const __u8 *d, size_t len)
{
	size_t at = 12;

	while (at + 4 <= len &&
	       ((d[at] == 0x81 && !d[at + 1]) || (d[at] == 0x88 && d[at + 1] == 0xa8)))
		at += 4;
	if (at + 2 + 40 + 2 > len)
		return 0;
	if (d[at] == 0x08 && !d[at + 1] && d[at + 2] >> 4 == 4 && d[at + 2 + 9] == 17)
		at += 2 + (size_t)(d[at + 2] & 15) * 4;
	else if (d[at] == 0x86 && d[at + 1] == 0xdd && d[at + 2 + 6] == 17)
		at += 2 + 40;
	else
		return 0;
	return at + 2 <= len ? (unsigned int)d[at] << 8 | d[at + 1] : 0;
}

/* The commonest so far, by majority vote: right if one port has most of them. */
struct vote {
	unsigned int port;
	long credit;
};

static int vote_port(void *arg, sqlite3_stmt *row)
{
	struct vote *v = arg;
	const void *data = sqlite3_column_blob(row, 0);
	unsigned int port = data ? udp_port(data, (size_t)sqlite3_column_bytes(row, 0)) : 0;

	if (!port)
		return 0;
	if (!v->credit)
		v->port = port;
	v->credit += v->port == port ? 1 : -1;
	return 0;
}

/* What voters noticed: reasons by what they mean to somebody who wants the page. */
static void sum_voters(struct fw_incident_sums *s)
{
	static const __u8 refused[] = { FW_R_DROP_NEWCOMER,   FW_R_DROP_COOKIE_OVER,
					FW_R_DROP_CROWD_UDP,  FW_R_DROP_CROWD_ICMP,
					FW_R_DROP_CROWD_FRAG, FW_R_DROP_CROWD_OTHER,
					FW_R_DROP_RETRANSMIT };

	s->handshakes = fw_incident_proofs(s);
	s->newcomers_passed = s->reason[FW_R_PASS_NEWCOMER].packets;
	s->newcomers_refused = 0;
	for (size_t i = 0; i < sizeof(refused); i++)
		s->newcomers_refused += s->reason[refused[i]].packets;
}

int fw_incident_sums(struct fw_history *h, const struct fw_incident *in,
		     struct fw_incident_sums *ret, struct fw_err *err)
{
	struct fw_incident_sums s = {};
	struct vote vote = {};
	struct peak peak = { .s = &s };
	int r = fw_sql_rows(h,
			    "SELECT reason, would, sum(packets), sum(bytes) FROM total WHERE tick "
			    "BETWEEN ? AND ? GROUP BY reason, would",
			    err, sum_total, &s, "ii", in->first_tick, in->last_tick);

	if (!r)
		r = fw_sql_rows(h,
				"SELECT count(*), sum(span_ns), sum(clerk_pass_packets), "
				"sum(clerk_pass_bytes), sum(clerk_drop_packets), "
				"sum(clerk_drop_bytes), sum(sample_offered), sum(sample_emitted), "
				"sum(sample_held), sum(sample_lost), sum(ledger_lost) FROM tick "
				"WHERE id BETWEEN ? AND ?",
				err, sum_ticks, &s, "ii", in->first_tick, in->last_tick);
	if (!r)
		r = fw_sql_rows(
			h,
			"SELECT utc_ns, boot_ns, span_ns, sum(packets), sum(bytes) FROM tick "
			"LEFT JOIN total ON total.tick = tick.id WHERE tick.id BETWEEN ? AND ? "
			"GROUP BY tick.id ORDER BY tick.id",
			err, sum_peak, &peak, "ii", in->first_tick, in->last_tick);
	if (!r)
		r = fw_sql_rows(h,
				"SELECT sum(proven), count(*) - sum(proven) - (SELECT count(*) "
				"FROM (SELECT address FROM source WHERE incident = ?1 AND exact = "
				"0 INTERSECT SELECT address FROM source WHERE incident = ?1 AND "
				"exact = 1 ORDER BY 1)) FROM source WHERE incident = ?1",
				err, sum_sources, &s, "i", in->id);
	if (!r)
		r = fw_sql_rows(h, "SELECT data FROM sample WHERE incident = ? AND reason = ?", err,
				vote_port, &vote, "ii", in->id, (__s64)FW_R_DROP_REFLECTED);
	if (!r)
		r = sum_logged(h, in, &s, err);
	if (r)
		return r;
	s.reflect_port = (__u16)vote.port;
	sum_voters(&s);
	*ret = s;
	return 0;
}
