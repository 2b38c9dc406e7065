/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history: one SQLite file (WAL), the only truth about what was. The recorder writes it once a
 * second in one transaction; every command reads it with the recorder stopped or running. Tables
 * and columns are described in history_schema.c and, for people, in the file itself (table
 * "about").
 *
 * Every moment is kept twice: UTC in ns as the clock showed it then, and ns since boot
 * (CLOCK_BOOTTIME), which no step of the clock moves. Order is by row number, never by UTC.
 */
#ifndef FW_CORE_HISTORY_H
#define FW_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "user/base/err.h"

struct sqlite3;

#define FW_HISTORY_DEFAULT "/var/lib/floodwall/history.db"
#define FW_HISTORY_ENV	   "FLOODWALL_HISTORY"
#define FW_HISTORY_SCHEMA  1 /* PRAGMA user_version */

/* A moment, on both clocks. */
struct fw_when {
	__u64 utc_ns;  /* CLOCK_REALTIME as it showed; may jump */
	__u64 boot_ns; /* CLOCK_BOOTTIME; only grows within one run of the machine */
};

/* Owned by fw_history_open/close. One thread at a time. */
struct fw_history {
	struct sqlite3 *db; /* readers may prepare statements of their own */
	bool write;
	__s64 run; /* row of "run" this writer appends under */
	struct fw_history_stmts *stmts;
};

/* The file to use: opt if not NULL, else $FLOODWALL_HISTORY, else history.db in $STATE_DIRECTORY
 * (systemd's name for it), else the default. Not owned. */
const char *fw_history_path(const char *opt);

/*
 * write: made if absent (mode 0600, its directory 0700), schema brought up to date. Else opened
 * read-only; -ENOENT (3): there is no history yet. -EPROTO (2): of a newer floodwall; it is never
 * rewritten. *ret is closed with fw_history_close, NULL is fine there.
 */
int fw_history_open(const char *path, bool write, struct fw_history **ret, struct fw_err *err);
void fw_history_close(struct fw_history *h);

/*
 * One transaction around what a second brings; for a reader, one state of the file for all it asks
 * until fw_history_rollback or close. -ENOSPC: the disk is full, nothing was written.
 */
int fw_history_begin(struct fw_history *h, struct fw_err *err);
int fw_history_commit(struct fw_history *h, struct fw_err *err);
void fw_history_rollback(struct fw_history *h);

/* What a run of the recorder is: written once, sets h->run. Texts are cleaned when printed. */
struct fw_history_run {
	struct fw_when when;
	char boot_id[40]; /* /proc/sys/kernel/random/boot_id */
	char host[65], kernel[65];
	char build[32];	      /* of the recorder */
	char program[65];     /* tag of the attached program, hex; "" = none attached */
	char policy_hash[65]; /* SHA-256 of the first policy it read, hex; "" = none yet */
	__u32 generation;     /* of that policy */
};
int fw_history_run(struct fw_history *h, const struct fw_history_run *run, struct fw_err *err);

/* State of the clock: at start, hourly, when synchronisation changes, and at every step noticed. */
struct fw_history_clock {
	struct fw_when when; /* UTC = boot + (utc_ns - boot_ns) from here on */
	bool synchronised;   /* adjtimex: neither TIME_ERROR nor STA_UNSYNC */
	__u64 max_error_ns, est_error_ns;
	__s64 step_ns; /* UTC jumped by this much since the last look; 0 = it did not */
};
int fw_history_clock(struct fw_history *h, const struct fw_history_clock *clock,
		     struct fw_err *err);

/* One row of "tick": the second that ended at when. Returns its number, the order of everything. */
struct fw_history_tick {
	struct fw_when when;
	__u64 span_ns;				/* it covers this much, about a second */
	struct fw_count clerk_pass, clerk_drop; /* the trusted lane */
	/* What the program chose among, passed on, held back, and could not pass on. */
	__u64 sample_offered, sample_emitted, sample_held, sample_lost;
	__u64 ledger_lost; /* packets whose source's account could not be written */
};
int fw_history_tick(struct fw_history *h, const struct fw_history_tick *tick, __s64 *ret_tick,
		    struct fw_err *err);

/* What a tick counted for one service and reason; only what is not 0 is written. */
int fw_history_total(struct fw_history *h, __s64 tick, const char *service, unsigned int reason,
		     bool would, const struct fw_count *count, struct fw_err *err);

/* A service's level changed. */
struct fw_history_level {
	struct fw_when when;
	char service[FW_NAME_LEN];
	__u8 from, to; /* enum fw_level */
	bool pinned;   /* by an admin */
};
int fw_history_level(struct fw_history *h, const struct fw_history_level *level,
		     struct fw_err *err);

/* A change of the policy: who did what. Also written by the command line itself. */
struct fw_history_change {
	struct fw_when when;
	__u32 generation; /* after it */
	char who[65];	  /* user, with "via sudo" where known; "" = not known */
	char what[513];	  /* the command, or what the recorder noticed */
	/* When read back: SHA-256 of the policy as it was then; "" = it was replaced within a
	 * second or not recorded. */
	char policy_hash[65];
};
int fw_history_change(struct fw_history *h, const struct fw_history_change *change,
		      struct fw_err *err);

/*
 * Long texts as gzip. *ret is the caller's to free; the text ends in NUL. -EFBIG, -ENOMEM;
 * -EBADMSG: no gzip of a text of ours.
 */
#define FW_HISTORY_TEXT_MAX (256U << 20)
int fw_history_pack(const char *text, size_t len, void **ret, size_t *ret_len);
int fw_history_unpack(const void *packed, size_t len, char **ret);

/* Has somebody written down a change to a generation above from, up to to, in the last minute? */
bool fw_history_signed(struct fw_history *h, __u32 from, __u32 to, __u64 now_boot_ns);

/* A heavy source of the minute that began at when; rank from 1. */
struct fw_history_top {
	struct fw_when when;
	__u32 rank;
	__be32 addr_be[4]; /* IPv4 as ::ffff:a.b.c.d; of IPv6 its /64 */
	bool proven;
	char class_name[FW_NAME_LEN];
	__u64 packets, bytes, dropped; /* in this minute, at least: light sources are forgotten */
	__u8 reason;		       /* it last lost for; meaningful if dropped */
};
int fw_history_top(struct fw_history *h, const struct fw_history_top *top, struct fw_err *err);

/*
 * Forget what is older than keep_s and, oldest first, what makes the file larger than max_bytes
 * (0 = no cap): ticks outside incidents first, then whole closed incidents. Does a bounded amount
 * of work per call. *ret_removed: rows.
 */
int fw_history_trim(struct fw_history *h, __u64 now_utc_ns, __u32 keep_s, __u64 max_bytes,
		    __u64 *ret_removed, struct fw_err *err);

/* Bytes of the file with its WAL. */
__u64 fw_history_size(const char *path);

/* For this floor and the readers above: SQLite's code as -errno with err filled. */
int fw_history_fail(struct fw_history *h, int sqlite_code, const char *what, struct fw_err *err);

#endif
