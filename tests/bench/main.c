// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bench: what floodwall costs a packet, next to a bare drop, to its budgets and to what people
 * would use instead. Never a test: it always ends in tables, and fails only if it cannot measure.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "tests/bench/layouts.h"
#include "tests/bench/live.h"
#include "tests/bench/place.h"
#include "tests/bench/out.h"
#include "tests/bench/run.h"
#include "tests/bench/scenes.h"

struct options {
	struct run_opts run;
	bool quick;
	const char *json;
	const char *only; /* NULL: all */
	const char *path; /* NULL: all */
};

static const char usage[] = "Usage: bench [--quick] [--rounds N] [--packets N] [--only PART] "
			    "[--path TEXT] [--json FILE]\n"
			    "Parts: budgets, curves, stages, layouts, live, and paths: the "
			    "budgets' on one CPU, without\n"
			    "peers, of which --path takes those whose names hold TEXT\n";

static int parse(int argc, char **argv, struct options *ret)
{
	static const struct option option[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "packets", required_argument, NULL, 'p' },
		{ "only", required_argument, NULL, 'o' },
		{ "path", required_argument, NULL, 'P' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "qr:p:o:j:h", option, NULL)) != -1) {
		switch (c) {
		case 'q':
			ret->quick = true;
			ret->run.rounds = 3;
			ret->run.repeat = 200000;
			break;
		case 'r':
			ret->run.rounds = atoi(optarg);
			break;
		case 'p':
			ret->run.repeat = (__u32)atoi(optarg);
			break;
		case 'o':
			ret->only = optarg;
			break;
		case 'P':
			ret->path = optarg;
			break;
		case 'j':
			ret->json = optarg;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 1 : -1;
		}
	}
	if (ret->run.rounds < 1 || ret->run.rounds > RUN_ROUNDS_MAX || !ret->run.repeat) {
		fprintf(stderr, "bench: --rounds is 1 to %d, --packets at least 1\n",
			RUN_ROUNDS_MAX);
		return -1;
	}
	return 0;
}

static bool wanted(const struct options *opts, const char *part)
{
	return !opts->only || !strcmp(opts->only, part);
}

static int bench(const struct options *opts, struct run *run, struct out *out, struct fw_err *err)
{
	int rc = 0;

	if (wanted(opts, "budgets"))
		rc = scenes_budgets(run, out, err);
	if (opts->only && !strcmp(opts->only, "paths"))
		rc = scenes_paths(run, out, opts->path, err);
	if (!rc && wanted(opts, "curves"))
		rc = scenes_curves(run, out, opts->quick, err);
	if (!rc && wanted(opts, "stages"))
		rc = scenes_stages(run, out, err);
	if (!rc && wanted(opts, "layouts"))
		rc = layouts_bench(run, out, opts->quick, err);
	if (!rc && wanted(opts, "live"))
		rc = live_bench(run, out, err);
	return rc;
}

/* libbpf's own complaints are repeated, in words, by whoever called it. */
static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int main(int argc, char **argv)
{
	struct options opts = {
		.run = { .rounds = 7, .repeat = 1000000, .progress = isatty(STDERR_FILENO) },
		.json = "build/bench.json",
	};
	struct fw_err err = { 0 };
	struct run *run = NULL;
	struct out *out = NULL;
	int rc = parse(argc, argv, &opts);

	if (rc)
		return rc < 0;
	libbpf_set_print(quiet);
	setpriority(PRIO_PROCESS, 0, -20); /* what else runs here is no part of the question */
	out = out_new();
	rc = out ? place_enter(&err) : -ENOMEM;
	if (!rc)
		rc = run_open(&opts.run, &run, &err);
	if (!rc)
		rc = bench(&opts, run, out, &err);
	if (rc)
		fprintf(stderr, "bench: %s\n", err.msg[0] ? err.msg : strerror(-rc));
	if (run)
		out_budgets(out);
	if (run && out_json(out, opts.json))
		fprintf(stderr, "bench: cannot write %s\n", opts.json);
	run_close(run);
	out_free(out);
	return rc ? 1 : 0;
}
