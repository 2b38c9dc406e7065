// SPDX-License-Identifier: GPL-2.0-only
/* From the words of a command line to a row of the table, or to the word that was meant. */
#include <errno.h>
#include <string.h>

#include "user/base/nearest.h"
#include "user/base/text.h"
#include "user/cli/options.h"

const struct fw_cli_command *fw_options_find(const char *object, const char *verb)
{
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++) {
		for (const struct fw_cli_command *c = f->commands; c->object; c++) {
			if (strcmp(c->object, object))
				continue;
			if (!verb || (c->verb && !strcmp(c->verb, verb)))
				return c;
		}
	}
	return NULL;
}

/* What `floodwall OBJECT` alone stands for: the row without a verb, or the one marked for it. */
static const struct fw_cli_command *find_alone(const char *object)
{
	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++)
			if (!strcmp(c->object, object) && (!c->verb || c->flags & FW_CLI_DEFAULT))
				return c;
	return NULL;
}

/* The one object that has this verb, for "undo" and "confirm"; NULL: none, or several. */
static const char *only_of_verb(const char *verb)
{
	const char *found = NULL;

	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++)
		for (const struct fw_cli_command *c = f->commands; c->object; c++) {
			if (!c->verb || strcmp(c->verb, verb))
				continue;
			if (found)
				return NULL;
			found = c->object;
		}
	return found;
}

/* verb: NULL if it is the object that is unknown; then: the word typed behind that, or NULL. */
static int unknown_words(struct fw_cli *cli, const char *object, const char *verb, const char *then)
{
	const char *names[128], *near, *alone;
	char list[160] = "";
	__be32 addr_be[4];
	__u8 len;
	size_t n = 0, used = 0;

	for (const struct fw_cli_family *f = fw_cli_families; f->title; f++) {
		for (const struct fw_cli_command *c = f->commands; c->object && n < 128; c++) {
			if (verb && strcmp(c->object, object))
				continue;
			names[n++] = verb ? c->verb : c->object;
			if (verb && used < sizeof(list))
				used += (size_t)snprintf(list + used, sizeof(list) - used, " %s",
							 c->verb);
		}
	}
	if (verb && !fw_text_prefix(verb, addr_be, &len, NULL)) {
		const char *meant = fw_options_find(object, "add") ? "add" : "show";

		if (fw_options_find(object, meant))
			return fw_cli_usage(cli, "say what to do with %.50s: %s %s %.50s?", verb,
					    object, meant, verb);
	}
	alone = verb ? NULL : only_of_verb(object);
	if (alone)
		return fw_cli_usage(cli, "no command \"%.40s\"; did you mean \"%s %s\"?", object,
				    alone, object);
	near = fw_nearest_word(verb ? verb : object, names, n);
	if (!verb && near)
		return fw_cli_usage(cli, "no command \"%.40s\"; did you mean \"%s\"?", object,
				    near);
	if (!verb && then && fw_options_find(then, object))
		return fw_cli_usage(cli, "no command \"%.40s\"; did you mean \"%s %s\"?", object,
				    then, object);
	if (!verb)
		return fw_cli_usage(cli, "no command \"%.40s\"", object);
	if (near)
		return fw_cli_usage(cli, "%s has no \"%.40s\"; did you mean \"%s %s\"?", object,
				    verb, object, near);
	return fw_cli_usage(cli, "%s has no \"%.40s\", it has:%s", object, verb, list);
}

int fw_options_resolve(struct fw_cli *cli, const struct fw_cli_line *l)
{
	if (!l->word[0])
		return 0;
	if (!fw_options_find(l->word[0], NULL))
		return unknown_words(cli, l->word[0], NULL, l->word[1]);
	if (l->word[1]) {
		cli->command = fw_options_find(l->word[0], l->word[1]);
		if (!cli->command)
			return unknown_words(cli, l->word[0], l->word[1], NULL);
	} else {
		cli->command = find_alone(l->word[0]);
		if (!cli->command && l->wish == FW_WISH_RUN)
			return unknown_words(cli, l->word[0], "", NULL);
	}
	return 0;
}
