// SPDX-License-Identifier: GPL-2.0-only
/*
 * Real traffic. Ordinary sessions lose no packet under the default policy. Of real floods it is
 * written down what the per-source stages catch, with the capture's own time stamps and compressed
 * to one second, and what the whole program does: figures, not verdicts, for a limit that catches
 * nothing of a spoofed flood has not failed, it has met its bounds.
 */
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>
#include "tests/lib/captures.h"
#include "tests/lib/prog.h"

struct replay {
	struct prog *prog;
	const char *path;
	__u64 start_ns;	   /* virtual time of the first frame */
	__u64 length_ns;   /* of the capture */
	__u64 compress_ns; /* to replay it in; 0: its own time stamps */
	__u64 packets, passed;
	__u64 reason[FW_R_MAX];
	bool must_pass;
};

static void one(void *arg, __u64 at_ns, const __u8 *data, __u32 len)
{
	struct replay *r = arg;
	struct outcome out;

	if (r->compress_ns && r->length_ns)
		at_ns = (__u64)((double)at_ns / (double)r->length_ns * (double)r->compress_ns);
	prog_clock(r->prog, r->start_ns + at_ns);
	out = prog_run(r->prog, data, len);
	r->packets++;
	r->reason[out.reason]++;
	r->passed += out.action != XDP_DROP;
	if (r->must_pass && out.action == XDP_DROP)
		print_error("%s, packet %llu: %s\n", r->path, r->packets,
			    prog_reason_name(out.reason));
}

static void measure(void *arg, __u64 at_ns, const __u8 *data, __u32 len)
{
	(void)data;
	(void)len;
	*(__u64 *)arg = at_ns;
}

static unsigned int list_or_skip(const char *folder, char path[CAPTURES_MAX][512])
{
	unsigned int n = captures_list(folder, path);

	if (!n) {
		print_message("skip: no captures in ../shared/captures/%s\n", folder);
		skip();
	}
	return n;
}

static void replay(struct replay *r)
{
	r->start_ns = prog_now(r->prog);
	if (captures_each(r->path, measure, &r->length_ns) < 0 ||
	    captures_each(r->path, one, r) < 0)
		fail_msg("%s: cannot be read", r->path);
}

static void test_honest(void **state)
{
	char path[CAPTURES_MAX][512];
	unsigned int n = list_or_skip("honest", path);

	for (unsigned int i = 0; i < n; i++) {
		struct replay r = { .prog = *state, .path = path[i], .must_pass = true };

		prog_finish(*state);
		prog_reset(*state);
		replay(&r);
		assert_true(r.packets > 0);
		assert_int_equal(r.passed, r.packets);
	}
}

/* One after the other without a pause: what one session spent is not missed by the next. */
static void test_honest_together(void **state)
{
	char path[CAPTURES_MAX][512];
	unsigned int n = list_or_skip("honest", path);

	for (unsigned int i = 0; i < n; i++) {
		struct replay r = { .prog = *state, .path = path[i], .must_pass = true };

		replay(&r);
		assert_true(r.packets > 0);
		assert_int_equal(r.passed, r.packets);
	}
}

static void target_of(void *arg, __u64 at_ns, const __u8 *data, __u32 len)
{
	(void)at_ns;
	if (len >= 34 && !*(char *)arg && data[12] == 8)
		snprintf(arg, 16, "%u.%u.%u.%u", data[30], data[31], data[32], data[33]);
}

/* A web service at the address that is flooded, which speaks nothing else. */
static void add_service(struct prog *prog, const char *path)
{
	struct fw_apply *apply = prog_edit(prog);
	char target[16] = "", rule[64];
	struct fw_err err = {};
	int web = fw_model_service_add(apply->model, "web", &err);

	captures_each(path, target_of, target);
	snprintf(rule, sizeof(rule), "tcp/80,443@%s", target);
	if (web < 0 || fw_model_rule_add(apply->model, (__u8)web, rule, &err))
		fail_msg("%s: %s", rule, err.msg);
	apply->model->service[web].closed = true;
	prog_commit(prog, apply, FW_APPLY_POLICY);
}

static void print_row(struct replay *r, const char *how, const char *time)
{
	__u64 sources = fw_maps_occupied(&r->prog->maps.src4);

	print_message("  %-32s %-19s %-8s %6llu packets, %5llu sources kept, %5.1f %% dropped:",
		      strrchr(r->path, '/') + 1, how, time, r->packets, sources,
		      100.0 * (double)(r->packets - r->passed) / (double)r->packets);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		if (r->reason[i] && prog_action(i) != XDP_PASS)
			print_message(" %s %llu", prog_reason_name(i), r->reason[i]);
	print_message("\n");
}

enum how { SOURCES, WHOLE, CLOSED, HOWS };

/* What a web service does not speak ends there; strangers together have a budget. */
static void check_attack(const struct replay *r, enum how how)
{
	__u64 dropped = r->packets - r->passed, unspoken = r->reason[FW_R_DROP_UNSPOKEN];

	assert_true(r->packets > 1000);
	if (how == CLOSED)
		assert_true(unspoken > r->packets / 4 && dropped > r->packets * 2 / 5);
	if (how == WHOLE && r->compress_ns && r->packets > 20000)
		assert_true(dropped > r->packets / 2);
}

static void attack(struct prog *prog, const char *path, enum how how, __u64 compress_ns)
{
	static const char *const names[HOWS] = { "per source only", "whole", "whole, closed web" };
	struct replay r = { .prog = prog, .path = path, .compress_ns = compress_ns };

	prog_finish(prog);
	prog_reset(prog);
	if (how == SOURCES)
		prog_no_crowd(prog);
	if (how == CLOSED)
		add_service(prog, path);
	replay(&r);
	print_row(&r, names[how], compress_ns ? "in 1 s" : "own time");
	check_attack(&r, how);
}

static void test_attack(void **state)
{
	char path[CAPTURES_MAX][512];
	unsigned int n = list_or_skip("attack", path);

	for (unsigned int i = 0; i < n; i++)
		for (enum how how = 0; how < HOWS; how++)
			for (int compress = 0; compress < 2; compress++)
				attack(*state, path[i], how, compress ? SECOND : 0);
}

/* Room for every source of a flood, so that the table is not what decides. */
static int setup(void **state)
{
	static const struct prog_opts opts = { .clock = PROG_CLOCK_VIRTUAL,
					       .sizes = { .sources4 = 1 << 20 } };

	*state = prog_open(&opts);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_honest),
		PROG_TEST(test_honest_together),
		PROG_TEST(test_attack),
	};

	return cmocka_run_group_tests(tests, setup, prog_group_teardown);
}
