/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a controller at work on these pins? One file a pin directory, in the run directory: locked
 * while the controller lives (the kernel lets go when it dies), its text is the process id, its
 * modification time the last heartbeat. Readers need no privilege and no answer from anybody.
 */
#ifndef FW_CORE_BEAT_H
#define FW_CORE_BEAT_H

#include <stdbool.h>
#include <sys/types.h>
#include <linux/types.h>
#include "user/base/err.h"

#define FW_BEAT_DIR	"/run/floodwall"
#define FW_BEAT_ENV	"RUNTIME_DIRECTORY" /* systemd's name for it */
#define FW_BEAT_LATE_NS 10000000000ULL	    /* a heartbeat older than this is missing */

/* The run directory: $RUNTIME_DIRECTORY if set, else FW_BEAT_DIR. Not owned. */
const char *fw_beat_dir(void);

/* Where the controller keeps what must outlive a reboot: $STATE_DIRECTORY if set. Not owned. */
#define FW_STATE_DIR "/var/lib/floodwall"
#define FW_STATE_ENV "STATE_DIRECTORY"
const char *fw_beat_state_dir(void);

/*
 * Become the controller of pins. *ret_fd is closed with fw_beat_drop. Makes dir if it is not there.
 * -EBUSY (2): another one is, err names its pid.
 */
int fw_beat_take(const char *dir, const char *pins, int *ret_fd, struct fw_err *err);

/* A heartbeat, now. 0 or -errno. */
int fw_beat_touch(int fd);

/* Remove the file and let go. fd -1: nothing. */
void fw_beat_drop(const char *dir, const char *pins, int fd);

struct fw_beat {
	bool alive;    /* somebody holds the lock */
	pid_t pid;     /* ... as it said itself; 0 = unknown */
	__u64 when_ns; /* last heartbeat, CLOCK_REALTIME; also of one that died; 0 = never */
};
/* Look. Never fails: what cannot be known is false or 0. Not for the controller itself. */
struct fw_beat fw_beat_read(const char *dir, const char *pins);

#endif
