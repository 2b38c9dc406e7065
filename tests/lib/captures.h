/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The captures beside the project's folder (../shared/captures, or where FLOODWALL_CAPTURES says),
 * frame by frame with their own time stamps.
 */
#ifndef TEST_CAPTURES_H
#define TEST_CAPTURES_H

#include <linux/types.h>

#define CAPTURES_MAX 64

/* Paths of all *.pcap in a folder ("honest", "attack"), sorted. Number of them, 0 if absent. */
unsigned int captures_list(const char *folder, char ret[CAPTURES_MAX][512]);

/*
 * Calls each for every frame: at_ns since the first frame, never backward; len bytes of data.
 * Returns frames, or -1 if the file cannot be read to its end or is not Ethernet.
 */
long captures_each(const char *path,
		   void (*each)(void *arg, __u64 at_ns, const __u8 *data, __u32 len), void *arg);

#endif
