/* SPDX-License-Identifier: GPL-2.0-only */
/* The few words that decide what runs, and the order they are written in. Private to apply*.c. */
#ifndef FW_CORE_APPLY_LIVE_H
#define FW_CORE_APPLY_LIVE_H

#include "user/core/apply.h"

/*
 * Before a half that is not live is written: what a passed deadline has decided becomes the plain
 * state, and the generation that was to go back to is forgotten, for it is about to be overwritten.
 */
void fw_live_settle(struct fw_maps *maps);

/* The word that undo goes back to. Under the lock. -ENOENT: there is none. */
int fw_live_back(const struct fw_maps *maps, __u64 *ret_word, struct fw_err *err);

/* The live word of the next generation: bits of the halves, and a number never used before. */
__u64 fw_live_next(const struct fw_maps *maps, __u64 bits);

/*
 * From `running` to `next`, in one store. What ran is remembered for undo. deadline_ns: program
 * time at which it runs again unless confirmed, 0 = never.
 */
void fw_live_flip(struct fw_maps *maps, __u64 running, __u64 next, __u64 deadline_ns);

#endif
