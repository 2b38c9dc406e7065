/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what a capture holds to the Ethernet frame that the program judges. Pure, and fuzzed: the
 * bytes come from anybody. A frame that was cut when it was captured is filled up with zeros to the
 * length it had on the wire, for lengths are what limits count.
 */
#ifndef FW_CORE_CAPTURE_LINK_H
#define FW_CORE_CAPTURE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* The longest frame that is handed on: a whole IP packet behind Ethernet and two tags. */
#define FW_LINK_FRAME_MAX (65535U + 22U)
/* The shortest: the kernel runs no program on less than an Ethernet header. */
#define FW_LINK_FRAME_MIN 14U

struct fw_link; /* a kind of link that can be converted */

/* By libpcap's DLT_*; NULL: not one of ours. */
const struct fw_link *fw_link_find(int dlt);
/* "Ethernet, Linux cooked (v1, v2), raw IP, ...", for messages. */
const char *fw_link_known(void);

struct fw_link_frame {
	__u32 len;     /* of the frame, headers that were put in front included */
	__u32 had;     /* bytes of it that are not filled up */
	bool outgoing; /* the capture says that this host sent it */
	bool longer;   /* was longer than FW_LINK_FRAME_MAX, and is cut to it */
	bool shorter;  /* was shorter than FW_LINK_FRAME_MIN, and is filled up to it */
};

/*
 * had bytes of data were captured of a packet of len bytes; out has room for FW_LINK_FRAME_MAX.
 * Never fails: what is too short for its own header becomes a short frame, for the program to
 * judge.
 */
void fw_link_convert(const struct fw_link *link, const __u8 *data, size_t had, size_t len,
		     __u8 *out, struct fw_link_frame *ret);

#endif
