// SPDX-License-Identifier: GPL-2.0-only
/* The set of distinct profiles: a vector and a hash over it. Profile 0 is "in no lane". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/policy/lanes_build.h"

int fw_lanes_profiles_init(struct fw_lanes_profiles *set)
{
	static const struct fw_profile none;
	__u32 id;

	return fw_lanes_profiles_get(set, &none, &id);
}

void fw_lanes_profiles_free(struct fw_lanes_profiles *set)
{
	free(set->at);
	free(set->tally);
	free(set->index);
	memset(set, 0, sizeof(*set));
}

static __u32 slot_find(const struct fw_lanes_profiles *set, const struct fw_profile *p)
{
	__u64 h = ((__u64)p->management_s << 32 | p->trusted_s) * 0x9e3779b97f4a7c15ULL;
	__u32 i;

	h ^= ((__u64)p->blocked_s << 32 | p->class_s) + p->class;
	h *= 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 29;
	h *= 0x94d049bb133111ebULL;
	for (i = (__u32)(h >> 32) & (set->slots - 1); set->index[i]; i = (i + 1) & (set->slots - 1))
		if (!memcmp(&set->at[set->index[i] - 1], p, sizeof(*p)))
			break;
	return i;
}

/* Room for one more, at no more than half the slots. */
static int room_need(struct fw_lanes_profiles *set)
{
	__u32 room = set->room ? 2 * set->room : 256;
	struct fw_profile *at;
	__u32 *index, *tally;

	if (set->count < set->room)
		return 0;
	at = reallocarray(set->at, room, sizeof(*at));
	if (at)
		set->at = at;
	tally = reallocarray(set->tally, room, sizeof(*tally));
	if (tally)
		set->tally = tally;
	index = at && tally ? calloc(2 * (size_t)room, sizeof(*index)) : NULL;
	if (!index)
		return -ENOMEM;
	free(set->index);
	set->index = index;
	set->slots = 2 * room;
	set->room = room;
	for (__u32 i = 0; i < set->count; i++)
		set->index[slot_find(set, &set->at[i])] = i + 1;
	return 0;
}

int fw_lanes_profiles_get(struct fw_lanes_profiles *set, const struct fw_profile *profile,
			  __u32 *ret_id)
{
	int r = room_need(set);
	__u32 slot;

	if (r)
		return r;
	slot = slot_find(set, profile);
	if (!set->index[slot]) {
		set->tally[set->count] = 0;
		set->at[set->count++] = *profile;
		set->index[slot] = set->count;
	}
	*ret_id = set->index[slot] - 1;
	return 0;
}

void fw_lanes_profiles_promote(struct fw_lanes_profiles *set, __u32 id)
{
	__u32 slot = slot_find(set, &set->at[id]);
	__u32 other = slot_find(set, &set->at[FW_LANE4_COMMON]);
	struct fw_profile p = set->at[id];

	set->at[id] = set->at[FW_LANE4_COMMON];
	set->at[FW_LANE4_COMMON] = p;
	set->index[other] = id + 1;
	set->index[slot] = FW_LANE4_COMMON + 1;
}
