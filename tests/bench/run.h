/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Measuring: a cell is one program under one stream of packets on some CPUs. The cells of a group
 * run in turn, round after round, each with a bare XDP_DROP under the same stream in the same
 * round, so that a noisy neighbour hits both.
 */
#ifndef FW_BENCH_RUN_H
#define FW_BENCH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "tests/bench/frame.h"

#define RUN_ROUNDS_MAX 31
#define RUN_CPUS_MAX   64

struct run;

struct run_cell {
	const char *path;   /* what is measured; the row's name */
	const char *system; /* who is measured */
	const struct frame *frame;
	__u64 sources; /* distinct sources the packets come from */
	int cpus;      /* at once */
	int prog_fd;
	bool apart;		  /* each CPU has sources of its own, as RSS sees to */
	__u32 repeat;		  /* packets a round on each CPU; 0 = the run's own number */
	double budget_ns;	  /* over the bare drop; 0 = none */
	int (*before)(void *arg); /* before each round, untimed; NULL = nothing */
	void *arg;
	const char *note; /* printed with the row; NULL = nothing */

	double ns[RUN_ROUNDS_MAX]; /* a packet, mean over the CPUs, by round */
	double bare[RUN_ROUNDS_MAX];
	int rounds;
};

struct run_opts {
	int rounds;
	__u32 repeat;
	bool progress; /* a line on stderr, for a terminal */
};

/* Loads the stepper and starts a pinned thread for every CPU. */
int run_open(const struct run_opts *opts, struct run **ret, struct fw_err *err);
void run_close(struct run *run);

int run_cpus(const struct run *run);
__u32 run_repeat(const struct run *run);
const struct run_opts *run_options(const struct run *run);

/*
 * Send packets through a program on one CPU, not measured: steps first .. first + packets - 1,
 * modulo sources unless that is 0. Fills tables, provokes counters.
 */
int run_send(struct run *run, const struct frame *frame, int prog_fd, __u64 sources, __u64 first,
	     __u64 packets, struct fw_err *err);

/* Measures all cells, interleaved. what: for the progress line. */
int run_group(struct run *run, struct run_cell *cell, size_t cells, const char *what,
	      struct fw_err *err);

/*
 * Live frames: packets of them, sources stepped, sent out of the interface ifindex of this network
 * namespace by the first CPU, which also receives them when the other end is a veth of this host.
 * Wall ns a frame, all of the path included.
 */
int run_live(struct run *run, const struct frame *frame, __u64 sources, __u32 ifindex,
	     __u32 packets, double *ret_ns, struct fw_err *err);
/* Programs of the live end: a bare drop and a pass, without the frags flag. */
int run_live_drop_fd(const struct run *run);
int run_live_pass_fd(const struct run *run);

double run_median(const double *value, int n);
double run_min(const double *value, int n);
double run_max(const double *value, int n);

#endif
