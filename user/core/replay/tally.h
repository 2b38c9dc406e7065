/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a judge made of a feed, added up: by verdict, reason, service and class; when each limit
 * first bit; the level of each service over time; rates over time; the heaviest sources. Fixed
 * size. Every packet is in exactly one verdict, reason, service and class.
 */
#ifndef FW_CORE_TALLY_H
#define FW_CORE_TALLY_H

#include <linux/types.h>
#include "bpf/abi.h"
#include "user/core/replay/feed.h"
#include "user/core/replay/judge.h"
#include "user/core/replay/tops.h"

#define FW_TALLY_BINS	 512
#define FW_TALLY_CHANGES 1024
#define FW_TALLY_BIN_NS	 1000000ULL /* width of a bin at first; it doubles as time goes on */

/* A service changed its level. */
struct fw_tally_change {
	__u64 at_ns; /* as captured: fw_feed_packet.line_ns, as are the others */
	__u8 service;
	__u8 level; /* enum fw_level, from then on */
};

/* fw_top.count[] of sources */
enum fw_tally_top { FW_TOP_DROPPED, FW_TOP_ANSWERED };

struct fw_replay_tally {
	__u64 packets, bytes;
	struct fw_count verdict[FW_V_MAX];
	struct fw_count reason[FW_R_MAX];
	__u64 first_ns[FW_R_MAX]; /* as captured; of reasons that have packets */
	struct fw_count service[FW_SERVICE_MAX][FW_V_MAX];
	struct fw_count service_reason[FW_SERVICE_MAX][FW_R_MAX];
	struct fw_count class[FW_CLASS_MAX][FW_V_MAX];
	struct fw_count soft; /* admitted beyond a soft limit */

	/* How much was known. */
	__u64 proven;	      /* packets judged as a proven source's */
	__u64 midstream;      /* TCP in connections whose handshake is not in the capture */
	__u64 midstream_lost; /* of them dropped */
	__u64 unheard;	      /* SYNs over the budget to where nobody is known to listen */
	__u64 unplaced;	      /* proofs that found no place in the table */
	__u64 oversize;	      /* longer than test-run takes: judged as far as it does */

	__u64 begin_ns, end_ns; /* as captured */
	__u64 bin_ns;
	unsigned int bins;
	__u64 bin[FW_TALLY_BINS][FW_V_MAX]; /* packets */
	unsigned int changes; /* all; the first FW_TALLY_CHANGES of them in change[] */
	struct fw_tally_change change[FW_TALLY_CHANGES];
	__u8 level[FW_SERVICE_MAX]; /* as it was last seen; private */
	__u64 looked_ns;	    /* program time all were last looked at; private */
	double speed;		    /* of program time against the capture's; private */
	struct fw_tops *tops;	    /* owned */
};

/* *ret is large: allocate it. speed: fw_feed_told.speed. */
int fw_tally_init(struct fw_replay_tally *ret, double speed);
void fw_tally_free(struct fw_replay_tally *tally); /* what it holds; zeroed is fine */

void fw_tally_add(struct fw_replay_tally *tally, const struct fw_judge *judge,
		  const struct fw_feed_packet *packet, const struct fw_judged *judged);

/* After the last packet: the levels as they are then. */
void fw_tally_end(struct fw_replay_tally *tally, const struct fw_judge *judge, __u64 now_ns);

/* Worst level of any service in bin i, enum fw_level. */
__u32 fw_tally_level(const struct fw_replay_tally *tally, unsigned int bin);

struct fw_count fw_tally_sum(const struct fw_count verdict[FW_V_MAX]);

#endif
