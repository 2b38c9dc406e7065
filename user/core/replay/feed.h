/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures as the program would meet them: each frame with what its headers say, the program time
 * it arrives at, whether it arrived at all (and was not sent by the host itself), and what the
 * capture knows of the connection it belongs to.
 */
#ifndef FW_CORE_FEED_H
#define FW_CORE_FEED_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/core/replay/capture.h"
#include "user/core/replay/flow.h"

#define FW_FEED_HOSTS 64

struct fw_feed_opts {
	double speed;	/* 2: twice as fast as it was captured; 0 = as captured */
	__u64 over_ns;	/* all of it in that time; 0 = see speed */
	__u64 start_ns; /* program time of the first frame */
	struct fw_capture_watch watch;
	unsigned int hosts; /* addresses of the host that was filtered; 0 = every frame arrived */
	struct fw_feed_host {
		__be32 addr_be[4];
		__u8 len; /* of the 128-bit form */
	} host[FW_FEED_HOSTS];
};

/* What the header walk, the program's own, finds in a frame. */
struct fw_feed_packet {
	__u64 index;   /* from 0, of those that arrived */
	__u64 at_ns;   /* as captured */
	__u64 line_ns; /* the same, never backward: held, or going on where a clock was set back */
	__u64 now_ns;  /* program time, never backward */
	const __u8 *data;
	__u32 len;
	__be32 saddr[4], daddr[4]; /* 128-bit form; if family */
	__be16 sport, dport;	   /* if ports */
	__u8 family;		   /* 4, 6, 0 = not IP, or not parsed so far */
	__u8 proto;
	__u8 tcp_flags;
	bool fragment;
	bool ports;    /* TCP or UDP with its header */
	bool blind;    /* cut within its headers when captured: they are zeros from there on */
	bool tcp;      /* a TCP header was read: said holds */
	bool left_out; /* did not arrive: to be known of, not to be judged */
	enum fw_flow_said said;
};

struct fw_feed_told {
	__u64 outgoing;	 /* left out: sent by the host, as the capture or opts say */
	__u64 elsewhere; /* left out: neither to nor from opts.host */
	__u64 blind;
	__u64 answers; /* SYN-ACKs of SYNs in the capture: it has both directions */
	__u64 handshakes, one_way;
	__u64 forgotten;  /* connections pushed out by others */
	__u64 set_back;	  /* times a clock was set back by a second or more */
	__be32 server[4]; /* who sent the first of the answers */
	double speed;	  /* how much faster than captured program time runs */
};

struct fw_feed;

int fw_feed_open(char *const *path, unsigned int count, const struct fw_feed_opts *opts,
		 struct fw_feed **ret, struct fw_err *err);
/* 1, or 0 at the end. */
int fw_feed_next(struct fw_feed *feed, struct fw_feed_packet *ret);
const struct fw_feed_told *fw_feed_told(struct fw_feed *feed);
const struct fw_capture_told *fw_feed_files(const struct fw_feed *feed);
void fw_feed_close(struct fw_feed *feed); /* NULL is fine */

#endif
