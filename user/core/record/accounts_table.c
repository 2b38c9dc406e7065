// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file behind the accounts. It is grown before it is touched, because a full tmpfs would kill
 * whoever touches a hole in it. Each of millions of sources is touched in no order, which costs a
 * look at the page tables nearly every time, unless pages are huge: where the kernel has them for
 * tmpfs (6.1), what is full grown becomes one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "user/core/record/accounts_table.h"

#define HUGE_PAGE ((size_t)2 << 20)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Never more than three quarters full. */
static __u32 max_bits(__u32 max)
{
	__u32 bits = INDEX_BITS;

	while (3ULL << bits < 4ULL * max && bits < 31)
		bits++;
	return bits;
}

/* Most sources need none, some several; number 0 is none. */
static __u32 more_max(__u32 sources)
{
	return 2 * sources + 1;
}

static size_t pages(size_t bytes)
{
	return (bytes + 4095) & ~(size_t)4095;
}

static size_t huge_pages(size_t bytes)
{
	return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

static void lay_out(struct fw_accounts *a, const struct fw_accounts_id *id)
{
	size_t at = pages(sizeof(struct head));

	at += pages((size_t)id->cpus * FW_TALLY_SLOTS * sizeof(struct fw_tally));
	a->index_at = huge_pages(at);
	at = a->index_at + (sizeof(__u32) << max_bits(id->max));
	a->source_at = huge_pages(at);
	at = a->source_at + (size_t)id->max * sizeof(struct source);
	a->more_at = huge_pages(at);
	at = a->more_at;
	at += pages(more_max(id->max) * sizeof(struct more));
	a->size = at;
}

/* What of the file holds something. */
static __u64 taken(const struct fw_accounts *a)
{
	const struct head *h = a->head;

	return a->index_at + (sizeof(__u32) << h->index_bits) + h->room * sizeof(struct source) +
	       h->room_more * sizeof(struct more);
}

void fw_accounts_bound(struct fw_accounts *a, __u64 bytes)
{
	a->most = bytes;
}

bool fw_accounts_scarce(const struct fw_accounts *a)
{
	__u64 nr = a->head->nr, bytes = taken(a);

	return nr + nr / 3 >= a->head->id.max || (a->most && bytes + bytes / 3 >= a->most);
}

/* Those huge pages that end in what has just got room: the whole of them has it. The kernel may
 * have none to give, or know of none: no harm. */
static void make_huge(struct fw_accounts *a, size_t from, size_t to)
{
	from = from / HUGE_PAGE * HUGE_PAGE;
	to = to / HUGE_PAGE * HUGE_PAGE;
	if (from >= a->index_at && from < to)
		(void)madvise(a->mem + from, to - from, MADV_COLLAPSE);
}

/* It will be written to at once: mapping it all in one go is cheaper than page by page. */
static int room(struct fw_accounts *a, size_t at, size_t bytes)
{
	if (a->most && taken(a) + bytes > a->most)
		return -ENOSPC;
	if (posix_fallocate(a->fd, (off_t)at, (off_t)bytes))
		return -ENOSPC;
	if (!a->mem)
		return 0;
	(void)madvise(a->mem + at / 4096 * 4096, bytes + at % 4096, MADV_POPULATE_WRITE);
	make_huge(a, at, at + bytes);
	return 0;
}

bool fw_accounts_grow(struct fw_accounts *a)
{
	struct head *h = a->head;
	__u32 to = h->room + GROW < h->id.max ? h->room + GROW : h->id.max;

	if (h->nr < h->room)
		return true;
	if (to == h->room || room(a, a->source_at + h->room * sizeof(struct source),
				  (to - h->room) * sizeof(struct source)))
		return false;
	h->room = to;
	return true;
}

bool fw_accounts_index_room(struct fw_accounts *a, __u32 bits)
{
	return bits <= max_bits(a->head->id.max) && !room(a, a->index_at, sizeof(__u32) << bits);
}

/* Give pages back to the file system. What cannot be given back stays: no harm. */
static bool give_back(const struct fw_accounts *a, size_t from, size_t to)
{
	from = pages(from);
	return from >= to || !fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)from, (off_t)(to - from));
}

/* Half of the room may lie idle, or it would be asked for again at once. The index is small where
 * few are: what is looked up and not there costs a place in a cache. */
void fw_accounts_shrink(struct fw_accounts *a)
{
	struct head *h = a->head;
	__u32 to = (h->nr / GROW + 2) * GROW, bits = INDEX_BITS;

	while (1ULL << bits < 4ULL * h->nr)
		bits++; /* room for as many again */
	if (h->room > 2 * to && give_back(a, a->source_at + to * sizeof(struct source),
					  a->source_at + h->room * sizeof(struct source)))
		h->room = to;
	if (h->index_bits > bits && give_back(a, a->index_at + (sizeof(__u32) << bits),
					      a->index_at + (sizeof(__u32) << h->index_bits)))
		h->index_bits = bits;
	if (!h->nr && h->room_more > GROW &&
	    give_back(a, a->more_at + GROW * sizeof(struct more),
		      a->more_at + h->room_more * sizeof(struct more))) {
		h->room_more = GROW;
		h->nr_more = 0;
		h->free_more = 0;
	}
}

/* A free one, and its number; 0: no room. */
static __u32 new_more(struct fw_accounts *a)
{
	struct head *h = a->head;
	__u32 n = h->free_more, to = h->room_more + GROW;

	if (n) {
		h->free_more = a->more[n].next;
		return n;
	}
	if (to > more_max(h->id.max))
		to = more_max(h->id.max);
	if (h->nr_more == h->room_more) {
		if (to == h->room_more || room(a, a->more_at + h->room_more * sizeof(struct more),
					       (to - h->room_more) * sizeof(struct more)))
			return 0;
		h->room_more = to;
	}
	h->nr_more += !h->nr_more; /* 0 is none */
	return h->nr_more++;
}

struct more *fw_accounts_more(struct fw_accounts *a, struct source *s, __u32 kind, bool make)
{
	__u32 n;

	for (n = s->more; n; n = a->more[n].next)
		if (a->more[n].kind == kind)
			return &a->more[n];
	n = make ? new_more(a) : 0;
	if (!n)
		return NULL;
	a->more[n] = (struct more){ .kind = kind, .next = s->more };
	fw_accounts_order();
	s->more = n;
	return &a->more[n];
}

struct more fw_accounts_take_more(struct fw_accounts *a, struct source *s)
{
	__u32 n = s->more;
	struct more was = a->more[n];

	s->more = was.next;
	fw_accounts_order();
	a->more[n].next = a->head->free_more;
	a->head->free_more = n;
	return was;
}

/* In a set of bits, unless it is in it already or out of bounds. */
static bool add_number(__u64 *set, __u32 n, __u32 end)
{
	if (n >= end || set[n / 64] & 1ULL << n % 64)
		return false;
	set[n / 64] |= 1ULL << n % 64;
	return true;
}

/* After somebody was killed: no list is longer than it should be, or part of another. */
static bool mend(struct fw_accounts *a)
{
	struct head *h = a->head;
	__u64 *used = calloc(h->nr_more / 64 + 1, sizeof(*used));

	if (!used)
		return false;
	a->harmless = 0;
	for (__u32 i = 0; i < h->nr; i++) {
		struct source *s = &a->source[i];
		__u32 *n = &s->more;

		for (; *n && add_number(used, *n, h->nr_more); n = &a->more[*n].next)
			;
		*n = 0;
		a->harmless += !(s->flags & IS_WORTH);
	}
	h->free_more = 0;
	for (__u32 n = 1; n < h->nr_more; n++)
		if (!(used[n / 64] & 1ULL << n % 64)) {
			a->more[n].next = h->free_more;
			h->free_more = n;
		}
	free(used);
	return true;
}

static int start_anew(struct fw_accounts *a, struct fw_err *err)
{
	if (ftruncate(a->fd, 0) || ftruncate(a->fd, (off_t)a->size) ||
	    room(a, 0, a->index_at + (sizeof(__u32) << INDEX_BITS)))
		return fw_err_set(err, -ENOSPC, "make room in /run",
				  "no room for the accounts of sources");
	return 0;
}

/* What of it is not in the file. */
static int prepare(struct fw_accounts *a, const struct fw_accounts_id *id, struct fw_err *err)
{
	a->number_mask = ~0U >> __builtin_clz(id->max);
	if (getrandom(a->salt, sizeof(a->salt), 0) != sizeof(a->salt))
		return fw_err_set(err, -EIO, NULL, "no random numbers for the accounts of sources");
	a->salt[1] |= 1;
	a->changed = calloc(id->max / 64 + 1, sizeof(*a->changed));
	a->batch = calloc(2 * FW_ACCOUNTS_BATCH, sizeof(*a->batch));
	if (!a->changed || !a->batch)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the accounts of sources");
	return 0;
}

/* Asks for a place where huge pages of the file can be those of the memory; any other will do. */
static void *map_aligned(const struct fw_accounts *a)
{
	size_t room = a->size + HUGE_PAGE;
	void *at = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		at = NULL;
	else
		munmap(at, room);
	return mmap((void *)huge_pages((size_t)at), a->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, a->fd, 0);
}

static int map(struct fw_accounts *a, struct fw_err *err)
{
	a->mem = map_aligned(a);
	if (a->mem == MAP_FAILED) {
		a->mem = NULL;
		return fw_err_set(err, -errno, NULL, "cannot map the accounts of sources: %s",
				  strerror(errno));
	}
	a->head = (struct head *)a->mem;
	a->booked = (struct fw_tally *)(a->mem + pages(sizeof(struct head)));
	a->index = (__u32 *)(a->mem + a->index_at);
	a->source = (struct source *)(a->mem + a->source_at);
	a->more = (struct more *)(a->mem + a->more_at);
	return 0;
}

/* As an earlier run left it. Returns false: nothing but what is booked of the slots could be kept.
 */
static bool take_over(struct fw_accounts *a)
{
	if (a->head->moving || !mend(a)) {
		fw_accounts_forget(a);
		return false;
	}
	fw_accounts_reindex(a);
	return true;
}

int fw_accounts_open(const char *path, const struct fw_accounts_id *id, struct fw_accounts **ret,
		     bool *ret_kept, struct fw_err *err)
{
	struct fw_accounts *a = calloc(1, sizeof(*a));
	struct head old = {};
	bool kept;
	int r;

	if (!a)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the accounts of sources");
	a->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
		     : memfd_create("floodwall-accounts", MFD_CLOEXEC);
	if (a->fd < 0) {
		r = fw_err_set(err, -errno, NULL, "cannot open %s: %s", path ?: "memory",
			       strerror(errno));
		goto out;
	}
	lay_out(a, id);
	kept = pread(a->fd, &old, sizeof(old), 0) == sizeof(old) && old.magic == MAGIC &&
	       !memcmp(&old.id, id, sizeof(*id)) && lseek(a->fd, 0, SEEK_END) == (off_t)a->size;
	r = prepare(a, id, err);
	if (!r && !kept)
		r = start_anew(a, err);
	if (!r)
		r = map(a, err);
	if (r)
		goto out;
	if (kept)
		kept = take_over(a);
	else
		*a->head = (struct head){ .magic = MAGIC, .id = *id, .index_bits = INDEX_BITS };
	*ret = a;
	*ret_kept = kept;
	return 0;
out:
	fw_accounts_close(a);
	return r;
}

int fw_accounts_peek(const char *path, struct fw_accounts_id *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct head head;
	int r = -ENOENT;

	if (fd < 0)
		return r;
	if (pread(fd, &head, sizeof(head), 0) == sizeof(head) && head.magic == MAGIC) {
		*ret = head.id;
		r = 0;
	}
	close(fd);
	return r;
}

void fw_accounts_close(struct fw_accounts *a)
{
	if (!a)
		return;
	if (a->mem)
		munmap(a->mem, a->size);
	if (a->fd >= 0)
		close(a->fd);
	free(a->changed);
	free(a->batch);
	free(a);
}
