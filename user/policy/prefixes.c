// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vector of prefixes and its index: open addressing, built when first needed and dropped when
 * the order of the vector changes. What must stay true: one entry per (lane, address, length),
 * every entry's bits beyond its length are zero.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/prefixes.h"
#include "user/policy/prefixes_why.h"

void fw_prefixes_free(struct fw_prefixes *set)
{
	if (!set)
		return;
	free(set->at);
	free(set->why);
	free(set->index);
	free(set->why_hint);
	memset(set, 0, sizeof(*set));
}

static int no_memory(struct fw_err *err)
{
	return fw_err_set(err, -ENOMEM, NULL, "no memory for the prefixes");
}

static void index_drop(struct fw_prefixes *set)
{
	free(set->index);
	set->index = NULL;
	set->slots = 0;
}

/* Lists come from strangers: where the index lies differs from run to run, and salts the hash. */
static size_t slot_home(const struct fw_prefixes *set, const struct fw_prefix *p)
{
	__u64 salt = (__u64)(uintptr_t)set->index * 0xd6e8feb86659fd93ULL;
	__u64 h = (((__u64)p->addr_be[0] << 32 | p->addr_be[1]) ^ salt) * 0x9e3779b97f4a7c15ULL;

	h ^= h >> 32;
	h += salt;
	h ^= ((__u64)p->addr_be[2] << 32 | p->addr_be[3]) + ((__u64)p->lane << 8 | p->len);
	h *= 0xbf58476d1ce4e5b9ULL;
	h ^= h >> 29;
	h *= 0x94d049bb133111ebULL;
	return (h >> 32) & (set->slots - 1);
}

static bool same_key(const struct fw_prefix *a, const struct fw_prefix *b)
{
	return a->lane == b->lane && a->len == b->len &&
	       !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
}

/* The slot that holds key, or the free one where it belongs. */
static size_t slot_find(const struct fw_prefixes *set, const struct fw_prefix *key)
{
	size_t i = slot_home(set, key);

	while (set->index[i] && !same_key(&set->at[set->index[i] - 1], key))
		i = (i + 1) & (set->slots - 1);
	return i;
}

/* An index with room for n entries at no more than half its slots. */
static int index_need(struct fw_prefixes *set, size_t n)
{
	size_t slots = 64;
	__u32 *index;

	while (slots < 2 * n)
		slots *= 2;
	if (set->slots >= slots)
		return 0;
	index = calloc(slots, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(set->index);
	set->index = index;
	set->slots = slots;
	for (size_t i = 0; i < set->count; i++)
		set->index[slot_find(set, &set->at[i])] = (__u32)i + 1;
	return 0;
}

/* Frees a slot and moves up those that were pushed past it. */
static void slot_clear(struct fw_prefixes *set, size_t gap)
{
	size_t mask = set->slots - 1;

	for (size_t i = (gap + 1) & mask; set->index[i]; i = (i + 1) & mask) {
		size_t home = slot_home(set, &set->at[set->index[i] - 1]);

		if (((i - home) & mask) >= ((i - gap) & mask)) {
			set->index[gap] = set->index[i];
			gap = i;
		}
	}
	set->index[gap] = 0;
}

static int room_need(struct fw_prefixes *set, size_t n)
{
	size_t room = set->room ? set->room : 64;
	struct fw_prefix *grown;

	if (n <= set->room)
		return 0;
	while (room < n)
		room *= 2;
	grown = reallocarray(set->at, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->at = grown;
	set->room = room;
	return 0;
}

static bool host_bits(const struct fw_prefix *one)
{
	for (int i = 0; i < 4; i++) {
		int bits = one->len - i * 32;
		__u32 host = bits >= 32 ? 0 : bits <= 0 ? ~0U : ~0U >> bits;

		if (ntohl(one->addr_be[i]) & host)
			return true;
	}
	return false;
}

static const char *fault(const struct fw_prefix *one)
{
	if (one->len > 128 || host_bits(one))
		return "has bits set beyond its length";
	if (one->lane >= FW_LANE_MAX)
		return "is in a lane that does not exist";
	if (one->class >= FW_CLASS_MAX)
		return "is of a class that does not exist";
	if (!one->until_s)
		return "has no expiry";
	return NULL;
}

static int check(const struct fw_prefix *one, struct fw_err *err)
{
	const char *what = fault(one);
	char text[FW_TEXT_LEN];

	if (!what)
		return 0;
	return fw_err_set(err, -EINVAL, NULL, "prefix %s %s",
			  fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len), what);
}

int fw_prefixes_load(struct fw_prefixes *set, const struct fw_prefix *at, size_t count,
		     const struct fw_why *why, size_t whys, struct fw_err *err)
{
	struct fw_prefixes new = { 0 };
	int r = fw_prefixes_why_load(&new, why, whys, err);

	if (!r && room_need(&new, count))
		r = no_memory(err);
	for (size_t i = 0; !r && i < count; i++) {
		r = check(&at[i], err);
		if (!r && at[i].why && at[i].why >= whys)
			r = fw_err_set(err, -EINVAL, NULL,
				       "a prefix refers to a text that is not there");
	}
	if (r) {
		fw_prefixes_free(&new);
		return r;
	}
	if (count)
		memcpy(new.at, at, count * sizeof(*at));
	new.count = count;
	fw_prefixes_free(set);
	*set = new;
	return 0;
}

int fw_prefixes_reserve(struct fw_prefixes *set, size_t extra, const char *why, struct fw_err *err)
{
	__u16 index;
	int r;

	if (extra > FW_PREFIX_MAX || set->count + extra > FW_PREFIX_MAX)
		return fw_err_set(err, -ENOSPC, "import fewer, or flush what is not needed",
				  "%zu prefixes and %zu more are too many: %d fit", set->count,
				  extra, FW_PREFIX_MAX);
	r = fw_prefixes_why_get(set, why, &index, err);
	if (r)
		return r;
	if (room_need(set, set->count + extra) || index_need(set, set->count + extra))
		return no_memory(err);
	return 0;
}

int fw_prefixes_add(struct fw_prefixes *set, const struct fw_prefix *one, const char *why,
		    struct fw_err *err)
{
	struct fw_prefix *to;
	bool is_new;
	__u16 index;
	size_t slot;
	int r = check(one, err);

	if (!r)
		r = fw_prefixes_why_get(set, why, &index, err);
	if (r)
		return r;
	if (room_need(set, set->count + 1) || index_need(set, set->count + 1))
		return no_memory(err);
	slot = slot_find(set, one);
	is_new = !set->index[slot];
	if (is_new && set->count == FW_PREFIX_MAX)
		return fw_err_set(err, -ENOSPC, "flush what is not needed any more",
				  "there are %d prefixes already, and no more fit", FW_PREFIX_MAX);
	if (is_new)
		set->index[slot] = (__u32)++set->count;
	to = &set->at[set->index[slot] - 1];
	memset(to, 0, sizeof(*to));
	memcpy(to->addr_be, one->addr_be, sizeof(to->addr_be));
	to->until_s = one->until_s;
	to->since_s = one->since_s;
	to->why = index;
	to->len = one->len;
	to->lane = one->lane;
	to->class = one->lane == FW_LANE_CLASS ? one->class : 0;
	return !is_new;
}

static struct fw_prefix key_of(enum fw_lane lane, const __be32 addr_be[4], __u8 len)
{
	struct fw_prefix key = { .lane = lane, .len = len };

	memcpy(key.addr_be, addr_be, sizeof(key.addr_be));
	return key;
}

struct fw_prefix *fw_prefixes_find(struct fw_prefixes *set, enum fw_lane lane,
				   const __be32 addr_be[4], __u8 len)
{
	struct fw_prefix key = key_of(lane, addr_be, len);
	__u32 at;

	if (!set->count)
		return NULL;
	if (!index_need(set, set->count)) {
		at = set->index[slot_find(set, &key)];
		return at ? &set->at[at - 1] : NULL;
	}
	for (size_t i = 0; i < set->count; i++) /* no memory for an index */
		if (same_key(&set->at[i], &key))
			return &set->at[i];
	return NULL;
}

int fw_prefixes_del(struct fw_prefixes *set, enum fw_lane lane, const __be32 addr_be[4], __u8 len,
		    struct fw_err *err)
{
	struct fw_prefix *one = fw_prefixes_find(set, lane, addr_be, len);
	struct fw_prefix *last;
	char text[FW_TEXT_LEN];

	if (!one)
		return fw_err_set(err, -ENOENT, NULL, "%s is not in this list",
				  fw_text_put_prefix(text, sizeof(text), addr_be, len));
	last = &set->at[set->count - 1];
	if (set->slots) {
		slot_clear(set, slot_find(set, one));
		if (one != last)
			set->index[slot_find(set, last)] = (__u32)(one - set->at) + 1;
	}
	*one = *last;
	set->count--;
	return 0;
}

/* Keeps those for which gone() is false, in their order. */
static size_t sweep(struct fw_prefixes *set, bool (*gone)(const struct fw_prefix *, const void *),
		    const void *arg)
{
	size_t kept = 0, before = set->count;

	for (size_t i = 0; i < before; i++)
		if (!gone(&set->at[i], arg))
			set->at[kept++] = set->at[i];
	set->count = kept;
	if (kept != before)
		index_drop(set);
	return before - kept;
}

struct member {
	enum fw_lane lane;
	int class;
};

static bool is_member(const struct fw_prefix *one, const void *arg)
{
	const struct member *m = arg;

	return one->lane == m->lane && (m->class < 0 || one->class == m->class);
}

static bool is_expired(const struct fw_prefix *one, const void *arg)
{
	return one->until_s != FW_FOREVER && one->until_s <= *(const __u32 *)arg;
}

size_t fw_prefixes_flush(struct fw_prefixes *set, enum fw_lane lane, int class)
{
	struct member m = { lane, class };

	return sweep(set, is_member, &m);
}

size_t fw_prefixes_expire(struct fw_prefixes *set, __u32 now_s)
{
	return sweep(set, is_expired, &now_s);
}

size_t fw_prefixes_count(const struct fw_prefixes *set, enum fw_lane lane, int class)
{
	struct member m = { lane, class };
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += is_member(&set->at[i], &m);
	return n;
}

static int by_key(const void *a_, const void *b_)
{
	const struct fw_prefix *a = a_, *b = b_;
	int d = (int)a->lane - (int)b->lane;

	if (!d)
		d = memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be)); /* network order sorts */
	return d ? d : (int)a->len - (int)b->len;
}

void fw_prefixes_sort(struct fw_prefixes *set)
{
	if (!set->count)
		return;
	qsort(set->at, set->count, sizeof(*set->at), by_key);
	index_drop(set);
}

bool fw_prefixes_covers(const struct fw_prefix *one, const __be32 addr_be[4])
{
	bool ip4 = one->len >= 96 && fw_text_is_ip4(one->addr_be);

	/* ::/0 means all of IPv6: inside it, ::ffff:0:0/96 is our own form of IPv4. */
	if (ip4 != fw_text_is_ip4(addr_be))
		return false;
	for (int i = 0; i < 4; i++) {
		int bits = one->len - i * 32;
		__u32 net = bits >= 32 ? ~0U : bits <= 0 ? 0 : ~0U << (32 - bits);

		if ((ntohl(one->addr_be[i]) ^ ntohl(addr_be[i])) & net)
			return false;
	}
	return true;
}
