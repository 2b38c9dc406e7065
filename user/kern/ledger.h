/* SPDX-License-Identifier: GPL-2.0-only */
/* How large the ledgers of the accounts (bpf/heavy.h) are, and how their ends are moved. */
#ifndef FW_KERN_LEDGER_H
#define FW_KERN_LEDGER_H

#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"

/* Does this machine show the stores of a CPU to others in their order? */
#if defined(__x86_64__) || defined(__s390x__)
#define FW_STORES_ORDERED 1
#else
#define FW_STORES_ORDERED 0
#endif

/* Records of size bytes in the ledger of one CPU, at most max; both are powers of two. */
static inline __u32 fw_ledger_size(__u32 max, size_t size, __u32 cpus)
{
	while ((__u64)max * size * cpus > FW_LEDGER_ALL)
		max /= 2;
	return max;
}

#endif
