/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the metrics are made of: read now (counters, levels, budgets, interfaces), or a piece at
 * each tick where reading costs more than a scrape may (occupancy of the tables, bans, memory).
 */
#ifndef FW_DAEMON_SNAP_H
#define FW_DAEMON_SNAP_H

#include "user/core/level.h"
#include "user/core/stats.h"
#include "user/daemon/daemon.h"
#include "user/daemon/ifaces.h"
#include "user/kern/nic.h"

/* A table's occupancy, counted in slices: one slice a tick, at most FW_SLICE_SETS of it. */
#define FW_SLICES     16
#define FW_SLICE_SETS 65536
struct fw_occupancy {
	__u64 used[FW_SLICES];
	bool known[FW_SLICES];
};

enum fw_snap_table { FW_SNAP_SOURCES4, FW_SNAP_SOURCES6, FW_SNAP_NETWORKS6, FW_SNAP_TABLES };

/* Kept from tick to tick. */
struct fw_slow {
	__u64 serial; /* of the maps it was read from */
	unsigned int slice;
	struct fw_occupancy table[FW_SNAP_TABLES];
	unsigned int bans; /* in force */
	__u64 maps_bytes;  /* memory of all maps, as the kernel charges it */
	__u64 when_ns;	   /* of maps_bytes, program time */
	struct fw_stats_kept counts;
	__u64 live; /* the generation that differs was found out of */
	bool differs;
};

struct fw_snap_iface {
	struct fw_want want;
	bool counted; /* nic is filled */
	struct fw_nic nic;
};

struct fw_snap_process {
	double cpu_s, start_s; /* start: CLOCK_REALTIME */
	__u64 resident, private_bytes;
	unsigned int fds, fds_max;
};

struct fw_snap {
	const struct fw_daemon *daemon;
	__u64 now_ns, realtime_ns;
	bool state; /* there is one: all of the following is filled */
	struct fw_stats stats;
	struct fw_level_now level[FW_SERVICE_MAX];
	unsigned int levels;
	__u32 generation;
	double deadline_s; /* CLOCK_REALTIME at which an unconfirmed change reverts; 0 = none */
	double budget[FW_B_MAX];
	bool limited[FW_B_MAX];
	double crowd[FW_SERVICE_MAX][FW_C_MAX];
	bool crowded[FW_SERVICE_MAX][FW_C_MAX]; /* that budget has a limit */
	__u64 table_size[FW_SNAP_TABLES], table_used[FW_SNAP_TABLES];
	__u32 prefixes, prefixes_max;
	unsigned int bans;
	__u64 maps_bytes;
	bool differs;			     /* what runs, from the file as it was applied */
	struct fw_sampler sampler[FW_G_MAX]; /* counts over all CPUs */
	__u64 accounts_lost;
	/* always */
	struct fw_snap_iface iface[FW_IFACE_MAX];
	unsigned int ifaces;
	struct fw_snap_process process;
	__u64 start_ns; /* of this reading, fw_clock_now() */
};

/* A piece of what is slow. */
void fw_snap_tick(struct fw_slow *slow, const struct fw_daemon *daemon, __u64 now_ns);

/* Everything now. snap: zeroed, or an earlier one. Without state only what is always there. */
void fw_snap_read(struct fw_snap *snap, const struct fw_daemon *daemon, struct fw_slow *slow);
void fw_snap_free(struct fw_snap *snap);

#endif
