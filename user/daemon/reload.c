// SPDX-License-Identifier: GPL-2.0-only
/* Without a policy file a reload attaches again what was detached, and changes nothing else. */
#include <stdio.h>
#include "user/base/clock.h"
#include "user/core/journal.h"
#include "user/daemon/reload.h"

int fw_reload_first(struct fw_daemon *daemon, struct fw_err *err)
{
	(void)err;
	daemon->reload_ns = fw_clock_realtime();
	daemon->reload_ok = true;
	return 0;
}

int fw_reload(struct fw_daemon *daemon, pid_t pid, uid_t uid)
{
	char who[64], uids[64];
	const char *fields[] = { who, uids, NULL };

	snprintf(who, sizeof(who), "FLOODWALL_WHO_PID=%d", (int)pid);
	snprintf(uids, sizeof(uids), "FLOODWALL_WHO_UID=%u", (unsigned int)uid);
	daemon->reloads++;
	daemon->reload_ns = fw_clock_realtime();
	daemon->reload_ok = true;
	fw_journal(LOG_NOTICE, FW_E_RELOADED, fields, "reloaded");
	return 0;
}
