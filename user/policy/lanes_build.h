/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the lane compiler share: lanes.c sweeps, lanes4.c and lanes6.c write. Private.
 */
#ifndef FW_LANES_BUILD_H
#define FW_LANES_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include "user/policy/lanes.h"

typedef unsigned __int128 fw_u128;

/* Profiles seen so far, one of each; [0] is "in no lane". Grows beyond the output's room, to know
 * how much would be needed. */
struct fw_lanes_profiles {
	struct fw_profile *at;
	__u32 count;
	__u32 room;
	__u32 *tally; /* by position, see fw_lanes4_count() */
	__u32 *index; /* hash -> position + 1 */
	__u32 slots;
};

int fw_lanes_profiles_init(struct fw_lanes_profiles *set);
void fw_lanes_profiles_free(struct fw_lanes_profiles *set);
/* Number of this profile, entered if it is new. -ENOMEM. */
int fw_lanes_profiles_get(struct fw_lanes_profiles *set, const struct fw_profile *profile,
			  __u32 *ret_id);
/* Profile id changes numbers with FW_LANE4_COMMON. Neither is 0. */
void fw_lanes_profiles_promote(struct fw_lanes_profiles *set, __u32 id);

/* Writers take ranges in rising order, without gaps, neighbours of different profiles. */
struct fw_lanes4 {
	struct fw_lanes *out;
	struct fw_lanes_profiles *profiles;
	bool counting;	      /* first of two passes: which profile is the commonest? */
	bool common;	      /* it goes into the set, where it can */
	bool open;	      /* a range is collected: */
	__u32 first, profile; /* where it begins, and of what */
	__u32 used;	      /* ranges, counted on beyond the room */
	__u32 block;	      /* /16 being written */
	__u32 start;	      /* its first range */
	__u64 listed[1024];   /* a bit per /16: some of it is in the set */
	__u64 pack[65536];    /* room to rewrite it */
};

void fw_lanes4_add(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile);
/* Between the two passes, of the same ranges. */
void fw_lanes4_counted(struct fw_lanes4 *writer);
/* After the range that ends at 255.255.255.255. -ENOSPC. */
int fw_lanes4_finish(struct fw_lanes4 *writer, struct fw_err *err);

/* The set of single addresses, lanes4_set.c. Count a range in the first pass. */
void fw_lanes4_count(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile);
/* Put a range into the set. False: it must be written as a range. */
bool fw_lanes4_list(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile);
/* Is some of this /16 in the set? */
bool fw_lanes4_is_listed(const struct fw_lanes4 *writer, __u32 block);

struct fw_lanes6_key {
	__u64 key;
	__u32 val;
};

struct fw_lanes6 {
	struct fw_lanes *out;
	struct fw_lanes6_key *key; /* in order */
	size_t keys;
	size_t room;
	__u32 deep;  /* ranges, counted on beyond the room */
	__u32 group; /* first range of the group being written */
	bool open;   /* there is one */
	bool huge;   /* a group is larger than the program searches */
	__u32 base;  /* profile below the first key */
};

int fw_lanes6_add(struct fw_lanes6 *writer, fw_u128 first, fw_u128 last, __u32 profile);
int fw_lanes6_finish(struct fw_lanes6 *writer, struct fw_err *err);
void fw_lanes6_free(struct fw_lanes6 *writer);

#endif
