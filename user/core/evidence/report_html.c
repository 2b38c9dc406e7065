// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report as one HTML page: no script, no outside asset, nothing that another machine would be
 * asked for. Every text from the history goes through fw_escape_html(). First the answer, then the
 * figures it rests on, last how they were made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/base/clock.h"
#include "user/base/escape.h"
#include "user/base/text.h"
#include "user/core/evidence/report_page.h"

#define RING 8

const char *fw_report_number(__u64 n)
{
	static _Thread_local char ring[RING][FW_TEXT_LEN];
	static _Thread_local unsigned int next;

	return fw_text_put_grouped(ring[next++ % RING], FW_TEXT_LEN, n);
}

const char *fw_report_moment(__u64 utc_ns)
{
	static _Thread_local char ring[RING][48];
	static _Thread_local unsigned int next;
	char *out = ring[next++ % RING];
	time_t s = (time_t)(utc_ns / FW_NS_PER_S);
	struct tm tm;

	out[0] = '\0';
	if (utc_ns && gmtime_r(&s, &tm))
		(void)strftime(out, sizeof(ring[0]), "%d %B %Y, %T UTC", &tm);
	return out;
}

static void head(FILE *out, const struct fw_report *r)
{
	const struct fw_incident *i = &r->incident;
	char text[FW_REPORT_SENTENCE_LEN];

	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\">\n<title>Incident %lld</title>\n<style>\n",
		(long long)i->id);
	fputs(fw_report_style, out);
	fprintf(out, "</style>\n</head>\n<body>\n<h1>Incident %lld: ", (long long)i->id);
	fw_escape_html(out, fw_report_title(r));
	fprintf(out, "</h1>\n<p class=\"soft\">%s to %s, ", fw_report_moment(i->start.utc_ns),
		i->open ? "now (still open)" : fw_report_moment(i->end.utc_ns));
	fputs(*i->service ? "service " : "opened by hand", out);
	fw_escape_html(out, i->service);
	fprintf(out, "; report made %s</p>\n", fw_report_moment(r->now.utc_ns));
	fputs("<p class=\"lead\">", out);
	for (unsigned int n = 0; n < 4 && fw_report_sentence(r, n, text, sizeof(text)); n++) {
		fw_escape_html(out, text);
		fputc(' ', out);
	}
	fputs("</p>\n", out);
}

static void card(FILE *out, const char *value, const char *class, const char *words)
{
	fprintf(out, "<div class=\"card\"><b class=\"%s\">%s</b><span>%s</span></div>\n", class,
		value, words);
}

static void cards(FILE *out, const struct fw_report *r)
{
	const struct fw_incident_sums *s = &r->sums;
	char about[FW_TEXT_LEN];
	bool clerks = s->clerk_pass.packets + s->clerk_drop.packets;

	fputs("<div class=\"cards\">\n", out);
	card(out, fw_text_put_about(about, sizeof(about), s->peak_pps), "",
	     "packets/s at the peak");
	card(out, fw_report_number(fw_report_packets(r)), "", "packets counted");
	card(out, fw_report_number(s->drop.packets), "", "dropped");
	card(out, fw_report_number(s->answered.packets), "", "answered with a SYN cookie");
	if (s->would_all.packets)
		card(out, fw_report_number(s->would_all.packets), "",
		     "would have been dropped (monitor mode: passed)");
	card(out, clerks ? fw_report_number(s->clerk_drop.packets) : "no traffic",
	     !clerks		     ? ""
	     : s->clerk_drop.packets ? "bad"
				     : "good",
	     "packets of clerks dropped");
	card(out, fw_report_number(s->handshakes), "", "strangers that completed a handshake");
	card(out, fw_report_number(r->proven.count), "", "sources proven to be real");
	card(out, fw_report_number(s->sources_unproven), "",
	     "other addresses noted, possibly spoofed");
	fputs("</div>\n", out);
}

static void rush(FILE *out, const struct fw_report *r)
{
	fputs("<h2>Attack or rush?</h2>\n", out);
	fprintf(out, "<p class=\"verdict %s\"><b>%s.</b> %s</p>\n",
		fw_report_verdict_names[r->rush.verdict],
		r->rush.verdict == FW_RV_ATTACK ? "Attack"
		: r->rush.verdict == FW_RV_RUSH ? "Rush of visitors"
						: "Undetermined",
		r->rush.words);
	fputs("<p>What it looked like: ", out);
	fw_escape_html(out, r->guess.words);
	fprintf(out, " (%u %% sure): ", r->guess.sure_pct);
	fw_escape_html(out, r->guess.why);
	fputs("</p>\n<div class=\"wide\"><table>\n<tr><th>Measure</th><th class=\"n\">Share</th>"
	      "<th class=\"n\">Rush</th><th class=\"n\">Attack</th><th>Rests on</th><th>Speaks "
	      "for</th></tr>\n",
	      out);
	for (size_t i = 0; i < FW_REPORT_MEASURES; i++) {
		const struct fw_report_measure *m = &r->rush.measure[i];
		bool high = m->rush > m->attack;

		fprintf(out, "<tr><td>%s</td><td class=\"n\">", m->words);
		if (m->known)
			fprintf(out, "%.1f %%", 100 * m->value);
		else
			fputs("&ndash;", out);
		if (m->rush < 0)
			fputs("</td><td class=\"n\">&ndash;", out);
		else
			fprintf(out, "</td><td class=\"n\">%s %.0f %%", high ? "&ge;" : "&le;",
				100 * m->rush);
		fprintf(out, "</td><td class=\"n\">%s %.0f %%</td><td>%s %s</td><td>%s</td></tr>\n",
			high ? "&le;" : "&ge;", 100 * m->attack, fw_report_number(m->of),
			m->sampled ? "samples" : "packets",
			!m->known			  ? "too little to tell"
			: m->speaks == FW_RV_UNDETERMINED ? "neither"
							  : fw_report_verdict_names[m->speaks]);
	}
	fputs("</table></div>\n", out);
	if (r->sums.sample_emitted)
		fprintf(out,
			"<p class=\"small soft\">Rows that rest on samples are estimates: %s "
			"samples, one in %s packets.</p>\n",
			fw_report_number(r->traits.samples),
			fw_report_number((__u64)(fw_report_sampling(r) + 0.5)));
}

static void legend(FILE *out, const struct fw_report *r)
{
	fputs("<ul class=\"legend\">\n", out);
	for (int f = 0; f < FW_RF_MAX; f++) {
		__u64 n = 0;

		for (size_t i = 0; i < r->nr_points; i++)
			n += r->point[i].family[f].packets;
		if (n)
			fprintf(out,
				"<li><svg viewBox=\"0 0 1 1\"><path class=\"f-%s\" d=\"M0 "
				"0h1v1H0z\"/>"
				"</svg>%s: %s</li>\n",
				fw_report_family_names[f], fw_report_family_words[f],
				fw_report_number(n));
	}
	fputs("</ul>\n", out);
}

static void traffic(FILE *out, const struct fw_report *r)
{
	fputs("<h2>Traffic</h2>\n<p class=\"small soft\">Packets a second, counted one by one; "
	      "time in UTC. Coloured ground: the level of alert. Numbered lines: changes of the "
	      "policy, listed below.</p>\n",
	      out);
	fw_report_svg_traffic(out, r);
	legend(out, r);
	fputs("<h2>The clerks</h2>\n", out);
	if (r->sums.clerk_pass.packets + r->sums.clerk_drop.packets) {
		fprintf(out,
			"<p>%s packets of the trusted lane passed, <b class=\"%s\">%s were "
			"dropped</b>.</p>\n",
			fw_report_number(r->sums.clerk_pass.packets),
			r->sums.clerk_drop.packets ? "bad" : "good",
			fw_report_number(r->sums.clerk_drop.packets));
		fw_report_svg_clerks(out, r);
	} else {
		fputs("<p>No packet of the trusted lane was seen, so nothing can be said of "
		      "it.</p>\n",
		      out);
	}
}

static void reason_row(FILE *out, const char *service, unsigned int reason, const char *does,
		       const struct fw_count *c, __u64 all)
{
	static const char *const texts[FW_R_MAX] = {
#define X(id, name, verdict, text) text,
		FW_REASONS(X)
#undef X
	};

	if (!c->packets)
		return;
	fputs("<tr><td>", out);
	fw_escape_html(out, service);
	fprintf(out,
		"</td><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%.1f %%</td><td "
		"class=\"n\">%s</td><td><code>%s</code> <span class=\"soft\">%s</span></td></tr>\n",
		does, fw_report_number(c->packets),
		100 * fw_report_share((double)c->packets, (double)all), fw_report_number(c->bytes),
		fw_incident_reason_name(reason), texts[reason]);
}

static void reasons(FILE *out, const struct fw_report *r)
{
	static const char *const does[FW_V_MAX] = { "passed", "dropped", "answered" };
	__u64 all = fw_report_packets(r);

	fputs("<h2>Why</h2>\n<p class=\"small soft\">Every packet is in exactly one row.</p>\n<div "
	      "class=\"wide\"><table>\n<tr><th>Service</th><th>Was</th><th class=\"n\">Packets</th>"
	      "<th class=\"n\">Share</th><th class=\"n\">Bytes</th><th>Reason</th></tr>\n",
	      out);
	for (size_t i = 0; i < r->nr_services; i++)
		for (unsigned int n = 0; n < FW_R_MAX; n++) {
			const struct fw_incident_service *s = &r->service[i];

			reason_row(out, s->name, n, does[fw_incident_reason_verdict(n)],
				   &s->reason[n], all);
			reason_row(out, s->name, n, "passed (monitor)", &s->would[n], all);
		}
	fputs("</table></div>\n", out);
}

int fw_report_html(FILE *out, const struct fw_report *r)
{
	head(out, r);
	cards(out, r);
	rush(out, r);
	traffic(out, r);
	fw_report_page_events(out, r);
	fw_report_page_sources(out, r);
	fw_report_page_minutes(out, r);
	reasons(out, r);
	fw_report_page_record(out, r);
	fputs("</body>\n</html>\n", out);
	return ferror(out) ? -EIO : 0;
}
