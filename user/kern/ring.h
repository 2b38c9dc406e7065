/* SPDX-License-Identifier: GPL-2.0-only */
/* The ring of samples: read without waiting, by one reader at a time. */
#ifndef FW_KERN_RING_H
#define FW_KERN_RING_H

#include "bpf/abi.h"
#include "user/base/err.h"

struct fw_ring;

/* fd: fw_maps.samples_fd; stays the caller's. each() may keep nothing of what it is shown. */
int fw_ring_open(int fd, void (*each)(void *arg, const struct fw_sample *sample), void *arg,
		 struct fw_ring **ret, struct fw_err *err);
/* All that is there now. Returns how many, or -errno. */
int fw_ring_read(struct fw_ring *ring);
void fw_ring_close(struct fw_ring *ring); /* NULL is fine */

#endif
