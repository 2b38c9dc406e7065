// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling what changed, by comparing each second with the one before. Who made a change is told by
 * the command that made it (the record has the same generation); that it runs is told here,
 * whoever made it. A level that came and went between two looks shows in the counts of entries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/journal.h"
#include "user/core/level.h"
#include "user/daemon/watch.h"
#include "user/policy/model.h"

struct watch {
	__u64 serial; /* of the maps that the rest was read from; 0 = nothing read yet */
	__u64 live;
	__u64 deadline_ns;
	bool monitor;
	struct fw_level_now level[FW_SERVICE_MAX];
	unsigned int levels;
};

static void tell_level(const struct fw_level_now *was, const struct fw_level_now *is)
{
	char service[64], before[64], after[64];
	const char *fields[] = { service, before, after, NULL };
	bool rises = is->level > was->level;

	snprintf(service, sizeof(service), "FLOODWALL_SERVICE=%s", is->name);
	snprintf(before, sizeof(before), "FLOODWALL_BEFORE=%s", fw_model_level_name(was->level));
	snprintf(after, sizeof(after), "FLOODWALL_AFTER=%s", fw_model_level_name(is->level));
	fw_journal(rises ? LOG_WARNING : LOG_NOTICE, FW_E_LEVEL, fields, "service %s: %s -> %s%s",
		   is->name, fw_model_level_name(was->level), fw_model_level_name(is->level),
		   is->pinned ? " (held by an admin)" : "");
}

static void tell_missed(const struct fw_level_now *was, const struct fw_level_now *is)
{
	for (unsigned int l = FW_LEVEL_GUARDED; l < FW_LEVEL_MAX; l++) {
		struct fw_level_now between = *was;

		if (l == is->level || l == was->level || is->entries[l] <= was->entries[l])
			continue;
		between.level = l;
		tell_level(was, &between);
	}
}

static void watch_levels(struct watch *watch, const struct fw_daemon *daemon, __u64 now_ns)
{
	struct fw_level_now now[FW_SERVICE_MAX];
	unsigned int nr = fw_level_read(&daemon->maps, now_ns, now);

	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int j = 0; j < watch->levels; j++) {
			if (strcmp(now[i].name, watch->level[j].name))
				continue;
			tell_missed(&watch->level[j], &now[i]);
			if (now[i].level != watch->level[j].level)
				tell_level(&watch->level[j], &now[i]);
		}
	memcpy(watch->level, now, nr * sizeof(*now));
	watch->levels = nr;
}

static void tell_change(__u64 was, __u64 is, const char *text)
{
	char before[64], after[64];
	const char *fields[] = { before, after, NULL };

	snprintf(before, sizeof(before), "FLOODWALL_BEFORE=generation %u", FW_LIVE_GENERATION(was));
	snprintf(after, sizeof(after), "FLOODWALL_AFTER=generation %u", FW_LIVE_GENERATION(is));
	fw_journal(LOG_NOTICE, FW_E_CHANGED, fields, "generation %u -> %u%s",
		   FW_LIVE_GENERATION(was), FW_LIVE_GENERATION(is), text);
}

static void watch_generation(struct watch *watch, const struct fw_daemon *daemon, bool first)
{
	const struct fw_maps *maps = &daemon->maps;
	__u64 live = fw_apply_live(maps);
	__u64 deadline = __atomic_load_n(&maps->ctl->deadline_ns, __ATOMIC_RELAXED);
	bool monitor = maps->policy[FW_LIVE_POLICY(live)].flags & FW_P_MONITOR;

	if (!first && live != watch->live)
		tell_change(watch->live, live,
			    FW_LIVE_GENERATION(live) < FW_LIVE_GENERATION(watch->live)
				    ? ": an unconfirmed change has reverted"
			    : deadline && deadline != watch->deadline_ns
				    ? ": reverts by itself unless confirmed"
				    : "");
	if (!first && monitor != watch->monitor)
		fw_journal(LOG_WARNING, FW_E_CHANGED, NULL,
			   monitor ? "mode monitor: drops are counted, nothing is dropped any more"
				   : "mode enforce: what is over its limits is dropped");
	watch->live = live;
	watch->deadline_ns = deadline;
	watch->monitor = monitor;
}

static void tick(struct fw_daemon *daemon, __u64 now_ns)
{
	struct watch *watch = daemon->part[FW_PART_WATCH];
	bool first = watch->serial != daemon->maps_serial;

	if (!daemon->maps.cpus)
		return;
	if (first)
		*watch = (struct watch){ .serial = daemon->maps_serial };
	watch_generation(watch, daemon, first);
	watch_levels(watch, daemon, now_ns);
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	daemon->part[FW_PART_WATCH] = calloc(1, sizeof(struct watch));
	return daemon->part[FW_PART_WATCH] ? 0 : fw_err_set(err, -ENOMEM, NULL, "out of memory");
}

static void stop(struct fw_daemon *daemon)
{
	free(daemon->part[FW_PART_WATCH]);
	daemon->part[FW_PART_WATCH] = NULL;
}

const struct fw_part fw_part_watch = {
	.name = "watch", .start = start, .tick = tick, .stop = stop
};
