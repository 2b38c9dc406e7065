/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every command file includes: the row of the table of commands, the context a command runs
 * in, and the ways to print a result. A command never prints an error itself: it fills cli->err
 * and returns a negative errno; main prints it once, as text or as JSON, and makes the exit code.
 * In JSON mode exactly one document goes to stdout per run of a command, and nothing else does.
 */
#ifndef FW_CLI_H
#define FW_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>

#include "user/base/err.h"

struct fw_cli;

/* One option of a command. The table ends with a row whose name is NULL. */
struct fw_cli_option {
	const char *name; /* long name without dashes */
	char key;	  /* short letter, 0 = none; j p V ? h are taken */
	const char *arg;  /* its value in the help, NULL = a switch; X...: may be given often */
	const char *help;
	const char *choices; /* for completion: words separated by spaces, or NULL */
};

enum fw_cli_flag {
	FW_CLI_WATCH = 1 << 0,	 /* --watch makes sense: the command only reads */
	FW_CLI_DEFAULT = 1 << 1, /* what the object alone, without a verb, stands for */
};

/* One command. `verb` is NULL for commands of one word. Tables end with a row whose object is NULL.
 */
struct fw_cli_command {
	const char *object;
	const char *verb;
	const char *args; /* synopsis of the operands, "" = none */
	const char *help; /* one line, no full stop */
	const char *doc;  /* what else one must know, ends without newline; may be NULL */
	const struct fw_cli_option *options; /* may be NULL */
	int min_args, max_args;		     /* operands; max_args -1 = any number */
	unsigned int flags;		     /* enum fw_cli_flag */
	/* 0, or negative errno with cli->err filled (exit code included). argv: operands only,
	 * without options and words. */
	int (*run)(struct fw_cli *cli, int argc, char **argv);
	int tag; /* for commands that share one function */
	const char
		*choices; /* for completion of operands: words, or @iface @file @class @service */
};

#define FW_CLI_OPTIONS_MAX 32
#define FW_CLI_AGAIN_MAX   32

struct fw_cli {
	const struct fw_cli_command *command;
	const char *pins; /* pin directory; never NULL */
	bool json;	  /* print JSON documents */
	bool pretty;	  /* ... indented */
	bool color;	  /* decided once: terminal, NO_COLOR, --color */
	double watch_s;	  /* seconds between runs, 0 = run once */
	unsigned int run; /* 0 in the first run, counts up under --watch */
	int exit_code;	  /* enum fw_exit to leave with when the command succeeds */
	struct fw_err err;

	/* What a command keeps from one run to the next (to make rates of counters). */
	void *memory;
	void (*memory_free)(void *memory);

	/* for main.c, sign.c, audit.c and options.c */
	char told[512]; /* the sentence of fw_cli_done(), for the journal */
	int argc;	/* the whole command line */
	char **argv;
	const char *value[FW_CLI_OPTIONS_MAX]; /* by row of command->options; NULL = not given */
	struct {
		int row;
		const char *value;
	} again[FW_CLI_AGAIN_MAX]; /* values given before the last one of their row, in order */
	unsigned int again_nr;
	json_t *warnings;
	json_t *problems; /* list that goes into the error object, NULL = none */
};

/* The option's value ("" for a switch), or NULL when it was not given. `name` must be in the table.
 */
const char *fw_cli_option(const struct fw_cli *cli, const char *name);
/* The n-th value of an option that may be given several times, from 0; NULL: not that many. */
const char *fw_cli_option_nth(const struct fw_cli *cli, const char *name, unsigned int n);

/* Print `doc` (an object; reference stolen) with "schema":1 in front and the warnings so far. 0 or
 * -errno. */
int fw_cli_json(struct fw_cli *cli, json_t *doc);

/* A change was made: `doc` (stolen) in JSON mode, the sentence in text mode. 0 or -errno. */
int fw_cli_done(struct fw_cli *cli, json_t *doc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same where nothing was changed: the record of who changed what has no part in it. */
int fw_cli_say(struct fw_cli *cli, json_t *doc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A line of a result for people, ended here. It may hold names from outside (files, interfaces):
 * control characters come out as '?'. fw_cli_done() and fw_cli_warn() see to that, too.
 */
void fw_cli_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say something beside the result: stderr in text mode, "warnings" of the document in JSON mode. */
void fw_cli_warn(struct fw_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Bad use of the command itself: fills cli->err with exit code 1 and a pointer to --help; returns
 * -EINVAL so that `return fw_cli_usage(...)` works.
 */
int fw_cli_usage(struct fw_cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * text: what --name lists with commas, NULL if it was not given. Bad use if a place in it is empty:
 * a shell variable that is not set must not mean "any" or "none". 0 or -EINVAL.
 */
int fw_cli_check_list(struct fw_cli *cli, const char *name, const char *text);

/* Columns of the terminal on stdout, 80 when there is none. */
int fw_cli_width(void);

/* One table per file; families.c lists them. */
extern const struct fw_cli_command fw_cmd_attach[]; /* attach, detach */
extern const struct fw_cli_command fw_cmd_run[];
extern const struct fw_cli_command fw_cmd_incident[]; /* list, show, watch, open, note, close */
extern const struct fw_cli_command fw_cmd_status[];
extern const struct fw_cli_command fw_cmd_stats[];
extern const struct fw_cli_command fw_cmd_doctor[];
extern const struct fw_cli_command fw_cmd_limit[];
extern const struct fw_cli_command fw_cmd_budget[];
extern const struct fw_cli_command fw_cmd_lane[]; /* block, trust, manage, class */
extern const struct fw_cli_command fw_cmd_service[];
extern const struct fw_cli_command fw_cmd_source[];
extern const struct fw_cli_command fw_cmd_ban[];
extern const struct fw_cli_command fw_cmd_mode[];
extern const struct fw_cli_command fw_cmd_option[];
extern const struct fw_cli_command fw_cmd_reflect[];
extern const struct fw_cli_command fw_cmd_policy[];
extern const struct fw_cli_command fw_cmd_replay[];
extern const struct fw_cli_command fw_cmd_evidence[]; /* incident report, verify ...; key */
extern const struct fw_cli_command fw_cmd_explain[];

#endif
