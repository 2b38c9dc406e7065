/* SPDX-License-Identifier: GPL-2.0-only */
/* Telling what changed: levels of services, generations, changes that wait or have reverted. */
#ifndef FW_DAEMON_WATCH_H
#define FW_DAEMON_WATCH_H

#include "user/daemon/daemon.h"

extern const struct fw_part fw_part_watch;
extern const struct fw_part fw_part_expire;

#endif
