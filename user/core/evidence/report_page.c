// SPDX-License-Identifier: GPL-2.0-only
/* Parts of the page: events, sources (proven and others in tables of their own), the record. */
#include <stdio.h>
#include "user/base/escape.h"
#include "user/base/text.h"
#include "user/core/evidence/report_page.h"

static const char *const levels[] = { "calm", "guarded", "siege" };

static void cell(FILE *out, const char *class, const char *text)
{
	fprintf(out, "<td class=\"%s\">", class);
	fw_escape_html(out, text);
	fputs("</td>", out);
}

/* One incident lasts as long as any service is above calm; here, each has times of its own. */
static void spans(FILE *out, const struct fw_report *r)
{
	fputs("<h3>Each service above calm</h3>\n<div class=\"wide\"><table>\n<tr><th>Service</th>"
	      "<th>From</th><th>Until</th><th class=\"n\">Seconds</th><th>At worst</th></tr>\n",
	      out);
	for (size_t i = 0; i < r->nr_spans; i++) {
		const struct fw_incident_span *s = &r->span[i];

		fputs("<tr>", out);
		cell(out, "", s->service);
		cell(out, "m", fw_report_moment(s->from.utc_ns));
		if (s->over && s->to.boot_ns < s->from.boot_ns) { /* started anew in between */
			cell(out, "m", fw_report_moment(s->to.utc_ns));
			fputs("<td class=\"n\">&ndash;</td>", out);
		} else if (s->over) {
			cell(out, "m", fw_report_moment(s->to.utc_ns));
			fprintf(out, "<td class=\"n\">%.0f</td>",
				(double)(s->to.boot_ns - s->from.boot_ns) / 1e9);
		} else {
			fprintf(out, "<td>%s</td><td class=\"n\">&ndash;</td>",
				r->incident.open ? "still" : "beyond the incident's end");
		}
		fprintf(out, "<td>%s%s</td></tr>\n", levels[s->worst % FW_LEVEL_MAX],
			s->pinned ? ", set by hand" : "");
	}
	fputs("</table></div>\n", out);
}

void fw_report_page_events(FILE *out, const struct fw_report *r)
{
	fputs("<h2>What was done, and when</h2>\n", out);
	if (r->nr_spans)
		spans(out, r);
	if (r->nr_levels) {
		fputs("<h3>Every change of level</h3>\n<div "
		      "class=\"wide\"><table>\n<tr><th>Time</th><th>Service</th>"
		      "<th>Level</th><th></th></tr>\n",
		      out);
		for (size_t i = 0; i < r->nr_levels; i++) {
			const struct fw_history_level *l = &r->level[i];

			fputs("<tr>", out);
			cell(out, "m", fw_report_moment(l->when.utc_ns));
			cell(out, "", l->service);
			fprintf(out, "<td>%s &rarr; %s</td><td>%s</td></tr>\n", levels[l->from % 3],
				levels[l->to % 3], l->pinned ? "set by hand" : "by the program");
		}
		fputs("</table></div>\n", out);
	}
	if (r->nr_changes) {
		fputs("<h3>Changes of the policy</h3>\n<div "
		      "class=\"wide\"><table>\n<tr><th>No.</th>"
		      "<th>Time</th><th>Who</th><th>What</th></tr>\n",
		      out);
		for (size_t i = 0; i < r->nr_changes; i++) {
			fprintf(out, "<tr><td class=\"n\">%zu</td>", i + 1);
			cell(out, "m", fw_report_moment(r->change[i].when.utc_ns));
			cell(out, "", r->change[i].who);
			fputs("<td><code>", out);
			fw_escape_html(out, r->change[i].what);
			fputs("</code>", out);
			if (*r->change[i].policy_hash)
				fprintf(out,
					"<br><span class=\"small soft\">policy since then: "
					"SHA-256 <code>%s</code></span>",
					r->change[i].policy_hash);
			fputs("</td></tr>\n", out);
		}
		fputs("</table></div>\n", out);
	}
	if (r->nr_notes) {
		fputs("<h3>Notes</h3>\n<div class=\"wide\"><table>\n<tr><th>Time</th><th>Who</th>"
		      "<th>Note</th></tr>\n",
		      out);
		for (size_t i = 0; i < r->nr_notes; i++) {
			fputs("<tr>", out);
			cell(out, "m", fw_report_moment(r->note[i].when.utc_ns));
			cell(out, "", r->note[i].who);
			cell(out, "t", r->note[i].text);
			fputs("</tr>\n", out);
		}
		fputs("</table></div>\n", out);
	}
	if (!r->nr_levels && !r->nr_changes && !r->nr_notes)
		fputs("<p>No level changed, nobody changed the policy, nobody wrote a note.</p>\n",
		      out);
}

static void put_source(FILE *out, const struct fw_incident_source *s)
{
	char addr[FW_TEXT_LEN];

	if (s->len == 128)
		fw_text_put_addr(addr, sizeof(addr), s->addr_be);
	else
		fw_text_put_prefix(addr, sizeof(addr), s->addr_be, s->len);
	fprintf(out, "<tr><td class=\"m\"><code>%s</code></td>", addr);
	if (s->exact)
		fprintf(out,
			"<td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td>"
			"<td>counted%s</td>",
			fw_report_number(s->packets), fw_report_number(s->dropped),
			fw_report_number(fw_incident_source_anybodys(s)),
			s->banned ? ", banned" : "");
	else
		fprintf(out,
			"<td class=\"n\">about %s</td><td class=\"n\">&ndash;</td><td "
			"class=\"n\">&ndash;</td><td>%s sample%s, one in %s</td>",
			fw_report_number((__u64)s->weight), fw_report_number(s->packets),
			s->packets == 1 ? "" : "s",
			fw_report_number(
				(__u64)(fw_report_share(s->weight, (double)s->packets) + 0.5)));
	cell(out, "m", fw_report_moment(s->first.utc_ns));
	cell(out, "m", fw_report_moment(s->last.utc_ns));
	fputs("</tr>\n", out);
}

static void put_table(FILE *out, const struct fw_incident_source *s, size_t n, __u64 of)
{
	if (!n)
		return;
	fputs("<div class=\"wide\"><table>\n<tr><th>Address</th><th class=\"n\">Packets</th><th "
	      "class=\"n\">Dropped</th><th class=\"n\">Unconnected</th><th>Known "
	      "by</th><th>First seen</th><th>Last seen</th></tr>\n",
	      out);
	for (size_t i = 0; i < n; i++)
		put_source(out, &s[i]);
	fputs("</table></div>\n", out);
	if (of > n)
		fprintf(out,
			"<p class=\"small soft\">The %zu with the most packets of %s; all of them "
			"are in sources.csv of the bundle.</p>\n",
			n, fw_report_number(of));
}

void fw_report_page_sources(FILE *out, const struct fw_report *r)
{
	__u64 others = r->sums.sources_unproven;

	fputs("<h2>Proven sources</h2>\n<p>These addresses completed a TCP handshake with this "
	      "server: somebody there received our answer. Visitors do so, "
	      "too. " FW_REPORT_IN_ITS_NAME "</p>\n",
	      out);
	if (r->proven.count)
		fprintf(out,
			"<p>Packets in the names of %s source%s: %s; of them dropped: %s. "
			"Sources banned: %s.</p>\n",
			fw_report_number(r->proven.count), r->proven.count == 1 ? "" : "s",
			fw_report_number(r->proven.packets), fw_report_number(r->proven.dropped),
			fw_report_number(r->proven.banned));
	else
		fputs("<p>None.</p>\n", out);
	put_table(out, r->top_proven, r->nr_top_proven, r->proven.count);
	fputs("<h2>Addresses that are possibly spoofed</h2>\n<p class=\"caution\">Anybody can "
	      "write any address into a packet. These never proved to be their senders&#39;: no "
	      "address here is a suspect.</p>\n",
	      out);
	if (others)
		fprintf(out,
			"<p>Noted: %s. Counted packet by packet: %s (packets: %s); known from "
			"samples: %s, which stand for about %s packets (one sample in %s "
			"packets). One address may be in both lists, no packet is: what the "
			"budgets that all strangers share refused is only sampled.</p>\n",
			fw_report_number(others), fw_report_number(r->listed.count),
			fw_report_number(r->listed.packets), fw_report_number(r->sampled.count),
			fw_report_number((__u64)r->sampled.weight),
			fw_report_number((__u64)(fw_report_sampling(r) + 0.5)));
	else
		fputs("<p>None.</p>\n", out);
	put_table(out, r->top_other, r->nr_top_other, others);
	if (!r->incident.sources_complete)
		fputs("<p class=\"small soft\">The list of sources is not complete yet.</p>\n",
		      out);
	if (r->incident.sources_lost)
		fprintf(out,
			"<p class=\"small soft\">%s packets of listed sources are in no source's "
			"account.</p>\n",
			fw_report_number(r->incident.sources_lost));
}

static void clocks(FILE *out, const struct fw_report *r)
{
	__s64 jumped = 0;

	fputs("<h3>Clock</h3>\n<div class=\"wide\"><table>\n<tr><th>From</th><th>Synchronised</th>"
	      "<th class=\"n\">Largest error</th><th class=\"n\">Jumped by</th></tr>\n",
	      out);
	for (size_t i = 0; i < r->nr_clocks; i++) {
		const struct fw_history_clock *c = &r->clock[i];

		fputs("<tr>", out);
		cell(out, "m", fw_report_moment(c->when.utc_ns));
		fprintf(out, "<td>%s</td><td class=\"n\">%.1f ms</td><td class=\"n\">",
			c->synchronised ? "yes" : "<b class=\"bad\">no</b>",
			(double)c->max_error_ns / 1e6);
		if (c->step_ns)
			fprintf(out, "%+.3f s", (double)c->step_ns / 1e9);
		fputs("</td></tr>\n", out);
	}
	fputs("</table></div>\n", out);
	for (size_t i = 0; i < r->nr_clocks; i++)
		jumped |= r->clock[i].step_ns;
	if (jumped)
		fputs("<p class=\"caution\">The clock jumped within the incident. The plots follow "
		      "the time since the machine started, which does not jump; their labels are "
		      "those of the clock as it was at the beginning.</p>\n",
		      out);
}

void fw_report_page_record(FILE *out, const struct fw_report *r)
{
	const struct fw_incident_sums *s = &r->sums;

	fputs("<h2>How this was recorded</h2>\n<p>Totals were counted packet by packet in the "
	      "driver and written once a second.",
	      out);
	if (s->sample_emitted)
		fprintf(out,
			" Samples: %s of %s packets (one in %s); %s were held back by the rate "
			"limit, %s were lost.",
			fw_report_number(s->sample_emitted), fw_report_number(s->sample_offered),
			fw_report_number((__u64)(fw_report_sampling(r) + 0.5)),
			fw_report_number(s->sample_held), fw_report_number(s->sample_lost));
	else
		fputs(" There are no samples.", out);
	fprintf(out,
		" Recorded: %.0f of %.0f seconds. Packets of listed sources in no account: "
		"%s.</p>\n",
		(double)s->span_ns / 1e9, r->length_s, fw_report_number(s->ledger_lost));
	if (r->nr_clocks)
		clocks(out, r);
	for (size_t i = 0; i < r->nr_runs; i++) {
		const struct fw_history_run *u = &r->run[i];

		fputs("<p class=\"small soft\">Recorder since ", out);
		fprintf(out, "%s on ", fw_report_moment(u->when.utc_ns));
		fw_escape_html(out, u->host);
		fputs(", kernel ", out);
		fw_escape_html(out, u->kernel);
		fputs(", floodwall ", out);
		fw_escape_html(out, u->build);
		fputs("; boot <code>", out);
		fw_escape_html(out, u->boot_id);
		fputs("</code>; policy then: SHA-256 <code>", out);
		fw_escape_html(out, *u->policy_hash ? u->policy_hash : "not known");
		fputs("</code></p>\n", out);
	}
	for (size_t i = 0; i < r->nr_policies; i++) {
		const struct fw_report_policy *p = &r->policy[i];

		fprintf(out,
			"<p class=\"small soft\">Policy from %s on: generation %u, SHA-256 "
			"<code>%s</code>; "
			"programs <code>",
			fw_report_moment(p->since.utc_ns), p->generation, p->sha256);
		fw_escape_html(out, *p->program ? p->program : "unknown");
		fputs("</code></p>\n", out);
	}
}
