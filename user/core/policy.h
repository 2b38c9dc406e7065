/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy file and what runs: reading a file with the lists it names, holding it against the
 * running generation, making it run, confirming and taking back. All state is in the pinned maps:
 * what was applied last, from which file, by whom, and whether anything was changed since. So the
 * command and the controller are equals, and neither needs the other.
 */
#ifndef FW_CORE_POLICY_H
#define FW_CORE_POLICY_H

#include <stdbool.h>
#include "user/core/apply.h"
#include "user/policy/file.h"

/*
 * Read a policy file and the lists it names (relative paths: from the file's own directory). No
 * privilege, no state needed. Returns as fw_file_parse; -ENOENT when there is no such file.
 */
int fw_policy_read_file(const char *path, struct fw_file_clock clock, struct fw_file *ret,
			struct fw_problems *problems, struct fw_err *err);

/* What it is held against. */
struct fw_policy_seen {
	struct fw_file_clock clock;
	const struct fw_file_session *session; /* what would cut it off is warned of; or NULL */
	const struct fw_file_host *host;       /* and what this host has not; or NULL */
};

int fw_policy_read_file_for(const char *path, const struct fw_policy_seen *seen,
			    struct fw_file *ret, struct fw_problems *problems, struct fw_err *err);
/* The same to the end of fd, a pipe perhaps; name: for messages. Lists begin where this runs. */
int fw_policy_read_fd_for(int fd, const char *name, const struct fw_policy_seen *seen,
			  struct fw_file *ret, struct fw_problems *problems, struct fw_err *err);

/*
 * The hash of struct fw_file, of the file and its lists as they are now; entries that were over at
 * realtime_ns (CLOCK_REALTIME) are left out, as they were then. -errno: one of them is gone.
 */
int fw_policy_file_hash(const char *path, __u64 realtime_ns, __u64 *ret_hash);

/* A plain file, whole: *ret_text (malloc, *ret_size bytes and a NUL). -errno with err filled. */
int fw_policy_load(const char *path, char **ret_text, size_t *ret_size, struct fw_err *err);

/* Program time (of maps; NULL: of this host) and wall clock, now. */
struct fw_file_clock fw_policy_clock(const struct fw_maps *maps);

/* Who changed what, for the journal. Texts are one line and clean. */
struct fw_change {
	char who[64];	 /* "alice from 192.0.2.7" */
	char what[320];	 /* "applied /etc/floodwall/floodwall.yaml" */
	char before[32]; /* "generation 7" */
	char after[96];	 /* "generation 8, back in 300 s unless confirmed" */
	__u64 realtime_ns;
};

/* "alice from 192.0.2.7": user (before sudo) and, from an SSH session, its address. Returns buf. */
const char *fw_policy_who(char *buf, size_t size);

struct fw_policy_opts {
	const char *path; /* of the file, absolute, for the record; NULL: none */
	const char *who;  /* NULL: fw_policy_who() */
	__u32 confirm_s;  /* 0: for good; else it goes back by itself after that time */
};

/* What a change made different. */
struct fw_policy_diff {
	size_t added, removed, changed; /* prefixes */
	bool policy;			/* classes, limits, services, budgets, options */
};

/*
 * Make file run. Classes, services and prefixes that go on keep their places, so buckets, counters
 * and bans go on. maps: POLICY, LANES and WRITE, under the lock. Nothing different: no generation
 * is made, 0, and ret_diff says so. -EBUSY: a change waits for its confirmation. On failure what
 * ran keeps running. ret_diff, ret_change: may be NULL.
 */
int fw_policy_apply(struct fw_maps *maps, const struct fw_file *file,
		    const struct fw_policy_opts *opts, struct fw_policy_diff *ret_diff,
		    struct fw_change *ret_change, struct fw_err *err);

/*
 * Lock, open, read the file at opts->path, apply; for the controller (start, reload). *ret_file and
 * *problems (both zeroed before) are freed by the caller.
 */
int fw_policy_apply_file(const char *pins, const struct fw_policy_opts *opts,
			 struct fw_file *ret_file, struct fw_problems *problems,
			 struct fw_policy_diff *ret_diff, struct fw_change *ret_change,
			 struct fw_err *err);

/*
 * `file` as it would run beside `running`: the same names in the same places, expiries that only
 * differ by when they were written taken over. Of `running` only the private index changes. *ret is
 * freed with fw_file_free().
 */
int fw_policy_place(struct fw_file *running, const struct fw_file *file, __u32 now_s,
		    struct fw_file *ret, struct fw_policy_diff *ret_diff, struct fw_err *err);

/* What runs, as a file: the settings last applied, the interfaces attached to. No lock. maps:
 * POLICY, LANES, IFACES. *ret is freed with fw_file_free(). */
int fw_policy_running(const struct fw_maps *maps, struct fw_file *ret, struct fw_err *err);

/* The file that made what runs, as far as it is on record. */
struct fw_policy_record {
	bool known;
	__u32 generation;
	__u64 realtime_ns;
	char path[256];
	char who[64];
	bool live_changes; /* what runs is not what it said any more: other commands changed it */
	bool file_changed; /* the file, or a list of it, is another one now */
	bool file_gone;
};
/* maps: POLICY and LANES. */
void fw_policy_record(const struct fw_maps *maps, struct fw_policy_record *ret);
/* live_changes of it alone; no file is read. False without a record. Reads all prefixes. */
bool fw_policy_differs(const struct fw_maps *maps);

/* Under the lock. The sentences of the change go to ret_change (may be NULL). */
int fw_policy_confirm(struct fw_maps *maps, struct fw_change *ret_change, struct fw_err *err);
int fw_policy_undo(struct fw_maps *maps, struct fw_change *ret_change, struct fw_err *err);

#endif
