/* SPDX-License-Identifier: GPL-2.0-only */
/* The recorder as a part: a thread of its own, so that a slow disk holds up nothing else. */
#ifndef FW_DAEMON_RECORDER_H
#define FW_DAEMON_RECORDER_H

#include "user/core/record/recorder.h"
#include "user/daemon/daemon.h"

extern const struct fw_part fw_part_recorder;

/* How it goes, as of its last second. False: it does not run (recording is switched off). */
bool fw_recorder_part(const struct fw_daemon *daemon, struct fw_recorder_state *ret);

#endif
