/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench's own programs and its user space agree on: the state of one CPU's packet
 * stepper, and the arithmetic that turns a step into a source address. Both sides compute the same
 * addresses, so that a list of "the first million sources" can be blocked before they are sent.
 */
#ifndef FW_BENCH_ABI_H
#define FW_BENCH_ABI_H

#define BENCH_CPUS 256
#define BENCH_HEAD 96 /* bytes of every frame that are written anew for each packet */

/* One CPU's stepper. Two cache lines of its own, so that CPUs do not disturb each other. */
struct bench_state {
	__u64 next;    /* step of the next packet */
	__u64 wrap;    /* number of distinct sources; 0 = as many as there are packets */
	__u32 len;     /* of the frame */
	__u32 ifindex; /* live: where to send it */
	__u32 ip4_sum; /* sum of the IPv4 header's words without source and checksum */
	__u32 base;    /* first step of this CPU's part of the sources */
	__u8 head[BENCH_HEAD];
	__u64 sent; /* live: frames handed to ifindex */
	__u64 pad2[7];
};

#define BENCH_M29 0x1fffffffU
#define BENCH_M48 0xffffffffffffULL

/*
 * Step -> IPv4 source in host order, a bijection into four eighths of the address space that hold
 * no loopback, multicast or class E: 32-63, 64-95, 128-159 and 192-223. Spread as a spoofer's are,
 * so that tables indexed by the address are as cold as under a real flood.
 */
static __always_inline __u32 bench_source4(__u64 step)
{
	__u32 top = 0xc0804020U >> ((step & 3) * 8) & 0xff;
	__u32 x = (__u32)(step >> 2);

	x = (x * 0x9e3779b1U) & BENCH_M29;
	x ^= x >> 15;
	x = (x * 0x85ebca6bU) & BENCH_M29;
	x ^= x >> 14;
	return top << 24 | x;
}

/* Step -> upper 64 bits of an IPv6 source in host order, a bijection into 2a00::/16. */
static __always_inline __u64 bench_source6(__u64 step)
{
	__u64 x = step;

	x = (x * 0x9e3779b97f4a7c15ULL) & BENCH_M48;
	x ^= x >> 24;
	x = (x * 0xbf58476d1ce4e5b9ULL) & BENCH_M48;
	x ^= x >> 25;
	return 0x2a00ULL << 48 | x;
}

#endif
