// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes flood frames inside the kernel: run with live frames (BPF_F_TEST_XDP_LIVE_FRAMES) it sends
 * millions a second out of an interface, several times what a packet socket can. One instance, one
 * CPU; frames come back recycled, so every byte is written again each time.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "storm.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct storm_config);
} storm SEC(".maps");

static __always_inline __u64 rng_next(struct storm_config *c)
{
	__u64 x = c->rng;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	c->rng = x;
	return x * 0x2545f4914f6cdd1dull;
}

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u64 add32(__u32 v)
{
	return (__u64)(v & 0xffff) + (v >> 16);
}

/* Every source sends each of the templates in turn. A public unicast address, or the nearest try at
 * one: what cannot be is moved elsewhere. */
static __always_inline __u32 source4(struct storm_config *c, __u64 r)
{
	__u32 a = r >> 32, hi = a >> 24;

	if (c->sources)
		return c->base4 + (c->n >> 3) % c->sources;
	if (!hi || hi == 10 || hi == 127 || hi >= 224 || hi == 100 || hi == 169 || hi == 172 ||
	    hi == 192 || hi == 198 || hi == 203)
		a = (a & 0x00ffffff) | (20 + (a & 63)) << 24;
	return a;
}

/* Waiting does not shift the schedule by a batch or two; a stall is not made up for. What came late
 * in a burst would overflow the peer's ring, which says nothing of who reads it. */
static __always_inline bool batch_due(struct storm_config *c)
{
	__u64 now = bpf_ktime_get_ns();

	if (now < c->due_ns)
		return false;
	c->due_ns = c->due_ns + 2 * c->gap_ns > now ? c->due_ns + c->gap_ns : now + c->gap_ns;
	return true;
}

/* Writes value at data + at. */
#define PUT(ctx, at, value)                                           \
	({                                                            \
		typeof(value) *to = data + ((at) & (STORM_ROOM - 1)); \
		if ((void *)(to + 1) > end)                           \
			return XDP_ABORTED;                           \
		*to = value;                                          \
	})

SEC("xdp") int lab_storm(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0, seq;
	struct storm_config *c = bpf_map_lookup_elem(&storm, &zero);
	struct storm_template *t;
	__u64 r, sum, id, src;

	if (!c || data + STORM_ROOM > end)
		return XDP_ABORTED;
	if (c->gap_ns && !(c->n & 63) && !batch_due(c))
		return XDP_DROP; /* sends nothing; the test-run asks again */
	t = &c->template[c->n % STORM_TEMPLATES];
	__builtin_memcpy(data, t->data, STORM_ROOM);
	r = rng_next(c);
	id = bpf_htons(r & 0xffff);
	seq = rng_next(c) >> 32;
	sum = t->l4_sum;
	if (c->v6) {
		__u64 hi = c->sources ? c->base6 + (c->n >> 3) % c->sources
				      : 0x2400000000000000ull | r >> 8;
		__u64 lo = c->sources ? 1 : rng_next(c);

		hi = bpf_cpu_to_be64(hi);
		lo = bpf_cpu_to_be64(lo);
		src = add32(hi) + add32(hi >> 32) + add32(lo) + add32(lo >> 32);
		PUT(ctx, t->l3 + 8, hi);
		PUT(ctx, t->l3 + 16, lo);
	} else {
		__u32 a = bpf_htonl(source4(c, r));
		__u16 ip = ~fold(t->ip_sum + add32(a) + id);

		src = add32(a);
		PUT(ctx, t->l3 + 12, a);
		PUT(ctx, t->l3 + 4, (__u16)id);
		PUT(ctx, t->l3 + 10, ip);
	}
	sum += t->pseudo ? src : 0;
	if (t->ports) {
		__u16 port = bpf_htons(c->sport ? c->sport : 1024 + (r >> 16) % 64512);

		PUT(ctx, t->l4, port);
		sum += port;
	}
	if (t->seq) {
		PUT(ctx, t->seq, seq);
		sum += add32(seq);
	}
	sum = (__u16)~fold(sum);
	PUT(ctx, t->csum, (__u16)sum);
	c->n++;
	c->bytes += t->len;
	if (bpf_xdp_adjust_tail(ctx, (int)t->len - STORM_ROOM))
		return XDP_ABORTED;
	return bpf_redirect(c->ifindex, 0);
}

char lab_license[] SEC("license") = "GPL";
