/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of an open incident's sources: what each of them amounts to, written beside the history
 * once a second, so that a power cut costs that second and no source. The history itself holds few
 * of them until the incident is closed; then it holds all, and the log goes.
 *
 * Files PATH-sources-INCIDENT.NUMBER, only ever appended to by who made them. One begins with a
 * head; each second adds a frame: head, entries, and a hash over these and the hash before it
 * (BLAKE2b, 16 bytes), so that a reader takes whole frames in their order and stops at the first
 * that is cut, changed or missing. All numbers are little-endian.
 *
 * An entry is a source's sums so far, not a difference: the last one of a source counts, and
 * reading one twice does no harm. A new file is complete by itself once every source has been
 * written to it; then the older ones of the incident go.
 */
#ifndef FW_CORE_SOURCE_LOG_H
#define FW_CORE_SOURCE_LOG_H

#include "user/core/record/accounts.h"
#include "user/core/record/incident.h"

#define FW_SOURCE_LOG_HASH  16
#define FW_SOURCE_LOG_HEAD  24		 /* bytes of a file's head */
#define FW_SOURCE_LOG_FRAME 40		 /* bytes of a frame's head */
#define FW_SOURCE_LOG_MAX   (256U << 20) /* a frame is never longer */

/* One second. Zeroed before its first use; its memory is used again and again. */
struct fw_source_frame {
	unsigned char *buf; /* FW_SOURCE_LOG_FRAME bytes for the head, entries, room for the hash */
	size_t len, room;   /* of head and entries */
	__u32 count;
	struct fw_when when;
	__u64 proven, other; /* sources there are by now */
	__u64 key;	     /* of the entry before */
	unsigned int kind;
};

void fw_source_frame_begin(struct fw_source_frame *f, struct fw_when when);
/* Sources in the order of fw_accounts_changed() take the least room. Times are kept to 1 ms.
 * -ENOMEM. */
int fw_source_frame_add(struct fw_source_frame *f, const struct fw_incident_source *source);
/* The same from an account; now_ns: the frame's moment, by the clock of the account. */
int fw_source_frame_put(struct fw_source_frame *f, const struct fw_account_brief *account,
			bool exact, __u64 now_ns);
/* Ends it; hash: that of the frame before, becomes its own. */
void fw_source_frame_seal(struct fw_source_frame *f, unsigned char hash[FW_SOURCE_LOG_HASH]);
void fw_source_frame_free(struct fw_source_frame *f);

/* The hash before the first frame of a file, of its head. */
void fw_source_frame_root(const void *head, unsigned char ret[FW_SOURCE_LOG_HASH]);
/* Bytes of the whole frame by its head; 0: there is none. */
size_t fw_source_frame_size(const void *head);
void fw_source_frame_totals(const void *head, __u64 *ret_proven, __u64 *ret_other);
/*
 * A call for each entry of a frame of which size bytes are at hand. -EBADMSG: it is cut or changed,
 * or does not follow; none was called for. Else 0, or what each() returned.
 */
int fw_source_frame_read(const void *frame, size_t size, unsigned char hash[FW_SOURCE_LOG_HASH],
			 int (*each)(void *arg, const struct fw_incident_source *source),
			 void *arg);

/* The writer's end. One process at a time. */
struct fw_source_log;
int fw_source_log_begin(const char *history, __s64 incident, struct fw_source_log **ret,
			struct fw_err *err);
/* On the disk when it returns. On failure the file is as it was: -ENOSPC, -EIO. */
int fw_source_log_append(struct fw_source_log *log, struct fw_source_frame *f, struct fw_err *err);
__s64 fw_source_log_incident(const struct fw_source_log *log);
__u64 fw_source_log_size(const struct fw_source_log *log);
void fw_source_log_drop_older(struct fw_source_log *log); /* this one holds every source */
void fw_source_log_close(struct fw_source_log *log);	  /* NULL is fine; the file stays */

/* Everybody's: nothing there is 0 bytes, no call, no incident. */
__u64 fw_source_log_bytes(const char *history); /* of all incidents */
void fw_source_log_remove(const char *history, __s64 incident);
__s64 fw_source_log_first(const char *history, __s64 after); /* the least above it; 0: none */
int fw_source_log_each(const char *history, __s64 incident,
		       int (*each)(void *arg, const struct fw_incident_source *source), void *arg,
		       struct fw_err *err);
/* Sources by the last frame; without checking hashes, so cheap. false: there is no log. */
bool fw_source_log_totals(const char *history, __s64 incident, __u64 *ret_proven, __u64 *ret_other);

/*
 * incident_log.c. For readers: an incident that is not complete reads as history and log together
 * say, on this connection, until fw_incident_log_detach(); fw_history_begin() came first. Does
 * nothing where there is no log. The recorder folds it in: fw_incident_log_fold() moves up to rows
 * of them and leaves *ret_left false with the last.
 */
int fw_incident_log_attach(struct fw_history *h, __s64 id, struct fw_err *err);
void fw_incident_log_detach(struct fw_history *h);
int fw_incident_log_fold(struct fw_history *h, __s64 id, __u32 rows, bool *ret_left,
			 struct fw_err *err);

#endif
