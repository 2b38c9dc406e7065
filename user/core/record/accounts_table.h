/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For accounts*.c only: the file behind the accounts. An index of open addressing over a dense
 * array of sources, one line of the cache each, and a list beside it for what few of them need.
 *
 * Whoever is killed in the middle of a booking leaves it half done; in the middle of moving
 * sources, head.moving: the next begins anew, and all but the slots is taken from the log.
 */
#ifndef FW_CORE_ACCOUNTS_TABLE_H
#define FW_CORE_ACCOUNTS_TABLE_H

#include "user/core/record/accounts.h"

#define MAGIC	   0x35746e756f636361ULL
#define GROW	   (1U << 14) /* sources a step */
#define INDEX_BITS 12	      /* of the first index */

/* The last three are about the log of sources: in the list of what changed; logged since the list
 * was begun, and as what. */
enum {
	IS_IP6 = 1,
	IS_PROVEN = 2,
	IS_BANNED = 4,
	HAS_LOST = 8,
	IS_DUE = 16, /* changed since its row was written, if ever */
	IS_CHANGED = 32,
	IS_LOGGED = 64,
	LOGGED_PROVEN = 128,
	ABOUT_LOG = IS_CHANGED | IS_LOGGED | LOGGED_PROVEN,
	IS_WORTH = IS_PROVEN | HAS_LOST, /* a row, and room as long as an incident lasts */
};

/* A line of the cache: what most sources need, of the running window. All else is in the list that
 * begins with more. */
struct source {
	__u64 key;
	__u64 first_ns, last_ns;
	__u64 bytes, lost_bytes;
	__u64 packets : 48;
	__u64 written : 16; /* packets when last written, to 3 digits; 0 = never */
	__u64 lost : 48;    /* packets for the first reason, 0 = none */
	__u64 reason : 8, flags : 8;
	__u32 more; /* number of the first, 0 = none */
	float weight;
};
_Static_assert(sizeof(struct source) == 64, "source");

/* Further reasons by their numbers; of the window before: reasons, and what was sent. */
enum { OF_BEFORE = 64, BEFORE = 128 };
struct more {
	__u32 next, kind;
	__u64 first_ns; /* of BEFORE */
	__u64 packets, bytes;
};
_Static_assert((int)FW_R_MAX <= OF_BEFORE && sizeof(struct more) == 32, "more");

struct head {
	__u64 magic;
	struct fw_accounts_id id;
	__u64 lost;
	__u32 nr, room;		  /* sources, and how many the file has room for */
	__u32 nr_more, room_more; /* number 0 is none */
	__u32 free_more;
	__u32 index_bits;
	__u32 moving; /* whoever was killed meanwhile left sources in no order at all */
	__u32 pad;
};

#define EXPECTED 32 /* a power of two */

struct fw_accounts {
	int fd;
	bool narrow;
	struct fw_heaviest *heaviest; /* or NULL */
	__u64 most;		      /* bytes the file may take; 0 = as many as its sources need */
	size_t size;		      /* of the mapping */
	char *mem;
	struct head *head;
	struct fw_tally *booked; /* [cpus * FW_TALLY_SLOTS] of what is in a slot; who 0: nothing */
	/* Number of the source + 1 below number_mask, 0 = free; above it what tells most keys
	 * apart. */
	__u32 *index;
	__u32 number_mask;
	struct source *source;
	struct more *more;
	size_t index_at, source_at, more_at; /* offsets in the file */
	__u64 salt[2];			     /* nobody can aim at one place of the index */
	__u64 expected[EXPECTED];	     /* hashes */
	unsigned int expected_at;
	__u32 harmless; /* sources that are not worth a row */

	bool listing;	/* changes are listed */
	__u64 *changed; /* a bit for each position */
	size_t nr_changed;
	size_t cursor;	 /* the next word of them to look at */
	__u64 *batch;	 /* what is being put in order */
	__u64 logged[2]; /* sources that have been: others, proven ones */
};

static inline __u64 fw_accounts_hash(const struct fw_accounts *a, __u8 family, __u64 key)
{
	key = (key ^ a->salt[0] ^ family) * a->salt[1];
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 32;
}

static inline __u64 fw_accounts_home(const struct fw_accounts *a, __u64 hash)
{
	return hash >> 32 & ((1ULL << a->head->index_bits) - 1);
}

/* True: it has no account. False: it may have one. */
static inline bool fw_accounts_absent(const struct fw_accounts *a, __u8 family, __u64 key)
{
	return !a->index[fw_accounts_home(a, fw_accounts_hash(a, family, key))];
}

/* What has been booked of the slot that a tally lies in. */
static inline struct fw_tally *fw_accounts_booked(const struct fw_accounts *a, unsigned int cpu,
						  __u32 who)
{
	return &a->booked[(size_t)cpu * FW_TALLY_SLOTS + FW_TALLY_SLOT(who)];
}

static inline __u8 fw_accounts_family(const struct source *s)
{
	return s->flags & IS_IP6 ? 6 : 4;
}

/* What is stored before may be seen by whoever comes after a kill before what is stored after. */
static inline void fw_accounts_order(void)
{
	__asm__ volatile("" ::: "memory");
}

enum fw_accounts_make { MAKE_NONE, MAKE_IF_PLENTY, MAKE };

/* accounts_table.c: the file. */
/* Three quarters of the room there may ever be are taken. */
bool fw_accounts_scarce(const struct fw_accounts *a);
/* Room for one more source; for an index of so many bits. */
bool fw_accounts_grow(struct fw_accounts *a);
bool fw_accounts_index_room(struct fw_accounts *a, __u32 bits);
/* What goes with a source of this kind; made if wanted and there is room, else NULL. */
struct more *fw_accounts_more(struct fw_accounts *a, struct source *s, __u32 kind, bool make);
/* Takes the first of the list off it. */
struct more fw_accounts_take_more(struct fw_accounts *a, struct source *s);
/* Room that few sources do not need goes back to the system; fw_accounts_reindex must follow. */
void fw_accounts_shrink(struct fw_accounts *a);

/* accounts_index.c */
/* A source's account; made if wanted and there is room, else NULL. */
struct source *fw_accounts_find(struct fw_accounts *a, __u8 family, __u64 key,
				enum fw_accounts_make make);
/* After sources have moved. */
void fw_accounts_reindex(struct fw_accounts *a);

/* accounts.c: it lost so much; it is now of this kind. */
void fw_accounts_lose(struct fw_accounts *a, struct source *s, __u32 reason, __u64 packets,
		      __u64 bytes);
static inline void fw_accounts_mark(struct fw_accounts *a, struct source *s, unsigned int flags)
{
	a->harmless -= !(s->flags & IS_WORTH) && flags & IS_WORTH;
	s->flags |= flags;
}

/* accounts_log.c: it may have changed; list it if it must be. After sources have moved: anew. */
void fw_accounts_touch(struct fw_accounts *a, struct source *s);
void fw_accounts_relist(struct fw_accounts *a);
/* accounts_sort.c: by family and key, in place, whatever order somebody has sent them in. */
void fw_accounts_arrange(struct source *list, size_t count);
/* By all but the lowest bits, of which there are so many. scratch: as much room again. */
void fw_accounts_order_keys(__u64 *keys, __u64 *scratch, size_t count, unsigned int low_bits);

#endif
