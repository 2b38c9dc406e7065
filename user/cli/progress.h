/* SPDX-License-Identifier: GPL-2.0-only */
/* A bar on the terminal while something takes long: on stderr, only if that is a terminal. */
#ifndef FW_CLI_PROGRESS_H
#define FW_CLI_PROGRESS_H

#include <linux/types.h>

struct fw_progress {
	const char *what; /* "exporting" */
	int shown;	  /* per mille on the screen; -1 = nothing yet, -2 = no terminal */
};

void fw_progress_begin(struct fw_progress *progress, const char *what);
/* May be called often; arg is the struct fw_progress. */
void fw_progress_step(void *arg, __u64 done, __u64 total);
/* With a count of packets behind it, drawn anew each time. part: 0..1, negative if unknown. */
void fw_progress_packets(struct fw_progress *progress, double part, __u64 packets);
/* Removes the bar. */
void fw_progress_end(struct fw_progress *progress);

#endif
