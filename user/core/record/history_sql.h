/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For history*.c and incident*.c only: one statement run with its values, prepared once a handle.
 * Values by letter of fmt: i __s64, u __u64 (held at 2^63-1), t text or NULL, b bytes (const void
 * *, int), f double.
 */
#ifndef FW_CORE_HISTORY_SQL_H
#define FW_CORE_HISTORY_SQL_H

#include <sqlite3.h>
#include "user/core/record/history.h"

/* Number of the last tick ever written, trimmed since or not. */
#define FW_LAST_TICK "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'tick')"

extern const char fw_history_schema[]; /* history_schema.c */
int fw_history_describe(struct fw_history *h, struct fw_err *err);

void fw_sql_forget(struct fw_history *h); /* all statements */

/* sql must be a constant: its address is the key of the statement kept for it. what: "write a
 * tick". */
int fw_sql_run(struct fw_history *h, const char *sql, const char *what, struct fw_err *err,
	       const char *fmt, ...);

/* A call per row; each() returns 0 to go on, 1 to end well, -errno with err filled to fail. */
typedef int (*fw_sql_row)(void *arg, sqlite3_stmt *row);
int fw_sql_rows(struct fw_history *h, const char *sql, struct fw_err *err, fw_sql_row each,
		void *arg, const char *fmt, ...);

/* The first column of the first row; NULL and no row are 0. */
int fw_sql_number(struct fw_history *h, const char *sql, __s64 *ret, struct fw_err *err,
		  const char *fmt, ...);

/* Columns, cut to the room there is. */
void fw_sql_text(sqlite3_stmt *row, int column, char *buf, size_t size);
struct fw_when fw_sql_when(sqlite3_stmt *row, int column); /* two columns */
void fw_sql_addr(sqlite3_stmt *row, int column, __be32 ret_addr_be[4]);

/* An address as it is kept: 4 bytes of IPv4, else 16. Returns how many; *ret points into addr_be.
 */
int fw_history_addr(const __be32 addr_be[4], const void **ret);

/* A growing list of structs: *list, *count, room doubled. -ENOMEM with err filled. */
int fw_sql_push(void **list, size_t *count, size_t size, const void *item, struct fw_err *err);

#endif
