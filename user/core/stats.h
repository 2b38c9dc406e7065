/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters: read once, summed every way people ask for, and the difference of two readings as
 * rates. Counters only grow while the state lives; a reading is not a snapshot of one instant,
 * since packets go on being counted while it is taken.
 */
#ifndef FW_CORE_STATS_H
#define FW_CORE_STATS_H

#include <stdbool.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/kern/maps.h"
#include "user/policy/model.h"

/* These four sum to the packets seen. */
struct fw_stats_verdicts {
	struct fw_count pass, drop, tx;
	struct fw_count would; /* passed in monitor mode, else dropped or answered */
};

struct fw_stats {
	__u64 when_ns; /* CLOCK_MONOTONIC */
	unsigned int cpus;
	/* [1]: counted in monitor mode, when every packet passed whatever its reason says */
	struct fw_count svc[2][FW_SERVICE_MAX][FW_REASON_SLOTS];
	struct fw_count cls[FW_CLASS_MAX][FW_CC_STRIDE];
	__u64 note[FW_NOTE_SLOTS];
	struct fw_count (*cpu)[2][FW_REASON_SLOTS]; /* [cpus]; summed over services; owned */
	char class_name[FW_CLASS_MAX][FW_NAME_LEN]; /* of the live policy; empty = unused */
	char service_name[FW_SERVICE_MAX][FW_NAME_LEN];
	__u16 reflect_port[FW_REFLECT_MAX];
	bool monitor;
};

/* *ret is zeroed or an earlier reading (which is freed). -ENOENT (3): no state there. */
int fw_stats_read(const char *pins, struct fw_stats *ret, struct fw_err *err);
/* The same from maps that are open with COUNTS and POLICY. */
int fw_stats_read_maps(const struct fw_maps *maps, struct fw_stats *ret, struct fw_err *err);
void fw_stats_free(struct fw_stats *stats);

/*
 * For who reads again and again: the counters that no packet can move while the same generation
 * runs, or the next ones with the same services, are kept. kept: zeroed at first; of maps that are
 * open anew, too. Costs less, says the same.
 */
struct fw_stats_when {
	__u32 state; /* fw_maps.ctl_id */
	__u64 live, running;
};
struct fw_stats_kept {
	struct fw_stats_when when;
	__u64 since_ns;		     /* seen first, fw_clock_now() */
	bool settled;		     /* rest was read when it could move no more */
	bool moving[FW_SERVICE_MAX]; /* rest is without these, in mode half */
	int half;
	struct fw_stats rest;
	struct fw_count left[FW_CC_MAX]; /* the default class's, at most so far */
	__u32 left_of;			 /* the state that was of */
};
int fw_stats_read_again(const struct fw_maps *maps, struct fw_stats_kept *kept,
			struct fw_stats *ret, struct fw_err *err);
void fw_stats_kept_free(struct fw_stats_kept *kept);

/* Marks model->worn_*: where something was counted. maps: COUNTS, or nothing is marked. */
void fw_stats_worn(const struct fw_maps *maps, struct fw_model *model);

/*
 * What came since `before`; *ret->when_ns is the time between them. Another state in between (all
 * counters fell): ret is `now` as it is. ret is freed by the caller.
 */
int fw_stats_since(const struct fw_stats *before, const struct fw_stats *now, struct fw_stats *ret);

/* One reason over all services: what was done for it, and what only would have been. */
void fw_stats_reason(const struct fw_stats *stats, unsigned int reason, struct fw_count *ret_done,
		     struct fw_count *ret_would);
/* One service, one CPU, and everything. */
struct fw_stats_verdicts fw_stats_service(const struct fw_stats *stats, unsigned int service);
struct fw_stats_verdicts fw_stats_cpu(const struct fw_stats *stats, unsigned int cpu);
struct fw_stats_verdicts fw_stats_total(const struct fw_stats *stats);

/* Packets and bytes over all verdicts. */
struct fw_count fw_stats_all(const struct fw_stats_verdicts *v);

/* The rows of the X-macros in bpf/abi.h. */
struct fw_stats_name {
	const char *name, *text;
	enum fw_verdict verdict; /* of reasons */
};
extern const struct fw_stats_name fw_stats_reasons[FW_R_MAX];
extern const struct fw_stats_name fw_stats_notes[FW_N_MAX];

#endif
