// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sources sent lately: the sum of the slots and ledgers of all CPUs, of the time that all of
 * them still remember. Ledgers forget what is oldest, and each CPU's at its own pace.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/source.h"
#include "user/kern/ledger.h"

#define AT_ONCE 256

/* Tallies that are wanted, as they come. */
struct heap {
	struct fw_tally *list;
	size_t count, room;
	bool one; /* only this source's: */
	__u64 key;
	__u8 family;
	__u64 since_ns;	 /* from when on nothing is missing; 0: nothing was forgotten */
	__u64 oldest_ns; /* the first thing in any of them, 0 = they are empty */
};

static bool keep(struct heap *h, const struct fw_tally *t)
{
	h->oldest_ns = h->oldest_ns ? MIN(h->oldest_ns, t->first_ns) : t->first_ns;
	if (h->one && (t->key != h->key || FW_TALLY_FAMILY(t->who) != h->family))
		return true;
	if (h->count == h->room) {
		size_t room = h->room ? 2 * h->room : 4096;
		struct fw_tally *list = realloc(h->list, room * sizeof(*list));

		if (!list)
			return false;
		h->list = list;
		h->room = room;
	}
	h->list[h->count++] = *t;
	return true;
}

/* Records leave in the order of time, but each tells only when its source was last seen: the latest
 * of some is about when they left. */
static void forgotten(struct heap *h, const struct fw_tally *record, __u32 count)
{
	for (__u32 i = 0; i < count; i++)
		h->since_ns = MAX(h->since_ns, record[i].first_ns + record[i].last);
}

/* Records from *tail on, up to head. */
static bool keep_records(struct heap *h, const struct fw_ledger *l, __u64 *tail, __u64 head)
{
	struct fw_tally record[AT_ONCE];

	while (*tail < head) {
		__u64 wanted = *tail;
		__u32 count = fw_ledger_copy(l, tail, head, record, AT_ONCE);

		if (*tail > wanted)
			forgotten(h, record, count);
		for (__u32 i = 0; i < count; i++)
			if (!keep(h, &record[i]))
				return false;
		*tail += count;
	}
	return true;
}

static bool keep_cpu(struct heap *h, const struct fw_ledger *l)
{
	__u64 tail = 0, head = __atomic_load_n(&l->book->head, __ATOMIC_ACQUIRE);
	struct fw_tally held;

	if (!keep_records(h, l, &tail, head))
		return false;
	for (__u32 slot = 0; slot < FW_TALLY_SLOTS; slot++) {
		if (!fw_ledger_slot(l, slot, &held, &head))
			continue;
		/* What it held before is a record, and what it holds is none yet. */
		if (!keep_records(h, l, &tail, head) || !keep(h, &held))
			return false;
	}
	return true;
}

/* The part of n that lies in the time since, if it came evenly. */
static __u64 part(const struct fw_tally *t, __u64 n, __u64 since_ns)
{
	__u64 before = since_ns > t->first_ns ? since_ns - t->first_ns : 0;

	return !before ? n : before >= t->last ? 0 : n - n * before / t->last;
}

/* By source, then by time. */
static int by_source(const void *a, const void *b)
{
	const struct fw_tally *x = a, *y = b;

	if (FW_TALLY_FAMILY(x->who) != FW_TALLY_FAMILY(y->who))
		return FW_TALLY_FAMILY(x->who) - FW_TALLY_FAMILY(y->who);
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

/* The tallies of a source, in the order of time, become one. */
static void add(struct fw_source_heavy *to, const struct fw_tally *t, __u64 since_ns)
{
	__u64 packets = part(t, t->packets, since_ns);

	if (!to->packets) {
		*to = (struct fw_source_heavy){ .key = t->key,
						.family = FW_TALLY_FAMILY(t->who),
						.since_s = (__u32)(MAX(t->first_ns, since_ns) /
								   FW_NS_PER_S) };
	}
	to->packets += packets;
	to->bytes += part(t, t->bytes, since_ns);
	to->class = FW_TALLY_CLASS(t->who);
	if (!FW_TALLY_REASON(t->who) || !packets)
		return;
	to->lost += packets;
	to->reason = FW_TALLY_REASON(t->who);
}

static int merge(struct heap *h, struct fw_source_heavy **ret, size_t *ret_count)
{
	struct fw_source_heavy *list = calloc(h->count ?: 1, sizeof(*list));
	size_t kept = 0;

	if (!list)
		return -ENOMEM;
	if (h->count)
		qsort(h->list, h->count, sizeof(*h->list), by_source);
	for (size_t i = 0; i < h->count; i++) {
		const struct fw_tally *t = &h->list[i];
		struct fw_source_heavy *last = kept ? &list[kept - 1] : NULL;

		if (!part(t, t->packets, h->since_ns))
			continue;
		if (!last || last->key != t->key || last->family != FW_TALLY_FAMILY(t->who))
			last = &list[kept++];
		add(last, t, h->since_ns);
	}
	*ret = list;
	*ret_count = kept;
	return 0;
}

/* From when on all is known: when the oldest thing happened, if nothing has been forgotten. */
static __u64 begun(const struct heap *h, __u64 now_ns)
{
	__u64 since = h->since_ns ?: h->oldest_ns;

	return since ? MIN(since, now_ns) : now_ns;
}

static int heavy(const struct fw_maps *maps, struct heap *h, struct fw_source_heavies *ret,
		 struct fw_err *err)
{
	struct fw_source_heavies all = {};
	int r = 0;

	for (unsigned int cpu = 0; cpu < maps->cap_ledger_cpus && !r; cpu++) {
		struct fw_ledger ledger = fw_ledger_of(maps, cpu);

		r = keep_cpu(h, &ledger) ? 0 : -ENOMEM;
	}
	all.now_ns = fw_apply_now(maps);
	all.since_ns = begun(h, all.now_ns);
	if (!r)
		r = merge(h, &all.list, &all.count);
	free(h->list);
	if (r)
		return fw_err_set(err, r, NULL, "no memory for what sources sent");
	*ret = all;
	return 0;
}

int fw_source_heavy(const struct fw_maps *maps, __u64 since_ns, struct fw_source_heavies *ret,
		    struct fw_err *err)
{
	struct heap h = { .since_ns = since_ns };

	return heavy(maps, &h, ret, err);
}

int fw_source_heavy_one(const struct fw_maps *maps, __u8 family, __u64 key,
			struct fw_source_heavy *ret, __u64 *ret_since_ns, struct fw_err *err)
{
	struct heap h = { .one = true, .key = key, .family = family };
	struct fw_source_heavies all = {};
	int r = heavy(maps, &h, &all, err);

	if (r)
		return r;
	*ret = all.count ? all.list[0] : (struct fw_source_heavy){};
	*ret_since_ns = all.since_ns;
	free(all.list);
	return 0;
}
