// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sentences: what a press officer may read out. Each says only what was counted or measured,
 * and what was not. No addresses, no text from outside.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/evidence/report.h"

struct say {
	char *buf;
	size_t size, used;
};

static void say(struct say *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct say *s, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(s->buf + s->used, s->size - s->used, fmt, args);
	va_end(args);
	if (n > 0)
		s->used += (size_t)n < s->size - s->used ? (size_t)n : s->size - s->used - 1;
}

/* "1.2 million", "34,000", "4,812" */
static const char *count(char buf[32], double n)
{
	static const struct {
		double from;
		const char *word;
	} scales[] = { { 1e12, " trillion" }, { 1e9, " billion" }, { 1e6, " million" } };

	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++)
		if (n >= scales[i].from) {
			snprintf(buf, 32, n < 10 * scales[i].from ? "%.1f%s" : "%.0f%s",
				 n / scales[i].from, scales[i].word);
			return buf;
		}
	if (n >= 10000)
		snprintf(buf, 32, "%.0f,000", n / 1000);
	else
		fw_text_put_grouped(buf, 32, (__u64)(n + 0.5));
	return buf;
}

static void put_time(char *buf, size_t size, __u64 utc_ns, const char *form)
{
	time_t s = (time_t)(utc_ns / FW_NS_PER_S);
	struct tm tm;

	buf[0] = '\0';
	if (gmtime_r(&s, &tm))
		(void)strftime(buf, size, form, &tm);
}

static void put_length(char buf[32], double s)
{
	if (s < 90)
		snprintf(buf, 32, "%.0f seconds", s);
	else if (s < 5400)
		snprintf(buf, 32, "%.0f minutes", s / 60);
	else
		snprintf(buf, 32, "%.1f hours", s / 3600);
}

static void what(const struct fw_report *r, struct say *s)
{
	static const char *const was[FW_RV_MAX] = {
		[FW_RV_ATTACK] = "was flooded with traffic",
		[FW_RV_RUSH] = "was asked by unusually many visitors at once",
		[FW_RV_UNDETERMINED] = "received unusually heavy traffic",
	};
	char from[48], to[16], length[32], peak[32];

	put_time(from, sizeof(from), r->incident.start.utc_ns, "%d %B %Y, %H:%M");
	put_time(to, sizeof(to), r->incident.end.utc_ns, "%H:%M");
	put_length(length, r->length_s);
	if (r->incident.open)
		say(s, "Since %s UTC (for %s now) the server %s", from, length,
		    r->rush.verdict == FW_RV_UNDETERMINED ? "has received unusually heavy traffic"
		    : r->rush.verdict == FW_RV_ATTACK	  ? "has been flooded with traffic"
							  : "has been asked by unusually many "
							    "visitors at once");
	else
		say(s, "From %s to %s UTC (for %s) the server %s", from, to, length,
		    was[r->rush.verdict]);
	say(s, ": at the peak %s packets a second.", count(peak, r->sums.peak_pps));
}

static void done(const struct fw_report *r, struct say *s)
{
	double all = (double)fw_report_packets(r);
	double dropped = (double)r->sums.drop.packets, asked = (double)r->sums.answered.packets;
	char a[32], b[32];

	if (r->sums.would_all.packets)
		say(s,
		    "The filter was set to watch only and let everything through; it would have "
		    "held back %s of %s packets.",
		    count(a, (double)r->sums.would_all.packets), count(b, all));
	else if (dropped + asked <= 0)
		say(s, "The filter held nothing back.");
	else if (dropped <= 0)
		say(s,
		    "The filter dropped nothing and answered %.1f %% of all packets with a check "
		    "that "
		    "real visitors pass without noticing.",
		    100 * asked / all);
	else if (asked <= 0)
		say(s, "The filter dropped %.1f %% of all packets before they reached the server.",
		    100 * dropped / all);
	else
		say(s,
		    "Before they reached the server, the filter dropped %.1f %% of all packets and "
		    "answered %.1f %% with a check that real visitors pass without noticing.",
		    100 * dropped / all, 100 * asked / all);
}

static void clerks(const struct fw_report *r, struct say *s)
{
	char a[32], b[32];
	__u64 lost = r->sums.clerk_drop.packets, all = lost + r->sums.clerk_pass.packets;

	if (!all)
		say(s,
		    "Of those who enter the results no traffic was seen in that time, so nothing "
		    "can be said of it.");
	else if (!lost)
		say(s,
		    "Those who enter the results were not held up: of their %s packets not one was "
		    "dropped.",
		    count(a, (double)all));
	else
		say(s, "Of the %s packets of those who enter the results %s were dropped.",
		    count(a, (double)all), count(b, (double)lost));
}

static void visitors(const struct fw_report *r, struct say *s)
{
	char a[32], b[32];

	if (r->sums.handshakes)
		say(s, "%s times a visitor's connection proved to be real and was let through",
		    count(a, (double)r->sums.handshakes));
	else
		say(s, "No visitor had to prove to be real");
	if (r->sums.newcomers_refused)
		say(s,
		    "; %s packets of addresses unknown before were refused, and there may be "
		    "packets of visitors among them.",
		    count(b, (double)r->sums.newcomers_refused));
	else
		say(s, "; nobody was refused for being unknown.");
}

static void sure(const struct fw_report *r, struct say *s)
{
	switch (r->rush.verdict) {
	case FW_RV_ATTACK:
		say(s,
		    "The measurements speak for an attack and not for a rush of visitors (%u of %u "
		    "measures; %u speak against it).",
		    r->rush.nr_attack, r->rush.nr_known, r->rush.nr_rush);
		break;
	case FW_RV_RUSH:
		say(s,
		    "The measurements speak for a rush of visitors and not for an attack (%u of %u "
		    "measures; %u speak against it).",
		    r->rush.nr_rush, r->rush.nr_known, r->rush.nr_attack);
		break;
	default:
		say(s, "Whether it was an attack or a rush of visitors cannot be said from the "
		       "measurements so far.");
		break;
	}
}

static void senders(const struct fw_report *r, struct say *s)
{
	char a[32], b[32];

	say(s,
	    "%s sender addresses are proven to be real, among them those of ordinary visitors; %s "
	    "others may be forged and say nothing about who sent the traffic.",
	    r->proven.count ? count(a, (double)r->proven.count) : "No",
	    count(b, (double)(r->listed.count + r->sampled.count)));
}

static void limits(const struct fw_report *r, struct say *s)
{
	double missing = r->length_s - (double)r->sums.span_ns / 1e9;

	say(s,
	    "These figures were counted in front of the server; whether the page itself answered "
	    "in time is not among them.");
	if (missing > 5)
		say(s, " For %.0f seconds of that time nothing was recorded.", missing);
}

const char *fw_report_title(const struct fw_report *r)
{
	bool rush = r->guess.kind == FW_IK_RUSH;

	/* Two answers that disagree are none. */
	if (rush ? r->rush.verdict != FW_RV_RUSH : r->rush.verdict == FW_RV_RUSH)
		return "unusually heavy traffic";
	return r->guess.words;
}

bool fw_report_sentence(const struct fw_report *r, unsigned int number, char *buf, size_t size)
{
	static void (*const sentences[])(const struct fw_report *report, struct say *s) = {
		what, done, clerks, visitors, sure, senders, limits,
	};
	struct say s = { .buf = buf, .size = size };

	buf[0] = '\0';
	if (number >= sizeof(sentences) / sizeof(*sentences))
		return false;
	sentences[number](r, &s);
	return true;
}

int fw_report_public(FILE *out, const struct fw_report *r)
{
	char text[FW_REPORT_SENTENCE_LEN];

	for (unsigned int i = 0; fw_report_sentence(r, i, text, sizeof(text)); i++)
		fprintf(out, "%s\n", text);
	return ferror(out) ? -EIO : 0;
}
