/* SPDX-License-Identifier: GPL-2.0-only */
/* For recorder*.c only: what the recorder holds, and who does what. */
#ifndef FW_CORE_RECORDER_PARTS_H
#define FW_CORE_RECORDER_PARTS_H

#include "user/core/record/accounts.h"
#include "user/core/record/heaviest.h"
#include "user/core/record/incident.h"
#include "user/core/level.h"
#include "user/core/record/recorder.h"
#include "user/core/source.h"
#include "user/core/record/source_log.h"
#include "user/core/stats.h"
#include "user/kern/maps.h"
#include "user/kern/ring.h"

/* Samples kept in memory: some ten seconds of them, or the last so many. */
#define FW_REC_SAMPLES	 16384
#define FW_REC_BEFORE_NS (10 * 1000000000ULL)
/* Rows a second into an incident, so that the file grows by less than 1 MiB a minute. */
#define FW_REC_SAMPLE_ROWS  20
#define FW_REC_SOURCE_ROWS  80
#define FW_REC_BEFORE_ROWS  400	  /* once */
#define FW_REC_SAMPLES_MAX  20000 /* an incident */
#define FW_REC_CLOSING_ROWS 16384 /* a second, once it is closed: 8 to 14 % of a CPU */
/* The log of sources: changed ones a second, and the size at which it begins anew, if it has that
 * many bytes for each of them. */
#define FW_REC_LOG_ROWS	 262144
#define FW_REC_LOG_BYTES (32ULL << 20)
#define FW_REC_LOG_EACH	 64
/* Bytes of a frame of it that are kept for the next second. */
#define FW_REC_FRAME_KEPT (1U << 20)
/* So many new sources outside an incident, and the harmless ones among them are forgotten; so often
 * between two turns, and they are not even taken down until the next. */
#define FW_REC_HARMLESS	 32768
#define FW_REC_FORGOTTEN 2

struct fw_rec_level {
	char name[FW_NAME_LEN];
	__u32 level, for_s; /* for_s: struct fw_level_now */
	bool pinned;
	bool adopted; /* what another recorder wrote last: the level may have changed since */
};

struct fw_rec_levels {
	struct fw_rec_level at[FW_SERVICE_MAX];
	unsigned int nr;
};

struct fw_recorder {
	struct fw_recorder_opts opts;
	char pins[256], path[256], accounts_path[256], sampled_path[272], build[32], boot_id[40];

	/* The data path; maps.cpus == 0: no state. */
	struct fw_maps maps;
	struct fw_ring *ring;
	struct fw_stats_kept kept_counts;
	struct fw_stats before; /* counters up to which everything is written */
	bool have_before;
	struct fw_rec_levels levels; /* as written */
	__u32 generation;
	bool have_generation;
	__u32 told;			     /* the generation up to which changes are on record */
	struct fw_when changed;		     /* when the first of those after it was seen */
	struct fw_sampler sampler[FW_G_MAX]; /* as written, summed over CPUs */
	__u64 ledger_lost;

	/* The policy as written: of which generation, and when to look again at the earliest. */
	__u32 policy_generation;
	bool policy_known;
	__u64 policy_again_ns;

	/* The file. */
	struct fw_history *history;
	struct fw_when last;	       /* of the last second written */
	__u64 began_ns;		       /* boot time of the first one */
	struct fw_history_clock clock; /* as written */
	bool have_clock;

	/* Sources and samples. */
	struct fw_accounts *accounts; /* tabled ones, exact */
	bool accounts_new;	      /* just opened: an incident must be carried on in them */
	bool accounts_kept;	      /* they go on with what an earlier recorder left */
	struct fw_accounts *sampled;  /* others */
	bool sampled_kept;	      /* they go on, too */
	size_t kept;		      /* accounts left when harmless ones were last forgotten */
	unsigned int forgotten;	      /* how often since the last turn */
	__u64 turned_ns;	      /* boot time of the last turn */
	struct fw_sample *sample;     /* ring [FW_REC_SAMPLES] */
	__u64 sample_head;	      /* grows */
	__u64 sample_seen;	      /* up to here they have been dealt with */
	double weight[FW_G_MAX];      /* packets a sample of the group stood for, last second */

	/* Incident. */
	struct fw_incident incident; /* id 0: none open */
	__u64 samples_written;
	__u64 quiet_since_ns;	   /* boot time; 0 = not quiet */
	__u64 first_drop_ns;	   /* boot time of the first packet refused, as sampled */
	int closing_part;	   /* which of the two lists is being written */
	__s64 closing;		   /* incident whose sources are still to be written; 0 = none */
	size_t cursor[2];	   /* exact, sampled */
	bool before_written;	   /* the samples from before its start */
	struct fw_source_log *log; /* of the open incident, or of the one being closed */
	struct fw_source_frame frame;
	bool log_whole;		     /* it holds every source by itself */
	__s64 folding;		     /* an incident whose log was left behind; 0 = none */
	bool folded;		     /* there is no other one */
	__s64 left;		     /* closed, and left to its log, for another one began */
	__s64 complete;		     /* all its sources were written in this second */
	struct fw_heaviest heaviest; /* sources since top_when */
	struct fw_when top_when;
	struct fw_recorder_state state;
};

/* recorder_state.c: the maps as they are now. -ENOENT: none. Forgets what was of another state. */
int fw_rec_maps(struct fw_recorder *r, struct fw_err *err);
void fw_rec_maps_close(struct fw_recorder *r);
/* Returns how full the fullest of the rings was, in parts of 256. */
unsigned int fw_rec_ledgers(struct fw_recorder *r);
void fw_rec_slots(struct fw_recorder *r);
void fw_rec_sampling(struct fw_recorder *r, const struct fw_stats *since);

/* recorder_incident.c: all within the second's transaction. */
int fw_rec_incident(struct fw_recorder *r, const struct fw_recorder_now *now,
		    const struct fw_rec_levels *levels, struct fw_err *err);
/* recorder_rows.c: samples and heavy sources; sources. */
int fw_rec_sources(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);
int fw_rec_samples(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);
/* Go on with an incident that was open when an earlier recorder ended. */
int fw_rec_adopt(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);
int fw_rec_top(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);

/* recorder_log.c: an incident begins, or goes on: everything is to be logged. */
void fw_rec_log_all(struct fw_recorder *r);
/* Once a second, when the rest has been written: what changed. */
int fw_rec_log(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err);
/* r->complete is on the disk: its log can go. */
void fw_rec_log_done(struct fw_recorder *r);
/* Another incident begins before r->closing is done: what is missing of it is left to its log. */
void fw_rec_log_leave(struct fw_recorder *r, const struct fw_recorder_now *now);
/* So many rows of an incident that was left to its log, or whose recorder did not see its end. */
int fw_rec_fold(struct fw_recorder *r, struct fw_err *err);

/* recorder_second.c: what a second reads and writes. */
int fw_rec_write_clock(struct fw_recorder *r, const struct fw_recorder_now *now,
		       struct fw_history_clock *c, struct fw_err *err);
void fw_rec_read_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			struct fw_rec_levels *ret);
/* The open incident's services go on from the levels that were written last: one that is where it
 * was has changed nothing, and one that came back to calm meanwhile has. */
int fw_rec_adopt_levels(struct fw_recorder *r, struct fw_err *err);
int fw_rec_write_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			const struct fw_rec_levels *levels, struct fw_err *err);
int fw_rec_write_change(struct fw_recorder *r, const struct fw_recorder_now *now, __u32 generation,
			__u32 *ret_told, struct fw_err *err);
void fw_rec_read_samplers(struct fw_recorder *r, struct fw_sampler now[FW_G_MAX]);
__u64 fw_rec_ledger_lost(const struct fw_recorder *r);
void fw_rec_weigh(struct fw_recorder *r, const struct fw_stats *since,
		  const struct fw_sampler now[FW_G_MAX]);
int fw_rec_write_tick(struct fw_recorder *r, const struct fw_recorder_now *now,
		      const struct fw_stats *since, const struct fw_sampler samplers[FW_G_MAX],
		      __u64 lost, struct fw_err *err);

/* 128-bit form of a source's key. */
void fw_rec_addr(__u8 family, __u64 key, __be32 ret_addr_be[4]);

/* recorder_policy.c: the policy in force, when it has changed. What fails is tried again. */
void fw_rec_policy(struct fw_recorder *r, const struct fw_recorder_now *now);

#endif
