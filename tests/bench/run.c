// SPDX-License-Identifier: GPL-2.0-only
/*
 * The measuring loop: pinned threads, interleaved rounds, medians. Times are the kernel's own:
 * whole nanoseconds a packet, without the time in which the thread was preempted. The wall clock
 * would give fractions, but a test-run of XDP begins and ends with an RCU grace period of
 * milliseconds.
 */
#include "tests/bench/run.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/bench_abi.h"
#include "tests/bench/bench.skel.h"

struct worker {
	struct run *run;
	pthread_t thread;
	int cpu; /* index of the worker, and of its bench_state */
	int real_cpu;
	double ns;
	int rc;
};

struct run {
	struct run_opts opts;
	struct bench_bpf *skel;
	struct bench_state *state; /* mapped bench_cpu, by real CPU */
	int cpus;
	struct worker worker[RUN_CPUS_MAX];
	pthread_barrier_t go, done;
	/* the job of the moment, read by workers between the barriers */
	const struct frame *frame;
	__u32 repeat;
	bool live;
	int active; /* workers that take part; -1 = end */
	int started;
};

static double clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int stepper_fd(const struct run *run, enum frame_stepper stepper)
{
	const struct bpf_program *prog[FRAME_STEPPERS] = {
		run->skel->progs.step4_short,
		run->skel->progs.step4_long,
		run->skel->progs.step6_short,
		run->skel->progs.step6_long,
	};

	return bpf_program__fd(prog[stepper]);
}

/* One timed run of the current job on the calling thread's CPU. */
static int test_run(const struct run *run, double *ret_ns)
{
	const struct frame *frame = run->frame;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->len,
		    .repeat = (int)run->repeat);
	int rc = bpf_prog_test_run_opts(stepper_fd(run, frame->stepper), &opts);

	if (rc)
		return rc < 0 ? -errno : -EIO;
	if (opts.retval == XDP_ABORTED)
		return -EBADMSG;
	*ret_ns = opts.duration;
	return 0;
}

/* Live frames on the calling thread; veth's NAPI runs on the same CPU, inside this call. */
static int live_run(const struct run *run, double *ret_ns)
{
	const struct bpf_program *prog[FRAME_STEPPERS] = {
		run->skel->progs.live4_short,
		run->skel->progs.live4_long,
		run->skel->progs.live6_short,
		run->skel->progs.live6_long,
	};
	const struct frame *frame = run->frame;
	struct xdp_md ctx = { .data_end = frame->len };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)run->repeat,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	double from = clock_ns();

	if (bpf_prog_test_run_opts(bpf_program__fd(prog[frame->stepper]), &opts))
		return -errno;
	*ret_ns = (clock_ns() - from) / run->repeat;
	return 0;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct run *run = worker->run;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(worker->real_cpu, &set);
	worker->rc = sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
	for (;;) {
		pthread_barrier_wait(&run->go);
		if (run->active < 0)
			return NULL;
		if (worker->cpu < run->active)
			worker->rc =
				run->live ? live_run(run, &worker->ns) : test_run(run, &worker->ns);
		pthread_barrier_wait(&run->done);
	}
}

/* The same job on the first cpus workers at once; *ret_ns is their mean. */
static int job(struct run *run, const struct frame *frame, __u32 repeat, int cpus, double *ret_ns)
{
	double sum = 0;

	run->frame = frame;
	run->repeat = repeat;
	run->active = cpus;
	pthread_barrier_wait(&run->go);
	pthread_barrier_wait(&run->done);
	for (int i = 0; i < cpus; i++) {
		if (run->worker[i].rc)
			return run->worker[i].rc;
		sum += run->worker[i].ns;
	}
	*ret_ns = sum / cpus;
	return 0;
}

/*
 * Point every stepper at the stream. apart: its sources are divided among the CPUs; else all CPUs
 * go through all of them, each from another place on.
 */
static void set_stream(struct run *run, const struct frame *frame, __u64 sources, __u64 first,
		       int cpus, bool apart)
{
	__u64 part = sources / (__u64)cpus;

	for (int i = 0; i < cpus; i++) {
		struct bench_state *st = &run->state[run->worker[i].real_cpu];
		__u64 wrap = apart && part ? part : sources;
		__u64 at = first + (apart ? 0 : part * (__u64)i);

		st->base = apart ? (__u32)(part * (__u64)i) : 0;
		st->next = wrap ? at % wrap : at;
		st->wrap = wrap;
		st->len = frame->len;
		st->ip4_sum = frame->ip4_sum;
		memcpy(st->head, frame->data, BENCH_HEAD);
	}
}

static int set_prog(struct run *run, int prog_fd)
{
	__u32 zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(run->skel->maps.bench_prog), &zero, &prog_fd, BPF_ANY))
		return -errno;
	return 0;
}

static int fail(struct fw_err *err, int rc, const char *path, const char *system)
{
	return fw_err_set(err, rc, NULL, "measuring \"%s\" of %s failed: %s", path, system,
			  rc == -EBADMSG ? "the stepper aborted (tail call or frame refused)"
					 : strerror(-rc));
}

int run_send(struct run *run, const struct frame *frame, int prog_fd, __u64 sources, __u64 first,
	     __u64 packets, struct fw_err *err)
{
	int rc = set_prog(run, prog_fd);
	double ns;

	set_stream(run, frame, sources, first, 1, false);
	while (!rc && packets) {
		__u32 part = packets > 1000000 ? 1000000 : (__u32)packets;

		rc = job(run, frame, part, 1, &ns);
		packets -= part;
	}
	return rc ? fail(err, rc, "preparation", frame->bare) : 0;
}

/* Each round goes on in the stream where the last one ended, so that 16 M sources are all seen. */
static int measure(struct run *run, const struct run_cell *cell, int prog_fd, int round,
		   double *ret_ns)
{
	__u32 repeat = cell->repeat ? cell->repeat : run->opts.repeat;
	__u64 first = (__u64)round * repeat;
	int rc = set_prog(run, prog_fd);

	if (rc)
		return rc;
	set_stream(run, cell->frame, cell->sources, first, cell->cpus, cell->apart);
	return job(run, cell->frame, repeat, cell->cpus, ret_ns);
}

/* Whether the two cells can share a bare drop in a round: the same stream of packets. */
static bool same_stream(const struct run_cell *a, const struct run_cell *b)
{
	return a->frame == b->frame && a->sources == b->sources && a->cpus == b->cpus &&
	       a->apart == b->apart;
}

static int measure_cell(struct run *run, struct run_cell *cell, size_t at, int round)
{
	struct run_cell *me = &cell[at];
	int rc = 0;
	size_t i;

	for (i = 0; i < at && !same_stream(&cell[i], me); i++)
		;
	if (i < at)
		me->bare[round] = cell[i].bare[round];
	else
		rc = measure(run, me, bpf_program__fd(run->skel->progs.bare_drop), round,
			     &me->bare[round]);
	if (!rc && me->before)
		rc = me->before(me->arg);
	if (!rc)
		rc = measure(run, me, me->prog_fd, round, &me->ns[round]);
	me->rounds = round + 1;
	return rc;
}

int run_group(struct run *run, struct run_cell *cell, size_t cells, const char *what,
	      struct fw_err *err)
{
	int rc = 0;

	for (int round = 0; !rc && round < run->opts.rounds; round++) {
		for (size_t i = 0; !rc && i < cells; i++) {
			if (run->opts.progress)
				fprintf(stderr, "\r\033[K%s: round %d of %d, %zu of %zu: %s", what,
					round + 1, run->opts.rounds, i + 1, cells, cell[i].path);
			rc = measure_cell(run, cell, i, round);
			if (rc)
				fail(err, rc, cell[i].path, cell[i].system);
		}
	}
	if (run->opts.progress)
		fprintf(stderr, "\r\033[K");
	return rc;
}

int run_live(struct run *run, const struct frame *frame, __u64 sources, __u32 ifindex,
	     __u32 packets, double *ret_ns, struct fw_err *err)
{
	struct bench_state *st = &run->state[run->worker[0].real_cpu];
	int rc;

	set_stream(run, frame, sources, sources ? st->next % sources : st->next, 1, false);
	st->ifindex = ifindex;
	run->live = true;
	rc = job(run, frame, packets, 1, ret_ns);
	run->live = false;
	return rc ? fw_err_set(err, rc, NULL, "live frames were refused: %s", strerror(-rc)) : 0;
}

static int start_workers(struct run *run)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (int cpu = 0; cpu < BENCH_CPUS && run->cpus < RUN_CPUS_MAX; cpu++) {
		if (CPU_ISSET(cpu, &set)) {
			run->worker[run->cpus].real_cpu = cpu;
			run->worker[run->cpus].cpu = run->cpus;
			run->worker[run->cpus++].run = run;
		}
	}
	pthread_barrier_init(&run->go, NULL, (unsigned int)run->cpus + 1);
	pthread_barrier_init(&run->done, NULL, (unsigned int)run->cpus + 1);
	for (; run->started < run->cpus; run->started++) {
		struct worker *worker = &run->worker[run->started];
		int rc = pthread_create(&worker->thread, NULL, work, worker);

		if (rc)
			return -rc;
	}
	return 0;
}

int run_open(const struct run_opts *opts, struct run **ret, struct fw_err *err)
{
	struct run *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return fw_err_set(err, -ENOMEM, NULL, "no memory");
	run->opts = *opts;
	run->skel = bench_bpf__open_and_load();
	if (!run->skel) {
		rc = fw_err_set(err, -errno, "The bench needs root and a kernel with BPF.",
				"the stepper could not be loaded: %s", strerror(errno));
		goto out;
	}
	run->state = mmap(NULL, sizeof(struct bench_state) * BENCH_CPUS, PROT_READ | PROT_WRITE,
			  MAP_SHARED, bpf_map__fd(run->skel->maps.bench_cpu), 0);
	if (run->state == MAP_FAILED) {
		run->state = NULL;
		rc = fw_err_set(err, -errno, NULL, "mapping the stepper: %s", strerror(errno));
		goto out;
	}
	rc = start_workers(run);
	if (rc)
		fw_err_set(err, rc, NULL, "starting threads: %s", strerror(-rc));
out:
	if (rc)
		run_close(run);
	else
		*ret = run;
	return rc;
}

void run_close(struct run *run)
{
	if (!run)
		return;
	/* Half-started workers wait at a barrier that can never open; the process ends soon. */
	if (run->started && run->started == run->cpus) {
		run->active = -1;
		pthread_barrier_wait(&run->go);
		for (int i = 0; i < run->started; i++)
			pthread_join(run->worker[i].thread, NULL);
	}
	if (run->state)
		munmap(run->state, sizeof(struct bench_state) * BENCH_CPUS);
	bench_bpf__destroy(run->skel);
	free(run);
}

int run_cpus(const struct run *run)
{
	return run->cpus;
}

__u32 run_repeat(const struct run *run)
{
	return run->opts.repeat;
}

const struct run_opts *run_options(const struct run *run)
{
	return &run->opts;
}

int run_live_drop_fd(const struct run *run)
{
	return bpf_program__fd(run->skel->progs.live_drop);
}

int run_live_pass_fd(const struct run *run)
{
	return bpf_program__fd(run->skel->progs.live_pass);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double run_median(const double *value, int n)
{
	double sorted[RUN_ROUNDS_MAX];

	if (!n)
		return 0;
	memcpy(sorted, value, (size_t)n * sizeof(*value));
	qsort(sorted, (size_t)n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double run_min(const double *value, int n)
{
	double least = n ? value[0] : 0;

	for (int i = 1; i < n; i++)
		least = value[i] < least ? value[i] : least;
	return least;
}

double run_max(const double *value, int n)
{
	double most = n ? value[0] : 0;

	for (int i = 1; i < n; i++)
		most = value[i] > most ? value[i] : most;
	return most;
}
