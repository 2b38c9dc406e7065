/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people would use instead and can be measured with a test-run: Debian's xdp-filter, its
 * object as shipped, and the LRU-hash token bucket that most XDP limiters are (layouts.bpf.c's
 * lay_lru).
 */
#ifndef FW_BENCH_PEERS_H
#define FW_BENCH_PEERS_H

#include "tests/bench/run.h"

#define PEER_FILTER_MAX 10000 /* addresses that xdp-filter's maps hold */

struct bpf_object;
struct layouts_bpf;

/* xdp-filter denying the sources of steps 0 .. count - 1. -ENOENT: not installed. */
struct peer_filter {
	struct bpf_object *obj;
	int prog_fd;
};
int peer_filter_open(struct peer_filter *ret, __u32 count, struct fw_err *err);
void peer_filter_close(struct peer_filter *filter); /* zeroed is fine */

/* The LRU-hash bucket with room for size sources, entering unknown ones. */
struct peer_lru {
	struct layouts_bpf *skel;
	int prog_fd;
};
int peer_lru_open(struct peer_lru *ret, __u32 size, struct fw_err *err);
void peer_lru_close(struct peer_lru *lru); /* zeroed is fine */

#endif
