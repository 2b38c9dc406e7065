// SPDX-License-Identifier: GPL-2.0-only
/*
 * sources.csv (RFC 4180), and the same lines once more by network. Lines for networks are spooled
 * as they come; when all are there, each network's place is known and they are put there in one go.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/base/escape.h"
#include "user/base/text.h"
#include "user/core/evidence.h"

FILE *fw_evidence_temp(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) /* a file system without them */
		return tmpfile();
	return fd < 0 ? NULL : fdopen(fd, "w+");
}

/* A line under way. Millions are made: no printf(), whose parsing would cost more than the rest. */
struct line {
	char *at, *end;
	bool full;
};

static void put(struct line *l, const char *text, size_t len)
{
	l->full |= (size_t)(l->end - l->at) < len;
	if (l->full)
		return;
	memcpy(l->at, text, len);
	l->at += len;
}

static void put_text(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void put_number(struct line *l, __u64 n)
{
	char text[24], *at = text + sizeof(text);

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	put(l, at, (size_t)(text + sizeof(text) - at));
}

/* Date and minute are made once for many lines. */
static void put_utc(struct line *l, __u64 utc_ns)
{
	static _Thread_local struct {
		__u64 of;
		char text[18]; /* "2026-11-06T21:20:" */
	} minutes[64], *m;
	__u64 s = utc_ns / FW_NS_PER_S, ms = utc_ns / 1000000 % 1000;
	char text[7] = {
		(char)('0' + s % 60 / 10),  (char)('0' + s % 10),  '.', (char)('0' + ms / 100),
		(char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'
	};
	char whole[FW_CLOCK_LEN];

	m = &minutes[s / 60 % 64];
	if (!*m->text || m->of != s / 60) {
		fw_clock_put_utc(whole, sizeof(whole), utc_ns, 0);
		snprintf(m->text, sizeof(m->text), "%.17s", whole);
		m->of = s / 60;
	}
	put_text(l, m->text);
	put(l, text, sizeof(text));
}

static void put_reasons(struct line *l, const struct fw_incident_source *s)
{
	bool any = false;

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		if (!s->reason[i].packets)
			continue;
		if (any)
			put_text(l, " ");
		put_text(l, fw_incident_reason_name(i));
		put_text(l, ":");
		put_number(l, s->reason[i].packets);
		any = true;
	}
}

static void put_geo(struct line *l, const struct fw_geo_answer *geo)
{
	char holder[300] = "";
	FILE *out = *geo->holder ? fmemopen(holder, sizeof(holder), "w") : NULL;

	put_text(l, geo->country);
	put_text(l, ",");
	if (geo->asn)
		put_number(l, geo->asn);
	put_text(l, ",");
	if (!out)
		return;
	if (fw_escape_csv(out, geo->holder) || fflush(out))
		*holder = '\0';
	fclose(out);
	put_text(l, holder);
}

static void put_addr(struct line *l, const struct fw_incident_source *s)
{
	const __u8 *byte = (const __u8 *)&s->addr_be[3];
	char addr[FW_TEXT_LEN];

	if (s->len == 128 && fw_text_is_ip4(s->addr_be)) {
		for (int i = 0; i < 4; i++) {
			put_number(l, byte[i]);
			if (i < 3)
				put_text(l, ".");
		}
		return;
	}
	if (s->len == 128)
		fw_text_put_addr(addr, sizeof(addr), s->addr_be);
	else
		fw_text_put_prefix(addr, sizeof(addr), s->addr_be, s->len);
	put_text(l, addr);
}

size_t fw_evidence_line(const struct fw_incident_source *s, const struct fw_geo_answer *geo,
			char *buf, size_t size)
{
	struct line l = { .at = buf, .end = buf + size };
	const __u64 counts[] = { s->packets, s->bytes, s->dropped,
				 s->exact ? s->packets : (__u64)(s->weight + 0.5) };

	put_addr(&l, s);
	put_text(&l, ",");
	put_text(&l, fw_incident_source_word(s));
	put_text(&l, s->exact ? ",counted," : ",sampled,");
	put_utc(&l, s->first.utc_ns);
	put_text(&l, ",");
	put_utc(&l, s->last.utc_ns);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		put_text(&l, ",");
		put_number(&l, counts[i]);
	}
	put_text(&l, ",");
	if (!s->exact && s->packets)
		put_number(&l, (__u64)(s->weight / (double)s->packets + 0.5));
	put_text(&l, ",");
	put_reasons(&l, s);
	put_text(&l, s->banned ? ",yes," : ",no,");
	put_geo(&l, geo);
	put_text(&l, "\r\n");
	return l.full ? 0 : (size_t)(l.at - buf);
}

static struct fw_evidence_as *slot(struct fw_evidence_as *as, size_t room, __u32 asn)
{
	size_t i = asn * 2654435761U & (room - 1);

	while (as[i].asn && as[i].asn != asn)
		i = (i + 1) & (room - 1);
	return &as[i];
}

static int grow(struct fw_evidence_spool *s)
{
	size_t room = s->room ? 2 * s->room : 1024;
	struct fw_evidence_as *as = calloc(room, sizeof(*as));

	if (!as)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++)
		if (s->as[i].asn)
			*slot(as, room, s->as[i].asn) = s->as[i];
	free(s->as);
	s->as = as;
	s->room = room;
	return 0;
}

int fw_evidence_spool_add(struct fw_evidence_spool *s, const struct fw_geo_answer *geo,
			  const char *line, size_t len)
{
	__u32 head[2] = { geo->asn, (__u32)len };
	struct fw_evidence_as *as;

	if (2 * (s->nr + 1) > s->room && grow(s))
		return -ENOMEM;
	as = slot(s->as, s->room, geo->asn);
	if (!as->asn) {
		as->asn = geo->asn;
		memcpy(as->holder, geo->holder, sizeof(as->holder));
		s->nr++;
	}
	as->lines++;
	as->bytes += len;
	s->bytes += len;
	return fwrite(head, sizeof(head), 1, s->lines) == 1 && fwrite(line, len, 1, s->lines) == 1
		       ? 0
		       : -EIO;
}

static int by_number(const void *a, const void *b)
{
	const struct fw_evidence_as *x = a, *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

/* Every line to its place in `to`; `as` is sorted by number. */
static int scatter(struct fw_evidence_spool *s, char *to)
{
	__u32 head[2];
	__u64 at = 0;

	for (size_t i = 0; i < s->nr; i++) {
		s->as[i].at = at;
		at += s->as[i].bytes;
	}
	if (fflush(s->lines) || fseeko(s->lines, 0, SEEK_SET))
		return -EIO;
	while (fread(head, sizeof(head), 1, s->lines) == 1) {
		struct fw_evidence_as key = { .asn = head[0] };
		struct fw_evidence_as *as = bsearch(&key, s->as, s->nr, sizeof(key), by_number);

		if (!as || as->at + head[1] > s->bytes ||
		    fread(to + as->at, head[1], 1, s->lines) != 1)
			return -EIO;
		as->at += head[1];
	}
	return ferror(s->lines) ? -EIO : 0;
}

static int write_all(struct fw_evidence_spool *s, struct fw_bundle *bundle, const char *from)
{
	char name[32];
	int err = 0;

	for (size_t i = 0; i < s->nr && !err; i++) {
		const struct fw_evidence_as *as = &s->as[i];
		FILE *out;

		snprintf(name, sizeof(name), "as/AS%u.csv", as->asn);
		out = fw_bundle_open(bundle, name);
		if (out) {
			fputs(FW_EVIDENCE_HEAD, out);
			(void)fwrite(from + as->at - as->bytes, 1, (size_t)as->bytes, out);
		}
		err = fw_bundle_close(bundle); /* reports what the stream met, too */
	}
	return err;
}

int fw_evidence_spool_write(struct fw_evidence_spool *s, struct fw_bundle *bundle, const char *dir)
{
	size_t used = 0;
	char *map = MAP_FAILED;
	FILE *place;
	int err;

	if (!s->nr)
		return 0;
	for (size_t i = 0; i < s->room; i++)
		if (s->as[i].asn)
			s->as[used++] = s->as[i];
	qsort(s->as, s->nr, sizeof(*s->as), by_number);
	place = fw_evidence_temp(dir);
	/* Room is taken before it is mapped: a full disk must be an error, not a signal. */
	err = place ? -posix_fallocate(fileno(place), 0, (off_t)s->bytes) : -errno;
	if (!err) {
		map = mmap(NULL, (size_t)s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fileno(place), 0);
		err = map == MAP_FAILED ? -errno : scatter(s, map);
	}
	if (!err)
		err = write_all(s, bundle, map);
	if (map != MAP_FAILED)
		munmap(map, (size_t)s->bytes);
	if (place)
		fclose(place);
	return err;
}

void fw_evidence_spool_free(struct fw_evidence_spool *s)
{
	if (s->lines)
		fclose(s->lines);
	free(s->as);
}
