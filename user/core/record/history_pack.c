// SPDX-License-Identifier: GPL-2.0-only
/* Long texts in the history are kept gzipped (RFC 1952): whoever reads the file by hand has gunzip.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "user/core/record/history.h"

#define GZIP	   (15 + 16) /* zlib's word for "with gzip's head" */
#define LENGTH_LEN 4	     /* the length, modulo 2^32, ends the gzip */

int fw_history_pack(const char *text, size_t len, void **ret, size_t *ret_len)
{
	z_stream z = { .next_in = (Bytef *)text, .avail_in = (uInt)len };
	uLong room;
	int r;

	if (len > FW_HISTORY_TEXT_MAX)
		return -EFBIG;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY))
		return -ENOMEM;
	room = deflateBound(&z, (uLong)len);
	z.next_out = malloc(room);
	z.avail_out = (uInt)room;
	*ret = z.next_out;
	r = *ret ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	deflateEnd(&z);
	if (r == Z_STREAM_END) {
		*ret_len = z.total_out;
		return 0;
	}
	free(*ret);
	*ret = NULL;
	return -ENOMEM;
}

int fw_history_unpack(const void *packed, size_t len, char **ret)
{
	const unsigned char *end = (const unsigned char *)packed + len - LENGTH_LEN;
	z_stream z = { .next_in = (Bytef *)packed, .avail_in = (uInt)len };
	size_t size;
	char *text;
	int r;

	if (len < 2 * LENGTH_LEN || len > FW_HISTORY_TEXT_MAX)
		return -EBADMSG;
	size = (size_t)end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
	if (size > FW_HISTORY_TEXT_MAX)
		return -EBADMSG;
	text = malloc(size + 1);
	if (!text || inflateInit2(&z, GZIP)) {
		free(text);
		return -ENOMEM;
	}
	z.next_out = (Bytef *)text;
	z.avail_out = (uInt)size;
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (r != Z_STREAM_END || z.total_out != size || memchr(text, 0, size)) {
		free(text);
		return -EBADMSG;
	}
	text[size] = '\0';
	*ret = text;
	return 0;
}
