// SPDX-License-Identifier: GPL-2.0-only
/*
 * An incident whose sources stand in the log: history and log are put together in a temporary
 * table, and for readers a temporary view takes the place of the table "source", so that every
 * question asked on this connection is answered from both.
 */
#include <errno.h>

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

struct merge {
	struct fw_history *h;
	__s64 id;
	struct fw_err *err;
};

static int merge(void *arg, const struct fw_incident_source *source)
{
	const struct merge *m = arg;

	return fw_incident_merge_source(m->h, m->id, source, m->err);
}

static int fill(struct fw_history *h, __s64 id, struct fw_err *err)
{
	const char *path = sqlite3_db_filename(h->db, "main");
	struct merge m = { h, id, err };
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
		r = fw_source_log_each(path, id, merge, &m, err);
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
