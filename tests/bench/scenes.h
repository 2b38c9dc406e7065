/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of DESIGN section 4, the curves around them, and the price of each stage. */
#ifndef FW_BENCH_SCENES_H
#define FW_BENCH_SCENES_H

#include "tests/bench/out.h"

/* Every budgeted path beside the peers, on one CPU; then on all numbers of CPUs. */
int scenes_budgets(struct run *run, struct out *out, struct fw_err *err);
/* The same paths, or those with name in theirs, on one CPU: for builds that are measured in turn.
 */
int scenes_paths(struct run *run, struct out *out, const char *name, struct fw_err *err);
/* How the cost moves with sources, table size, prefixes and services. */
int scenes_curves(struct run *run, struct out *out, bool quick, struct fw_err *err);
/* Each stage's price: what is saved when its bit in knob_stages is cleared. */
int scenes_stages(struct run *run, struct out *out, struct fw_err *err);

#endif
