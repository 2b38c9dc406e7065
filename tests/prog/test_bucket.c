// SPDX-License-Identifier: GPL-2.0-only
/*
 * A source gets rate x time + burst: never more, never less than 98 % of it, in the real program,
 * for every kind of limit and any rate, whatever time and the admin do meanwhile. The clock is
 * virtual, so that "more" and "less" are exact.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/policy/compile.h"

#define MINUTE (60 * SECOND)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* A packet of each kind that is charged to no other third limit. */
static const struct spec of_kind[FW_K_MAX] = {
	[FW_K_PACKETS] = { .src = VOTER, .proto = ESP, .payload = 40 },
	[FW_K_BYTES] = { .src = VOTER, .proto = ESP, .payload = 966 },
	[FW_K_SYN] = { .src = VOTER, .proto = TCP, .flags = SYN },
	[FW_K_UDP] = { .src = VOTER, .proto = UDP, .payload = 20 },
	[FW_K_ICMP] = { .src = VOTER, .proto = ICMP, .type = 8 },
	[FW_K_FRAG] = { .src = VOTER, .proto = UDP, .frag = true, .frag_off = 800, .payload = 8 },
};

static const __u32 reason_of_kind[FW_K_MAX] = {
	[FW_K_PACKETS] = FW_R_DROP_SRC_PACKETS, [FW_K_BYTES] = FW_R_DROP_SRC_BYTES,
	[FW_K_SYN] = FW_R_DROP_SRC_SYN,		[FW_K_UDP] = FW_R_DROP_SRC_UDP,
	[FW_K_ICMP] = FW_R_DROP_SRC_ICMP,	[FW_K_FRAG] = FW_R_DROP_SRC_FRAG,
};

struct rate {
	__u64 count;
	__u32 per_s;
	__u64 burst; /* 0 = the compiler's */
};

/* Packets, SYN, UDP ... from 1 an hour to 10 million a second. */
static const struct rate rates[] = {
	{ 1, 3600, 1 },	  { 1, 3600, 20 },	 { 7, 60, 3 },
	{ 1, 1, 1 },	  { 50, 1, 100 },	 { 3000, 1, 3000 },
	{ 333333, 1, 0 }, { 1000000, 1, 10000 }, { 10000000, 1, 80000 },
};
/* Bytes: from a modem's to 10 Gbit/s. */
static const struct rate byte_rates[] = {
	{ 1000, 1, 20000 },
	{ 50000000, 1, 5000000 },
	{ 1000000, 60, 16384 },
	{ 1200000000, 1, 12000000 },
};

/* One limit under test; everything else unlimited. */
struct bench {
	struct prog *prog;
	struct spec spec;
	__u32 kind, size; /* size: what one packet is charged */
	double per_ns, burst;
	__u64 since; /* virtual time at which the bucket was full */
	double got, offered;
};

static void set_limit(struct bench *b, const struct rate *rate)
{
	struct fw_rate full = { rate->count, rate->burst, rate->per_s, 0 };

	prog_limit(b->prog, FW_CLASS_DEFAULT, b->kind, rate->count, rate->per_s, rate->burst);
	b->per_ns = (double)rate->count / rate->per_s / SECOND;
	b->burst =
		(double)fw_compile_burst(&full, b->kind == FW_K_BYTES, b->prog->obj->meta.tick_ns);
	b->since = prog_now(b->prog);
	b->got = 0;
}

static void begin(struct bench *b, struct prog *prog, __u32 kind, int family,
		  const struct rate *rate)
{
	static struct packet packet;

	*b = (struct bench){ .prog = prog, .kind = kind, .spec = of_kind[kind], .size = 1 };
	b->spec.family = family;
	if (kind == FW_K_ICMP && family == 6)
		b->spec.type = 128;
	packet_build(&b->spec, &packet);
	if (kind == FW_K_BYTES)
		b->size = packet.len;
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	set_limit(b, rate);
}

/* Offer n packets; admitted ones are charged to got, refused ones must have the kind's reason. */
static void offer(struct bench *b, __u32 n)
{
	__u64 reason[FW_R_MAX], admitted;

	prog_repeat(b->prog, &b->spec, n, reason);
	admitted = reason[FW_R_PASS_NEWCOMER] + reason[FW_R_PASS_SOURCE];
	assert_int_equal(admitted + reason[reason_of_kind[b->kind]], n);
	b->got += (double)admitted * b->size;
}

static double allowed(const struct bench *b)
{
	return b->burst + b->per_ns * (double)(prog_now(b->prog) - b->since);
}

static void check_not_more(const struct bench *b)
{
	if (b->got > allowed(b) + 1e-6)
		fail_msg("%s, v%d, %g/s burst %g: %.1f admitted after %.3f s, %.1f allowed",
			 fw_model_kind_name(b->kind), b->spec.family, b->per_ns * SECOND, b->burst,
			 b->got, (double)(prog_now(b->prog) - b->since) / SECOND, allowed(b));
}

/* lost: of the allowance, what a stated rule takes. A packet that did not fit is not less. */
static void check_not_less(const struct bench *b, double lost)
{
	if (b->got + b->size < 0.98 * (allowed(b) - lost))
		fail_msg("%s, v%d, %g/s burst %g: only %.1f admitted after %.3f s of %.1f",
			 fw_model_kind_name(b->kind), b->spec.family, b->per_ns * SECOND, b->burst,
			 b->got, (double)(prog_now(b->prog) - b->since) / SECOND,
			 allowed(b) - lost);
}

/* More packets than can be due after dt: what is there is taken, and one more is refused. */
static __u32 plenty(const struct bench *b, double dt)
{
	double n = b->per_ns * dt < b->burst ? b->burst - b->got + b->per_ns * dt : b->burst;

	n = (n < b->burst ? b->burst : n) / b->size;
	return (__u32)(1.02 * n) + 3;
}

/*
 * Steps of time that let nothing overflow, so that all of rate x time is due: nearly as long as the
 * bucket takes to fill, or small against the interval when it holds hardly more than one packet.
 */
static __u64 random_step(const struct bench *b, __u64 *seed)
{
	double room = b->burst - 2 * b->size, tick = b->prog->obj->meta.tick_ns;
	double most = (room > b->size ? 0.9 * room : 0.02 * b->size) / b->per_ns, steps;

	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	steps = most / tick * (double)(*seed >> 40) / (double)(1 << 24);
	return (__u64)(steps < 1 ? 1 : steps) * (__u64)tick;
}

static void run_steps(struct bench *b, int steps)
{
	__u64 seed = 1 + b->kind, dt;

	offer(b, plenty(b, 0));
	check_not_more(b);
	check_not_less(b, 0);
	for (int i = 0; i < steps; i++) {
		dt = random_step(b, &seed);
		prog_step(b->prog, (__s64)dt);
		offer(b, plenty(b, (double)dt));
		check_not_more(b);
		check_not_less(b, 0);
	}
}

static void exact(struct prog *prog, __u32 kind)
{
	const struct rate *list = kind == FW_K_BYTES ? byte_rates : rates;
	size_t n = kind == FW_K_BYTES ? sizeof(byte_rates) / sizeof(*byte_rates)
				      : sizeof(rates) / sizeof(*rates);

	for (size_t i = 0; i < n; i++) {
		for (int family = 4; family <= 6; family += 2) {
			struct bench b;

			prog_finish(prog);
			prog_reset(prog);
			begin(&b, prog, kind, family, &list[i]);
			run_steps(&b, list[i].burst == 1 ? 120 : list[i].count > 5000000 ? 4 : 10);
		}
	}
}

static void test_packets(void **state)
{
	exact(*state, FW_K_PACKETS);
}

static void test_bytes(void **state)
{
	exact(*state, FW_K_BYTES);
}

static void test_syn(void **state)
{
	exact(*state, FW_K_SYN);
}

static void test_udp(void **state)
{
	exact(*state, FW_K_UDP);
}

static void test_icmp(void **state)
{
	exact(*state, FW_K_ICMP);
}

static void test_fragments(void **state)
{
	exact(*state, FW_K_FRAG);
}

/* A single clock tick at a time: what a source asks for in dribbles adds up to the same. */
static void test_ticks(void **state)
{
	static const struct rate rate = { 1000000, 1, 100000 }, slow = { 60, 1, 60 };
	struct bench b;

	for (__u32 kind = 0; kind < FW_K_MAX; kind++) {
		if (kind == FW_K_BYTES)
			continue;
		prog_finish(*state);
		prog_reset(*state);
		begin(&b, *state, kind, 4, kind & 1 ? &rate : &slow);
		offer(&b, plenty(&b, 0));
		for (int i = 0; i < 250; i++) {
			prog_step(*state, b.prog->obj->meta.tick_ns);
			offer(&b, 100 + (kind & 1 ? 5000 : 0));
			check_not_more(&b);
			check_not_less(&b, 0);
		}
	}
}

/*
 * Silence of any length makes the bucket full, and no more than full. Left out: the moments when
 * the 52-bit stamp (every 52 days) comes round to the very time it says.
 */
static void test_idle(void **state)
{
	static const __u64 idles[] = {
		SECOND,
		MINUTE,
		HOUR,
		19 * HOUR,
		(1ULL << 46) - SECOND / 4,
		1ULL << 46,
		(1ULL << 46) + SECOND / 4,
		(1ULL << 46) + 2 * SECOND,
		DAY,
		3 * DAY,
		(1ULL << 50) + HOUR,
		25 * DAY,
		27 * DAY,
		40 * DAY,
		51 * DAY,
		60 * DAY,
		90 * DAY,
		181 * DAY,
		366 * DAY,
		3000 * DAY,
	};
	static const struct rate rate = { 100, 1, 100 }, bytes = { 100000, 1, 100000 };

	for (__u32 kind = 0; kind < FW_K_MAX; kind++) {
		struct bench b;

		prog_finish(*state);
		prog_reset(*state);
		begin(&b, *state, kind, 4, kind == FW_K_BYTES ? &bytes : &rate);
		for (size_t i = 0; i < sizeof(idles) / sizeof(*idles); i++) {
			offer(&b, plenty(&b, 0)); /* drained */
			prog_step(*state, (__s64)idles[i]);
			b.since = prog_now(*state);
			b.got = 0;
			offer(&b, plenty(&b, 0));
			check_not_more(&b);
			if (b.got + b.size < 0.98 * b.burst)
				fail_msg("%s: idle of %.2f days: %.0f of %.0f",
					 fw_model_kind_name(kind), (double)idles[i] / DAY, b.got,
					 b.burst);
			prog_step(*state, 10 * (__s64)SECOND);
		}
	}
}

/*
 * Another limit from the next packet on, without reset: at most its burst and rate from then on;
 * old debt costs at most two of the new windows.
 */
static void change(struct prog *prog, __u32 kind, const struct rate *from, const struct rate *to)
{
	struct bench b;
	double window;

	prog_finish(prog);
	prog_reset(prog);
	begin(&b, prog, kind, 4, from);
	run_steps(&b, 3);
	set_limit(&b, to);
	window = b.burst / b.per_ns;
	for (int i = 0; i < 12; i++) {
		offer(&b, plenty(&b, window / 4));
		check_not_more(&b);
		prog_step(prog, (__s64)(window / 4));
	}
	offer(&b, plenty(&b, window / 4));
	check_not_more(&b);
	check_not_less(&b, b.burst + 2 * window * b.per_ns);
}

static void test_change(void **state)
{
	static const struct rate list[] = {
		{ 1, 3600, 20 }, { 7, 60, 3 }, { 50, 1, 100 }, { 3000, 1, 500 }, { 333333, 1, 4000 }
	};
	static const __u32 kinds[] = { FW_K_PACKETS, FW_K_SYN, FW_K_FRAG };

	for (size_t k = 0; k < 3; k++)
		for (size_t from = 0; from < 5; from++)
			for (size_t to = 0; to < 5; to++)
				change(*state, kinds[k], &list[from], &list[to]);
	for (size_t from = 0; from < 4; from++)
		for (size_t to = 0; to < 4; to++)
			change(*state, FW_K_BYTES, &byte_rates[from], &byte_rates[to]);
}

/*
 * The way operators change a limit: whoever owes nothing is not refused for it, whatever units the
 * new limit counts in, and who owes gets the new burst at most.
 */
static void set_syn(struct prog *prog, __u64 count, __u64 burst)
{
	struct fw_apply *apply = prog_edit(prog);

	apply->model->class[0].rate[FW_K_SYN] = (struct fw_rate){ count, burst, 1, 0 };
	prog_commit(prog, apply, FW_APPLY_POLICY);
	prog_no_crowd(prog);
}

static void test_change_is_safe(void **state)
{
	static const struct spec syn = { .src = VOTER, .proto = TCP, .flags = SYN };
	static const struct spec flood = { .src = ATTACKER, .proto = TCP, .flags = SYN };
	__u64 counts[] = { 100, 50, 3000, 7, 100000 };

	set_syn(*state, 100, 300);
	for (int i = 0; i < 60; i++) {
		__u64 count = counts[i % 5];

		prog_clock(*state, PROG_TIME0 + (__u64)i * 101111111111ULL);
		for (int k = 0; k < 3; k++) {
			prog_send(*state, &syn);
			prog_step(*state, 9 * (__s64)SECOND);
		}
		prog_admitted(*state, &flood, 300);
		set_syn(*state, count, count < 1000 ? 300 : count);
		assert_int_equal(prog_send(*state, &syn).action, XDP_PASS);
		assert_true(prog_admitted(*state, &flood, 1000) <= (count < 1000 ? 300 : 1000));
	}
}

/* A clock that steps back neither frees nor locks out: from then on, the rate holds. */
static void test_backward(void **state)
{
	static const __u64 back[] = { 4000000, SECOND, 30 * SECOND, HOUR, 2 * DAY };
	static const struct rate rate = { 100, 1, 100 }, bytes = { 100000, 1, 100000 };

	for (__u32 kind = 0; kind < FW_K_MAX; kind++) {
		for (size_t i = 0; i < sizeof(back) / sizeof(*back); i++) {
			struct bench b;

			prog_finish(*state);
			prog_reset(*state);
			prog_clock(*state, 30 * DAY);
			begin(&b, *state, kind, 4, kind == FW_K_BYTES ? &bytes : &rate);
			run_steps(&b, 5);
			prog_step(*state, -(__s64)back[i]);
			b.since = prog_now(*state);
			b.got = 0;
			for (int k = 0; k < 100; k++) {
				offer(&b, plenty(&b, SECOND / 4));
				check_not_more(&b);
				prog_step(*state, SECOND / 4);
			}
			check_not_less(&b, b.burst + 2 * b.per_ns * SECOND);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_packets),  PROG_TEST(test_bytes),
		PROG_TEST(test_syn),	  PROG_TEST(test_udp),
		PROG_TEST(test_icmp),	  PROG_TEST(test_fragments),
		PROG_TEST(test_ticks),	  PROG_TEST(test_idle),
		PROG_TEST(test_change),	  PROG_TEST(test_change_is_safe),
		PROG_TEST(test_backward),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
