// SPDX-License-Identifier: GPL-2.0-only
/* Help is generated from the table of commands, so that it cannot disagree with it. */
#include <errno.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/nearest.h"
#include "user/base/table.h"
#include "user/cli/help.h"
#include "user/cli/options.h"

struct topic {
	const char *name, *title, *text;
};

static const struct topic topics[] = {
	{ "exit-codes", "what the exit code means",
	  "  0  done\n"
	  "  1  usage or bad input, also a file that is not there; nothing was changed\n"
	  "  2  refused by the kernel, or failed\n"
	  "  3  not there: nothing attached, no state, no prefix or ban to take away\n"
	  "  4  not permitted\n"
	  "  5  works, but degraded (doctor found something, generic mode)\n" },
	{ "numbers", "how numbers, rates and times are written",
	  "  10k  200M  1.5G      powers of 1000\n"
	  "  50/s  10k/m  1/h     rates; without a unit of time: per second\n"
	  "  200MB/s  1Gbit/s     rates of bytes\n"
	  "  90s  5m  2h  1d  1w  times; 1h30m; forever\n" },
	{ "lanes", "which prefix list wins when an address is on several",
	  "  management > trusted > blocked > class\n"
	  "An address in management is never cut off, whatever else lists it. Trusted\n"
	  "sources have a budget of their own, ahead of all others. Blocked sources are\n"
	  "dropped. A class gives a source other limits than the default ones; of several\n"
	  "classes the longest prefix wins. Of several prefixes in one lane the one that\n"
	  "lasts longest counts.\n" },
};

#define TOPICS (sizeof(topics) / sizeof(topics[0]))

static const char synopsis[] = "usage: floodwall [OPTIONS] COMMAND [ARGUMENTS]\n";

#define WORDS 28 /* columns for what is typed; longer ones have a line to themselves */

static void print_words(FILE *out, const char *words, const char *help)
{
	if (strlen(words) > WORDS)
		fprintf(out, "  %s\n  %*s  ", words, WORDS, "");
	else
		fprintf(out, "  %-*s  ", WORDS, words);
	fw_table_wrap(out, help, WORDS + 4, fw_cli_width() - WORDS - 4);
}

static void print_line(FILE *out, const struct fw_cli_command *c)
{
	char words[96];

	snprintf(words, sizeof(words), "%s%s%s%s%s", c->object, c->verb ? " " : "",
		 c->verb ? c->verb : "", *c->args ? " " : "", c->args);
	print_words(out, words, c->help);
}

void fw_help_overview(FILE *out)
{
	fputs(synopsis, out);
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++) {
		if (*f->title) /* else it goes on under the heading above */
			fprintf(out, "\n%s\n", f->title);
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			print_line(out, c);
	}
	fputs("\nOptions, anywhere on the line\n", out);
	for (const struct fw_cli_option *o = fw_options_global; o->name; o++) {
		bool maybe = o->arg && *o->arg == '[';
		char words[64];

		snprintf(words, sizeof(words), "%s%c%s --%s%s%s", o->key ? "-" : " ",
			 o->key ? o->key : ' ', o->key ? "," : " ", o->name,
			 !o->arg ? ""
			 : maybe ? "[="
				 : " ",
			 o->arg ? o->arg + maybe : "");
		print_words(out, words, o->help);
	}
	fputs("\nTopics (floodwall help TOPIC)\n", out);
	for (size_t i = 0; i < TOPICS; i++)
		print_words(out, topics[i].name, topics[i].title);
	fputs("\nEvery command explains itself with --help.\n", out);
}

static json_t *command_json(const struct fw_cli_command *c)
{
	json_t *list = json_array(), *one = json_object();
	int err = 0;

	for (const struct fw_cli_option *o = c->options; o && o->name; o++) {
		json_t *row = json_object();

		err |= fw_json_set(row, "name", fw_json_text(o->name));
		if (o->arg)
			err |= fw_json_set(row, "value", fw_json_text(o->arg));
		err |= fw_json_set(row, "help", fw_json_text(o->help));
		err |= fw_json_push(list, row);
	}
	err |= fw_json_set(one, "object", fw_json_text(c->object));
	err |= fw_json_set(one, "verb", c->verb ? fw_json_text(c->verb) : json_null());
	err |= fw_json_set(one, "arguments", fw_json_text(c->args));
	err |= fw_json_set(one, "help", fw_json_text(c->help));
	if (c->doc)
		err |= fw_json_set(one, "more", fw_json_text(c->doc));
	err |= fw_json_set(one, "options", list);
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

int fw_help_command(struct fw_cli *cli, const struct fw_cli_command *c)
{
	json_t *doc;

	if (!cli->json)
		return fw_options_help(c, stdout);
	doc = json_object();
	(void)fw_json_set(doc, "command", command_json(c)); /* a NULL shows as no document */
	return fw_cli_json(cli, doc);
}

/* The rows of one object, or of all (NULL), as a JSON list. */
static json_t *commands_json(const char *object)
{
	json_t *list = json_array();

	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			if (!object || !strcmp(c->object, object))
				(void)fw_json_push(list, command_json(c)); /* best effort */
	return list;
}

int fw_help_object(struct fw_cli *cli, const char *object)
{
	if (cli->json) {
		json_t *doc = json_object();

		(void)fw_json_set(doc, "commands", commands_json(object)); /* as above */
		return fw_cli_json(cli, doc);
	}
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			if (!object || !strcmp(c->object, object))
				print_line(stdout, c);
	printf("\nfloodwall %s VERB --help explains one of them, with its options.\n", object);
	return 0;
}

static int help_topic(struct fw_cli *cli, const char *name)
{
	const char *names[TOPICS], *near;
	json_t *doc;

	for (size_t i = 0; i < TOPICS; i++) {
		names[i] = topics[i].name;
		if (strcmp(name, topics[i].name))
			continue;
		if (!cli->json) {
			printf("%s: %s\n\n%s", topics[i].name, topics[i].title, topics[i].text);
			return 0;
		}
		doc = json_object();
		(void)fw_json_set(doc, "topic", fw_json_text(topics[i].name)); /* as above */
		(void)fw_json_set(doc, "text", fw_json_text(topics[i].text));
		return fw_cli_json(cli, doc);
	}
	near = fw_nearest_word(name, names, TOPICS);
	return fw_cli_usage(cli, "no command or topic \"%.40s\"%s%s%s", name,
			    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int cmd_help(struct fw_cli *cli, int argc, char **argv)
{
	const struct fw_cli_command *c;

	if (argc == 0 && cli->json)
		return fw_help_object(cli, NULL);
	if (argc == 0) {
		fw_help_overview(stdout);
		return 0;
	}
	c = fw_options_find(argv[0], argc > 1 ? argv[1] : NULL);
	if (!c && argc == 1)
		return help_topic(cli, argv[0]);
	if (!c)
		return fw_cli_usage(cli, "no command \"%.40s %.40s\"", argv[0], argv[1]);
	if (argc == 1 && c->verb)
		return fw_help_object(cli, argv[0]);
	return fw_help_command(cli, c);
}

int fw_complete_bash(struct fw_cli *cli, int argc, char **argv);

const struct fw_cli_command fw_cmd_help[] = {
	{ .object = "help",
	  .args = "[COMMAND|TOPIC]",
	  .help = "explain a command or a topic",
	  .max_args = 2,
	  .run = cmd_help,
	  .choices = "@command exit-codes numbers lanes" },
	{ .object = "completion",
	  .args = "bash",
	  .help = "print the completion script of a shell",
	  .doc = "Try it: source <(floodwall completion bash)",
	  .min_args = 1,
	  .max_args = 1,
	  .run = fw_complete_bash,
	  .choices = "bash" },
	{ .object = NULL },
};
