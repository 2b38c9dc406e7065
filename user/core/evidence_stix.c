// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proven sources for exchange with CERTs: STIX 2.1 (OASIS Standard, 10 June 2021). Each source is
 * an address object and an observed-data object that says when and how often it was seen.
 * Identifiers are made of what they name (UUIDv5), so the same incident exported twice has the same
 * ones.
 */
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/core/evidence.h"

/* Section 2.9: the namespace for identifiers of observables. */
static const uuid_t observable = { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
				   0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7 };
/* The identity never changes, and neither does when it was made. */
#define EPOCH	   "2026-01-01T00:00:00.000Z"
#define NUMBER_MAX 999999999ULL /* number_observed, section 4.14 */

static void name_id(const uuid_t space, const char *type, const char *name, char buf[80])
{
	char text[UUID_STR_LEN];
	uuid_t id;

	uuid_generate_sha1(id, space, name, strlen(name));
	uuid_unparse_lower(id, text);
	snprintf(buf, 80, "%s--%s", type, text);
}

static void addr_id(const char *type, const char *addr, char buf[80])
{
	char name[96];

	snprintf(name, sizeof(name), "{\"value\":\"%s\"}", addr);
	name_id(observable, type, name, buf);
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

void fw_evidence_stix_begin(struct fw_evidence_stix *s, const struct fw_report *report,
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
	name_id(observable, "identity", name, id);
	snprintf(s->identity, sizeof(s->identity), "%.63s", id);
	snprintf(s->incident, sizeof(s->incident), "%.16s/%lld/%llu", key_id,
		 (long long)report->incident.id, (unsigned long long)report->incident.start.utc_ns);
	name_id(observable, "bundle", s->incident, id);
	fprintf(s->out, "{\"type\":\"bundle\",\"id\":\"%s\",\"objects\":[\n", id);
	fprintf(s->out,
		"{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"" EPOCH
		"\",\"modified\":\"" EPOCH "\",\"identity_class\":\"system\",\"name\":",
		s->identity);
	snprintf(name, sizeof(name), "floodwall on %.100s", *host ? host : "an unnamed host");
	put_text(s->out, name);
	fputs(",\"description\":\"Each address here completed a TCP handshake with this host, so "
	      "somebody there received its answers. That includes ordinary visitors: what was "
	      "dropped "
	      "stands in sources.csv.\"}",
	      s->out);
}

void fw_evidence_stix_source(struct fw_evidence_stix *s, const struct fw_incident_source *source,
			     const struct fw_geo_answer *geo)
{
	const char *type = fw_text_is_ip4(source->addr_be) ? "ipv4-addr" : "ipv6-addr";
	char addr[FW_TEXT_LEN], id[80], as[80], seen[80], name[160];
	char first[FW_CLOCK_LEN], last[FW_CLOCK_LEN];
	const struct fw_when *until =
		source->last.utc_ns >= source->first.utc_ns ? &source->last : &source->first;
	__u64 n = source->packets ? source->packets : 1;

	if (source->len == 128)
		fw_text_put_addr(addr, sizeof(addr), source->addr_be);
	else
		fw_text_put_prefix(addr, sizeof(addr), source->addr_be, source->len);
	addr_id(type, addr, id);
	fprintf(s->out,
		",\n{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"value\":\"%s\"", type,
		id, addr);
	if (geo->asn) {
		as_id(geo->asn, as);
		fprintf(s->out, ",\"belongs_to_refs\":[\"%s\"]", as);
	}
	snprintf(name, sizeof(name), "%s/%s", s->incident, addr);
	name_id(observable, "observed-data", name, seen);
	fprintf(s->out,
		"},\n{\"type\":\"observed-data\",\"spec_version\":\"2.1\",\"id\":\"%s\","
		"\"created_by_ref\":\"%s\",\"created\":\"%s\",\"modified\":\"%s\","
		"\"first_observed\":\"%s\",\"last_observed\":\"%s\",\"number_observed\":%llu,"
		"\"object_refs\":[\"%s\"]}",
		seen, s->identity, s->created, s->modified,
		fw_clock_put_utc(first, sizeof(first), source->first.utc_ns, 3),
		fw_clock_put_utc(last, sizeof(last), until->utc_ns, 3),
		(unsigned long long)(n < NUMBER_MAX ? n : NUMBER_MAX), id);
}

void fw_evidence_stix_end(struct fw_evidence_stix *s, const struct fw_evidence_spool *spool)
{
	char id[80];

	for (size_t i = 0; i < spool->room; i++) {
		const struct fw_evidence_as *as = &spool->as[i];

		if (!as->asn)
			continue;
		as_id(as->asn, id);
		fprintf(s->out,
			",\n{\"type\":\"autonomous-system\",\"spec_version\":\"2.1\",\"id\":\"%s\","
			"\"number\":%u",
			id, as->asn);
		if (*as->holder) {
			fputs(",\"name\":", s->out);
			put_text(s->out, as->holder);
		}
		fputc('}', s->out);
	}
	fputs("\n]}\n", s->out);
}
