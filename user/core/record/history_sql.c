// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statements: prepared once, kept by the address of their text, values bound by letters. Every
 * failure of SQLite becomes an errno here, a full disk -ENOSPC.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/text.h"
#include "user/core/record/history_sql.h"

#define STMTS 96

struct fw_history_stmts {
	const char *sql[STMTS];
	sqlite3_stmt *stmt[STMTS];
	unsigned int nr;
};

static const struct {
	int sqlite, code;
	const char *hint;
} failures[] = {
	{ SQLITE_FULL, -ENOSPC, "make room on the disk; filtering goes on without the record" },
	{ SQLITE_BUSY, -EBUSY, "another floodwall is writing there; try again" },
	{ SQLITE_LOCKED, -EBUSY, "another floodwall is writing there; try again" },
	{ SQLITE_READONLY, -EACCES, "say it with sudo" },
	{ SQLITE_PERM, -EACCES, "say it with sudo" },
	{ SQLITE_AUTH, -EACCES, "say it with sudo" },
	{ SQLITE_NOMEM, -ENOMEM, NULL },
	{ SQLITE_CORRUPT, -EUCLEAN,
	  "move the file away; a new one is made, and sqlite3 FILE .recover "
	  "reads what is left of the old one" },
	{ SQLITE_NOTADB, -EUCLEAN, "that file is no history; name another one" },
	{ SQLITE_CANTOPEN, -EIO, NULL },
	{ SQLITE_IOERR, -EIO, "the disk does not answer as it should; filtering goes on" },
	{ SQLITE_CONSTRAINT, -EEXIST, NULL },
};

int fw_history_fail(struct fw_history *h, int sqlite_code, const char *what, struct fw_err *err)
{
	const char *hint = NULL;
	int code = -EIO;

	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		if ((sqlite_code & 0xff) == failures[i].sqlite) {
			code = failures[i].code;
			hint = failures[i].hint;
			break;
		}
	/* What a write beyond RLIMIT_FSIZE or a quota says. */
	if (h && (sqlite_code & 0xff) == SQLITE_IOERR &&
	    (sqlite3_system_errno(h->db) == ENOSPC || sqlite3_system_errno(h->db) == EDQUOT))
		code = -ENOSPC;
	return fw_err_set(err, code, hint, "cannot %s: %s", what,
			  h ? sqlite3_errmsg(h->db) : sqlite3_errstr(sqlite_code));
}

static sqlite3_stmt *prepare(struct fw_history *h, const char *sql, struct fw_err *err)
{
	struct fw_history_stmts *s = h->stmts;
	int r;

	if (!s) {
		s = h->stmts = calloc(1, sizeof(*s));
		if (!s) {
			fw_err_set(err, -ENOMEM, NULL, "no memory for the history");
			return NULL;
		}
	}
	for (unsigned int i = 0; i < s->nr; i++)
		if (s->sql[i] == sql)
			return s->stmt[i];
	if (s->nr == STMTS) {
		fw_err_set(err, -E2BIG, NULL, "too many statements");
		return NULL;
	}
	r = sqlite3_prepare_v3(h->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[s->nr], NULL);
	if (r) {
		fw_history_fail(h, r, "read or write the history", err);
		return NULL;
	}
	s->sql[s->nr] = sql;
	return s->stmt[s->nr++];
}

void fw_sql_forget(struct fw_history *h)
{
	for (unsigned int i = 0; h->stmts && i < h->stmts->nr; i++)
		sqlite3_finalize(h->stmts->stmt[i]);
	free(h->stmts);
	h->stmts = NULL;
}

/* Nothing is copied: it is unbound before the caller has it back. */
static void bind(sqlite3_stmt *stmt, const char *fmt, va_list ap)
{
	for (int i = 1; *fmt; i++, fmt++) {
		const void *bytes;
		__u64 u;

		switch (*fmt) {
		case 'i':
			sqlite3_bind_int64(stmt, i, va_arg(ap, __s64));
			break;
		case 'u':
			u = va_arg(ap, __u64);
			sqlite3_bind_int64(stmt, i, u > INT64_MAX ? INT64_MAX : (__s64)u);
			break;
		case 'f':
			sqlite3_bind_double(stmt, i, va_arg(ap, double));
			break;
		case 't':
			sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'b':
			bytes = va_arg(ap, const void *);
			sqlite3_bind_blob(stmt, i, bytes, va_arg(ap, int), SQLITE_STATIC);
			break;
		}
	}
}

static int walk(struct fw_history *h, sqlite3_stmt *stmt, const char *what, struct fw_err *err,
		fw_sql_row each, void *arg)
{
	int r, end = 0;

	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		end = each ? each(arg, stmt) : 0;
		if (end)
			break;
	}
	if (!end && r != SQLITE_DONE)
		end = fw_history_fail(h, r, what, err);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return end == 1 ? 0 : end;
}

int fw_sql_run(struct fw_history *h, const char *sql, const char *what, struct fw_err *err,
	       const char *fmt, ...)
{
	sqlite3_stmt *stmt = prepare(h, sql, err);
	va_list ap;

	if (!stmt)
		return -EIO;
	va_start(ap, fmt);
	bind(stmt, fmt, ap);
	va_end(ap);
	return walk(h, stmt, what, err, NULL, NULL);
}

int fw_sql_rows(struct fw_history *h, const char *sql, struct fw_err *err, fw_sql_row each,
		void *arg, const char *fmt, ...)
{
	sqlite3_stmt *stmt = prepare(h, sql, err);
	va_list ap;

	if (!stmt)
		return -EIO;
	va_start(ap, fmt);
	bind(stmt, fmt, ap);
	va_end(ap);
	return walk(h, stmt, "read the history", err, each, arg);
}

static int take_number(void *arg, sqlite3_stmt *row)
{
	*(__s64 *)arg = sqlite3_column_int64(row, 0);
	return 1;
}

int fw_sql_number(struct fw_history *h, const char *sql, __s64 *ret, struct fw_err *err,
		  const char *fmt, ...)
{
	sqlite3_stmt *stmt = prepare(h, sql, err);
	__s64 number = 0;
	va_list ap;
	int r;

	if (!stmt)
		return -EIO;
	va_start(ap, fmt);
	bind(stmt, fmt, ap);
	va_end(ap);
	r = walk(h, stmt, "read the history", err, take_number, &number);
	if (!r)
		*ret = number;
	return r;
}

void fw_sql_text(sqlite3_stmt *row, int column, char *buf, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	snprintf(buf, size, "%s", text ? (const char *)text : "");
}

struct fw_when fw_sql_when(sqlite3_stmt *row, int column)
{
	return (struct fw_when){ (__u64)sqlite3_column_int64(row, column),
				 (__u64)sqlite3_column_int64(row, column + 1) };
}

void fw_sql_addr(sqlite3_stmt *row, int column, __be32 ret_addr_be[4])
{
	const void *bytes = sqlite3_column_blob(row, column);
	int len = sqlite3_column_bytes(row, column);

	memset(ret_addr_be, 0, 16);
	if (!bytes)
		return;
	if (len == 4) {
		memset((char *)ret_addr_be + 10, 0xff, 2);
		memcpy(&ret_addr_be[3], bytes, 4);
	} else if (len == 16) {
		memcpy(ret_addr_be, bytes, 16);
	}
}

int fw_history_addr(const __be32 addr_be[4], const void **ret)
{
	bool ip4 = fw_text_is_ip4(addr_be);

	*ret = ip4 ? &addr_be[3] : addr_be;
	return ip4 ? 4 : 16;
}

int fw_sql_push(void **list, size_t *count, size_t size, const void *item, struct fw_err *err)
{
	/* Room is always the next power of two. */
	if (!(*count & (*count - 1))) {
		void *more = realloc(*list, (*count ? *count * 2 : 1) * size);

		if (!more)
			return fw_err_set(err, -ENOMEM, NULL, "no memory for the history");
		*list = more;
	}
	memcpy((char *)*list + *count * size, item, size);
	(*count)++;
	return 0;
}
