// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long lists name single addresses, nearly all alike. Those of the commonest profile go into a set
 * of their own, where one cache line answers; the ranges then run on over them as if they were not
 * there. What must stay true: whatever is in the set is of FW_LANE4_COMMON, and the top of its /16
 * says that the set is to be asked first.
 */
#include <string.h>
#include "bpf/hash.h"
#include "user/policy/lanes_build.h"

#define SHORT_MAX 4    /* addresses of a range that are entered one by one */
#define WORTH	  1024 /* fewer are found as quickly the other way */

static __u32 quarter(__u64 word, int i)
{
	return (__u32)(word >> i * 16) & 0xffff;
}

/* False: its line is full, or its hash is that of a free place. */
static bool set_enter(struct fw_lanes *out, __u32 addr)
{
	__u32 hash = fw_lane4_hash(addr), low = hash & 0xffff;
	__u64 lines = out->set4_lines;
	__u64 *word = out->set4[hash * lines >> 32].word;

	for (int i = 0; low && i < 4 * FW_LANE4_WORDS; i++) {
		if (quarter(word[i / 4], i % 4) && quarter(word[i / 4], i % 4) != low)
			continue;
		word[i / 4] |= (__u64)low << i % 4 * 16;
		return true;
	}
	return false;
}

void fw_lanes4_count(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile)
{
	if (last - first < SHORT_MAX)
		writer->profiles->tally[profile] += last - first + 1;
}

void fw_lanes4_counted(struct fw_lanes4 *writer)
{
	const struct fw_lanes_profiles *profiles = writer->profiles;
	struct fw_lanes *out = writer->out;
	__u32 most = 0, id = 0;

	writer->counting = false;
	for (__u32 i = 1; i < profiles->count; i++)
		if (profiles->tally[i] > most) {
			most = profiles->tally[i];
			id = i;
		}
	if (most < WORTH || out->set4_lines < 1U << FW_LANE4_BITS)
		return;
	fw_lanes_profiles_promote(writer->profiles, id);
	memset(out->set4, 0, out->set4_lines * sizeof(*out->set4));
	writer->common = true;
}

bool fw_lanes4_list(struct fw_lanes4 *writer, __u32 first, __u32 last, __u32 profile)
{
	if (!writer->common || profile != FW_LANE4_COMMON || last - first >= SHORT_MAX)
		return false;
	/* Where one finds no place, the others are in both, which says the same. */
	for (__u32 i = 0; i <= last - first; i++)
		if (!set_enter(writer->out, first + i))
			return false;
	writer->listed[first >> 22] |= 1ULL << (first >> 16 & 63);
	writer->listed[last >> 22] |= 1ULL << (last >> 16 & 63);
	return true;
}

bool fw_lanes4_is_listed(const struct fw_lanes4 *writer, __u32 block)
{
	return writer->listed[block >> 6] >> (block & 63) & 1;
}
