/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Live frames over a veth pair in the bench's own network namespace: the only way to put netfilter
 * beside XDP. One CPU generates, receives and filters, so that wall time a frame is the whole path.
 */
#ifndef FW_BENCH_LIVE_H
#define FW_BENCH_LIVE_H

#include "tests/bench/out.h"

/* The caller is in a network namespace of its own. */
int live_bench(struct run *run, struct out *out, struct fw_err *err);

#endif
