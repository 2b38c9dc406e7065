// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of accounts: an index of open addressing over a dense array of sources, each with a
 * short list of what it lost for which reason. The file is grown before it is touched, because a
 * full tmpfs would kill whoever touches a hole in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/core/accounts.h"

#define MAGIC	   0x73746e756f636361ULL
#define GROW	   (1U << 15) /* sources a step */
#define INDEX_BITS 16	      /* of the first index */

enum { WINDOW_NOW, WINDOW_BEFORE, WINDOWS };
enum { IS_PROVEN = 1, IS_BANNED = 2, HAS_LOST = 4 };

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
	size_t size; /* of the mapping */
	char *mem;
	struct head *head;
	struct booked *booked; /* [cpus * FW_HEAVY_SLOTS] */
	__u32 *index;	       /* number of the source + 1; 0 = free */
	struct source *source;
	struct loss *loss;
	size_t index_at, source_at, loss_at; /* offsets in the file */
};

static __u32 max_bits(__u32 max)
{
	__u32 bits = INDEX_BITS;

	while ((1ULL << bits) < 2ULL * max && bits < 31)
		bits++;
	return bits;
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
	at += pages(((size_t)id->max + 1) * sizeof(struct loss));
	a->size = at;
}

static int room(struct fw_accounts *a, size_t at, size_t bytes)
{
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

static __u64 mix(__u64 key, __u8 family)
{
	key = (key ^ family) * 0x9e3779b97f4a7c15ULL;
	return key ^ key >> 29;
}

static __u32 *place(const struct fw_accounts *a, __u8 family, __u64 key)
{
	__u64 mask = (1ULL << a->head->index_bits) - 1;
	__u64 at = mix(key, family) & mask;

	for (;; at = (at + 1) & mask) {
		const struct source *s;

		if (!a->index[at])
			return &a->index[at];
		s = &a->source[a->index[at] - 1];
		if (s->key == key && s->family == family)
			return &a->index[at];
	}
}

static void reindex(struct fw_accounts *a)
{
	memset(a->index, 0, sizeof(__u32) << a->head->index_bits);
	for (__u32 i = 0; i < a->head->nr; i++)
		*place(a, a->source[i].family, a->source[i].key) = i + 1;
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
	reindex(a);
	return true;
}

static struct source *find(struct fw_accounts *a, __u8 family, __u64 key, bool make)
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

static struct loss *take_loss(struct fw_accounts *a, __u32 *ret)
{
	struct head *h = a->head;
	__u32 n = h->free_loss, to = h->room_losses + GROW;

	if (n) {
		h->free_loss = a->loss[n].next;
	} else {
		if (to > h->id.max + 1)
			to = h->id.max + 1;
		if (h->nr_losses == h->room_losses) {
			if (to == h->room_losses ||
			    room(a, a->loss_at + h->room_losses * sizeof(struct loss),
				 (to - h->room_losses) * sizeof(struct loss)))
				return NULL;
			h->room_losses = to;
		}
		n = h->nr_losses++;
		if (!n) { /* 0 is none */
			return take_loss(a, ret);
		}
	}
	memset(&a->loss[n], 0, sizeof(a->loss[n]));
	*ret = n;
	return &a->loss[n];
}

static void book_loss(struct fw_accounts *a, struct source *s, __u32 reason, __u64 packets,
		      __u64 bytes)
{
	struct loss *l = NULL;
	__u32 n;

	for (n = s->losses; n; n = a->loss[n].next)
		if (a->loss[n].reason == reason) {
			l = &a->loss[n];
			break;
		}
	if (!l) {
		l = take_loss(a, &n);
		if (!l) {
			a->head->lost += packets;
			return;
		}
		l->reason = reason;
		l->next = s->losses;
		s->losses = n;
	}
	l->count[WINDOW_NOW].packets += packets;
	l->count[WINDOW_NOW].bytes += bytes;
	s->flags |= HAS_LOST | (reason == FW_R_DROP_BANNED ? IS_BANNED : 0);
}

static __u64 last_of(const struct fw_heavy *h)
{
	return h->first_ns + h->last * FW_HEAVY_STEP_NS;
}

/* What h holds beyond what was booked of it. */
static void book(struct fw_accounts *a, const struct fw_heavy *h, const struct booked *b)
{
	__u64 packets = h->packets - b->packets, last = last_of(h);
	struct source *s;

	if (!h->family || h->packets <= b->packets)
		return;
	s = find(a, h->family, h->key, true);
	if (!s) {
		a->head->lost += packets;
		return;
	}
	if (!s->packets[WINDOW_NOW])
		s->first_ns[WINDOW_NOW] = b->packets ? last : h->first_ns;
	if ((__s64)(last - s->last_ns) > 0) /* one from before a restart may seem to be negative */
		s->last_ns = last;
	s->packets[WINDOW_NOW] += packets;
	s->bytes[WINDOW_NOW] += h->bytes - b->bytes;
	if (h->proven)
		s->flags |= IS_PROVEN;
	if (h->lost > b->lost && h->reason < FW_R_MAX)
		book_loss(a, s, h->reason, h->lost - b->lost, h->lost_bytes - b->lost_bytes);
}

void fw_accounts_record(struct fw_accounts *a, unsigned int cpu, const struct fw_heavy *record)
{
	static const struct booked nothing;
	struct booked *b;

	if (record->slot >= FW_HEAVY_SLOTS || cpu >= a->head->id.cpus) {
		book(a, record, &nothing);
		return;
	}
	b = &a->booked[(size_t)cpu * FW_HEAVY_SLOTS + record->slot];
	book(a, record, b->turn == record->turn ? b : &nothing);
	*b = (struct booked){ .turn = record->turn + 1, .flushed = record->turn, .any = 1 };
}

void fw_accounts_slots(struct fw_accounts *a, const struct fw_heavy *raw)
{
	unsigned int cpus = a->head->id.cpus;

	for (__u32 slot = 0; slot < FW_HEAVY_SLOTS; slot++)
		for (unsigned int cpu = 0; cpu < cpus; cpu++) {
			const struct fw_heavy *h = &raw[(size_t)slot * cpus + cpu];
			struct booked *b = &a->booked[(size_t)cpu * FW_HEAVY_SLOTS + slot];

			if (!h->family || !h->packets)
				continue;
			/* It has been emptied since, and that came through the ledger. */
			if (b->any && (__s32)(h->turn - b->flushed) <= 0)
				continue;
			if (b->turn != h->turn) /* the record of a turn was lost */
				*b = (struct booked){ .flushed = b->flushed, .any = b->any };
			book(a, h, b);
			b->turn = h->turn;
			b->packets = h->packets;
			b->bytes = h->bytes;
			b->lost = h->lost;
			b->lost_bytes = h->lost_bytes;
		}
}

void fw_accounts_sample(struct fw_accounts *a, const struct fw_sample *sample, double weight)
{
	struct source *s = find(a, sample->family, sample->key, true);

	if (!s || sample->reason >= FW_R_MAX)
		return;
	if (!s->packets[WINDOW_NOW])
		s->first_ns[WINDOW_NOW] = sample->now_ns;
	if (sample->now_ns > s->last_ns)
		s->last_ns = sample->now_ns;
	s->packets[WINDOW_NOW]++;
	s->bytes[WINDOW_NOW] += sample->len;
	s->weight += weight;
	book_loss(a, s, sample->reason, 1, sample->len);
}

static void drop_losses(struct fw_accounts *a, struct source *s)
{
	while (s->losses) {
		__u32 n = s->losses;

		s->losses = a->loss[n].next;
		a->loss[n].next = a->head->free_loss;
		a->head->free_loss = n;
	}
}

static void shift(struct fw_accounts *a, struct source *s)
{
	s->first_ns[WINDOW_BEFORE] = s->first_ns[WINDOW_NOW];
	s->packets[WINDOW_BEFORE] = s->packets[WINDOW_NOW];
	s->bytes[WINDOW_BEFORE] = s->bytes[WINDOW_NOW];
	s->packets[WINDOW_NOW] = 0;
	s->bytes[WINDOW_NOW] = 0;
	s->weight = 0;
	s->written = 0;
	s->flags &= IS_PROVEN;
	for (__u32 n = s->losses; n; n = a->loss[n].next) {
		struct loss *l = &a->loss[n];

		l->count[WINDOW_BEFORE] = l->count[WINDOW_NOW];
		l->count[WINDOW_NOW] = (struct fw_count){};
		if (l->count[WINDOW_BEFORE].packets)
			s->flags |= HAS_LOST;
	}
}

void fw_accounts_turn(struct fw_accounts *a, bool incident, __u64 idle_ns)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < a->head->nr; i++) {
		struct source *s = &a->source[i];
		bool stays;

		if (!incident)
			shift(a, s);
		stays = incident ? s->flags & (IS_PROVEN | HAS_LOST) || s->last_ns >= idle_ns
				 : s->packets[WINDOW_BEFORE];
		if (!stays) {
			drop_losses(a, s);
			continue;
		}
		if (kept != i)
			a->source[kept] = *s;
		kept++;
	}
	if (kept == a->head->nr)
		return;
	a->head->nr = kept;
	reindex(a);
}

void fw_accounts_begin(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++) {
		struct source *s = &a->source[i];

		if (s->packets[WINDOW_BEFORE])
			s->first_ns[WINDOW_NOW] = s->first_ns[WINDOW_BEFORE];
		s->packets[WINDOW_NOW] += s->packets[WINDOW_BEFORE];
		s->bytes[WINDOW_NOW] += s->bytes[WINDOW_BEFORE];
		s->packets[WINDOW_BEFORE] = 0;
		s->bytes[WINDOW_BEFORE] = 0;
		s->written = 0;
		for (__u32 n = s->losses; n; n = a->loss[n].next) {
			struct fw_count *c = a->loss[n].count;

			c[WINDOW_NOW].packets += c[WINDOW_BEFORE].packets;
			c[WINDOW_NOW].bytes += c[WINDOW_BEFORE].bytes;
			c[WINDOW_BEFORE] = (struct fw_count){};
		}
	}
	a->head->lost = 0;
}

void fw_accounts_forget(struct fw_accounts *a)
{
	a->head->nr = 0;
	a->head->nr_losses = 0;
	a->head->free_loss = 0;
	a->head->lost = 0;
	reindex(a);
}

size_t fw_accounts_count(const struct fw_accounts *a)
{
	return a->head->nr;
}

__u64 fw_accounts_lost(const struct fw_accounts *a)
{
	return a->head->lost;
}

void fw_accounts_get(const struct fw_accounts *a, size_t at, struct fw_account *ret)
{
	const struct source *s = &a->source[at];

	*ret = (struct fw_account){
		.key = s->key,
		.family = s->family,
		.first_ns = s->first_ns[s->packets[WINDOW_BEFORE] ? WINDOW_BEFORE : WINDOW_NOW],
		.last_ns = s->last_ns,
		.packets = s->packets[WINDOW_NOW] + s->packets[WINDOW_BEFORE],
		.bytes = s->bytes[WINDOW_NOW] + s->bytes[WINDOW_BEFORE],
		.weight = s->weight,
		.proven = s->flags & IS_PROVEN,
		.banned = s->flags & IS_BANNED,
		.dirty = s->packets[WINDOW_NOW] != s->written,
	};
	for (__u32 n = s->losses; n; n = a->loss[n].next)
		for (int w = 0; w < WINDOWS; w++) {
			const struct fw_count *c = &a->loss[n].count[w];

			ret->lost[a->loss[n].reason].packets += c->packets;
			ret->lost[a->loss[n].reason].bytes += c->bytes;
			ret->lost_packets += c->packets;
			ret->lost_bytes += c->bytes;
		}
}

void fw_accounts_written(struct fw_accounts *a, size_t at)
{
	a->source[at].written = a->source[at].packets[WINDOW_NOW];
}

void fw_accounts_unwritten(struct fw_accounts *a)
{
	for (__u32 i = 0; i < a->head->nr; i++)
		a->source[i].written = ~0ULL;
}

void fw_accounts_seed(struct fw_accounts *a, const struct fw_account *account)
{
	struct source *s = find(a, account->family, account->key, true);

	if (!s)
		return;
	if (!s->packets[WINDOW_NOW])
		s->last_ns = account->last_ns;
	s->first_ns[WINDOW_NOW] = account->first_ns;
	s->packets[WINDOW_NOW] += account->packets;
	s->bytes[WINDOW_NOW] += account->bytes;
	s->weight += account->weight;
	s->flags |= (account->proven ? IS_PROVEN : 0) | (account->banned ? IS_BANNED : 0);
	for (__u32 i = 0; i < FW_R_MAX; i++)
		if (account->lost[i].packets)
			book_loss(a, s, i, account->lost[i].packets, account->lost[i].bytes);
	s->written = s->packets[WINDOW_NOW];
}

bool fw_accounts_due(const struct fw_accounts *a, size_t at)
{
	const struct source *s = &a->source[at];

	return s->flags & (IS_PROVEN | HAS_LOST) && s->packets[WINDOW_NOW] != s->written;
}

bool fw_accounts_proven(const struct fw_accounts *a, __u8 family, __u64 key)
{
	__u32 at = *place(a, family, key);

	return at && a->source[at - 1].flags & IS_PROVEN;
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
		reindex(a); /* it may have been killed while it moved things */
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
	free(a);
}
