// SPDX-License-Identifier: GPL-2.0-only
/* The report as one JSON object. Counted and sampled figures are in objects of their own. */
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/core/evidence/report.h"

static json_t *utc(__u64 ns)
{
	char text[FW_CLOCK_LEN];

	return ns ? json_string(fw_clock_put_utc(text, sizeof(text), ns, 3)) : json_null();
}

static json_t *count_json(const struct fw_count *c)
{
	return json_pack("{s:o,s:o}", "packets", fw_json_count(c->packets), "bytes",
			 fw_json_count(c->bytes));
}

static json_t *incident_json(const struct fw_report *r)
{
	const struct fw_incident *i = &r->incident;

	return json_pack("{s:I,s:b,s:o,s:o,s:f,s:o,s:o,s:o}", "id", (json_int_t)i->id, "open",
			 (int)i->open, "start", utc(i->start.utc_ns), "end",
			 i->open ? json_null() : utc(i->end.utc_ns), "seconds", r->length_s,
			 "service", *i->service ? fw_json_text(i->service) : json_null(),
			 "opened_by", fw_json_text(i->opened_by), "closed_by",
			 i->open ? json_null() : fw_json_text(i->closed_by));
}

static json_t *counted_json(const struct fw_report *r)
{
	const struct fw_incident_sums *s = &r->sums;
	json_t *reasons = json_object(), *would = json_object();
	int err = 0;

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		const char *name = fw_incident_reason_name(i);

		if (s->reason[i].packets)
			err |= fw_json_set(reasons, name, count_json(&s->reason[i]));
		if (s->would[i].packets)
			err |= fw_json_set(would, name, count_json(&s->would[i]));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:f,s:f,s:o,s:o,s:o}", "passed",
			 count_json(&s->pass), "answered", count_json(&s->answered), "dropped",
			 count_json(&s->drop), "would_drop", count_json(&s->would_all),
			 "clerks_passed", count_json(&s->clerk_pass), "clerks_dropped",
			 count_json(&s->clerk_drop), "reasons", err ? NULL : reasons,
			 "would_reasons", would, "peak_at", utc(s->peak.utc_ns),
			 "peak_packets_per_second", s->peak_pps, "peak_bytes_per_second",
			 s->peak_Bps, "handshakes", fw_json_count(s->handshakes),
			 "newcomers_passed", fw_json_count(s->newcomers_passed),
			 "newcomers_refused", fw_json_count(s->newcomers_refused));
}

static json_t *rush_json(const struct fw_report *r)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < FW_REPORT_MEASURES; i++) {
		const struct fw_report_measure *m = &r->rush.measure[i];

		err |= fw_json_push(list, json_pack("{s:s,s:s,s:o,s:o,s:b,s:o,s:f,s:s,s:o}", "name",
						    m->name, "measures", m->words, "share",
						    m->known ? json_real(m->value) : json_null(),
						    "of", fw_json_count(m->of), "sampled",
						    (int)m->sampled, "rush_threshold",
						    m->rush < 0 ? json_null() : json_real(m->rush),
						    "attack_threshold", m->attack, "speaks_for",
						    fw_report_verdict_names[m->speaks], "why",
						    fw_json_text(m->why)));
	}
	return json_pack("{s:s,s:s,s:o}", "verdict", fw_report_verdict_names[r->rush.verdict],
			 "words", r->rush.words, "measures", err ? NULL : list);
}

static json_t *sum_json(const struct fw_report_sources *s)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "count", fw_json_count(s->count), "banned",
			 fw_json_count(s->banned), "packets", fw_json_count(s->packets), "bytes",
			 fw_json_count(s->bytes), "dropped", fw_json_count(s->dropped));
}

static json_t *source_json(const struct fw_incident_source *s)
{
	char addr[FW_TEXT_LEN];

	if (s->len == 128)
		fw_text_put_addr(addr, sizeof(addr), s->addr_be);
	else
		fw_text_put_prefix(addr, sizeof(addr), s->addr_be, s->len);
	return json_pack(
		"{s:s,s:s,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:f}", "address", addr, "standing",
		fw_incident_source_word(s), "banned", (int)s->banned, "exact", (int)s->exact,
		"first_seen", utc(s->first.utc_ns), "last_seen", utc(s->last.utc_ns), "packets",
		fw_json_count(s->packets), "bytes", fw_json_count(s->bytes), "dropped",
		fw_json_count(s->dropped), "dropped_without_connection",
		fw_json_count(fw_incident_source_anybodys(s)), "estimated_packets", s->weight);
}

static json_t *sources_json(const struct fw_incident_source *s, size_t n)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < n; i++)
		err |= fw_json_push(list, source_json(&s[i]));
	return err ? NULL : list;
}

static json_t *all_sources_json(const struct fw_report *r)
{
	json_t *other =
		json_pack("{s:o,s:o,s:o,s:f,s:o}", "addresses",
			  fw_json_count(r->sums.sources_unproven), "counted", sum_json(&r->listed),
			  "sampled", sum_json(&r->sampled), "sampled_estimated_packets",
			  r->sampled.weight, "top", sources_json(r->top_other, r->nr_top_other));

	return json_pack("{s:{s:o,s:o},s:o,s:b,s:o}", "proven", "all", sum_json(&r->proven), "top",
			 sources_json(r->top_proven, r->nr_top_proven), "possibly_spoofed", other,
			 "list_complete", (int)r->incident.sources_complete,
			 "packets_in_no_account", fw_json_count(r->incident.sources_lost));
}

/* {"64": share, ...}: what is more than a thousandth. */
static json_t *shares_json(const double *weight, unsigned int n, double whole)
{
	json_t *shares = json_object();
	char key[16];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%u", i);
		if (fw_report_share(weight[i], whole) > 0.001)
			(void)fw_json_set(
				shares, key,
				json_real(fw_report_share(weight[i], whole))); /* or none */
	}
	return shares;
}

static json_t *samples_json(const struct fw_report *r)
{
	const struct fw_incident_sums *s = &r->sums;
	const struct fw_report_traits *t = &r->traits;
	json_t *kinds = json_array();
	int err = 0;

	for (unsigned int i = 0; i < t->nr_kinds; i++)
		err |= fw_json_push(kinds,
				    json_pack("{s:s,s:f}", "kind", t->kind[i].name, "share",
					      fw_report_share(t->kind[i].weight, t->weight)));
	return json_pack(
		"{s:o,s:o,s:o,s:o,s:f,s:o,s:{s:i,s:f,s:f,s:i,s:o},s:{s:i,s:f,s:i,s:o},s:o}",
		"offered", fw_json_count(s->sample_offered), "emitted",
		fw_json_count(s->sample_emitted), "held_back", fw_json_count(s->sample_held),
		"lost", fw_json_count(s->sample_lost), "one_in", fw_report_sampling(r), "looked_at",
		fw_json_count(t->samples), "ttl", "commonest", (int)t->ttl_top_value, "share",
		t->ttl_top, "usual_share", t->ttl_usual, "distinct", (int)t->ttl_distinct, "shares",
		shares_json(t->ttl, 256, t->lengths), "length", "commonest",
		(int)t->length_top_value, "share", t->length_top, "distinct",
		(int)t->length_distinct, "shares",
		shares_json(t->length, FW_REPORT_LENGTH, t->lengths), "kinds", err ? NULL : kinds);
}

static json_t *hash_json(const char *hash)
{
	return *hash ? fw_json_text(hash) : json_null();
}

static json_t *events_json(const struct fw_report *r)
{
	static const char *const levels[] = { "calm", "guarded", "siege" };
	json_t *list = json_array(), *changes = json_array(), *notes = json_array();
	json_t *spans = json_array();
	int err = 0;

	for (size_t i = 0; i < r->nr_spans; i++) {
		const struct fw_incident_span *s = &r->span[i];

		err |= fw_json_push(
			spans, json_pack("{s:o,s:o,s:o,s:s,s:b}", "service",
					 fw_json_text(s->service), "from", utc(s->from.utc_ns),
					 "until", s->over ? utc(s->to.utc_ns) : json_null(),
					 "worst", levels[s->worst % 3], "pinned", (int)s->pinned));
	}
	for (size_t i = 0; i < r->nr_levels; i++)
		err |= fw_json_push(list, json_pack("{s:o,s:o,s:s,s:s,s:b}", "at",
						    utc(r->level[i].when.utc_ns), "service",
						    fw_json_text(r->level[i].service), "from",
						    levels[r->level[i].from % 3], "to",
						    levels[r->level[i].to % 3], "pinned",
						    (int)r->level[i].pinned));
	for (size_t i = 0; i < r->nr_changes; i++)
		err |= fw_json_push(changes,
				    json_pack("{s:o,s:I,s:o,s:o,s:o}", "at",
					      utc(r->change[i].when.utc_ns), "generation",
					      (json_int_t)r->change[i].generation, "who",
					      fw_json_text(r->change[i].who), "what",
					      fw_json_text(r->change[i].what), "policy_sha256",
					      hash_json(r->change[i].policy_hash)));
	for (size_t i = 0; i < r->nr_notes; i++)
		err |= fw_json_push(notes,
				    json_pack("{s:o,s:o,s:o}", "at", utc(r->note[i].when.utc_ns),
					      "who", fw_json_text(r->note[i].who), "text",
					      fw_json_text(r->note[i].text)));
	return json_pack("{s:o,s:o,s:o,s:o}", "levels", err ? NULL : list, "above_calm", spans,
			 "changes", changes, "notes", notes);
}

static json_t *record_json(const struct fw_report *r)
{
	json_t *runs = json_array(), *clocks = json_array(), *policies = json_array();
	int err = 0;

	for (size_t i = 0; i < r->nr_runs; i++) {
		const struct fw_history_run *u = &r->run[i];

		err |= fw_json_push(
			runs,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:I,s:o}", "since", utc(u->when.utc_ns),
				  "boot_id", fw_json_text(u->boot_id), "host",
				  fw_json_text(u->host), "kernel", fw_json_text(u->kernel), "build",
				  fw_json_text(u->build), "generation", (json_int_t)u->generation,
				  "policy_sha256", hash_json(u->policy_hash)));
	}
	for (size_t i = 0; i < r->nr_clocks; i++) {
		const struct fw_history_clock *c = &r->clock[i];

		err |= fw_json_push(
			clocks, json_pack("{s:o,s:o,s:b,s:o,s:o,s:I}", "at", utc(c->when.utc_ns),
					  "boot_ns", fw_json_count(c->when.boot_ns), "synchronised",
					  (int)c->synchronised, "max_error_ns",
					  fw_json_count(c->max_error_ns), "estimated_error_ns",
					  fw_json_count(c->est_error_ns), "step_ns",
					  (json_int_t)c->step_ns));
	}
	for (size_t i = 0; i < r->nr_policies; i++) {
		const struct fw_report_policy *p = &r->policy[i];

		err |= fw_json_push(
			policies, json_pack("{s:o,s:I,s:o,s:o,s:b}", "since", utc(p->since.utc_ns),
					    "generation", (json_int_t)p->generation, "sha256",
					    fw_json_text(p->sha256), "programs",
					    fw_json_text(p->program), "text_kept", *p->text != 0));
	}
	return json_pack("{s:o,s:o,s:o,s:f,s:o}", "policies", policies, "runs", err ? NULL : runs,
			 "clocks", clocks, "recorded_seconds", (double)r->sums.span_ns / 1e9,
			 "packets_in_no_account", fw_json_count(r->sums.ledger_lost));
}

static json_t *series_json(const struct fw_report *r)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < r->nr_points; i++) {
		const struct fw_report_point *p = &r->point[i];
		json_t *row = json_object();

		err |= fw_json_set(row, "end", utc(p->when.utc_ns));
		err |= fw_json_set(row, "seconds", json_real((double)p->span_ns / 1e9));
		for (int f = 0; f < FW_RF_MAX; f++)
			err |= fw_json_set(row, fw_report_family_names[f],
					   fw_json_count(p->family[f].packets));
		err |= fw_json_set(row, "clerks_passed", fw_json_count(p->clerk_pass.packets));
		err |= fw_json_set(row, "clerks_dropped", fw_json_count(p->clerk_drop.packets));
		err |= fw_json_push(list, row);
	}
	return err ? NULL : list;
}

json_t *fw_report_json(const struct fw_report *r)
{
	json_t *doc = json_object(), *sentences = json_array();
	char text[FW_REPORT_SENTENCE_LEN];
	int err = 0;

	for (unsigned int i = 0; fw_report_sentence(r, i, text, sizeof(text)); i++)
		err |= fw_json_push(sentences, json_string(text));
	err |= fw_json_set(doc, "incident", incident_json(r));
	err |= fw_json_set(doc, "made", utc(r->now.utc_ns));
	err |= fw_json_set(doc, "summary", sentences);
	err |= fw_json_set(doc, "kind",
			   json_pack("{s:s,s:o,s:i,s:o}", "name",
				     fw_incident_kind_name(r->guess.kind), "words",
				     fw_json_text(r->guess.words), "sure_percent",
				     (int)r->guess.sure_pct, "why", fw_json_text(r->guess.why)));
	err |= fw_json_set(doc, "attack_or_rush", rush_json(r));
	err |= fw_json_set(doc, "counted", counted_json(r));
	err |= fw_json_set(doc, "sources", all_sources_json(r));
	err |= fw_json_set(doc, "samples", samples_json(r));
	err |= fw_json_set(doc, "events", events_json(r));
	err |= fw_json_set(doc, "record", record_json(r));
	err |= fw_json_set(doc, "minutes", fw_report_minutes_json(r));
	err |= fw_json_set(doc, "series", series_json(r));
	if (!err)
		return doc;
	json_decref(doc);
	return NULL;
}
