// SPDX-License-Identifier: GPL-2.0-only
/*
 * The heaviest sources of each minute, as the recorder found them while it lasted: who was there
 * when. Proven ones and addresses that are possibly spoofed stand in columns of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/escape.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/core/record/history_sql.h"
#include "user/core/evidence/report_page.h"

#define MINUTES_SHOWN 60 /* JSON has all */
#define EACH_SHOWN    3	 /* of either column */

static const char words[] =
	"The addresses in whose names most came, minute by minute: how many packets at least, and "
	"how many of them were dropped. Of a proven one's, too, anybody may have sent some. The "
	"minutes are the recorder's; the first may have begun before the incident.";

struct list {
	void *top;
	size_t nr;
	struct fw_err *err;
};

static int take(void *arg, sqlite3_stmt *row)
{
	struct fw_history_top t = { .when = fw_sql_when(row, 0),
				    .rank = (__u32)sqlite3_column_int(row, 2),
				    .proven = sqlite3_column_int(row, 4),
				    .packets = (__u64)sqlite3_column_int64(row, 6),
				    .bytes = (__u64)sqlite3_column_int64(row, 7),
				    .dropped = (__u64)sqlite3_column_int64(row, 8),
				    .reason = (__u8)sqlite3_column_int(row, 9) };
	struct list *list = arg;

	fw_sql_addr(row, 3, t.addr_be);
	fw_sql_text(row, 5, t.class_name, sizeof(t.class_name));
	return fw_sql_push(&list->top, &list->nr, sizeof(t), &t, list->err);
}

int fw_report_minutes_read(struct fw_history *h, struct fw_report *r, struct fw_err *err)
{
	struct list list = { .err = err };
	int e = fw_sql_rows(
		h,
		"SELECT utc_ns, boot_ns, rank, address, proven, class, packets, bytes, dropped, "
		"reason FROM top WHERE tick BETWEEN ? AND ? ORDER BY id",
		err, take, &list, "ii", r->incident.first_tick, r->incident.last_tick);

	r->top = list.top;
	r->nr_tops = list.nr;
	return e;
}

/* Behind the last row of the minute that begins at row at. */
static size_t minute_end(const struct fw_report *r, size_t at)
{
	size_t end = at;

	while (end < r->nr_tops && r->top[end].when.boot_ns == r->top[at].when.boot_ns)
		end++;
	return end;
}

static void put_addr(char buf[FW_TEXT_LEN], const struct fw_history_top *t)
{
	if (fw_text_is_ip4(t->addr_be))
		fw_text_put_addr(buf, FW_TEXT_LEN, t->addr_be);
	else
		fw_text_put_prefix(buf, FW_TEXT_LEN, t->addr_be, 64);
}

/* What the two pages differ in. */
struct form {
	int (*escape)(FILE *out, const char *text);
	const char *code, *code_end, *next; /* around an address; between two */
};

static void put_column(FILE *out, const struct form *form, const struct fw_report *r, size_t at,
		       size_t end, bool proven)
{
	unsigned int n = 0;

	for (; at < end; at++) {
		const struct fw_history_top *t = &r->top[at];
		char addr[FW_TEXT_LEN];

		if (t->proven != proven || n == EACH_SHOWN)
			continue;
		put_addr(addr, t);
		fprintf(out, "%s%s%s%s", n++ ? form->next : "", form->code, addr, form->code_end);
		if (*t->class_name) {
			fputs(" (", out);
			form->escape(out, t->class_name);
			fputc(')', out);
		}
		fprintf(out, ": %s", fw_report_number(t->packets));
		if (t->dropped)
			fprintf(out, ", %s dropped", fw_report_number(t->dropped));
	}
	if (!n)
		fputs("-", out);
}

static size_t skip(const struct fw_report *r)
{
	size_t minutes = 0, at;

	for (at = 0; at < r->nr_tops; at = minute_end(r, at))
		minutes++;
	for (at = 0; minutes > MINUTES_SHOWN; minutes--)
		at = minute_end(r, at);
	return at;
}

void fw_report_page_minutes(FILE *out, const struct fw_report *r)
{
	static const struct form html = { fw_escape_html, "<code>", "</code>", "<br>" };
	size_t at = skip(r), end;

	if (!r->nr_tops)
		return;
	fprintf(out, "<h2>Each minute</h2>\n<p class=\"small soft\">%s</p>\n", words);
	if (at)
		fprintf(out,
			"<p class=\"small soft\">The last %d minutes; all are in "
			"report.json.</p>\n",
			MINUTES_SHOWN);
	fputs("<div class=\"wide\"><table>\n<tr><th>Minute from</th><th>Proven: packets</th><th>"
	      "Possibly spoofed, no suspects: packets</th></tr>\n",
	      out);
	for (; at < r->nr_tops; at = end) {
		end = minute_end(r, at);
		fprintf(out, "<tr><td class=\"m\">%s</td><td>",
			fw_report_moment(r->top[at].when.utc_ns));
		put_column(out, &html, r, at, end, true);
		fputs("</td><td>", out);
		put_column(out, &html, r, at, end, false);
		fputs("</td></tr>\n", out);
	}
	fputs("</table></div>\n", out);
}

void fw_report_minutes_markdown(FILE *out, const struct fw_report *r)
{
	static const struct form markdown = { fw_escape_markdown, "`", "`", "; " };
	size_t at = skip(r), end;

	if (!r->nr_tops)
		return;
	fprintf(out,
		"\n## Each minute\n\n%s%s\n\n| minute from | proven: packets | possibly spoofed, "
		"no suspects: packets |\n|---|---|---|\n",
		words, at ? " The last 60 minutes; all are in report.json." : "");
	for (; at < r->nr_tops; at = end) {
		end = minute_end(r, at);
		fprintf(out, "| %s | ", fw_report_moment(r->top[at].when.utc_ns));
		put_column(out, &markdown, r, at, end, true);
		fputs(" | ", out);
		put_column(out, &markdown, r, at, end, false);
		fputs(" |\n", out);
	}
}

static json_t *source_json(const struct fw_history_top *t)
{
	char addr[FW_TEXT_LEN];

	put_addr(addr, t);
	return json_pack(
		"{s:s,s:I,s:o,s:o,s:o,s:o,s:o}", "address", addr, "rank", (json_int_t)t->rank,
		"class", *t->class_name ? fw_json_text(t->class_name) : json_null(), "packets",
		fw_json_count(t->packets), "bytes", fw_json_count(t->bytes), "dropped",
		fw_json_count(t->dropped), "reason",
		t->dropped ? json_string(fw_incident_reason_name(t->reason)) : json_null());
}

json_t *fw_report_minutes_json(const struct fw_report *r)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t at = 0, end; at < r->nr_tops; at = end) {
		json_t *side[2] = { json_array(), json_array() };
		char from[FW_CLOCK_LEN];

		end = minute_end(r, at);
		for (size_t i = at; i < end; i++)
			err |= fw_json_push(side[r->top[i].proven], source_json(&r->top[i]));
		fw_clock_put_utc(from, sizeof(from), r->top[at].when.utc_ns, 3);
		err |= fw_json_push(list, json_pack("{s:s,s:o,s:o}", "from", from, "proven",
						    side[true], "possibly_spoofed", side[false]));
	}
	if (!err)
		return list;
	json_decref(list);
	return NULL;
}
