/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench says: a table as soon as a group is measured, at the end the list of budgets met
 * and missed, and all rows as JSON.
 */
#ifndef FW_BENCH_OUT_H
#define FW_BENCH_OUT_H

#include <stddef.h>
#include "tests/bench/run.h"

struct out;

struct out *out_new(void); /* NULL: no memory */
void out_free(struct out *out);

/* Keeps the rows of a group, bare drops included, without printing them. 0 or -ENOMEM. */
int out_keep(struct out *out, const struct run_cell *cell, size_t cells);
/* The same, and prints the cells as one table under a title. */
int out_group(struct out *out, const char *title, const struct run_cell *cell, size_t cells);

/* A row that is not a test-run (live: packets come from another program); bare: its own baseline.
 */
struct out_row {
	const char *path;
	const char *system;
	__u64 sources;
	int cpus;
	int rounds;
	double median_ns, min_ns, max_ns;
	double bare_ns;	  /* 0 = there is none: this row is the bare drop itself */
	double budget_ns; /* 0 = none */
};
int out_row(struct out *out, const struct out_row *row); /* texts are copied */
size_t out_rows(const struct out *out);
/* Prints the rows kept since there were first of them. */
int out_print(const struct out *out, size_t first, const char *title);

/* A budget that could not be judged, and why. Shown in the list at the end. */
int out_missing(struct out *out, const char *path, double budget_ns, const char *why);

/* The list of budgets; returns how many were missed or could not be judged. */
int out_budgets(const struct out *out);
/* All rows as a JSON list into a file, replaced at once. 0 or -errno. */
int out_json(const struct out *out, const char *file);

#endif
