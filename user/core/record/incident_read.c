// SPDX-License-Identifier: GPL-2.0-only
/* The rows that lie between an incident's first and last tick, as lists. */
#include <stdlib.h>
#include <string.h>

#include "user/core/record/incident_sum.h"

/* What a list is gathered into. */
struct gather {
	void *list;
	size_t count;
	struct fw_err *err;
};

static int give(int r, struct gather *g, void **ret, size_t *ret_count)
{
	if (r) {
		free(g->list);
		return r;
	}
	*ret = g->list;
	*ret_count = g->count;
	return 0;
}

static int take_service(void *arg, sqlite3_stmt *row)
{
	struct gather *g = arg;
	struct fw_incident_service *s = g->list, next = {};
	unsigned int reason = (unsigned int)sqlite3_column_int(row, 1);
	struct fw_count c = fw_incident_count(row, 3);
	bool would = sqlite3_column_int(row, 2) && fw_incident_reason_verdict(reason) != FW_V_PASS;
	int r;

	fw_sql_text(row, 0, next.name, sizeof(next.name));
	if (!g->count || strcmp(s[g->count - 1].name, next.name)) {
		r = fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
		if (r)
			return r;
		s = g->list;
	}
	if (reason < FW_R_MAX)
		fw_incident_add(would ? &s[g->count - 1].would[reason]
				      : &s[g->count - 1].reason[reason],
				&c);
	return 0;
}

int fw_incident_services(struct fw_history *h, const struct fw_incident *in,
			 struct fw_incident_service **ret, size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(
		h,
		"SELECT name, reason, would, sum(packets), sum(bytes) FROM total JOIN "
		"service ON service.id = total.service WHERE tick BETWEEN ? AND ? GROUP "
		"BY name, reason, would ORDER BY name",
		err, take_service, &g, "ii", in->first_tick, in->last_tick);

	return give(r, &g, (void **)ret, ret_count);
}

static int take_note(void *arg, sqlite3_stmt *row)
{
	struct fw_incident_note next = { .id = sqlite3_column_int64(row, 0),
					 .when = fw_sql_when(row, 1) };
	struct gather *g = arg;

	fw_sql_text(row, 3, next.who, sizeof(next.who));
	fw_sql_text(row, 4, next.text, sizeof(next.text));
	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

int fw_incident_notes(struct fw_history *h, __s64 id, struct fw_incident_note **ret,
		      size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(h,
			    "SELECT id, utc_ns, boot_ns, who, text FROM note WHERE incident = ? "
			    "ORDER BY id",
			    err, take_note, &g, "i", id);

	return give(r, &g, (void **)ret, ret_count);
}

static int take_level(void *arg, sqlite3_stmt *row)
{
	struct fw_history_level next = { .when = fw_sql_when(row, 0),
					 .from = (__u8)sqlite3_column_int(row, 3),
					 .to = (__u8)sqlite3_column_int(row, 4),
					 .pinned = sqlite3_column_int(row, 5) };
	struct gather *g = arg;

	fw_sql_text(row, 2, next.service, sizeof(next.service));
	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

/* A row written in a tick's transaction before the tick itself carries the number before. */
int fw_incident_levels(struct fw_history *h, const struct fw_incident *in,
		       struct fw_history_level **ret, size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(
		h,
		"SELECT utc_ns, boot_ns, name, old, new, pinned FROM level JOIN service "
		"ON service.id = level.service WHERE tick BETWEEN ? - 1 AND ? ORDER BY "
		"level.id",
		err, take_level, &g, "ii", in->first_tick, in->last_tick);

	return give(r, &g, (void **)ret, ret_count);
}

static int take_change(void *arg, sqlite3_stmt *row)
{
	struct fw_history_change next = { .when = fw_sql_when(row, 0),
					  .generation = (__u32)sqlite3_column_int64(row, 2) };
	struct gather *g = arg;

	fw_sql_text(row, 3, next.who, sizeof(next.who));
	fw_sql_text(row, 4, next.what, sizeof(next.what));
	fw_sql_text(row, 5, next.policy_hash, sizeof(next.policy_hash));
	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

int fw_incident_changes(struct fw_history *h, const struct fw_incident *in,
			struct fw_history_change **ret, size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(h,
			    "SELECT utc_ns, boot_ns, generation, who, what, (SELECT sha256 FROM "
			    "policy p WHERE p.generation = c.generation AND p.tick BETWEEN c.tick "
			    "AND c.tick + 600 ORDER BY p.id LIMIT 1) FROM change c WHERE tick "
			    "BETWEEN ? - 1 AND ? ORDER BY id",
			    err, take_change, &g, "ii", in->first_tick, in->last_tick);

	return give(r, &g, (void **)ret, ret_count);
}

static int take_clock(void *arg, sqlite3_stmt *row)
{
	struct fw_history_clock next = { .when = fw_sql_when(row, 0),
					 .synchronised = sqlite3_column_int(row, 2),
					 .max_error_ns = (__u64)sqlite3_column_int64(row, 3),
					 .est_error_ns = (__u64)sqlite3_column_int64(row, 4),
					 .step_ns = sqlite3_column_int64(row, 5) };
	struct gather *g = arg;

	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

int fw_incident_clocks(struct fw_history *h, const struct fw_incident *in,
		       struct fw_history_clock **ret, size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(
		h,
		"SELECT utc_ns, boot_ns, synchronised, max_error_ns, est_error_ns, step_ns "
		"FROM clock WHERE tick <= ? AND id >= (SELECT coalesce(max(id), 0) FROM "
		"clock WHERE tick < ?) ORDER BY id",
		err, take_clock, &g, "ii", in->last_tick, in->first_tick);
	struct fw_history_clock *first = g.list;

	/* The first row says how the clock stood: what set it then was before the incident. */
	if (!r && g.count && first->when.boot_ns <= in->start.boot_ns)
		first->step_ns = 0;
	return give(r, &g, (void **)ret, ret_count);
}

static int take_run(void *arg, sqlite3_stmt *row)
{
	struct fw_history_run next = { .when = fw_sql_when(row, 0),
				       .generation = (__u32)sqlite3_column_int64(row, 8) };
	struct gather *g = arg;

	fw_sql_text(row, 2, next.boot_id, sizeof(next.boot_id));
	fw_sql_text(row, 3, next.host, sizeof(next.host));
	fw_sql_text(row, 4, next.kernel, sizeof(next.kernel));
	fw_sql_text(row, 5, next.build, sizeof(next.build));
	fw_sql_text(row, 6, next.program, sizeof(next.program));
	fw_sql_text(row, 7, next.policy_hash, sizeof(next.policy_hash));
	return fw_sql_push(&g->list, &g->count, sizeof(next), &next, g->err);
}

int fw_incident_runs(struct fw_history *h, const struct fw_incident *in,
		     struct fw_history_run **ret, size_t *ret_count, struct fw_err *err)
{
	struct gather g = { .err = err };
	int r = fw_sql_rows(
		h,
		"SELECT utc_ns, boot_ns, boot_id, host, kernel, build, program, "
		"policy_hash, generation FROM run WHERE id = ? OR id IN (SELECT run FROM "
		"tick WHERE id BETWEEN ? AND ?) ORDER BY id",
		err, take_run, &g, "iii", in->run, in->first_tick, in->last_tick);

	return give(r, &g, (void **)ret, ret_count);
}
