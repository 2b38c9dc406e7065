/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An incident: from the moment a service leaves calm (or an admin says so) until it has been quiet
 * for the set time (or an admin closes it). What it counted is never stored twice: it is summed
 * from the ticks between its first and last, so that every figure of every report agrees.
 *
 * A source is proven only if it completed a TCP handshake with this host; of all others nobody
 * knows whether the address is its sender's. The two are kept apart in every structure here, and
 * whoever prints one must say which it is (fw_incident_source_word()).
 */
#ifndef FW_CORE_INCIDENT_H
#define FW_CORE_INCIDENT_H

#include "user/core/record/history.h"

#define FW_INCIDENT_WHO_LEN  65
#define FW_INCIDENT_TEXT_LEN 1025 /* a note, NUL included */

/* What it looked like: X(identifier, name, words) (incident_kind.c says when each fits). */
#define FW_INCIDENT_KINDS(X)                                                                       \
	X(UNKNOWN, "unknown", "of no kind we can name")                                            \
	X(SYN_SPOOFED, "syn_spoofed", "SYN flood from spoofed addresses")                          \
	X(SYN_SOURCE, "syn_source",                                                                \
	  "SYN flood in the names of single addresses, possibly spoofed")                          \
	X(STATE, "out_of_state", "flood of TCP packets that belong to no connection")              \
	X(UDP, "udp", "UDP flood")                                                                 \
	X(REFLECTION, "reflection", "reflection from amplifiers")                                  \
	X(ICMP, "icmp", "ICMP flood")                                                              \
	X(FRAGMENTS, "fragments", "flood of fragments")                                            \
	X(MALFORMED, "malformed", "flood of malformed packets")                                    \
	X(SOURCE, "source", "too much traffic in the names of single addresses, possibly spoofed") \
	X(BOTNET, "botnet", "too much traffic from real, connected sources")                       \
	X(RUSH, "rush", "many new connections, most of them completed")

enum fw_incident_kind {
#define X(id, name, words) FW_IK_##id,
	FW_INCIDENT_KINDS(X)
#undef X
		FW_IK_MAX,
};

struct fw_incident_guess {
	enum fw_incident_kind kind;
	__u16 port;	/* of the amplifiers, host order; 0 = not of that kind */
	__u32 sure_pct; /* share of what was dropped that fits the kind, less what speaks against it
			 */
	char words[96]; /* "DNS reflection", "SYN flood from spoofed addresses" */
	char why[512];	/* the figures it rests on, one or two sentences */
};

/* The row of the table "incident". */
struct fw_incident {
	__s64 id;
	bool open;
	struct fw_when start, end;	     /* end: zero while it is open */
	__s64 first_tick;		     /* numbers of ticks, both included */
	__s64 last_tick;		     /* open: the latest so far; below first_tick: none */
	__s64 run;			     /* of its start */
	char service[FW_NAME_LEN];	     /* whose level opened it; "" = opened by hand */
	char opened_by[FW_INCIDENT_WHO_LEN]; /* "level", or who */
	char closed_by[FW_INCIDENT_WHO_LEN]; /* "quiet", or who; "" = open */
	bool sources_complete;		     /* the list of its sources is final */
	__u64 sources_lost;		     /* packets of tabled sources that are in no account */
};

/* Sums over the incident's ticks. */
struct fw_incident_sums {
	__u64 ticks, span_ns;
	struct fw_count reason[FW_R_MAX]; /* done */
	struct fw_count would[FW_R_MAX];  /* would have been dropped or answered, monitor mode */
	struct fw_count pass, answered, drop, would_all;
	struct fw_count clerk_pass, clerk_drop;
	struct fw_when peak;	   /* end of the second with the most packets */
	double peak_pps, peak_Bps; /* packets, bytes a second, each its own maximum */
	__u64 handshakes;	   /* fw_incident_proofs() */
	__u64 newcomers_passed, newcomers_refused; /* packets: newcomer; newcomer_over, crowd_*,
						      cookie_over, retransmit_wait */
	/* Of its list so far; an address that is both counted and sampled is one. */
	__u64 sources_proven, sources_unproven;
	__u64 sample_offered, sample_emitted, sample_held, sample_lost;
	__u64 ledger_lost;
	__u16 reflect_port; /* commonest UDP source port of reflected samples, host order; 0 = none
			     */
};

/* A service within the incident. */
struct fw_incident_service {
	char name[FW_NAME_LEN];
	struct fw_count reason[FW_R_MAX];
	struct fw_count would[FW_R_MAX];
};

/*
 * A source. In the tables (proven, banned, over limits): packets and bytes are exact from the
 * packet on that entered it; of one that is not proven without those that the crowd's budgets
 * refused or answered. These, and all others, are known from samples only: packets and bytes are
 * what was sampled, and weight estimates packets by the sampling ratio of the moment. An address
 * may be in both kinds, a packet is not.
 */
struct fw_incident_source {
	__be32 addr_be[4]; /* IPv4 as ::ffff:a.b.c.d; IPv6: its /64 if exact, the address if sampled
			    */
	__u8 len;	   /* of the 128-bit form: 128, or 64 */
	bool proven;	   /* completed a handshake; else the address is possibly spoofed */
	bool banned;	   /* was banned during the incident */
	bool exact;	   /* counted packet by packet; else sampled */
	struct fw_when first, last;
	__u64 packets, bytes;		  /* all */
	__u64 dropped, dropped_bytes;	  /* of them */
	double weight;			  /* estimated packets; = packets if exact */
	struct fw_count reason[FW_R_MAX]; /* exact: dropped, by reason; sampled: all, by reason */
};

struct fw_incident_sample {
	struct fw_when when; /* UTC by the clock mapping in force when it was recorded */
	__u64 program_ns;
	__s64 tick;
	char service[FW_NAME_LEN];
	__u8 reason;		      /* enum fw_reason */
	__u8 verdict;		      /* enum fw_verdict; what would have been, if monitor */
	bool monitor, proven, before; /* before: from the ring, older than the first drop */
	__be32 addr_be[4];	      /* source; all zero: not IP */
	__u32 len;		      /* on the wire */
	__u32 ratio;		      /* one in this many was chosen, before the rate limit */
	__u16 captured;		      /* bytes in data */
	__u8 data[128];		      /* of an answered packet: our answer, if answered */
	bool answered;
};

struct fw_incident_note {
	__s64 id;
	struct fw_when when;
	char who[FW_INCIDENT_WHO_LEN];
	char text[FW_INCIDENT_TEXT_LEN]; /* as typed; hostile until cleaned or escaped */
};

/* Opening, closing, noting: the recorder and the command line. -EBUSY: one is open already. */
int fw_incident_open(struct fw_history *h, struct fw_when now, const char *service, const char *who,
		     __s64 *ret_id, struct fw_err *err);
int fw_incident_close(struct fw_history *h, __s64 id, struct fw_when now, const char *who,
		      struct fw_err *err);
int fw_incident_note(struct fw_history *h, __s64 id, struct fw_when now, const char *who,
		     const char *text, struct fw_err *err);
/* The open one: 0 and *ret, or -ENOENT with err untouched. */
int fw_incident_current(struct fw_history *h, struct fw_incident *ret);
/* Sources: cumulative, the last one written counts. Samples: each is a row. */
int fw_incident_put_source(struct fw_history *h, __s64 id, const struct fw_incident_source *source,
			   struct fw_err *err);
/* The same into what incident_log.c puts together. */
int fw_incident_merge_source(struct fw_history *h, __s64 id,
			     const struct fw_incident_source *source, struct fw_err *err);
int fw_incident_put_sample(struct fw_history *h, __s64 id, const struct fw_incident_sample *sample,
			   struct fw_err *err);
int fw_incident_sources_complete(struct fw_history *h, __s64 id, __u64 lost, struct fw_err *err);

/* Reading. -ENOENT (3): no such incident, with the way to list them. Lists are freed with free().
 */
int fw_incident_read(struct fw_history *h, __s64 id, struct fw_incident *ret, struct fw_err *err);
int fw_incident_list(struct fw_history *h, struct fw_incident **ret, size_t *ret_count,
		     struct fw_err *err); /* newest first */
int fw_incident_sums(struct fw_history *h, const struct fw_incident *incident,
		     struct fw_incident_sums *ret, struct fw_err *err);
int fw_incident_services(struct fw_history *h, const struct fw_incident *incident,
			 struct fw_incident_service **ret, size_t *ret_count, struct fw_err *err);
int fw_incident_notes(struct fw_history *h, __s64 id, struct fw_incident_note **ret,
		      size_t *ret_count, struct fw_err *err);
int fw_incident_levels(struct fw_history *h, const struct fw_incident *incident,
		       struct fw_history_level **ret, size_t *ret_count, struct fw_err *err);
int fw_incident_changes(struct fw_history *h, const struct fw_incident *incident,
			struct fw_history_change **ret, size_t *ret_count, struct fw_err *err);
/* A stretch of time in which one service was above calm. */
struct fw_incident_span {
	char service[FW_NAME_LEN];
	struct fw_when from, to; /* to: its last change of level */
	bool over;		 /* to: back to calm */
	bool pinned;		 /* by hand, at least in part */
	__u8 worst;		 /* enum fw_level */
};
/* Of what fw_incident_levels() gave; in the order they began. *ret is the caller's to free.
 * -ENOMEM. */
int fw_incident_spans(const struct fw_incident *incident, const struct fw_history_level *level,
		      size_t levels, struct fw_incident_span **ret, size_t *ret_count);
extern const char *const fw_incident_level_names[FW_LEVEL_MAX];
/* Clock rows of its time and the last one before it; runs likewise. */
int fw_incident_clocks(struct fw_history *h, const struct fw_incident *incident,
		       struct fw_history_clock **ret, size_t *ret_count, struct fw_err *err);
int fw_incident_runs(struct fw_history *h, const struct fw_incident *incident,
		     struct fw_history_run **ret, size_t *ret_count, struct fw_err *err);

/*
 * A condition on rows of source: samples of an address that is proven are not another source. The
 * log of an incident, where one stands in for the table, holds none (incident_log.c).
 */
#define FW_SOURCE_ONCE                                                             \
	"(exact OR NOT EXISTS (SELECT 1 FROM main.source AS p WHERE p.incident = " \
	"source.incident AND p.exact = 1 AND p.address = source.address AND p.proven))"

/*
 * One call for each, without holding them all in memory: of the proven sources or of the others,
 * top with the most packets, the most first, or, if 0, all as they are stored; samples in order.
 * Whoever is proven is not among the others, whatever samples of him there are. each() returns 0
 * to go on; anything else ends it and is returned.
 */
int fw_incident_each_source(struct fw_history *h, __s64 id, bool proven, __u32 top,
			    int (*each)(void *arg, const struct fw_incident_source *source),
			    void *arg, struct fw_err *err);
int fw_incident_each_sample(struct fw_history *h, __s64 id,
			    int (*each)(void *arg, const struct fw_incident_sample *sample),
			    void *arg, struct fw_err *err);

/* incident_kind.c: pure. */
/*
 * How often a stranger proved itself. A valid cookie does. What belongs to a socket may belong to
 * one that is half open, which a spoofed SYN makes, too, and whoever is there in truth answers with
 * an RST: so of those there are no more proofs than sources that are proven.
 */
__u64 fw_incident_proofs(const struct fw_incident_sums *sums);

/*
 * What share of the strangers that were let through, answered with a cookie, or asked to come again
 * became connections. All, for the kernel may send cookies of its own (tcp_syncookies = 2), and
 * those come back as ours do. *ret_of: how many; 0, with too few of our own cookies: what is let
 * through need not be TCP.
 */
double fw_incident_completion(const struct fw_incident_sums *sums, __u64 *ret_of);
void fw_incident_guess(const struct fw_incident_sums *sums, struct fw_incident_guess *ret);

/* Of what was dropped of it, packets that belong to no connection: anybody may have sent them in
 * its name, whatever it has proven. The others may be its own or not. */
__u64 fw_incident_source_anybodys(const struct fw_incident_source *source);

/* "proven", "possibly spoofed". */
const char *fw_incident_source_word(const struct fw_incident_source *source);

/* JSON name of a kind; of a reason ("?" beyond the list). */
const char *fw_incident_kind_name(enum fw_incident_kind kind);
const char *fw_incident_reason_name(unsigned int reason);
/* What it does to a packet, in enforcing mode. */
enum fw_verdict fw_incident_reason_verdict(unsigned int reason);

#endif
