/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changing what runs. The running generation is read into a model and a vector of prefixes, the
 * caller edits them, commit compiles them into the half of the maps that is not live, reads that
 * back, and flips one 64-bit word. Killed at any point, the old generation stays whole.
 *
 *	fw_apply_begin(maps, parts, &apply, err);   under the lock; apply.model is what runs
 *	...edit apply.model and/or apply.prefixes, and say so in apply.changed...
 *	fw_apply_commit(&apply, err);               it runs, from the next packet on
 *	fw_apply_end(&apply);                       always
 *
 * Readers take no lock: fw_apply_read_*() copies, checks that the generation has not moved
 * meanwhile, and tries again if it has.
 */
#ifndef FW_CORE_APPLY_H
#define FW_CORE_APPLY_H

#include <stdbool.h>
#include <linux/types.h>

#include "user/base/err.h"
#include "user/kern/maps.h"
#include "user/policy/lanes.h"
#include "user/policy/model.h"

enum fw_apply_part {
	FW_APPLY_POLICY = 1 << 0,
	FW_APPLY_LANES = 1 << 1,
};

struct fw_apply {
	struct fw_maps *maps;	     /* borrowed; opened for writing */
	struct fw_model *model;	     /* owned; edit freely */
	struct fw_prefixes prefixes; /* owned; edit freely; expired ones are already gone */
	unsigned int changed;	     /* set by the caller: which of the two to write */
	__u32 now_s;		     /* program time at begin, seconds */
	__u64 live;	 /* the word that was running at begin; after commit, the new one */
	__u32 confirm_s; /* set by the caller: it goes back by itself after that time; 0 = never */
	/* Set by the caller, may be NULL: all is written, apply->live is what is about to run. */
	void (*before_flip)(struct fw_apply *apply);
	void *arg;
};

/* Program time now, ns: the virtual clock's where one runs. */
__u64 fw_apply_now(const struct fw_maps *maps);

/* The word that decides, a passed deadline taken into account. */
__u64 fw_apply_live(const struct fw_maps *maps);

/*
 * Read what runs. The caller holds the writers' lock until after fw_apply_end(), and opened maps
 * for writing. `parts` (enum fw_apply_part): what to load; what is not loaded cannot be changed.
 * -EBUSY: a change waits for confirmation, another one would make going back impossible.
 */
int fw_apply_begin(struct fw_maps *maps, unsigned int parts, struct fw_apply *ret,
		   struct fw_err *err);

/*
 * Write what `changed` names and flip. On failure what ran keeps running. Returns only after every
 * CPU has left the old half (membarrier), so that the next writer may overwrite it.
 */
int fw_apply_commit(struct fw_apply *apply, struct fw_err *err);

/* Seconds, rounded up, in which an unconfirmed change goes back by itself; 0 = none waits. */
__u32 fw_apply_pending(const struct fw_maps *maps);

/*
 * Under the lock, maps opened for writing. confirm: the change that waits stays. -ENOENT: none
 * waits; -ETIME: it has gone back. undo: back to the generation before, whatever made it; what ran
 * until now is then the generation before, so a second undo takes the first back. -ENOENT: there is
 * none, because this is the first, or because a failed change has overwritten it. before_flip (may
 * be NULL) is told the generation about to be left and the one gone back to, if it is not refused.
 */
int fw_apply_confirm(struct fw_maps *maps, struct fw_err *err);
int fw_apply_undo(struct fw_maps *maps,
		  void (*before_flip)(struct fw_maps *maps, __u32 now, __u32 back), __u64 *ret_live,
		  struct fw_err *err);

/*
 * What undo would make run, as copies, before it does. The caller holds the lock from here to the
 * undo. *ret_model is freed with free(); ret_prefixes (zeroed before) with fw_prefixes_free(), what
 * has expired meanwhile is gone already. -ENOENT as undo.
 */
int fw_apply_read_back(const struct fw_maps *maps, struct fw_model **ret_model,
		       struct fw_prefixes *ret_prefixes, struct fw_err *err);

/* Accepts a zeroed or half-built one. */
void fw_apply_end(struct fw_apply *apply);

/*
 * Fresh maps: make `model` (NULL = the default one) with no prefixes generation 1. Lock held. No
 * program of ours may be attached yet.
 */
int fw_apply_init(struct fw_maps *maps, const struct fw_model *model, struct fw_err *err);

/*
 * Consistent copies without the lock. *ret_model is freed with free(); ret_prefixes (zeroed before)
 * with fw_prefixes_free(), expired ones are still in it.
 */
int fw_apply_read_model(const struct fw_maps *maps, struct fw_model **ret_model,
			struct fw_err *err);
int fw_apply_read_prefixes(const struct fw_maps *maps, struct fw_prefixes *ret_prefixes,
			   struct fw_err *err);

/* View of the compiled lanes of one half, for look-ups as the program does them. No copy. */
struct fw_lanes fw_apply_lanes(const struct fw_maps *maps, __u32 half, struct fw_lane_head *head);

#endif
