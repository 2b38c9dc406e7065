// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the metrics say of packets. Each packet is in exactly one sample of floodwall_packets: a
 * reason that passes means the same in both modes, others are "would_..." while the mode is
 * monitor. What was counted for services that are no more stays in, under one name, so that the
 * sum never falls.
 */
#include <stdio.h>
#include <sys/param.h>
#include "user/daemon/metrics.h"
#include "user/policy/model.h"

#define REMOVED "(removed)" /* no service can be called that */

static const char *const verdicts[2][FW_V_MAX] = {
	{ [FW_V_PASS] = "pass", [FW_V_DROP] = "drop", [FW_V_TX] = "answer" },
	{ [FW_V_PASS] = "pass", [FW_V_DROP] = "would_drop", [FW_V_TX] = "would_answer" },
};

static void put_one(struct fw_expo *expo, const char *service, unsigned int reason,
		    const char *verdict, __u64 value)
{
	const struct fw_label labels[] = {
		{ "service", service },
		{ "verdict", verdict },
		{ "reason", fw_stats_reasons[reason].name },
		{ NULL, NULL },
	};

	fw_expo_count(expo, labels, value);
}

/* always: the series is there at 0 too. */
static void put_service(struct fw_expo *expo, const char *name,
			const struct fw_count enforce[FW_REASON_SLOTS],
			const struct fw_count monitor[FW_REASON_SLOTS], bool bytes, bool always,
			bool would)
{
	for (unsigned int r = 0; r < FW_R_MAX; r++) {
		enum fw_verdict verdict = fw_stats_reasons[r].verdict;
		__u64 done = bytes ? enforce[r].bytes : enforce[r].packets;
		__u64 not = bytes ? monitor[r].bytes : monitor[r].packets;

		if (verdict == FW_V_PASS) {
			done += not ;
			not = 0;
		}
		if (done || always)
			put_one(expo, name, r, verdicts[0][verdict], done);
		if (verdict != FW_V_PASS && (not || (always && would)))
			put_one(expo, name, r, verdicts[1][verdict], not );
	}
}

static void put_services(struct fw_expo *expo, const struct fw_snap *snap, bool bytes)
{
	const struct fw_stats *stats = &snap->stats;
	struct fw_count gone[2][FW_REASON_SLOTS] = {};

	if (!snap->state)
		return;
	for (int s = 0; s < FW_SERVICE_MAX; s++) {
		if (*stats->service_name[s]) {
			put_service(expo, stats->service_name[s], stats->svc[0][s],
				    stats->svc[1][s], bytes, true, stats->monitor);
			continue;
		}
		for (int m = 0; m < 2; m++)
			for (int r = 0; r < FW_REASON_SLOTS; r++) {
				gone[m][r].packets += stats->svc[m][s][r].packets;
				gone[m][r].bytes += stats->svc[m][s][r].bytes;
			}
	}
	put_service(expo, REMOVED, gone[0], gone[1], bytes, false, false);
}

void fw_put_floodwall_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	put_services(expo, snap, false);
}

void fw_put_floodwall_bytes(struct fw_expo *expo, const struct fw_snap *snap)
{
	put_services(expo, snap, true);
}

void fw_put_floodwall_cpu_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	char cpu[16];

	for (unsigned int i = 0; snap->state && i < snap->stats.cpus; i++) {
		struct fw_stats_verdicts v = fw_stats_cpu(&snap->stats, i);
		const struct {
			const char *verdict;
			__u64 packets;
		} row[] = { { "pass", v.pass.packets },
			    { "drop", v.drop.packets },
			    { "answer", v.tx.packets },
			    { "would_drop_or_answer", v.would.packets } };

		snprintf(cpu, sizeof(cpu), "%u", i);
		for (size_t k = 0; k < sizeof(row) / sizeof(*row); k++)
			fw_expo_count(expo,
				      (struct fw_label[]){ { "cpu", cpu },
							   { "verdict", row[k].verdict },
							   { NULL, NULL } },
				      row[k].packets);
	}
}

void fw_put_floodwall_class_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	static const char *const results[] = { [FW_CC_PASS] = "pass", [FW_CC_DROP] = "drop" };

	for (int c = 0; snap->state && c < FW_CLASS_MAX; c++)
		for (int k = 0; *snap->stats.class_name[c] && k <= FW_CC_DROP; k++)
			fw_expo_count(expo,
				      (struct fw_label[]){ { "class", snap->stats.class_name[c] },
							   { "result", results[k] },
							   { NULL, NULL } },
				      snap->stats.cls[c][k].packets);
}

void fw_put_floodwall_notes(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (int n = 0; snap->state && n < FW_N_MAX; n++)
		fw_expo_count(
			expo,
			(struct fw_label[]){ { "note", fw_stats_notes[n].name }, { NULL, NULL } },
			snap->stats.note[n]);
}

void fw_put_floodwall_samples(struct fw_expo *expo, const struct fw_snap *snap)
{
	static const char *const groups[FW_G_MAX] = {
#define X(id, name, crowd) [FW_G_##id] = name,
		FW_GROUPS(X)
#undef X
	};

	for (int g = 0; snap->state && g < FW_G_MAX; g++) {
		const struct {
			const char *result;
			__u64 value;
		} row[] = { { "kept", snap->sampler[g].emitted },
			    { "held", snap->sampler[g].held },
			    { "lost", snap->sampler[g].lost } };

		for (size_t k = 0; k < sizeof(row) / sizeof(*row); k++)
			fw_expo_count(expo,
				      (struct fw_label[]){ { "group", groups[g] },
							   { "result", row[k].result },
							   { NULL, NULL } },
				      row[k].value);
	}
}

void fw_put_floodwall_accounts_lost_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	if (snap->state)
		fw_expo_count(expo, NULL, snap->accounts_lost);
}

void fw_put_floodwall_reflected_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	char port[16];

	for (int i = 1; snap->state && i < FW_REFLECT_MAX; i++) {
		if (!snap->stats.reflect_port[i])
			continue;
		snprintf(port, sizeof(port), "%u", snap->stats.reflect_port[i]);
		fw_expo_count(expo, (struct fw_label[]){ { "port", port }, { NULL, NULL } },
			      snap->stats.note[FW_NOTE_REFLECT_BASE + i]);
	}
}

static void put_levels(struct fw_expo *expo, const struct fw_snap *snap,
		       __u64 (*value)(const struct fw_level_now *now, unsigned int level))
{
	for (unsigned int s = 0; snap->state && s < snap->levels; s++)
		for (unsigned int l = 0; l < FW_LEVEL_MAX; l++)
			fw_expo_count(expo,
				      (struct fw_label[]){ { "service", snap->level[s].name },
							   { "level", fw_model_level_name(l) },
							   { NULL, NULL } },
				      value(&snap->level[s], l));
}

static __u64 is_level(const struct fw_level_now *now, unsigned int level)
{
	return now->level == level;
}

static __u64 entries(const struct fw_level_now *now, unsigned int level)
{
	return now->entries[level];
}

static __u64 spent(const struct fw_level_now *now, unsigned int level)
{
	return now->spent_s[level];
}

void fw_put_floodwall_service_level(struct fw_expo *expo, const struct fw_snap *snap)
{
	put_levels(expo, snap, is_level);
}

void fw_put_floodwall_service_level_entries(struct fw_expo *expo, const struct fw_snap *snap)
{
	put_levels(expo, snap, entries);
}

void fw_put_floodwall_service_level_seconds(struct fw_expo *expo, const struct fw_snap *snap)
{
	put_levels(expo, snap, spent);
}

void fw_put_floodwall_service_level_pinned(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int s = 0; snap->state && s < snap->levels; s++)
		fw_expo_count(
			expo,
			(struct fw_label[]){ { "service", snap->level[s].name }, { NULL, NULL } },
			snap->level[s].pinned);
}

void fw_put_floodwall_budget_used_ratio(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int b = 0; snap->state && b < FW_B_MAX; b++)
		if (snap->limited[b])
			fw_expo_value(expo,
				      (struct fw_label[]){ { "budget", fw_model_budget_name(b) },
							   { NULL, NULL } },
				      snap->budget[b]);
}

void fw_put_floodwall_crowd_used_ratio(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (int s = 0; snap->state && s < FW_SERVICE_MAX; s++)
		for (unsigned int k = 0; *snap->stats.service_name[s] && k < FW_C_MAX; k++)
			if (snap->crowded[s][k])
				fw_expo_value(expo,
					      (struct fw_label[]){
						      { "service", snap->stats.service_name[s] },
						      { "kind", fw_model_crowd_name(k) },
						      { NULL, NULL } },
					      snap->crowd[s][k]);
}

static const char *const tables[FW_SNAP_TABLES] = { "sources4", "sources6", "networks6" };

void fw_put_floodwall_table_entries(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (int t = 0; snap->state && t < FW_SNAP_TABLES; t++)
		fw_expo_count(expo, (struct fw_label[]){ { "table", tables[t] }, { NULL, NULL } },
			      snap->table_used[t]);
	if (snap->state)
		fw_expo_count(expo, (struct fw_label[]){ { "table", "prefixes" }, { NULL, NULL } },
			      snap->prefixes);
}

void fw_put_floodwall_table_max_entries(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (int t = 0; snap->state && t < FW_SNAP_TABLES; t++)
		fw_expo_count(expo, (struct fw_label[]){ { "table", tables[t] }, { NULL, NULL } },
			      snap->table_size[t]);
	if (snap->state)
		fw_expo_count(expo, (struct fw_label[]){ { "table", "prefixes" }, { NULL, NULL } },
			      snap->prefixes_max);
}
