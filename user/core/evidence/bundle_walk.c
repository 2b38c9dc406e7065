// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking through a bundle from header to header. A damaged header does not end the walk: the next
 * one that is whole is looked for, so that one changed byte is told from a file full of them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/core/evidence/bundle_check.h"

#define PIECE (1 << 18)

const char *const fw_bundle_fault_names[FW_BF_MAX] = {
#define X(id, name, text) [FW_BF_##id] = name,
	FW_BUNDLE_FAULTS(X)
#undef X
};

static const char *const meanings[FW_BF_MAX] = {
#define X(id, name, text) [FW_BF_##id] = text,
	FW_BUNDLE_FAULTS(X)
#undef X
};

void fw_bundle_find(struct fw_bundle_check *check, enum fw_bundle_fault fault, __u32 record,
		    const char *name, __u64 offset, const char *fmt, ...)
{
	struct fw_bundle_finding *f;
	va_list args;

	if (check->nr_findings == FW_BUNDLE_FINDINGS) {
		check->nr_more++;
		return;
	}
	f = &check->finding[check->nr_findings++];
	*f = (struct fw_bundle_finding){ .fault = fault, .record = record, .offset = offset };
	snprintf(f->name, sizeof(f->name), "%s", name ? name : "");
	if (!fmt) {
		snprintf(f->text, sizeof(f->text), "%s", meanings[fault]);
		return;
	}
	va_start(args, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, args);
	va_end(args);
}

int fw_bundle_read(int fd, void *buf, size_t len, __u64 at)
{
	char *to = buf;

	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		to += n;
		len -= (size_t)n;
		at += (__u64)n;
	}
	return 0;
}

static struct fw_bundle_member *add(struct fw_bundle_walk *w)
{
	if (w->nr == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		void *more = realloc(w->member, room * sizeof(*w->member));

		if (!more)
			return NULL;
		w->member = more;
		w->room = room;
	}
	memset(&w->member[w->nr], 0, sizeof(*w->member));
	return &w->member[w->nr++];
}

/* Hashes the member's bytes as far as they are there. 0, or -ENODATA: the file ends in them. */
static int hash_member(struct fw_bundle_walk *w, struct fw_bundle_member *m, char *piece)
{
	struct fw_hash hash;
	__u64 at = m->at + FW_TAR_BLOCK, left = m->head.size;
	int err;

	fw_hash_begin(&hash);
	while (left) {
		size_t n = left < PIECE ? (size_t)left : PIECE;

		err = fw_bundle_read(w->fd, piece, n, at);
		if (err)
			return err;
		fw_hash_add(&hash, piece, n);
		at += n;
		left -= n;
		if (w->progress)
			w->progress(w->arg, at, w->size);
	}
	fw_hash_end(&hash, m->sha256);
	err = fw_bundle_read(w->fd, piece, (size_t)fw_tar_padding(m->head.size), at);
	if (!err && !sodium_is_zero((unsigned char *)piece, (size_t)fw_tar_padding(m->head.size)))
		fw_bundle_find(w->check, FW_BF_FRAME, 0, m->head.name, at,
			       "the zeros behind %s were changed", m->head.name);
	return err;
}

/* The next whole header from `at` on, by blocks; the file's size if there is none. */
static __u64 resync(struct fw_bundle_walk *w, __u64 at, char *piece)
{
	struct fw_tar_head head;

	for (; at + FW_TAR_BLOCK <= w->size; at += PIECE) {
		size_t n = w->size - at < PIECE ? (size_t)(w->size - at) : PIECE;

		if (fw_bundle_read(w->fd, piece, n, at))
			break;
		for (size_t i = 0; i + FW_TAR_BLOCK <= n; i += FW_TAR_BLOCK)
			if (!fw_tar_head_get(piece + i, &head))
				return at + i;
	}
	return w->size;
}

static void end_of_archive(struct fw_bundle_walk *w, __u64 at)
{
	char block[FW_TAR_BLOCK];
	int err = fw_bundle_read(w->fd, block, sizeof(block), at + FW_TAR_BLOCK);

	if (err || !sodium_is_zero((unsigned char *)block, sizeof(block)))
		fw_bundle_find(w->check, err ? FW_BF_CUT : FW_BF_FRAME, 0, "", at,
			       "the end of the archive is %s", err ? "cut off" : "damaged");
	w->end = at + 2 * FW_TAR_BLOCK;
	if (w->end < w->size)
		fw_bundle_find(w->check, FW_BF_APPENDED, 0, "", w->end,
			       w->size - w->end == 1 ? "%llu byte stands behind the end"
						     : "%llu bytes stand behind the end",
			       (unsigned long long)(w->size - w->end));
}

static void ends_early(struct fw_bundle_walk *w, __u64 at)
{
	const struct fw_bundle_member *last = w->nr ? &w->member[w->nr - 1] : NULL;
	bool within = last && at < last->at + FW_TAR_BLOCK + last->head.size;

	if (within)
		fw_bundle_find(
			w->check, FW_BF_CUT, (__u32)w->nr, last->head.name, w->size,
			"the file ends within record %zu, %s: %llu of its %llu bytes are there",
			w->nr, last->head.name,
			(unsigned long long)(w->size - last->at - FW_TAR_BLOCK),
			(unsigned long long)last->head.size);
	else
		fw_bundle_find(w->check, FW_BF_CUT, (__u32)w->nr, last ? last->head.name : "",
			       w->size,
			       "the file ends behind record %zu, %s: what followed is lost", w->nr,
			       last ? last->head.name : "");
}

/* One header and what it heads. *ret_at moves on; -ENODATA: the walk is over. */
static int step(struct fw_bundle_walk *w, __u64 *ret_at, char *piece)
{
	struct fw_bundle_member *m;
	struct fw_tar_head head;
	char block[FW_TAR_BLOCK];
	__u64 at = *ret_at;
	int err;

	err = fw_bundle_read(w->fd, block, sizeof(block), at);
	if (err == -ENODATA)
		ends_early(w, at);
	if (err)
		return err;
	err = fw_tar_head_get(block, &head);
	if (err == -ENODATA) {
		end_of_archive(w, at);
		return err;
	}
	if (err) {
		*ret_at = resync(w, at + FW_TAR_BLOCK, piece);
		fw_bundle_find(w->check, FW_BF_FRAME, (__u32)w->nr + 1, "", at,
			       "the header of record %zu, at byte %llu, is damaged", w->nr + 1,
			       (unsigned long long)at);
		return 0;
	}
	m = add(w);
	if (!m)
		return -ENOMEM;
	m->head = head;
	m->at = at;
	err = hash_member(w, m, piece);
	if (err == -ENODATA)
		ends_early(w, at + FW_TAR_BLOCK);
	*ret_at = at + FW_TAR_BLOCK + head.size + fw_tar_padding(head.size);
	return err;
}

int fw_bundle_walk(struct fw_bundle_walk *w)
{
	char *piece = malloc(PIECE);
	__u64 at = 0;
	int err = piece ? 0 : -ENOMEM;

	while (!err)
		err = step(w, &at, piece);
	free(piece);
	return err == -ENODATA ? 0 : err;
}
