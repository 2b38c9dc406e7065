// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plots. Steps, not curves: what is drawn for a stretch of time is what was counted in it, and
 * where nothing was recorded nothing is drawn. Colours are classes of the page's style sheet, so
 * that light, dark and paper each have their own.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/evidence/report.h"

#define WIDTH  960.0
#define LEFT   64.0
#define RIGHT  8.0
#define TOP    22.0
#define BOTTOM 24.0

struct plot {
	FILE *out;
	const struct fw_report *report;
	double height, x_s, y_max; /* seconds on the axis, packets a second at the top */
};

static double at_x(const struct plot *p, double s)
{
	return LEFT + (WIDTH - LEFT - RIGHT) * (p->x_s > 0 ? s / p->x_s : 0);
}

static double at_y(const struct plot *p, double value)
{
	return p->height - BOTTOM -
	       (p->height - TOP - BOTTOM) * (p->y_max > 0 ? value / p->y_max : 0);
}

/* Whether the machine was started anew within the incident: then time since boot tells nothing. */
static bool rebooted(const struct fw_report *r)
{
	for (size_t i = 1; i < r->nr_points; i++)
		if (r->point[i].when.boot_ns < r->point[i - 1].when.boot_ns)
			return true;
	return false;
}

/* Seconds on the axis of a moment, by the clock that does not jump if there is one. */
static double seconds_of(const struct plot *p, struct fw_when when)
{
	bool utc = rebooted(p->report);
	__u64 at = utc ? when.utc_ns : when.boot_ns;

	for (size_t i = 0; i < p->report->nr_points; i++) {
		const struct fw_report_point *pt = &p->report->point[i];
		__u64 end = utc ? pt->when.utc_ns : pt->when.boot_ns;
		double s = pt->end_s;

		if (end < at)
			continue;
		s -= (double)(end - at) / 1e9;
		return s < 0 ? 0 : s;
	}
	return p->x_s;
}

/* The next of 1, 2, 5 times a power of ten. */
static double round_up(double value)
{
	double step = 1;

	while (step * 10 <= value)
		step *= 10;
	return value <= step	   ? step
	       : value <= 2 * step ? 2 * step
	       : value <= 5 * step ? 5 * step
				   : 10 * step;
}

static void begin(struct plot *p, const char *label)
{
	fprintf(p->out,
		"<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\" "
		"xmlns=\"http://www.w3.org/2000/svg\">\n",
		WIDTH, p->height, label);
}

static void y_axis(const struct plot *p)
{
	char text[FW_TEXT_LEN];

	for (int i = 0; i <= 4; i++) {
		double value = p->y_max * i / 4, y = at_y(p, value);

		fprintf(p->out, "<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/>", LEFT, y,
			WIDTH - RIGHT);
		fprintf(p->out,
			"<text class=\"tick\" x=\"%.0f\" y=\"%.1f\" "
			"text-anchor=\"end\">%s</text>\n",
			LEFT - 6, y + 4, fw_text_put_about(text, sizeof(text), value));
	}
}

/* At round times of UTC, at most nine of them. */
static void x_axis(const struct plot *p)
{
	static const int steps[] = { 1,	  2,   5,    10,   15,	 30,	60,    120,   300,
				     600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400 };
	__u64 start = p->report->incident.start.utc_ns / FW_NS_PER_S;
	int step = steps[sizeof(steps) / sizeof(*steps) - 1];
	char text[16];

	for (size_t i = sizeof(steps) / sizeof(*steps); i-- > 0;)
		if (p->x_s / steps[i] <= 9)
			step = steps[i];
	for (__u64 s = ((__u64)step - start % (__u64)step) % (__u64)step; (double)s <= p->x_s;
	     s += (__u64)step) {
		time_t t = (time_t)(start + s);
		struct tm tm;
		double x = at_x(p, (double)s);

		if (!gmtime_r(&t, &tm) ||
		    !strftime(text, sizeof(text), step < 60 ? "%T" : "%R", &tm))
			return;
		fprintf(p->out, "<path class=\"grid\" d=\"M%.1f %.0fv4\"/>", x, p->height - BOTTOM);
		if (x > LEFT + 20 && x < WIDTH - RIGHT - 24)
			fprintf(p->out,
				"<text class=\"tick\" x=\"%.1f\" y=\"%.0f\" "
				"text-anchor=\"middle\">%s</text>\n",
				x, p->height - 6, text);
	}
}

/* Background: the highest level of any service. */
static void bands(const struct plot *p)
{
	static const char *const names[] = { "calm", "guarded", "siege" };
	const struct fw_report *r = p->report;
	__u8 level[64] = { 0 };
	size_t services = 0;
	char name[64][FW_NAME_LEN];
	double from = 0;
	int now = 0;

	for (size_t i = 0; i <= r->nr_levels; i++) {
		double to = i < r->nr_levels ? seconds_of(p, r->level[i].when) : p->x_s;
		size_t s = 0;

		if (now && to > from)
			fprintf(p->out,
				"<rect class=\"band %s\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" "
				"height=\"%.0f\"/><text class=\"tick\" x=\"%.1f\" "
				"y=\"%.0f\">%s</text>\n",
				names[now], at_x(p, from), TOP, at_x(p, to) - at_x(p, from),
				p->height - TOP - BOTTOM, at_x(p, from) + 4, TOP + 12,
				at_x(p, to) - at_x(p, from) > 60 ? names[now] : "");
		if (i == r->nr_levels)
			break;
		while (s < services && strcmp(name[s], r->level[i].service) != 0)
			s++;
		if (s == services && services < 64)
			memcpy(name[services++], r->level[i].service, FW_NAME_LEN);
		if (s < 64)
			level[s] = r->level[i].to % 3;
		now = 0;
		for (s = 0; s < services; s++)
			now = level[s] > now ? level[s] : now;
		from = to;
	}
}

/* Numbered lines; the same numbers stand in the list of changes. */
static void marks(const struct plot *p)
{
	for (size_t i = 0; i < p->report->nr_changes && i < 99; i++) {
		double x = at_x(p, seconds_of(p, p->report->change[i].when));

		fprintf(p->out,
			"<path class=\"mark\" d=\"M%.1f %.0fV%.0f\"/><text class=\"tick\" "
			"x=\"%.1f\" "
			"y=\"%.0f\" text-anchor=\"middle\">%zu</text>\n",
			x, TOP - 4, p->height - BOTTOM, x, TOP - 8, i + 1);
	}
}

static double rate(const struct fw_report_point *p, __u64 packets)
{
	return p->span_ns ? (double)packets * 1e9 / (double)p->span_ns : 0;
}

/* A box from y0 up to y1, unless it is invisible. */
static void box(const struct plot *p, const struct fw_report_point *pt, double y0, double y1)
{
	double x = at_x(p, pt->begin_s), w = at_x(p, pt->end_s) - x;

	if (y1 > y0)
		fprintf(p->out, "M%.1f %.1fh%.1fV%.1fh%.1fz", x, at_y(p, y1), w, at_y(p, y0), -w);
}

static void setup(struct plot *p, FILE *out, const struct fw_report *r, double height, bool clerks)
{
	double most = 1;

	*p = (struct plot){ .out = out, .report = r, .height = height };
	for (size_t i = 0; i < r->nr_points; i++) {
		const struct fw_report_point *pt = &r->point[i];
		__u64 n = clerks ? pt->clerk_pass.packets + pt->clerk_drop.packets : 0;

		for (int f = 0; f < FW_RF_MAX && !clerks; f++)
			n += pt->family[f].packets;
		most = rate(pt, n) > most ? rate(pt, n) : most;
		p->x_s = pt->end_s > p->x_s ? pt->end_s : p->x_s;
	}
	p->y_max = round_up(most);
}

void fw_report_svg_traffic(FILE *out, const struct fw_report *r)
{
	struct plot p;

	setup(&p, out, r, 300, false);
	begin(&p, "Packets a second by what was done with them, over time");
	bands(&p);
	y_axis(&p);
	for (int f = 0; f < FW_RF_MAX; f++) {
		fprintf(out, "<path class=\"f-%s\" d=\"", fw_report_family_names[f]);
		for (size_t i = 0; i < r->nr_points; i++) {
			const struct fw_report_point *pt = &r->point[i];
			__u64 below = 0;

			for (int g = 0; g < f; g++)
				below += pt->family[g].packets;
			box(&p, pt, rate(pt, below), rate(pt, below + pt->family[f].packets));
		}
		fputs("\"/>\n", out);
	}
	x_axis(&p);
	marks(&p);
	fputs("</svg>\n", out);
}

void fw_report_svg_clerks(FILE *out, const struct fw_report *r)
{
	static const char *const names[] = { "f-passed", "f-source" };
	struct plot p;

	setup(&p, out, r, 140, true);
	begin(&p, "Packets a second in the lane of the clerks, over time");
	y_axis(&p);
	for (int n = 0; n < 2; n++) {
		fprintf(out, "<path class=\"%s\" d=\"", names[n]);
		for (size_t i = 0; i < r->nr_points; i++) {
			const struct fw_report_point *pt = &r->point[i];
			double pass = rate(pt, pt->clerk_pass.packets);
			double drop = rate(pt, pt->clerk_drop.packets);

			box(&p, pt, n ? pass : 0, n ? pass + drop : pass);
		}
		fputs("\"/>\n", out);
	}
	x_axis(&p);
	fputs("</svg>\n", out);
}
