/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the recorder goes, in a small file of the run directory, one for each pin directory: written
 * once a second by the controller, read by every command that wants to say whether there is a
 * record.
 */
#ifndef FW_CORE_RECORDING_H
#define FW_CORE_RECORDING_H

#include <limits.h>
#include "user/core/record/recorder.h"

struct fw_recording {
	char path[PATH_MAX]; /* of the history */
	struct fw_recorder_state state;
	__u64 when_ns; /* CLOCK_REALTIME at which this was written */
};

/* DIR/NAME-<number of pins>SUFFIX into buf. Returns buf. */
char *fw_recording_name(char buf[PATH_MAX], const char *dir, const char *name, const char *pins);

/*
 * Removes accounts of states that are no more, as controllers leave them that were killed and never
 * came back: nobody could go on with them, and they lie in memory. keep: this pin directory's stay.
 */
void fw_recording_sweep(const char *dir, const char *keep_pins);

int fw_recording_write(const char *dir, const char *pins, const struct fw_recording *recording);
/* -ENOENT: none, or not readable. */
int fw_recording_read(const char *dir, const char *pins, struct fw_recording *ret);

/* The history to read: opt, else $FLOODWALL_HISTORY, else what the recorder says, else default. */
const char *fw_recording_path(char buf[PATH_MAX], const char *opt, const char *dir,
			      const char *pins);

#endif
