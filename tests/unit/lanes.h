/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room to compile lanes into, and an oracle that knows nothing of ranges: it looks at every prefix
 * that covers an address.
 */
#ifndef FW_UNIT_LANES_H
#define FW_UNIT_LANES_H

#include <arpa/inet.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/lanes.h"

#define NOW_S 1000

struct room {
	struct fw_lane_head head;
	struct fw_lanes lanes;
};

#define SET_LINES (1U << FW_LANE4_BITS)

static struct room *room_new(__u32 ranges4, __u32 nodes6, __u32 deep6, __u32 profiles)
{
	struct room *room = calloc(1, sizeof(*room));
	struct fw_lanes *l;

	assert_non_null(room);
	l = &room->lanes;
	l->head = &room->head;
	l->dir4 = malloc(65536 * sizeof(*l->dir4));
	l->top4 = malloc(16384 * sizeof(*l->top4));
	l->set4 = malloc(SET_LINES * sizeof(*l->set4));
	l->range4 = malloc((ranges4 + 1) * sizeof(*l->range4));
	l->node6 = malloc((nodes6 + 1) * sizeof(*l->node6));
	l->deep6 = malloc((deep6 + 1) * sizeof(*l->deep6));
	l->profile = malloc(profiles * sizeof(*l->profile));
	assert_true(l->top4 && l->dir4 && l->set4 && l->range4 && l->node6 && l->deep6 &&
		    l->profile);
	/* What the half held before must not show through. */
	memset(l->dir4, 0xa5, 65536 * sizeof(*l->dir4));
	memset(l->set4, 0xa5, SET_LINES * sizeof(*l->set4));
	memset(l->range4, 0xa5, (ranges4 + 1) * sizeof(*l->range4));
	memset(l->node6, 0x5a, (nodes6 + 1) * sizeof(*l->node6));
	memset(l->deep6, 0xa5, (deep6 + 1) * sizeof(*l->deep6));
	memset(l->profile, 0xa5, profiles * sizeof(*l->profile));
	memset(l->head, 0xa5, sizeof(*l->head));
	l->set4_lines = SET_LINES;
	l->range4_max = ranges4;
	l->node6_max = nodes6;
	l->deep6_max = deep6;
	l->profile_max = profiles;
	return room;
}

static struct room *room_usual(void)
{
	return room_new(FW_LANE4_RANGES, FW_LANE6_NODES, FW_LANE6_DEEP_MAX, FW_PROFILE_MAX);
}

static void room_free(struct room *room)
{
	free(room->lanes.dir4);
	free(room->lanes.top4);
	free(room->lanes.set4);
	free(room->lanes.range4);
	free(room->lanes.node6);
	free(room->lanes.deep6);
	free(room->lanes.profile);
	free(room);
}

/* What an address is, straight from lanes.h. */
static struct fw_profile oracle(const struct fw_prefixes *set, const __be32 addr_be[4])
{
	struct fw_profile p = { 0 };
	__u32 *until[] = { &p.management_s, &p.trusted_s, &p.blocked_s };
	int longest = -1;

	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		if ((one->until_s != FW_FOREVER && one->until_s <= NOW_S) ||
		    !fw_prefixes_covers(one, addr_be))
			continue;
		if (one->lane != FW_LANE_CLASS) {
			if (one->until_s > *until[one->lane])
				*until[one->lane] = one->until_s;
		} else if (one->len > longest) {
			longest = one->len;
			p.class = one->class;
			p.class_s = one->until_s;
		}
	}
	return p;
}

static void ask(const struct fw_prefixes *set, const struct fw_lanes *lanes,
		const __be32 addr_be[4])
{
	struct fw_profile want = oracle(set, addr_be);
	__u32 id = fw_lanes_lookup(lanes, addr_be);
	char text[FW_TEXT_LEN];

	assert_true(id < lanes->profile_used);
	if (memcmp(&lanes->profile[id], &want, sizeof(want)))
		fail_msg("%s: profile %u", fw_text_put_addr(text, sizeof(text), addr_be), id);
}

static void add_to(__be32 addr_be[4], __s32 n)
{
	unsigned __int128 a = 0;

	for (int i = 0; i < 4; i++)
		a = a << 32 | ntohl(addr_be[i]);
	a += (unsigned __int128)(__s64)n;
	for (int i = 3; i >= 0; i--, a >>= 32)
		addr_be[i] = htonl((__u32)a);
}

static void last_of(const struct fw_prefix *one, __be32 ret[4])
{
	for (int i = 0; i < 4; i++) {
		int bits = one->len - i * 32;

		ret[i] = one->addr_be[i] | htonl(bits >= 32 ? 0 : bits <= 0 ? ~0U : ~0U >> bits);
	}
}

static void ask_edges(const struct fw_prefixes *set, const struct fw_lanes *lanes, size_t i)
{
	for (int edge = 0; edge < 2; edge++)
		for (int step = -1; step <= 1; step++) {
			__be32 addr[4];

			memcpy(addr, set->at[i].addr_be, sizeof(addr));
			if (edge)
				last_of(&set->at[i], addr);
			add_to(addr, step);
			ask(set, lanes, addr);
		}
}

#endif
