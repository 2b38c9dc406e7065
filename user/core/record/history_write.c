// SPDX-License-Identifier: GPL-2.0-only
/* What a second brings, row by row. Rows that follow a tick carry its number: that is the order. */
#include <string.h>

#include "user/core/record/history_sql.h"

int fw_history_run(struct fw_history *h, const struct fw_history_run *run, struct fw_err *err)
{
	int r = fw_sql_run(h, "INSERT INTO run VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			   "write the history", err, "uuttttttu", run->when.utc_ns,
			   run->when.boot_ns, run->boot_id, run->host, run->kernel, run->build,
			   run->program, run->policy_hash, (__u64)run->generation);

	if (!r)
		h->run = sqlite3_last_insert_rowid(h->db);
	return r;
}

int fw_history_clock(struct fw_history *h, const struct fw_history_clock *c, struct fw_err *err)
{
	return fw_sql_run(
		h, "INSERT INTO clock VALUES(NULL, ?, " FW_LAST_TICK ", ?, ?, ?, ?, ?, ?)",
		"write the history", err, "iuuiuui", h->run, c->when.utc_ns, c->when.boot_ns,
		(__s64)c->synchronised, c->max_error_ns, c->est_error_ns, c->step_ns);
}

int fw_history_tick(struct fw_history *h, const struct fw_history_tick *t, __s64 *ret_tick,
		    struct fw_err *err)
{
	int r = fw_sql_run(h,
			   "INSERT INTO tick VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			   "write the history", err, "iuuuuuuuuuuuu", h->run, t->when.utc_ns,
			   t->when.boot_ns, t->span_ns, t->clerk_pass.packets, t->clerk_pass.bytes,
			   t->clerk_drop.packets, t->clerk_drop.bytes, t->sample_offered,
			   t->sample_emitted, t->sample_held, t->sample_lost, t->ledger_lost);

	if (!r)
		*ret_tick = sqlite3_last_insert_rowid(h->db);
	return r;
}

/* Number of a service's name; made if absent. */
static int service_number(struct fw_history *h, const char *name, __s64 *ret, struct fw_err *err)
{
	int r = fw_sql_number(h, "SELECT id FROM service WHERE name = ?", ret, err, "t", name);

	if (r || *ret)
		return r;
	r = fw_sql_run(h, "INSERT INTO service VALUES(NULL, ?)", "write the history", err, "t",
		       name);
	if (!r)
		*ret = sqlite3_last_insert_rowid(h->db);
	return r;
}

int fw_history_total(struct fw_history *h, __s64 tick, const char *service, unsigned int reason,
		     bool would, const struct fw_count *count, struct fw_err *err)
{
	__s64 id;
	int r;

	if (!count->packets && !count->bytes)
		return 0;
	r = service_number(h, service, &id, err);
	if (r)
		return r;
	/* Two slots may have had one name, one after the other. */
	return fw_sql_run(h,
			  "INSERT INTO total VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
			  "packets = packets + excluded.packets, bytes = bytes + excluded.bytes",
			  "write the history", err, "iiiiuu", tick, id, (__s64)reason, (__s64)would,
			  count->packets, count->bytes);
}

int fw_history_level(struct fw_history *h, const struct fw_history_level *l, struct fw_err *err)
{
	__s64 id;
	int r = service_number(h, l->service, &id, err);

	if (r)
		return r;
	return fw_sql_run(h, "INSERT INTO level VALUES(NULL, " FW_LAST_TICK ", ?, ?, ?, ?, ?, ?)",
			  "write the history", err, "uuiiii", l->when.utc_ns, l->when.boot_ns, id,
			  (__s64)l->from, (__s64)l->to, (__s64)l->pinned);
}

int fw_history_change(struct fw_history *h, const struct fw_history_change *c, struct fw_err *err)
{
	return fw_sql_run(h, "INSERT INTO change VALUES(NULL, " FW_LAST_TICK ", ?, ?, ?, ?, ?)",
			  "write the history", err, "uuutt", c->when.utc_ns, c->when.boot_ns,
			  (__u64)c->generation, c->who, c->what);
}

bool fw_history_signed(struct fw_history *h, __u32 from, __u32 to, __u64 now_boot_ns)
{
	const __u64 minute = 60 * 1000000000ULL;
	__u64 since = now_boot_ns > minute ? now_boot_ns - minute : 0;
	__s64 n = 0;

	return !fw_sql_number(
		       h,
		       "SELECT count(*) FROM change WHERE generation > ? AND generation <= ? "
		       "AND who <> '' AND boot_ns BETWEEN ? AND ?",
		       &n, NULL, "uuuu", (__u64)from, (__u64)to, since, now_boot_ns + minute) &&
	       n > 0;
}

int fw_history_top(struct fw_history *h, const struct fw_history_top *t, struct fw_err *err)
{
	const void *addr;
	int len = fw_history_addr(t->addr_be, &addr);

	return fw_sql_run(
		h, "INSERT INTO top VALUES(NULL, " FW_LAST_TICK ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"write the history", err, "uuubituuui", t->when.utc_ns, t->when.boot_ns,
		(__u64)t->rank, addr, len, (__s64)t->proven, t->class_name, t->packets, t->bytes,
		t->dropped, (__s64)t->reason);
}
