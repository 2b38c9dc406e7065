// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following the pins. Whether they are still the maps we have open is asked every second by the id
 * of one of them; reopening all is done only when it differs.
 */
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/journal.h"
#include "user/daemon/state.h"

static void tell(const struct fw_daemon *daemon, int priority, const char *text, const char *why)
{
	char pins[300];
	const char *fields[] = { pins, NULL };

	snprintf(pins, sizeof(pins), "FLOODWALL_PINS=%s", daemon->opts.pins);
	fw_journal(priority, FW_E_STATE, fields, "%s%s%s", text, *why ? ": " : "", why);
}

void fw_state_close(struct fw_daemon *daemon)
{
	fw_maps_close(&daemon->maps);
	daemon->maps = (struct fw_maps){};
}

void fw_state_refresh(struct fw_daemon *daemon)
{
	static char told[FW_ERR_LEN];
	struct fw_err err = {};
	__u32 id = 0;
	int r;

	r = fw_maps_state_id(daemon->opts.pins, &id, &err);
	if (!r && daemon->maps.cpus && id == daemon->maps.ctl_id)
		return;
	if (daemon->maps.cpus) {
		tell(daemon, LOG_WARNING, "the state has been removed", "");
		fw_state_close(daemon);
		daemon->maps_serial++;
	}
	if (!r)
		r = fw_maps_open(daemon->opts.pins, FW_MAPS_ALL | FW_MAPS_RECORD, &daemon->maps,
				 &err);
	if (!r) {
		daemon->maps_serial++;
		*told = '\0';
		return;
	}
	/* No state yet is no news; anything else is, once. */
	if (err.exit_code != FW_EXIT_NOTHING && strcmp(told, err.msg))
		tell(daemon, LOG_ERR, err.msg, err.hint);
	snprintf(told, sizeof(told), "%s", err.msg);
}

__u64 fw_state_now(const struct fw_daemon *daemon)
{
	return daemon->maps.cpus ? fw_apply_now(&daemon->maps) : fw_clock_now();
}
