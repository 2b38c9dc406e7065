/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder: once a second it reads what the program counted and writes it into the history,
 * opens and closes incidents, and gathers sources and samples for them. It only ever reads the data
 * path (but for the settings of sampling and the tails of the ledgers): whatever happens here,
 * filtering goes on. What could not be written is written with the next second that can be; the
 * counters wait.
 *
 * One thread at a time; time is handed in.
 */
#ifndef FW_CORE_RECORDER_H
#define FW_CORE_RECORDER_H

#include "user/core/record/history.h"

struct fw_recorder;

struct fw_recorder_opts {
	const char *pins;
	const char *path;     /* of the history */
	const char *accounts; /* file of the accounts, on tmpfs; NULL = in memory */
	const char *build;
	const char *boot_id;
	__u32 sample_rate;  /* samples a second of each group of reasons on each CPU; 0 = none */
	__u32 sample_bytes; /* of each; 0 = all the program hands over */
	__u32 keep_s;	    /* FW_FOREVER: for ever */
	__u64 max_bytes;    /* 0 = no cap */
	__u32 quiet_s;	    /* of calm, until an incident is closed */
	__u32 sources_max;  /* 0 = default */
};
#define FW_RECORDER_QUIET_S	60
#define FW_RECORDER_SOURCES_MAX (4U << 20)

/* One moment, as the caller's clocks show it. */
struct fw_recorder_now {
	struct fw_when when;
	__u64 program_ns;
	bool synchronised;
	__u64 max_error_ns, est_error_ns;
};
void fw_recorder_clock(struct fw_recorder_now *ret); /* the machine's */

/* How it goes, for people and metrics. */
struct fw_recorder_state {
	bool ok;		  /* the last second was written */
	bool totals;		  /* if not ok: all but the accounts of its sources was */
	bool attached;		  /* there was something to record */
	char trouble[FW_ERR_LEN]; /* why not ok */
	char hint[FW_ERR_LEN];
	__u64 since_ns;	 /* UTC: not ok since then; 0 = ok */
	__u64 seconds;	 /* written */
	__u64 failures;	 /* seconds that could not be written at once */
	__u64 bytes;	 /* of the history */
	__u64 log_bytes; /* of the log of sources beside it */
	__s64 incident;	 /* open one; 0 = none */
	__s64 found;	 /* the one that was open when the history was opened; 0 = none */
	__u64 sources;	 /* accounts in hand */
	__u64 sample_offered, sample_emitted, sample_held, sample_lost, ledger_lost; /* so far */
	__u64 busy_ns; /* CPU time it took so far, if the caller counts it */
};

/* Nothing is opened yet: fw_recorder_step does, and tries again as long as it takes. */
int fw_recorder_new(const struct fw_recorder_opts *opts, struct fw_recorder **ret,
		    struct fw_err *err);
/* New settings: sample_rate, keep_s, max_bytes, quiet_s. */
void fw_recorder_set(struct fw_recorder *r, const struct fw_recorder_opts *opts);
void fw_recorder_free(struct fw_recorder *r); /* NULL is fine; an open incident stays open */

/* A few times a second: take samples and ledgers before they are full. Returns how full the fullest
 * ledger was, in parts of 256. */
unsigned int fw_recorder_poll(struct fw_recorder *r);
/* Once a second. 0, or -errno with err filled: this second waits for the next. */
int fw_recorder_step(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);
void fw_recorder_state(const struct fw_recorder *r, struct fw_recorder_state *ret);

#endif
