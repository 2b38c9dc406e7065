// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and JSON of the bench. Everything printed is computed from the kept rows, so the table,
 * the list of budgets and the file cannot disagree.
 */
#include "tests/bench/out.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"

struct missing {
	char path[64];
	char why[128];
	double budget_ns;
};

struct out {
	struct out_row *row;
	size_t rows, room;
	struct missing missing[32];
	size_t missings;
};

struct out *out_new(void)
{
	return calloc(1, sizeof(struct out));
}

void out_free(struct out *out)
{
	if (!out)
		return;
	for (size_t i = 0; i < out->rows; i++) {
		/* ours: out_row() made them */
		free((char *)(uintptr_t)out->row[i].path);
		free((char *)(uintptr_t)out->row[i].system);
	}
	free(out->row);
	free(out);
}

/* One CPU's figure may grow by this on all CPUs (DESIGN: 4 CPUs at most 1.3 times). */
#define SCALE_MAX 1.3
/* Spread of the bare drop, on one CPU, from which on the machine is called busy. */
#define NOISY 1.5

int out_row(struct out *out, const struct out_row *row)
{
	struct out_row mine;

	if (out->rows == out->room) {
		size_t room = out->room ? out->room * 2 : 64;
		struct out_row *grown = realloc(out->row, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		out->row = grown;
		out->room = room;
	}
	mine = *row;
	mine.path = strdup(row->path);
	mine.system = strdup(row->system);
	out->row[out->rows++] = mine;
	return mine.path && mine.system ? 0 : -ENOMEM;
}

int out_missing(struct out *out, const char *path, double budget_ns, const char *why)
{
	struct missing *m;

	if (out->missings == sizeof(out->missing) / sizeof(*out->missing))
		return -ENOSPC;
	m = &out->missing[out->missings++];
	snprintf(m->path, sizeof(m->path), "%s", path);
	snprintf(m->why, sizeof(m->why), "%s", why);
	m->budget_ns = budget_ns;
	return 0;
}

static enum fw_style style_of(const struct out_row *row)
{
	if (!row->budget_ns)
		return FW_STYLE_NONE;
	return row->median_ns - row->bare_ns <= row->budget_ns ? FW_STYLE_GOOD : FW_STYLE_BAD;
}

static void print_row(struct fw_table *table, const struct out_row *row, const char *note)
{
	char sources[FW_TEXT_LEN];

	fw_table_cell(table, "%s", row->path);
	fw_table_cell(table, "%s", row->system);
	fw_table_cell(table, "%s",
		      fw_text_put_about(sources, sizeof(sources), (double)row->sources));
	fw_table_cell(table, "%d", row->cpus);
	fw_table_cell(table, "%.1f", row->median_ns);
	fw_table_cell(table, "%.0f-%.0f", row->min_ns, row->max_ns);
	if (row->bare_ns) {
		fw_table_cell(table, "%.1f", row->bare_ns);
		fw_table_cell(table, "%.2f", row->median_ns / row->bare_ns);
		fw_table_cell_styled(table, style_of(row), "%+.1f", row->median_ns - row->bare_ns);
	} else {
		for (int i = 0; i < 3; i++)
			fw_table_cell(table, "-");
	}
	if (row->budget_ns)
		fw_table_cell(table, "+%.0f", row->budget_ns);
	else
		fw_table_cell(table, " ");
	fw_table_cell(table, "%s", note ? note : "");
}

static const struct fw_column columns[] = {
	{ "path", FW_LEFT },	{ "system", FW_LEFT }, { "sources", FW_RIGHT },
	{ "CPUs", FW_RIGHT },	{ "ns", FW_RIGHT },    { "min-max", FW_RIGHT },
	{ "bare", FW_RIGHT },	{ "ratio", FW_RIGHT }, { "over bare", FW_RIGHT },
	{ "budget", FW_RIGHT }, { "", FW_LEFT },
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

/* The bare drop of a cell, as a row of its own, once for each stream. */
static int keep_bare(struct out *out, const struct run_cell *cell, size_t at)
{
	const struct run_cell *me = &cell[at];
	struct out_row row = {
		.path = me->frame->bare,
		.system = "bare XDP_DROP",
		.sources = me->sources,
		.cpus = me->cpus,
		.rounds = me->rounds,
		.median_ns = run_median(me->bare, me->rounds),
		.min_ns = run_min(me->bare, me->rounds),
		.max_ns = run_max(me->bare, me->rounds),
	};

	for (size_t i = 0; i < at; i++) {
		if (cell[i].frame == me->frame && cell[i].sources == me->sources &&
		    cell[i].cpus == me->cpus)
			return 0;
	}
	return out_row(out, &row);
}

static struct out_row row_of(const struct run_cell *c)
{
	return (struct out_row){
		.path = c->path,
		.system = c->system,
		.sources = c->sources,
		.cpus = c->cpus,
		.rounds = c->rounds,
		.median_ns = run_median(c->ns, c->rounds),
		.min_ns = run_min(c->ns, c->rounds),
		.max_ns = run_max(c->ns, c->rounds),
		.bare_ns = run_median(c->bare, c->rounds),
		.budget_ns = c->budget_ns,
	};
}

int out_keep(struct out *out, const struct run_cell *cell, size_t cells)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < cells; i++) {
		struct out_row row = row_of(&cell[i]);

		rc = keep_bare(out, cell, i);
		if (!rc)
			rc = out_row(out, &row);
	}
	return rc;
}

int out_group(struct out *out, const char *title, const struct run_cell *cell, size_t cells)
{
	struct fw_table *table = fw_table_new(columns, COLUMNS);
	int rc = table ? out_keep(out, cell, cells) : -ENOMEM;

	for (size_t i = 0; !rc && i < cells; i++) {
		struct out_row row = row_of(&cell[i]);

		print_row(table, &row, cell[i].note);
	}
	if (!rc) {
		printf("\n%s\n", title);
		rc = fw_table_print(table, stdout);
	}
	fflush(stdout);
	fw_table_free(table);
	return rc;
}

size_t out_rows(const struct out *out)
{
	return out->rows;
}

int out_print(const struct out *out, size_t first, const char *title)
{
	struct fw_table *table = fw_table_new(columns, COLUMNS);
	int rc;

	if (!table)
		return -ENOMEM;
	for (size_t i = first; i < out->rows; i++)
		print_row(table, &out->row[i], NULL);
	printf("\n%s\n", title);
	rc = fw_table_print(table, stdout);
	fflush(stdout);
	fw_table_free(table);
	return rc;
}

/* The same path on one CPU, for the rule about scaling. */
static const struct out_row *on_one_cpu(const struct out *out, const struct out_row *row)
{
	for (size_t i = 0; i < out->rows; i++) {
		const struct out_row *r = &out->row[i];

		if (r->cpus == 1 && r->sources == row->sources && !strcmp(r->path, row->path) &&
		    !strcmp(r->system, row->system))
			return r;
	}
	return NULL;
}

static const char *verdict(bool met)
{
	return met ? "met" : "MISSED";
}

/* Two neighbours can double every figure; say so before anybody compares with another day. */
static void print_noise(const struct out *out)
{
	double least = 0, most = 0;

	for (size_t i = 0; i < out->rows; i++) {
		const struct out_row *r = &out->row[i];

		if (r->bare_ns || r->cpus > 1 || strncmp(r->path, "bare drop", 9))
			continue;
		least = !least || r->min_ns < least ? r->min_ns : least;
		most = r->max_ns > most ? r->max_ns : most;
	}
	if (most > NOISY * least)
		printf("The bare drop took %.0f to %.0f ns: this machine was not idle, and all "
		       "figures "
		       "move with it.\n",
		       least, most);
}

int out_budgets(const struct out *out)
{
	static const struct fw_column column[] = {
		{ "budget", FW_LEFT }, { "sources", FW_RIGHT },	 { "CPUs", FW_RIGHT },
		{ "goal", FW_RIGHT },  { "measured", FW_RIGHT }, { "", FW_LEFT },
	};
	struct fw_table *table = fw_table_new(column, 6);
	int missed = 0;

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < out->rows; i++) {
		const struct out_row *r = &out->row[i], *one = on_one_cpu(out, r);
		double over = r->median_ns - r->bare_ns;
		bool scale = r->cpus > 1 && one, met;
		char sources[FW_TEXT_LEN];

		if (!r->budget_ns || (r->cpus > 1 && !scale))
			continue;
		met = scale ? r->median_ns <= SCALE_MAX * one->median_ns : over <= r->budget_ns;
		missed += !met;
		fw_table_cell(table, "%s", r->path);
		fw_table_cell(table, "%s",
			      fw_text_put_about(sources, sizeof(sources), (double)r->sources));
		fw_table_cell(table, "%d", r->cpus);
		if (scale) {
			fw_table_cell(table, "x %.1f", SCALE_MAX);
			fw_table_cell(table, "x %.2f", r->median_ns / one->median_ns);
		} else {
			fw_table_cell(table, "+%.0f ns", r->budget_ns);
			fw_table_cell(table, "%+.1f ns", over);
		}
		fw_table_cell_styled(table, met ? FW_STYLE_GOOD : FW_STYLE_BAD, "%s", verdict(met));
	}
	for (size_t i = 0; i < out->missings; i++) {
		fw_table_cell(table, "%s", out->missing[i].path);
		fw_table_cell(table, "-");
		fw_table_cell(table, "-");
		fw_table_cell(table, "+%.0f ns", out->missing[i].budget_ns);
		fw_table_cell(table, "-");
		fw_table_cell_styled(table, FW_STYLE_BAD, "NOT MEASURED: %s", out->missing[i].why);
		missed++;
	}
	printf("\nBudgets\n");
	fw_table_print(table, stdout);
	print_noise(out);
	fw_table_free(table);
	return missed;
}

static double tenth(double value)
{
	return (double)(long long)(value * 10 + (value < 0 ? -0.5 : 0.5)) / 10;
}

static json_t *row_json(const struct out_row *r)
{
	return json_pack("{s:s, s:s, s:I, s:i, s:i, s:f, s:f, s:f, s:o, s:o}", "path", r->path,
			 "system", r->system, "sources", (json_int_t)r->sources, "cpus", r->cpus,
			 "rounds", r->rounds, "median_ns", tenth(r->median_ns), "min_ns",
			 tenth(r->min_ns), "max_ns", tenth(r->max_ns), "over_bare_ns",
			 json_real(r->bare_ns ? tenth(r->median_ns - r->bare_ns) : 0), "budget_ns",
			 r->budget_ns ? json_real(r->budget_ns) : json_null());
}

int out_json(const struct out *out, const char *file)
{
	json_t *list = json_array();
	int rc = -ENOMEM;

	if (!list)
		return rc;
	for (size_t i = 0; i < out->rows; i++) {
		if (json_array_append_new(list, row_json(&out->row[i])))
			goto out;
	}
	/* Not by rename(): as root that would take the place of /dev/null. */
	rc = json_dump_file(list, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) ? -EIO : 0;
out:
	json_decref(list);
	return rc;
}
