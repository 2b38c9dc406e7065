/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proven sources over their limits. Two stories look alike there: a real source floods, or somebody
 * spoofs a real source to use up its buckets. What tells them apart is whether the packets belong
 * to connections that the kernel knows; who spoofs cannot know them.
 *
 * Mostly its own: it is held to its limits, and if it stays over them, banned for a while, longer
 * each time. Mostly not: its own connections get a second bucket of the same size, which the
 * spoofer cannot touch. Nobody is banned for packets that are not of a connection of its own.
 *
 * A ban is a packet stamp far in the future, so refusing a banned source costs no more than
 * refusing any source over its limits, and expiry needs nobody.
 *
 * A record is shared by all CPUs, and written once in a step of the clock by each of them; what a
 * CPU has scored since, it keeps to itself.
 */
#ifndef FW_BAN_H
#define FW_BAN_H

#include "source.h"

/* The set of a source's record. */
static __always_inline __u32 ban_set(__u64 key)
{
	return fw_hash6(key, knob_key2, knob_key1, knob_key3) & (FW_BAN_SETS - 1);
}

/* Its record, or the one to give away for it: free, or longest quiet. NULL: all are in force. */
static __always_inline struct fw_ban *ban_record(struct fw_ban_set *set, __u64 key, __u64 now)
{
	__u64 quiet = ~0ULL;
	__u32 way = FW_BAN_WAYS;
	struct fw_ban *ban;

	for (__u32 i = 0; i < FW_BAN_WAYS; i++) {
		ban = &set->way[i];
		if (ban->key == key)
			return ban;
		if (ban->until_ns <= now && ban->last_ns < quiet) {
			quiet = ban->last_ns;
			way = i;
		}
	}
	if (way >= FW_BAN_WAYS)
		return 0;
	ban = &set->way[way];
	__builtin_memset(ban, 0, sizeof(*ban));
	ban->key = key;
	ban->first_ns = now;
	return ban;
}

/* Is a source, whose stamp says it may be, banned? A lifted ban leaves the stamp to be cut. */
static __always_inline int ban_holds(__u64 key, __u64 now)
{
	__u32 at = ban_set(key);
	struct fw_ban_set *set = bpf_map_lookup_elem(&fw_ban, &at);

	if (!set)
		return 0;
	for (int i = 0; i < FW_BAN_WAYS; i++)
		if (set->way[i].key == key)
			return set->way[i].until_ns > now;
	return 0;
}

static __always_inline void ban_start(struct fw_ban *ban, const struct fw_policy *policy, __u64 now,
				      __u32 who)
{
	__u32 doublings = ban->times < FW_BAN_DOUBLINGS ? ban->times : FW_BAN_DOUBLINGS;
	__u64 seconds = (__u64)policy->ban_s << doublings;

	if (seconds > policy->ban_max_s)
		seconds = policy->ban_max_s;
	ban->since_ns = now;
	ban->until_ns = now + seconds * 1000000000;
	ban->times++;
	ban->score = 0;
	ban->first_ns = ban->until_ns; /* the next one must be earned anew */
	ban->last_ns = ban->until_ns;
	ban->family = who & FW_WHO_IP4 ? 4 : 6;
	ban->class = who >> 8;
	note(FW_N_BANNED);
}

/*
 * Move the source's stamp to the end of its ban. Of one longer than seen can tell nobody would know
 * afterwards how long it was: it ends the proof, and units that no limit has make all else paid.
 */
static __always_inline void ban_stamp(__u64 key, __u32 who, __u64 now, __u64 until_ns)
{
	struct table_key table = source_table(who & FW_WHO_IP4 ? 4 : 6, key);
	struct entry e = {};

	if (!table_find(&table, &e) || !e.src || is_claimed(e.word))
		return;
	__sync_val_compare_and_swap(&e.src->word, e.word, word_with(e.word, until_ns));
	if ((until_ns - now) >> FW_SEEN_SHIFT < FW_GAP_MAX)
		return;
	e.src->proof = 0;
	e.src->seen ^= FW_UNITS_DIFFER;
}

/* The CPU's first packet of a source in this step of the clock: bring its record up to date. */
static __always_inline void ban_update(struct fw_ban *ban, __s32 score, __u64 now)
{
	/* Signed: a ban sets last_ns to its end, and other CPUs still hold packets from before it.
	 */
	__s64 quiet = now - ban->last_ns;

	if (quiet > (__s64)FW_BAN_PAUSE_NS) {
		ban->first_ns = now;
		ban->score = 0;
		score = 0;
	}
	if (quiet > (__s64)FW_BAN_FORGET_NS)
		ban->times = 0;
	if (quiet > 0)
		ban->last_ns = now;
	score += ban->score;
	ban->score = score > FW_BAN_SPOOFED ? score : FW_BAN_SPOOFED;
}

/* Keep score. Returns what the source's is now, less what other CPUs scored in this step. */
static __always_inline __s32 ban_count(struct fw_ban *ban, __u64 key, __u64 now, bool own)
{
	__u32 slot = key * knob_key1 >> 58 & (FW_BAN_DUE_SLOTS - 1);
	struct fw_ban_due *due = bpf_map_lookup_elem(&fw_ban_due, &slot);
	__s32 one = own ? 1 : -1;

	if (!due)
		return 0;
	if (due->key == key && due->step_ns == now) {
		due->score += one;
	} else {
		ban_update(ban, due->key == key ? due->score + one : one, now);
		due->key = key;
		due->step_ns = now;
		due->score = 0;
	}
	return ban->score + due->score;
}

/*
 * True when for long enough the source's own packets over the limit, less those of others, were as
 * many as the limit allows: it sends at least twice of what it may. A fast download's
 * acknowledgements, a little over, are held to the limit and no more.
 */
static __always_inline bool ban_due(const struct fw_ban *ban, __s32 score,
				    const struct fw_limit *limit, __u64 now)
{
	__s64 over = now - ban->first_ns;

	if (score < FW_BAN_SCORE || over < (__s64)FW_BAN_AFTER_NS)
		return false;
	return !limit->window ||
	       (__u64)score * (bucket_cost(limit, 1) << limit->shift) >= (__u64)over;
}

/*
 * A proven or trusted source was over its limits. own: with TCP of a connection that the socket
 * table knows. Returns 1 if the packet may pass all the same. CPUs may race on score
 * and times, which only decide when a ban starts; the second bucket is exact.
 */
__noinline int ban_consider(__u64 key, __u64 now, __u32 who, int own)
{
	const struct fw_policy *policy = policy_of(who);
	__u32 at = ban_set(key);
	struct fw_ban_set *set = bpf_map_lookup_elem(&fw_ban, &at);
	const struct fw_limit *limit;
	struct fw_ban *ban;
	__s32 score;

	if (!set)
		return 0;
	ban = ban_record(set, key, now);
	if (!ban)
		return 0;
	limit = &who_class(policy, who)->limit[FW_K_PACKETS];
	score = ban_count(ban, key, now, own);
	if (ban_due(ban, score, limit, now) && policy->ban_s && !(who & FW_WHO_TRUSTED)) {
		ban_start(ban, policy, now, who);
		ban_stamp(key, who, now, ban->until_ns);
		return 0;
	}
	return own && score < 0 && shared_take(&ban->own_tat, now, limit, 1);
}

#endif
