// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command: a table of families of commands, one loop that runs the chosen one (again and again
 * under --watch), and the only place where errors are printed and exit codes are made.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/cli/audit.h"
#include "user/cli/help.h"
#include "user/cli/options.h"
#include "user/kern/attach.h"
#include "user/kern/pin.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* head(1) and the like end when they have enough: nobody is left who wants to hear of it. */
static bool reader_has_left(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

static int report(const struct fw_cli *cli, int code)
{
	const struct fw_err *err = &cli->err;
	const char *red = fw_table_style(stderr, FW_STYLE_BAD);
	const char *plain = fw_table_style(stderr, FW_STYLE_NONE);

	fflush(stdout);
	if (code == -EIO && reader_has_left())
		return FW_EXIT_FAILED;
	if (cli->json) {
		json_t *doc = fw_json_error(err);

		if (cli->problems)
			(void)json_object_set(json_object_get(doc, "error"), "problems",
					      cli->problems); /* the error is said without it too */
		(void)fw_json_print(stdout, doc, cli->pretty ? FW_JSON_PRETTY : FW_JSON_COMPACT);
		json_decref(doc);
	} else {
		fprintf(stderr, "%serror:%s %s\n", red, plain, err->msg);
		if (*err->hint)
			fprintf(stderr, "  %s\n", err->hint);
	}
	return err->exit_code ? err->exit_code : FW_EXIT_FAILED;
}

/* Sleep to the next multiple of the interval, so that rates do not drift. */
static void pause_until(struct timespec *next, double interval_s)
{
	long long ns = (long long)next->tv_nsec + (long long)(interval_s * 1e9);

	next->tv_sec += (time_t)(ns / 1000000000);
	next->tv_nsec = (long)(ns % 1000000000);
	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static int run(struct fw_cli *cli, int argc, char **argv)
{
	bool clear = cli->watch_s > 0 && !cli->json && isatty(STDOUT_FILENO);
	struct timespec next;
	int err;

	clock_gettime(CLOCK_MONOTONIC, &next);
	if (cli->watch_s > 0) {
		struct sigaction action = { .sa_handler = stop };

		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	for (;;) {
		if (clear)
			fputs("\033[H\033[J", stdout);
		err = cli->command->run(cli, argc, argv);
		if (err || !(cli->watch_s > 0))
			break;
		if (fflush(stdout))
			break; /* the reader has gone */
		pause_until(&next, cli->watch_s);
		if (stopped)
			break;
		if (!clear && !cli->json)
			putchar('\n');
		cli->run++;
	}
	if (cli->memory_free)
		cli->memory_free(cli->memory);
	return err;
}

static int run_told(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_audit before = fw_audit_begin(cli);
	int err = run(cli, argc, argv);

	fw_audit_end(cli, &before); /* a command that failed half-way has changed something, too */
	return err;
}

static int dispatch(struct fw_cli *cli, const struct fw_cli_line *line)
{
	switch (line->wish) {
	case FW_WISH_VERSION:
		return fw_cli_say(
			cli, json_pack("{s:s,s:i}", "version", FW_VERSION, "abi", FW_ABI_VERSION),
			"floodwall %s (abi %d)", FW_VERSION, FW_ABI_VERSION);
	case FW_WISH_HELP:
		if (line->word[0] && !line->word[1] && fw_options_find(line->word[0], NULL)->verb)
			return fw_help_object(cli, line->word[0]);
		if (cli->command)
			return fw_help_command(cli, cli->command);
		if (cli->json)
			return fw_help_object(cli, NULL);
		fw_help_overview(stdout);
		return 0;
	case FW_WISH_OVERVIEW:
		if (!cli->json)
			fw_help_overview(stderr);
		return fw_cli_usage(cli, "no command given");
	case FW_WISH_RUN:
		break;
	}
	return run_told(cli, line->argc, line->argv);
}

int main(int argc, char **argv)
{
	struct fw_cli cli = { 0 };
	struct fw_cli_line line;
	int err, code;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	fw_attach_quiet();
	cli.argc = argc;
	cli.argv = argv;
	err = fw_options_parse(&cli, argc, argv, &line);
	cli.pins = fw_pin_dir(cli.pins);
	if (!err)
		err = dispatch(&cli, &line);
	/* A command that failed without a reason still must not claim success. */
	if (err && !*cli.err.msg)
		fw_err_set(&cli.err, err, NULL, "%s", strerror(-err));
	if (!err && fflush(stdout))
		err = fw_err_set(&cli.err, -EIO, NULL, "cannot write to standard output");
	code = err ? report(&cli, err) : cli.exit_code;
	json_decref(cli.warnings);
	json_decref(cli.problems);
	free(line.argv);
	return code;
}
