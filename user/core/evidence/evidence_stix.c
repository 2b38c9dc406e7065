// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proven sources for exchange with CERTs: STIX 2.1 (OASIS Standard, 10 June 2021). Each source is
 * an address object and an observed-data object that says when and how often it was seen.
 * Identifiers are made of what they name (UUIDv5), so the same incident exported twice has the same
 * ones.
 */
#include <errno.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/core/evidence/evidence.h"
#include "user/base/line.h"

/* Section 2.9: the namespace for identifiers of observables, and never of anything else. */
static const __u8 observable[16] = { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
				     0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7 };
/* Ours, for all other objects: drawn once. */
static const __u8 ours[16] = { 0xb6, 0xc3, 0xa1, 0x8f, 0x85, 0x1b, 0x44, 0xb2,
			       0x84, 0x68, 0x3d, 0x3a, 0x76, 0xec, 0x61, 0xcd };
/* The identity never changes, and neither does when it was made. */
#define EPOCH	   "2026-01-01T00:00:00.000Z"
#define NUMBER_MAX 999999999ULL /* number_observed, section 4.14 */

/* "type--UUID", of a namespace above: version 5, RFC 9562 section 5.5. */
static void name_id(const __u8 space[16], const char *type, const char *name, char buf[80])
{
	static const char digit[] = "0123456789abcdef";
	struct fw_line l = { .at = buf, .end = buf + 79 };
	__u8 sum[SHA1_DIGEST_SIZE];
	struct sha1_ctx state;

	sha1_init(&state);
	sha1_update(&state, 16, space);
	sha1_update(&state, strlen(name), (const __u8 *)name);
	sha1_digest(&state, sizeof(sum), sum);
	sum[6] = (__u8)((sum[6] & 0x0f) | 0x50);
	sum[8] = (__u8)((sum[8] & 0x3f) | 0x80);
	fw_line_text(&l, type);
	fw_line_text(&l, "--");
	for (int i = 0; i < 16; i++) {
		const char hex[] = { '-', digit[sum[i] >> 4], digit[sum[i] & 15] };
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;

		fw_line_put(&l, hex + !dash, 2U + dash);
	}
	*l.at = '\0';
}

/* Three texts as one; buf has room. */
static char *join(char *buf, size_t size, const char *a, const char *b, const char *c)
{
	struct fw_line l = { .at = buf, .end = buf + size - 1 };

	fw_line_text(&l, a);
	fw_line_text(&l, b);
	fw_line_text(&l, c);
	*l.at = '\0';
	return buf;
}

static void addr_id(const char *type, const char *addr, char buf[80])
{
	char name[96];

	name_id(observable, type, join(name, sizeof(name), "{\"value\":\"", addr, "\"}"), buf);
}

static void as_id(__u32 asn, char buf[80])
{
	char name[32];

	snprintf(name, sizeof(name), "{\"number\":%u}", asn);
	name_id(observable, "autonomous-system", name, buf);
}

/* A text from outside as JSON, with its quotes. */
static void put_text(FILE *out, const char *text)
{
	json_t *value = fw_json_text(text);

	if (!value || json_dumpf(value, out, JSON_ENCODE_ANY))
		fputs("\"\"", out);
	json_decref(value);
}

static void put_begin(FILE *out, struct fw_evidence_stix *s, const struct fw_report *report,
		      const char *key_id)
{
	const char *host = report->nr_runs ? report->run[0].host : "";
	__u64 start = report->incident.start.utc_ns;
	char name[200], id[80];

	/* Versions of one object have one time of creation (section 3.6.2). */
	fw_clock_put_utc(s->created, sizeof(s->created), start, 3);
	fw_clock_put_utc(s->modified, sizeof(s->modified),
			 report->now.utc_ns > start ? report->now.utc_ns : start, 3);
	snprintf(name, sizeof(name), "floodwall %s %.80s", key_id, host);
	name_id(ours, "identity", name, id);
	snprintf(s->identity, sizeof(s->identity), "%.63s", id);
	snprintf(s->incident, sizeof(s->incident), "%.16s/%lld/%llu", key_id,
		 (long long)report->incident.id, (unsigned long long)report->incident.start.utc_ns);
	snprintf(s->every, sizeof(s->every),
		 "\",\"created_by_ref\":\"%s\",\"created\":\"%s\",\"modified\":\"%s\",\"first_"
		 "observed\":\"",
		 s->identity, s->created, s->modified);
	name_id(ours, "bundle", s->incident, id);
	fprintf(out, "{\"type\":\"bundle\",\"id\":\"%s\",\"objects\":[\n", id);
	fprintf(out,
		"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"" EPOCH
		"\",\"modified\":\"" EPOCH "\",\"identity_class\":\"system\",\"name\":",
		s->identity);
	snprintf(name, sizeof(name), "floodwall on %.100s", *host ? host : "an unnamed host");
	put_text(out, name);
	fputs(",\"description\":\"Each address here completed a TCP handshake with this host, so "
	      "somebody there received its answers. That includes ordinary visitors. "
	      "number_observed counts what came in the name of an address, and anybody may have "
	      "added to that: sources.csv says how much needs no connection, and who was "
	      "banned.\"}",
	      out);
}

/* What of a source goes into it. */
struct seen {
	__be32 addr_be[4];
	__u64 first_ns, last_ns, packets; /* UTC */
	__u32 asn;
	__u8 len;
	__u8 pad[3];
};

int fw_evidence_stix_add(struct fw_evidence_stix *s, const struct fw_incident_source *source,
			 const struct fw_geo_answer *geo)
{
	struct seen seen = { .first_ns = source->first.utc_ns,
			     .last_ns = source->last.utc_ns,
			     .packets = source->packets,
			     .asn = geo->asn,
			     .len = source->len };

	memcpy(seen.addr_be, source->addr_be, sizeof(seen.addr_be));
	s->sources++;
	return fwrite(&seen, sizeof(seen), 1, s->seen) == 1 ? 0 : -EIO;
}

static int put_source(FILE *out, const struct fw_evidence_stix *s, const struct seen *seen)
{
	const char *type = fw_text_is_ip4(seen->addr_be) ? "ipv4-addr" : "ipv6-addr";
	char addr[FW_TEXT_LEN] = "", name[160], id[80], as[80], observed[80], text[2048];
	struct fw_line a = { .at = addr, .end = addr + sizeof(addr) - 1 };
	struct fw_line l = { .at = text, .end = text + sizeof(text) };
	__u64 n = seen->packets ? seen->packets : 1;
	size_t len;

	fw_line_addr(&a, seen->addr_be, seen->len);
	*a.at = '\0';
	addr_id(type, addr, id);
	fw_line_text(&l, ",\n{\"type\":\"");
	fw_line_text(&l, type);
	fw_line_text(&l, "\",\"spec_version\":\"2.1\",\"id\":\"");
	fw_line_text(&l, id);
	fw_line_text(&l, "\",\"value\":\"");
	fw_line_text(&l, addr);
	fw_line_text(&l, "\"");
	if (seen->asn) {
		as_id(seen->asn, as);
		fw_line_text(&l, ",\"belongs_to_refs\":[\"");
		fw_line_text(&l, as);
		fw_line_text(&l, "\"]");
	}
	name_id(ours, "observed-data", join(name, sizeof(name), s->incident, "/", addr), observed);
	fw_line_text(&l, "},\n{\"type\":\"observed-data\",\"spec_version\":\"2.1\",\"id\":\"");
	fw_line_text(&l, observed);
	fw_line_text(&l, s->every);
	fw_line_utc(&l, seen->first_ns);
	fw_line_text(&l, "\",\"last_observed\":\"");
	fw_line_utc(&l, seen->last_ns > seen->first_ns ? seen->last_ns : seen->first_ns);
	fw_line_text(&l, "\",\"number_observed\":");
	fw_line_number(&l, n < NUMBER_MAX ? n : NUMBER_MAX);
	fw_line_text(&l, ",\"object_refs\":[\"");
	fw_line_text(&l, id);
	fw_line_text(&l, "\"]}");
	len = (size_t)(l.at - text);
	return l.full || fwrite(text, 1, len, out) != len ? -EIO : 0;
}

static void put_end(FILE *out, const struct fw_evidence_spool *spool)
{
	char id[80];

	for (size_t i = 0; i < spool->room; i++) {
		const struct fw_evidence_as *as = &spool->as[i];

		if (!as->asn)
			continue;
		as_id(as->asn, id);
		fprintf(out,
			",\n{\"type\":\"autonomous-system\",\"spec_version\":\"2.1\",\"id\":\"%s\","
			"\"number\":%u",
			id, as->asn);
		if (*as->holder) {
			fputs(",\"name\":", out);
			put_text(out, as->holder);
		}
		fputc('}', out);
	}
	fputs("\n]}\n", out);
}

int fw_evidence_stix_write(FILE *out, struct fw_evidence_stix *s, const struct fw_report *report,
			   const char *key_id, const struct fw_evidence_spool *spool,
			   void (*step)(void *arg, __u64 sources), void *arg)
{
	struct seen seen;
	__u64 n = 0;
	int r = 0;

	if (fflush(s->seen) || fseeko(s->seen, 0, SEEK_SET))
		return -EIO;
	put_begin(out, s, report, key_id);
	while (!r && fread(&seen, sizeof(seen), 1, s->seen) == 1) {
		r = put_source(out, s, &seen);
		if (!(++n & 1023))
			step(arg, n);
	}
	put_end(out, spool);
	return r || ferror(s->seen) ? -EIO : 0;
}
