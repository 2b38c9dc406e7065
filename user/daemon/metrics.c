// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of families, and what each says of the controller, its interfaces and itself; what it
 * says of packets is in metrics_packets.c. Every series there can be is there from the start, at 0.
 */
#include <stdio.h>
#include "user/base/clock.h"
#include "user/core/journal.h"
#include "user/daemon/metrics.h"

static const struct family {
	struct fw_metric metric;
	void (*put)(struct fw_expo *expo, const struct fw_snap *snap);
} families[] = {
#define X(name, type, unit, help) { { #name, FW_METRIC_##type, unit, help }, fw_put_##name },
	FW_METRICS(X)
#undef X
};

void fw_metrics_put(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		fw_expo_family(expo, &families[i].metric);
		families[i].put(expo, snap);
	}
}

/* One sample without labels. */
#define PLAIN(name_, how_, value_)                                            \
	void fw_put_##name_(struct fw_expo *expo, const struct fw_snap *snap) \
	{                                                                     \
		how_(expo, NULL, value_);                                     \
	}
#define STATE_PLAIN(name_, how_, value_)                                      \
	void fw_put_##name_(struct fw_expo *expo, const struct fw_snap *snap) \
	{                                                                     \
		if (snap->state)                                              \
			how_(expo, NULL, value_);                             \
	}

STATE_PLAIN(floodwall_bans, fw_expo_count, snap->bans)
STATE_PLAIN(floodwall_maps_memory_bytes, fw_expo_count, snap->maps_bytes)
STATE_PLAIN(floodwall_monitor_mode, fw_expo_count, snap->stats.monitor)
STATE_PLAIN(floodwall_policy_generation, fw_expo_count, snap->generation)
STATE_PLAIN(floodwall_policy_differs, fw_expo_count, snap->differs)
STATE_PLAIN(floodwall_policy_confirm_deadline_timestamp_seconds, fw_expo_value, snap->deadline_s)
PLAIN(floodwall_state, fw_expo_count, snap->state)
PLAIN(floodwall_policy_last_reload_success, fw_expo_count, snap->daemon->reload_ok)
PLAIN(floodwall_policy_last_reload_timestamp_seconds, fw_expo_value,
      (double)snap->daemon->reload_ns / 1e9)
PLAIN(floodwall_heartbeat_timestamp_seconds, fw_expo_value, (double)snap->daemon->beat_ns / 1e9)
/* The last family, so that all the others are in it. */
PLAIN(floodwall_scrape_duration_seconds, fw_expo_value,
      (double)(fw_clock_now() - snap->start_ns) / 1e9)
PLAIN(process_cpu_seconds, fw_expo_value, snap->process.cpu_s)
PLAIN(process_start_time_seconds, fw_expo_value, snap->process.start_s)
PLAIN(process_resident_memory_bytes, fw_expo_count, snap->process.resident)
PLAIN(process_private_memory_bytes, fw_expo_count, snap->process.private_bytes)
PLAIN(process_open_fds, fw_expo_count, snap->process.fds)
PLAIN(process_max_fds, fw_expo_count, snap->process.fds_max)

void fw_put_floodwall_build(struct fw_expo *expo, const struct fw_snap *snap)
{
	const struct fw_daemon *daemon = snap->daemon;
	const struct fw_label labels[] = {
		{ "version", daemon->opts.build },
		{ "state_version", snap->state ? daemon->maps.meta->build : "" },
		{ NULL, NULL },
	};

	fw_expo_count(expo, labels, 1);
}

void fw_put_floodwall_policy_reloads(struct fw_expo *expo, const struct fw_snap *snap)
{
	const struct fw_daemon *daemon = snap->daemon;

	fw_expo_count(expo, (struct fw_label[]){ { "result", "applied" }, { NULL, NULL } },
		      daemon->reloads);
	fw_expo_count(expo, (struct fw_label[]){ { "result", "refused" }, { NULL, NULL } },
		      daemon->reloads_failed);
}

static const char *mode_name(enum fw_mode mode)
{
	return mode == FW_MODE_GENERIC ? "generic" : "native";
}

void fw_put_floodwall_interface_attached(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++) {
		const struct fw_want *want = &snap->iface[i].want;

		fw_expo_count(expo,
			      (struct fw_label[]){ { "interface", want->name },
						   { "mode", mode_name(want->mode) },
						   { NULL, NULL } },
			      want->state == FW_WANT_ATTACHED);
	}
}

void fw_put_floodwall_interface_state(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++)
		for (int state = 0; state < FW_WANT_MAX; state++)
			fw_expo_count(expo,
				      (struct fw_label[]){
					      { "interface", snap->iface[i].want.name },
					      { "state", fw_want_word((enum fw_want_state)state) },
					      { NULL, NULL } },
				      snap->iface[i].want.state == (enum fw_want_state)state);
}

void fw_put_floodwall_interface_received_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++)
		if (snap->iface[i].counted)
			fw_expo_count(
				expo,
				(struct fw_label[]){ { "interface", snap->iface[i].want.name },
						     { NULL, NULL } },
				snap->iface[i].nic.link.rx_packets);
}

void fw_put_floodwall_interface_received_bytes(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++)
		if (snap->iface[i].counted)
			fw_expo_count(
				expo,
				(struct fw_label[]){ { "interface", snap->iface[i].want.name },
						     { NULL, NULL } },
				snap->iface[i].nic.link.rx_bytes);
}

void fw_put_floodwall_interface_discarded_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++) {
		const struct rtnl_link_stats64 *l = &snap->iface[i].nic.link;
		const struct {
			const char *name;
			__u64 value;
		} row[] = {
			{ "dropped", l->rx_dropped },	   { "missed", l->rx_missed_errors },
			{ "over", l->rx_over_errors },	   { "fifo", l->rx_fifo_errors },
			{ "length", l->rx_length_errors }, { "crc", l->rx_crc_errors },
			{ "frame", l->rx_frame_errors },   { "nohandler", l->rx_nohandler },
		};

		for (size_t k = 0; snap->iface[i].counted && k < sizeof(row) / sizeof(*row); k++)
			fw_expo_count(
				expo,
				(struct fw_label[]){ { "interface", snap->iface[i].want.name },
						     { "counter", row[k].name },
						     { NULL, NULL } },
				row[k].value);
	}
}

void fw_put_floodwall_nic_queue_packets(struct fw_expo *expo, const struct fw_snap *snap)
{
	char queue[16];

	for (unsigned int i = 0; i < snap->ifaces; i++)
		for (unsigned int q = 0; snap->iface[i].counted && q < snap->iface[i].nic.queues;
		     q++) {
			snprintf(queue, sizeof(queue), "%u", q);
			fw_expo_count(
				expo,
				(struct fw_label[]){ { "interface", snap->iface[i].want.name },
						     { "queue", queue },
						     { NULL, NULL } },
				snap->iface[i].nic.queue[q]);
		}
}

void fw_put_floodwall_nic_discards(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (unsigned int i = 0; i < snap->ifaces; i++) {
		const struct fw_nic *nic = &snap->iface[i].nic;

		for (unsigned int d = 0; snap->iface[i].counted && d < nic->discards; d++)
			fw_expo_count(
				expo,
				(struct fw_label[]){ { "interface", snap->iface[i].want.name },
						     { "counter", nic->discard[d].name },
						     { NULL, NULL } },
				nic->discard[d].value);
	}
}

void fw_put_floodwall_link_messages(struct fw_expo *expo, const struct fw_snap *snap)
{
	const struct fw_ifaces *ifaces = fw_ifaces_get(snap->daemon);

	fw_expo_count(expo, NULL, ifaces ? ifaces->links : 0);
}

void fw_put_floodwall_events(struct fw_expo *expo, const struct fw_snap *snap)
{
	(void)snap;
	for (int i = 0; i < FW_E_MAX; i++)
		fw_expo_count(
			expo,
			(struct fw_label[]){ { "event", fw_journal_name[i] }, { NULL, NULL } },
			fw_journal_count[i]);
}

void fw_put_floodwall_part_up(struct fw_expo *expo, const struct fw_snap *snap)
{
	for (int i = 0; i < FW_PART_MAX; i++)
		fw_expo_count(expo,
			      (struct fw_label[]){ { "part", fw_parts[i]->name }, { NULL, NULL } },
			      fw_part_works(snap->daemon, (enum fw_part_id)i));
}
