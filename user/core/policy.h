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

/* The same, warning of what would cut this session off (may be NULL). */
int fw_policy_read_file_for(const char *path, struct fw_file_clock clock,
			    const struct fw_file_session *session, struct fw_file *ret,
			    struct fw_problems *problems, struct fw_err *err);

/* A plain file, whole: *ret_text (malloc, *ret_size bytes and a NUL). -errno with err filled. */
int fw_policy_load(const char *path, char **ret_text, size_t *ret_size, struct fw_err *err);

/* Program time (of maps; NULL: of this host) and wall clock, now. */
struct fw_file_clock fw_policy_clock(const struct fw_maps *maps);

/* Who changed what, for the journal. Texts are one line and clean. */
struct fw_change {
	char who[64];	  /* "alice (uid 1000, 192.0.2.7)" */
	char what[256];	  /* "applied /etc/floodwall/floodwall.yaml" */
	char before[128]; /* "generation 7" */
	char after[128];  /* "generation 8, reverts in 300 s unless confirmed" */
	__u64 realtime_ns;
};

struct fw_policy_opts {
	const char *path; /* of the file, for the record; made absolute by the caller */
	const char *who;  /* NULL: fw_policy_who() */
	__u32 confirm_s;  /* 0: for good; else it reverts by itself after that time */
};

/* What became different, for people. */
struct fw_policy_diff {
	size_t added, removed, changed; /* prefixes */
	bool policy;			/* classes, limits, services, budgets, options */
	bool settings;			/* the controller's part */
};

/*
 * Make file run: unchanged classes, services and prefixes keep their places, so buckets, counters
 * and bans go on. maps: POLICY, LANES and WRITE, under the lock. Nothing different: nothing is
 * written, 0, and ret_diff says so. -EBUSY: a change waits for its confirmation. ret_change and
 * ret_diff may be NULL.
 */
int fw_policy_apply(struct fw_maps *maps, const struct fw_file *file,
		    const struct fw_policy_opts *opts, struct fw_policy_diff *ret_diff,
		    struct fw_change *ret_change, struct fw_err *err);

/* Lock, open, read the file, apply; for the controller (start, reload). */
int fw_policy_apply_file(const char *pins, const struct fw_policy_opts *opts,
			 struct fw_file *ret_file, struct fw_problems *problems,
			 struct fw_policy_diff *ret_diff, struct fw_change *ret_change,
			 struct fw_err *err);

#endif
