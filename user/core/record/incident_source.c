// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources and samples of an incident, written one by one and read back one by one: there may be
 * millions. Reasons are kept as text, "name:packets/bytes ...", for whoever reads the file by hand.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/base/line.h"
#include "user/core/record/history_sql.h"
#include "user/core/record/incident.h"
#include "user/base/text.h"

#define REASONS_LEN (FW_R_MAX * 64)

static void put_reasons(const struct fw_count reason[FW_R_MAX], char *buf, size_t size)
{
	struct fw_line l = { .at = buf, .end = buf + size - 1 };

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		if (!reason[i].packets)
			continue;
		if (l.at != buf)
			fw_line_text(&l, " ");
		fw_line_text(&l, fw_incident_reason_name(i));
		fw_line_text(&l, ":");
		fw_line_number(&l, reason[i].packets);
		fw_line_text(&l, "/");
		fw_line_number(&l, reason[i].bytes);
	}
	*l.at = '\0';
}

/* Sources lose for much the same reasons: first the one that was last. */
static unsigned int find_reason(const char *name, size_t len)
{
	static _Thread_local unsigned int last;

	for (unsigned int n = 0; n < FW_R_MAX; n++) {
		unsigned int i = (last + n) % FW_R_MAX;
		const char *known = fw_incident_reason_name(i);

		if (!strncmp(known, name, len) && !known[len]) {
			last = i;
			return i;
		}
	}
	return FW_R_MAX;
}

/* By hand: millions are read, and sscanf() would take as long as all the rest. */
static void get_reasons(const char *text, struct fw_count reason[FW_R_MAX])
{
	while (*text) {
		size_t len = strcspn(text, ":");
		unsigned int i = find_reason(text, len);
		unsigned long long packets, bytes;
		char *end;

		if (text[len] != ':')
			return;
		packets = strtoull(text + len + 1, &end, 10);
		if (*end != '/')
			return;
		bytes = strtoull(end + 1, &end, 10);
		if (i < FW_R_MAX)
			reason[i] = (struct fw_count){ packets, bytes };
		text = end + strspn(end, " ");
		if (text == end && *text)
			return;
	}
}

/* Of a sampled one all packets have a reason: what passed or was answered was not dropped. */
static struct fw_count dropped(const struct fw_incident_source *s)
{
	struct fw_count sum = { s->dropped, s->dropped_bytes };

	if (s->exact)
		return sum;
	sum = (struct fw_count){};
	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		if (fw_incident_reason_verdict(i) != FW_V_DROP)
			continue;
		sum.packets += s->reason[i].packets;
		sum.bytes += s->reason[i].bytes;
	}
	return sum;
}

static int put_source(struct fw_history *h, const char *sql, __s64 id,
		      const struct fw_incident_source *s, struct fw_err *err)
{
	struct fw_count lost = dropped(s);
	char reasons[REASONS_LEN];
	const void *addr;
	int len = fw_history_addr(s->addr_be, &addr);

	put_reasons(s->reason, reasons, sizeof(reasons));
	return fw_sql_run(h, sql, "write a source", err, "iibiiuuuuuuuuft", id, (__s64)s->exact,
			  addr, len, (__s64)s->proven, (__s64)s->banned, s->first.utc_ns,
			  s->first.boot_ns, s->last.utc_ns, s->last.boot_ns, s->packets, s->bytes,
			  lost.packets, lost.bytes, s->weight, reasons);
}

#define VALUES " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

int fw_incident_put_source(struct fw_history *h, __s64 id, const struct fw_incident_source *s,
			   struct fw_err *err)
{
	return put_source(h, "INSERT OR REPLACE INTO source" VALUES, id, s, err);
}

/* The row may be newer, if the log's disk was full for a while. */
int fw_incident_merge_source(struct fw_history *h, __s64 id, const struct fw_incident_source *s,
			     struct fw_err *err)
{
	return put_source(
		h,
		"INSERT INTO temp.merged" VALUES
		" ON CONFLICT DO UPDATE SET proven = excluded.proven, banned = excluded.banned, "
		"first_utc_ns = excluded.first_utc_ns, first_boot_ns = excluded.first_boot_ns, "
		"last_utc_ns = excluded.last_utc_ns, last_boot_ns = excluded.last_boot_ns, "
		"packets = excluded.packets, bytes = excluded.bytes, dropped = excluded.dropped, "
		"dropped_bytes = excluded.dropped_bytes, weight = excluded.weight, "
		"reasons = excluded.reasons WHERE excluded.packets >= packets",
		id, s, err);
}

enum { FLAG_MONITOR = 1, FLAG_PROVEN = 2, FLAG_BEFORE = 4, FLAG_ANSWERED = 8 };

int fw_incident_put_sample(struct fw_history *h, __s64 id, const struct fw_incident_sample *s,
			   struct fw_err *err)
{
	__s64 flags = (s->monitor ? FLAG_MONITOR : 0) | (s->proven ? FLAG_PROVEN : 0) |
		      (s->before ? FLAG_BEFORE : 0) | (s->answered ? FLAG_ANSWERED : 0);
	const void *addr;
	int len = fw_history_addr(s->addr_be, &addr);

	return fw_sql_run(h,
			  "INSERT INTO sample VALUES(NULL, ?, " FW_LAST_TICK
			  ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  "write a sample", err, "iuuutiiibuub", id, s->when.utc_ns,
			  s->when.boot_ns, s->program_ns, s->service, (__s64)s->reason,
			  (__s64)s->verdict, flags, addr, len, (__u64)s->len, (__u64)s->ratio,
			  s->data, (int)MIN(s->captured, sizeof(s->data)));
}

struct walk {
	int (*source)(void *arg, const struct fw_incident_source *source);
	int (*sample)(void *arg, const struct fw_incident_sample *sample);
	void *arg;
	bool ended; /* by a positive value that must come out as it is */
	int end;
};

static int end_walk(struct walk *w, int r)
{
	if (r == 1) { /* which would be taken for a good end here */
		w->ended = true;
		w->end = r;
	}
	return r;
}

static int take_source(void *arg, sqlite3_stmt *row)
{
	struct fw_incident_source s = {
		.exact = sqlite3_column_int(row, 0),
		.proven = sqlite3_column_int(row, 2),
		.banned = sqlite3_column_int(row, 3),
		.first = fw_sql_when(row, 4),
		.last = fw_sql_when(row, 6),
		.packets = (__u64)sqlite3_column_int64(row, 8),
		.bytes = (__u64)sqlite3_column_int64(row, 9),
		.dropped = (__u64)sqlite3_column_int64(row, 10),
		.dropped_bytes = (__u64)sqlite3_column_int64(row, 11),
		.weight = sqlite3_column_double(row, 12),
	};
	const unsigned char *reasons = sqlite3_column_text(row, 13);
	struct walk *w = arg;

	fw_sql_addr(row, 1, s.addr_be);
	s.len = s.exact && !fw_text_is_ip4(s.addr_be) ? 64 : 128;
	if (reasons)
		get_reasons((const char *)reasons, s.reason);
	return end_walk(w, w->source(w->arg, &s));
}

#define SOURCE_SELECT                                                                        \
	"SELECT exact, address, proven, banned, first_utc_ns, first_boot_ns, last_utc_ns, "  \
	"last_boot_ns, packets, bytes, dropped, dropped_bytes, weight, reasons FROM source " \
	"WHERE incident = ? AND proven = ? AND " FW_SOURCE_ONCE

int fw_incident_each_source(struct fw_history *h, __s64 id, bool proven, __u32 top,
			    int (*each)(void *arg, const struct fw_incident_source *source),
			    void *arg, struct fw_err *err)
{
	static const char stored[] = SOURCE_SELECT;
	/* A bounded sort: SQLite keeps no more rows than the limit. */
	static const char heavy[] =
		SOURCE_SELECT " ORDER BY packets DESC, exact DESC, address LIMIT ?";
	struct walk w = { .source = each, .arg = arg };
	int r;

	if (top)
		r = fw_sql_rows(h, heavy, err, take_source, &w, "iii", id, (__s64)proven,
				(__s64)top);
	else
		r = fw_sql_rows(h, stored, err, take_source, &w, "ii", id, (__s64)proven);
	return w.ended ? w.end : r;
}

static int take_sample(void *arg, sqlite3_stmt *row)
{
	__s64 flags = sqlite3_column_int64(row, 7);
	const void *data = sqlite3_column_blob(row, 11);
	int bytes = sqlite3_column_bytes(row, 11);
	struct fw_incident_sample s = {
		.tick = sqlite3_column_int64(row, 0),
		.when = fw_sql_when(row, 1),
		.program_ns = (__u64)sqlite3_column_int64(row, 3),
		.reason = (__u8)sqlite3_column_int(row, 5),
		.verdict = (__u8)sqlite3_column_int(row, 6),
		.monitor = flags & FLAG_MONITOR,
		.proven = flags & FLAG_PROVEN,
		.before = flags & FLAG_BEFORE,
		.answered = flags & FLAG_ANSWERED,
		.len = (__u32)sqlite3_column_int64(row, 9),
		.ratio = (__u32)sqlite3_column_int64(row, 10),
	};
	struct walk *w = arg;

	fw_sql_text(row, 4, s.service, sizeof(s.service));
	fw_sql_addr(row, 8, s.addr_be);
	s.captured = (__u16)(data ? MIN((size_t)bytes, sizeof(s.data)) : 0);
	if (data)
		memcpy(s.data, data, s.captured);
	return end_walk(w, w->sample(w->arg, &s));
}

int fw_incident_each_sample(struct fw_history *h, __s64 id,
			    int (*each)(void *arg, const struct fw_incident_sample *sample),
			    void *arg, struct fw_err *err)
{
	struct walk w = { .sample = each, .arg = arg };
	int r = fw_sql_rows(
		h,
		"SELECT tick, utc_ns, boot_ns, program_ns, service, reason, verdict, flags, "
		"address, length, ratio, data FROM sample WHERE incident = ? ORDER BY "
		"boot_ns, id",
		err, take_sample, &w, "i", id);

	return w.ended ? w.end : r;
}

/* For what else packets are dropped, they need no connection: a SYN, a datagram, a fragment, or TCP
 * that the socket table does not know. */
static const bool may_be_its_own[FW_R_MAX] = {
	[FW_R_DROP_TRUSTED] = true,	[FW_R_DROP_BLOCKED] = true,   [FW_R_DROP_BANNED] = true,
	[FW_R_DROP_SRC_PACKETS] = true, [FW_R_DROP_SRC_BYTES] = true, [FW_R_DROP_NET48] = true,
};

__u64 fw_incident_source_anybodys(const struct fw_incident_source *s)
{
	__u64 own = 0;

	if (!s->proven)
		return s->dropped;
	for (unsigned int i = 0; i < FW_R_MAX; i++)
		own += may_be_its_own[i] ? s->reason[i].packets : 0;
	return s->dropped - MIN(own, s->dropped);
}

const char *fw_incident_source_word(const struct fw_incident_source *source)
{
	return source->proven ? "proven" : "possibly spoofed";
}
