// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's half of bpf/tally.h. Whatever the program changes, it says so before and after it
 * does: of a slot by its who, of a record by the head, of the head by the two sums beside it.
 */
#include <string.h>
#include <sys/param.h>

#include "user/kern/ledger.h"

#define TRIES 8

static __u64 load(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

bool fw_ledger_head(const struct fw_ledger *l, __u64 *ret_head, __u64 *ret_packets)
{
	for (int i = 0; i < TRIES; i++) {
		__u64 whole = load(&l->book->whole), head = load(&l->book->head);

		if (load(&l->book->packets) != whole)
			continue;
		*ret_head = head;
		*ret_packets = whole;
		return true;
	}
	return false;
}

/* The oldest record that is not written over, and will not be at once. */
static __u64 oldest(const struct fw_ledger *l, __u64 head)
{
	return head < l->size ? 0 : head - l->size + 1;
}

__u32 fw_ledger_copy(const struct fw_ledger *l, __u64 *tail, __u64 head, struct fw_tally *ret,
		     __u32 max)
{
	__u64 from = MAX(*tail, oldest(l, load(&l->book->head))), first;
	__u32 count = from < head ? (__u32)MIN(head - from, max) : 0;

	for (__u32 i = 0; i < count; i++)
		ret[i] = l->ring[(from + i) & (l->size - 1)];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	first = oldest(l, load(&l->book->head));
	if (first > from) { /* overtaken while copying */
		__u32 gone = (__u32)MIN(first - from, count);

		memmove(ret, ret + gone, (count - gone) * sizeof(*ret));
		count -= gone;
		from += gone;
	}
	*tail = MIN(from, MAX(head, *tail));
	return count;
}

bool fw_ledger_slot(const struct fw_ledger *l, __u32 slot, struct fw_tally *ret, __u64 *ret_head)
{
	const struct fw_tally *t = &l->book->slot[slot];

	for (int i = 0; i < TRIES; i++) {
		__u64 head = load(&l->book->head);
		__u32 who = __atomic_load_n(&t->who, __ATOMIC_ACQUIRE);

		if (!who)
			return false;
		*ret = *t;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&t->who, __ATOMIC_ACQUIRE) != who ||
		    load(&l->book->head) != head)
			continue;
		ret->who = who;
		*ret_head = head;
		return true;
	}
	return false;
}
