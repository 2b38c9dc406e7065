// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export: the records of the bundle in order. The sources are read once; what goes by network and
 * into stix.json is spooled beside the bundle until its turn comes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/newfile.h"
#include "user/core/evidence/evidence.h"

static const char readme[] =
	"What is in this bundle, and what it proves\r\n"
	"\r\n"
	"VERIFY.txt       how to check with standard tools that nothing was changed\r\n"
	"public-key.pem   the key it is signed with; compare its fingerprint with the published "
	"one\r\n"
	"report.html      the report, with plots; report.md and report.json: the same\r\n"
	"public.txt       a few plain sentences, without addresses\r\n"
	"record.json      machine, program and policy (with hashes), clock, sampling and losses\r\n"
	"policy/...yaml   the policies that were in force; their SHA-256 stand in record.json\r\n"
	"totals.csv       every second: packets and bytes by service and reason, counted one by "
	"one\r\n"
	"sources.csv      every source known: proven, or possibly spoofed\r\n"
	"as/AS....csv     the proven sources of one network, for a request to its holder; only if "
	"the\r\n"
	"                 office supplied a database of networks\r\n"
	"stix.json        the proven sources in STIX 2.1\r\n"
	"samples.pcapng   first bytes (128 at most) of sampled packets, verdict and reason; for "
	"Wireshark\r\n"
	"manifest.txt     length and SHA-256 of each of these files, chained; manifest.sig signs "
	"it\r\n"
	"\r\n"
	"\"proven\": the address completed a TCP handshake, so somebody there received the "
	"server's\r\n"
	"answer. Ordinary visitors are proven, too. Their packets are those that came in their "
	"names:\r\n"
	"anybody may have added to them. Those in dropped_without_connection need none, so they "
	"say "
	"nothing\r\n"
	"about who sent them; banned is only who went on beyond its limits with packets of its "
	"own\r\n"
	"connections. \"possibly spoofed\": anybody can write any address into a packet. Such an "
	"address\r\n"
	"is no suspect, whatever was sent in its name. One address may be there twice: proven, and "
	"apart\r\n"
	"from that with packets that came in its name before or outside of what it proved.\r\n"
	"What the budgets that all strangers share refused, or answered with a cookie, before its "
	"source\r\n"
	"was proven is in no source's count, for nobody can tell it from what is spoofed: it is in "
	"the\r\n"
	"totals, and sampled. From the packet that proves it on, every packet is counted.\r\n"
	"\r\n"
	"\"counted\": packet by packet. \"sampled\": packets and bytes are those of the "
	"samples,\r\n"
	"estimated_packets is an estimate, one_sample_in says how many packets one sample stands "
	"for.\r\n"
	"In samples.pcapng \"drawn as one in N\" is how the program drew it; of those drawn, the "
	"limit\r\n"
	"of samples a second held some back: record.json says how many.\r\n"
	"\r\n"
	"Times are UTC as the machine's clock showed it; record.json says how far it could be "
	"trusted.\r\n";

struct export
{
	const struct fw_evidence_job *job;
	struct fw_bundle *bundle;
	FILE *csv; /* the record being written */
	struct fw_evidence_spool spool;
	struct fw_evidence_stix stix;
	struct fw_evidence_done *done;
	__u64 total;
	const char *dir; /* where files without a name may be made */
	struct fw_err *err;
};

static int put_json(FILE *out, json_t *body)
{
	json_t *doc = fw_json_new();
	int r = -ENOMEM;

	if (doc && body && !json_object_update(doc, body))
		r = fw_json_print(out, doc, FW_JSON_PRETTY);
	json_decref(doc);
	json_decref(body);
	return r;
}

static int put_report(FILE *out, struct export *e)
{
	return put_json(out, fw_report_json(e->job->report));
}

static int put_html(FILE *out, struct export *e)
{
	return fw_report_html(out, e->job->report);
}

static int put_markdown(FILE *out, struct export *e)
{
	return fw_report_markdown(out, e->job->report);
}

static int put_public(FILE *out, struct export *e)
{
	return fw_report_public(out, e->job->report);
}

static int put_readme(FILE *out, struct export *e)
{
	(void)e;
	return fputs(readme, out) < 0 ? -EIO : 0;
}

/* What the report says of its own making, and which databases named the networks. */
static int put_record(FILE *out, struct export *e)
{
	json_t *whole = fw_report_json(e->job->report), *body = json_object(), *geo = json_array();
	const char *type;
	char utc[FW_CLOCK_LEN];
	__u64 built;
	int err = whole ? 0 : -ENOMEM;

	for (unsigned int n = 0; fw_geo_about(e->job->geo, n, &type, &built); n++)
		err |= fw_json_push(
			geo, json_pack("{s:o,s:s}", "database", fw_json_text(type), "made",
				       fw_clock_put_utc(utc, sizeof(utc), built * FW_NS_PER_S, 0)));
	err |= json_object_set(body, "incident", json_object_get(whole, "incident"));
	err |= json_object_set(body, "record", json_object_get(whole, "record"));
	err |= json_object_set(body, "samples", json_object_get(whole, "samples"));
	err |= json_object_set(body, "events", json_object_get(whole, "events"));
	err |= fw_json_set(body, "networks_named_by", geo);
	json_decref(whole);
	if (!err)
		return put_json(out, body);
	json_decref(body);
	return -ENOMEM;
}

static int put_totals(FILE *out, struct export *e)
{
	return fw_evidence_totals(out, e->job, e->err);
}

static int put_samples(FILE *out, struct export *e)
{
	return fw_evidence_samples(out, e->job, &e->done->samples, e->err);
}

static int put_source(void *arg, const struct fw_incident_source *source)
{
	struct fw_incident_source at = *source, *s = &at;
	struct export *e = arg;
	struct fw_geo_answer geo;
	char line[FW_R_MAX * 40 + 1024];
	size_t len;

	fw_report_source_times(e->job->report, s);
	fw_geo_look(e->job->geo, s->addr_be, &geo);
	len = fw_evidence_line(s, &geo, line, sizeof(line));
	if (!len || fwrite(line, 1, len, e->csv) != len)
		return -EIO;
	e->done->sources++;
	if (s->proven) {
		e->done->proven++;
		if (fw_evidence_stix_add(&e->stix, s, &geo) ||
		    (geo.asn && fw_evidence_spool_add(&e->spool, &geo, line, len)))
			return -EIO;
	}
	if (e->job->progress && !(e->done->sources & 1023))
		e->job->progress(e->job->arg, e->done->sources, e->total);
	return 0;
}

/* Proven ones first; sorting millions by anything else is left to whoever reads them. */
static int put_sources(FILE *out, struct export *e)
{
	const struct fw_report *report = e->job->report;
	__s64 id = report->incident.id;
	int r = 0;

	e->csv = out;
	fputs(FW_EVIDENCE_HEAD, out);
	if (report->proven.count)
		r = fw_incident_each_source(e->job->history, id, true, 0, put_source, e, e->err);
	if (!r && report->listed.count + report->sampled.count)
		r = fw_incident_each_source(e->job->history, id, false, 0, put_source, e, e->err);
	return r;
}

/* A proven source is met twice: in sources.csv, and in stix.json. */
static void step_stix(void *arg, __u64 sources)
{
	struct export *e = arg;

	if (e->job->progress)
		e->job->progress(e->job->arg, e->done->sources + sources, e->total);
}

static int put_stix(FILE *out, struct export *e)
{
	char id[FW_SIGN_ID_LEN];

	return fw_evidence_stix_write(out, &e->stix, e->job->report,
				      fw_sign_id(id, &e->job->key->pub), &e->spool, step_stix, e);
}

static const struct {
	const char *name;
	int (*put)(FILE *out, struct export *e);
} records[] = {
	{ "README.txt", put_readme },	{ "report.html", put_html },
	{ "report.md", put_markdown },	{ "report.json", put_report },
	{ "public.txt", put_public },	{ "record.json", put_record },
	{ "totals.csv", put_totals },	{ "samples.pcapng", put_samples },
	{ "sources.csv", put_sources },
};

static int put_one(struct export *e, const char *name, int (*put)(FILE *out, struct export *e))
{
	FILE *out = fw_bundle_open(e->bundle, name);
	int r, closed;

	r = out ? put(out, e) : 0;
	closed = fw_bundle_close(e->bundle);
	/* What the disk said is the better reason. */
	return closed ? closed : r;
}

static int put_policies(struct export *e)
{
	char name[48];
	int r = 0;

	for (size_t i = 0; i < e->job->report->nr_policies && !r; i++) {
		const struct fw_report_policy *p = &e->job->report->policy[i];
		FILE *out;

		if (!*p->text)
			continue;
		snprintf(name, sizeof(name), "policy/%zu-generation-%u.yaml", i + 1, p->generation);
		out = fw_bundle_open(e->bundle, name);
		if (out)
			fputs(p->text, out);
		r = fw_bundle_close(e->bundle);
	}
	return r;
}

static int write_records(struct export *e)
{
	int r = 0;

	e->spool.lines = fw_evidence_temp(e->dir);
	e->stix.seen = fw_evidence_temp(e->dir);
	if (!e->spool.lines || !e->stix.seen)
		return -errno;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records) && !r; i++)
		r = put_one(e, records[i].name, records[i].put);
	if (!r)
		r = put_policies(e);
	if (r)
		return r;
	r = put_one(e, "stix.json", put_stix);
	if (!r)
		r = fw_evidence_spool_write(&e->spool, e->bundle, e->dir);
	e->done->networks = e->spool.nr;
	if (!r)
		r = fw_bundle_finish(e->bundle, &e->job->key->secret);
	e->done->records = fw_bundle_records(e->bundle);
	return r;
}

static int write_bundle(struct export *e, int fd)
{
	const struct fw_report *report = e->job->report;
	struct fw_bundle_info info = { .program = "floodwall " FW_VERSION,
				       .made_s = report->now.utc_ns / FW_NS_PER_S,
				       .key = e->job->key->pub };
	struct stat st = { 0 };
	int r;

	snprintf(info.incident, sizeof(info.incident), "%lld", (long long)report->incident.id);
	r = fw_bundle_begin(fd, &info, &e->bundle);
	if (!r)
		r = write_records(e);
	if (!r && (fsync(fd) || fstat(fd, &st)))
		r = -errno;
	if (!r)
		e->done->bytes = (__u64)st.st_size;
	fw_bundle_free(e->bundle);
	fw_evidence_spool_free(&e->spool);
	if (e->stix.seen)
		fclose(e->stix.seen);
	return r;
}

int fw_evidence_export(const struct fw_evidence_job *job, const char *path,
		       struct fw_evidence_done *ret, struct fw_err *err)
{
	const struct fw_report *r = job->report;
	struct export e = { .job = job, .done = ret, .err = err };
	struct fw_newfile file;
	int code;

	memset(ret, 0, sizeof(*ret));
	e.total = 2 * r->proven.count + r->listed.count + r->sampled.count;
	code = fw_newfile_open(&file, path, err);
	if (code)
		return code;
	e.dir = file.dir;
	code = write_bundle(&e, file.fd);
	if (!code)
		code = fw_newfile_name(&file);
	fw_newfile_close(&file);
	if (code && (!err || !*err->msg))
		fw_err_set_file(err, code, NULL, "cannot write %s: %s", path, strerror(-code));
	return code;
}
