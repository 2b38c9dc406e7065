/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One source, as the program sees it now: which lanes and class it is in, how full its buckets are,
 * whether it has proven itself, what it was charged and lost. Read-only, no lock; arithmetic and
 * hashing are the program's own headers, so what is shown is what is decided by.
 */
#ifndef FW_CORE_SOURCE_H
#define FW_CORE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/kern/maps.h"

/* One bucket. Without a limit, or without a place in the table, debt is 0. */
struct fw_source_bucket {
	bool limited;
	double debt; /* part of the burst in use, 0..1; 1 = the next packet is over */
};

/* One place in a table: a /32 or /64, or the /48 above it. */
struct fw_source_place {
	bool known; /* has a place in the table */
	bool proven;
	__u32 seen_age_s; /* since it was last charged, 0 = within a second or two */
	struct fw_source_bucket bucket[FW_K_MAX];
};

/* A prefix that lists the source. */
struct fw_source_listing {
	struct fw_prefix prefix;
	char why[FW_WHY_LEN];
};

#define FW_SOURCE_LISTINGS 16

/* What it sent lately, over all CPUs. */
struct fw_source_heavy {
	__u64 key; /* IPv4 address, or upper 64 bits of IPv6, host order */
	__u64 packets, bytes, lost;
	__u32 since_s; /* program time of the first packet in this */
	__u8 family;   /* 4 or 6; 0 = nothing */
	__u8 class;
	__u8 reason; /* enum fw_reason it last lost for; meaningful if lost */
};

/* All of them; since since_ns nothing is missing, and nothing is in it from before. */
struct fw_source_heavies {
	struct fw_source_heavy *list; /* one entry a source, by family and key */
	size_t count;
	__u64 since_ns, now_ns; /* program time */
};

struct fw_source {
	__u64 now_ns;			   /* program time of the reading */
	__u8 family;			   /* 4 or 6 */
	__u8 class;			   /* whose limits it has now */
	bool management, trusted, blocked; /* now */
	struct fw_profile profile;	   /* with the times */
	char class_name[FW_NAME_LEN];
	struct fw_source_place own;   /* its /32 or /64 */
	struct fw_source_place net48; /* IPv6 only */
	enum fw_net48 net48_whose;    /* of the buckets of a /48, the one that it is held to */
	struct fw_source_listing listing[FW_SOURCE_LISTINGS];
	unsigned int listings; /* in listing[] */
	size_t listings_all;   /* including those that did not fit */
	struct fw_source_heavy heavy;
	__u64 heavy_since_ns; /* it is what came since then; 0: maps without TALLIES */
};

/*
 * addr_be: 128-bit form. maps: POLICY, LANES and SOURCES, and TALLIES for heavy. 0 or -errno with
 * err filled.
 */
int fw_source_read(const struct fw_maps *maps, const __be32 addr_be[4], struct fw_source *ret,
		   struct fw_err *err);

/*
 * What all tabled sources sent since since_ns, or for as long as is remembered: ret->list is freed
 * with free(). maps: TALLIES. What lies across since_ns counts in proportion.
 */
int fw_source_heavy(const struct fw_maps *maps, __u64 since_ns, struct fw_source_heavies *ret,
		    struct fw_err *err);
/* The same of one source. */
int fw_source_heavy_one(const struct fw_maps *maps, __u8 family, __u64 key,
			struct fw_source_heavy *ret, __u64 *ret_since_ns, struct fw_err *err);

/* How full a shared budget is, 0..1. Pure. */
double fw_source_budget_debt(const struct fw_budget *budget, const struct fw_limit *limit,
			     __u64 now_ns);

/* Name of a reason, as JSON and metrics spell it. "?" beyond the list. */
const char *fw_source_reason(unsigned int reason);

#endif
