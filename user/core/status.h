/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is attached where, in which mode, since when, by which build, and what it costs: the record
 * in the maps held against what the kernel says. Reads only, without the lock.
 */
#ifndef FW_CORE_STATUS_H
#define FW_CORE_STATUS_H

#include <stdbool.h>
#include "user/core/level.h"
#include "user/kern/attach.h"
#include "user/kern/maps.h"
#include "user/kern/probe.h"

enum fw_status_health {
	FW_STATUS_FINE,	     /* our program is there */
	FW_STATUS_REPLACED,  /* somebody else's program is there instead */
	FW_STATUS_LOST,	     /* no program is there any more */
	FW_STATUS_VANISHED,  /* the interface is gone */
	FW_STATUS_ELSEWHERE, /* in another network namespace: known from the record only */
	FW_STATUS_UNKNOWN,   /* not permitted to look */
	FW_STATUS_BEGUN,     /* recorded before its program was there, which it is not yet */
	FW_STATUS_HEALTH_MAX,
};

struct fw_status_iface {
	struct fw_iface iface; /* as recorded; the program's id as found */
	enum fw_status_health health;
	struct fw_xdp_state state; /* unless vanished or elsewhere */
	struct fw_iface_info info; /* likewise */
};

struct fw_status_table {
	const char *name; /* "sources4", "sources6", "networks6" */
	__u64 size, used; /* entries */
	__u64 bytes;	  /* of memory */
};
#define FW_STATUS_TABLES 3

struct fw_status {
	struct fw_meta meta;
	__u64 loaded_ns; /* CLOCK_REALTIME at which the state was made */
	__u32 generation;
	bool monitor;
	__u32 confirm_s; /* a change waits for its confirmation that long; 0 = none */
	__u32 prefixes, prefixes_max;
	struct fw_status_table table[FW_STATUS_TABLES];
	unsigned int nr_ifaces, nr_costs, nr_services;
	struct fw_level_now service[FW_SERVICE_MAX];
	struct fw_status_iface iface[FW_IFACE_MAX];
	struct fw_maps_cost cost[40];
	__u64 memory; /* of all maps, as the kernel charges it */
};

/*
 * Fill *ret (large: allocate it). -ENOENT (3): no state there. An interface that is not as
 * recorded is no error.
 */
int fw_status_read(const char *pins, struct fw_status *ret, struct fw_err *err);

/* "attached", "replaced", ...: the word for JSON; and one sentence about it. */
const char *fw_status_word(enum fw_status_health health);
const char *fw_status_text(enum fw_status_health health);

/* Something is not as it should be: exit code 5. Generic mode counts. */
bool fw_status_degraded(const struct fw_status *status);

#endif
