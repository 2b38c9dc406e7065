/* SPDX-License-Identifier: GPL-2.0-only */
/* The recorder as a part: a thread of its own, so that a slow disk holds up nothing else. */
#ifndef FW_DAEMON_RECORDER_H
#define FW_DAEMON_RECORDER_H

#include "user/daemon/daemon.h"

extern const struct fw_part fw_part_recorder;

#endif
