/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy file: applied at the start and at every SIGHUP, or refused with nothing changed. */
#ifndef FW_DAEMON_RELOAD_H
#define FW_DAEMON_RELOAD_H

#include <sys/types.h>
#include "user/daemon/daemon.h"

/* At the start. Without a policy file: nothing to do. */
int fw_reload_first(struct fw_daemon *daemon, struct fw_err *err);

/* Again, asked by process pid of user uid. What came of it is told; 0 if it was applied. */
int fw_reload(struct fw_daemon *daemon, pid_t pid, uid_t uid);

#endif
