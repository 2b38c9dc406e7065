/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The level of each service as it is now: the program's stored state, relaxed by the time that has
 * passed since, or what an admin has pinned. Reads only.
 */
#ifndef FW_CORE_LEVEL_H
#define FW_CORE_LEVEL_H

#include <stdbool.h>
#include "user/kern/maps.h"

struct fw_level_now {
	char name[FW_NAME_LEN]; /* of the service */
	__u32 level;		/* enum fw_level, in force */
	bool pinned;		/* by an admin; counts and times go on as if it were not */
	__u32 for_s;		/* seconds in it; 0 = pinned, or never another one */
	__u32 entries[FW_LEVEL_MAX];
	__u32 spent_s[FW_LEVEL_MAX]; /* seconds in each, up to now */
};

/* maps: opened with FW_MAPS_POLICY and FW_MAPS_SOURCES. Returns how many services there are. */
unsigned int fw_level_read(const struct fw_maps *maps, __u64 now_ns,
			   struct fw_level_now ret[FW_SERVICE_MAX]);

#endif
