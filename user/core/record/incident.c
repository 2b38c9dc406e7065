// SPDX-License-Identifier: GPL-2.0-only
/*
 * Incidents as rows: opening, closing, noting, listing. At most one is open; the file itself holds
 * to that (a unique index), so the recorder and an admin cannot both open one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/core/record/history_sql.h"
#include "user/core/record/incident.h"

#define COLUMNS                                                                                    \
	"SELECT id, utc_ns, boot_ns, end_utc_ns, end_boot_ns, first_tick, "                        \
	"coalesce(last_tick, " FW_LAST_TICK "), run, service, opened_by, closed_by, closed_by IS " \
	"NULL, sources_complete, sources_lost FROM incident "

int fw_incident_open(struct fw_history *h, struct fw_when now, const char *service, const char *who,
		     __s64 *ret_id, struct fw_err *err)
{
	int r = fw_sql_run(h,
			   "INSERT INTO incident(utc_ns, boot_ns, first_tick, run, service, "
			   "opened_by) VALUES(?, ?, " FW_LAST_TICK
			   " + 1, (SELECT coalesce(max(id), 0) FROM run), ?, ?)",
			   "open an incident", err, "uutt", now.utc_ns, now.boot_ns, service, who);

	if (r == -EEXIST)
		return fw_err_set(
			err, -EBUSY,
			"add to it: floodwall incident note ID TEXT; list them: floodwall "
			"incident list",
			"an incident is open already");
	if (!r)
		*ret_id = sqlite3_last_insert_rowid(h->db);
	return r;
}

static int unknown(__s64 id, struct fw_err *err)
{
	return fw_err_set(err, -ENOENT, "list them: floodwall incident list",
			  "there is no incident %lld", (long long)id);
}

int fw_incident_close(struct fw_history *h, __s64 id, struct fw_when now, const char *who,
		      struct fw_err *err)
{
	struct fw_incident known = {};
	int r = fw_incident_read(h, id, &known, err);

	if (r)
		return r;
	if (!known.open)
		return fw_err_set(err, -EEXIST, NULL, "incident %lld is closed already",
				  (long long)id);
	return fw_sql_run(h,
			  "UPDATE incident SET end_utc_ns = ?, end_boot_ns = ?, closed_by = ?, "
			  "last_tick = " FW_LAST_TICK " WHERE id = ?",
			  "close the incident", err, "uuti", now.utc_ns, now.boot_ns, who, id);
}

int fw_incident_note(struct fw_history *h, __s64 id, struct fw_when now, const char *who,
		     const char *text, struct fw_err *err)
{
	struct fw_incident known = {};
	int r = fw_incident_read(h, id, &known, err);

	if (r)
		return r;
	if (strlen(text) >= FW_INCIDENT_TEXT_LEN)
		return fw_err_set(err, -E2BIG, "make two notes of it",
				  "a note has at most %d bytes, this one has %zu",
				  FW_INCIDENT_TEXT_LEN - 1, strlen(text));
	return fw_sql_run(h, "INSERT INTO note VALUES(NULL, ?, ?, ?, ?, ?)", "write the note", err,
			  "iuutt", id, now.utc_ns, now.boot_ns, who, text);
}

static void take(sqlite3_stmt *row, struct fw_incident *ret)
{
	*ret = (struct fw_incident){
		.id = sqlite3_column_int64(row, 0),
		.start = fw_sql_when(row, 1),
		.end = fw_sql_when(row, 3),
		.first_tick = sqlite3_column_int64(row, 5),
		.last_tick = sqlite3_column_int64(row, 6),
		.run = sqlite3_column_int64(row, 7),
		.open = sqlite3_column_int(row, 11),
		.sources_complete = sqlite3_column_int(row, 12),
		.sources_lost = (__u64)sqlite3_column_int64(row, 13),
	};
	fw_sql_text(row, 8, ret->service, sizeof(ret->service));
	fw_sql_text(row, 9, ret->opened_by, sizeof(ret->opened_by));
	fw_sql_text(row, 10, ret->closed_by, sizeof(ret->closed_by));
}

static int take_one(void *arg, sqlite3_stmt *row)
{
	take(row, arg);
	return 1;
}

int fw_incident_current(struct fw_history *h, struct fw_incident *ret)
{
	struct fw_incident found = {};

	if (fw_sql_rows(h, COLUMNS "WHERE closed_by IS NULL", NULL, take_one, &found, ""))
		return -EIO;
	if (!found.id)
		return -ENOENT;
	*ret = found;
	return 0;
}

int fw_incident_read(struct fw_history *h, __s64 id, struct fw_incident *ret, struct fw_err *err)
{
	struct fw_incident found = {};
	int r = fw_sql_rows(h, COLUMNS "WHERE id = ?", err, take_one, &found, "i", id);

	if (r)
		return r;
	if (!found.id)
		return unknown(id, err);
	*ret = found;
	return 0;
}

/* What a list is gathered into. */
struct gather {
	void *list;
	size_t count;
	struct fw_err *err;
};

static int take_next(void *arg, sqlite3_stmt *row)
{
	struct gather *g = arg;
	struct fw_incident next;

	take(row, &next);
	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

int fw_incident_list(struct fw_history *h, struct fw_incident **ret, size_t *ret_count,
		     struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(h, COLUMNS "ORDER BY id DESC", err, take_next, &g, "");

	if (r) {
		free(g.list);
		return r;
	}
	*ret = g.list;
	*ret_count = g.count;
	return 0;
}

int fw_incident_sources_complete(struct fw_history *h, __s64 id, __u64 lost, struct fw_err *err)
{
	return fw_sql_run(h,
			  "UPDATE incident SET sources_complete = 1, sources_lost = ? WHERE id = ?",
			  "write the sources", err, "ui", lost, id);
}

static const struct {
	const char *name;
	enum fw_verdict verdict;
} reasons[FW_R_MAX] = {
#define X(id, name, verdict, text) { name, FW_V_##verdict },
	FW_REASONS(X)
#undef X
};

const char *fw_incident_reason_name(unsigned int reason)
{
	return reason < FW_R_MAX ? reasons[reason].name : "?";
}

enum fw_verdict fw_incident_reason_verdict(unsigned int reason)
{
	return reason < FW_R_MAX ? reasons[reason].verdict : FW_V_DROP;
}
