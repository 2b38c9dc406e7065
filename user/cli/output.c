// SPDX-License-Identifier: GPL-2.0-only
/*
 * How results, warnings and usage errors leave a command. In JSON mode stdout carries one document
 * and nothing else, so a script can parse whatever it receives.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/incident.h"

int fw_cli_json(struct fw_cli *cli, json_t *doc)
{
	/* Under --watch one object per line, so that line readers work. */
	bool pretty = cli->pretty && !(cli->watch_s > 0);
	json_t *out = fw_json_new();
	int err = -ENOMEM;

	if (!out || !doc || json_object_update(out, doc))
		goto out;
	if (json_array_size(cli->warnings) && json_object_set(out, "warnings", cli->warnings))
		goto out;
	err = fw_json_print(stdout, out, pretty ? FW_JSON_PRETTY : FW_JSON_COMPACT);
	(void)json_array_clear(cli->warnings); /* NULL is no array: nothing to clear */
out:
	json_decref(out);
	json_decref(doc);
	if (err)
		return fw_err_set(&cli->err, err, NULL,
				  err == -ENOMEM ? "out of memory"
						 : "cannot write to standard output");
	return 0;
}

/* A line safe to show; the caller frees it. NULL: no memory. */
__attribute__((format(printf, 1, 0))) static char *line_of(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		return NULL;
	return fw_text_clean(text, strlen(text) + 1, text);
}

void fw_cli_print(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = line_of(fmt, args);
	va_end(args);
	puts(text ?: "out of memory");
	free(text);
}

/* Takes text. */
static int say(struct fw_cli *cli, json_t *doc, char *text)
{
	snprintf(cli->told, sizeof(cli->told), "%s", text ?: "");
	if (!cli->json)
		puts(text ?: "done");
	free(text);
	if (cli->json)
		return fw_cli_json(cli, doc);
	json_decref(doc);
	if (fflush(stdout))
		return fw_err_set(&cli->err, -EIO, NULL, "cannot write to standard output");
	return 0;
}

int fw_cli_done(struct fw_cli *cli, json_t *doc, const char *fmt, ...)
{
	va_list args;
	char *text;

	fw_cli_sign(cli);
	va_start(args, fmt);
	text = line_of(fmt, args);
	va_end(args);
	return say(cli, doc, text);
}

int fw_cli_say(struct fw_cli *cli, json_t *doc, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = line_of(fmt, args);
	va_end(args);
	return say(cli, doc, text);
}

void fw_cli_warn(struct fw_cli *cli, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = line_of(fmt, args);
	va_end(args);
	if (!text)
		return;
	if (cli->json) {
		if (!cli->warnings)
			cli->warnings = json_array();
		(void)json_array_append_new(cli->warnings, json_string(text)); /* best effort */
	} else {
		fflush(stdout);
		fprintf(stderr, "%swarning:%s %s\n", fw_table_style(stderr, FW_STYLE_WARN),
			fw_table_style(stderr, FW_STYLE_NONE), text);
	}
	free(text);
}

int fw_cli_usage(struct fw_cli *cli, const char *fmt, ...)
{
	const struct fw_cli_command *c = cli->command;
	char msg[sizeof(cli->err.msg)], hint[sizeof(cli->err.hint)] = "floodwall --help";
	va_list args;
	int err;

	va_start(args, fmt);
	vsnprintf(msg, sizeof(msg), fmt, args);
	va_end(args);
	if (c)
		snprintf(hint, sizeof(hint), "usage: floodwall %s%s%s%s%s", c->object,
			 c->verb ? " " : "", c->verb ? c->verb : "", *c->args ? " " : "", c->args);
	err = fw_err_set(&cli->err, -EINVAL, hint, "%s", msg);
	cli->err.exit_code = FW_EXIT_USAGE;
	return err;
}

int fw_cli_check_list(struct fw_cli *cli, const char *name, const char *text)
{
	for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!at[strspn(at, " ")] || at[strspn(at, " ")] == ',')
			return fw_cli_usage(cli,
					    "--%s \"%.40s\" has an empty place: is a shell "
					    "variable unset?",
					    name, text);
	return 0;
}

const char *fw_cli_option(const struct fw_cli *cli, const char *name)
{
	const struct fw_cli_option *o = cli->command->options;

	for (int i = 0; o && o[i].name; i++)
		if (!strcmp(o[i].name, name))
			return cli->value[i];
	abort(); /* a command asked for an option that is not in its table */
}

const char *fw_cli_option_nth(const struct fw_cli *cli, const char *name, unsigned int n)
{
	const char *last = fw_cli_option(cli, name);

	for (unsigned int i = 0; last && i < cli->again_nr; i++)
		if (!strcmp(cli->command->options[cli->again[i].row].name, name) && !n--)
			return cli->again[i].value;
	return n ? NULL : last;
}

int fw_cli_width(void)
{
	int width = fw_table_width(stdout);

	return width > 20 ? width : 80;
}
