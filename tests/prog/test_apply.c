// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing what runs: only the idle half is written, a refused change leaves no trace, a killed one
 * leaves a whole generation, and readers never see half of one.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/prog.h"
#include "user/base/text.h"

#define KILLS 150
#define READS 300

static void test_halves(void **state)
{
	struct prog *prog = *state;
	__u64 before = prog->maps.ctl->live, after;
	struct fw_apply *a = prog_edit(prog);

	a->model->class[0].rate[FW_K_UDP].count = 7;
	prog_commit(prog, a, FW_APPLY_POLICY);
	after = prog->maps.ctl->live;
	assert_int_equal(after & 3, (before & 3) ^ 1);
	assert_int_equal(FW_LIVE_GENERATION(after), FW_LIVE_GENERATION(before) + 1);
	prog_lane(prog, FW_LANE_BLOCKED, "198.51.100.0/24", FW_FOREVER, 0);
	assert_int_equal(prog->maps.ctl->live & 3, (after & 3) ^ 2);
	assert_int_equal(FW_LIVE_GENERATION(prog->maps.ctl->live), FW_LIVE_GENERATION(after) + 1);
	a = prog_edit(prog);
	assert_int_equal(a->model->class[0].rate[FW_K_UDP].count, 7);
	assert_int_equal(a->prefixes.count, 1);
	prog_commit(prog, a, FW_APPLY_POLICY | FW_APPLY_LANES);
	assert_int_equal(FW_LIVE_GENERATION(prog->maps.ctl->live), FW_LIVE_GENERATION(after) + 2);
}

/*
 * What cannot be compiled, or is more than there is room for, changes neither the word nor a half:
 * undo goes back as before.
 */
static void test_refused(void **state)
{
	struct prog *prog = *state;
	struct fw_policy *copy = malloc(sizeof(*copy));
	__u32 room = prog->maps.cap_prefix;
	struct fw_apply *a = prog_edit(prog);
	struct fw_err err = {};
	__u64 live;

	assert_non_null(copy);
	a->model->class[0].rate[FW_K_UDP].count = 7;
	prog_commit(prog, a, FW_APPLY_POLICY);
	live = prog->maps.ctl->live;
	a = prog_edit(prog);
	memcpy(copy, prog_policy(prog), sizeof(*copy));
	a->model->class[0].rate[FW_K_PACKETS] =
		(struct fw_rate){ .count = 1000000, .per_s = 1, .burst = 1 };
	a->changed = FW_APPLY_POLICY;
	assert_int_equal(fw_apply_commit(a, &err), -EINVAL);
	assert_true(*err.msg && *err.hint);
	assert_int_equal(prog->maps.ctl->live, live);
	assert_memory_equal(prog_policy(prog), copy, sizeof(*copy));
	fw_apply_end(a);
	free(a);
	free(copy);
	a = prog_edit(prog);
	prog_lane_add(a, FW_LANE_BLOCKED, "198.51.100.0/24", FW_FOREVER, 0);
	a->changed = FW_APPLY_LANES;
	prog->maps.cap_prefix = 0;
	assert_int_equal(fw_apply_commit(a, &err), -ENOSPC);
	prog->maps.cap_prefix = room;
	fw_apply_end(a);
	free(a);
	assert_int_equal(fw_apply_undo(&prog->maps, NULL, &live, &err), 0);
}

static void test_expired(void **state)
{
	struct prog *prog = *state;
	__u32 now_s = (__u32)(prog_now(prog) / SECOND);
	struct fw_apply *a;

	prog_lane(prog, FW_LANE_BLOCKED, "198.51.100.0/24", now_s + 10, 0);
	prog_lane(prog, FW_LANE_BLOCKED, "203.0.113.0/24", FW_FOREVER, 0);
	prog_step(prog, 9 * SECOND);
	a = prog_edit(prog);
	assert_int_equal(a->prefixes.count, 2);
	prog_commit(prog, a, 0);
	prog_step(prog, SECOND);
	a = prog_edit(prog);
	assert_int_equal(a->prefixes.count, 1);
	prog_commit(prog, a, FW_APPLY_LANES);
	assert_int_equal(prog->maps.lane_head[FW_LIVE_LANES(prog->maps.ctl->live)].prefixes, 1);
}

/* While a change waits for its confirmation both halves are needed: no other may begin. */
static void test_waiting(void **state)
{
	struct prog *prog = *state;
	struct fw_ctl *ctl = prog->maps.ctl;
	__u64 old = ctl->live;
	struct fw_apply *a = prog_edit(prog), second = {};
	struct fw_err err = {};

	a->model->class[0].rate[FW_K_UDP].count = 7;
	prog_commit(prog, a, FW_APPLY_POLICY);
	ctl->revert = old;
	ctl->deadline_ns = prog_now(prog) + SECOND;
	assert_int_equal(fw_apply_live(&prog->maps), ctl->live);
	assert_int_equal(fw_apply_begin(&prog->maps, FW_APPLY_POLICY, &second, &err), -EBUSY);
	prog_step(prog, SECOND);
	assert_int_equal(fw_apply_live(&prog->maps), old);
	a = prog_edit(prog);
	assert_int_not_equal(a->model->class[0].rate[FW_K_UDP].count, 7);
	a->model->class[0].rate[FW_K_UDP].count = 9;
	prog_commit(prog, a, FW_APPLY_POLICY);
	assert_int_equal(ctl->deadline_ns, 0);
	assert_int_equal(ctl->live & 1, (old & 1) ^ 1);
	prog_step(prog, 10 * SECOND);
	a = prog_edit(prog);
	assert_int_equal(a->model->class[0].rate[FW_K_UDP].count, 9);
	prog_commit(prog, a, 0);
}

/*
 * Generation n: udp and icmp allow n each, and n prefixes are blocked, the last of them
 * 10.0.n.0/24. Anything else read back is torn.
 */
static int write_marked(struct prog *prog, unsigned int n)
{
	struct fw_apply a;
	int err = fw_apply_begin(&prog->maps, FW_APPLY_POLICY | FW_APPLY_LANES, &a, NULL);

	if (err)
		return err;
	a.model->class[0].rate[FW_K_UDP] = (struct fw_rate){ .count = n, .per_s = 1 };
	a.model->class[0].rate[FW_K_ICMP] = (struct fw_rate){ .count = n, .per_s = 1 };
	fw_prefixes_flush(&a.prefixes, FW_LANE_BLOCKED, -1);
	for (unsigned int i = 1; i <= n && !err; i++) {
		struct fw_prefix one = { .until_s = FW_FOREVER, .lane = FW_LANE_BLOCKED };
		char text[FW_TEXT_LEN];

		snprintf(text, sizeof(text), "10.0.%u.0/24", i);
		err = fw_text_prefix(text, one.addr_be, &one.len, NULL);
		if (!err && fw_prefixes_add(&a.prefixes, &one, "marked", NULL) < 0)
			err = -EINVAL;
	}
	a.changed = FW_APPLY_POLICY | FW_APPLY_LANES;
	if (!err)
		err = fw_apply_commit(&a, NULL);
	fw_apply_end(&a);
	return err;
}

static void check_blocked(struct prog *prog, unsigned int n, bool blocked)
{
	__u32 half = FW_LIVE_LANES(fw_apply_live(&prog->maps));
	struct fw_lanes lanes = fw_apply_lanes(&prog->maps, half, &prog->maps.lane_head[half]);
	__u32 profile = fw_lanes_lookup4(&lanes, 10U << 24 | n << 8 | 77);

	assert_int_equal(lanes.profile[profile].blocked_s, blocked ? FW_FOREVER : 0);
}

static void check_marked(struct prog *prog)
{
	struct fw_apply *a = prog_edit(prog);
	unsigned int n = (unsigned int)a->model->class[0].rate[FW_K_UDP].count;

	assert_int_equal(a->model->class[0].rate[FW_K_ICMP].count, n);
	assert_int_equal(a->prefixes.count, n);
	assert_non_null(
		strstr("marked", n ? fw_prefixes_why(&a->prefixes, &a->prefixes.at[0]) : ""));
	check_blocked(prog, 1, true);
	check_blocked(prog, n, true);
	check_blocked(prog, n + 1, false);
	prog_commit(prog, a, 0);
}

static pid_t start_writer(struct prog *prog, unsigned int first)
{
	pid_t pid = fork();
	cpu_set_t all;

	if (pid)
		return pid;
	/* prog_open() pinned us; who is to be killed in the middle of something must run beside us.
	 */
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	for (unsigned int n = first;; n = n % 200 + 1)
		if (write_marked(prog, n))
			_exit(1);
}

static void stop_writer(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it did not give up by itself */
}

static __u64 nanoseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * SECOND + (__u64)ts.tv_nsec;
}

/*
 * Wait until the writer has begun to write, and up to most_ns more. It spends most of its time
 * waiting for grace periods, where a kill proves little.
 */
static void wait_for_write(struct prog *prog, __u64 most_ns)
{
	__u32 idle = !FW_LIVE_POLICY(prog->maps.ctl->live);
	volatile const __u32 *cost = &prog->maps.policy[idle].class[0].limit[FW_K_UDP].cost;
	__u32 before = *cost;
	__u64 until, start = nanoseconds();

	while (*cost == before && nanoseconds() - start < SECOND)
		;
	until = nanoseconds() + (__u64)rand() % most_ns;
	while (nanoseconds() < until)
		;
}

static void test_killed(void **state)
{
	struct prog *prog = *state;
	__u64 most_ns = 3000000;
	int moved = 0;

	assert_int_equal(write_marked(prog, 5), 0);
	srand(1);
	for (int i = 0; i < KILLS; i++) {
		__u64 before = prog->maps.ctl->live;
		pid_t pid = start_writer(prog, (unsigned int)i % 190 + 10);

		assert_true(pid > 0);
		wait_for_write(prog, most_ns);
		stop_writer(pid);
		check_marked(prog);
		moved += prog->maps.ctl->live != before;
		if (!moved && i % (KILLS / 6) == KILLS / 6 - 1)
			most_ns *= 4; /* a slow machine takes longer from a write to the flip */
	}
	/* Kills came before the flip and after it; one CPU alone cannot time them so. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		assert_in_range(moved, 1, KILLS - 1);
}

static void test_readers(void **state)
{
	struct prog *prog = *state;
	pid_t pid;

	assert_int_equal(write_marked(prog, 5), 0);
	pid = start_writer(prog, 1);
	assert_true(pid > 0);
	for (int i = 0; i < READS; i++) {
		struct fw_prefixes set = {};
		struct fw_model *model = NULL;

		assert_int_equal(fw_apply_read_model(&prog->maps, &model, NULL), 0);
		assert_int_equal(model->class[0].rate[FW_K_UDP].count,
				 model->class[0].rate[FW_K_ICMP].count);
		assert_int_equal(fw_apply_read_prefixes(&prog->maps, &set, NULL), 0);
		for (size_t p = 0; p < set.count; p++)
			assert_int_equal(set.at[p].len, 120);
		fw_prefixes_free(&set);
		free(model);
	}
	stop_writer(pid);
}

/* From the very next packet on, and without a packet in between that is not covered. */
static void test_next_packet(void **state)
{
	struct prog *prog = *state;
	struct spec spec = { .src = ATTACKER, .dst = SERVER, .proto = UDP, .payload = 10 };

	prog_no_crowd(prog);
	for (spec.family = 4; spec.family <= 6; spec.family += 2) {
		const char *addr = packet_addr_text(ATTACKER, spec.family, 0);
		struct fw_apply *a;

		assert_int_not_equal(prog_send(prog, &spec).reason, FW_R_DROP_BLOCKED);
		prog_lane(prog, FW_LANE_BLOCKED, addr, FW_FOREVER, 0);
		prog_expect(prog, &spec, FW_R_DROP_BLOCKED);
		prog_lane(prog, FW_LANE_MANAGEMENT, addr, FW_FOREVER, 0);
		prog_expect(prog, &spec, FW_R_PASS_MANAGEMENT);
		a = prog_edit(prog);
		fw_prefixes_flush(&a->prefixes, FW_LANE_MANAGEMENT, -1);
		prog_commit(prog, a, FW_APPLY_LANES);
		prog_expect(prog, &spec, FW_R_DROP_BLOCKED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_halves),	     PROG_TEST(test_refused), PROG_TEST(test_expired),
		PROG_TEST(test_waiting),     PROG_TEST(test_killed),  PROG_TEST(test_readers),
		PROG_TEST(test_next_packet),
	};

	return cmocka_run_group_tests_name("apply", tests, prog_group_setup, prog_group_teardown);
}
