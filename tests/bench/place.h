/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the bench runs: a network namespace of its own, with the bench's addresses and listener. */
#ifndef FW_BENCH_PLACE_H
#define FW_BENCH_PLACE_H

#include "user/base/err.h"

/*
 * Moves the calling thread, and all that it starts later, into a new network namespace in which a
 * TCP listener waits on port FRAME_WEB of every address: the socket look-ups and SYN cookies of a
 * test-run happen in the caller's namespace. Nothing of the host's network is touched.
 */
int place_enter(struct fw_err *err);

#endif
