// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file is a row of sections, each with a byte order and interfaces of its own. Blocks that hold
 * no packet are skipped.
 */
#include <errno.h>
#include <pcap/dlt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "user/core/replay/capture_ng.h"

#define BLOCK_MAX    (16U << 20)
#define IFACES_MAX   4096
#define ORDER_MAGIC  0x1a2b3c4dU
#define B_INTERFACE  1U
#define B_PACKET_OLD 2U
#define B_SIMPLE     3U
#define B_PACKET     6U
#define OPT_END	     0U
#define OPT_TSRESOL  9U
#define OPT_TSOFFSET 14U
#define LINKTYPE_RAW 101 /* the one whose number differs from libpcap's own */
#define NS_PER_S     1000000000ULL
#define SECONDS_MAX  (1ULL << 33)

struct iface {
	int dlt;
	__u32 snap;	 /* 0 = none */
	__u8 resolution; /* as if_tsresol */
	__s64 offset_s;
};

struct fw_ng {
	FILE *file;
	bool swapped;
	unsigned int ifaces;
	struct iface iface[IFACES_MAX];
	__u64 last_ns; /* for packets without a stamp */
	const char *why;
	__u8 *block;
	__u32 room;
};

struct fw_ng *fw_ng_open(FILE *file)
{
	struct fw_ng *ng = calloc(1, sizeof(*ng));

	if (ng)
		ng->file = file;
	return ng;
}

void fw_ng_close(struct fw_ng *ng)
{
	if (!ng)
		return;
	free(ng->block);
	free(ng);
}

const char *fw_ng_why(const struct fw_ng *ng)
{
	return ng->why ? ng->why : "";
}

static int broken(struct fw_ng *ng, const char *why)
{
	ng->why = why;
	return -1;
}

/* Fewer bytes than a block has: the file ends there, or can be read only so far. */
static int cut_off(struct fw_ng *ng)
{
	return broken(ng, ferror(ng->file) ? strerror(errno) : "it ends within a block");
}

static __u32 get32(const struct fw_ng *ng, const __u8 *at)
{
	__u32 v;

	memcpy(&v, at, sizeof(v));
	return ng->swapped ? __builtin_bswap32(v) : v;
}

static __u16 get16(const struct fw_ng *ng, const __u8 *at)
{
	__u16 v;

	memcpy(&v, at, sizeof(v));
	return ng->swapped ? __builtin_bswap16(v) : v;
}

static bool grow(struct fw_ng *ng, __u32 len)
{
	__u8 *more;

	if (len <= ng->room)
		return true;
	more = realloc(ng->block, len);
	if (!more)
		return false;
	ng->block = more;
	ng->room = len;
	return true;
}

/* The byte order stands behind the length, so it must be read before the length means anything. */
static int section(struct fw_ng *ng, const __u8 *head, __u8 order[4])
{
	__u32 magic;

	(void)head;
	if (fread(order, 1, 4, ng->file) != 4)
		return cut_off(ng);
	memcpy(&magic, order, sizeof(magic));
	if (magic != ORDER_MAGIC && magic != __builtin_bswap32(ORDER_MAGIC))
		return broken(ng, "a section has no byte order");
	ng->swapped = magic != ORDER_MAGIC;
	ng->ifaces = 0;
	return 0;
}

/* The next block: its body into ng->block, without head and trailer. 1, 0 or -1. */
static int next_block(struct fw_ng *ng, __u32 *ret_type, __u32 *ret_len)
{
	__u8 head[8], order[4] = { 0 };
	__u32 type, len, had = 0;
	size_t got = fread(head, 1, sizeof(head), ng->file);

	if (!got && !ferror(ng->file))
		return 0;
	if (got < sizeof(head))
		return cut_off(ng);
	memcpy(&type, head, sizeof(type));
	if (type == FW_NG_MAGIC) {
		if (section(ng, head, order))
			return -1;
		had = sizeof(order);
	}
	type = get32(ng, head);
	len = get32(ng, head + 4);
	if (len < 12 + had || len % 4 || len > BLOCK_MAX)
		return broken(ng, "a block has a length that cannot be");
	len -= 8; /* body and trailer */
	if (!grow(ng, len))
		return broken(ng, "no memory for a block");
	memcpy(ng->block, order, had);
	if (fread(ng->block + had, 1, len - had, ng->file) != len - had)
		return cut_off(ng);
	if (get32(ng, ng->block + len - 4) != len + 8)
		return broken(ng, "a block's two lengths differ");
	*ret_type = type;
	*ret_len = len - 4;
	return 1;
}

static void take_options(const struct fw_ng *ng, const __u8 *at, __u32 left, struct iface *iface)
{
	while (left >= 4) {
		__u16 code = get16(ng, at), len = get16(ng, at + 2);
		__u32 whole = 4 + ((len + 3U) & ~3U);

		if (code == OPT_END || whole > left)
			return;
		if (code == OPT_TSRESOL && len == 1)
			iface->resolution = at[4];
		if (code == OPT_TSOFFSET && len == 8) {
			__u64 low = get32(ng, at + (ng->swapped ? 8 : 4));
			__u64 high = get32(ng, at + (ng->swapped ? 4 : 8));

			iface->offset_s = (__s64)(high << 32 | low);
		}
		at += whole;
		left -= whole;
	}
}

static int take_interface(struct fw_ng *ng, __u32 len)
{
	struct iface *iface = &ng->iface[ng->ifaces];

	if (len < 8)
		return broken(ng, "an interface's block is too short");
	if (ng->ifaces == IFACES_MAX)
		return broken(ng, "a section has too many interfaces");
	*iface = (struct iface){ .dlt = get16(ng, ng->block),
				 .snap = get32(ng, ng->block + 4),
				 .resolution = 6 };
	if (iface->dlt == LINKTYPE_RAW)
		iface->dlt = DLT_RAW;
	take_options(ng, ng->block + 8, len - 8, iface);
	ng->ifaces++;
	return 0;
}

/* Stamps count 10^-n or, with the top bit, 2^-n seconds. */
static __u64 ng_time(const struct iface *iface, __u64 ticks)
{
	unsigned int n = iface->resolution & 0x7f;
	const __int128 latest = (__int128)SECONDS_MAX * NS_PER_S;
	unsigned __int128 ns = ticks;
	__int128 at;

	if (iface->resolution & 0x80) {
		ns = n < 64 ? ns * NS_PER_S >> n : 0;
	} else {
		for (; n < 9; n++)
			ns *= 10;
		for (; n > 9 && ns; n--)
			ns /= 10;
	}
	at = (__int128)ns + (__int128)iface->offset_s * NS_PER_S;
	return at < 0 ? 0 : at > latest ? (__u64)latest : (__u64)at;
}

/* Enhanced and old packet blocks: 20 bytes, then the packet. */
static int take_packet(struct fw_ng *ng, bool old, __u32 len, struct fw_ng_packet *ret)
{
	const __u8 *b = ng->block;
	__u32 id;

	if (len < 20)
		return broken(ng, "a packet's block is too short");
	id = old ? get16(ng, b) : get32(ng, b);
	if (id >= ng->ifaces)
		return broken(ng, "a packet is of an interface that was not introduced");
	*ret = (struct fw_ng_packet){ .dlt = ng->iface[id].dlt,
				      .had = get32(ng, b + 12),
				      .len = get32(ng, b + 16),
				      .data = b + 20 };
	if (ret->had > len - 20)
		return broken(ng, "a packet is longer than its block");
	ret->at_ns = ng_time(&ng->iface[id], (__u64)get32(ng, b + 4) << 32 | get32(ng, b + 8));
	ng->last_ns = ret->at_ns;
	return 1;
}

/* Simple packet blocks have no stamp and no length of their own. */
static int take_simple(struct fw_ng *ng, __u32 len, struct fw_ng_packet *ret)
{
	const struct iface *iface = &ng->iface[0];

	if (len < 4 || !ng->ifaces)
		return broken(ng, "a packet is of an interface that was not introduced");
	*ret = (struct fw_ng_packet){ .at_ns = ng->last_ns,
				      .dlt = iface->dlt,
				      .len = get32(ng, ng->block),
				      .data = ng->block + 4 };
	ret->had = ret->len;
	if (iface->snap && ret->had > iface->snap)
		ret->had = iface->snap;
	if (ret->had > len - 4)
		return broken(ng, "a packet is longer than its block");
	return 1;
}

int fw_ng_next(struct fw_ng *ng, struct fw_ng_packet *ret)
{
	__u32 type, len;
	int r;

	while ((r = next_block(ng, &type, &len)) == 1) {
		if (type == B_PACKET || type == B_PACKET_OLD)
			return take_packet(ng, type == B_PACKET_OLD, len, ret);
		if (type == B_SIMPLE)
			return take_simple(ng, len, ret);
		if (type == B_INTERFACE && take_interface(ng, len))
			return -1;
	}
	return r;
}
