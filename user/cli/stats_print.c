// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters for people. One shape for every table: a name, then columns of counts, each with a rate
 * behind it when there is one. Columns that are zero throughout are not shown.
 */
#include <errno.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/stats.h"

#define COUNTS 4 /* columns of counts at most */

struct row {
	const char *name, *kind, *text;
	enum fw_style style;
	struct fw_count now[COUNTS], since[COUNTS];
};

struct sheet {
	const char *head, *kind; /* kind: title of a second column, NULL = none */
	const char *title[COUNTS];
	bool bytes[COUNTS]; /* show the bytes of this column too */
	unsigned int counts;
	bool rates, text;
	double seconds;
	bool used[COUNTS];
};

#define CELLS (3 + 4 * COUNTS)

static void add_column(struct fw_column *columns, unsigned int *n, const char *title,
		       enum fw_align align)
{
	columns[(*n)++] = (struct fw_column){ title, align };
}

static unsigned int put_columns(const struct sheet *s, struct fw_column *columns)
{
	unsigned int n = 0;

	add_column(columns, &n, s->head, FW_LEFT);
	if (s->kind)
		add_column(columns, &n, s->kind, FW_LEFT);
	for (unsigned int i = 0; i < s->counts; i++) {
		if (!s->used[i])
			continue;
		add_column(columns, &n, s->title[i], FW_RIGHT);
		if (s->rates)
			add_column(columns, &n, "PER S", FW_RIGHT);
		if (s->bytes[i])
			add_column(columns, &n, "BYTES", FW_RIGHT);
		if (s->bytes[i] && s->rates)
			add_column(columns, &n, "BIT/S", FW_RIGHT);
	}
	if (s->text)
		add_column(columns, &n, "MEANING", FW_LEFT);
	return n;
}

static void put_about(struct fw_table *t, double number)
{
	char buf[FW_TEXT_LEN];

	fw_table_cell(t, "%s", fw_text_put_about(buf, sizeof(buf), number));
}

static void put_row(struct fw_table *t, const struct sheet *s, const struct row *row)
{
	fw_table_cell_styled(t, row->style, "%s", row->name);
	if (s->kind)
		fw_table_cell_styled(t, row->style, "%s", row->kind);
	for (unsigned int i = 0; i < s->counts; i++) {
		if (!s->used[i])
			continue;
		fw_table_cell(t, "%llu", (unsigned long long)row->now[i].packets);
		if (s->rates)
			put_about(t, (double)row->since[i].packets / s->seconds);
		if (s->bytes[i])
			put_about(t, (double)row->now[i].bytes);
		if (s->bytes[i] && s->rates)
			put_about(t, 8.0 * (double)row->since[i].bytes / s->seconds);
	}
	if (s->text)
		fw_table_cell_styled(t, FW_STYLE_DIM, "%s", row->text);
}

static bool row_zero(const struct row *row)
{
	for (int i = 0; i < COUNTS; i++)
		if (row->now[i].packets)
			return false;
	return true;
}

static int print_sheet(struct sheet *s, const struct row *rows, unsigned int nr, bool all,
		       FILE *out)
{
	struct fw_column columns[CELLS];
	unsigned int shown = 0;
	struct fw_table *t;
	int r;

	s->used[0] = true;
	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int c = 0; c < s->counts; c++)
			s->used[c] = s->used[c] || all || rows[i].now[c].packets;
	t = fw_table_new(columns, put_columns(s, columns));
	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++)
		if (all || !row_zero(&rows[i])) {
			put_row(t, s, &rows[i]);
			shown++;
		}
	r = shown ? fw_table_print(t, out) : 0;
	fw_table_free(t);
	return r;
}

static struct sheet new_sheet(const char *head, const struct fw_stats *since)
{
	struct sheet s = { .head = head };

	if (since && since->when_ns) {
		s.rates = true;
		s.seconds = (double)since->when_ns / FW_NS_PER_S;
	}
	return s;
}

static int print_reasons(const struct fw_stats *now, const struct fw_stats *since, bool all,
			 FILE *out)
{
	static const char *const kinds[] = { "pass", "drop", "answer" };
	static const enum fw_style styles[] = { FW_STYLE_GOOD, FW_STYLE_BAD, FW_STYLE_WARN };
	struct sheet s = new_sheet("REASON", since);
	struct row rows[FW_R_MAX] = {};

	s.kind = "DOES";
	s.counts = 2;
	s.title[0] = "PACKETS";
	s.bytes[0] = s.bytes[1] = true;
	s.title[1] = "WOULD";
	s.text = true;
	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		rows[i] = (struct row){ .name = fw_stats_reasons[i].name,
					.text = fw_stats_reasons[i].text,
					.kind = kinds[fw_stats_reasons[i].verdict],
					.style = styles[fw_stats_reasons[i].verdict] };
		fw_stats_reason(now, i, &rows[i].now[0], &rows[i].now[1]);
		if (since)
			fw_stats_reason(since, i, &rows[i].since[0], &rows[i].since[1]);
	}
	return print_sheet(&s, rows, FW_R_MAX, all, out);
}

static void take_verdicts(struct fw_count *to, const struct fw_stats_verdicts *v)
{
	to[0] = v->pass;
	to[1] = v->drop;
	to[2] = v->tx;
	to[3] = v->would;
}

static struct sheet verdict_sheet(const char *head, const struct fw_stats *since)
{
	static const char *const titles[COUNTS] = { "PASSED", "DROPPED", "ANSWERED", "WOULD" };
	struct sheet s = new_sheet(head, since);

	s.counts = COUNTS;
	for (int i = 0; i < COUNTS; i++) {
		s.title[i] = titles[i];
		s.bytes[i] = i < 2;
	}
	s.used[1] = true;
	return s;
}

static int print_services(const struct fw_stats *now, const struct fw_stats *since, bool all,
			  FILE *out)
{
	struct sheet s = verdict_sheet("SERVICE", since);
	struct row rows[FW_SERVICE_MAX] = {};
	struct fw_stats_verdicts v;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < FW_SERVICE_MAX; i++) {
		const char *name = now->service_name[i];

		v = fw_stats_service(now, i);
		if (!*name && !fw_stats_all(&v).packets)
			continue;
		rows[nr].name = *name ? name : "(removed)";
		take_verdicts(rows[nr].now, &v);
		if (since) {
			v = fw_stats_service(since, i);
			take_verdicts(rows[nr].since, &v);
		}
		nr++;
	}
	return print_sheet(&s, rows, nr, all, out);
}

static int print_classes(const struct fw_stats *now, const struct fw_stats *since, bool all,
			 FILE *out)
{
	struct sheet s = new_sheet("CLASS", since);
	struct row rows[FW_CLASS_MAX] = {};
	unsigned int nr = 0;

	s.counts = FW_CC_MAX;
	s.title[FW_CC_PASS] = "PASSED";
	s.title[FW_CC_DROP] = now->monitor ? "OVER" : "DROPPED";
	s.title[FW_CC_SOFT] = "SOFT";
	s.bytes[FW_CC_PASS] = s.bytes[FW_CC_DROP] = true;
	s.used[FW_CC_DROP] = true;
	for (unsigned int i = 0; i < FW_CLASS_MAX; i++) {
		const char *name = now->class_name[i];

		rows[nr] = (struct row){ .name = *name ? name : "(removed)" };
		memcpy(rows[nr].now, now->cls[i], FW_CC_MAX * sizeof(struct fw_count));
		if (since)
			memcpy(rows[nr].since, since->cls[i], FW_CC_MAX * sizeof(struct fw_count));
		if (*name || !row_zero(&rows[nr]))
			nr++;
	}
	return print_sheet(&s, rows, nr, all, out);
}

static int print_cpus(const struct fw_stats *now, const struct fw_stats *since, bool all, FILE *out)
{
	struct sheet s = verdict_sheet("CPU", since);
	struct fw_column columns[CELLS];
	struct fw_stats_verdicts v;
	struct fw_table *t;
	int r;

	memset(s.used, true, sizeof(s.used));
	s.used[2] = s.used[3] = all || fw_stats_total(now).tx.packets;
	s.used[3] = all || fw_stats_total(now).would.packets;
	t = fw_table_new(columns, put_columns(&s, columns));
	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < now->cpus; i++) {
		char name[16];
		struct row row = { .name = name };

		snprintf(name, sizeof(name), "%u", i);
		v = fw_stats_cpu(now, i);
		take_verdicts(row.now, &v);
		if (since) {
			v = fw_stats_cpu(since, i);
			take_verdicts(row.since, &v);
		}
		put_row(t, &s, &row);
	}
	r = fw_table_print(t, out);
	fw_table_free(t);
	return r;
}

static int print_total(const struct fw_stats *now, const struct fw_stats *since, FILE *out)
{
	struct sheet s = verdict_sheet("", since);
	struct row row = { .name = "total" };
	struct fw_stats_verdicts v = fw_stats_total(now);

	take_verdicts(row.now, &v);
	if (since) {
		v = fw_stats_total(since);
		take_verdicts(row.since, &v);
	}
	if (row_zero(&row)) {
		fprintf(out, "no packet was seen yet\n");
		return 0;
	}
	return print_sheet(&s, &row, 1, false, out);
}

static int print_notes(const struct fw_stats *now, const struct fw_stats *since, bool all,
		       FILE *out)
{
	struct sheet s = new_sheet("NOTE", since);
	struct row rows[FW_N_MAX + FW_REFLECT_MAX] = {};
	char port[FW_REFLECT_MAX][32];
	unsigned int nr = 0;

	s.counts = 1;
	s.title[0] = "COUNT";
	s.text = true;
	for (unsigned int i = 0; i < FW_N_MAX; i++, nr++) {
		rows[nr] = (struct row){ .name = fw_stats_notes[i].name,
					 .text = fw_stats_notes[i].text };
		rows[nr].now[0].packets = now->note[i];
		rows[nr].since[0].packets = since ? since->note[i] : 0;
	}
	for (unsigned int i = 0; i < FW_REFLECT_MAX; i++) {
		if (!now->reflect_port[i] && !now->note[FW_NOTE_REFLECT_BASE + i])
			continue;
		snprintf(port[i], sizeof(port[i]), "port %u", now->reflect_port[i]);
		rows[nr] = (struct row){ .name = port[i], .text = "UDP from this port, reflected" };
		rows[nr].now[0].packets = now->note[FW_NOTE_REFLECT_BASE + i];
		rows[nr].since[0].packets = since ? since->note[FW_NOTE_REFLECT_BASE + i] : 0;
		nr++;
	}
	for (unsigned int i = 0; i < nr; i++)
		if (all || !row_zero(&rows[i])) {
			fputc('\n', out);
			break;
		}
	return print_sheet(&s, rows, nr, all, out);
}

int fw_stats_print(const struct fw_stats *now, const struct fw_stats *since, enum fw_stats_by by,
		   bool all, FILE *out)
{
	struct fw_stats_verdicts total = fw_stats_total(now);
	int r = print_total(now, since, out);

	if (r || (!fw_stats_all(&total).packets && !all))
		return r;
	fputc('\n', out);
	switch (by) {
	case FW_STATS_BY_SERVICE:
		return print_services(now, since, all, out);
	case FW_STATS_BY_CLASS:
		return print_classes(now, since, all, out);
	case FW_STATS_BY_CPU:
		return print_cpus(now, since, all, out);
	case FW_STATS_BY_REASON:
		break;
	}
	r = print_reasons(now, since, all, out);
	return r ? r : print_notes(now, since, all, out);
}
