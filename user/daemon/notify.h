/* SPDX-License-Identifier: GPL-2.0-only */
/* What systemd is told (sd_notify(3)); without systemd nothing happens. */
#ifndef FW_DAEMON_NOTIFY_H
#define FW_DAEMON_NOTIFY_H

#include "user/daemon/daemon.h"

void fw_notify_ready(const struct fw_daemon *daemon); /* READY=1 and the status */
void fw_notify_reloading(const struct fw_daemon *daemon);
void fw_notify_stopping(void);

/*
 * Once a tick, after the maps have been looked at: the watchdog's sign of life when half of its
 * interval has passed, and the status when it has changed.
 */
void fw_notify_alive(const struct fw_daemon *daemon);

#endif
