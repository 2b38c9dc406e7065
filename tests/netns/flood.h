/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flood generator's inner contract: what the command line asked for, the socket that sends, and
 * what was sent. Only frames the kernel accepted count as sent; a full ring is told apart.
 */
#ifndef LAB_FLOOD_H
#define LAB_FLOOD_H

#include "frame.h"

#define FLOOD_BATCH 64

struct flood_opts {
	const char *iface, *pcap;
	struct frame_spec spec;
	const char *mode;
	struct addr base;    /* first source when sources > 0 */
	uint64_t sources;    /* 0 = random */
	uint64_t count;	     /* 0 = until seconds are over */
	double seconds, pps; /* pps 0 = as fast as it goes */
	uint64_t seed;
	uint32_t first_seq;
	int cpu;
	unsigned int loops;
	bool fast;	/* frames written in the kernel instead of sent by a packet socket */
	bool to_port;	/* replay: TCP packets go to the port of spec */
	bool own_clock; /* replay: keep the capture's own spacing, scaled to `seconds` */
};

struct flood_sent {
	uint64_t packets, bytes;
	uint64_t ring_full; /* the peer's ring was full: lost before any filter */
	uint64_t skipped;   /* replay: frames that cannot be sent at this destination */
	uint64_t kind[FRAME_KINDS];
	uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC */
};

struct flood_frame {
	void *data;
	size_t len;
	int kind; /* enum frame_kind or -1 */
};

uint64_t now_ns(void);
uint64_t rng_next(uint64_t *state);
void wait_until(uint64_t ns);
/* A packet socket bound to the interface that skips the queueing discipline, or -errno. */
int flood_socket(const char *iface, uint8_t ret_mac[6]);
/* Sends n <= FLOOD_BATCH frames, each once. 0 or -errno when the socket broke. */
int flood_send(int fd, struct flood_frame *frames, unsigned int n, struct flood_sent *sent);
/* Replays a capture at the destination of opts->spec. 0 or -errno. */
int flood_replay(const struct flood_opts *opts, int fd, struct flood_sent *sent);
/* Sends what frames[0..7] show by the fast engine; -EINVAL when they are too long for it. */
int flood_xdp(const struct flood_opts *opts, const struct frame *frames, struct flood_sent *sent);
extern volatile bool flood_stop;

#endif
