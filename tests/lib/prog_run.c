// SPDX-License-Identifier: GPL-2.0-only
/*
 * One packet in, its outcome out. The reason is the counter that moved: exactly one, by one. The
 * search starts where the last packet was counted; that nothing else moved, prog_finish() proves.
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

/* Counters of one service in one mode. */
static void read_block(struct prog *prog, __u32 block, __u64 ret[FW_REASON_SLOTS])
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	struct fw_count raw[FW_REASON_SLOTS * prog->maps.cpus];
	__u32 keys[FW_REASON_SLOTS], next, count = FW_REASON_SLOTS;
	__u32 before = block * FW_REASON_SLOTS - 1;

	if (bpf_map_lookup_batch(prog->maps.count_svc_fd, block ? &before : NULL, &next, keys, raw,
				 &count, &opts) &&
	    errno != ENOENT)
		fail_msg("counters: %s", strerror(errno));
	assert_int_equal(count, FW_REASON_SLOTS);
	assert_int_equal(keys[0], block * FW_REASON_SLOTS);
	for (__u32 i = 0; i < FW_REASON_SLOTS; i++) {
		ret[i] = 0;
		for (unsigned int cpu = 0; cpu < prog->maps.cpus; cpu++)
			ret[i] += raw[i * prog->maps.cpus + cpu].packets;
	}
}

static void read_all(struct prog *prog, __u64 ret_reason[FW_R_MAX])
{
	static struct fw_count counts[FW_COUNT_SVC_SLOTS];

	assert_int_equal(fw_maps_sum(&prog->maps, prog->maps.count_svc_fd, FW_COUNT_SVC_SLOTS, 2,
				     (__u64 *)counts),
			 0);
	prog->stale = false;
	memset(ret_reason, 0, FW_R_MAX * sizeof(*ret_reason));
	for (int i = 0; i < FW_COUNT_SVC_SLOTS; i++) {
		prog->moved[i] = counts[i].packets;
		if (i % FW_REASON_SLOTS < FW_R_MAX)
			ret_reason[i % FW_REASON_SLOTS] += counts[i].packets;
		else if (counts[i].packets)
			fail_msg("counter %d without a reason moved", i);
	}
}

/* Before packets whose counters are to be watched. */
static void look(struct prog *prog)
{
	__u64 all[FW_R_MAX];

	if (prog->stale)
		read_all(prog, all);
}

/* Did a counter of this block move, by one? Then the outcome is known. */
static bool find_moved(struct prog *prog, __u32 block, struct outcome *out)
{
	__u64 now[FW_REASON_SLOTS], *before = &prog->moved[block * FW_REASON_SLOTS];
	bool found = false;

	read_block(prog, block, now);
	for (__u32 i = 0; i < FW_REASON_SLOTS; i++) {
		if (now[i] == before[i])
			continue;
		if (found || now[i] != before[i] + 1 || i >= FW_R_MAX)
			fail_msg("counter %u of block %u moved by %llu", i, block,
				 now[i] - before[i]);
		before[i] = now[i];
		out->reason = i;
		out->service = block % FW_SERVICE_MAX;
		out->monitor = block >= FW_SERVICE_MAX;
		prog->block = block;
		found = true;
	}
	return found;
}

struct outcome prog_run(struct prog *prog, const void *data, __u32 len)
{
	struct outcome out = {};
	__u32 block = 0;

	look(prog);
	out.action = prog_raw(prog, data, len, 1);
	if (out.action < 0)
		fail_msg("test-run of %u bytes: %s", len, strerror(-out.action));
	prog->sent++;
	if (!find_moved(prog, prog->block, &out))
		while (!find_moved(prog, block, &out))
			if (++block == 2 * FW_SERVICE_MAX)
				fail_msg("no counter moved");
	if (prog->facts) {
		read_facts(prog, &out.facts);
		assert_int_equal(out.facts.reason, out.reason);
		assert_int_equal(out.facts.service, out.service);
	}
	return out;
}

struct outcome prog_send(struct prog *prog, const struct spec *spec)
{
	static struct packet packet;

	packet_build(spec, &packet);
	return prog_run(prog, packet.data, packet.len);
}

int prog_raw_spec(struct prog *prog, const struct spec *spec)
{
	static struct packet packet;
	int action;

	packet_build(spec, &packet);
	action = prog_raw(prog, packet.data, packet.len, 1);
	assert_in_range(action, 0, XDP_REDIRECT);
	prog->sent++;
	prog->stale = true;
	return action;
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

void prog_reasons(struct prog *prog, __u64 ret_reason[FW_R_MAX])
{
	__u64 all[FW_R_MAX];

	read_all(prog, all);
	for (int i = 0; i < FW_R_MAX; i++)
		ret_reason[i] = all[i] - prog->base[i];
}

/* If all n were counted in the block of the last packet, as is usual: what moved there. */
static bool moved_in_block(struct prog *prog, __u32 n, __u64 ret_reason[FW_R_MAX])
{
	__u64 now[FW_REASON_SLOTS], *before = &prog->moved[prog->block * FW_REASON_SLOTS], sum = 0;

	read_block(prog, prog->block, now);
	for (__u32 i = 0; i < FW_REASON_SLOTS; i++)
		sum += now[i] - before[i];
	if (sum != n)
		return false;
	for (__u32 i = 0; i < FW_R_MAX; i++)
		ret_reason[i] = now[i] - before[i];
	memcpy(before, now, sizeof(now));
	return true;
}

/* One call that repeats makes the kernel wait for two grace periods: many single ones are faster.
 */
#define SINGLE_MAX 30000

static void run_many(struct prog *prog, const struct packet *packet, __u32 n)
{
	__u32 calls = n > SINGLE_MAX ? 1 : n;

	for (__u32 i = 0; i < calls; i++)
		assert_in_range(prog_raw(prog, packet->data, packet->len, n / calls), 0,
				XDP_REDIRECT);
	prog->sent += n;
}

void prog_repeat(struct prog *prog, const struct spec *spec, __u32 n, __u64 ret_reason[FW_R_MAX])
{
	static struct packet packet;
	__u64 before[FW_R_MAX];

	packet_build(spec, &packet);
	look(prog);
	run_many(prog, &packet, n);
	if (moved_in_block(prog, n, ret_reason))
		return;
	memset(before, 0, sizeof(before));
	for (__u32 i = 0; i < FW_COUNT_SVC_SLOTS; i++)
		if (i % FW_REASON_SLOTS < FW_R_MAX)
			before[i % FW_REASON_SLOTS] += prog->moved[i];
	read_all(prog, ret_reason);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		ret_reason[i] -= before[i];
}

__u64 prog_admitted(struct prog *prog, const struct spec *spec, __u32 n)
{
	__u64 reason[FW_R_MAX], admitted = 0;

	prog_repeat(prog, spec, n, reason);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		admitted += prog_action(i) == XDP_DROP ? 0 : reason[i];
	return admitted;
}

__u64 prog_booked(const struct prog *prog)
{
	const struct fw_book *book = &prog->maps.book[prog->cpu];
	__u64 packets = book->packets;

	for (int i = 0; i < FW_TALLY_SLOTS; i++)
		packets += book->slot[i].who ? book->slot[i].packets : 0;
	return packets;
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
				      class * FW_CC_STRIDE + what, 2, (__u64 *)&count),
			 0);
	return count;
}
