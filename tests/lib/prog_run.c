// SPDX-License-Identifier: GPL-2.0-only
/*
 * One packet in, its outcome out. The reason is read from the counters: the one that the program's
 * own facts name must have moved by exactly one, and prog_finish() proves that no other did.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"

static const struct {
	const char *name;
	int verdict;
} reasons[FW_REASON_SLOTS] = {
#define X(id, name_, verdict_, text) [FW_R_##id] = { name_, FW_V_##verdict_ },
	FW_REASONS(X)
#undef X
};

const char *prog_reason_name(__u32 reason)
{
	return reason < FW_R_MAX ? reasons[reason].name : "(no reason)";
}

int prog_action(__u32 reason)
{
	static const int action[FW_V_MAX] = { XDP_PASS, XDP_DROP, XDP_TX };

	return action[reasons[reason].verdict];
}

int prog_raw(const struct prog *prog, const void *data, __u32 len, __u32 repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data, .data_size_in = len,
		    .repeat = (int)repeat);
	int r = bpf_prog_test_run_opts(prog->obj->prog_fd, &opts);

	return r ? r : (int)opts.retval;
}

/* What the program wrote down about the last packet of this CPU. */
static void read_facts(struct prog *prog, struct pkt *ret)
{
	size_t stride = (sizeof(*ret) + 7) & ~7UL;
	__u8 raw[stride * prog->maps.cpus];
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(prog->scratch_fd, &zero, raw), 0);
	memcpy(ret, raw + stride * (size_t)prog->cpu, sizeof(*ret));
}

/* The counter of this outcome moved by one, in one of the two halves. */
static void read_counter(struct prog *prog, struct outcome *out)
{
	struct fw_count now;

	for (int monitor = 0; monitor < 2; monitor++) {
		__u32 slot = fw_maps_svc_slot(monitor, out->service, out->reason);
		__u64 before = prog->moved[slot];

		assert_int_equal(fw_maps_slot(&prog->maps, prog->maps.count_svc_fd, slot, 2,
					      (__u64 *)&now), 0);
		if (now.packets == before)
			continue;
		assert_int_equal(now.packets, before + 1);
		prog->moved[slot] = now.packets;
		out->monitor = monitor;
		return;
	}
	fail_msg("no counter moved for %s", prog_reason_name(out->reason));
}

struct outcome prog_run(struct prog *prog, const void *data, __u32 len)
{
	struct outcome out = { .action = prog_raw(prog, data, len, 1) };

	if (out.action < 0)
		fail_msg("test-run of %u bytes: %s", len, strerror(-out.action));
	prog->sent++;
	read_facts(prog, &out.facts);
	out.reason = out.facts.reason;
	out.service = out.facts.service;
	assert_in_range(out.reason, 0, FW_R_MAX - 1);
	read_counter(prog, &out);
	return out;
}

struct outcome prog_send(struct prog *prog, const struct spec *spec)
{
	static struct packet packet;

	packet_build(spec, &packet);
	return prog_run(prog, packet.data, packet.len);
}

struct outcome prog_expect_at(struct prog *prog, const struct spec *spec, __u32 reason,
			      const char *file, int line)
{
	struct outcome out = prog_send(prog, spec);

	if (out.reason != reason || out.action != (out.monitor ? XDP_PASS : prog_action(reason))) {
		print_error("%s, action %d; expected %s\n", prog_reason_name(out.reason),
			    out.action, prog_reason_name(reason));
		_fail(file, line);
	}
	return out;
}

static void read_all(struct prog *prog, __u64 ret_reason[FW_R_MAX])
{
	static struct fw_count counts[FW_COUNT_SVC_SLOTS];

	assert_int_equal(fw_maps_sum(&prog->maps, prog->maps.count_svc_fd, FW_COUNT_SVC_SLOTS, 2,
				     (__u64 *)counts), 0);
	memset(ret_reason, 0, FW_R_MAX * sizeof(*ret_reason));
	for (int i = 0; i < FW_COUNT_SVC_SLOTS; i++) {
		prog->moved[i] = counts[i].packets;
		if (i % FW_REASON_SLOTS < FW_R_MAX)
			ret_reason[i % FW_REASON_SLOTS] += counts[i].packets;
		else if (counts[i].packets)
			fail_msg("counter %d without a reason moved", i);
	}
}

void prog_reasons(struct prog *prog, __u64 ret_reason[FW_R_MAX])
{
	__u64 all[FW_R_MAX];

	read_all(prog, all);
	for (int i = 0; i < FW_R_MAX; i++)
		ret_reason[i] = all[i] - prog->base[i];
}

void prog_repeat(struct prog *prog, const struct spec *spec, __u32 n, __u64 ret_reason[FW_R_MAX])
{
	static struct packet packet;
	__u64 before[FW_R_MAX], after[FW_R_MAX];

	packet_build(spec, &packet);
	prog_reasons(prog, before);
	if (n)
		assert_in_range(prog_raw(prog, packet.data, packet.len, n), 0, XDP_REDIRECT);
	prog->sent += n;
	prog_reasons(prog, after);
	for (int i = 0; i < FW_R_MAX; i++)
		ret_reason[i] = after[i] - before[i];
}

__u64 prog_admitted(struct prog *prog, const struct spec *spec, __u32 n)
{
	__u64 reason[FW_R_MAX], admitted = 0;

	prog_repeat(prog, spec, n, reason);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		admitted += prog_action(i) == XDP_DROP ? 0 : reason[i];
	return admitted;
}

__u64 prog_note(struct prog *prog, __u32 note)
{
	__u64 value;

	assert_int_equal(fw_maps_slot(&prog->maps, prog->maps.note_fd, note, 1, &value), 0);
	return value;
}

struct fw_count prog_class_count(struct prog *prog, __u32 class, __u32 what)
{
	struct fw_count count;

	assert_int_equal(fw_maps_slot(&prog->maps, prog->maps.count_cls_fd,
				      class * FW_CC_STRIDE + what, 2, (__u64 *)&count), 0);
	return count;
}
