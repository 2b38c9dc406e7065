/* SPDX-License-Identifier: GPL-2.0-only */
/* What each source of a recording asked for, in sliding windows. Private to suggest. */
#ifndef FW_CORE_DEMAND_H
#define FW_CORE_DEMAND_H

#include <stdbool.h>
#include <linux/types.h>
#include "bpf/abi.h"

struct fw_suggest;

#define FW_WINDOW_SHORT_NS 1000000000ULL
#define FW_WINDOW_LONG_NS  10000000000ULL

/* The most within a window, as sums of tenths of it and one more: never less than the true most,
 * and of what comes evenly a tenth more. */
#define FW_WINDOW_PARTS 10

struct fw_window {
	__u64 part;			/* number of the present part, from 1970 */
	__u32 sum[FW_WINDOW_PARTS + 1]; /* of the last parts, a ring by number */
	__u64 total;			/* of sum[] */
	__u64 most;			/* that total was */
};
void fw_window_add(struct fw_window *window, __u64 length_ns, __u64 now_ns, __u64 n);

struct fw_demand {
	__be32 addr_be[4];
	struct fw_window burst[FW_K_MAX], rate[FW_K_MAX];
	__u8 class;
	bool taken; /* the slot holds a source */
	bool classed, server;
	bool unlimited; /* of a lane that is held to no limit, or blocked */
};

struct fw_demands;

struct fw_demands *fw_demands_new(void); /* 56 MiB. NULL: no memory */
void fw_demands_free(struct fw_demands *demands);

/* The record of a source, made if need be; NULL: not of the sample. */
struct fw_demand *fw_demands_find(struct fw_demands *demands, const __be32 addr_be[4]);
void fw_demand_add(struct fw_demand *demand, unsigned int kind, __u64 now_ns, __u64 n);
/* A source is the host itself. */
void fw_demands_server(struct fw_demands *demands, const __be32 addr_be[4]);

/* Fills sources, servers, sampled, class_sources and limit[][] but for proposed. -ENOMEM. */
int fw_demands_percentiles(const struct fw_demands *demands, double percentile,
			   struct fw_suggest *ret);

#endif
