// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefixes that do nothing: inside a wider one of the same lane, or inside one of a lane that wins.
 * One sort and one sweep, so that a million prefixes cost a fraction of a second. What lists hold
 * is said once for each list, with the first line of its kind.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/file_read.h"

#define INDEX_BITS 21 /* FW_PREFIX_MAX entries */
_Static_assert(FW_PREFIX_MAX < 1 << INDEX_BITS, "an index fits");
#define RADIX_BITS 10
#define KEY_BITS   40 /* address, length, lane */

enum useless { USELESS_SAME, USELESS_LOSES, USELESS_KINDS };

struct finding {
	size_t count;
	__u32 one, by; /* of the first, in the set */
};

struct sweep {
	struct fw_reader *reader;
	const struct fw_prefix *at;
	__u32 *order;
	size_t n;
	struct finding (*found)[USELESS_KINDS]; /* by source */
};

/* Least significant digit first; both arrays of n. The result is in key: an even number of passes.
 */
static void radix_sort(__u64 *key, __u64 *work, size_t n)
{
	_Static_assert(KEY_BITS / RADIX_BITS % 2 == 0, "even");

	for (int shift = INDEX_BITS; shift < INDEX_BITS + KEY_BITS; shift += RADIX_BITS) {
		size_t start[1 << RADIX_BITS] = { 0 }, sum = 0;
		__u64 *swap = key;

		for (size_t i = 0; i < n; i++)
			start[key[i] >> shift & ((1 << RADIX_BITS) - 1)]++;
		for (int d = 0; d < 1 << RADIX_BITS; d++) {
			size_t here = start[d];

			start[d] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			work[start[key[i] >> shift & ((1 << RADIX_BITS) - 1)]++] = key[i];
		key = work;
		work = swap;
	}
}

static int by_key(const void *a_, const void *b_, void *at_)
{
	const struct fw_prefix *at = at_, *a = &at[*(const __u32 *)a_],
			       *b = &at[*(const __u32 *)b_];
	int d = memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));

	if (!d)
		d = (int)a->len - (int)b->len;
	return d ? d : (int)a->lane - (int)b->lane;
}

static bool is_ip4(const struct fw_prefix *one)
{
	return one->len >= 96 && fw_text_is_ip4(one->addr_be);
}

/* IPv4 first, each family by address, length, lane: whoever covers comes before the covered. */
static int sort_all(struct sweep *sweep, const struct fw_prefixes *set)
{
	__u64 *key = malloc(set->count * sizeof(*key)), *work = malloc(set->count * sizeof(*work));
	size_t ip4 = 0, rest = set->count;

	sweep->order = malloc(set->count * sizeof(*sweep->order));
	if (!key || !work || !sweep->order) {
		free(key);
		free(work);
		return -ENOMEM;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		if (is_ip4(one))
			key[ip4++] = ((__u64)ntohl(one->addr_be[3]) << 8 |
				      (__u64)(one->len - 96) << 2 | one->lane)
					     << INDEX_BITS |
				     i;
		else
			sweep->order[--rest] = (__u32)i;
	}
	radix_sort(key, work, ip4);
	for (size_t i = 0; i < ip4; i++)
		sweep->order[i] = (__u32)(key[i] & ((1 << INDEX_BITS) - 1));
	qsort_r(sweep->order + ip4, set->count - ip4, sizeof(*sweep->order), by_key, set->at);
	sweep->n = set->count;
	free(key);
	free(work);
	return 0;
}

/* Does `over` make `one` useless, and how? */
static int judge(const struct fw_prefix *one, const struct fw_prefix *over)
{
	if (over->until_s < one->until_s)
		return -1; /* ends earlier */
	if (over->lane == one->lane)
		return one->lane == FW_LANE_CLASS ? -1 : USELESS_SAME;
	/* Management beats trusted beats blocked; a class matters to those in none of them. */
	return over->lane < one->lane ? USELESS_LOSES : -1;
}

static void note(struct sweep *sweep, __u32 one, __u32 by, enum useless kind)
{
	struct fw_reader *reader = sweep->reader;
	__u32 source = reader->prefix_place[one].source;
	struct finding *found = &sweep->found[source][kind];

	if (!found->count++) {
		found->one = one;
		found->by = by;
	}
	if (source)
		return;
	fw_reader_say(reader, FW_PROBLEM_WARNING, reader->prefix_place[one], NULL, "%s",
		      fw_reader_useless(reader, &sweep->at[one], &sweep->at[by]).msg);
}

static void run(struct sweep *sweep)
{
	__u32 stack[4 * 129]; /* each length once a lane */
	size_t depth = 0;

	for (size_t i = 0; i < sweep->n; i++) {
		__u32 at = sweep->order[i];
		const struct fw_prefix *one = &sweep->at[at];

		while (depth && !fw_prefixes_covers(&sweep->at[stack[depth - 1]], one->addr_be))
			depth--;
		for (size_t d = depth; d-- > 0;) {
			int kind = judge(one, &sweep->at[stack[d]]);

			if (kind < 0)
				continue;
			note(sweep, at, stack[d], (enum useless)kind);
			break;
		}
		if (depth < sizeof(stack) / sizeof(stack[0]))
			stack[depth++] = at;
	}
}

static void say_lists(struct sweep *sweep)
{
	struct fw_reader *reader = sweep->reader;

	for (__u32 s = 1; s < reader->sources; s++)
		for (int kind = 0; kind < USELESS_KINDS; kind++) {
			const struct finding *found = &sweep->found[s][kind];
			struct fw_err say;

			if (!found->count)
				continue;
			say = fw_reader_useless(reader, &sweep->at[found->one],
						&sweep->at[found->by]);
			if (found->count > 1)
				snprintf(say.hint, sizeof(say.hint),
					 "and %zu more like it in this list", found->count - 1);
			fw_reader_say(reader, FW_PROBLEM_WARNING,
				      fw_reader_list_place(reader, s, &sweep->at[found->one]),
				      found->count > 1 ? say.hint : NULL, "%s", say.msg);
		}
}

void fw_reader_check_prefixes(struct fw_reader *reader)
{
	const struct fw_prefixes *set = &reader->file->lanes;
	struct sweep sweep = { .reader = reader, .at = set->at };

	if (!set->count)
		return;
	sweep.found = calloc(reader->sources, sizeof(*sweep.found));
	if (!sweep.found || sort_all(&sweep, set)) {
		reader->fatal = -ENOMEM;
	} else {
		run(&sweep);
		say_lists(&sweep);
	}
	free(sweep.found);
	free(sweep.order);
}
