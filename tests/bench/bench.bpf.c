// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet stepper: writes a whole header with the next source address into the frame, then
 * tail-calls whatever program is being measured. A bare XDP_DROP is measured through the same
 * stepper, so its cost cancels out, and peers' objects are measured unmodified.
 *
 * With repeat, the kernel hands the same frame to the program again and again, with all that an
 * XDP_TX answer did to it: where there may be one, the whole header is written anew.
 */
#include "../../vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "bench_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_prog SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_CPUS);
	__type(key, __u32);
	__type(value, struct bench_state);
} bench_cpu SEC(".maps");

#define FRAME_LEAST                                                                   \
	54 /* no frame is shorter: Ethernet and the longest header the stepper writes \
	    */

static __always_inline struct bench_state *state_of_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&bench_cpu, &cpu);
}

static __always_inline __u64 step(struct bench_state *st)
{
	__u64 i = st->next;
	__u64 next = i + 1;

	if (next == st->wrap)
		next = 0;
	st->next = next;
	return st->base + i;
}

/*
 * The frame as long as it should be, its first size bytes from the template; NULL if impossible.
 * size 0: nobody writes into such frames, so the template is in them since the beginning.
 *
 * Words of 4 bytes from the end of the Ethernet header on, as programs read them: a load that spans
 * two stores still in flight would wait for both, and that is no cost of the program's.
 */
static __always_inline void *fresh_frame(struct xdp_md *ctx, struct bench_state *st, int size)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (size && end - data != st->len) {
		if (bpf_xdp_adjust_tail(ctx, (int)st->len - (int)(end - data)))
			return 0;
		data = (void *)(long)ctx->data;
		end = (void *)(long)ctx->data_end;
	}
	if (data + (size ? size : FRAME_LEAST) > end)
		return 0;
	if (size) {
		*(__u64 *)data = *(__u64 *)st->head;
		*(__u32 *)(data + 8) = *(__u32 *)(st->head + 8);
		*(__u16 *)(data + 12) = *(__u16 *)(st->head + 12);
	}
#pragma unroll
	for (int i = sizeof(struct ethhdr); i + 4 <= size; i += 4)
		*(__u32 *)(data + i) = *(__u32 *)(st->head + i);
	return data;
}

static __always_inline int step4(struct xdp_md *ctx, struct bench_state *st, int size)
{
	void *data = fresh_frame(ctx, st, size);
	struct iphdr *ip;
	__u32 src, sum;

	if (!data)
		return -1;
	ip = data + sizeof(struct ethhdr);
	src = bpf_htonl(bench_source4(step(st)));
	ip->saddr = src;
	sum = st->ip4_sum + (src & 0xffff) + (src >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = (__u16)~sum;
	return 0;
}

static __always_inline int step6(struct xdp_md *ctx, struct bench_state *st, int size)
{
	void *data = fresh_frame(ctx, st, size);
	struct ipv6hdr *ip;
	__u64 src;

	if (!data)
		return -1;
	ip = data + sizeof(struct ethhdr);
	src = bench_source6(step(st));
	ip->saddr.in6_u.u6_addr32[0] = bpf_htonl((__u32)(src >> 32));
	ip->saddr.in6_u.u6_addr32[1] = bpf_htonl((__u32)src);
	return 0;
}

/* A wrapper: step the source, run the program under test. */
#define WRAPPER(name_, stepper_, size_)                    \
	SEC("xdp.frags")                                   \
	int name_(struct xdp_md *ctx)                      \
	{                                                  \
		struct bench_state *st = state_of_cpu();   \
                                                           \
		if (!st || stepper_(ctx, st, size_))       \
			return XDP_ABORTED;                \
		bpf_tail_call_static(ctx, &bench_prog, 0); \
		return XDP_ABORTED;                        \
	}

/* A generator: step the source, send the frame into an interface (test-run with live frames). */
#define GENERATOR(name_, stepper_, size_)                \
	SEC("xdp")                                       \
	int name_(struct xdp_md *ctx)                    \
	{                                                \
		struct bench_state *st = state_of_cpu(); \
                                                         \
		if (!st || stepper_(ctx, st, size_))     \
			return XDP_ABORTED;              \
		st->sent++;                              \
		return bpf_redirect(st->ifindex, 0);     \
	}

/* Sizes: Ethernet to the end of a TCP header, without and with 20 bytes of options. */
WRAPPER(step4_short, step4, 0)
WRAPPER(step4_long, step4, 74)
WRAPPER(step6_short, step6, 0)
WRAPPER(step6_long, step6, 94)
GENERATOR(live4_short, step4, 54)
GENERATOR(live4_long, step4, 74)
GENERATOR(live6_short, step6, 74)
GENERATOR(live6_long, step6, 94)

SEC("xdp.frags")
int bare_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

/* For live runs: the bare drop on an interface, and a pass so that netfilter sees the frame. */
SEC("xdp")
int live_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int live_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
