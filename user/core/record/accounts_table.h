/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For accounts*.c only: the file behind the accounts. An index of open addressing over a dense
 * array of sources, each with a short list of what it lost for which reason.
 */
#ifndef FW_CORE_ACCOUNTS_TABLE_H
#define FW_CORE_ACCOUNTS_TABLE_H

#include "user/core/record/accounts.h"

#define MAGIC	   0x73746e756f636361ULL
#define GROW	   (1U << 15) /* sources a step */
#define INDEX_BITS 12	      /* of the first index */

enum { WINDOW_NOW, WINDOW_BEFORE, WINDOWS };
/* In the list of what changed; logged since the list was begun, and as what. */
enum {
	IS_PROVEN = 1,
	IS_BANNED = 2,
	HAS_LOST = 4,
	IS_CHANGED = 8,
	IS_LOGGED = 16,
	LOGGED_PROVEN = 32,
	ABOUT_LOG = IS_CHANGED | IS_LOGGED | LOGGED_PROVEN,
};

struct source {
	__u64 key;
	__u64 first_ns[WINDOWS], last_ns;
	__u64 packets[WINDOWS], bytes[WINDOWS];
	__u64 written; /* packets when last written */
	double weight;
	__u32 losses; /* number of the first, 0 = none */
	__u8 family, flags;
	__u8 pad[2];
};

struct loss {
	__u32 next;
	__u32 reason;
	struct fw_count count[WINDOWS];
};

/* What of a slot's turn has been booked. */
struct booked {
	__u64 packets, bytes, lost, lost_bytes;
	__u32 turn;
	__u32 flushed; /* turns up to this one have come through the ledger, if any has */
	__u32 any;
	__u32 pad;
};

struct head {
	__u64 magic;
	struct fw_accounts_id id;
	__u64 lost;
	__u32 nr, room;		      /* sources, and how many the file has room for */
	__u32 nr_losses, room_losses; /* number 0 is none */
	__u32 free_loss;
	__u32 index_bits;
};

struct fw_accounts {
	int fd;
	bool narrow;
	__u64 most;  /* bytes the file may take; 0 = as many as its sources need */
	size_t size; /* of the mapping */
	char *mem;
	struct head *head;
	struct booked *booked; /* [cpus * FW_HEAVY_SLOTS] */
	__u32 *index;	       /* number of the source + 1; 0 = free */
	struct source *source;
	struct loss *loss;
	size_t index_at, source_at, loss_at; /* offsets in the file */
	bool listing;			     /* changes are listed */
	__u32 *changed;			     /* positions, the oldest change first */
	size_t nr_changed, room_changed;
	__u64 logged[2]; /* sources that have been: others, proven ones */
};

static inline __u64 fw_accounts_mix(__u64 key, __u8 family)
{
	key = (key ^ family) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 29;
}

/* True: it has no account. False: it may have one. */
static inline bool fw_accounts_absent(const struct fw_accounts *a, __u8 family, __u64 key)
{
	return !a->index[fw_accounts_mix(key, family) & ((1ULL << a->head->index_bits) - 1)];
}

/* Three quarters of the room there may ever be are taken. */
bool fw_accounts_scarce(const struct fw_accounts *a);
/* A source's account; made if wanted and there is room, else NULL. */
struct source *fw_accounts_find(struct fw_accounts *a, __u8 family, __u64 key, bool make);
/* A fresh loss and its number; NULL: no room. */
struct loss *fw_accounts_loss(struct fw_accounts *a, __u32 *ret);
/* Room that few sources do not need goes back to the system; fw_accounts_reindex must follow. */
void fw_accounts_shrink(struct fw_accounts *a);
/* After sources have moved. */
void fw_accounts_reindex(struct fw_accounts *a);
/* accounts_log.c: it may have changed; list it if it must be. After sources have moved: anew. */
void fw_accounts_touch(struct fw_accounts *a, struct source *s);
void fw_accounts_relist(struct fw_accounts *a);
/* accounts_sort.c: by family and key, in place, whatever order somebody has sent them in. */
void fw_accounts_arrange(struct source *list, size_t count);

#endif
