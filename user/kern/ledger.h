/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading the program's accounts of sources (bpf/tally.h) while it writes them. It waits for
 * nobody: what is read may be written over at the same time, and every function here says so rather
 * than return half of one and half of another. Any number of readers, no lock.
 */
#ifndef FW_KERN_LEDGER_H
#define FW_KERN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/kern/maps.h"

/* Does this machine show the stores of a CPU to others in their order? */
#if defined(__x86_64__) || defined(__s390x__)
#define FW_STORES_ORDERED 1
#else
#define FW_STORES_ORDERED 0
#endif

/* Records in the ledger of one of so many CPUs: a power of two. */
static inline __u32 fw_ledger_size(__u32 cpus)
{
	__u32 size = FW_LEDGER_MAX;

	while ((__u64)size * sizeof(struct fw_tally) * cpus > FW_LEDGER_ALL && size > 1)
		size /= 2;
	return size;
}

/* One CPU's. maps: TALLIES. */
struct fw_ledger {
	const struct fw_book *book;
	const struct fw_tally *ring;
	__u32 size; /* records in ring */
};
static inline struct fw_ledger fw_ledger_of(const struct fw_maps *maps, unsigned int cpu)
{
	__u32 size = maps->cap_ledger_all / maps->cap_ledger_cpus;

	return (struct fw_ledger){ &maps->book[cpu], &maps->ledger[(size_t)cpu * size], size };
}

/* Records so far, and the packets in them. False: they grow faster than they can be read. */
bool fw_ledger_head(const struct fw_ledger *l, __u64 *ret_head, __u64 *ret_packets);

/*
 * Copies records from *tail on, at most max of them, and none from head on. *tail is set to the
 * first one that was copied: those before it have been written over. Returns how many.
 */
__u32 fw_ledger_copy(const struct fw_ledger *l, __u64 *tail, __u64 head, struct fw_tally *ret,
		     __u32 max);

/*
 * A slot as it was while the head was *ret_head: what it holds will be in that record or a later
 * one, the first of this slot. False: it is free, or is given away faster than it can be read.
 */
bool fw_ledger_slot(const struct fw_ledger *l, __u32 slot, struct fw_tally *ret, __u64 *ret_head);

#endif
