// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shell completion, generated from the table of commands. The script carries one case per command;
 * names that change while it runs (interfaces, files) are asked of the shell.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/cli/help.h"
#include "user/cli/options.h"

int fw_complete_bash(struct fw_cli *cli, int argc, char **argv);

static void put_verbs(FILE *out, const char *object)
{
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			if (c->verb && !strcmp(c->object, object))
				fprintf(out, "%s ", c->verb);
}

static void put_options(FILE *out, const struct fw_cli_option *o)
{
	for (; o && o->name; o++)
		fprintf(out, "--%s ", o->name);
}

/* Words that follow an option with a value: `-m|--mode) values="native generic" ;;` */
static void put_values(FILE *out, const struct fw_cli_option *o)
{
	for (; o && o->name; o++) {
		if (!o->arg || *o->arg == '[')
			continue;
		fputs("\t\t\t", out);
		if (o->key)
			fprintf(out, "-%c|", o->key);
		fprintf(out, "--%s) values=\"%s\" ;;\n", o->name,
			o->choices ? o->choices : "@none");
	}
}

static void put_case(FILE *out, const struct fw_cli_command *c)
{
	fprintf(out, "\t\"%s%s%s\")\n\t\toptions=\"", c->object, c->verb ? " " : "",
		c->verb ? c->verb : "");
	put_options(out, c->options);
	fprintf(out, "\"\n\t\twords=\"%s\"\n", c->choices ? c->choices : "");
	if (c->options && c->options[0].name) {
		fputs("\t\tcase $prev in\n", out);
		put_values(out, c->options);
		fputs("\t\tesac\n", out);
	}
	fputs("\t\t;;\n", out);
}

static const char *const head =
	"# bash completion for floodwall; made by `floodwall completion bash`\n"
	"_floodwall_names()\n{\n"
	"\tcase $1 in\n"
	"\tclass) floodwall --color=never class show 2>/dev/null ;;\n"
	"\tservice) floodwall --color=never service list 2>/dev/null ;;\n"
	"\tesac | awk 'NR > 1 { print $1 }'\n"
	"}\n\n"
	"_floodwall()\n{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal object= verb= options= words= values= verbs= i all\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--pins) ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) if [[ -z $object ]]; then object=${COMP_WORDS[i]}\n"
	"\t\t   elif [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; fi ;;\n"
	"\t\tesac\n"
	"\tdone\n";

static const char *const tail =
	"\tif [[ $prev == --pins ]]; then COMPREPLY=($(compgen -d -- \"$cur\")); return; fi\n"
	"\tall=${values:-$words}\n"
	"\tif [[ $cur == -* && -z $values ]]; then all=\"$options $global\"\n"
	"\telif [[ -z $values && -n $verbs && -z $verb ]]; then all=$verbs; fi\n"
	"\tCOMPREPLY=()\n"
	"\tfor i in $all; do\n"
	"\t\tcase $i in\n"
	"\t\t@iface) COMPREPLY+=($(compgen -W \"$(cd /sys/class/net && echo *)\" -- \"$cur\")) ;;\n"
	"\t\t@file) COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
	"\t\t@dir) COMPREPLY+=($(compgen -d -- \"$cur\")) ;;\n"
	"\t\t@command) COMPREPLY+=($(compgen -W \"$objects\" -- \"$cur\")) ;;\n"
	"\t\t@class|@service) COMPREPLY+=($(compgen -W \"$(_floodwall_names ${i#@})\" -- "
	"\"$cur\")) ;;\n"
	"\t\t@*) ;;\n"
	"\t\t*) COMPREPLY+=($(compgen -W \"$i\" -- \"$cur\")) ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n"
	"complete -F _floodwall floodwall\n";

/* Verbs of every object, each named once. */
static void put_objects(FILE *out)
{
	const char *last = "";

	fputs("\tlocal objects=\"", out);
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++) {
			if (strcmp(c->object, last))
				fprintf(out, "%s ", c->object);
			last = c->object;
		}
	fputs("\"\n\tcase $object in\n\t\"\") words=$objects ;;\n", out);
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++) {
			if (c->verb && strcmp(c->object, last)) {
				fprintf(out, "\t%s) verbs=\"", c->object);
				put_verbs(out, c->object);
				fputs("\" ;;\n", out);
			}
			last = c->object;
		}
	fputs("\tesac\n", out);
}

static void put_script(FILE *out)
{
	fputs(head, out);
	fputs("\tlocal global=\"", out);
	put_options(out, fw_options_global);
	fputs("\"\n", out);
	put_objects(out);
	fputs("\t[[ -n $verbs ]] || verb=\n", out);
	fputs("\tcase \"$object${verb:+ $verb}\" in\n", out);
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			put_case(out, c);
	fputs("\tesac\n", out);
	fputs(tail, out);
}

int fw_complete_bash(struct fw_cli *cli, int argc, char **argv)
{
	char *text = NULL;
	size_t size;
	json_t *doc;
	FILE *out;

	(void)argc; /* the table says one */
	if (strcmp(argv[0], "bash"))
		return fw_cli_usage(cli, "no completion for \"%.40s\", only for bash", argv[0]);
	if (!cli->json) {
		put_script(stdout);
		return 0;
	}
	out = open_memstream(&text, &size);
	if (!out)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	put_script(out);
	fclose(out);
	doc = json_object();
	(void)fw_json_set(doc, "script", fw_json_text(text)); /* a missing key is what NULL gives */
	free(text);
	return fw_cli_json(cli, doc);
}
