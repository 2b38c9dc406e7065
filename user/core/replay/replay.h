/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures against one policy, or two side by side: the same frames at the same times through a
 * judge of each. What no capture holds is declared: connections of that night count as proof where
 * their handshake is in the capture, listeners are those of the policy's services and those seen
 * to answer, and everything a program remembers begins empty.
 */
#ifndef FW_CORE_REPLAY_H
#define FW_CORE_REPLAY_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/core/replay/feed.h"
#include "user/core/replay/judge.h"
#include "user/core/replay/tally.h"

#define FW_REPLAY_POLICIES 2

struct fw_replay_policy {
	const struct fw_model *model;
	const struct fw_prefixes *lanes; /* may be NULL */
};

struct fw_replay_opts {
	char *const *path;
	unsigned int paths;
	struct fw_feed_opts feed; /* start_ns is set by fw_replay_run() */
	struct fw_replay_policy policy[FW_REPLAY_POLICIES];
	unsigned int policies; /* 1 or 2 */
	struct fw_sizes sizes;
	/* Each packet as the first policy judged it; non-zero ends the replay with that. Or NULL.
	 */
	int (*each)(void *arg, const struct fw_feed_packet *packet, const struct fw_judged *judged,
		    const struct fw_policy_text *text);
	void *arg;
};

/* fw_top.count[] of sources treated differently */
enum fw_replay_differs { FW_DIFFERS_FIRST, FW_DIFFERS_SECOND }; /* who lets less of it pass */

struct fw_replay {
	struct fw_replay_tally *tally[FW_REPLAY_POLICIES]; /* owned */
	struct fw_policy_text *text[FW_REPLAY_POLICIES];   /* owned; names */
	struct fw_feed_told told;
	struct fw_capture_told files;
	bool small;   /* tables are an eighth of those of an attach, for want of memory */
	bool cookies; /* SYN cookies were given as under tcp_syncookies=2 */
	unsigned int unheard_ports; /* listeners that could not be opened */
	__be32 unheard_be[4]; /* where the first SYN went that nobody is known to listen for */
	__u16 unheard_port;   /* 0 = there was none */
	__u64 run_ns;	      /* of wall time, from the first frame to the last */
	/* With two policies: packets by the verdicts of both, and who was treated differently. */
	struct fw_count both[FW_V_MAX][FW_V_MAX];
	struct fw_tops *differ; /* owned; NULL with one policy */
};

/*
 * Run it. *ret is zeroed by the caller and freed by fw_replay_free in any case. Errors: as
 * fw_feed_open, fw_judge_open and fw_alone_begin.
 */
int fw_replay_run(const struct fw_replay_opts *opts, struct fw_replay *ret, struct fw_err *err);
void fw_replay_free(struct fw_replay *replay);

#endif
