/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy file: applied at the start and at every SIGHUP, or refused with nothing changed. What
 * was applied last is kept in full as policy.last-good in the state directory, so that a file that
 * was broken before a reboot does not leave the host without a filter.
 */
#ifndef FW_DAEMON_RELOAD_H
#define FW_DAEMON_RELOAD_H

#include <sys/types.h>
#include "user/daemon/daemon.h"

#define FW_LAST_GOOD "policy.last-good"

/*
 * At the start, before anything is attached. Without a policy file: nothing to do. A broken file:
 * the last good policy is taken instead, and the failure told; without one -EINVAL and the reason.
 */
int fw_reload_first(struct fw_daemon *daemon, struct fw_err *err);

/*
 * State has just been made, nothing is attached yet: put the policy into it, or, if its file has
 * been broken since it was read, the last good one. maps: POLICY, LANES, WRITE, under the lock.
 */
int fw_reload_fresh(struct fw_daemon *daemon, struct fw_maps *maps, struct fw_err *err);

/* Again, asked by process pid of user uid. What came of it is told; 0 if it was applied. */
int fw_reload(struct fw_daemon *daemon, pid_t pid, uid_t uid);

#endif
