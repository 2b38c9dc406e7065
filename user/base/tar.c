// SPDX-License-Identifier: GPL-2.0-only
/* ustar headers, and the writer that streams files behind them. */
#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "user/base/tar.h"

/* Offsets and lengths of the fields, from the standard. Numbers are octal, ended by NUL. */
#define AT_MODE	   100
#define AT_UID	   108
#define AT_GID	   116
#define AT_SIZE	   124
#define AT_MTIME   136
#define AT_CHKSUM  148
#define AT_TYPE	   156
#define AT_MAGIC   257
#define AT_VERSION 263
#define LEN_CHKSUM 8

#define STREAM_BUFFER (1 << 16)

static bool name_fits(const char *name)
{
	size_t len = strnlen(name, FW_TAR_NAME_LEN);

	if (!len || len >= FW_TAR_NAME_LEN || *name == '/' || name[len - 1] == '/' ||
	    strstr(name, "..") || *name == '-')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") ==
	       len;
}

int fw_tar_head_put(const struct fw_tar_head *head, char block[FW_TAR_BLOCK])
{
	unsigned int sum = 0;

	if (!name_fits(head->name) || head->size > FW_TAR_SIZE_MAX ||
	    head->mtime_s > FW_TAR_SIZE_MAX)
		return -EINVAL;
	memset(block, 0, FW_TAR_BLOCK);
	/* 100 bytes: behind the longest name stands no NUL. */
	for (size_t i = 0; head->name[i]; i++)
		block[i] = head->name[i];
	snprintf(block + AT_MODE, 8, "%07o", 0644);
	snprintf(block + AT_UID, 8, "%07o", 0);
	snprintf(block + AT_GID, 8, "%07o", 0);
	snprintf(block + AT_SIZE, 12, "%011llo", (unsigned long long)head->size);
	snprintf(block + AT_MTIME, 12, "%011llo", (unsigned long long)head->mtime_s);
	block[AT_TYPE] = '0';
	memcpy(block + AT_MAGIC, "ustar", 6);
	block[AT_VERSION] = block[AT_VERSION + 1] = '0';
	/* The sum is taken with spaces in its own place. */
	memset(block + AT_CHKSUM, ' ', LEN_CHKSUM);
	for (int i = 0; i < FW_TAR_BLOCK; i++)
		sum += (unsigned char)block[i];
	snprintf(block + AT_CHKSUM, LEN_CHKSUM - 1, "%06o", sum); /* NUL, and the space stays */
	return 0;
}

/* Eleven octal digits and a NUL. */
static bool octal(const char *field, __u64 *ret)
{
	__u64 n = 0;

	for (int i = 0; i < 11; i++) {
		if (field[i] < '0' || field[i] > '7')
			return false;
		n = n << 3 | (unsigned int)(field[i] - '0');
	}
	*ret = n;
	return !field[11];
}

int fw_tar_head_get(const char block[FW_TAR_BLOCK], struct fw_tar_head *ret)
{
	struct fw_tar_head head = { 0 };
	char again[FW_TAR_BLOCK];

	if (sodium_is_zero((const unsigned char *)block, FW_TAR_BLOCK))
		return -ENODATA;
	memcpy(head.name, block, FW_TAR_NAME_LEN - 1);
	if (!octal(block + AT_SIZE, &head.size) || !octal(block + AT_MTIME, &head.mtime_s) ||
	    fw_tar_head_put(&head, again) || memcmp(block, again, FW_TAR_BLOCK) != 0)
		return -EBADMSG;
	*ret = head;
	return 0;
}

static int write_at(int fd, const char *data, size_t len, __u64 at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		at += (__u64)n;
	}
	return 0;
}

/* Writes the buffer out; offset already counts it. */
static void flush(struct fw_tar *tar)
{
	if (!tar->error)
		tar->error = write_at(tar->fd, tar->buffer, tar->used, tar->offset - tar->used);
	tar->used = 0;
}

static void put(struct fw_tar *tar, const char *data, size_t len)
{
	while (len) {
		size_t n = sizeof(tar->buffer) - tar->used;

		n = n < len ? n : len;
		memcpy(tar->buffer + tar->used, data, n);
		tar->used += n;
		tar->offset += n;
		data += n;
		len -= n;
		if (tar->used == sizeof(tar->buffer))
			flush(tar);
	}
}

void fw_tar_init(struct fw_tar *tar, int fd, __u64 mtime_s)
{
	memset(tar, 0, offsetof(struct fw_tar, buffer));
	tar->fd = fd;
	tar->mtime_s = mtime_s;
}

int fw_tar_begin(struct fw_tar *tar, const char *name)
{
	static const char zeros[FW_TAR_BLOCK];

	if (!name_fits(name))
		return -EINVAL;
	tar->head = (struct fw_tar_head){ .mtime_s = tar->mtime_s };
	memcpy(tar->head.name, name, strlen(name));
	tar->head_at = tar->offset;
	fw_hash_begin(&tar->hash);
	put(tar, zeros, sizeof(zeros));
	return tar->error;
}

int fw_tar_write(struct fw_tar *tar, const void *data, size_t len)
{
	if (!tar->error && tar->head.size + len > FW_TAR_SIZE_MAX)
		tar->error = -EFBIG;
	if (tar->error)
		return tar->error;
	fw_hash_add(&tar->hash, data, len);
	tar->head.size += len;
	put(tar, data, len);
	return tar->error;
}

int fw_tar_end(struct fw_tar *tar, __u64 *ret_size, char ret_sha256[FW_TAR_HASH_LEN])
{
	static const char zeros[FW_TAR_BLOCK];
	char block[FW_TAR_BLOCK];
	int err;

	put(tar, zeros, fw_tar_padding(tar->head.size));
	flush(tar);
	err = tar->error ? tar->error : fw_tar_head_put(&tar->head, block);
	if (!err)
		err = write_at(tar->fd, block, sizeof(block), tar->head_at);
	tar->error = err;
	if (err)
		return err;
	fw_hash_end(&tar->hash, ret_sha256);
	*ret_size = tar->head.size;
	return 0;
}

static ssize_t stream_write(void *cookie, const char *data, size_t len)
{
	struct fw_tar *tar = cookie;
	int err = fw_tar_write(tar, data, len);

	if (!err)
		return (ssize_t)len;
	errno = -err;
	return 0; /* what fopencookie() wants for an error */
}

FILE *fw_tar_stream(struct fw_tar *tar)
{
	FILE *stream = fopencookie(tar, "w", (cookie_io_functions_t){ .write = stream_write });

	if (stream)
		setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
	return stream;
}

int fw_tar_finish(struct fw_tar *tar)
{
	static const char zeros[2 * FW_TAR_BLOCK];

	put(tar, zeros, sizeof(zeros));
	flush(tar);
	return tar->error;
}
