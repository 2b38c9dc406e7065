/* SPDX-License-Identifier: GPL-2.0-only */
/* Layouts of the source table against each other; see layouts.bpf.c. */
#ifndef FW_BENCH_LAYOUTS_H
#define FW_BENCH_LAYOUTS_H

#include "tests/bench/out.h"

/* Measures all layouts in all sizes and adds them to out. quick: the two small sizes only. */
int layouts_bench(struct run *run, struct out *out, bool quick, struct fw_err *err);

#endif
