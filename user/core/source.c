// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading one source out of the tables. The program goes on writing meanwhile, so every word is
 * loaded once and the answer is of that moment; it decides nothing.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/bucket.h"
#include "bpf/hash.h"
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/apply.h"
#include "user/core/source.h"

#define READ_TRIES 100
#define MASK32	   0xffffffffULL

static const char *const reason_names[] = {
#define X(id, name, verdict, text) [FW_R_##id] = name,
	FW_REASONS(X)
#undef X
};

const char *fw_source_reason(unsigned int reason)
{
	return reason < FW_R_MAX ? reason_names[reason] : "?";
}

/* The way of a place whose fingerprint and tag match, or -1. *ret_word: its word. */
static int find_way(const struct fw_maps_table *t, const struct fw_place *place, __u64 *ret_word)
{
	__u64 fp = __atomic_load_n(&t->fp[place->set], __ATOMIC_RELAXED);

	for (int way = 0; way < FW_WAYS; way++) {
		__u64 word;

		/* Way 0 is the lowest byte, as the program marks them. */
		if ((__u8)(fp >> 8 * way) != place->fp)
			continue;
		word = __atomic_load_n(&t->src[place->set].way[way].word, __ATOMIC_RELAXED);
		if (word >> FW_TAG_SHIFT != place->tag || (word & FW_TAT_MASK) == FW_CLAIMED)
			continue;
		*ret_word = word;
		return way;
	}
	return -1;
}

static double part(__u64 debt, __u64 window)
{
	return window ? (double)debt / (double)window : 0;
}

/*
 * Whether a source has been silent for longer than any debt in these units lasts, or its stamps are
 * in the units of limits since changed. A 32-bit stamp may then seem to lie ahead; the program asks
 * the same before it charges.
 */
static bool long_paid(const struct fw_src *src, __u64 now, const struct fw_limit *limits,
		      __u32 shift)
{
	__u32 seen = FW_SEEN(now, limits[FW_K_PACKETS].units), last = src->seen;
	__u32 gap = FW_SEEN_GAP(seen, last);

	if ((seen ^ last) & ((1 << FW_SEEN_UNITS) - 1))
		return true;
	return gap && gap <= FW_SEEN_GAPS / 2 &&
	       (__u64)(gap - 1) << FW_SEEN_SHIFT >> shift >= FW_WINDOW_MAX;
}

static void read_buckets(const struct fw_src *src, __u64 word, __u64 now,
			 const struct fw_limit *limits, struct fw_source_bucket *ret)
{
	__u64 window = (__u64)limits[FW_K_PACKETS].window << limits[FW_K_PACKETS].shift;

	ret[FW_K_PACKETS].debt = part(
		bucket_debt(word & FW_TAT_MASK, now & FW_TAT_MASK, window, FW_TAT_MASK), window);
	for (int k = FW_K_PACKETS + 1; k < FW_K_MAX; k++) {
		__u32 stamp = __atomic_load_n(&src->tat[k - 1], __ATOMIC_RELAXED);

		if (long_paid(src, now, limits, limits[k].shift)) {
			ret[k].debt = 0;
			continue;
		}
		ret[k].debt = part(bucket_debt(stamp, now >> limits[k].shift & MASK32,
					       limits[k].window, MASK32),
				   limits[k].window);
	}
}

/* How long the packet stamp has been paid, ns; 0: it is in debt or says until when there is a ban.
 * What lies further ahead is weeks old, and came round. */
static __u64 word_paid(__u64 word, __u64 now, const struct fw_limit *limits)
{
	__u64 ahead = 2 * ((__u64)limits[FW_K_PACKETS].window << limits[FW_K_PACKETS].shift);
	__u64 paid = (now - word) & FW_TAT_MASK, ban = (__u64)FW_BAN_MAX_S << FW_SEEN_SHIFT;

	return paid > FW_TAT_MASK - (ahead > ban ? ahead : ban) ? 0 : paid;
}

static void read_place(const struct fw_maps_table *t, __u64 hash, __u64 now,
		       const struct fw_limit *limits, __u32 proof_s, struct fw_source_place *ret)
{
	struct fw_place place = fw_place_near(hash, t->bits);
	const struct fw_src *src;
	__u32 age, gap;
	__u64 word, paid;
	int way;

	memset(ret, 0, sizeof(*ret));
	for (int k = 0; k < FW_K_MAX; k++)
		ret->bucket[k].limited = limits[k].window != 0;
	way = find_way(t, &place, &word);
	if (way < 0) {
		place = fw_place_far(hash, t->bits);
		way = find_way(t, &place, &word);
	}
	if (way < 0)
		return;
	src = &t->src[place.set].way[way];
	ret->known = true;
	gap = FW_SEEN_GAP(FW_SEEN(now, 0), src->seen);
	paid = word_paid(word, now, limits);
	/* The second half of the range is a CPU's clock a step ahead of ours, or a longer silence.
	 */
	if (gap > FW_SEEN_GAPS / 2 || paid >> FW_SEEN_SHIFT > FW_SEEN_GAPS / 4)
		gap = (__u32)(paid >> FW_SEEN_SHIFT);
	ret->seen_age_s = (__u32)(((__u64)gap << FW_SEEN_SHIFT) / FW_NS_PER_S);
	/* Not younger than the silence, or its age came round meanwhile. */
	age = (FW_PROOF_EPOCH(now) - src->proof) & 0x7f;
	ret->proven =
		src->proof && age <= proof_s >> 4 && gap >> (FW_PROOF_SHIFT - FW_SEEN_SHIFT) <= age;
	/* A source silent for longer than any stamp can tell has paid everything. */
	if (ret->seen_age_s < FW_PROOF_MAX_S)
		read_buckets(src, word, now, limits, ret->bucket);
}

static void read_places(const struct fw_maps *maps, const __be32 addr_be[4],
			const struct fw_policy *policy, struct fw_source *ret)
{
	const __u64 *key = maps->meta->hash_key;
	const struct fw_class *class = &policy->class[ret->class];
	__u64 high = (__u64)be32toh(addr_be[0]) << 32 | be32toh(addr_be[1]);

	if (ret->family == 4) {
		read_place(&maps->src4, fw_hash4(be32toh(addr_be[3]), key[0], key[1], key[3]),
			   ret->now_ns, class->limit, policy->proof_s, &ret->own);
		return;
	}
	read_place(&maps->src6, fw_hash6(high, key[0], key[1], key[3]), ret->now_ns, class->limit,
		   policy->proof_s, &ret->own);
	ret->net48_whose = ret->trusted	     ? FW_NET48_TRUSTED
			   : ret->own.proven ? FW_NET48_PROVEN
					     : FW_NET48_UNPROVEN;
	read_place(&maps->net6, fw_net48_hash(high, ret->net48_whose, key[1], key[2], key[3]),
		   ret->now_ns, class->net48, policy->proof_s, &ret->net48);
}

static void read_lanes(const struct fw_maps *maps, __u64 live, const __be32 addr_be[4],
		       struct fw_source *ret)
{
	__u32 half = FW_LIVE_LANES(live), now_s = (__u32)(ret->now_ns / FW_NS_PER_S), index;
	struct fw_lanes lanes = fw_apply_lanes(maps, half, &maps->lane_head[half]);
	const struct fw_profile *p = &ret->profile;

	index = fw_lanes_lookup(&lanes, addr_be);
	if (index < maps->cap_profile)
		ret->profile = lanes.profile[index];
	ret->management = p->management_s > now_s;
	ret->trusted = !ret->management && p->trusted_s > now_s;
	ret->blocked = !ret->management && !ret->trusted && p->blocked_s > now_s;
	ret->class = p->class_s > now_s ? p->class & (FW_CLASS_MAX - 1) : FW_CLASS_DEFAULT;
	if (ret->trusted)
		ret->class = FW_CLASS_TRUSTED;
}

/* Every prefix that holds the address, by a walk over all: a million take some milliseconds. */
static void read_listings(const struct fw_maps *maps, __u64 live, const __be32 addr_be[4],
			  struct fw_source *ret)
{
	__u32 half = FW_LIVE_LANES(live), count = maps->lane_head[half].prefixes;
	const struct fw_prefix *at = maps->prefix + (size_t)half * maps->cap_prefix;
	const struct fw_why *why = maps->why + (size_t)half * maps->cap_why;

	ret->listings = 0;
	ret->listings_all = 0;
	for (__u32 i = 0; i < count && i < maps->cap_prefix; i++) {
		struct fw_source_listing *l;

		if (at[i].len > 128 || !fw_prefixes_covers(&at[i], addr_be))
			continue;
		if (ret->listings_all++ >= FW_SOURCE_LISTINGS)
			continue;
		l = &ret->listing[ret->listings++];
		l->prefix = at[i];
		memset(l->why, 0, sizeof(l->why));
		if (at[i].why < maps->cap_why)
			fw_text_clean(l->why, sizeof(l->why), why[at[i].why].text);
	}
}

static int read_heavy(const struct fw_maps *maps, const __be32 addr_be[4], struct fw_source *ret,
		      struct fw_err *err)
{
	__u64 key = ret->family == 4 ? be32toh(addr_be[3])
				     : (__u64)be32toh(addr_be[0]) << 32 | be32toh(addr_be[1]);

	if (!maps->book)
		return 0;
	return fw_source_heavy_one(maps, ret->family, key, &ret->heavy, &ret->heavy_since_ns, err);
}

int fw_source_read(const struct fw_maps *maps, const __be32 addr_be[4], struct fw_source *ret,
		   struct fw_err *err)
{
	struct fw_source s;
	__u64 live;
	int tries = 0, r;

	do {
		const struct fw_policy *policy;

		if (tries++ == READ_TRIES)
			return fw_err_set(err, -EAGAIN, "try again",
					  "the prefixes change faster than they can be read");
		memset(&s, 0, sizeof(s));
		live = fw_apply_live(maps);
		policy = &maps->policy[FW_LIVE_POLICY(live)];
		s.now_ns = fw_apply_now(maps);
		s.family = fw_text_is_ip4(addr_be) ? 4 : 6;
		read_lanes(maps, live, addr_be, &s);
		read_listings(maps, live, addr_be, &s);
		read_places(maps, addr_be, policy, &s);
		memcpy(s.class_name, maps->policy_txt[FW_LIVE_POLICY(live)].class_name[s.class],
		       FW_NAME_LEN - 1);
	} while (live != fw_apply_live(maps));
	r = read_heavy(maps, addr_be, &s, err);
	if (!r)
		*ret = s;
	return r;
}

double fw_source_budget_debt(const struct fw_budget *budget, const struct fw_limit *limit,
			     __u64 now_ns)
{
	__u64 stamp = __atomic_load_n(&budget->tat, __ATOMIC_RELAXED);
	__u64 window = (__u64)limit->window << limit->shift;

	return part(bucket_debt(stamp, now_ns, window, ~0ULL), window);
}
