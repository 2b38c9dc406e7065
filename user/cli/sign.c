// SPDX-License-Identifier: GPL-2.0-only
/* Who changed what: every command that changed something writes itself into the history. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/cli/incident.h"
#include "user/core/beat.h"
#include "user/core/policy.h"
#include "user/core/record/recording.h"
#include "user/kern/maps.h"

const char *fw_cli_history(const struct fw_cli *cli)
{
	static char path[PATH_MAX];

	return fw_recording_path(path, NULL, fw_beat_dir(), cli->pins);
}

static __u32 generation(const struct fw_cli *cli)
{
	struct fw_maps maps = {};
	__u32 n = 0;

	if (!fw_maps_open(cli->pins, 0, &maps, NULL)) {
		n = FW_LIVE_GENERATION(fw_maps_live(&maps));
		fw_maps_close(&maps);
	}
	return n;
}

static void words(const struct fw_cli *cli, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "floodwall");

	for (int i = 1; i < cli->argc && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, " %s", cli->argv[i]);
}

void fw_cli_sign(struct fw_cli *cli)
{
	const char *path = fw_cli_history(cli);
	struct fw_history_change change = {
		.when = { fw_clock_realtime(), fw_clock_boottime() },
	};
	char text[sizeof(change.what)];
	struct fw_history *h = NULL;
	struct fw_err err = {};
	int r;

	/* Notes, keys and the like say themselves who made them. */
	if (!strcmp(cli->command->object, "incident") || !strcmp(cli->command->object, "key"))
		return;
	if (access(path, F_OK)) /* nobody records here */
		return;
	change.generation = generation(cli);
	fw_policy_who(change.who, sizeof(change.who) - 1);
	words(cli, text, sizeof(text));
	fw_text_clean(change.what, sizeof(change.what), text);
	r = fw_history_open(path, true, &h, &err);
	if (!r)
		r = fw_history_change(h, &change, &err);
	fw_history_close(h);
	if (r)
		fw_cli_warn(cli, "the change is made, but the record does not say by whom: %s",
			    err.msg);
}
