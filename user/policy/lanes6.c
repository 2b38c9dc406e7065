// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes IPv6 ranges: keys over the upper 64 bits, laid out as a static 9-ary tree in breadth-first
 * order, and groups over the lower 64 for /64s that hold longer prefixes. What must stay true:
 * every node that a search can reach within the depth exists; keys without a range are ~0, come
 * behind all others and say the same as the last.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/policy/lanes_build.h"

static int key_put(struct fw_lanes6 *writer, __u64 key, __u32 val)
{
	size_t room = writer->room ? 2 * writer->room : 1024;
	struct fw_lanes6_key *grown;

	if (key == 0 && !(val & FW_LANE6_DEEP)) { /* what holds from the start needs no key */
		writer->base = val;
		return 0;
	}
	if (writer->keys == writer->room) {
		grown = reallocarray(writer->key, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		writer->key = grown;
		writer->room = room;
	}
	writer->key[writer->keys++] = (struct fw_lanes6_key){ key, val };
	return 0;
}

static void deep_put(struct fw_lanes6 *writer, __u64 low, __u32 profile)
{
	if (writer->deep < writer->out->deep6_max)
		writer->out->deep6[writer->deep] = (struct fw_lane6_deep){ low, profile, 0 };
	writer->deep++;
}

static int group_open(struct fw_lanes6 *writer, __u64 key, __u32 profile)
{
	writer->group = writer->deep;
	writer->open = true;
	deep_put(writer, 0, profile);
	return key_put(writer, key, FW_LANE6_DEEP | writer->group);
}

static void group_close(struct fw_lanes6 *writer)
{
	if (writer->deep - writer->group > FW_LANE6_GROUP_MAX)
		writer->huge = true;
	if (writer->group < writer->out->deep6_max)
		writer->out->deep6[writer->group].count = writer->deep - writer->group;
	writer->open = false;
}

int fw_lanes6_add(struct fw_lanes6 *writer, fw_u128 first, fw_u128 last, __u32 profile)
{
	__u64 high = (__u64)(first >> 64), low = (__u64)first;
	__u64 last_high = (__u64)(last >> 64), last_low = (__u64)last;
	int r = 0;

	if (writer->open) { /* the range before ended inside a /64 */
		deep_put(writer, low, profile);
		if (high == last_high && last_low != ~0ULL)
			return 0;
		group_close(writer);
		if (high++ == last_high)
			return 0;
	}
	if (high < last_high || last_low == ~0ULL)
		r = key_put(writer, high, profile);
	if (!r && last_low != ~0ULL)
		r = group_open(writer, last_high, profile);
	return r;
}

/* Keys in order into the nodes below and at node: left child, key, child, key ... right child. */
static size_t tree_fill(struct fw_lanes6 *writer, __u32 nodes, __u32 node, size_t next)
{
	struct fw_lane6_node *to = &writer->out->node6[node];

	for (__u32 i = 0; i <= FW_LANE6_KEYS; i++) {
		__u32 child = node * (FW_LANE6_KEYS + 1) + 1 + i;

		if (child < nodes)
			next = tree_fill(writer, nodes, child, next);
		if (i == FW_LANE6_KEYS)
			break;
		if (next < writer->keys) {
			to->key[i] = writer->key[next].key;
			to->val[i] = writer->key[next++].val;
		} else {
			to->key[i] = ~0ULL;
			to->val[i] = writer->key[writer->keys - 1].val;
		}
	}
	return next;
}

/* Nodes that the last level has beyond the tree: a search may look there and must find nothing new.
 */
static void rest_fill(struct fw_lanes6 *writer, __u32 from, __u32 to)
{
	struct fw_lane6_node none;

	for (int i = 0; i < FW_LANE6_KEYS; i++) {
		none.key[i] = ~0ULL;
		none.val[i] = writer->key[writer->keys - 1].val;
	}
	for (__u32 node = from; node < to; node++)
		writer->out->node6[node] = none;
}

int fw_lanes6_finish(struct fw_lanes6 *writer, struct fw_err *err)
{
	struct fw_lanes *out = writer->out;
	size_t nodes = (writer->keys + FW_LANE6_KEYS - 1) / FW_LANE6_KEYS;
	__u32 depth = 0, full = 0; /* nodes of so many whole levels */
	size_t max = out->node6_max < FW_LANE6_NODES ? out->node6_max : FW_LANE6_NODES;

	if (writer->deep > out->deep6_max)
		return fw_err_set(err, -ENOSPC, "block whole /64s instead of addresses in them",
				  "IPv6 prefixes longer than /64 need %u ranges, and %u fit",
				  writer->deep, out->deep6_max);
	if (writer->huge)
		return fw_err_set(err, -ENOSPC, "block the whole /64 instead",
				  "the prefixes inside one /64 need more than %d ranges",
				  FW_LANE6_GROUP_MAX);
	if (nodes > max)
		return fw_err_set(err, -ENOSPC,
				  "import fewer prefixes, or attach anew with more room for them",
				  "the IPv6 prefixes split the space into %zu ranges, and %zu fit",
				  writer->keys, max * FW_LANE6_KEYS);
	for (; full < nodes; depth++)
		full = full * (FW_LANE6_KEYS + 1) + 1;
	if (full > out->node6_max)
		full = out->node6_max; /* the program's search ends there as well */
	if (nodes) {
		tree_fill(writer, (__u32)nodes, 0, 0);
		rest_fill(writer, (__u32)nodes, full);
	}
	out->head->profile6_base = writer->base;
	out->head->depth6 = depth;
	return 0;
}

void fw_lanes6_free(struct fw_lanes6 *writer)
{
	free(writer->key);
	writer->key = NULL;
}
