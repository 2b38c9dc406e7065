/* SPDX-License-Identifier: GPL-2.0-only */
/* The pinned state as the controller has it open; it may go and come while we run. */
#ifndef FW_DAEMON_STATE_H
#define FW_DAEMON_STATE_H

#include "user/daemon/daemon.h"

/* Make daemon->maps what the pins are now: opened, opened anew, or closed (maps.cpus == 0). */
void fw_state_refresh(struct fw_daemon *daemon);
void fw_state_close(struct fw_daemon *daemon);

/* Program time: the maps' own clock, or without maps the machine's. */
__u64 fw_state_now(const struct fw_daemon *daemon);

#endif
