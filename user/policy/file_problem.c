// SPDX-License-Identifier: GPL-2.0-only
/*
 * Problems and where they are. What must stay true: whatever bytes a file holds, what is shown of
 * it is one clean line of bounded length, and its caret stands below what is meant.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/file_read.h"

#define SHOWN_BEFORE 60 /* characters of a line left of the caret, at most */
#define SHOWN_AFTER  40

void fw_problems_free(struct fw_problems *problems)
{
	if (!problems)
		return;
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->at[i].name);
		free(problems->at[i].excerpt);
	}
	free(problems->at);
	memset(problems, 0, sizeof(*problems));
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* n characters to the left of at, not beyond start. */
static const char *left_of(const char *start, const char *at, size_t n)
{
	for (; n && at > start; n--)
		do
			at--;
		while (at > start && continues(*at));
	return at;
}

static const char *right_of(const char *at, const char *end, size_t n)
{
	for (; n && at < end; n--)
		do
			at++;
		while (at < end && continues(*at));
	return at;
}

static size_t characters(const char *from, const char *to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += !continues(*from);
	return n;
}

/* "    text\n    ^" of the line around at. NULL: no memory. */
static char *excerpt(const char *start, const char *at, const char *end)
{
	const char *from = left_of(start, at, SHOWN_BEFORE), *to = right_of(at, end, SHOWN_AFTER);
	size_t before = characters(from, at);
	char raw[512], clean[512], *all;
	size_t len = (size_t)(to - from);

	if (len >= sizeof(raw))
		len = sizeof(raw) - 1;
	memcpy(raw, from, len);
	raw[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (raw[i] == '\t' || raw[i] == '\0')
			raw[i] = ' ';
	fw_text_clean(clean, sizeof(clean), raw);
	if (asprintf(&all, "    %s\n    %*s^", clean, (int)before, "") < 0)
		return NULL;
	return all;
}

static struct fw_problem *problem_new(struct fw_reader *reader, enum fw_problem_severity severity)
{
	struct fw_problems *all = reader->problems;
	size_t *counted = severity == FW_PROBLEM_ERROR ? &all->errors : &all->warnings;
	struct fw_problem *grown;

	if (++*counted > FW_PROBLEMS_SHOWN)
		return NULL;
	if (all->count == all->room) {
		size_t room = all->room ? all->room * 2 : 16;

		grown = reallocarray(all->at, room, sizeof(*grown));
		if (!grown) {
			reader->fatal = -ENOMEM;
			return NULL;
		}
		all->at = grown;
		all->room = room;
	}
	all->at[all->count] = (struct fw_problem){ .severity = severity };
	return &all->at[all->count++];
}

static void locate(struct fw_reader *reader, struct fw_problem *problem, struct fw_place place)
{
	const struct fw_source_text *source = &reader->source[place.source];
	size_t pos = place.pos < source->size ? place.pos : source->size;
	const char *at = source->text + pos, *start = at, *end;

	while (start > source->text && start[-1] != '\n')
		start--;
	end = memchr(at, '\n', source->size - pos) ?: source->text + source->size;
	if (end > start && end[-1] == '\r' && at < end)
		end--;
	problem->name = strdup(source->name);
	problem->line = place.line + 1;
	problem->column = characters(start, at) + 1;
	problem->excerpt = excerpt(start, at, end);
	if (!problem->name || !problem->excerpt)
		reader->fatal = -ENOMEM;
}

static void say(struct fw_reader *reader, enum fw_problem_severity severity, bool guard,
		struct fw_place place, const char *hint, const char *fmt, va_list args)
{
	struct fw_problem *problem = problem_new(reader, severity);
	char text[FW_ERR_LEN];

	reader->problems->guards += guard;
	if (!problem)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	fw_err_set(&problem->err, -EINVAL, hint, "%s", text);
	problem->guard = guard;
	locate(reader, problem, place);
}

void fw_reader_say(struct fw_reader *reader, enum fw_problem_severity severity,
		   struct fw_place place, const char *hint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(reader, severity, false, place, hint, fmt, args);
	va_end(args);
}

void fw_reader_guard(struct fw_reader *reader, struct fw_place place, const char *hint,
		     const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(reader, FW_PROBLEM_WARNING, true, place, hint, fmt, args);
	va_end(args);
}

void fw_reader_error(struct fw_reader *reader, struct fw_place place, const struct fw_err *err)
{
	fw_reader_say(reader, FW_PROBLEM_ERROR, place, *err->hint ? err->hint : NULL, "%s",
		      err->msg);
}

void fw_reader_list_error(struct fw_reader *reader, __u32 source, size_t line, size_t column,
			  const struct fw_err *err)
{
	const struct fw_source_text *in = &reader->source[source];
	const char *at = in->text, *end = in->text + in->size;

	for (size_t i = 1; i < line && at < end; i++)
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
	at += column - 1;
	fw_reader_error(reader,
			(struct fw_place){ (__u32)(at - in->text), (__u32)line - 1, source }, err);
}

static int by_place(const void *a_, const void *b_)
{
	const struct fw_problem *a = a_, *b = b_;
	int d = strcmp(a->name ?: "", b->name ?: "");

	if (!d)
		d = (a->line > b->line) - (a->line < b->line);
	if (!d)
		d = (a->column > b->column) - (a->column < b->column);
	return d ? d : (int)a->severity - (int)b->severity;
}

void fw_problems_sort(struct fw_problems *problems)
{
	if (problems->count)
		qsort(problems->at, problems->count, sizeof(*problems->at), by_place);
}
