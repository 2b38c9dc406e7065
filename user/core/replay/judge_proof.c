// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proof, written as the program writes it (remember() of bpf/source.h, set_insert() of
 * bpf/table.h), into tables that nobody else is using: a near set, else a far one, else the place
 * of whoever was silent longest and is not proven himself.
 */
#include <endian.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/text.h"
#include "user/core/replay/judge.h"

struct table {
	__u64 *fp; /* FW_WAYS fingerprints of one byte a set */
	struct fw_src_set *src;
	__u64 *more;
	__u32 base; /* first set of it */
	__u32 bits;
};

static struct table table_of(struct fw_judge *j, const struct fw_maps_table *t)
{
	__u32 base = (__u32)(t->fp - j->maps.src_fp);

	return (struct table){ .fp = (__u64 *)j->fp.mem + base,
			       .src = (struct fw_src_set *)j->src.mem + base,
			       .more = j->more.mem,
			       .base = base,
			       .bits = t->bits };
}

static __u64 hash_of(const struct fw_judge *j, bool ip4, const __be32 addr_be[4])
{
	const __u64 *key = j->maps.meta->hash_key;
	__u64 high = (__u64)be32toh(addr_be[0]) << 32 | be32toh(addr_be[1]);

	return ip4 ? fw_hash4(be32toh(addr_be[3]), key[0], key[1], key[3])
		   : fw_hash6(high, key[0], key[1], key[3]);
}

static int find(const struct table *t, const struct fw_place *at)
{
	for (int way = 0; way < FW_WAYS; way++)
		if ((__u8)(t->fp[at->set] >> 8 * way) == at->fp &&
		    t->src[at->set].way[way].word >> FW_TAG_SHIFT == at->tag)
			return way;
	return -1;
}

/* A free way of a set, or one whose source was silent for a while and holds no proof; or -1. */
static int room(const struct table *t, __u32 set, __u64 now_ns)
{
	const struct fw_src *src = t->src[set].way;
	__u64 oldest = 1;
	int best = -1;

	for (int way = 0; way < FW_WAYS; way++)
		if (!(__u8)(t->fp[set] >> 8 * way))
			return way;
	for (int way = 0; way < FW_WAYS; way++) {
		__u64 age = (now_ns - src[way].word) & FW_TAT_MASK;

		if (age > FW_TAT_MASK >> 1 || age <= oldest ||
		    (src[way].proof && age <= (__u64)FW_PROOF_MAX_S << 30))
			continue;
		oldest = age;
		best = way;
	}
	return best;
}

static void enter(const struct table *t, const struct fw_place *at, int way, __u64 now_ns,
		  const struct fw_limit *limits)
{
	struct fw_src *src = &t->src[at->set].way[way];

	src->word = (__u64)at->tag << FW_TAG_SHIFT | (now_ns & FW_TAT_MASK);
	for (int k = 0; k < FW_STAMPS; k++)
		src->tat[k] = (__u32)(now_ns >> (limits[k + 1].shift & 31));
	src->seen = FW_SEEN(now_ns, limits[FW_K_PACKETS].units);
	src->proof = 0;
	t->fp[at->set] &= ~(0xffULL << 8 * way);
	t->fp[at->set] |= (__u64)at->fp << 8 * way;
}

/* Where the source is, or a new place for it. Returns its way, *at its set; or -1. */
static int find_or_enter(const struct table *t, __u64 hash, __u64 now_ns,
			 const struct fw_limit *limits, struct fw_place *at)
{
	struct fw_place near = fw_place_near(hash, t->bits), far = fw_place_far(hash, t->bits);
	__u32 slot = t->base + near.set;
	int way;

	*at = near;
	way = find(t, at);
	if (way < 0 && t->more[slot / 64] >> slot % 64 & 1) {
		*at = far;
		way = find(t, at);
	}
	if (way >= 0)
		return way;
	*at = near;
	way = room(t, at->set, now_ns);
	if (way < 0) {
		t->more[slot / 64] |= 1ULL << slot % 64;
		*at = far;
		way = room(t, at->set, now_ns);
	}
	if (way >= 0)
		enter(t, at, way, now_ns, limits);
	return way;
}

bool fw_judge_prove(struct fw_judge *j, __u64 now_ns, const __be32 addr_be[4])
{
	const struct fw_policy *policy = fw_judge_policy(j);
	bool ip4 = fw_text_is_ip4(addr_be);
	struct table t = table_of(j, ip4 ? &j->maps.src4 : &j->maps.src6);
	struct fw_place at;
	__u8 *proof;
	int way;

	now_ns -= now_ns % j->obj->meta.tick_ns;
	/* In the units of another class its stamps would count as paid, and new ones are. */
	way = find_or_enter(&t, hash_of(j, ip4, addr_be), now_ns,
			    policy->class[FW_CLASS_DEFAULT].limit, &at);
	if (way < 0)
		return false;
	proof = &t.src[at.set].way[way].proof;
	/* As the program asks it before every packet, in steps of 16 s. */
	if (!*proof || ((FW_PROOF_EPOCH(now_ns) - *proof) & 0x7f) > (int)(policy->proof_s >> 4))
		*proof = FW_PROOF_EPOCH(now_ns);
	return true;
}

static void copy_set(const struct fw_maps_table *from, struct fw_place src, const struct table *to,
		     struct fw_place dst)
{
	__u64 fps = __atomic_load_n(&from->fp[src.set], __ATOMIC_RELAXED);

	to->src[dst.set] = from->src[src.set];
	/* Fingerprints depend on the table's size; one of the source itself must be found. */
	for (int way = 0; way < FW_WAYS; way++)
		if ((__u8)(fps >> 8 * way) == src.fp &&
		    to->src[dst.set].way[way].word >> FW_TAG_SHIFT == src.tag) {
			fps &= ~(0xffULL << 8 * way);
			fps |= (__u64)dst.fp << 8 * way;
		}
	to->fp[dst.set] = fps;
}

static void copy_sets(const struct fw_maps_table *from, const struct table *to, __u64 hash)
{
	struct fw_place near = fw_place_near(hash, to->bits);
	__u32 slot = to->base + near.set;

	copy_set(from, fw_place_near(hash, from->bits), to, near);
	copy_set(from, fw_place_far(hash, from->bits), to, fw_place_far(hash, to->bits));
	to->more[slot / 64] |= 1ULL << slot % 64; /* look in both, which finds what there is */
}

void fw_judge_copy_source(struct fw_judge *j, const struct fw_maps *from, const __be32 addr_be[4],
			  enum fw_net48 whose)
{
	const __u64 *key = j->maps.meta->hash_key;
	bool ip4 = fw_text_is_ip4(addr_be);
	struct table own = table_of(j, ip4 ? &j->maps.src4 : &j->maps.src6), net;
	__u64 high = (__u64)be32toh(addr_be[0]) << 32 | be32toh(addr_be[1]);

	copy_sets(ip4 ? &from->src4 : &from->src6, &own, hash_of(j, ip4, addr_be));
	if (ip4)
		return;
	net = table_of(j, &j->maps.net6);
	copy_sets(&from->net6, &net, fw_net48_hash(high, whose, key[1], key[2], key[3]));
}
