/* SPDX-License-Identifier: GPL-2.0-only */
/* What this process costs, from the kernel's own books. */
#ifndef FW_DAEMON_PROCESS_H
#define FW_DAEMON_PROCESS_H

#include "user/daemon/snap.h"

/* What cannot be read is 0. */
void fw_process_read(struct fw_snap_process *ret, __u64 realtime_ns);

#endif
