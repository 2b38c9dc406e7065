/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program as a judge: the shipped object, loaded once more with maps of its own and a clock
 * that the caller turns, attached to nothing. It is handed frames and says what it would do. What
 * it remembers begins empty; nothing of what runs on this machine is read or touched.
 *
 * One thread, one judge or several. Frames are judged in the calling thread's network namespace:
 * see alone.h for one without this host's sockets.
 */
#ifndef FW_CORE_JUDGE_H
#define FW_CORE_JUDGE_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "user/kern/run.h"
#include "user/policy/model.h"
#include "user/policy/prefixes.h"

/* Program time at which a judge begins: beyond every window, so that nothing seems just past. */
#define FW_JUDGE_START_NS (100000ULL * 1000000000)

struct fw_judge_opts {
	const struct fw_model *model;	 /* NULL: the default policy */
	const struct fw_prefixes *lanes; /* in program time from FW_JUDGE_START_NS; NULL: none */
	struct fw_sizes sizes;		 /* of the source tables; 0 = those of an attach */
	const __u64 *keys;		 /* hash keys; NULL: always the same */
	__u64 start_ns;			 /* program time; 0 = FW_JUDGE_START_NS */
};

struct fw_judge {
	struct fw_object *obj;
	struct fw_maps maps;
	struct fw_run_view facts, fp, src, more; /* private */
};

/* What the program made of a frame. */
struct fw_judged {
	enum fw_verdict verdict;
	enum fw_reason reason;
	__u8 service, class;
	bool soft;   /* past its soft limit */
	bool known;  /* its source had, or was given, a place in the table */
	bool proven; /* its source counts as proven */
	bool trusted;
};

/*
 * Loads the program. -EPERM (4) when that is not permitted, with what to do as hint. A monitor
 * flag of the model is taken away: a judge says what it would do.
 */
int fw_judge_open(const struct fw_judge_opts *opts, struct fw_judge *ret, struct fw_err *err);
void fw_judge_close(struct fw_judge *judge); /* zeroed is fine */

/*
 * Judge one frame at now_ns, which must not run backward; it is rounded down to the clock's step,
 * as it is on an interface. -E2BIG: longer than test-run takes on this kernel. No text: hot path.
 */
int fw_judge_frame(struct fw_judge *judge, __u64 now_ns, const void *data, __u32 len,
		   struct fw_judged *ret);

/*
 * Give a source the state that a completed handshake gives it: a place in the table and proof from
 * now on. addr_be in 128-bit form. False: no place in its set could be had, as it may happen to the
 * program. Proven already: nothing changes.
 */
bool fw_judge_prove(struct fw_judge *judge, __u64 now_ns, const __be32 addr_be[4]);

/*
 * The sets in which other state keeps, or would keep, a source (its /48 too, of which whose says
 * the bucket): whether it is known
 * and has proven itself, how full its buckets are, and whether there is room, are then as there.
 * The judge must have the other state's hash keys.
 */
void fw_judge_copy_source(struct fw_judge *judge, const struct fw_maps *from,
			  const __be32 addr_be[4], enum fw_net48 whose);

/* The policy that it judges by. */
const struct fw_policy *fw_judge_policy(const struct fw_judge *judge);
const struct fw_policy_text *fw_judge_text(const struct fw_judge *judge);

/* The level of a service at now_ns, enum fw_level. */
__u32 fw_judge_level(const struct fw_judge *judge, unsigned int service, __u64 now_ns);

#endif
