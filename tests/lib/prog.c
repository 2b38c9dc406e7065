// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs packets through the loaded program and reads back what it made of them. The thread stays on
 * one CPU, so that the facts of the last packet are found in that CPU's memory.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"

static void pin_to_cpu(struct prog *prog)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	prog->cpu = CPU_SETSIZE - 1; /* the last one: the first has the interrupts */
	while (!CPU_ISSET(prog->cpu, &set))
		prog->cpu--;
	CPU_ZERO(&set);
	CPU_SET(prog->cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

struct prog *prog_open(const struct prog_opts *opts)
{
	static const struct prog_opts small = { .clock = PROG_CLOCK_VIRTUAL };
	struct fw_object_opts how = { .fixed_keys = true, .build = "test" };
	struct prog *prog = calloc(1, sizeof(*prog));
	struct fw_err err = {};

	opts = opts ? opts : &small;
	assert_non_null(prog);
	how.sizes = opts->sizes;
	how.sizes.sources4 = how.sizes.sources4 ?: 8192;
	how.sizes.sources6 = how.sizes.sources6 ?: 8192;
	how.sizes.prefixes4 = how.sizes.prefixes4 ?: 4096;
	how.sizes.prefixes6 = how.sizes.prefixes6 ?: 4096;
	how.clock = opts->clock;
	how.stages = opts->stages;
	prog->facts = opts->stages == PROG_LONG_WAY;
	how.frags = true;
	how.cookie_raw = true;
	pin_to_cpu(prog);
	if (fw_object_open(&how, &prog->obj, &err) || fw_object_load(prog->obj, &err) ||
	    fw_object_commit(prog->obj, &err) ||
	    fw_maps_open_object(prog->obj, FW_MAPS_ALL | FW_MAPS_WRITE, &prog->maps, &err))
		fail_msg("cannot load: %s (%s)", err.msg, err.hint);
	prog->scratch_fd = fw_object_map_fd(prog->obj, "fw_scratch");
	prog->maps.ctl->virtual_ns = PROG_TIME0;
	if (fw_apply_init(&prog->maps, NULL, &err))
		fail_msg("no policy: %s (%s)", err.msg, err.hint);
	prog->fresh = malloc(sizeof(*prog->fresh));
	prog->fresh_text = malloc(sizeof(*prog->fresh_text));
	assert_true(prog->fresh && prog->fresh_text);
	*prog->fresh = *prog_policy(prog);
	*prog->fresh_text = prog->maps.policy_txt[FW_LIVE_POLICY(prog->maps.ctl->live)];
	return prog;
}

void prog_close(struct prog *prog)
{
	if (!prog)
		return;
	fw_maps_close(&prog->maps);
	fw_object_close(prog->obj);
	free(prog->fresh);
	free(prog->fresh_text);
	free(prog);
}

static void zero_percpu(struct prog *prog, int fd, const struct bpf_map_info *info)
{
	__u64 *zero = calloc((size_t)prog->maps.cpus, (info->value_size + 7) & ~7u);

	assert_non_null(zero);
	for (__u32 i = 0; i < info->max_entries; i++)
		assert_int_equal(bpf_map_update_elem(fd, &i, zero, BPF_ANY), 0);
	free(zero);
}

void prog_zero(struct prog *prog, const char *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = fw_object_map_fd(prog->obj, map);
	void *mem;

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		zero_percpu(prog, fd, &info);
		return;
	}
	size = (size_t)info.max_entries * ((info.value_size + 7) & ~7u);
	size = (size + page - 1) & ~(page - 1);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	memset(mem, 0, size);
	munmap(mem, size);
}

/* All prefixes away, in the ordinary way. */
static void forget_lanes(struct prog *prog)
{
	__u32 half = FW_LIVE_LANES(prog->maps.ctl->live);
	struct fw_apply *apply;

	if (!prog->maps.lane_head[half].prefixes)
		return;
	apply = prog_edit(prog);
	for (int lane = 0; lane < FW_LANE_MAX; lane++)
		fw_prefixes_flush(&apply->prefixes, lane, -1);
	prog_commit(prog, apply, FW_APPLY_LANES);
}

void prog_reset(struct prog *prog)
{
	static const char *const maps[] = { "fw_src_fp",   "fw_src",	   "fw_budget",
					    "fw_crowd",	   "fw_crowd_net", "fw_level",
					    "fw_retry",	   "fw_note",	   "fw_count_cls",
					    "fw_book",	   "fw_pace",	   "fw_ban",
					    "fw_src_more", "fw_ban_due",   "fw_listener",
					    "fw_ledger_at" };

	prog->maps.ctl->deadline_ns = 0;
	prog->maps.ctl->revert = 0;
	memset(prog->maps.applied, 0, FW_APPLIED_SLOTS * sizeof(*prog->maps.applied));
	prog->maps.ctl->virtual_ns = PROG_TIME0;
	forget_lanes(prog);
	*prog_policy(prog) = *prog->fresh;
	prog->maps.policy_txt[FW_LIVE_POLICY(prog->maps.ctl->live)] = *prog->fresh_text;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		prog_zero(prog, maps[i]);
	memset(prog->base, 0, sizeof(prog->base));
	prog_reasons(prog, prog->base);
	prog->sent = 0;
}

void prog_finish(struct prog *prog)
{
	__u64 counts[FW_R_MAX], sum = 0;

	prog_reasons(prog, counts);
	for (int i = 0; i < FW_R_MAX; i++)
		sum += counts[i];
	if (sum != prog->sent)
		fail_msg("%llu packets sent, %llu counted", prog->sent, sum);
	assert_int_equal(prog_note(prog, FW_N_ABORT), 0);
	assert_int_equal(prog_note(prog, FW_N_MAP_ERROR), 0);
}

int prog_group_setup(void **state)
{
	*state = prog_open(NULL);
	return 0;
}

int prog_group_setup_facts(void **state)
{
	static const struct prog_opts facts = { .clock = PROG_CLOCK_VIRTUAL,
						.stages = PROG_LONG_WAY };

	*state = prog_open(&facts);
	return 0;
}

int prog_group_setup_real(void **state)
{
	static const struct prog_opts real = { .clock = PROG_CLOCK_JIFFIES };

	*state = prog_open(&real);
	return 0;
}

int prog_group_teardown(void **state)
{
	prog_close(*state);
	return 0;
}

int prog_test_setup(void **state)
{
	prog_reset(*state);
	return 0;
}

int prog_test_teardown(void **state)
{
	prog_finish(*state);
	return 0;
}
