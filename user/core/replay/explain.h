/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What would happen to a packet now: the shipped program judges it on copies of the live policy,
 * prefixes, budgets, levels, bans and of the source's own buckets, at the live program time, with
 * this host's sockets. Nothing of what runs is charged; where live state is one of each CPU (the
 * budget for cookies), the fullest one is taken.
 */
#ifndef FW_CORE_EXPLAIN_H
#define FW_CORE_EXPLAIN_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/core/replay/judge.h"
#include "user/core/source.h"
#include "user/kern/maps.h"

enum fw_explain_fragment {
	FW_EXPLAIN_WHOLE,
	FW_EXPLAIN_FIRST, /* with its ports, and more to come */
	FW_EXPLAIN_LATER, /* the last one: without ports */
};

struct fw_explain_packet {
	__be32 saddr_be[4], daddr_be[4]; /* 128-bit form, of one family */
	__u16 sport, dport;		 /* host order; TCP and UDP */
	__u8 proto;
	__u8 tcp_flags;
	__u8 fragment; /* enum fw_explain_fragment */
	__u32 len;     /* of the frame; 0 = as short as such a packet is */
};

/* Stages in the order they run. */
enum fw_explain_stage {
	FW_EXPLAIN_PARSE,
	FW_EXPLAIN_ESSENTIAL,
	FW_EXPLAIN_SANITY,
	FW_EXPLAIN_LANES,
	FW_EXPLAIN_SERVICE,
	FW_EXPLAIN_SOURCE,
	FW_EXPLAIN_CROWD,
	FW_EXPLAIN_STAGES,
};

struct fw_explain_bucket {
	char name[40];	     /* "source packets", "/48 bytes", "crowd of web: syn", ... */
	struct fw_rate rate; /* count 0 = no limit */
	bool bytes;	     /* the rate counts bytes */
	double before;	     /* part in use, 0..1 */
	double after;	     /* the same after this packet */
};

#define FW_EXPLAIN_BUCKETS 20
struct fw_explain {
	struct fw_judged judged;
	enum fw_explain_stage stage; /* that decided */
	struct fw_source source;     /* as the program finds it */
	char service[FW_NAME_LEN];
	__u32 level;  /* of that service, enum fw_level */
	bool monitor; /* the live policy only counts: it passes whatever the verdict says */
	__u32 len;    /* of the frame that was judged */
	unsigned int buckets;
	struct fw_explain_bucket
		bucket[FW_EXPLAIN_BUCKETS]; /* those that such a packet is held to */
};

/* live: POLICY, LANES, SOURCES and COUNTS. Errors as fw_judge_open. *ret is large. */
int fw_explain_run(const struct fw_maps *live, const struct fw_explain_packet *packet,
		   struct fw_explain *ret, struct fw_err *err);

/* "parse", "lanes", ...; and what it asks, in some words. */
const char *fw_explain_stage_name(enum fw_explain_stage stage);
const char *fw_explain_stage_text(enum fw_explain_stage stage);

#endif
