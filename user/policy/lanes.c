// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lane compiler's front: prefixes are nested or disjoint, so sorted by (first address, length)
 * one pass with a stack turns them into disjoint ranges; each takes over what surrounds it and adds
 * its own. What must stay true: ranges cover the whole space, and neighbours differ.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/lanes_build.h"

#define NO_ID	   0xffffffffU
#define DIGIT_BITS 11
#define DIGIT_MAX  (1 << DIGIT_BITS)
#define DIGITS	   4 /* a length and the 32 bits of an address; even: it ends where it began */
#define STACK_MAX  (129 * FW_LANE_MAX + 1) /* every length in every lane, and the ground */

struct span {
	fw_u128 first;
	__u32 until_s;
	__u8 len; /* in the family's own bits */
	__u8 lane;
	__u8 class;
};

struct spans {
	struct span *at;
	size_t count;
	int bits; /* 32 or 128 */
};

/* A prefix that is open at the cursor: everything that holds inside it. */
struct level {
	fw_u128 last;
	struct fw_profile profile;
	__u32 id; /* NO_ID until it is needed */
};

/* The range being collected: it is written when one of another profile follows. */
struct sweep {
	struct fw_lanes_profiles *profiles;
	struct fw_lanes4 *out4; /* one of the two */
	struct fw_lanes6 *out6;
	fw_u128 cursor;
	fw_u128 first;
	__u32 id;
	bool pending;
	int depth;
	struct level stack[STACK_MAX];
};

static bool is_ip4(const struct fw_prefix *p)
{
	return p->len >= 96 && fw_text_is_ip4(p->addr_be);
}

static fw_u128 addr_of(const struct fw_prefix *p)
{
	fw_u128 addr = 0;

	for (int i = 0; i < 4; i++)
		addr = addr << 32 | ntohl(p->addr_be[i]);
	return addr;
}

static int by_first(const void *a_, const void *b_)
{
	const struct span *a = a_, *b = b_;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (int)a->len - (int)b->len;
}

/* Digit 0 is the length, the others are the address from its end on. */
static __u32 digit_of(const struct span *s, int digit)
{
	return (digit ? (__u32)s->first >> (digit - 1) * DIGIT_BITS : s->len) & (DIGIT_MAX - 1);
}

/* Stable: what earlier digits have sorted stays sorted. */
static void sort_digit(const struct span *from, struct span *to, size_t count, int digit)
{
	__u32 start[DIGIT_MAX + 1] = { 0 };

	for (size_t i = 0; i < count; i++)
		start[digit_of(&from[i], digit) + 1]++;
	for (int i = 0; i < DIGIT_MAX; i++)
		start[i + 1] += start[i];
	for (size_t i = 0; i < count; i++)
		to[start[digit_of(&from[i], digit)]++] = from[i];
}

/* A list may hold a million of IPv4 in any order, and comparing them takes longer than all else. */
static void sort(struct spans *spans)
{
	struct span *work = spans->bits == 32 ? malloc(spans->count * sizeof(*work)) : NULL;

	if (!work) {
		qsort(spans->at, spans->count, sizeof(*spans->at), by_first);
		return;
	}
	for (int digit = 0; digit < DIGITS; digit += 2) {
		sort_digit(spans->at, work, spans->count, digit);
		sort_digit(work, spans->at, spans->count, digit + 1);
	}
	free(work);
}

/* The prefixes of one family that have not expired, sorted. */
static int spans_collect(const struct fw_prefixes *set, __u32 now_s, bool ip4, struct spans *ret)
{
	size_t n = 0;
	bool sorted = true;

	for (size_t i = 0; i < set->count; i++)
		n += is_ip4(&set->at[i]) == ip4;
	ret->bits = ip4 ? 32 : 128;
	ret->at = malloc((n + 1) * sizeof(*ret->at));
	if (!ret->at)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *p = &set->at[i];
		struct span *to = &ret->at[ret->count];

		if (is_ip4(p) != ip4 || (p->until_s != FW_FOREVER && p->until_s <= now_s))
			continue;
		to->first = ip4 ? ntohl(p->addr_be[3]) : addr_of(p);
		to->until_s = p->until_s;
		to->len = ip4 ? p->len - 96 : p->len;
		to->lane = p->lane;
		to->class = p->class;
		if (ret->count && by_first(to - 1, to) > 0)
			sorted = false;
		ret->count++;
	}
	if (!sorted)
		sort(ret);
	return 0;
}

static fw_u128 last_of(const struct span *s, int bits)
{
	int host = bits - s->len;

	return host == 128 ? ~(fw_u128)0 : s->first | (((fw_u128)1 << host) - 1);
}

/* What holds inside s, given what holds around it. */
static void profile_add(struct fw_profile *profile, const struct span *s)
{
	__u32 *until[] = {
		[FW_LANE_MANAGEMENT] = &profile->management_s,
		[FW_LANE_TRUSTED] = &profile->trusted_s,
		[FW_LANE_BLOCKED] = &profile->blocked_s,
	};

	if (s->lane == FW_LANE_CLASS) { /* the longest prefix wins, and it comes last */
		profile->class_s = s->until_s;
		profile->class = s->class;
	} else if (s->until_s > *until[s->lane]) {
		*until[s->lane] = s->until_s;
	}
}

static int range_write(struct sweep *s, fw_u128 last)
{
	if (!s->pending)
		return 0;
	if (s->out6)
		return fw_lanes6_add(s->out6, s->first, last, s->id);
	fw_lanes4_add(s->out4, (__u32)s->first, (__u32)last, s->id);
	return 0;
}

/* Everything from the cursor to last is what the top of the stack says. */
static int range_emit(struct sweep *s, fw_u128 last)
{
	struct level *top = &s->stack[s->depth - 1];
	int r = 0;

	if (top->id == NO_ID)
		r = fw_lanes_profiles_get(s->profiles, &top->profile, &top->id);
	if (r)
		return r;
	if (!s->pending || s->id != top->id) {
		r = range_write(s, s->cursor - 1);
		s->first = s->cursor;
		s->id = top->id;
		s->pending = true;
	}
	s->cursor = last + 1;
	return r;
}

/* Closes every prefix that ends before first. */
static int levels_close(struct sweep *s, fw_u128 first)
{
	int r = 0;

	while (!r && s->depth > 1 && s->stack[s->depth - 1].last < first) {
		fw_u128 last = s->stack[s->depth - 1].last;

		if (s->cursor <= last)
			r = range_emit(s, last);
		s->depth--;
	}
	return r;
}

static int sweep_run(struct sweep *s, const struct spans *spans)
{
	fw_u128 end = spans->bits == 32 ? 0xffffffff : ~(fw_u128)0;
	int r = 0;

	s->stack[0] = (struct level){ .last = end, .id = 0 };
	s->depth = 1;
	for (size_t i = 0; !r && i < spans->count; i++) {
		const struct span *span = &spans->at[i];

		r = levels_close(s, span->first);
		if (!r && s->cursor < span->first)
			r = range_emit(s, span->first - 1);
		s->stack[s->depth] = s->stack[s->depth - 1];
		s->stack[s->depth].last = last_of(span, spans->bits);
		s->stack[s->depth].id = NO_ID;
		profile_add(&s->stack[s->depth].profile, span);
		s->depth++;
	}
	for (; !r && s->depth; s->depth--) {
		fw_u128 last = s->stack[s->depth - 1].last;
		/* All of 128 bits covered, and the cursor is 0 again. */
		bool done = s->pending && !s->cursor;

		if (!done && s->cursor <= last)
			r = range_emit(s, last);
	}
	return r ? r : range_write(s, end);
}

static int family_compile(const struct fw_prefixes *set, __u32 now_s, struct sweep *sweep)
{
	struct spans spans = { 0 };
	int r = spans_collect(set, now_s, sweep->out4, &spans);

	if (!r)
		r = sweep_run(sweep, &spans);
	if (!r && sweep->out4 && sweep->out4->counting) {
		fw_lanes4_counted(sweep->out4);
		sweep->cursor = 0;
		sweep->pending = false;
		r = sweep_run(sweep, &spans);
	}
	free(spans.at);
	return r;
}

static int profiles_store(const struct fw_lanes_profiles *profiles, struct fw_lanes *out,
			  struct fw_err *err)
{
	if (profiles->count > out->profile_max)
		return fw_err_set(err, -ENOSPC,
				  "give prefixes the same expiry where they may end together",
				  "the prefixes need %u different combinations of lane and expiry, "
				  "and %u fit",
				  profiles->count, out->profile_max);
	memcpy(out->profile, profiles->at, profiles->count * sizeof(*profiles->at));
	out->profile_used = profiles->count;
	return 0;
}

int fw_lanes_compile(const struct fw_prefixes *set, __u32 now_s, struct fw_lanes *out,
		     struct fw_err *err)
{
	struct fw_lanes_profiles profiles = { 0 };
	struct fw_lanes4 out4 = { .out = out, .profiles = &profiles, .counting = true };
	struct fw_lanes6 out6 = { .out = out };
	struct sweep *sweep = calloc(2, sizeof(*sweep));
	int r = -ENOMEM;

	if (sweep) {
		sweep[0].profiles = sweep[1].profiles = &profiles;
		sweep[0].out4 = &out4;
		sweep[1].out6 = &out6;
		r = fw_lanes_profiles_init(&profiles);
	}
	if (!r)
		r = family_compile(set, now_s, &sweep[0]);
	if (!r)
		r = family_compile(set, now_s, &sweep[1]);
	if (r) {
		r = fw_err_set(err, r, NULL, "no memory to compile the prefixes");
		goto out;
	}
	*out->head =
		(struct fw_lane_head){ .prefixes = (__u32)set->count, .whys = (__u32)set->whys };
	r = fw_lanes4_finish(&out4, err);
	if (!r)
		r = fw_lanes6_finish(&out6, err);
	if (!r)
		r = profiles_store(&profiles, out, err);
out:
	fw_lanes6_free(&out6);
	fw_lanes_profiles_free(&profiles);
	free(sweep);
	return r;
}
