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
#include "user/base/escape.h"
#include "user/core/evidence/evidence.h"
#include "user/base/line.h"

FILE *fw_evidence_temp(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	FILE *file = NULL;

	if (fd >= 0)
		file = fdopen(fd, "w+");
	else if (errno == EOPNOTSUPP || errno == EISDIR) /* a file system without them */
		file = tmpfile();
	if (file)
		setvbuf(file, NULL, _IOFBF, 1 << 18);
	return file;
}

static void put_reasons(struct fw_line *l, const struct fw_incident_source *s)
{
	bool any = false;

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		if (!s->reason[i].packets)
			continue;
		if (any)
			fw_line_text(l, " ");
		fw_line_text(l, fw_incident_reason_name(i));
		fw_line_text(l, ":");
		fw_line_number(l, s->reason[i].packets);
		any = true;
	}
}

/* A holder's name as a field; networks come again and again, so the last ones are kept. */
static const char *holder_field(const struct fw_geo_answer *geo)
{
	static _Thread_local struct {
		char of[sizeof(geo->holder)], text[300];
	} known[64], *k;
	FILE *out;

	k = &known[geo->asn % 64];
	if (!strcmp(k->of, geo->holder))
		return *k->of ? k->text : "";
	memcpy(k->of, geo->holder, sizeof(k->of));
	if (!*k->of)
		return "";
	out = fmemopen(k->text, sizeof(k->text), "w");
	if (!out || fw_escape_csv(out, geo->holder) || fflush(out))
		*k->text = *k->of = '\0';
	if (out)
		fclose(out);
	return k->text;
}

static void put_geo(struct fw_line *l, const struct fw_geo_answer *geo)
{
	fw_line_text(l, geo->country);
	fw_line_text(l, ",");
	if (geo->asn)
		fw_line_number(l, geo->asn);
	fw_line_text(l, ",");
	fw_line_text(l, holder_field(geo));
}

size_t fw_evidence_line(const struct fw_incident_source *s, const struct fw_geo_answer *geo,
			char *buf, size_t size)
{
	struct fw_line l = { .at = buf, .end = buf + size };
	const __u64 counts[] = { s->packets, s->bytes, s->dropped, fw_incident_source_anybodys(s),
				 s->exact ? s->packets : (__u64)(s->weight + 0.5) };

	fw_line_addr(&l, s->addr_be, s->len);
	fw_line_text(&l, ",");
	fw_line_text(&l, fw_incident_source_word(s));
	fw_line_text(&l, s->exact ? ",counted," : ",sampled,");
	fw_line_utc(&l, s->first.utc_ns);
	fw_line_text(&l, ",");
	fw_line_utc(&l, s->last.utc_ns);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		fw_line_text(&l, ",");
		fw_line_number(&l, counts[i]);
	}
	fw_line_text(&l, ",");
	if (!s->exact && s->packets)
		fw_line_number(&l, (__u64)(s->weight / (double)s->packets + 0.5));
	fw_line_text(&l, ",");
	put_reasons(&l, s);
	fw_line_text(&l, s->banned ? ",yes," : ",no,");
	put_geo(&l, geo);
	fw_line_text(&l, "\r\n");
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
