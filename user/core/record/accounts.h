/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each source sent: the sum of the slots and ledgers of all CPUs (bpf/tally.h), kept exactly.
 * The table lies in a file that is mapped (on tmpfs), so that a recorder that was killed goes on
 * where it stopped; of another boot or another state, it starts anew.
 *
 * Outside an incident two windows are kept, the running one and the one before it, so that an
 * incident begins with what came just before it. Bounded: beyond its size, packets are counted as
 * lost, and the last quarter of the room is for sources that are proven. One thread.
 */
#ifndef FW_CORE_ACCOUNTS_H
#define FW_CORE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"

struct fw_accounts;

struct fw_accounts_id {
	char boot_id[40];
	__u32 state;	   /* fw_maps.ctl_id */
	unsigned int cpus; /* possible ones */
	__u32 max;	   /* sources */
};

/* A source's account in the incident, or in the two windows. */
struct fw_account {
	__u64 key;		 /* IPv4 address, or upper 64 bits of IPv6, host order */
	__u64 first_ns, last_ns; /* program time */
	__u64 packets, bytes;
	double weight; /* of samples: the packets they stand for */
	__u8 family;
	bool proven, banned;
	struct fw_count lost[FW_R_MAX]; /* of packets and bytes, by reason */
	__u64 lost_packets, lost_bytes;
};

/* The same, short: so many reasons, the rest of the places is not set. */
struct fw_account_brief {
	__u64 key, first_ns, last_ns, packets, bytes;
	double weight;
	__u8 family;
	bool proven, banned;
	unsigned int reasons;
	struct fw_account_loss {
		__u32 reason;
		struct fw_count count;
	} lost[FW_R_MAX];
};

/* Whose accounts a file holds; -ENOENT: none, or it is none of ours. */
int fw_accounts_peek(const char *path, struct fw_accounts_id *ret);

/* path NULL: in memory. *ret_kept: it goes on with what was there. */
int fw_accounts_open(const char *path, const struct fw_accounts_id *id, struct fw_accounts **ret,
		     bool *ret_kept, struct fw_err *err);
void fw_accounts_close(struct fw_accounts *a); /* NULL is fine; the file stays */
/* The file grows no further than this; 0 = as its size says. What finds no room is counted as lost.
 */
void fw_accounts_bound(struct fw_accounts *a, __u64 bytes);

/* Whatever is booked is added there, too; it outlives a. */
struct fw_heaviest;
void fw_accounts_watch(struct fw_accounts *a, struct fw_heaviest *to);

/*
 * A record of a CPU's ledger, in order. And what is in a slot, once all records are booked that are
 * older than that (fw_ledger_slot() says which): of the slot's next record only the rest is booked.
 * Both return how many packets had been booked of a slot whose record never came.
 */
__u32 fw_accounts_record(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *record);
__u32 fw_accounts_slot(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *held);

/* While narrow, a record of a source that neither proved itself nor lost anything opens no account.
 */
void fw_accounts_narrow(struct fw_accounts *a, bool narrow);

/* One sample that stands for weight packets: its reason counts as what was lost. */
void fw_accounts_sample(struct fw_accounts *a, const struct fw_sample *sample, double weight);

/* Every ten seconds or so. In an incident: forget only idle sources that neither proved themselves
 * nor lost anything; idle_ns: program time before which one counts as idle. */
void fw_accounts_turn(struct fw_accounts *a, bool incident, __u64 idle_ns);
/* An incident begins: both windows count as its own. */
void fw_accounts_begin(struct fw_accounts *a);
/* It ended, or another one begins: everything counts as not written. */
void fw_accounts_forget(struct fw_accounts *a);

size_t fw_accounts_count(const struct fw_accounts *a);
__u64 fw_accounts_lost(const struct fw_accounts *a); /* packets without room here */
/* By position, below fw_accounts_count; positions hold until the next turn. */
void fw_accounts_get(const struct fw_accounts *a, size_t at, struct fw_account *ret);
void fw_accounts_brief(const struct fw_accounts *a, size_t at, struct fw_account_brief *ret);
void fw_accounts_written(struct fw_accounts *a, size_t at);
void fw_accounts_unwritten(struct fw_accounts *a); /* none is, after all */
/* So many records later this one will come: have at hand what is needed for it. */
#define FW_ACCOUNTS_AHEAD 24
void fw_accounts_expect(struct fw_accounts *a, unsigned int cpu, const struct fw_tally *record);
/* What an earlier run knew of a source, from the history. */
void fw_accounts_seed(struct fw_accounts *a, const struct fw_account *account);
/* In the order of addresses: rows written so lie side by side. Positions change. */
void fw_accounts_sort(struct fw_accounts *a);
/* Worth a row: proven, or lost something; and changed. Cheap. */
bool fw_accounts_due(const struct fw_accounts *a, size_t at);
/* How soon it should have one; 0 = it is not due. Proven before others, what has none yet before
 * what has an older one, heavier before lighter. Cheap. */
__u64 fw_accounts_rank(const struct fw_accounts *a, size_t at);

/*
 * For the log of sources (source_log.h), in accounts_log.c. listing: from now on what changes and
 * is worth a row is listed, and all that is worth one counts as changed; else no list is kept.
 */
void fw_accounts_list(struct fw_accounts *a, bool listing);
bool fw_accounts_listing(const struct fw_accounts *a);
/* Everything counts as changed once more; what has been logged stays so. */
void fw_accounts_list_all(struct fw_accounts *a);
size_t fw_accounts_changes(const struct fw_accounts *a);
/* The positions of some changes, in the order of addresses; they count as logged. Returns how many,
 * most at most; hold until the next turn. */
#define FW_ACCOUNTS_BATCH 8192
size_t fw_accounts_changed(struct fw_accounts *a, __u32 ret[FW_ACCOUNTS_BATCH], size_t most);
/* How many sources have been. */
void fw_accounts_totals(const struct fw_accounts *a, __u64 *ret_proven, __u64 *ret_other);
/* How many of these are neither proven nor logged in `known`. Looks at each. */
__u64 fw_accounts_apart(const struct fw_accounts *a, const struct fw_accounts *known);

/* Has this source proven itself? */
bool fw_accounts_proven(const struct fw_accounts *a, __u8 family, __u64 key);

#endif
