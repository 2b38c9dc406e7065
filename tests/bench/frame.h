/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets that are measured, as templates; the stepper puts the source address in. All are
 * sent to the bench's own addresses, so that a listener there can be found by a socket look-up.
 */
#ifndef FW_BENCH_FRAME_H
#define FW_BENCH_FRAME_H

#include <stddef.h>
#include <linux/types.h>

#define FRAME_MAX  128
#define FRAME_WEB  80	       /* the port that the bench's service speaks (TCP) and listens on */
#define FRAME_DST4 0xc6336401U /* 198.51.100.1 */
#define FRAME_DST6 "2001:db8:64::1"

enum frame_stepper { FRAME_4_SHORT, FRAME_4_LONG, FRAME_6_SHORT, FRAME_6_LONG, FRAME_STEPPERS };

struct frame {
	const char *bare; /* name of the bare drop's row under this stream */
	enum frame_stepper stepper;
	__u32 len;
	__u32 ip4_sum; /* see struct bench_state */
	__u8 data[FRAME_MAX];
};

enum frame_id {
	FRAME_UDP4, /* to a port the service does not speak */
	FRAME_UDP6,
	FRAME_ACK4, /* TCP ACK to the service */
	FRAME_ACK6,
	FRAME_SYN4, /* TCP SYN with MSS, SACK, time stamps, window scale */
	FRAME_SYN6,
	FRAMES,
};

/* Never fails; the frames live as long as the program. */
const struct frame *frame_get(enum frame_id id);

#endif
