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
/* Where CPUs are taken away all the time, threads meet a hundred times a second, not 50,000. */
#define ENOUGH (5 * SECOND)

struct hammer {
	struct prog *prog;
	const struct spec *spec;
	int cpu, threads, rounds, each;
	__u64 enough_ns; /* no round begins after that; 0: all rounds */
	bool spread;	 /* every round another source */
	int apart;	 /* ... and each thread that many rounds ahead of the next, in a circle */
	__u64 step_ns;	 /* virtual time from round to round */
	__u64 until_ns;
	atomic_int *gate, *end;	    /* end: the first round that does not take place */
	__u64 sent, from_ns, to_ns; /* when the last thread began; when the last packet was sent */
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
		if (h->spread)
			spec.nth = h->spec->nth + (__u32)(round + h->apart * h->cpu) % h->rounds;
		packet_build(&spec, &packet);
		if (!h->cpu && h->enough_ns && monotonic() > h->enough_ns)
			atomic_store(h->end, round);
		meet(h, 2 * round);
		if (round >= atomic_load(h->end))
			break;
		if (!h->cpu && round && h->step_ns)
			prog_step(h->prog, (__s64)h->step_ns);
		meet(h, 2 * round + 1);
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
	for (__u64 now = h->from_ns; now < h->until_ns; now = monotonic()) {
		h->to_ns = now;
		h->sent += prog_raw(h->prog, packet.data, packet.len, 1) >= 0;
	}
	return NULL;
}

/*
 * Runs on all CPUs; what was sent is added to prog->sent, and like->rounds becomes what took place.
 * Returns threads, 1: there is one CPU.
 */
static int run(struct hammer *like, void *(*body)(void *))
{
	struct hammer h[THREADS_MAX];
	static atomic_int gate, end;
	int cpu[THREADS_MAX], n = cpus(cpu);

	like->threads = n;
	atomic_store(&gate, 0);
	atomic_store(&end, like->rounds);
	like->gate = &gate;
	like->end = &end;
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
		if (like->to_ns < h[i].to_ns)
			like->to_ns = h[i].to_ns;
	}
	like->rounds = atomic_load(&end);
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
				    .enough_ns = monotonic() + ENOUGH,
				    .each = 12,
				    .spread = true };
		bool bytes = kinds[i].kind == FW_K_BYTES;

		only_limit(*state, &kinds[i], 1, bytes ? 1 : 3600, bytes ? 20 : BURST);
		run(&h, run_rounds);
		got = admitted(*state);
		due = (__u64)h.rounds * (bytes ? 20ULL : BURST);
		if (got > due || got < due * 98 / 100)
			fail_msg("%s: %llu admitted, %llu due", kinds[i].name, got, due);
		prog_finish(*state);
	}
}

/* Known sources that come back after a silence, on all CPUs at once: a burst each time. */
static void test_returning_source(void **state)
{
	enum { ROUNDS = 3000, BURST = 10 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		bool bytes = kinds[i].kind == FW_K_BYTES;
		__u64 got, due;
		struct hammer h = { .prog = *state,
				    .spec = &kinds[i].spec,
				    .rounds = ROUNDS,
				    .enough_ns = monotonic() + ENOUGH,
				    .each = 12,
				    .step_ns = 30 * SECOND };

		only_limit(*state, &kinds[i], bytes ? 20 : BURST, 1, bytes ? 20 : BURST);
		run(&h, run_rounds);
		got = admitted(*state);
		due = (__u64)h.rounds * (bytes ? 20ULL : BURST);
		if (got > due || got < due * 98 / 100)
			fail_msg("%s: %llu admitted, %llu due", kinds[i].name, got, due);
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
		__u64 burst = kinds[i].kind == FW_K_BYTES ? 10000 : 20000, got;

		only_limit(*state, &kinds[i], 1, 1, burst);
		run(&h, run_rounds);
		got = admitted(*state);
		if (got > burst || got < burst * 98 / 100)
			fail_msg("%s: %llu admitted, %llu due", kinds[i].name, got, burst);
		prog_finish(*state);
	}
}

/*
 * Different sources fight for the places of few sets, CPUs meeting at the same source now and then:
 * never two in one place, nor one in two.
 */
static void test_fight_for_places(void **state)
{
	enum { SOURCES = 512, BURST = 2 };
	static const struct prog_opts small = { .clock = PROG_CLOCK_VIRTUAL,
						.sizes = { .sources4 = 1024 } };
	struct prog *prog = prog_open(&small);
	__u64 got, enough = monotonic() + ENOUGH;
	int threads;

	(void)state;
	for (int apart = 0; apart < 40 && (!apart || monotonic() < enough); apart++) {
		struct hammer h = { .prog = prog,
				    .spec = &(struct spec){ .src = CROWD, .proto = ESP },
				    .rounds = SOURCES,
				    .each = BURST + 1,
				    .apart = apart,
				    .spread = true };

		only_limit(prog, &kinds[0], 1, 3600, BURST);
		threads = run(&h, run_rounds);
		got = admitted(prog);
		assert_int_equal(prog_note(prog, FW_N_SET_FULL), 0);
		if (got > SOURCES * BURST || got < SOURCES * BURST * 98 / 100)
			fail_msg("%llu admitted of %d sources", got, SOURCES);
		assert_int_equal(h.sent, (__u64)SOURCES * (BURST + 1) * (__u64)threads);
		prog_finish(prog);
	}
	prog_close(prog);
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
			least = (double)burst +
				(double)rates[r] *
					((double)h.to_ns - (double)h.from_ns - 2 * (double)tick) /
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
		PROG_TEST(test_returning_source),
		PROG_TEST(test_one_source),
		PROG_TEST(test_fight_for_places),
	};
	const struct CMUnitTest real[] = { PROG_TEST(test_real_clock) };
	int failed;

	failed = cmocka_run_group_tests(virtual, setup_virtual, prog_group_teardown);
	return failed + cmocka_run_group_tests(real, prog_group_setup_real, prog_group_teardown);
}
