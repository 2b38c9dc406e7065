/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The evidence of an incident, written into a bundle: reports, counts, sources, samples, and how
 * all of it was recorded. Streams: memory does not grow with the number of sources.
 */
#ifndef FW_CORE_EVIDENCE_H
#define FW_CORE_EVIDENCE_H

#include "user/core/evidence/bundle.h"
#include "user/core/evidence/geo.h"
#include "user/core/evidence/key.h"
#include "user/core/evidence/report.h"

struct fw_evidence_job {
	struct fw_history *history; /* in one state: fw_history_begin() */
	const struct fw_report *report;
	const struct fw_key *key;
	const struct fw_geo *geo;			      /* may be NULL */
	void (*progress)(void *arg, __u64 done, __u64 total); /* may be NULL */
	void *arg;
};

struct fw_evidence_done {
	__u64 sources, proven, samples, networks; /* networks: files in as/ */
	__u64 bytes;
	unsigned int records;
};

/* Writes to path, which must not exist; whole and on the disk, or not at all. Mode 0600. */
int fw_evidence_export(const struct fw_evidence_job *job, const char *path,
		       struct fw_evidence_done *ret, struct fw_err *err);

/* ---- between evidence*.c ---- */

#define FW_EVIDENCE_HEAD                                                                \
	"address,standing,known_by,first_seen,last_seen,packets,bytes,dropped_packets," \
	"dropped_without_connection,"                                                   \
	"estimated_packets,one_sample_in,reasons,banned,country,as_number,as_holder\r\n"

/* One network (AS): what is known of it, and where its lines go. */
struct fw_evidence_as {
	__u32 asn; /* 0 = free slot */
	char holder[128];
	__u64 lines, bytes, at;
};

/* Networks by number, and their lines in the order they came. */
struct fw_evidence_spool {
	FILE *lines;		   /* number, length, bytes */
	struct fw_evidence_as *as; /* hash table */
	size_t nr, room;
	__u64 bytes;
};

int fw_evidence_spool_add(struct fw_evidence_spool *spool, const struct fw_geo_answer *geo,
			  const char *line, size_t len);
/* A record as/AS64500.csv for each, by number. dir: where a file without a name may be made. */
int fw_evidence_spool_write(struct fw_evidence_spool *spool, struct fw_bundle *bundle,
			    const char *dir);
void fw_evidence_spool_free(struct fw_evidence_spool *spool);

/* A file without a name in that folder. NULL: errno says why. */
FILE *fw_evidence_temp(const char *dir);

/* A line of sources.csv into buf, with its end. Returns its length, 0: it does not fit. */
size_t fw_evidence_line(const struct fw_incident_source *source, const struct fw_geo_answer *geo,
			char *buf, size_t size);

/*
 * STIX 2.1 (OASIS). Of each proven source a few bytes are kept in a file until its turn comes:
 * as text, it takes more room than all the rest of the bundle.
 */
struct fw_evidence_stix {
	FILE *seen;
	__u64 sources;
	char identity[64]; /* id */
	char incident[64]; /* names this incident among all, for ids */
	char created[32], modified[32];
	char every[256]; /* what stands in every observation */
};
int fw_evidence_stix_add(struct fw_evidence_stix *stix, const struct fw_incident_source *source,
			 const struct fw_geo_answer *geo); /* 0 or -EIO */
/* All of it, with the networks. step() is called now and then with the sources so far. 0 or -EIO.
 */
int fw_evidence_stix_write(FILE *out, struct fw_evidence_stix *stix, const struct fw_report *report,
			   const char *key_id, const struct fw_evidence_spool *spool,
			   void (*step)(void *arg, __u64 sources), void *arg);

int fw_evidence_samples(FILE *out, const struct fw_evidence_job *job, __u64 *ret_samples,
			struct fw_err *err);
int fw_evidence_totals(FILE *out, const struct fw_evidence_job *job, struct fw_err *err);

#endif
