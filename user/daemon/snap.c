// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading for the metrics. Nothing here grows with the number of sources tracked: the tables are
 * sampled a slice at a time (the hash spreads sources evenly over the sets, so a part speaks for
 * the whole), and counters are per-CPU arrays of fixed size.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/ban.h"
#include "user/core/policy.h"
#include "user/core/source.h"
#include "user/daemon/process.h"
#include "user/daemon/snap.h"

#define COST_EVERY_NS (60 * FW_NS_PER_S)

static const struct fw_maps_table *table_of(const struct fw_maps *maps, int table)
{
	return table == FW_SNAP_SOURCES4   ? &maps->src4
	       : table == FW_SNAP_SOURCES6 ? &maps->src6
					   : &maps->net6;
}

static void count_slice(struct fw_occupancy *occ, const struct fw_maps_table *table,
			unsigned int slice)
{
	__u32 first = (__u32)((__u64)table->sets * slice / FW_SLICES);
	__u32 end = (__u32)((__u64)table->sets * (slice + 1) / FW_SLICES);
	struct fw_maps_table part = { .fp = table->fp + first,
				      .sets = MIN(end - first, FW_SLICE_SETS) };
	__u64 used = part.sets ? fw_maps_occupied(&part) : 0;

	occ->used[slice] = part.sets ? used * (end - first) / part.sets : 0;
	occ->known[slice] = true;
}

/* Slices not counted yet are taken for the mean of the others. */
static __u64 used_of(const struct fw_occupancy *occ)
{
	__u64 sum = 0;
	unsigned int known = 0;

	for (int i = 0; i < FW_SLICES; i++)
		if (occ->known[i]) {
			sum += occ->used[i];
			known++;
		}
	return known ? sum * FW_SLICES / known : 0;
}

static unsigned int count_bans(const struct fw_maps *maps, __u64 now_ns)
{
	unsigned int bans = 0;

	for (int i = 0; i < FW_BAN_SETS; i++)
		for (int w = 0; w < FW_BAN_WAYS; w++) {
			const struct fw_ban *ban = &maps->ban[i].way[w];

			bans += __atomic_load_n(&ban->key, __ATOMIC_RELAXED) &&
				__atomic_load_n(&ban->until_ns, __ATOMIC_RELAXED) > now_ns;
		}
	return bans;
}

static void count_memory(struct fw_slow *slow, const struct fw_daemon *daemon)
{
	struct fw_maps_cost cost[64];
	unsigned int nr = 0;

	if (fw_maps_costs(daemon->opts.pins, cost, 64, &nr, NULL))
		return;
	slow->maps_bytes = 0;
	for (unsigned int i = 0; i < nr; i++)
		slow->maps_bytes += cost[i].bytes;
}

void fw_snap_tick(struct fw_slow *slow, const struct fw_daemon *daemon, __u64 now_ns)
{
	const struct fw_maps *maps = &daemon->maps;

	if (slow->serial != daemon->maps_serial) {
		fw_stats_kept_free(&slow->counts);
		*slow = (struct fw_slow){ .serial = daemon->maps_serial };
	}
	if (!maps->cpus)
		return;
	for (int i = 0; i < FW_SNAP_TABLES; i++)
		count_slice(&slow->table[i], table_of(maps, i), slow->slice);
	slow->slice = (slow->slice + 1) % FW_SLICES;
	slow->bans = count_bans(maps, now_ns);
	if (slow->live != fw_apply_live(maps)) {
		slow->live = fw_apply_live(maps);
		slow->differs = fw_policy_differs(maps);
	}
	if (!slow->maps_bytes || now_ns - slow->when_ns >= COST_EVERY_NS) {
		count_memory(slow, daemon);
		slow->when_ns = now_ns;
	}
}

static void read_budgets(struct fw_snap *snap, const struct fw_maps *maps, __u32 half)
{
	const struct fw_policy *policy = &maps->policy[half];
	__u64 *pace = NULL;

	for (int i = 0; i < FW_B_MAX; i++) {
		snap->limited[i] = policy->budget[i].window;
		snap->budget[i] =
			fw_source_budget_debt(&maps->budget[i], &policy->budget[i], snap->now_ns);
	}
	/* Each CPU has a budget of its own for cookies: the one nearest to its end counts. */
	if (fw_maps_read(maps, maps->pace_fd, 1, 1, &pace))
		return;
	snap->budget[FW_B_COOKIE] = 0;
	for (unsigned int cpu = 0; cpu < maps->cpus; cpu++) {
		const struct fw_budget own = { .tat = pace[cpu] };
		double debt =
			fw_source_budget_debt(&own, &policy->budget[FW_B_COOKIE], snap->now_ns);

		snap->budget[FW_B_COOKIE] = MAX(snap->budget[FW_B_COOKIE], debt);
	}
	free(pace);
}

static void read_crowds(struct fw_snap *snap, const struct fw_maps *maps, __u32 half)
{
	for (int s = 0; s < FW_SERVICE_MAX; s++)
		for (int k = 0; k < FW_C_MAX; k++) {
			const struct fw_limit *limit = &maps->policy[half].service[s].crowd[k];
			const struct fw_budget own = {
				.tat = __atomic_load_n(&maps->crowd[s].tat[k], __ATOMIC_RELAXED)
			};

			snap->crowded[s][k] = limit->window;
			snap->crowd[s][k] = fw_source_budget_debt(&own, limit, snap->now_ns);
		}
}

static void read_samples(struct fw_snap *snap, const struct fw_maps *maps)
{
	/* The stamps in between sum to nonsense; nobody looks at them. */
	if (fw_maps_sum(maps, maps->sampler_fd, FW_G_MAX, sizeof(struct fw_sampler) / sizeof(__u64),
			(__u64 *)snap->sampler))
		memset(snap->sampler, 0, sizeof(snap->sampler));
	for (__u32 cpu = 0; cpu < maps->cap_ledger_cpus; cpu++)
		snap->accounts_lost +=
			__atomic_load_n(&maps->ledger_at[cpu].lost, __ATOMIC_RELAXED);
}

static void read_state(struct fw_snap *snap, struct fw_slow *slow)
{
	const struct fw_maps *maps = &snap->daemon->maps;
	__u64 live = fw_apply_live(maps), deadline;
	__u32 half = FW_LIVE_POLICY(live);

	if (fw_stats_read_again(maps, &slow->counts, &snap->stats, NULL))
		return;
	snap->state = true;
	snap->generation = FW_LIVE_GENERATION(live);
	deadline = __atomic_load_n(&maps->ctl->deadline_ns, __ATOMIC_RELAXED);
	snap->deadline_s = deadline > snap->now_ns
				   ? (double)fw_clock_to_realtime(deadline, snap->now_ns) / 1e9
				   : 0;
	snap->levels = fw_level_read(maps, snap->now_ns, snap->level);
	read_budgets(snap, maps, half);
	read_crowds(snap, maps, half);
	read_samples(snap, maps);
	for (int i = 0; i < FW_SNAP_TABLES; i++) {
		snap->table_size[i] = (__u64)table_of(maps, i)->sets * FW_WAYS;
		snap->table_used[i] = used_of(&slow->table[i]);
	}
	snap->prefixes = maps->lane_head[FW_LIVE_LANES(live)].prefixes;
	snap->prefixes_max = maps->cap_prefix;
	snap->bans = slow->bans;
	snap->maps_bytes = slow->maps_bytes;
	snap->differs = slow->differs;
}

void fw_snap_read(struct fw_snap *snap, const struct fw_daemon *daemon, struct fw_slow *slow)
{
	const struct fw_ifaces *ifaces = fw_ifaces_get(daemon);
	__u64 start_ns = fw_clock_now();

	fw_snap_free(snap);
	memset(snap, 0, sizeof(*snap));
	snap->daemon = daemon;
	snap->start_ns = start_ns;
	snap->now_ns = daemon->maps.cpus ? fw_apply_now(&daemon->maps) : start_ns;
	snap->realtime_ns = fw_clock_realtime();
	if (daemon->maps.cpus)
		read_state(snap, slow);
	for (unsigned int i = 0; ifaces && i < ifaces->nr; i++) {
		struct fw_snap_iface *one = &snap->iface[snap->ifaces++];

		one->want = ifaces->want[i];
		one->counted = one->want.ifindex && !fw_nic_read(one->want.ifindex, &one->nic);
	}
	fw_process_read(&snap->process, snap->realtime_ns);
}

void fw_snap_free(struct fw_snap *snap)
{
	if (snap)
		fw_stats_free(&snap->stats);
}
