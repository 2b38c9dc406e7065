// SPDX-License-Identifier: GPL-2.0-only
/*
 * One incident in full: read, as JSON, and for people. Proven sources and addresses that are
 * possibly spoofed have sentences of their own.
 */
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/incident.h"

/* What was done about it, by the reasons that counted. */
static const struct {
	__u8 reason;
	const char *words;
} mitigations[] = {
	{ FW_R_TX_COOKIE, "SYN cookies from the driver" },
	{ FW_R_DROP_COOKIE_OVER, "budget for SYNs" },
	{ FW_R_DROP_RETRANSMIT, "strangers must try again" },
	{ FW_R_DROP_OUT_OF_STATE, "TCP without a connection dropped" },
	{ FW_R_DROP_BANNED, "bans of proven sources" },
	{ FW_R_DROP_BLOCKED, "block list" },
	{ FW_R_DROP_REFLECTED, "amplifiers' answers dropped" },
	{ FW_R_DROP_UNSPOKEN, "what services do not speak dropped" },
	{ FW_R_DROP_SRC_PACKETS, "packet limit of each source" },
	{ FW_R_DROP_SRC_BYTES, "byte limit of each source" },
	{ FW_R_DROP_SRC_SYN, "connection limit of each source" },
	{ FW_R_DROP_SRC_UDP, "UDP limit of each source" },
	{ FW_R_DROP_SRC_ICMP, "ICMP limit of each source" },
	{ FW_R_DROP_SRC_FRAG, "fragment limit of each source" },
	{ FW_R_DROP_NET48, "limit of each IPv6 /48" },
	{ FW_R_DROP_NEWCOMER, "budget for newcomers" },
	{ FW_R_DROP_CROWD_UDP, "budget for unproven UDP" },
	{ FW_R_DROP_CROWD_ICMP, "budget for unproven ICMP" },
	{ FW_R_DROP_CROWD_FRAG, "budget for unproven fragments" },
	{ FW_R_DROP_CROWD_OTHER, "budget for other unproven traffic" },
};
#define MITIGATIONS (sizeof(mitigations) / sizeof(*mitigations))

int fw_incident_view_read(struct fw_history *h, __s64 id, struct fw_incident_view *ret,
			  struct fw_err *err)
{
	struct fw_history_clock *clock = NULL;
	size_t clocks = 0;
	int r = fw_incident_read(h, id, &ret->in, err);

	if (!r)
		r = fw_incident_sums(h, &ret->in, &ret->sums, err);
	if (!r)
		r = fw_incident_levels(h, &ret->in, &ret->level, &ret->levels, err);
	if (!r)
		r = fw_incident_spans(&ret->in, ret->level, ret->levels, &ret->span, &ret->spans);
	if (!r)
		r = fw_incident_notes(h, id, &ret->note, &ret->notes, err);
	if (!r)
		r = fw_incident_changes(h, &ret->in, &ret->change, &ret->changes, err);
	if (!r)
		r = fw_incident_clocks(h, &ret->in, &clock, &clocks, err);
	if (r)
		return r;
	fw_incident_guess(&ret->sums, &ret->guess);
	ret->synchronised = clocks;
	for (size_t i = 0; i < clocks; i++) {
		ret->synchronised &= clock[i].synchronised;
		ret->steps += clock[i].step_ns != 0;
	}
	free(clock);
	return 0;
}

void fw_incident_view_free(struct fw_incident_view *view)
{
	free(view->level);
	free(view->span);
	free(view->note);
	free(view->change);
}

static json_t *when_json(const struct fw_when *when)
{
	char text[FW_CLOCK_LEN];

	if (!when->utc_ns)
		return json_null();
	return json_pack("{s:s,s:o,s:o}", "local", fw_clock_put(text, sizeof(text), when->utc_ns),
			 "utc_ns", fw_json_count(when->utc_ns), "boot_ns",
			 fw_json_count(when->boot_ns));
}

static json_t *count_json(const struct fw_count *count)
{
	return json_pack("{s:o,s:o}", "packets", fw_json_count(count->packets), "bytes",
			 fw_json_count(count->bytes));
}

json_t *fw_incident_short_json(const struct fw_incident *in, const struct fw_incident_sums *s,
			       const struct fw_incident_guess *guess)
{
	json_t *o = json_object();

	fw_json_set(o, "id", json_integer(in->id));
	fw_json_set(o, "open", json_boolean(in->open));
	fw_json_set(o, "start", when_json(&in->start));
	fw_json_set(o, "end", when_json(&in->end));
	fw_json_set(o, "service", fw_json_text(in->service));
	fw_json_set(o, "opened_by", fw_json_text(in->opened_by));
	fw_json_set(o, "closed_by", in->open ? json_null() : fw_json_text(in->closed_by));
	fw_json_set(o, "kind", json_string(fw_incident_kind_name(guess->kind)));
	fw_json_set(o, "what", fw_json_text(guess->words));
	fw_json_set(o, "sure_pct", json_integer(guess->sure_pct));
	fw_json_set(o, "why", fw_json_text(guess->why));
	fw_json_set(o, "peak", when_json(&s->peak));
	fw_json_set(o, "peak_packets_per_s", json_real(s->peak_pps));
	fw_json_set(o, "peak_bytes_per_s", json_real(s->peak_Bps));
	fw_json_set(o, "clerks_dropped", fw_json_count(s->clerk_drop.packets));
	return o;
}

static json_t *reasons_json(const struct fw_count reason[FW_R_MAX])
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < FW_R_MAX; i++)
		if (reason[i].packets)
			fw_json_set(o, fw_incident_reason_name(i), count_json(&reason[i]));
	return o;
}

static json_t *mitigation_json(const struct fw_incident_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < MITIGATIONS; i++)
		if (v->sums.reason[mitigations[i].reason].packets)
			fw_json_push(list, json_string(mitigations[i].words));
	return list;
}

static json_t *lists_json(json_t *o, const struct fw_incident_view *v)
{
	json_t *levels = json_array(), *notes = json_array(), *changes = json_array();
	json_t *spans = json_array();

	for (size_t i = 0; i < v->spans; i++) {
		const struct fw_incident_span *s = &v->span[i];

		fw_json_push(spans,
			     json_pack("{s:o,s:o,s:o,s:s,s:b}", "service", fw_json_text(s->service),
				       "from", when_json(&s->from), "until",
				       s->over ? when_json(&s->to) : json_null(), "worst",
				       fw_incident_level_names[s->worst % FW_LEVEL_MAX], "pinned",
				       (int)s->pinned));
	}
	fw_json_set(o, "above_calm", spans);

	for (size_t i = 0; i < v->levels; i++)
		fw_json_push(levels,
			     json_pack("{s:o,s:o,s:s,s:s,s:b}", "when",
				       when_json(&v->level[i].when), "service",
				       fw_json_text(v->level[i].service), "from",
				       fw_incident_level_names[v->level[i].from % FW_LEVEL_MAX],
				       "to", fw_incident_level_names[v->level[i].to % FW_LEVEL_MAX],
				       "pinned", (int)v->level[i].pinned));
	for (size_t i = 0; i < v->notes; i++)
		fw_json_push(notes, json_pack("{s:o,s:o,s:o}", "when", when_json(&v->note[i].when),
					      "who", fw_json_text(v->note[i].who), "text",
					      fw_json_text(v->note[i].text)));
	for (size_t i = 0; i < v->changes; i++)
		fw_json_push(changes, json_pack("{s:o,s:I,s:o,s:o,s:o}", "when",
						when_json(&v->change[i].when), "generation",
						(json_int_t)v->change[i].generation, "who",
						fw_json_text(v->change[i].who), "what",
						fw_json_text(v->change[i].what), "policy_sha256",
						*v->change[i].policy_hash
							? fw_json_text(v->change[i].policy_hash)
							: json_null()));
	fw_json_set(o, "levels", levels);
	fw_json_set(o, "notes", notes);
	fw_json_set(o, "changes", changes);
	return o;
}

json_t *fw_incident_view_json(const struct fw_incident_view *v)
{
	const struct fw_incident_sums *s = &v->sums;
	json_t *o = fw_incident_short_json(&v->in, s, &v->guess);

	fw_json_set(o, "seconds", json_real((double)s->span_ns / FW_NS_PER_S));
	fw_json_set(o, "pass", count_json(&s->pass));
	fw_json_set(o, "answered", count_json(&s->answered));
	fw_json_set(o, "drop", count_json(&s->drop));
	fw_json_set(o, "would", count_json(&s->would_all));
	fw_json_set(o, "reasons", reasons_json(s->reason));
	fw_json_set(o, "would_reasons", reasons_json(s->would));
	fw_json_set(o, "clerks",
		    json_pack("{s:o,s:o}", "pass", count_json(&s->clerk_pass), "drop",
			      count_json(&s->clerk_drop)));
	fw_json_set(o, "handshakes_completed", fw_json_count(s->handshakes));
	fw_json_set(o, "newcomers_passed", fw_json_count(s->newcomers_passed));
	fw_json_set(o, "newcomers_refused", fw_json_count(s->newcomers_refused));
	fw_json_set(o, "sources_proven", fw_json_count(s->sources_proven));
	fw_json_set(o, "sources_possibly_spoofed", fw_json_count(s->sources_unproven));
	fw_json_set(o, "sources_complete", json_boolean(v->in.sources_complete));
	fw_json_set(o, "mitigation", mitigation_json(v));
	fw_json_set(o, "sampling",
		    json_pack("{s:o,s:o,s:o,s:o}", "offered", fw_json_count(s->sample_offered),
			      "emitted", fw_json_count(s->sample_emitted), "held",
			      fw_json_count(s->sample_held), "lost",
			      fw_json_count(s->sample_lost)));
	fw_json_set(o, "ledger_lost", fw_json_count(s->ledger_lost));
	fw_json_set(o, "clock",
		    json_pack("{s:b,s:i}", "synchronised", (int)v->synchronised, "steps",
			      (int)v->steps));
	return lists_json(o, v);
}

static const char *about(double number)
{
	static char buf[8][FW_TEXT_LEN];
	static unsigned int next;

	return fw_text_put_about(buf[next++ % 8], FW_TEXT_LEN, number);
}

/* To the last one, for what is to be compared. */
static const char *exactly(__u64 number)
{
	static char buf[8][FW_TEXT_LEN];
	static unsigned int next;

	return fw_text_put_grouped(buf[next++ % 8], FW_TEXT_LEN, number);
}

static void print_head(const struct fw_incident_view *v, FILE *out)
{
	char a[FW_CLOCK_LEN], b[FW_CLOCK_LEN];
	const struct fw_incident *in = &v->in;

	fprintf(out, "incident %lld, %s: %s\n", (long long)in->id, in->open ? "open" : "closed",
		v->guess.words);
	fprintf(out, "sure      %u %%: %s\n", v->guess.sure_pct, v->guess.why);
	fprintf(out, "began     %s, by %s%s%s\n", fw_clock_put(a, sizeof(a), in->start.utc_ns),
		in->opened_by, *in->service ? " of service " : "", in->service);
	if (!in->open)
		fprintf(out, "ended     %s, by %s\n", fw_clock_put(a, sizeof(a), in->end.utc_ns),
			in->closed_by);
	if (v->sums.peak.utc_ns)
		fprintf(out, "peak      %s, %s packets/s; %s bytes/s at most\n",
			fw_clock_put(b, sizeof(b), v->sums.peak.utc_ns), about(v->sums.peak_pps),
			about(v->sums.peak_Bps));
}

static void print_sums(const struct fw_incident_view *v, FILE *out)
{
	const struct fw_incident_sums *s = &v->sums;

	fprintf(out, "packets   %s passed, %s answered, %s dropped", about((double)s->pass.packets),
		about((double)s->answered.packets), about((double)s->drop.packets));
	if (s->would_all.packets)
		fprintf(out, ", %s passed in monitor mode that would not have",
			about((double)s->would_all.packets));
	fprintf(out,
		"\nvoters    %s strangers completed a handshake, %s packets of newcomers passed, "
		"%s refused\n",
		about((double)s->handshakes), about((double)s->newcomers_passed),
		about((double)s->newcomers_refused));
	fprintf(out, "clerks    %s packets dropped of %s\n", exactly(s->clerk_drop.packets),
		exactly(s->clerk_drop.packets + s->clerk_pass.packets));
	fprintf(out, "sources   %s proven (completed a handshake)\n", exactly(s->sources_proven));
	fprintf(out, "          %s possibly spoofed (nobody knows who sent in their name)\n",
		exactly(s->sources_unproven));
	if (!v->in.sources_complete)
		fprintf(out, "          so far; the list is complete soon after the end\n");
	fprintf(out, "samples   %s of %s packets, %s held back by the limit, %s lost\n",
		exactly(s->sample_emitted), about((double)s->sample_offered),
		exactly(s->sample_held), exactly(s->sample_lost));
	if (s->ledger_lost)
		fprintf(out, "          %s packets of tabled sources are in no account\n",
			exactly(s->ledger_lost));
}

/* Each service by itself: the incident lasts as long as any of them is above calm. */
static void print_spans(const struct fw_incident_view *v, FILE *out)
{
	char from[FW_CLOCK_LEN], to[FW_CLOCK_LEN], lasted[FW_TEXT_LEN];

	for (size_t i = 0; i < v->spans; i++) {
		const struct fw_incident_span *s = &v->span[i];
		__u64 ns = s->to.boot_ns > s->from.boot_ns ? s->to.boot_ns - s->from.boot_ns : 0;

		fprintf(out, "%s%s: above calm from %s ", i ? "          " : "services  ",
			s->service, fw_clock_put(from, sizeof(from), s->from.utc_ns));
		if (s->over)
			fprintf(out, "to %s (%s)", fw_clock_put(to, sizeof(to), s->to.utc_ns),
				fw_text_put_duration(lasted, sizeof(lasted),
						     (__u32)(ns / FW_NS_PER_S) ?: 1));
		else
			fputs(v->in.open ? "on, still" : "beyond the incident's end", out);
		fprintf(out, ", %s at worst%s\n", fw_incident_level_names[s->worst % FW_LEVEL_MAX],
			s->pinned ? " (pinned)" : "");
	}
}

static void print_mitigation(const struct fw_incident_view *v, FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < MITIGATIONS; i++) {
		__u64 n = v->sums.reason[mitigations[i].reason].packets;

		if (!n)
			continue;
		fprintf(out, "%s%s, %s packets\n", any ? "          " : "done      ",
			mitigations[i].words, about((double)n));
		any = true;
	}
	if (!any)
		fprintf(out, "done      nothing was refused or answered\n");
	print_spans(v, out);
	for (size_t i = 0; i < v->levels; i++) {
		char when[FW_CLOCK_LEN];

		fprintf(out, "%s%s  %s: %s -> %s%s\n", i ? "          " : "levels    ",
			fw_clock_put(when, sizeof(when), v->level[i].when.utc_ns),
			v->level[i].service,
			fw_incident_level_names[v->level[i].from % FW_LEVEL_MAX],
			fw_incident_level_names[v->level[i].to % FW_LEVEL_MAX],
			v->level[i].pinned ? " (pinned)" : "");
	}
}

int fw_incident_view_print(const struct fw_incident_view *v, FILE *out)
{
	char when[FW_CLOCK_LEN], text[FW_INCIDENT_TEXT_LEN], who[FW_INCIDENT_WHO_LEN];

	print_head(v, out);
	print_sums(v, out);
	print_mitigation(v, out);
	for (size_t i = 0; i < v->changes; i++)
		fprintf(out, "%s%s  %s: %s\n", i ? "          " : "changes   ",
			fw_clock_put(when, sizeof(when), v->change[i].when.utc_ns),
			*v->change[i].who ? fw_text_clean(who, sizeof(who), v->change[i].who)
					  : "somebody",
			fw_text_clean(text, sizeof(text), v->change[i].what));
	for (size_t i = 0; i < v->notes; i++)
		fprintf(out, "%s%s  %s: %s\n", i ? "          " : "notes     ",
			fw_clock_put(when, sizeof(when), v->note[i].when.utc_ns),
			fw_text_clean(who, sizeof(who), v->note[i].who),
			fw_text_clean(text, sizeof(text), v->note[i].text));
	if (v->steps)
		fprintf(out,
			"clock     was set %u times meanwhile; order and lengths are by the "
			"boot clock\n",
			v->steps);
	if (!v->synchronised)
		fprintf(out, "clock     was not synchronised all the time\n");
	return 0;
}
