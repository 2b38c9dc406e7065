/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits from a recording of ordinary traffic: what nearly all sources stayed within, times a
 * margin. Needs no privilege and no program. Fixed memory: of very many sources a sample is kept,
 * chosen by hash of the address, so that it is even.
 *
 * A source's demand is measured in windows that slide by a tenth of their length: the most within a
 * second (its burst) and within ten (its rate). A window is never taken too small, so a limit as
 * wide as the demand cuts nothing of it.
 */
#ifndef FW_CORE_SUGGEST_H
#define FW_CORE_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/core/replay/feed.h"
#include "user/policy/model.h"
#include "user/policy/prefixes.h"

#define FW_SUGGEST_MARGIN \
	4 /* on the nights this was made for, honest traffic was 3-4 times normal */
#define FW_SUGGEST_MARGIN_MIN 2
#define FW_SUGGEST_PERCENTILE 99.9

struct fw_suggest_opts {
	char *const *path;
	unsigned int paths;
	struct fw_feed_opts feed;
	const struct fw_model *model; /* classes and services */
	struct fw_prefixes *lanes;    /* who is in which lane and class; may be NULL */
	double margin, percentile;
	__u32 tick_ns; /* of the program's clock: limits must suit it */
};

/* What sources demanded, and what is proposed. Sums count a second, bursts come within one. */
struct fw_suggest_limit {
	__u64 sources;		      /* that sent any of it; of the sample */
	double rate, burst;	      /* the percentile over these sources */
	double most_rate, most_burst; /* of any source */
	struct fw_rate proposed;      /* count 0: nothing to propose */
};

struct fw_suggest {
	struct fw_feed_told told;
	struct fw_capture_told files;
	__u64 packets, begin_ns, end_ns;
	__u64 sources;	      /* of the sample */
	__u64 servers;	      /* sources left out, for they answered SYNs: the host itself */
	__u64 unlimited;      /* sources left out, for the policy holds them to no limit */
	unsigned int sampled; /* one source in so many was kept */
	struct fw_suggest_limit limit[FW_CLASS_MAX][FW_K_MAX];
	__u64 class_sources[FW_CLASS_MAX];
	/* New connections to each service: the most within a second, and the budget for it. */
	__u64 syn_most[FW_SERVICE_MAX];
	struct fw_rate syn[FW_SERVICE_MAX];
};

/* *ret is large: allocate it. Errors as fw_feed_open. */
int fw_suggest_run(const struct fw_suggest_opts *opts, struct fw_suggest *ret, struct fw_err *err);

#endif
