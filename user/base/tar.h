/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Archives that every tar reads: POSIX ustar (IEEE Std 1003.1-2017, pax, "ustar Interchange
 * Format"), regular files only. A header follows from name, size and time alone, so that a reader
 * can demand every byte of it. Files are written as a stream and hashed on the way; the header is
 * put in front afterwards, so the output must be a regular file.
 */
#ifndef FW_TAR_H
#define FW_TAR_H

#include <linux/types.h>
#include <stdio.h>
#include "user/base/hash.h"

#define FW_TAR_BLOCK	512
#define FW_TAR_NAME_LEN 101		/* NUL included; names are a-z A-Z 0-9 . _ - and / */
#define FW_TAR_SIZE_MAX 077777777777ULL /* 8 GiB - 1, eleven octal digits */
#define FW_TAR_HASH_LEN FW_HASH_LEN

struct fw_tar_head {
	char name[FW_TAR_NAME_LEN];
	__u64 size;    /* bytes */
	__u64 mtime_s; /* Unix time */
};

/* Fills a block. -EINVAL: name (empty, too long, absolute, "..", other characters), size, time. */
int fw_tar_head_put(const struct fw_tar_head *head, char block[FW_TAR_BLOCK]);

/* -ENODATA: all zero, the end. -EBADMSG: not byte for byte what fw_tar_head_put() makes. */
int fw_tar_head_get(const char block[FW_TAR_BLOCK], struct fw_tar_head *ret);

/* Bytes of zeros behind a file of that size. */
static inline __u64 fw_tar_padding(__u64 size)
{
	return (FW_TAR_BLOCK - size % FW_TAR_BLOCK) % FW_TAR_BLOCK;
}

struct fw_tar {
	int fd;	       /* not owned; regular file, written from offset 0 on */
	__u64 offset;  /* bytes written or in the buffer */
	__u64 mtime_s; /* of all files */
	int error;     /* the first -errno; everything after it fails with it */

	/* of the file being written */
	struct fw_tar_head head;
	__u64 head_at;
	struct fw_hash hash;
	size_t used;
	char buffer[1 << 18];
};

/* Large: allocate it. */
void fw_tar_init(struct fw_tar *tar, int fd, __u64 mtime_s);

/* One file: begin, write as often as wanted, end. 0 or -errno (-EFBIG: more than 8 GiB). */
int fw_tar_begin(struct fw_tar *tar, const char *name);
int fw_tar_write(struct fw_tar *tar, const void *data, size_t len);
int fw_tar_end(struct fw_tar *tar, __u64 *ret_size, char ret_sha256[FW_TAR_HASH_LEN]);

/* A stream into the file being written; fclose() it before fw_tar_end(). NULL: no memory. */
FILE *fw_tar_stream(struct fw_tar *tar);

/* Ends the archive with two blocks of zeros. Does not sync. */
int fw_tar_finish(struct fw_tar *tar);

#endif
