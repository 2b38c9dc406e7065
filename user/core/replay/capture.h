/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures as a stream of Ethernet frames in the order of their time stamps: pcap and pcapng, any
 * byte order and resolution, several files merged, in constant memory. Stamps of one file that run
 * backward stay in the file's order.
 */
#ifndef FW_CORE_CAPTURE_H
#define FW_CORE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/core/replay/capture_link.h"

struct fw_capture; /* all files of one replay */

struct fw_capture_frame {
	__u64 at_ns;	  /* since 1970, as captured */
	const __u8 *data; /* Ethernet; its IP header is aligned to 4 bytes; holds until the next */
	struct fw_link_frame frame;
	unsigned int file; /* index into the paths */
};

/* What is to be said about the files once they have been read. */
struct fw_capture_told {
	__u64 packets;	     /* read */
	__u64 cut;	     /* recorded shorter than they were: filled up with zeros */
	__u64 foreign;	     /* left out: of interfaces whose link carries no IP that we know */
	__u64 longer;	     /* longer than any frame: cut */
	__u64 shorter;	     /* shorter than an Ethernet header: filled up */
	__u64 backward;	     /* stamped earlier than one before them */
	__u64 backward_ns;   /* by how much at most */
	unsigned int broken; /* files that end in the middle of something */
	char why[200];	     /* of the first of them: what libpcap says */
	unsigned int which;  /* of the first of them */
	__u64 after;	     /* of the first of them: packets read from it before */
};

/*
 * Who wants to see how far it is: told now and then how many packets were read, and which part of
 * the files, 0..1; negative when that cannot be known (pipes). ahead: only their times are read.
 */
struct fw_capture_watch {
	void (*step)(void *arg, bool ahead, double part, __u64 packets); /* or NULL */
	void *arg;
};

/*
 * Open them all; "-" is standard input. path: borrowed until close; watch: copied, may be NULL.
 * -EINVAL: not a capture, empty, or a link type that carries no IP; -ENOENT, -EACCES: as the file
 * system says; err names the file.
 */
int fw_capture_open(char *const *path, unsigned int count, const struct fw_capture_watch *watch,
		    struct fw_capture **ret, struct fw_err *err);

/*
 * The next frame: 1, or 0 at the end. A file that breaks off ends there, and fw_capture_told says
 * so.
 */
int fw_capture_next(struct fw_capture *capture, struct fw_capture_frame *ret);

const struct fw_capture_told *fw_capture_told(const struct fw_capture *capture);

/*
 * First and last stamp over all files, by reading them once; -EINVAL when one cannot be read twice.
 * *ret_first_ns > *ret_last_ns: there is no packet. The capture is at its start again.
 */
int fw_capture_span(char *const *path, unsigned int count, const struct fw_capture_watch *watch,
		    __u64 *ret_first_ns, __u64 *ret_last_ns, struct fw_err *err);

void fw_capture_close(struct fw_capture *capture); /* NULL is fine */

#endif
