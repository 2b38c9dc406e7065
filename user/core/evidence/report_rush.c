// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attack or rush? Years later people still argue about that, so the answer rests on measures that
 * anybody can repeat, with thresholds that stand in one table, and "undetermined" is an answer.
 *
 * Each measure is a share between 0 and 1. On one side of its first threshold it speaks for a rush,
 * on the other side of its second for an attack, between them for neither. The verdict needs two
 * measures more for one than for the other, and none of those marked decisive against it; a rush
 * also needs visitors, who are there, so that connections say so or most packets are of the proven.
 */
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/core/evidence/report.h"

#define MIN_PACKETS 1000 /* counted; fewer say nothing */
#define MIN_SAMPLES 50
#define MIN_LEAD    2
#define NEVER	    -1 /* no share is so low: a SYN flood is made of sensible packets, too */

const char *const fw_report_verdict_names[FW_RV_MAX] = {
	[FW_RV_UNDETERMINED] = "undetermined", [FW_RV_ATTACK] = "attack", [FW_RV_RUSH] = "rush"
};

struct row {
	const char *name, *words;
	double rush, attack;
	bool sampled;
	bool decisive; /* its word against a verdict makes it undetermined */
	/* The share, and of how many packets or samples. */
	double (*measure)(const struct fw_report *report, __u64 *ret_of);
};

/* Who sends from a spoofed address never sees the answer, and a flood tool does not go on from it.
 */
static double handshakes(const struct fw_report *r, __u64 *ret_of)
{
	return fw_incident_completion(&r->sums, ret_of);
}

/* A visitor is a stranger for one packet and known for the rest; a spoofed one is one for all. */
static double strangers(const struct fw_report *r, __u64 *ret_of)
{
	static const __u8 reasons[] = {
		FW_R_PASS_NEWCOMER,   FW_R_PASS_CROWD,	      FW_R_DROP_NEWCOMER,
		FW_R_TX_COOKIE,	      FW_R_DROP_COOKIE_OVER,  FW_R_DROP_CROWD_UDP,
		FW_R_DROP_CROWD_ICMP, FW_R_DROP_CROWD_FRAG,   FW_R_DROP_CROWD_OTHER,
		FW_R_DROP_RETRANSMIT, FW_R_DROP_OUT_OF_STATE, FW_R_DROP_COOKIE,
	};
	__u64 n = 0;

	for (size_t i = 0; i < sizeof(reasons); i++)
		n += r->sums.reason[reasons[i]].packets + r->sums.would[reasons[i]].packets;
	*ret_of = fw_report_packets(r);
	return fw_report_share((double)n, (double)*ret_of);
}

/* Of sources that have completed a handshake, before or in these packets. */
static bool mostly_proven(const struct fw_report *r)
{
	const struct fw_count *reason = r->sums.reason;
	__u64 n = reason[FW_R_PASS_PROVEN].packets + reason[FW_R_PASS_COOKIE].packets +
		  reason[FW_R_PASS_SOCKET].packets;

	return 2 * n >= fw_report_packets(r);
}

/* What no person asks for: reflections, protocols not offered, broken headers, no connection. */
static double senseless(const struct fw_report *r, __u64 *ret_of)
{
	__u64 n = 0;

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		enum fw_report_family f = fw_report_family(i);

		if (f == FW_RF_UNWANTED || f == FW_RF_MALFORMED || f == FW_RF_STATE)
			n += r->sums.reason[i].packets + r->sums.would[i].packets;
	}
	*ret_of = fw_report_packets(r);
	return fw_report_share((double)n, (double)*ret_of);
}

/*
 * Samples of which TTL and length are the sender's. A sample of what was answered holds our answer:
 * where most packets were answered, the others' say nothing of them, and none count.
 */
static __u64 shown(const struct fw_report *r)
{
	return 2 * r->traits.lengths >= r->traits.weight ? r->traits.shown : 0;
}

/*
 * People's packets arrive with many TTLs, all of them usual ones; a tool's are all alike, or
 * random. Whole while no single TTL has more than half, nothing when all have the same one.
 */
static double usual_ttls(const struct fw_report *r, __u64 *ret_of)
{
	double spread = 2 * (1 - r->traits.ttl_top);

	*ret_of = shown(r);
	return r->traits.ttl_usual * (spread < 1 ? spread : 1);
}

static double one_length(const struct fw_report *r, __u64 *ret_of)
{
	*ret_of = shown(r);
	return r->traits.length_top;
}

static double one_kind(const struct fw_report *r, __u64 *ret_of)
{
	*ret_of = r->traits.samples;
	return r->traits.kind_top;
}

/* name, words, speaks for a rush from, for an attack from, sampled, decisive */
static const struct row rows[FW_REPORT_MEASURES] = {
	{ "handshakes", "strangers' SYNs that became connections", 0.75, 0.10, false, true,
	  handshakes },
	{ "strangers", "packets of addresses never seen before", 0.35, 0.80, false, false,
	  strangers },
	{ "senseless", "packets that nobody who wants the page sends", NEVER, 0.50, false, true,
	  senseless },
	{ "ttl", "TTLs usual and spread, as those of many people are", 0.95, 0.70, true, false,
	  usual_ttls },
	{ "length", "packets of the commonest length", 0.60, 0.90, true, false, one_length },
	{ "kind", "packets of the commonest kind", 0.60, 0.90, true, false, one_kind },
};

static enum fw_report_verdict speak(const struct row *row, double value)
{
	bool high = row->rush > row->attack; /* high values are a rush's */

	if (high ? value >= row->rush : value <= row->rush)
		return FW_RV_RUSH;
	if (high ? value <= row->attack : value >= row->attack)
		return FW_RV_ATTACK;
	return FW_RV_UNDETERMINED;
}

static void explain(const struct row *row, struct fw_report_measure *m)
{
	const char *is = row->rush > row->attack ? "at least" : "at most";
	const char *not = row->rush > row->attack ? "at most" : "at least";
	char of[FW_TEXT_LEN];
	int used;

	fw_text_put_grouped(of, sizeof(of), m->of);
	if (!m->known) {
		snprintf(m->why, sizeof(m->why), "too little to measure: %s %s", of,
			 m->sampled ? "samples" : "packets");
		return;
	}
	used = snprintf(m->why, sizeof(m->why), "%.1f %% of %s %s; ", 100 * m->value, of,
			m->sampled ? "samples" : "packets");
	if (row->rush >= 0)
		used += snprintf(m->why + used, sizeof(m->why) - (size_t)used, "rush: %s %.0f %%, ",
				 is, 100 * row->rush);
	snprintf(m->why + used, sizeof(m->why) - (size_t)used, "attack: %s %.0f %%", not,
		 100 * row->attack);
}

static const char *speaks(unsigned int measures)
{
	return measures == 1 ? "speaks" : "speak";
}

static void conclude(struct fw_report_rush *rush, bool against_attack, bool against_rush)
{
	int lead = (int)rush->nr_attack - (int)rush->nr_rush;

	if (lead >= MIN_LEAD && !against_attack)
		rush->verdict = FW_RV_ATTACK;
	else if (-lead >= MIN_LEAD && !against_rush)
		rush->verdict = FW_RV_RUSH;
	switch (rush->verdict) {
	case FW_RV_ATTACK:
		snprintf(rush->words, sizeof(rush->words),
			 "The measurements speak for an attack: %u of %u measures do, %u %s for "
			 "a rush of visitors.",
			 rush->nr_attack, rush->nr_known, rush->nr_rush, speaks(rush->nr_rush));
		break;
	case FW_RV_RUSH:
		snprintf(rush->words, sizeof(rush->words),
			 "The measurements speak for a rush of visitors: %u of %u measures do, %u "
			 "%s for an attack.",
			 rush->nr_rush, rush->nr_known, rush->nr_attack, speaks(rush->nr_attack));
		break;
	default:
		snprintf(rush->words, sizeof(rush->words),
			 "Whether it was an attack or a rush of visitors the measurements do not "
			 "tell: %u of %u measures %s for an attack, %u for a rush.",
			 rush->nr_attack, rush->nr_known, speaks(rush->nr_attack), rush->nr_rush);
		break;
	}
}

void fw_report_rush(struct fw_report *report)
{
	bool against_attack = false, against_rush = false;
	struct fw_report_rush rush = { .verdict = FW_RV_UNDETERMINED };

	for (size_t i = 0; i < FW_REPORT_MEASURES; i++) {
		struct fw_report_measure *m = &rush.measure[i];
		const struct row *row = &rows[i];

		*m = (struct fw_report_measure){ .name = row->name,
						 .words = row->words,
						 .sampled = row->sampled,
						 .rush = row->rush,
						 .attack = row->attack };
		m->value = row->measure(report, &m->of);
		m->known = m->of >= (row->sampled ? MIN_SAMPLES : MIN_PACKETS);
		m->speaks = m->known ? speak(row, m->value) : FW_RV_UNDETERMINED;
		rush.nr_known += m->known;
		rush.nr_attack += m->speaks == FW_RV_ATTACK;
		rush.nr_rush += m->speaks == FW_RV_RUSH;
		against_attack |=
			row->decisive && m->speaks == FW_RV_RUSH && i == FW_REPORT_HANDSHAKES;
		against_rush |= row->decisive && m->speaks == FW_RV_ATTACK;
		/* Half of each is neither. */
		/* Many that come back without connecting are a flood, too, or nobody can tell. */
		against_rush |= i == FW_REPORT_HANDSHAKES && m->speaks != FW_RV_RUSH &&
				(m->known || !mostly_proven(report));
		explain(row, m);
	}
	conclude(&rush, against_attack, against_rush);
	report->rush = rush;
}
