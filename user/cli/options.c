// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command line to command. glibc's argp does the parsing and the help; what it lacks is done here:
 * it accepts abbreviations of long options (refused before it sees them) and prints its own errors
 * (silenced, so that they can be one sentence, or JSON). Parsing has two rounds: up to the words
 * that name the command only global options are known, after them the command's own ones too.
 */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/nearest.h"
#include "user/base/table.h"
#include "user/cli/options.h"

enum global_row { G_JSON, G_PRETTY, G_WATCH, G_PINS, G_COLOR, G_VERSION, G_HELP, G_MAX };

const struct fw_cli_option fw_options_global[] = {
	[G_JSON] = { "json", 'j', NULL, "one JSON document on stdout; errors are JSON too", NULL },
	[G_PRETTY] = { "pretty", 'p', NULL, "the same as --json, indented", NULL },
	[G_WATCH] = { "watch", 0, "[SEC]",
		      "repeat every SEC seconds (1); what is counted, with rates", NULL },
	[G_PINS] = { "pins", 0, "DIR", "where the maps are pinned; wins over $FLOODWALL_PINS",
		     "@dir" },
	[G_COLOR] = { "color", 0, "[WHEN]", "auto, always or never; NO_COLOR is honoured",
		      "auto always never" },
	[G_VERSION] = { "version", 'V', NULL, "print the version", NULL },
	[G_HELP] = { "help", 'h', NULL, "explain the command", NULL },
	[G_MAX] = { NULL, 0, NULL, NULL, NULL },
};

/* argp keys: short letters are their own; other rows get numbers beyond any character. */
#define KEY_GLOBAL 0x1000
#define KEY_OWN	   0x2000

struct round {
	struct fw_cli *cli;
	struct fw_cli_line *line;
	int words; /* found so far */
	bool own;  /* second round */
	int rest;  /* index of the first argument the round left, 0 = none */
	const char *watch, *color;
};

static int take_global(struct round *r, enum global_row row, const char *arg)
{
	struct fw_cli *cli = r->cli;

	switch (row) {
	case G_PRETTY:
		cli->pretty = true;
		cli->json = true;
		return 0;
	case G_JSON:
		cli->json = true;
		return 0;
	case G_WATCH:
		r->watch = arg ? arg : "1";
		return 0;
	case G_PINS:
		cli->pins = arg;
		return 0;
	case G_COLOR:
		r->color = arg ? arg : "always";
		return 0;
	case G_VERSION:
		r->line->wish = FW_WISH_VERSION;
		return 0;
	case G_HELP:
		r->line->wish = FW_WISH_HELP;
		return 0;
	case G_MAX:
		break;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t take_word(struct round *r, char *arg, struct argp_state *state)
{
	const struct fw_cli_command *found;

	r->line->word[r->words++] = arg;
	found = fw_options_find(r->line->word[0], NULL);
	if (!found && state->next < state->argc) /* perhaps the two in the wrong order */
		r->line->word[1] = state->argv[state->next];
	/* Two words, or one that needs no second: what follows may be a command's own option. */
	if (r->words == 2 || !found || !found->verb) {
		r->rest = state->next;
		state->next = state->argc;
	}
	return 0;
}

static bool may_repeat(const struct fw_cli_option *o)
{
	const char *dots = strstr(o->arg, "...");

	return dots && !dots[3];
}

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct round *r = state->input;

	if (key == ARGP_KEY_INIT && state->child_inputs)
		state->child_inputs[0] = r; /* the global options' parser */
	if (key == ARGP_KEY_ARG) {
		if (!r->own)
			return take_word(r, arg, state);
		r->line->argv[r->line->argc++] = arg;
		return 0;
	}
	for (int i = 0; i < G_MAX; i++)
		if (key == fw_options_global[i].key || key == KEY_GLOBAL + i)
			return take_global(r, i, arg);
	for (int i = 0; r->own && r->cli->command->options && r->cli->command->options[i].name;
	     i++) {
		const struct fw_cli_option *o = &r->cli->command->options[i];

		if (key != KEY_OWN + i && (!o->key || key != o->key))
			continue;
		if (r->cli->value[i] && arg && !may_repeat(o))
			return -fw_cli_usage(r->cli, "--%s is given twice", o->name);
		if (r->cli->value[i] && r->cli->again_nr == FW_CLI_AGAIN_MAX)
			return E2BIG;
		if (r->cli->value[i]) {
			r->cli->again[r->cli->again_nr].row = i;
			r->cli->again[r->cli->again_nr++].value = r->cli->value[i];
		}
		r->cli->value[i] = arg ? arg : "";
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Rows of ours as argp's. A value in brackets is optional. `value` keeps the names without them. */
static void rows_to_argp(const struct fw_cli_option *rows, int base, struct argp_option *out,
			 char value[][16])
{
	for (int i = 0; rows && rows[i].name; i++) {
		const struct fw_cli_option *o = &rows[i];

		out[i] = (struct argp_option){
			.name = o->name,
			.key = o->key ? o->key : base + i,
			.doc = o->help,
		};
		if (!o->arg)
			continue;
		snprintf(value[i], sizeof(value[i]), "%.*s",
			 (int)strcspn(o->arg + (*o->arg == '['), "]"), o->arg + (*o->arg == '['));
		out[i].arg = value[i];
		out[i].flags = *o->arg == '[' ? OPTION_ARG_OPTIONAL : 0;
	}
}

struct parser {
	struct argp_option own_rows[FW_CLI_OPTIONS_MAX + 1], global_rows[G_MAX + 1];
	char own_value[FW_CLI_OPTIONS_MAX][16], global_value[G_MAX][16];
	struct argp global, argp;
	struct argp_child children[2];
};

static void parser_init(struct parser *p, const struct fw_cli_command *command)
{
	memset(p, 0, sizeof(*p));
	rows_to_argp(fw_options_global, KEY_GLOBAL, p->global_rows, p->global_value);
	p->global = (struct argp){ .options = p->global_rows, .parser = take };
	p->children[0] = (struct argp_child){ &p->global, 0, "Everywhere:", 1 };
	p->argp = (struct argp){ .options = p->own_rows, .parser = take };
	if (!command) {
		p->argp.options = p->global_rows;
		return;
	}
	if (!(command->flags & FW_CLI_WATCH))
		p->global_rows[G_WATCH].flags |= OPTION_HIDDEN;
	rows_to_argp(command->options, KEY_OWN, p->own_rows, p->own_value);
	if (!command->options)
		p->argp.options = NULL; /* argp leaks what it allocates for an empty list */
	p->argp.children = p->children;
}

static const struct fw_cli_option *find_option(const struct fw_cli_command *command,
					       const char *name, size_t len, char key)
{
	const struct fw_cli_option *sets[] = { fw_options_global,
					       command ? command->options : NULL };

	for (int s = 0; s < 2; s++)
		for (const struct fw_cli_option *o = sets[s]; o && o->name; o++)
			if (key ? o->key == key
				: strlen(o->name) == len && !strncmp(o->name, name, len))
				return o;
	return NULL;
}

static int unknown_option(struct fw_cli *cli, const char *name, size_t len)
{
	const char *names[G_MAX + FW_CLI_OPTIONS_MAX], *near;
	char typed[64];
	size_t n = 0;

	for (const struct fw_cli_option *o = fw_options_global; o->name; o++)
		names[n++] = o->name;
	for (const struct fw_cli_option *o = cli->command ? cli->command->options : NULL;
	     o && o->name; o++)
		names[n++] = o->name;
	snprintf(typed, sizeof(typed), "%.*s", (int)len, name);
	near = fw_nearest_word(typed, names, n);
	if (near)
		return fw_cli_usage(cli, "no option --%s here; did you mean --%s?", typed, near);
	return fw_cli_usage(cli, "no option --%s here", typed);
}

/* One argument before argp sees it. *skip: the next one is this option's value. */
static int check_argument(struct fw_cli *cli, const char *arg, bool last, bool *skip)
{
	const struct fw_cli_option *o;
	size_t len;

	*skip = false;
	if (arg[0] != '-' || !arg[1])
		return 0;
	if (arg[1] == '-') {
		len = strcspn(arg + 2, "=");
		o = find_option(cli->command, arg + 2, len, 0);
		if (!o)
			return unknown_option(cli, arg + 2, len);
		if (arg[2 + len] && !o->arg)
			return fw_cli_usage(cli, "--%s takes no value", o->name);
		*skip = !arg[2 + len] && o->arg && *o->arg != '[';
		if (*skip && last)
			return fw_cli_usage(cli, "--%s needs a value: %s", o->name, o->arg);
		return 0;
	}
	for (const char *c = arg + 1; *c; c++) {
		o = find_option(cli->command, "", 0, *c);
		if (!o)
			return fw_cli_usage(cli, "no option -%c here (in \"%.40s\")", *c, arg);
		if (!o->arg)
			continue;
		*skip = !c[1];
		if (*skip && last)
			return fw_cli_usage(cli, "-%c needs a value: %s", *c, o->arg);
		return 0;
	}
	return 0;
}

/* Refuse what argp would abbreviate or silently reject. First round: stops at the words' end. */
static int check_arguments(struct round *r, int argc, char **argv)
{
	const char *object = NULL;
	int words = 0, err;
	bool skip;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			return 0;
		err = check_argument(r->cli, argv[i], i + 1 == argc, &skip);
		if (err)
			return err;
		i += skip;
		if (r->own || argv[i][0] == '-' || skip)
			continue;
		object = object ? object : argv[i];
		if (++words == 2 || !fw_options_find(object, NULL) ||
		    !fw_options_find(object, NULL)->verb)
			return 0;
	}
	return 0;
}

static int run_round(struct round *r, int argc, char **argv)
{
	struct parser p;
	int err;

	err = check_arguments(r, argc, argv);
	if (err)
		return err;
	parser_init(&p, r->own ? r->cli->command : NULL);
	err = argp_parse(&p.argp, argc, argv, ARGP_SILENT | (r->own ? 0 : ARGP_IN_ORDER), NULL, r);
	if (err && !*r->cli->err.msg)
		fw_cli_usage(r->cli, "cannot read these arguments (%s)", strerror(err));
	return -err;
}

static int finish(struct round *r)
{
	struct fw_cli *cli = r->cli;
	const struct fw_cli_command *c = cli->command;
	const char *when = r->color ? r->color : "auto";
	char *end;

	if (strcmp(when, "auto") && strcmp(when, "always") && strcmp(when, "never"))
		return fw_cli_usage(cli, "--color=%.20s: say auto, always or never", when);
	fw_table_colour_wish(!strcmp(when, "always")  ? FW_COLOUR_ALWAYS
			     : !strcmp(when, "never") ? FW_COLOUR_NEVER
						      : FW_COLOUR_AUTO);
	cli->color = fw_table_colour(stdout);
	if (r->line->wish != FW_WISH_RUN || !c)
		return 0;
	if (r->watch) {
		cli->watch_s = strtod(r->watch, &end);
		if (*end || !(cli->watch_s >= 0.1 && cli->watch_s <= 86400))
			return fw_cli_usage(cli, "--watch=%.20s: say seconds, 0.1 to 86400",
					    r->watch);
		if (!(c->flags & FW_CLI_WATCH))
			return fw_cli_usage(cli, "no --watch here: this command runs once");
	}
	if (cli->pins && !*cli->pins)
		return fw_cli_usage(cli, "--pins is empty: say a directory");
	for (int i = 0; i < r->line->argc; i++)
		if (!*r->line->argv[i])
			return fw_cli_usage(cli, "argument %d is empty: is a shell variable unset?",
					    i + 1);
	if (r->line->argc < c->min_args)
		return fw_cli_usage(cli, "%s%s%s needs %s", c->object, c->verb ? " " : "",
				    c->verb ? c->verb : "", c->args);
	if (c->max_args >= 0 && r->line->argc > c->max_args)
		return fw_cli_usage(cli, "\"%.60s\" is one argument too many%s",
				    r->line->argv[c->max_args],
				    r->watch ? "; seconds are given as --watch=SEC" : "");
	return 0;
}

/*
 * Errors of the command line itself must be JSON too, wherever -j stands. Of a line without errors
 * argp knows better: a value may hold these letters.
 */
static void look_for_json(struct fw_cli *cli, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const char *letters = argv[i][0] == '-' && argv[i][1] != '-' ? argv[i] : "";

		cli->pretty |= !strcmp(argv[i], "--pretty") || strchr(letters, 'p');
		cli->json |= cli->pretty || !strcmp(argv[i], "--json") || strchr(letters, 'j');
	}
}

static int run_rounds(struct round *r, int argc, char **argv)
{
	int err = run_round(r, argc, argv);

	if (!err)
		err = fw_options_resolve(r->cli, r->line);
	if (err || !r->cli->command || !r->rest || r->rest >= argc)
		return err;
	r->own = true;
	/* argp takes its first argument for the program's name. */
	return run_round(r, argc - r->rest + 1, argv + r->rest - 1);
}

int fw_options_parse(struct fw_cli *cli, int argc, char **argv, struct fw_cli_line *ret)
{
	struct round r = { .cli = cli, .line = ret };
	int err = -ENOMEM;

	*ret = (struct fw_cli_line){ .wish = FW_WISH_RUN };
	ret->argv = calloc((size_t)argc + 1, sizeof(*ret->argv));
	if (ret->argv)
		err = run_rounds(&r, argc, argv);
	else
		fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	if (err) {
		look_for_json(cli, argc, argv);
		return err;
	}
	if (!ret->word[0] && ret->wish == FW_WISH_RUN)
		ret->wish = FW_WISH_OVERVIEW;
	return finish(&r);
}

int fw_options_help(const struct fw_cli_command *c, FILE *out)
{
	struct parser p;
	char name[64], format[64];
	char *doc = NULL;

	parser_init(&p, c);
	snprintf(name, sizeof(name), "floodwall %s%s%s", c->object, c->verb ? " " : "",
		 c->verb ? c->verb : "");
	if (asprintf(&doc, "%c%s.%s%s", toupper(*c->help), c->help + 1, c->doc ? "\v" : "",
		     c->doc ? c->doc : "") < 0)
		return -ENOMEM;
	/* Without the note on arguments of short options, which says nothing here. */
	snprintf(format, sizeof(format), "no-dup-args-note,rmargin=%d",
		 fw_cli_width() < 90 ? fw_cli_width() - 1 : 90);
	(void)setenv("ARGP_HELP_FMT", format, 0); /* its default is fine too */
	p.argp.args_doc = c->args;
	p.argp.doc = doc;
	argp_help(&p.argp, out,
		  ARGP_HELP_SHORT_USAGE | ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC,
		  name);
	free(doc);
	return 0;
}
