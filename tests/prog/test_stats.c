// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters read again and again say what a whole reading says, whatever came in between: packets,
 * services that come, go and come back, the other mode, changes that are undone or go back by
 * themselves; and what was kept is used at all.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"
#include "user/core/stats.h"

static __u64 counted_before; /* by tests before this one */

static struct fw_stats_kept *begin(struct prog *prog)
{
	struct fw_stats *st = calloc(1, sizeof(*st));
	struct fw_stats_verdicts v;
	struct fw_err err;

	assert_int_equal(fw_stats_read_maps(&prog->maps, st, &err), 0);
	v = fw_stats_total(st);
	counted_before = fw_stats_all(&v).packets - prog->sent;
	fw_stats_free(st);
	free(st);
	return calloc(1, sizeof(struct fw_stats_kept));
}

static void compare(struct prog *prog, struct fw_stats_kept *kept)
{
	struct fw_stats *again = calloc(1, sizeof(*again)), *whole = calloc(1, sizeof(*whole));
	struct fw_stats_verdicts v;
	struct fw_err err;

	assert_int_equal(fw_stats_read_again(&prog->maps, kept, again, &err), 0);
	assert_int_equal(fw_stats_read_maps(&prog->maps, whole, &err), 0);
	assert_memory_equal(again->svc, whole->svc, sizeof(whole->svc));
	assert_memory_equal(again->cls, whole->cls, sizeof(whole->cls));
	assert_memory_equal(again->note, whole->note, sizeof(whole->note));
	assert_memory_equal(again->service_name, whole->service_name, sizeof(whole->service_name));
	assert_int_equal(again->cpus, whole->cpus);
	assert_memory_equal(again->cpu, whole->cpu, whole->cpus * sizeof(*whole->cpu));
	v = fw_stats_total(again);
	assert_int_equal(fw_stats_all(&v).packets, counted_before + prog->sent);
	fw_stats_free(again);
	fw_stats_free(whole);
	free(again);
	free(whole);
}

/* As if it had been seen first so long ago that all packets judged before are counted. */
static void settle(struct prog *prog, struct fw_stats_kept *kept)
{
	compare(prog, kept);
	kept->since_ns -= 2 * SECOND;
	compare(prog, kept);
	assert_true(kept->settled);
}

static void traffic(struct prog *prog)
{
	const struct spec spec[] = {
		{ .family = 4, .dst = SERVER, .proto = TCP, .dport = 80, .flags = SYN },
		{ .family = 6, .dst = SERVER, .proto = UDP, .dport = 53 },
		{ .family = 4, .dst = SERVER, .proto = TCP, .dport = 22, .flags = SYN | FIN },
	};

	for (size_t i = 0; i < sizeof(spec) / sizeof(*spec); i++)
		prog_raw_spec(prog, &spec[i]);
}

static void edit(struct prog *prog, int step)
{
	struct fw_apply *a = prog_edit(prog);
	struct fw_err err = {};
	int id;

	if (step % 4 == 0) {
		id = fw_model_service_add(a->model, "web", &err);
		assert_true(id > 0);
		assert_int_equal(fw_model_rule_add(a->model, (__u8)id, "tcp/80", &err), 0);
	} else if (step % 4 == 1) {
		id = fw_model_service_add(a->model, "dns", &err);
		assert_true(id > 0);
		assert_int_equal(fw_model_rule_add(a->model, (__u8)id, "udp/53", &err), 0);
	} else {
		assert_true(fw_model_service_del(a->model, step % 4 == 2 ? "web" : "dns", &err) >=
			    0);
	}
	if (step % 3 == 0)
		a->model->flags ^= FW_P_MONITOR;
	prog_commit(prog, a, FW_APPLY_POLICY);
}

static void same_as_whole(void **state)
{
	struct prog *prog = *state;
	struct fw_stats_kept *kept = begin(prog);
	struct fw_err err;
	__u64 live;

	for (int step = 0; step < 24; step++) {
		edit(prog, step);
		traffic(prog);
		compare(prog, kept); /* not settled: packets of before may still be on their way */
		traffic(prog);
		compare(prog, kept);
		if (step % 2)
			settle(prog, kept);
		traffic(prog);
		compare(prog, kept);
		if (step % 5 == 4) { /* a service comes back, or goes */
			assert_int_equal(fw_apply_undo(&prog->maps, NULL, &live, &err), 0);
			traffic(prog);
			compare(prog, kept);
			assert_int_equal(fw_apply_undo(&prog->maps, NULL, &live, &err), 0);
		}
	}
	fw_stats_kept_free(kept);
	free(kept);
}

/* A change that nobody confirms takes its services with it, and what they counted stays. */
static void goes_back(void **state)
{
	struct prog *prog = *state;
	struct fw_stats_kept *kept = begin(prog);

	settle(prog, kept);
	edit(prog, 0);
	traffic(prog);
	settle(prog, kept);
	traffic(prog);
	/* As an apply with a deadline leaves it: what ran before is named in revert. */
	prog->maps.ctl->deadline_ns = prog_now(prog) + 5 * SECOND;
	compare(prog, kept);
	settle(prog, kept);
	traffic(prog);
	prog_step(prog, (__s64)(10 * SECOND));
	traffic(prog);
	compare(prog, kept);
	settle(prog, kept);
	traffic(prog);
	compare(prog, kept);
	prog->maps.ctl->deadline_ns = 0;
	fw_stats_kept_free(kept);
	free(kept);
}

/* Not a whole reading in disguise: what cannot move is not looked at. */
static void looks_away(void **state)
{
	struct prog *prog = *state;
	struct fw_stats_kept *kept = begin(prog);
	struct fw_stats *st = calloc(1, sizeof(*st));
	struct fw_err err;

	settle(prog, kept);
	kept->rest.svc[1][5][0].packets += 1000;
	assert_int_equal(fw_stats_read_again(&prog->maps, kept, st, &err), 0);
	assert_int_equal(st->svc[1][5][0].packets, 1000);
	memset(kept->left, 0, sizeof(kept->left)); /* a class had them, too */
	edit(prog, 0);
	compare(prog, kept);
	fw_stats_free(st);
	free(st);
	fw_stats_kept_free(kept);
	free(kept);
}

static void set_limit(struct prog *prog, __u64 count)
{
	struct fw_apply *a = prog_edit(prog);

	a->model->class[FW_CLASS_DEFAULT].rate[FW_K_UDP].count = count;
	prog_commit(prog, a, FW_APPLY_POLICY);
}

/* A change of limits moves no other counters than before, and is no reason to read them all. */
static void goes_on(void **state)
{
	struct prog *prog = *state;
	struct fw_stats_kept *kept = begin(prog);
	struct fw_stats *st = calloc(1, sizeof(*st));
	struct fw_err err;

	settle(prog, kept);
	set_limit(prog, 2000);
	traffic(prog);
	compare(prog, kept);
	assert_true(kept->settled);
	kept->rest.svc[1][5][0].packets += 1000;
	set_limit(prog, 2001);
	assert_int_equal(fw_stats_read_again(&prog->maps, kept, st, &err), 0);
	assert_int_equal(st->svc[1][5][0].packets, 1000);
	memset(kept->left, 0, sizeof(kept->left));
	/* Two at once: what the first one named has come and gone unseen. */
	edit(prog, 0);
	traffic(prog);
	edit(prog, 2);
	traffic(prog);
	compare(prog, kept);
	assert_false(kept->settled);
	fw_stats_free(st);
	free(st);
	fw_stats_kept_free(kept);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(same_as_whole),
		PROG_TEST(goes_back),
		PROG_TEST(looks_away),
		PROG_TEST(goes_on),
	};

	return cmocka_run_group_tests_name("stats", tests, prog_group_setup, prog_group_teardown);
}
