// SPDX-License-Identifier: GPL-2.0-only
/*
 * A frame of the log of sources: addresses as differences, numbers as varints (7 bits a byte, the
 * lowest first), times as milliseconds before the frame. A lone packet of a source takes about ten
 * bytes. Reading distrusts every length, though the hash has been compared by then.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <endian.h>

#include "user/base/text.h"
#include "user/core/record/source_log.h"

#define MS	     1000000ULL
#define WEIGHT_STEPS 16 /* of a packet */
#define ENTRY_MAX    (64 + FW_R_MAX * 21)

/* What follows depends on them; IS_SAMPLED and IS_IP6 are also a key's kind. */
enum {
	IS_SAMPLED = 1,
	IS_IP6 = 2,
	IS_PROVEN = 4,
	IS_BANNED = 8,
	HAS_REASON = 16,  /* everything was lost for one: its number follows */
	HAS_REASONS = 32, /* how many, and of each: number, packets, bytes */
};
#define KIND (IS_SAMPLED | IS_IP6)

struct head {
	__le32 len; /* of the entries */
	__le32 count;
	__le64 utc_ns, boot_ns, proven, other;
};
_Static_assert(sizeof(struct head) == FW_SOURCE_LOG_FRAME, "head of a frame");

void fw_source_frame_begin(struct fw_source_frame *f, struct fw_when when)
{
	f->len = sizeof(struct head);
	f->count = 0;
	f->when = when;
	f->key = 0;
	f->kind = 0;
}

void fw_source_frame_free(struct fw_source_frame *f)
{
	free(f->buf);
	*f = (struct fw_source_frame){};
}

static unsigned char *put_byte(unsigned char *at, unsigned int byte)
{
	*at = (unsigned char)byte;
	return at + 1;
}

static unsigned char *put(unsigned char *at, __u64 n)
{
	for (; n > 127; n >>= 7)
		at = put_byte(at, (unsigned int)(n & 127) | 128);
	return put_byte(at, (unsigned int)n);
}

static bool has_room(struct fw_source_frame *f)
{
	size_t room = f->room ? 2 * f->room : 1 << 16;
	unsigned char *more;

	if (f->room >= f->len + ENTRY_MAX + FW_SOURCE_LOG_HASH)
		return true;
	if (room > FW_SOURCE_LOG_MAX)
		return false;
	more = realloc(f->buf, room);
	if (!more)
		return false;
	f->buf = more;
	f->room = room;
	return true;
}

static __u64 key_of(const __be32 addr_be[4])
{
	return fw_text_is_ip4(addr_be) ? ntohl(addr_be[3])
				       : (__u64)ntohl(addr_be[0]) << 32 | ntohl(addr_be[1]);
}

static void addr_of(unsigned int kind, __u64 key, __be32 ret[4])
{
	memset(ret, 0, 16);
	if (kind & IS_IP6) {
		ret[0] = htonl((__u32)(key >> 32));
		ret[1] = htonl((__u32)key);
	} else {
		ret[2] = htonl(0xffff);
		ret[3] = htonl((__u32)key);
	}
}

static __u64 ms_between(__u64 from_ns, __u64 to_ns)
{
	return to_ns > from_ns ? (to_ns - from_ns) / MS : 0;
}

static unsigned char *put_reasons(unsigned char *at, const struct fw_account_brief *s)
{
	at = put_byte(at, s->reasons);
	for (unsigned int i = 0; i < s->reasons; i++) {
		at = put_byte(at, s->lost[i].reason);
		at = put(at, s->lost[i].count.packets);
		at = put(at, s->lost[i].count.bytes);
	}
	return at;
}

int fw_source_frame_put(struct fw_source_frame *f, const struct fw_account_brief *s, bool exact,
			__u64 now_ns)
{
	unsigned int kind = (exact ? 0 : IS_SAMPLED) | (s->family == 4 ? 0 : IS_IP6);
	unsigned int flags = kind | (s->proven ? IS_PROVEN : 0) | (s->banned ? IS_BANNED : 0);
	unsigned char *at;

	if (!has_room(f))
		return -ENOMEM;
	if (s->reasons == 1 && s->lost[0].count.packets == s->packets &&
	    s->lost[0].count.bytes == s->bytes)
		flags |= HAS_REASON;
	else if (s->reasons)
		flags |= HAS_REASONS;
	at = put_byte(f->buf + f->len, flags);
	at = put(at, kind == f->kind ? s->key - f->key : s->key); /* modulo 2^64: in any order */
	at = put(at, s->packets);
	at = put(at, s->bytes);
	at = put(at, ms_between(s->last_ns, now_ns));
	at = put(at, ms_between(s->first_ns, s->last_ns));
	if (kind & IS_SAMPLED)
		at = put(at, (__u64)(s->weight * WEIGHT_STEPS + 0.5));
	if (flags & HAS_REASON)
		at = put_byte(at, s->lost[0].reason);
	else if (flags & HAS_REASONS)
		at = put_reasons(at, s);
	f->len = (size_t)(at - f->buf);
	f->key = s->key;
	f->kind = kind;
	f->count++;
	return 0;
}

int fw_source_frame_add(struct fw_source_frame *f, const struct fw_incident_source *s)
{
	struct fw_account_brief b = { .key = key_of(s->addr_be),
				      .family = fw_text_is_ip4(s->addr_be) ? 4 : 6,
				      .first_ns = s->first.boot_ns,
				      .last_ns = s->last.boot_ns,
				      .packets = s->packets,
				      .bytes = s->bytes,
				      .weight = s->weight,
				      .proven = s->proven,
				      .banned = s->banned };

	for (unsigned int i = 0; i < FW_R_MAX; i++)
		if (s->reason[i].packets)
			b.lost[b.reasons++] = (struct fw_account_loss){ i, s->reason[i] };
	return fw_source_frame_put(f, &b, s->exact, f->when.boot_ns);
}

static void chain(const void *bytes, size_t len, unsigned char hash[FW_SOURCE_LOG_HASH])
{
	unsigned char before[FW_SOURCE_LOG_HASH];

	memcpy(before, hash, sizeof(before));
	crypto_generichash(hash, FW_SOURCE_LOG_HASH, bytes, len, before, sizeof(before));
}

void fw_source_frame_root(const void *head, unsigned char ret[FW_SOURCE_LOG_HASH])
{
	crypto_generichash(ret, FW_SOURCE_LOG_HASH, head, FW_SOURCE_LOG_HEAD, NULL, 0);
}

void fw_source_frame_seal(struct fw_source_frame *f, unsigned char hash[FW_SOURCE_LOG_HASH])
{
	struct head head = { .len = htole32((__u32)(f->len - sizeof(head))),
			     .count = htole32(f->count),
			     .utc_ns = htole64(f->when.utc_ns),
			     .boot_ns = htole64(f->when.boot_ns),
			     .proven = htole64(f->proven),
			     .other = htole64(f->other) };

	memcpy(f->buf, &head, sizeof(head));
	chain(f->buf, f->len, hash);
	memcpy(f->buf + f->len, hash, FW_SOURCE_LOG_HASH);
	f->len += FW_SOURCE_LOG_HASH;
}

size_t fw_source_frame_size(const void *bytes)
{
	struct head head;
	__u32 len;

	memcpy(&head, bytes, sizeof(head));
	len = le32toh(head.len);
	return len > FW_SOURCE_LOG_MAX ? 0 : sizeof(head) + len + FW_SOURCE_LOG_HASH;
}

void fw_source_frame_totals(const void *bytes, __u64 *ret_proven, __u64 *ret_other)
{
	struct head head;

	memcpy(&head, bytes, sizeof(head));
	*ret_proven = le64toh(head.proven);
	*ret_other = le64toh(head.other);
}

/* What is still to be read; bad: it ended too early. */
struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static unsigned int get_byte(struct cursor *c)
{
	if (c->at == c->end) {
		c->bad = true;
		return 0;
	}
	return *c->at++;
}

static __u64 get(struct cursor *c)
{
	unsigned int byte, shift = 0;
	__u64 n = 0;

	do {
		byte = get_byte(c);
		n |= (__u64)(byte & 127) << shift;
		shift += 7;
	} while (byte & 128 && shift < 64);
	c->bad |= byte & 128;
	return n;
}

static void get_reasons(struct cursor *c, unsigned int flags, struct fw_incident_source *s)
{
	unsigned int nr = flags & HAS_REASON ? 1 : flags & HAS_REASONS ? get_byte(c) : 0;

	while (nr-- && !c->bad) {
		unsigned int i = get_byte(c);
		struct fw_count n = { s->packets, s->bytes };

		if (flags & HAS_REASONS) {
			n.packets = get(c);
			n.bytes = get(c);
		}
		if (i < FW_R_MAX) /* else one of a newer floodwall */
			s->reason[i] = n;
		s->dropped += n.packets;
		s->dropped_bytes += n.bytes;
	}
}

static struct fw_when before(struct fw_when when, __u64 ms)
{
	return (struct fw_when){ when.utc_ns - ms * MS, when.boot_ns - ms * MS };
}

static bool get_entry(struct cursor *c, struct fw_source_frame *f, struct fw_incident_source *s)
{
	unsigned int flags = get_byte(c), kind = flags & KIND;

	*s = (struct fw_incident_source){ .exact = !(flags & IS_SAMPLED),
					  .proven = flags & IS_PROVEN,
					  .banned = flags & IS_BANNED };
	f->key = kind == f->kind ? f->key + get(c) : get(c);
	f->kind = kind;
	addr_of(kind, f->key, s->addr_be);
	s->len = s->exact && kind & IS_IP6 ? 64 : 128;
	s->packets = get(c);
	s->bytes = get(c);
	s->last = before(f->when, get(c));
	s->first = before(s->last, get(c));
	s->weight = s->exact ? (double)s->packets : (double)get(c) / WEIGHT_STEPS;
	get_reasons(c, flags, s);
	return !c->bad;
}

int fw_source_frame_read(const void *frame, size_t size, unsigned char hash[FW_SOURCE_LOG_HASH],
			 int (*each)(void *arg, const struct fw_incident_source *source), void *arg)
{
	const unsigned char *bytes = frame;
	struct fw_source_frame f = {};
	struct fw_incident_source s;
	struct cursor c = {};
	struct head head;
	size_t whole = size < sizeof(head) ? 0 : fw_source_frame_size(frame);
	int r = 0;

	if (!whole || whole > size)
		return -EBADMSG;
	chain(bytes, whole - FW_SOURCE_LOG_HASH, hash);
	if (memcmp(hash, bytes + whole - FW_SOURCE_LOG_HASH, FW_SOURCE_LOG_HASH) != 0)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	f.when = (struct fw_when){ le64toh(head.utc_ns), le64toh(head.boot_ns) };
	c.at = bytes + sizeof(head);
	c.end = bytes + whole - FW_SOURCE_LOG_HASH;
	for (__u32 n = le32toh(head.count); n && !r; n--)
		r = get_entry(&c, &f, &s) ? each(arg, &s) : -EBADMSG;
	return r;
}
