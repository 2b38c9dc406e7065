/* SPDX-License-Identifier: GPL-2.0-only */
/* Metrics and status over HTTP. */
#ifndef FW_DAEMON_WEB_H
#define FW_DAEMON_WEB_H

#include "user/daemon/daemon.h"

extern const struct fw_part fw_part_web;

#endif
