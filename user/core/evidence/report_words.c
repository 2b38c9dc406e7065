// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sentences: what a press officer may read out. Each says only what was counted or measured,
 * and what was not. No addresses, no text from outside.
 */
#include <errno.h>
#include <math.h>
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

/* "1.2 million", else to the last one: "34,812" */
static const char *count(char buf[32], double n)
{
	static const struct {
		double from;
		const char *word;
	} scales[] = { { 1e12, " trillion" }, { 1e9, " billion" }, { 1e6, " million" } };

	if (n < 999999.5)
		return fw_text_put_grouped(buf, 32, (__u64)(n + 0.5));
	/* What would be rounded up to the next scale is of the next scale. */
	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++)
		if (n >= 0.9995 * scales[i].from) {
			snprintf(buf, 32, n < 9.95 * scales[i].from ? "%.1f%s" : "%.0f%s",
				 n / scales[i].from, scales[i].word);
			break;
		}
	return buf;
}

/* What was measured over a second is no more exact than that. */
static const char *rate(char buf[32], double n)
{
	char rounded[32];

	if (n < 9999.5)
		return count(buf, n);
	snprintf(buf, 32, "about %.25s", count(rounded, 1000 * (double)(__u64)(n / 1000 + 0.5)));
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
	if (s < 120)
		snprintf(buf, 32, "%.0f second%s", s, s >= 0.5 && s < 1.5 ? "" : "s");
	else if (s < 5400)
		snprintf(buf, 32, "%.0f minutes", s / 60);
	else
		snprintf(buf, 32, "%.1f hours", s / 3600);
}

/* Somebody had it recorded, and no service was ever above calm. */
static bool is_calm(const struct fw_report *r)
{
	return !*r->incident.service && !r->nr_spans && r->rush.verdict == FW_RV_UNDETERMINED;
}

/* From the first moment above calm to the last. */
struct stretch {
	__u64 to_ns; /* UTC */
	double length_s;
	bool pauses; /* calm for a tenth of it or more */
};

/* The incident itself is closed by a time of quiet, in which nothing was flooded. False: it lasts,
 * or somebody had it recorded, or the machine was started anew within it. */
static bool until_calm(const struct fw_report *r, struct stretch *ret)
{
	__u64 begin = r->incident.start.boot_ns, calm_ns = 0;
	struct fw_when end = r->incident.start;

	for (size_t i = 0; i < r->nr_spans; i++) { /* in the order they began */
		const struct fw_incident_span *span = &r->span[i];

		if (!span->over)
			return false;
		if (span->from.boot_ns > end.boot_ns)
			calm_ns += span->from.boot_ns - end.boot_ns;
		if (span->to.boot_ns > end.boot_ns)
			end = span->to;
	}
	if (end.boot_ns == begin)
		return false;
	*ret = (struct stretch){ end.utc_ns, (double)(end.boot_ns - begin) / 1e9,
				 10 * calm_ns >= end.boot_ns - begin };
	return true;
}

/* By how many seconds the clock was set meanwhile, at most: two times of day are then no time. */
static double clock_set(const struct fw_report *r)
{
	double most = 0;

	for (size_t i = 0; i < r->nr_clocks; i++) {
		double s = fabs((double)r->clock[i].step_ns / 1e9);

		most = s > most ? s : most;
	}
	return most < 1 ? 0 : most;
}

static void what(const struct fw_report *r, struct say *s)
{
	static const char *const was[FW_RV_MAX][2] = {
		[FW_RV_ATTACK] = { "was flooded with traffic", "has been flooded with traffic" },
		[FW_RV_RUSH] = { "was asked by unusually many visitors at once",
				 "has been asked by unusually many visitors at once" },
		[FW_RV_UNDETERMINED] = { "received unusually heavy traffic",
					 "has received unusually heavy traffic" },
	};
	struct stretch time = { r->incident.end.utc_ns, r->length_s, false };
	bool over = until_calm(r, &time) || !r->incident.open;
	char from[48], to[48], day[48], length[32], peak[32];
	const char *pauses = time.pauses ? ", with pauses" : "";

	put_time(from, sizeof(from), r->incident.start.utc_ns, "%d %B %Y, %H:%M");
	put_time(to, sizeof(to), r->incident.start.utc_ns, "%d %B %Y");
	put_time(day, sizeof(day), time.to_ns, "%d %B %Y");
	/* The day is said again if it is another one. */
	put_time(to, sizeof(to), time.to_ns, strcmp(to, day) ? "%d %B %Y, %H:%M" : "%H:%M");
	put_time(day, sizeof(day), time.to_ns, "%d %B %Y, %H:%M");
	put_length(length, time.length_s);
	if (over && clock_set(r) > 0)
		say(s, "From %s UTC on (for %s%s) the server ", from, length, pauses);
	else if (over && !strcmp(from, day)) /* within one minute */
		say(s, "On %.*s, at%s UTC (for %s%s) the server ", (int)strcspn(from, ","), from,
		    from + strcspn(from, ",") + 1, length, pauses);
	else if (over)
		say(s, "From %s to %s UTC (for %s%s) the server ", from, to, length, pauses);
	else
		say(s, "Since %s UTC (for %s now) the server ", from, length);
	/* Somebody may have had reasons that no counter knows: it is not called usual, either. */
	if (is_calm(r))
		say(s, over ? "was watched" : "has been watched");
	else
		say(s, "%s", was[r->rush.verdict][!over]);
	rate(peak, r->sums.peak_pps);
	say(s, ": at the peak %s packet%s a second", peak, strcmp(peak, "1") ? "s" : "");
	say(s, over && r->incident.open ? "; it has been calm since." : ".");
}

/* "25.0 %": what is there is never said to be nothing. */
static const char *percent(char buf[32], double part, double whole)
{
	double share = 100 * fw_report_share(part, whole);

	if (part > 0 && share < 0.1)
		return "less than 0.1 %";
	/* Nor is what is missing. */
	if (part < whole && share > 99.9)
		return "more than 99.9 %";
	snprintf(buf, 32, "%.1f %%", share);
	return buf;
}

static void done(const struct fw_report *r, struct say *s)
{
	double all = (double)fw_report_packets(r);
	double dropped = (double)r->sums.drop.packets, asked = (double)r->sums.answered.packets;
	char a[32], b[32];

	if (r->sums.would_all.packets && dropped + asked > 0)
		say(s,
		    "The filter was set to watch only for a part of that time, and let %s packets "
		    "through that it would have held back; of all packets it dropped %s ",
		    count(a, (double)r->sums.would_all.packets), percent(b, dropped, all));
	if (r->sums.would_all.packets && dropped + asked > 0)
		say(s, "and answered %s with a check that real visitors pass without noticing.",
		    percent(b, asked, all));
	else if (r->sums.would_all.packets)
		say(s,
		    "The filter was set to watch only and let everything through; it would have "
		    "held back %s of %s packets.",
		    count(a, (double)r->sums.would_all.packets), count(b, all));
	else if (dropped + asked <= 0)
		say(s, "The filter held nothing back.");
	else if (dropped <= 0)
		say(s,
		    "The filter dropped nothing and answered %s of all packets with a check that "
		    "real visitors pass without noticing.",
		    percent(a, asked, all));
	else if (asked <= 0)
		say(s, "The filter dropped %s of all packets before they reached the server.",
		    percent(a, dropped, all));
	else
		say(s,
		    "Before they reached the server, the filter dropped %s of all packets and "
		    "answered %s with a check that real visitors pass without noticing.",
		    percent(a, dropped, all), percent(b, asked, all));
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
		    "The filter did not hold up those who enter the results: of their %s packets "
		    "not one was dropped.",
		    count(a, (double)all));
	else
		say(s, "Of the %s packets of those who enter the results %s were dropped.",
		    count(a, (double)all), count(b, (double)lost));
}

static void visitors(const struct fw_report *r, struct say *s)
{
	char a[32], b[32];

	if (r->sums.handshakes)
		say(s,
		    "%s time%s a sender proved to be where its address says, and was let through",
		    count(a, (double)r->sums.handshakes), r->sums.handshakes == 1 ? "" : "s");
	else if (r->sums.answered.packets)
		say(s, "No sender that was checked proved to be where its address says");
	else
		say(s, "No sender had to prove to be where its address says");
	if (r->sums.newcomers_refused)
		say(s,
		    "; %s packet%s of senders not proven to be real %s refused, and there may be "
		    "packets of visitors among them.",
		    count(b, (double)r->sums.newcomers_refused),
		    r->sums.newcomers_refused == 1 ? "" : "s",
		    r->sums.newcomers_refused == 1 ? "was" : "were");
	else
		say(s, "; nobody was refused for being unknown.");
}

/* Neither nearly none nor nearly all strangers were real: visitors come during an attack, too. */
static void both(const struct fw_report *r, struct say *s)
{
	const struct fw_report_measure *m = &r->rush.measure[FW_REPORT_HANDSHAKES];

	if (m->known && m->speaks == FW_RV_UNDETERMINED)
		say(s,
		    " Of the connections that unknown senders began %.1f %% were completed, as "
		    "visitors do, and the others were not: it may have been both at once.",
		    100 * m->value);
}

static void sure(const struct fw_report *r, struct say *s)
{
	switch (r->rush.verdict) {
	case FW_RV_ATTACK:
		say(s,
		    "The measurements speak for an attack and not for a rush of visitors (%u of %u "
		    "measures; %u %s against it).",
		    r->rush.nr_attack, r->rush.nr_known, r->rush.nr_rush,
		    r->rush.nr_rush == 1 ? "speaks" : "speak");
		break;
	case FW_RV_RUSH:
		say(s,
		    "The measurements speak for a rush of visitors and not for an attack (%u of %u "
		    "measures; %u %s against it).",
		    r->rush.nr_rush, r->rush.nr_known, r->rush.nr_attack,
		    r->rush.nr_attack == 1 ? "speaks" : "speak");
		break;
	default:
		say(s,
		    "Whether it was an attack or a rush of visitors cannot be said from the "
		    "measurements%s.",
		    r->incident.open ? " so far" : "");
		both(r, s);
		break;
	}
}

static void senders(const struct fw_report *r, struct say *s)
{
	char a[32], b[32];

	if (r->proven.count == 1)
		say(s, "One sender address is proven to be real, and may be that of a visitor; ");
	else if (r->proven.count)
		say(s, "%s sender addresses are proven to be real, and may be those of visitors; ",
		    count(a, (double)r->proven.count));
	else
		say(s, "No sender address is proven to be real; ");
	/* Of a flood from random ones there are many more than are noted. */
	say(s, "all%s may be forged and say nothing about who sent the traffic",
	    r->proven.count ? " others" : "");
	if (r->sums.sources_unproven)
		say(s, " (%s of them %s noted)", count(b, (double)r->sums.sources_unproven),
		    r->sums.sources_unproven == 1 ? "was" : "were");
	say(s, ".");
}

static void limits(const struct fw_report *r, struct say *s)
{
	double missing = r->length_s - (double)r->sums.span_ns / 1e9;
	char by[32];

	say(s,
	    "These figures were counted in front of the server; whether the page itself answered "
	    "in time is not among them.");
	if (missing > 5)
		say(s, " For %.0f seconds of that time nothing was recorded.", missing);
	if (clock_set(r) > 0) {
		put_length(by, clock_set(r));
		say(s,
		    " The clock of the machine was set meanwhile, by up to %s: times of day may be "
		    "wrong by as much, lengths are not.",
		    by);
	}
}

const char *fw_report_title(const struct fw_report *r)
{
	bool rush = r->guess.kind == FW_IK_RUSH;

	if (is_calm(r))
		return "watched by hand";
	/* Two answers that disagree are none, and a guess is no answer. */
	if (r->rush.verdict == FW_RV_UNDETERMINED && r->guess.sure_pct < 50)
		return "unusually heavy traffic";
	if (r->rush.verdict == FW_RV_RUSH)
		return rush ? "rush of visitors" : "unusually heavy traffic";
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
