// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to systemd. The status is one line for `systemctl status`: what is filtered, in which
 * mode, and what is wrong. The sign of life is sent by the tick that has read the maps, so that a
 * loop that only spins does not look alive.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/daemon/ifaces.h"
#include "user/daemon/notify.h"

static void put_status(const struct fw_daemon *daemon, char *buf, size_t size)
{
	const struct fw_ifaces *ifaces = fw_ifaces_get(daemon);
	unsigned int fine = 0, at = 0;
	__u64 live;

	for (unsigned int i = 0; ifaces && i < ifaces->nr; i++)
		fine += ifaces->want[i].state == FW_WANT_ATTACHED;
	if (!daemon->maps.cpus) {
		snprintf(buf, size, "no state: nothing is filtered");
		return;
	}
	live = fw_apply_live(&daemon->maps);
	at = (unsigned int)snprintf(buf, size, "%s, generation %u, %u of %u interfaces filtered",
				    daemon->maps.policy[FW_LIVE_POLICY(live)].flags & FW_P_MONITOR
					    ? "monitor"
					    : "enforce",
				    FW_LIVE_GENERATION(live), fine, ifaces ? ifaces->nr : 0);
	if (at < size && daemon->reload_ns && !daemon->reload_ok)
		snprintf(buf + at, size - at, "; the policy file was refused, what ran goes on");
}

void fw_notify_ready(const struct fw_daemon *daemon)
{
	char status[200];

	put_status(daemon, status, sizeof(status));
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void fw_notify_reloading(const struct fw_daemon *daemon)
{
	(void)daemon;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading the policy file",
		   (uint64_t)(fw_clock_now() / 1000));
}

void fw_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping; interfaces stay filtered");
}

void fw_notify_alive(const struct fw_daemon *daemon)
{
	static char told[200];
	static __u64 last_ns;
	__u64 now_ns = fw_clock_now();
	char status[sizeof(told)];
	uint64_t watchdog_us = 0;

	put_status(daemon, status, sizeof(status));
	if (strcmp(status, told)) {
		memcpy(told, status, sizeof(told));
		sd_notifyf(0, "STATUS=%s", status);
	}
	/* A tick early: the next one may come a moment after half of the interval. */
	if (sd_watchdog_enabled(0, &watchdog_us) > 0 &&
	    now_ns + FW_NS_PER_S - last_ns >= watchdog_us * 1000 / 2) {
		sd_notify(0, "WATCHDOG=1");
		last_ns = now_ns;
	}
}
