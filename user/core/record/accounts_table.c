// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file behind the accounts. It is grown before it is touched, because a full tmpfs would kill
 * whoever touches a hole in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/core/record/accounts_table.h"

static __u32 max_bits(__u32 max)
{
	__u32 bits = INDEX_BITS;

	while ((1ULL << bits) < 2ULL * max && bits < 31)
		bits++;
	return bits;
}

/* Most sources lose packets for one reason, some for several; number 0 is none. */
static __u32 losses_max(__u32 sources)
{
	return 2 * sources + 1;
}

static size_t pages(size_t bytes)
{
	return (bytes + 4095) & ~(size_t)4095;
}

static void lay_out(struct fw_accounts *a, const struct fw_accounts_id *id)
{
	size_t at = pages(sizeof(struct head));

	at += pages((size_t)id->cpus * FW_HEAVY_SLOTS * sizeof(struct booked));
	a->index_at = at;
	at += pages(sizeof(__u32) << max_bits(id->max));
	a->source_at = at;
	at += pages((size_t)id->max * sizeof(struct source));
	a->loss_at = at;
	at += pages(losses_max(id->max) * sizeof(struct loss));
	a->size = at;
}

/* What of the file holds something. */
static __u64 taken(const struct fw_accounts *a)
{
	const struct head *h = a->head;

	return a->index_at + (sizeof(__u32) << h->index_bits) + h->room * sizeof(struct source) +
	       h->room_losses * sizeof(struct loss);
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

static int room(struct fw_accounts *a, size_t at, size_t bytes)
{
	if (a->most && taken(a) + bytes > a->most)
		return -ENOSPC;
	return posix_fallocate(a->fd, (off_t)at, (off_t)bytes) ? -ENOSPC : 0;
}

/* Room for more sources and losses. */
static bool grow(struct fw_accounts *a)
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
		bits++;
	if (h->room > 2 * to && give_back(a, a->source_at + to * sizeof(struct source),
					  a->source_at + h->room * sizeof(struct source)))
		h->room = to;
	if (h->index_bits > bits && give_back(a, a->index_at + (sizeof(__u32) << bits),
					      a->index_at + (sizeof(__u32) << h->index_bits)))
		h->index_bits = bits;
	if (!h->nr && h->room_losses > GROW &&
	    give_back(a, a->loss_at + GROW * sizeof(struct loss),
		      a->loss_at + h->room_losses * sizeof(struct loss))) {
		h->room_losses = GROW;
		h->nr_losses = 0;
		h->free_loss = 0;
	}
}

static __u32 *place(const struct fw_accounts *a, __u8 family, __u64 key)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1;
	__u64 at = fw_accounts_mix(key, family) & mask;

	for (;; at = (at + 1) & mask) {
		const struct source *s;

		if (!a->index[at])
			return &a->index[at];
		s = &a->source[a->index[at] - 1];
		if (s->key == key && s->family == family)
			return &a->index[at];
	}
}

void fw_accounts_reindex(struct fw_accounts *a)
{
	memset(a->index, 0, sizeof(__u32) << a->head->index_bits);
	for (__u32 i = 0; i < a->head->nr; i++)
		*place(a, a->source[i].family, a->source[i].key) = i + 1;
	fw_accounts_relist(a);
}

void fw_accounts_expect(const struct fw_accounts *a, unsigned int cpu,
			const struct fw_heavy *record)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1;

	__builtin_prefetch(&a->index[fw_accounts_mix(record->key, record->family) & mask], 1);
	if (record->slot < FW_HEAVY_SLOTS)
		__builtin_prefetch(&a->booked[(size_t)cpu * FW_HEAVY_SLOTS + record->slot].turn, 1);
}

/* Never more than half full, or looking takes long. */
static bool widen(struct fw_accounts *a)
{
	struct head *h = a->head;

	if (2ULL * (h->nr + 1) <= 1ULL << h->index_bits)
		return true;
	if (h->index_bits >= max_bits(h->id.max) ||
	    room(a, a->index_at, sizeof(__u32) << (h->index_bits + 1)))
		return false;
	h->index_bits++;
	fw_accounts_reindex(a);
	return true;
}

struct source *fw_accounts_find(struct fw_accounts *a, __u8 family, __u64 key, bool make)
{
	__u32 *at = place(a, family, key);
	struct source *s;

	if (*at)
		return &a->source[*at - 1];
	if (!make || !grow(a) || !widen(a))
		return NULL;
	at = place(a, family, key); /* the index may be another one */
	s = &a->source[a->head->nr++];
	memset(s, 0, sizeof(*s));
	s->key = key;
	s->family = family;
	*at = a->head->nr;
	return s;
}

struct loss *fw_accounts_loss(struct fw_accounts *a, __u32 *ret)
{
	struct head *h = a->head;
	__u32 n = h->free_loss, to = h->room_losses + GROW;

	if (n) {
		h->free_loss = a->loss[n].next;
	} else {
		if (to > losses_max(h->id.max))
			to = losses_max(h->id.max);
		if (h->nr_losses == h->room_losses) {
			if (to == h->room_losses ||
			    room(a, a->loss_at + h->room_losses * sizeof(struct loss),
				 (to - h->room_losses) * sizeof(struct loss)))
				return NULL;
			h->room_losses = to;
		}
		n = h->nr_losses++;
		if (!n) { /* 0 is none */
			return fw_accounts_loss(a, ret);
		}
	}
	memset(&a->loss[n], 0, sizeof(a->loss[n]));
	*ret = n;
	return &a->loss[n];
}

static int start_anew(struct fw_accounts *a, struct fw_err *err)
{
	if (ftruncate(a->fd, 0) || ftruncate(a->fd, (off_t)a->size) ||
	    room(a, 0, a->index_at + (sizeof(__u32) << INDEX_BITS)))
		return fw_err_set(err, -ENOSPC, "make room in /run",
				  "no room for the accounts of sources");
	return 0;
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
	r = kept ? 0 : start_anew(a, err);
	if (r)
		goto out;
	a->mem = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd, 0);
	if (a->mem == MAP_FAILED) {
		a->mem = NULL;
		r = fw_err_set(err, -errno, NULL, "cannot map the accounts of sources: %s",
			       strerror(errno));
		goto out;
	}
	a->head = (struct head *)a->mem;
	a->booked = (struct booked *)(a->mem + pages(sizeof(struct head)));
	a->index = (__u32 *)(a->mem + a->index_at);
	a->source = (struct source *)(a->mem + a->source_at);
	a->loss = (struct loss *)(a->mem + a->loss_at);
	if (!kept)
		*a->head = (struct head){ .magic = MAGIC, .id = *id, .index_bits = INDEX_BITS };
	else
		fw_accounts_reindex(a); /* it may have been killed while it moved things */
	*ret = a;
	*ret_kept = kept;
	return 0;
out:
	fw_accounts_close(a);
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
	free(a);
}
