// SPDX-License-Identifier: GPL-2.0-only
/* The report as Markdown: for tickets and mail. The same parts as the page, without the plots. */
#include <errno.h>
#include <stdio.h>
#include "user/base/escape.h"
#include "user/base/text.h"
#include "user/core/evidence/report_page.h"

static const char *const levels[] = { "calm", "guarded", "siege" };

static void head(FILE *out, const struct fw_report *r)
{
	const struct fw_incident *i = &r->incident;
	char text[FW_REPORT_SENTENCE_LEN];

	fprintf(out, "# Incident %lld: ", (long long)i->id);
	fw_escape_markdown(out, fw_report_title(r));
	fprintf(out, "\n\n%s to %s, ", fw_report_moment(i->start.utc_ns),
		i->open ? "now (still open)" : fw_report_moment(i->end.utc_ns));
	fputs(*i->service ? "service " : "opened by hand", out);
	fw_escape_markdown(out, i->service);
	fprintf(out, "; report made %s\n\n", fw_report_moment(r->now.utc_ns));
	for (unsigned int n = 0; fw_report_sentence(r, n, text, sizeof(text)); n++) {
		fputs("- ", out);
		fw_escape_markdown(out, text);
		fputc('\n', out);
	}
}

static void figures(FILE *out, const struct fw_report *r)
{
	const struct fw_incident_sums *s = &r->sums;
	char about[FW_TEXT_LEN];

	fputs("\n## Counted\n\n| figure | value |\n|---|---:|\n", out);
	fprintf(out, "| packets/s at the peak | %s |\n",
		fw_text_put_about(about, sizeof(about), s->peak_pps));
	fprintf(out, "| packets | %s |\n", fw_report_number(fw_report_packets(r)));
	fprintf(out, "| passed | %s |\n", fw_report_number(s->pass.packets));
	fprintf(out, "| dropped | %s |\n", fw_report_number(s->drop.packets));
	fprintf(out, "| answered with a SYN cookie | %s |\n",
		fw_report_number(s->answered.packets));
	fprintf(out, "| would have been dropped (monitor mode: passed) | %s |\n",
		fw_report_number(s->would_all.packets));
	fprintf(out, "| packets of clerks passed | %s |\n",
		fw_report_number(s->clerk_pass.packets));
	fprintf(out, "| packets of clerks dropped | %s |\n",
		fw_report_number(s->clerk_drop.packets));
	fprintf(out, "| strangers that completed a handshake | %s |\n",
		fw_report_number(s->handshakes));
	fprintf(out, "| sources proven | %s |\n", fw_report_number(r->proven.count));
	fprintf(out, "| other addresses noted, possibly spoofed | %s |\n",
		fw_report_number(s->sources_unproven));
	fputs("\n## Why\n\n| service | was | packets | bytes | reason |\n|---|---|---:|---:|---|\n",
	      out);
	for (size_t i = 0; i < r->nr_services; i++)
		for (unsigned int n = 0; n < FW_R_MAX; n++) {
			static const char *const does[] = { "passed", "dropped", "answered" };
			const struct fw_count *c[] = { &r->service[i].reason[n],
						       &r->service[i].would[n] };

			for (int w = 0; w < 2; w++)
				if (c[w]->packets)
					fprintf(out, "| %s | %s | %s | %s | `%s` |\n",
						r->service[i].name,
						w ? "passed (monitor)"
						  : does[fw_incident_reason_verdict(n)],
						fw_report_number(c[w]->packets),
						fw_report_number(c[w]->bytes),
						fw_incident_reason_name(n));
		}
}

static void rush(FILE *out, const struct fw_report *r)
{
	fprintf(out,
		"\n## Attack or rush: %s\n\n%s\n\nKind: ", fw_report_verdict_names[r->rush.verdict],
		r->rush.words);
	fw_escape_markdown(out, r->guess.words);
	fprintf(out, " (%u %% sure): ", r->guess.sure_pct);
	fw_escape_markdown(out, r->guess.why);
	fputs("\n\n| measure | result | speaks for |\n|---|---|---|\n", out);
	for (size_t i = 0; i < FW_REPORT_MEASURES; i++) {
		const struct fw_report_measure *m = &r->rush.measure[i];

		fprintf(out, "| %s | %s | %s |\n", m->words, m->why,
			m->speaks == FW_RV_UNDETERMINED ? "neither"
							: fw_report_verdict_names[m->speaks]);
	}
	if (r->sums.sample_emitted)
		fprintf(out, "\nWhat rests on samples is an estimate: one sample in %s packets.\n",
			fw_report_number((__u64)(fw_report_sampling(r) + 0.5)));
}

static void table(FILE *out, const struct fw_incident_source *list, size_t n)
{
	char addr[FW_TEXT_LEN];

	if (n)
		fputs("\n| address | packets | dropped | without a connection | banned | known by "
		      "| "
		      "first seen | last seen |\n"
		      "|---|---:|---:|---:|---|---|---|---|\n",
		      out);
	for (size_t i = 0; i < n; i++) {
		const struct fw_incident_source *s = &list[i];

		if (s->len == 128)
			fw_text_put_addr(addr, sizeof(addr), s->addr_be);
		else
			fw_text_put_prefix(addr, sizeof(addr), s->addr_be, s->len);
		fprintf(out, "| `%s` | %s%s | %s | %s | %s | ", addr, s->exact ? "" : "about ",
			fw_report_number(s->exact ? s->packets : (__u64)s->weight),
			s->exact ? fw_report_number(s->dropped) : "-",
			s->exact ? fw_report_number(fw_incident_source_anybodys(s)) : "-",
			s->banned ? "yes" : "no");
		if (s->exact)
			fputs("counted", out);
		else
			fprintf(out, "%s sample%s, one in %s", fw_report_number(s->packets),
				s->packets == 1 ? "" : "s",
				fw_report_number(
					(__u64)(fw_report_share(s->weight, (double)s->packets) +
						0.5)));
		fprintf(out, " | %s | %s |\n", fw_report_moment(s->first.utc_ns),
			fw_report_moment(s->last.utc_ns));
	}
}

static void sources(FILE *out, const struct fw_report *r)
{
	fputs("\n## Proven sources\n\nThey completed a TCP handshake with this server. Visitors do "
	      "so, too. " FW_REPORT_IN_ITS_NAME "\n",
	      out);
	table(out, r->top_proven, r->nr_top_proven);
	fputs("\n## Addresses that are possibly spoofed\n\nAnybody can write any address into a "
	      "packet: no address here is a suspect.\n",
	      out);
	table(out, r->top_other, r->nr_top_other);
}

static void event(FILE *out, struct fw_when when, const char *who, const char *what)
{
	fprintf(out, "| %s | ", fw_report_moment(when.utc_ns));
	fw_escape_markdown(out, who);
	fputs(" | ", out);
	fw_escape_markdown(out, what);
	fputs(" |\n", out);
}

static void spans(FILE *out, const struct fw_report *r)
{
	if (!r->nr_spans)
		return;
	fputs("\n## Each service above calm\n\n| service | from | until | at worst |\n"
	      "|---|---|---|---|\n",
	      out);
	for (size_t i = 0; i < r->nr_spans; i++) {
		const struct fw_incident_span *s = &r->span[i];

		fputs("| ", out);
		fw_escape_markdown(out, s->service);
		fprintf(out, " | %s | ", fw_report_moment(s->from.utc_ns));
		fprintf(out, "%s | %s%s |\n",
			s->over		   ? fw_report_moment(s->to.utc_ns)
			: r->incident.open ? "still"
					   : "beyond the incident's end",
			levels[s->worst % FW_LEVEL_MAX], s->pinned ? ", set by hand" : "");
	}
}

static void level_event(FILE *out, const struct fw_history_level *l)
{
	char text[96];

	snprintf(text, sizeof(text), "%s: %s, was %s", l->service, levels[l->to % 3],
		 levels[l->from % 3]);
	event(out, l->when, l->pinned ? "set by hand" : "the program", text);
}

static void change_event(FILE *out, const struct fw_history_change *c)
{
	event(out, c->when, c->who, c->what);
	if (*c->policy_hash)
		fprintf(out, "| %s | the recorder | policy since then: SHA-256 `%s` |\n",
			fw_report_moment(c->when.utc_ns), c->policy_hash);
}

#define OVER (~0ULL) /* a list that has no more */

/* Levels, changes and notes, each in the order they happened, merged by the clock. */
static void events(FILE *out, const struct fw_report *r)
{
	size_t l = 0, c = 0, n = 0;

	spans(out, r);
	fputs("\n## What was done\n\n| time | who | what |\n|---|---|---|\n", out);
	while (l < r->nr_levels || c < r->nr_changes || n < r->nr_notes) {
		__u64 level_ns = l < r->nr_levels ? r->level[l].when.utc_ns : OVER;
		__u64 change_ns = c < r->nr_changes ? r->change[c].when.utc_ns : OVER;
		__u64 note_ns = n < r->nr_notes ? r->note[n].when.utc_ns : OVER;

		if (level_ns <= change_ns && level_ns <= note_ns) {
			level_event(out, &r->level[l++]);
		} else if (change_ns <= note_ns) {
			change_event(out, &r->change[c++]);
		} else {
			event(out, r->note[n].when, r->note[n].who, r->note[n].text);
			n++;
		}
	}
}

int fw_report_markdown(FILE *out, const struct fw_report *r)
{
	head(out, r);
	rush(out, r);
	figures(out, r);
	sources(out, r);
	fw_report_minutes_markdown(out, r);
	events(out, r);
	fprintf(out,
		"\n## Record\n\nRecorded %.0f of %.0f seconds; samples: %s offered, %s emitted, %s "
		"held back, %s lost; packets of listed sources in no account: %s.\n",
		(double)r->sums.span_ns / 1e9, r->length_s,
		fw_report_number(r->sums.sample_offered), fw_report_number(r->sums.sample_emitted),
		fw_report_number(r->sums.sample_held), fw_report_number(r->sums.sample_lost),
		fw_report_number(r->sums.ledger_lost));
	for (size_t i = 0; i < r->nr_runs; i++) {
		const struct fw_history_run *u = &r->run[i];

		fprintf(out, "\n- recorder since %s, floodwall ", fw_report_moment(u->when.utc_ns));
		fw_escape_markdown(out, u->build);
		if (*u->policy_hash)
			fprintf(out, ", policy then SHA-256 `%.64s`", u->policy_hash);
	}
	for (size_t i = 0; i < r->nr_policies; i++) {
		const struct fw_report_policy *p = &r->policy[i];

		fprintf(out, "\n- policy from %s on: generation %u, SHA-256 `%s`, programs ",
			fw_report_moment(p->since.utc_ns), p->generation, p->sha256);
		fw_escape_markdown(out, p->program);
	}
	fputc('\n', out);
	return ferror(out) ? -EIO : 0;
}
