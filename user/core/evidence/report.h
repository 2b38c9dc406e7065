/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The report of an incident: everything it says, computed once from the history, and its writers,
 * which only print. So HTML, Markdown, JSON and the sentences for the press cannot disagree.
 *
 * What is counted packet by packet and what is estimated from samples, and proven and possibly
 * spoofed sources, are apart in every structure here and in all that is printed.
 */
#ifndef FW_CORE_REPORT_H
#define FW_CORE_REPORT_H

#include <jansson.h>
#include "user/core/record/incident.h"

/* Reasons by what people can take in at a glance: X(identifier, name, words) */
#define FW_REPORT_FAMILIES(X)                                              \
	X(PASS, "passed", "passed")                                        \
	X(ANSWER, "answered", "answered with a SYN cookie")                \
	X(SOURCE, "source", "dropped: a source over its limits")           \
	X(CROWD, "crowd", "dropped: strangers beyond the crowd's budgets") \
	X(STATE, "state", "dropped: belongs to no connection")             \
	X(LISTED, "listed", "dropped: blocked or banned")                  \
	X(UNWANTED, "unwanted", "dropped: reflected or not spoken here")   \
	X(MALFORMED, "malformed", "dropped: malformed")                    \
	X(OTHER, "other", "dropped: other")                                \
	X(WOULD, "would", "passed, would have been dropped (monitor mode)")

enum fw_report_family {
#define X(id, name, words) FW_RF_##id,
	FW_REPORT_FAMILIES(X)
#undef X
		FW_RF_MAX,
};
extern const char *const fw_report_family_names[FW_RF_MAX];
extern const char *const fw_report_family_words[FW_RF_MAX];
enum fw_report_family fw_report_family(unsigned int reason);

/* One stretch of the time axis: some ticks. */
struct fw_report_point {
	struct fw_when when;   /* end of its last tick */
	double begin_s, end_s; /* since the incident's start; a gap before it shows */
	__u64 span_ns;	       /* recorded within it */
	struct fw_count family[FW_RF_MAX];
	struct fw_count clerk_pass, clerk_drop;
};

/* What samples look like. Each counts as the packets of its reason divided by the samples of it. */
#define FW_REPORT_KINDS	 16
#define FW_REPORT_LENGTH 2048
struct fw_report_traits {
	__u64 samples;	/* looked at: neither the clerks' nor those from before the first drop */
	double weight;	/* packets they stand for */
	double lengths; /* of them with a length and TTL of the sender's, not of our answer */
	__u64 shown;	/* samples of those */
	double ttl[256];
	double length[FW_REPORT_LENGTH]; /* on the wire; longer ones in the last */
	struct fw_report_kind {
		char name[48]; /* "TCP SYN to port 443" */
		double weight;
	} kind[FW_REPORT_KINDS];
	unsigned int nr_kinds;
	/* made of the above */
	double ttl_top, ttl_usual;
	unsigned int ttl_distinct, length_distinct;
	double length_top, kind_top;
	unsigned int ttl_top_value, length_top_value;
	char kind_top_name[48];
};

/* Adds one sample that stands for weight packets; call fw_report_traits_finish() behind the last.
 */
void fw_report_traits_add(struct fw_report_traits *traits, const struct fw_incident_sample *sample,
			  double weight);
void fw_report_traits_finish(struct fw_report_traits *traits);

/* Attack or rush: each measure speaks for one of them, or not at all. report_rush.c has the table.
 */
enum fw_report_verdict { FW_RV_UNDETERMINED, FW_RV_ATTACK, FW_RV_RUSH, FW_RV_MAX };
extern const char *const fw_report_verdict_names[FW_RV_MAX];

#define FW_REPORT_MEASURES   6
#define FW_REPORT_HANDSHAKES 0 /* the place of one of them */
struct fw_report_measure {
	const char *name;    /* "handshakes" */
	const char *words;   /* what is measured */
	double value;	     /* share, 0..1 */
	bool known;	     /* there was enough to measure */
	bool sampled;	     /* estimated from samples */
	__u64 of;	     /* packets or samples it rests on */
	double rush, attack; /* thresholds; high values are those of the larger; rush < 0: never */
	enum fw_report_verdict speaks;
	char why[160]; /* the figures in words */
};

struct fw_report_rush {
	enum fw_report_verdict verdict;
	struct fw_report_measure measure[FW_REPORT_MEASURES];
	unsigned int nr_attack, nr_rush, nr_known;
	char words[400]; /* one or two sentences */
};

/* Needs only sums and traits of the report. */
struct fw_report;
void fw_report_rush(struct fw_report *report);

/* Sources of one kind, all of them summed. */
struct fw_report_sources {
	__u64 count, banned, packets, bytes, dropped;
	double weight; /* estimated packets */
};

/* A policy that was in force. */
struct fw_report_policy {
	struct fw_when since;
	__u32 generation;
	char sha256[65];   /* of its text as a policy file */
	char program[512]; /* "eth0:tag ..." */
	char *text;	   /* owned; "" = was not kept */
};

/* What a proven source's figures do not say. */
#define FW_REPORT_IN_ITS_NAME                                                                     \
	"The packets of an address are those that came in its name, and anybody may have added "  \
	"to them: what belongs to no connection says nothing about who sent it. Only a ban says " \
	"that an address went on beyond its limits with packets of its own connections."

#define FW_REPORT_TOP 20
struct fw_report {
	struct fw_incident incident;
	struct fw_incident_sums sums;
	struct fw_incident_guess guess;
	struct fw_when now; /* when it was made */
	double length_s;    /* of the incident, up to now while it is open */
	struct fw_report_point *point;
	struct fw_incident_service *service;
	struct fw_incident_note *note;
	struct fw_history_level *level;
	struct fw_incident_span *span; /* when each service was above calm */
	struct fw_history_change *change;
	struct fw_history_clock *clock;
	struct fw_history_run *run;
	struct fw_report_policy *policy;
	struct fw_history_top *top; /* heaviest sources of each minute that ended within it */
	size_t nr_tops;
	size_t nr_points, nr_services, nr_notes, nr_levels, nr_spans, nr_changes, nr_clocks,
		nr_runs, nr_policies;
	struct fw_report_sources proven, listed, sampled; /* listed: exact, but not proven */
	struct fw_incident_source top_proven[FW_REPORT_TOP], top_other[FW_REPORT_TOP];
	size_t nr_top_proven, nr_top_other;
	struct fw_report_traits traits;
	struct fw_report_rush rush;
};

/* Large: on the heap. -ENOENT (3): no such incident. Freed with fw_report_free(), NULL is fine. */
int fw_report_read(struct fw_history *h, __s64 id, struct fw_when now, struct fw_report **ret,
		   struct fw_err *err);
void fw_report_free(struct fw_report *report);

/* Fills point and nr_points from the ticks of report->incident: at most that many, at least 1. */
int fw_report_series(struct fw_history *h, struct fw_report *report, size_t points,
		     struct fw_err *err);

/* report_minutes.c: fills top; as Markdown and as JSON, report_page.h has the page. */
int fw_report_minutes_read(struct fw_history *h, struct fw_report *report, struct fw_err *err);
void fw_report_minutes_markdown(FILE *out, const struct fw_report *report);
json_t *fw_report_minutes_json(const struct fw_report *report); /* NULL: no memory */

/* Packets all together, and share `part` of `whole`, 0 if there is none. */
__u64 fw_report_packets(const struct fw_report *report);
double fw_report_share(double part, double whole);

/* One in how many packets of the incident is a sample; 0: there are none. */
double fw_report_sampling(const struct fw_report *report);
/* Its times as the clock showed them at the time, should it have been set before they were written.
 */
void fw_report_source_times(const struct fw_report *report, struct fw_incident_source *source);

/* What to call it: the kind, unless attack or rush says otherwise. */
const char *fw_report_title(const struct fw_report *report);

/*
 * Sentences for people who read nothing else; no addresses, no names from outside. Each ends with a
 * full stop. Which: by number from 0 on; false: there is none of that number.
 */
bool fw_report_sentence(const struct fw_report *report, unsigned int number, char *buf,
			size_t size);
#define FW_REPORT_SENTENCE_LEN 400

/* Writers. Whatever texts the history holds, the result is well-formed. 0, -ENOMEM, -EIO. */
int fw_report_html(FILE *out, const struct fw_report *report);
int fw_report_markdown(FILE *out, const struct fw_report *report);
int fw_report_public(FILE *out, const struct fw_report *report);
json_t *fw_report_json(const struct fw_report *report); /* NULL: no memory */

/* The plots alone, as <svg> elements (report_svg.c). */
void fw_report_svg_traffic(FILE *out, const struct fw_report *report);
void fw_report_svg_clerks(FILE *out, const struct fw_report *report);

#endif
