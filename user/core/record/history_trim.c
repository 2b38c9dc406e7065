// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forgetting: by age, then by size. Seconds that belong to no incident go first, for an incident is
 * what the record is for; of incidents, the oldest closed one goes as a whole.
 */
#include <stdint.h>

#include "user/core/record/history_sql.h"

/* Work of one call, so that a second's commit stays short. */
#define TICKS_A_CALL 3600
#define PAGES_A_CALL "2048"

/* Ticks not within an incident, below a number; all that hangs on them by range. */
#define OUTSIDE(column)                                           \
	" AND NOT EXISTS (SELECT 1 FROM incident i WHERE " column \
	" BETWEEN i.first_tick - 1 AND coalesce(i.last_tick, 9223372036854775807))"

static const char *const by_tick[] = {
	"DELETE FROM total WHERE tick BETWEEN ? AND ?" OUTSIDE("total.tick"),
	"DELETE FROM level WHERE tick BETWEEN ? AND ?" OUTSIDE("level.tick"),
	"DELETE FROM change WHERE tick BETWEEN ? AND ?" OUTSIDE("change.tick"),
	"DELETE FROM policy WHERE tick BETWEEN ? AND ?" OUTSIDE("policy.tick"),
	"DELETE FROM top WHERE tick BETWEEN ? AND ?" OUTSIDE("top.tick"),
	"DELETE FROM tick WHERE id BETWEEN ? AND ?" OUTSIDE("tick.id"),
};

static const char *const by_incident[] = {
	"DELETE FROM sample WHERE incident = ?",
	"DELETE FROM source WHERE incident = ?",
	"DELETE FROM note WHERE incident = ?",
	"DELETE FROM incident WHERE id = ?",
};

static int trim_ticks(struct fw_history *h, __s64 from, __s64 to, __u64 *removed,
		      struct fw_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(by_tick) / sizeof(*by_tick); i++) {
		r = fw_sql_run(h, by_tick[i], "trim the history", err, "ii", from, to);
		*removed += (__u64)sqlite3_changes(h->db);
	}
	return r;
}

static int trim_incident(struct fw_history *h, __s64 id, __u64 *removed, struct fw_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(by_incident) / sizeof(*by_incident); i++) {
		r = fw_sql_run(h, by_incident[i], "trim the history", err, "i", id);
		*removed += (__u64)sqlite3_changes(h->db);
	}
	return r;
}

/* The oldest ticks outside incidents; before: UTC below which they are too old, or INT64_MAX. */
static int trim_oldest(struct fw_history *h, __s64 before, __u64 *removed, struct fw_err *err)
{
	__s64 first, last;
	int r = fw_sql_number(
		h, "SELECT id FROM tick WHERE utc_ns < ?" OUTSIDE("tick.id") " ORDER BY id LIMIT 1",
		&first, err, "i", before);

	if (r || !first)
		return r;
	r = fw_sql_number(h,
			  "SELECT max(id) FROM (SELECT id FROM tick WHERE id >= ? AND utc_ns < ? "
			  "ORDER BY id LIMIT ?)",
			  &last, err, "iii", first, before, (__s64)TICKS_A_CALL);
	if (r)
		return r;
	return trim_ticks(h, first, last, removed, err);
}

static int trim_closed(struct fw_history *h, __s64 before, __u64 *removed, struct fw_err *err)
{
	__s64 id;
	int r = fw_sql_number(h,
			      "SELECT id FROM incident WHERE closed_by IS NOT NULL AND "
			      "end_utc_ns < ? ORDER BY id LIMIT 1",
			      &id, err, "i", before);

	if (r || !id)
		return r;
	return trim_incident(h, id, removed, err); /* its ticks are outside now */
}

static int used_bytes(struct fw_history *h, __s64 *ret, struct fw_err *err)
{
	return fw_sql_number(h,
			     "SELECT (page_count - freelist_count) * page_size FROM "
			     "pragma_page_count, pragma_freelist_count, pragma_page_size",
			     ret, err, "");
}

int fw_history_trim(struct fw_history *h, __u64 now_utc_ns, __u32 keep_s, __u64 max_bytes,
		    __u64 *ret_removed, struct fw_err *err)
{
	__s64 keep_ns = (__s64)keep_s * 1000000000, used = 0;
	__s64 before = keep_s && now_utc_ns > (__u64)keep_ns ? (__s64)now_utc_ns - keep_ns : 0;
	__u64 removed = 0;
	int r = 0;

	if (before) {
		r = trim_oldest(h, before, &removed, err);
		if (!r)
			r = trim_closed(h, before, &removed, err);
	}
	if (!r)
		r = used_bytes(h, &used, err);
	if (!r && max_bytes && (__u64)used > max_bytes) {
		__u64 ticks = removed;

		r = trim_oldest(h, INT64_MAX, &removed, err);
		if (!r && removed == ticks)
			r = trim_closed(h, INT64_MAX, &removed, err);
	}
	if (r)
		return r;
	/* Give back to the disk what lies free; a bounded number of pages. */
	r = sqlite3_exec(h->db, "PRAGMA incremental_vacuum(" PAGES_A_CALL ")", NULL, NULL, NULL);
	if (r)
		return fw_history_fail(h, r, "trim the history", err);
	*ret_removed = removed;
	return 0;
}
