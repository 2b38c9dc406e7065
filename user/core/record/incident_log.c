// SPDX-License-Identifier: GPL-2.0-only
/*
 * An incident whose sources stand in the log: history and log are put together in a temporary
 * table, and for readers a temporary view takes the place of the table "source", so that every
 * question asked on this connection is answered from both.
 *
 * Who goes on sending is in the log every few seconds, and only the last of it is worth a row. Sums
 * never fall, so that is the entry with the most packets: the log is read once to find out how many
 * these are, and once more to take them.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <arpa/inet.h>

#include "user/base/text.h"
#include "user/core/record/history_sql.h"
#include "user/core/record/source_log.h"

/* Temporary tables may fill a disk of their own. */
static int exec(struct fw_history *h, const char *sql, struct fw_err *err)
{
	int r = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

	return r ? fw_history_fail(h, r, "put the log of sources in order", err) : 0;
}

/* Built at run time, so not one of the statements that are kept. */
static int exec_built(struct fw_history *h, char *sql, struct fw_err *err)
{
	int r = sql ? exec(h, sql, err) : fw_err_set(err, -ENOMEM, NULL, "no memory");

	sqlite3_free(sql);
	return r;
}

static int make_table(void *arg, sqlite3_stmt *row)
{
	*(char **)arg = sqlite3_mprintf("CREATE TEMP TABLE merged%s",
					(const char *)sqlite3_column_text(row, 0));
	return 1;
}

/* One that is proven must not also read as possibly spoofed. */
#define SPOOFED(table)                                                                       \
	" AS s WHERE incident = ? AND exact = 0 AND EXISTS (SELECT 1 FROM " table            \
	" AS p WHERE p.incident = s.incident AND p.exact = 1 AND p.address = s.address AND " \
	"p.proven)"

/* The most packets that the log says of a source. */
struct most {
	__u64 key;
	__u64 packets : 60, kind : 4; /* kind 0: nobody's */
};

struct merge {
	struct fw_history *h;
	__s64 id;
	struct most *most;
	size_t nr, room; /* a power of two */
	__u64 salt;	 /* or who floods us chooses how long this takes */
	struct fw_err *err;
};

#define MOST_ROOM (1U << 12) /* at first */

/* A source's place, which may be free. */
static struct most *place(const struct merge *m, __u64 key, unsigned int kind)
{
	__u64 hash = (key ^ m->salt ^ kind) * (m->salt | 1);
	size_t i;

	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
	for (i = (hash ^ hash >> 32) & (m->room - 1); m->most[i].kind; i = (i + 1) & (m->room - 1))
		if (m->most[i].key == key && m->most[i].kind == kind)
			break;
	return &m->most[i];
}

/* Never more than three quarters full. */
static bool has_room(struct merge *m)
{
	struct merge more = { .room = m->room ? 2 * m->room : MOST_ROOM, .salt = m->salt };

	if (4 * (m->nr + 1) <= 3 * m->room)
		return true;
	more.most = calloc(more.room, sizeof(*more.most));
	if (!more.most)
		return false;
	for (size_t i = 0; i < m->room; i++)
		if (m->most[i].kind)
			*place(&more, m->most[i].key, m->most[i].kind) = m->most[i];
	free(m->most);
	m->most = more.most;
	m->room = more.room;
	return true;
}

/* As the log has them: of IPv6, the upper half. */
static struct most *find(const struct merge *m, const struct fw_incident_source *s, __u64 *ret_key,
			 unsigned int *ret_kind)
{
	bool ip4 = fw_text_is_ip4(s->addr_be);

	*ret_key = ip4 ? ntohl(s->addr_be[3])
		       : (__u64)ntohl(s->addr_be[0]) << 32 | ntohl(s->addr_be[1]);
	*ret_kind = 1U | (ip4 ? 2U : 0) | (s->exact ? 4U : 0);
	return place(m, *ret_key, *ret_kind);
}

static int look(void *arg, const struct fw_incident_source *source)
{
	struct merge *m = arg;
	unsigned int kind;
	struct most *most;
	__u64 key;

	if (!has_room(m))
		return fw_err_set(m->err, -ENOMEM, NULL, "no memory for the log of sources");
	most = find(m, source, &key, &kind);
	m->nr += !most->kind;
	if (!most->kind || most->packets < source->packets)
		*most = (struct most){ .key = key, .kind = kind, .packets = source->packets };
	return 0;
}

/* What was appended meanwhile is taken, too. */
static int merge(void *arg, const struct fw_incident_source *source)
{
	const struct merge *m = arg;
	unsigned int kind;
	__u64 key;

	if (m->room && source->packets < find(m, source, &key, &kind)->packets)
		return 0;
	return fw_incident_merge_source(m->h, m->id, source, m->err);
}

static int merge_log(struct fw_history *h, const char *path, __s64 id, struct fw_err *err)
{
	struct merge m = { .h = h, .id = id, .err = err };
	int r = getrandom(&m.salt, sizeof(m.salt), 0) == sizeof(m.salt)
			? 0
			: fw_err_set(err, -EIO, NULL, "no random numbers for the log of sources");

	if (!r)
		r = fw_source_log_each(path, id, look, &m, err);
	if (!r)
		r = fw_source_log_each(path, id, merge, &m, err);
	free(m.most);
	return r;
}

static int fill(struct fw_history *h, __s64 id, struct fw_err *err)
{
	const char *path = sqlite3_db_filename(h->db, "main");
	char *sql = NULL;
	int r = fw_sql_rows(h,
			    "SELECT substr(sql, instr(sql, '(')) FROM main.sqlite_master "
			    "WHERE name = 'source'",
			    err, make_table, &sql, "");

	if (!r)
		r = exec_built(h, sql, err);
	if (!r)
		r = fw_sql_run(
			h, "INSERT INTO temp.merged SELECT * FROM main.source WHERE incident = ?",
			"read the history", err, "i", id);
	if (!r)
		r = merge_log(h, path, id, err);
	return r
		       ?: fw_sql_run(h, "DELETE FROM temp.merged" SPOOFED("temp.merged"),
				     "read the history", err, "i", id);
}

int fw_incident_log_attach(struct fw_history *h, __s64 id, struct fw_err *err)
{
	const char *path = sqlite3_db_filename(h->db, "main");
	__s64 complete = 1;
	__u64 proven, other;
	int r = fw_sql_number(
		h, "SELECT coalesce(max(sources_complete), 1) FROM incident WHERE id = ?",
		&complete, err, "i", id);

	if (r || complete || !fw_source_log_totals(path, id, &proven, &other))
		return r;
	fw_incident_log_detach(h);
	r = fill(h, id, err);
	if (!r)
		r = exec_built(h,
			       sqlite3_mprintf("CREATE TEMP VIEW source AS SELECT * FROM "
					       "main.source WHERE incident <> %lld UNION ALL "
					       "SELECT * FROM temp.merged",
					       (long long)id),
			       err);
	if (r)
		fw_incident_log_detach(h);
	return r;
}

void fw_incident_log_detach(struct fw_history *h)
{
	(void)exec(h, "DROP VIEW IF EXISTS temp.source; DROP TABLE IF EXISTS temp.merged", NULL);
}

int fw_incident_log_fold(struct fw_history *h, __s64 id, __u32 rows, bool *ret_left,
			 struct fw_err *err)
{
	__s64 have = 0, left = 0;
	int r = fw_sql_number(h, "SELECT count(*) FROM temp.sqlite_master WHERE name = 'merged'",
			      &have, err, "");

	if (!r && !have)
		r = fill(h, id, err);
	if (!r)
		r = fw_sql_run(h,
			       "INSERT OR REPLACE INTO main.source SELECT * FROM temp.merged "
			       "ORDER BY incident, exact, address LIMIT ?",
			       "write the sources", err, "i", (__s64)rows);
	if (!r)
		r = fw_sql_run(
			h,
			"DELETE FROM temp.merged WHERE (exact, address) IN (SELECT exact, "
			"address FROM temp.merged ORDER BY incident, exact, address LIMIT ?)",
			"write the sources", err, "i", (__s64)rows);
	if (!r)
		r = fw_sql_number(h, "SELECT EXISTS (SELECT 1 FROM temp.merged)", &left, err, "");
	if (!r && !left) {
		fw_incident_log_detach(h);
		r = fw_sql_run(h, "DELETE FROM main.source" SPOOFED("main.source"),
			       "write the sources", err, "i", id);
	}
	*ret_left = left;
	return r;
}
