// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record in the maps held against what the kernel says. Each can be wrong alone: the record
 * after a kill or a foreigner's `ip link set xdp off`, the kernel's answer for other namespaces.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/status.h"
#include "user/kern/ids.h"

static const struct {
	const char *word, *text;
} healths[FW_STATUS_HEALTH_MAX] = {
	[FW_STATUS_FINE] = { "attached", "attached" },
	[FW_STATUS_REPLACED] = { "replaced", "another program has taken the place of floodwall" },
	[FW_STATUS_LOST] = { "lost", "somebody took the program off" },
	[FW_STATUS_VANISHED] = { "vanished", "the interface is gone" },
	[FW_STATUS_ELSEWHERE] = { "elsewhere", "in another network namespace" },
	[FW_STATUS_UNKNOWN] = { "unknown", "not permitted to look (CAP_SYS_ADMIN)" },
	[FW_STATUS_BEGUN] = { "begun", "its attach goes on, or was cut short" },
};

const char *fw_status_word(enum fw_status_health health)
{
	return healths[health].word;
}

const char *fw_status_text(enum fw_status_health health)
{
	return healths[health].text;
}

static enum fw_status_health judge(struct fw_status_iface *s)
{
	const struct fw_xdp_prog *ours = fw_attach_ours(&s->state);

	if (ours) {
		s->iface.prog_id = ours->id;
		s->iface.mode = (__u8)s->state.mode;
		s->iface.dispatcher = s->state.dispatcher;
		return FW_STATUS_FINE;
	}
	if (s->state.opaque)
		return FW_STATUS_UNKNOWN;
	if (s->state.nr)
		return FW_STATUS_REPLACED;
	return s->iface.prog_id ? FW_STATUS_LOST : FW_STATUS_BEGUN;
}

static int read_iface(const struct fw_maps *maps, struct fw_status_iface *s, struct fw_err *err)
{
	char name[IF_NAMESIZE];
	int r;

	if (s->iface.netns != fw_attach_netns()) {
		s->health = fw_ids_exists(FW_ID_PROG, s->iface.prog_id) ? FW_STATUS_ELSEWHERE
									: FW_STATUS_VANISHED;
		return 0;
	}
	s->health = FW_STATUS_VANISHED;
	if (!if_indextoname(s->iface.ifindex, name))
		return 0;
	snprintf(s->iface.name, sizeof(s->iface.name), "%s", name);
	r = fw_attach_query((int)s->iface.ifindex,
			    (struct fw_xdp_us){ maps->ctl_id, s->iface.prog_id }, &s->state, err);
	if (!r)
		r = fw_probe_iface(name, &s->info, err);
	if (r == -ENODEV) /* went just now */
		return 0;
	if (!r)
		s->health = judge(s);
	return r;
}

static int read_ifaces(const struct fw_maps *maps, struct fw_status *st, struct fw_err *err)
{
	struct fw_iface list[FW_IFACE_MAX];
	int r;

	r = fw_maps_ifaces(maps->iface_fd, list, &st->nr_ifaces);
	if (r)
		return fw_err_set(err, r, NULL, "cannot read the record of interfaces: %s",
				  strerror(-r));
	for (unsigned int i = 0; i < st->nr_ifaces && !r; i++) {
		st->iface[i].iface = list[i];
		r = read_iface(maps, &st->iface[i], err);
	}
	return r;
}

static void read_tables(const struct fw_maps *maps, struct fw_status *st)
{
	const struct {
		const char *name;
		const struct fw_maps_table *table;
	} tables[FW_STATUS_TABLES] = {
		{ "sources4", &maps->src4 },
		{ "sources6", &maps->src6 },
		{ "networks6", &maps->net6 },
	};

	for (int i = 0; i < FW_STATUS_TABLES; i++)
		st->table[i] = (struct fw_status_table){
			.name = tables[i].name,
			.size = (__u64)tables[i].table->sets * FW_WAYS,
			.used = fw_maps_occupied(tables[i].table),
			.bytes = (__u64)tables[i].table->sets *
				 (FW_WAYS + sizeof(struct fw_src_set)),
		};
}

static void read_policy(const struct fw_maps *maps, struct fw_status *st)
{
	__u64 live = fw_apply_live(maps);

	st->generation = FW_LIVE_GENERATION(live);
	st->monitor = maps->policy[FW_LIVE_POLICY(live)].flags & FW_P_MONITOR;
	st->confirm_s = fw_apply_pending(maps);
	st->prefixes = maps->lane_head[FW_LIVE_LANES(live)].prefixes;
	st->prefixes_max = maps->cap_prefix;
}

int fw_status_read(const char *pins, struct fw_status *ret, struct fw_err *err)
{
	const unsigned int parts =
		FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_SOURCES | FW_MAPS_IFACES;
	struct fw_maps maps = {};
	int r;

	r = fw_maps_open(pins, parts, &maps, err);
	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->meta = *maps.meta;
	ret->loaded_ns = fw_clock_realtime() - (fw_clock_boottime() - ret->meta.loaded_ns);
	read_policy(&maps, ret);
	read_tables(&maps, ret);
	ret->nr_services = fw_level_read(&maps, fw_apply_now(&maps), ret->service);
	r = read_ifaces(&maps, ret, err);
	if (!r)
		r = fw_maps_costs(pins, ret->cost, sizeof(ret->cost) / sizeof(ret->cost[0]),
				  &ret->nr_costs, err);
	for (unsigned int i = 0; i < ret->nr_costs; i++)
		ret->memory += ret->cost[i].bytes;
	fw_maps_close(&maps);
	return r;
}

bool fw_status_degraded(const struct fw_status *status)
{
	for (unsigned int i = 0; i < status->nr_ifaces; i++) {
		const struct fw_status_iface *s = &status->iface[i];

		if (s->health != FW_STATUS_FINE && s->health != FW_STATUS_ELSEWHERE)
			return true;
		if (s->iface.mode == FW_MODE_GENERIC)
			return true;
	}
	return false;
}
