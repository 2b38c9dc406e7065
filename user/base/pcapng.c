// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of pcapng. Each is its type, its length, a body of 32-bit words and its length again, all
 * in this machine's byte order, which the first block tells the reader.
 */
#include <errno.h>
#include <string.h>
#include "user/base/pcapng.h"
#include "user/base/text.h"

#define BLOCK_SECTION	0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET	6U /* enhanced */
#define BYTE_ORDER_WORD 0x1a2b3c4dU
#define LINK_ETHERNET	1 /* LINKTYPE_ETHERNET */

#define OPT_END	       0
#define OPT_COMMENT    1
#define OPT_USERAPPL   4 /* of a section */
#define OPT_IF_NAME    2
#define OPT_IF_TSRESOL 9
#define TSRESOL_NS     9 /* 10^-9 s */

#define PAD(len) (((len) + 3) & ~3U)
#define HEAD_MAX 32
/* What stands round the packet's bytes: head, one option, its padding, the end, the length. */
#define BLOCK_MAX (HEAD_MAX + 2 * (4 + FW_PCAPNG_TEXT_MAX + 4) + 8)

struct block {
	unsigned char bytes[BLOCK_MAX];
	__u32 used;
};

static void put(struct block *b, const void *data, __u32 len)
{
	memset(b->bytes + b->used, 0, PAD(len));
	if (len)
		memcpy(b->bytes + b->used, data, len);
	b->used += PAD(len);
}

static void put32(struct block *b, __u32 word)
{
	put(b, &word, sizeof(word));
}

static void put_option(struct block *b, __u16 code, const void *data, __u32 len)
{
	__u16 head[2] = { code, (__u16)len };

	put(b, head, sizeof(head));
	put(b, data, len);
}

static void put_text(struct block *b, __u16 code, const char *text)
{
	char clean[FW_PCAPNG_TEXT_MAX];

	if (!text || !*text)
		return;
	fw_text_clean(clean, sizeof(clean), text);
	put_option(b, code, clean, (__u32)strlen(clean));
}

/* The whole length stands behind the type and at the end. */
static int write_block(FILE *out, struct block *b)
{
	__u32 total = b->used + 4;

	memcpy(b->bytes + 4, &total, sizeof(total));
	put32(b, total);
	return fwrite(b->bytes, 1, b->used, out) == b->used ? 0 : -EIO;
}

int fw_pcapng_begin(FILE *out, const char *application, const char *interface, __u32 snap)
{
	const __u8 resolution = TSRESOL_NS;
	const __u16 version[2] = { 1, 0 }, link[2] = { LINK_ETHERNET, 0 };
	const __s64 unknown = -1; /* length of the section */
	struct block section = { .used = 0 }, iface = { .used = 0 };
	int err;

	if (snap > FW_PCAPNG_SNAP_MAX)
		return -EINVAL;
	put32(&section, BLOCK_SECTION);
	put32(&section, 0);
	put32(&section, BYTE_ORDER_WORD);
	put(&section, version, sizeof(version));
	put(&section, &unknown, sizeof(unknown));
	put_text(&section, OPT_USERAPPL, application);
	put_option(&section, OPT_END, NULL, 0);
	put32(&iface, BLOCK_INTERFACE);
	put32(&iface, 0);
	put(&iface, link, sizeof(link));
	put32(&iface, snap);
	put_text(&iface, OPT_IF_NAME, interface);
	put_option(&iface, OPT_IF_TSRESOL, &resolution, sizeof(resolution));
	put_option(&iface, OPT_END, NULL, 0);
	err = write_block(out, &section);
	return err ? err : write_block(out, &iface);
}

int fw_pcapng_packet(FILE *out, const struct fw_pcapng_packet *p)
{
	static const unsigned char zeros[4];
	struct block head = { .used = 0 }, tail = { .used = 0 };
	__u32 padding = PAD(p->captured) - p->captured, total;

	if (p->captured > FW_PCAPNG_SNAP_MAX || p->length < p->captured)
		return -EINVAL;
	put32(&head, BLOCK_PACKET);
	put32(&head, 0);
	put32(&head, 0); /* the only interface */
	put32(&head, (__u32)(p->realtime_ns >> 32));
	put32(&head, (__u32)p->realtime_ns);
	put32(&head, p->captured);
	put32(&head, p->length);
	put_text(&tail, OPT_COMMENT, p->comment);
	if (tail.used)
		put_option(&tail, OPT_END, NULL, 0);
	total = head.used + p->captured + padding + tail.used + 4;
	memcpy(head.bytes + 4, &total, sizeof(total));
	put32(&tail, total);
	if (fwrite(head.bytes, 1, head.used, out) != head.used ||
	    fwrite(p->data, 1, p->captured, out) != p->captured ||
	    fwrite(zeros, 1, padding, out) != padding ||
	    fwrite(tail.bytes, 1, tail.used, out) != tail.used)
		return -EIO;
	return 0;
}
