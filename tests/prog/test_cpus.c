// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several CPUs on one source: together they admit what one would, its rate and its burst, whether
 * the source is known, new to all of them at the same instant, or one of many that fight for a
 * place. With the real clock, and with a virtual one that stands still, which leaves no slack.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/prog.h"

#define THREADS_MAX 8

struct hammer {
	struct prog *prog;
	const struct spec *spec;
	int cpu, threads, rounds, each;
	bool spread; /* every round another source */
	__u64 until_ns;
	atomic_int *gate;
	__u64 sent, from_ns; /* from_ns: when the last thread began */
	pthread_t thread;
};

static __u64 monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * SECOND + (__u64)t.tv_nsec;
}

static int cpus(int ret[THREADS_MAX])
{
	cpu_set_t set;
	int n = 0;

	CPU_ZERO(&set);
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN) && n < THREADS_MAX; i++) {
		CPU_SET(i, &set);
		ret[n++] = i;
	}
	return n;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* All threads leave a round's gate together: they spin until the last one has come. */
static void meet(struct hammer *h, int round)
{
	atomic_fetch_add(h->gate, 1);
	while (atomic_load(h->gate) < (round + 1) * h->threads)
		if (monotonic() & 64) /* now and then let somebody else run on this CPU */
			sched_yield();
}

static void *run_rounds(void *arg)
{
	struct hammer *h = arg;
	struct spec spec = *h->spec;
	struct packet packet;

	pin(h->cpu);
	for (int round = 0; round < h->rounds; round++) {
		spec.nth = h->spec->nth + (h->spread ? (__u32)round : 0);
		packet_build(&spec, &packet);
		meet(h, round);
		for (int i = 0; i < h->each; i++)
			h->sent += prog_raw(h->prog, packet.data, packet.len, 1) >= 0;
	}
	return NULL;
}

static void *run_time(void *arg)
{
	struct hammer *h = arg;
	struct packet packet;

	pin(h->cpu);
	packet_build(h->spec, &packet);
	meet(h, 0);
	h->from_ns = monotonic();
	while (monotonic() < h->until_ns)
		h->sent += prog_raw(h->prog, packet.data, packet.len, 1) >= 0;
	return NULL;
}

/* Runs on all CPUs; what was sent is added to prog->sent. Returns threads, 1: there is one CPU. */
static int run(struct hammer *like, void *(*body)(void *))
{
	struct hammer h[THREADS_MAX];
	static atomic_int gate;
	int cpu[THREADS_MAX], n = cpus(cpu);

	like->threads = n;
	atomic_store(&gate, 0);
	like->gate = &gate;
	for (int i = 0; i < n; i++) {
		h[i] = *like;
		h[i].cpu = cpu[i];
		assert_int_equal(pthread_create(&h[i].thread, NULL, body, &h[i]), 0);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(h[i].thread, NULL);
		like->prog->sent += h[i].sent;
		like->sent += h[i].sent;
		if (like->from_ns < h[i].from_ns)
			like->from_ns = h[i].from_ns;
	}
	return n;
}

static __u64 admitted(struct prog *prog)
{
	__u64 reason[FW_R_MAX], sum = 0;

	prog_reasons(prog, reason);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		sum += prog_action(i) == 1 ? 0 : reason[i]; /* XDP_DROP */
	return sum;
}

static const struct kind {
	const char *name;
	__u32 kind;
	struct spec spec;
	__u32 size;
} kinds[] = {
	{ "packets", FW_K_PACKETS, { .src = VOTER, .proto = ESP, .payload = 40 }, 1 },
	{ "bytes", FW_K_BYTES, { .src = VOTER, .proto = ESP, .payload = 966 }, 1000 },
	{ "SYN", FW_K_SYN, { .src = VOTER, .proto = TCP, .flags = SYN }, 1 },
	{ "UDP", FW_K_UDP, { .src = VOTER, .proto = UDP }, 1 },
};

static void only_limit(struct prog *prog, const struct kind *k, __u64 count, __u32 per_s,
		       __u64 burst)
{
	prog_reset(prog);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, k->kind, count * k->size, per_s, burst * k->size);
}

/* Time stands still: exactly the burst, for a source that is new to all CPUs at once. */
static void test_new_sources(void **state)
{
	enum { ROUNDS = 3000, BURST = 10 };
	__u64 got, due;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct hammer h = { .prog = *state,
				    .spec = &kinds[i].spec,
				    .rounds = ROUNDS,
				    .each = 12,
				    .spread = true };
		bool bytes = kinds[i].kind == FW_K_BYTES;

		only_limit(*state, &kinds[i], 1, bytes ? 1 : 3600, bytes ? 20 : BURST);
		run(&h, run_rounds);
		got = admitted(*state);
		due = ROUNDS * (bytes ? 20ULL : BURST);
		/*
		 * Stamps but the packets' start a moment after the place is won, see entry_reset():
		 * CPUs that meet there forget a packet of a new source, never more.
		 */
		if (got > due + (i ? ROUNDS : ROUNDS / 1000))
			fail_msg("%s: %llu admitted, %llu due", kinds[i].name, got, due);
		assert_true(got >= due * 98 / 100);
		prog_finish(*state);
	}
}

/* The same source again and again: no charge is lost, none is made twice. */
static void test_one_source(void **state)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct hammer h = {
			.prog = *state, .spec = &kinds[i].spec, .rounds = 1, .each = 20000
		};
		__u64 burst = kinds[i].kind == FW_K_BYTES ? 10000 : 20000, races;

		only_limit(*state, &kinds[i], 1, 1, burst);
		run(&h, run_rounds);
		races = prog_note(*state, FW_N_RACE);
		/* Entered by CPUs that met, as above: a packet of each but one may be forgotten. */
		if (admitted(*state) > burst + (i ? (__u64)sysconf(_SC_NPROCESSORS_ONLN) - 1 : 0))
			fail_msg("%s: %llu of %llu", kinds[i].name, admitted(*state), burst);
		assert_true(admitted(*state) + races >= burst * 98 / 100);
		prog_finish(*state);
	}
}

/* Newcomers' budget and set are fought for by different sources: never two in one place. */
static void test_fight_for_places(void **state)
{
	struct hammer h = { .prog = *state,
			    .spec = &(struct spec){ .src = CROWD, .proto = ESP },
			    .rounds = 4000,
			    .each = 3,
			    .spread = true };
	int threads;

	only_limit(*state, &kinds[0], 1, 3600, 2);
	threads = run(&h, run_rounds);
	/* Two packets each. A packet more for a source that met another of its fingerprint there.
	 */
	assert_in_range(admitted(*state), 2 * 4000 * 98 / 100, 2 * 4000 + 8);
	assert_int_equal(h.prog->sent, 4000ULL * 3 * (__u64)threads);
}

static int setup_virtual(void **state)
{
	static const struct prog_opts opts = { .clock = PROG_CLOCK_VIRTUAL,
					       .sizes = { .sources4 = 65536 } };

	*state = prog_open(&opts);
	return 0;
}

/* The real clock, half a second: rate x time + burst, and at least 98 % of the rate. */
static void test_real_clock(void **state)
{
	static const __u64 rates[] = { 1000, 100000 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		for (size_t r = 0; r < 2; r++) {
			struct hammer h = { .prog = *state, .spec = &kinds[i].spec };
			__u64 burst = rates[r], start, end, got, tick;
			double most, least;

			only_limit(*state, &kinds[i], rates[r], 1, burst);
			tick = h.prog->obj->meta.tick_ns;
			start = monotonic();
			h.until_ns = start + SECOND / 2;
			run(&h, run_time);
			end = monotonic();
			got = admitted(*state);
			most = (double)rates[r] * (double)(end - start + 2 * tick) / SECOND +
			       (double)burst;
			if ((double)got > most)
				fail_msg("%s: %llu admitted, %.0f allowed", kinds[i].name, got,
					 most);
			/* The burst outlasts every pause of the threads; more was asked for than
			 * due. */
			least = (double)burst + (double)rates[r] *
							((double)h.until_ns - (double)h.from_ns -
							 2 * (double)tick) /
							SECOND;
			if (h.sent > 2 * most && (double)got < 0.98 * least)
				fail_msg("%s: only %llu of %.0f", kinds[i].name, got, least);
			prog_finish(*state);
		}
	}
}

int main(void)
{
	const struct CMUnitTest virtual[] = {
		PROG_TEST(test_new_sources),
		PROG_TEST(test_one_source),
		PROG_TEST(test_fight_for_places),
	};
	const struct CMUnitTest real[] = { PROG_TEST(test_real_clock) };
	int failed;

	failed = cmocka_run_group_tests(virtual, setup_virtual, prog_group_teardown);
	return failed + cmocka_run_group_tests(real, prog_group_setup_real, prog_group_teardown);
}
