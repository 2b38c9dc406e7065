/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The families of metrics, one row each: X(name, TYPE, unit, help). The manual lists every one
 * (scripts/check-docs); names and units are a promise and never change. No label ever holds an
 * address of a source: what is exported does not grow with an attack.
 */
#ifndef FW_DAEMON_METRICS_H
#define FW_DAEMON_METRICS_H

#include "user/daemon/expo.h"
#include "user/daemon/snap.h"

#define FW_METRICS(X)                                                                           \
	X(floodwall_build, INFO, "", "The controller that runs, and the program that filters")  \
	X(floodwall_packets, COUNTER, "packets",                                                \
	  "Packets by what became of them; all samples together are the packets seen")          \
	X(floodwall_bytes, COUNTER, "bytes", "The same in bytes on the wire, without FCS")      \
	X(floodwall_cpu_packets, COUNTER, "packets", "Packets by the CPU that judged them")     \
	X(floodwall_class_packets, COUNTER, "packets",                                          \
	  "Packets by class of their source, passed or answered against dropped")               \
	X(floodwall_notes, COUNTER, "", "Things worth counting that are not verdicts")          \
	X(floodwall_samples, COUNTER, "",                                                       \
	  "Packets chosen as samples, by what became of the sample")                            \
	X(floodwall_accounts_lost_packets, COUNTER, "packets",                                  \
	  "Packets missing in the accounts of sources, because nobody read them in time")       \
	X(floodwall_reflected_packets, COUNTER, "packets",                                      \
	  "Packets from an amplifier's port, by that port")                                     \
	X(floodwall_service_level, GAUGE, "",                                                   \
	  "1 for the level that a service is at, 0 for the others")                             \
	X(floodwall_service_level_pinned, GAUGE, "", "1 if an admin holds the level")           \
	X(floodwall_service_level_entries, COUNTER, "",                                         \
	  "How often its traffic brought a service to each level")                              \
	X(floodwall_service_level_seconds, COUNTER, "seconds",                                  \
	  "Time that its traffic kept a service at each level, whatever an admin holds")        \
	X(floodwall_budget_used_ratio, GAUGE, "ratio",                                          \
	  "Part of a shared budget's burst in use, 1 = nothing left")                           \
	X(floodwall_crowd_used_ratio, GAUGE, "ratio",                                           \
	  "The same of a service's budgets for unproven traffic")                               \
	X(floodwall_table_entries, GAUGE, "entries",                                            \
	  "Places in use, sampled over the last 16 seconds")                                    \
	X(floodwall_table_max_entries, GAUGE, "entries", "Places there are")                    \
	X(floodwall_bans, GAUGE, "", "Proven sources banned now")                               \
	X(floodwall_maps_memory_bytes, GAUGE, "bytes",                                          \
	  "Memory of the program's maps as the kernel charges it")                              \
	X(floodwall_state, GAUGE, "",                                                           \
	  "1 if there is pinned state to read; 0: nothing is filtered")                         \
	X(floodwall_monitor_mode, GAUGE, "", "1 if drops are counted and not made")             \
	X(floodwall_policy_generation, GAUGE, "", "Number of the policy that runs")             \
	X(floodwall_policy_differs, GAUGE, "",                                                  \
	  "1 if other commands have changed what runs since the file was applied")              \
	X(floodwall_policy_confirm_deadline_timestamp_seconds, GAUGE, "seconds",                \
	  "When the change that waits for its confirmation reverts, 0 = none waits")            \
	X(floodwall_policy_reloads, COUNTER, "", "Attempts to apply the policy file")           \
	X(floodwall_policy_last_reload_success, GAUGE, "", "1 if the last of them was applied") \
	X(floodwall_policy_last_reload_timestamp_seconds, GAUGE, "seconds", "When that was")    \
	X(floodwall_interface_attached, GAUGE, "",                                              \
	  "1 if the interface is filtered, by the mode that is wanted")                         \
	X(floodwall_interface_state, GAUGE, "", "1 for the state that the interface is in")     \
	X(floodwall_interface_received_packets, COUNTER, "packets",                             \
	  "Packets that the kernel says the interface received")                                \
	X(floodwall_interface_received_bytes, COUNTER, "bytes", "The same in bytes")            \
	X(floodwall_interface_discarded_packets, COUNTER, "packets",                            \
	  "Packets lost before or beside the filter, as the kernel counts them")                \
	X(floodwall_nic_queue_packets, COUNTER, "packets",                                      \
	  "Packets by receive queue, where the driver counts them")                             \
	X(floodwall_nic_discards, COUNTER, "",                                                  \
	  "The driver's own counters of discards and errors, queues together")                  \
	X(floodwall_link_messages, COUNTER, "", "Messages about links from the kernel")         \
	X(floodwall_events, COUNTER, "", "Records written to the journal, by kind")             \
	X(floodwall_part_up, GAUGE, "", "1 if this part of the controller works")               \
	X(floodwall_heartbeat_timestamp_seconds, GAUGE, "seconds",                              \
	  "When the controller last looked at everything")                                      \
	X(process_cpu_seconds, COUNTER, "seconds", "CPU time of the controller")                \
	X(process_start_time_seconds, GAUGE, "seconds", "When the controller was started")      \
	X(process_resident_memory_bytes, GAUGE, "bytes",                                        \
	  "Resident memory of the controller, the maps it looks into included")                 \
	X(process_private_memory_bytes, GAUGE, "bytes", "The same without maps and files")      \
	X(process_open_fds, GAUGE, "fds", "Open file descriptors")                              \
	X(process_max_fds, GAUGE, "fds", "Most that it may have")                               \
	X(floodwall_scrape_duration_seconds, GAUGE, "seconds",                                  \
	  "Time that this reading took, writing it down included")

/* All families of one reading, in the form that `expo` was begun with. */
void fw_metrics_put(struct fw_expo *expo, const struct fw_snap *snap);

#define X(name, type, unit, help) \
	void fw_put_##name(struct fw_expo *expo, const struct fw_snap *snap);
FW_METRICS(X)
#undef X

#endif
