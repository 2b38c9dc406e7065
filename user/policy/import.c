// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading lists of prefixes. What must stay true: every problem of a list is found in one pass, and
 * a list with a problem changes nothing; so entries are collected in a set of their own first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/import.h"

struct reader {
	const struct fw_prefix *how;
	struct fw_import_report *report;
	struct fw_prefixes list;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Counts a problem and gives where to describe it; NULL when enough are shown. */
static struct fw_err *problem_add(struct reader *reader, size_t line, size_t col)
{
	struct fw_import_report *report = reader->report;
	struct fw_import_problem *to;

	if (report->problems++ >= FW_IMPORT_SHOWN)
		return NULL;
	to = &report->problem[report->problems - 1];
	to->line = line;
	to->col = col;
	return &to->err;
}

/* Lists are published as lines of JSON and as tables, too; a tool every admin has takes them apart.
 */
static const char *foreign(const char *text, size_t size)
{
	if (size && *text == '{')
		return "lines of JSON? jq -r '.cidr // empty' FILE prints such prefixes alone";
	if (memchr(text, ',', size))
		return "a table? cut -d, -f1 FILE prints its first column";
	return NULL;
}

static int entry_add(struct reader *reader, const char *word, const char *hint, size_t line,
		     size_t col)
{
	struct fw_prefix one = *reader->how;
	struct fw_err err;
	int r = fw_text_prefix(word, one.addr_be, &one.len, &err);

	if (r) {
		struct fw_err *to = problem_add(reader, line, col);

		if (to)
			*to = err;
		if (to && hint)
			snprintf(to->hint, sizeof(to->hint), "%s", hint);
		return 0;
	}
	reader->report->prefixes++;
	r = fw_prefixes_add(&reader->list, &one, NULL, NULL);
	if (r > 0)
		reader->report->repeated++;
	return r < 0 ? r : 0;
}

/* One line, without its end. Only lack of memory or room is an error here. */
static int line_read(struct reader *reader, const char *text, size_t size, size_t line)
{
	const char *hint = NULL;
	char word[FW_TEXT_LEN];
	size_t start = 0, end, rest;

	while (start < size && is_blank(text[start]))
		start++;
	for (end = start; end < size && !is_blank(text[end]) && !strchr("#;", text[end]);)
		end++; /* strchr finds NUL as well: such a byte ends the word and is complained of
			*/
	for (rest = end; rest < size && is_blank(text[rest]);)
		rest++;
	if (end > start)
		hint = foreign(text + start, end - start);
	if (rest < size && text[rest] != '#' && text[rest] != ';') {
		fw_err_set(problem_add(reader, line, rest + 1), -EINVAL,
			   hint ?: "put one prefix on a line; comments begin with # or ;",
			   "there is more behind \"%.*s\"",
			   (int)(end - start < 60 ? end - start : 60), text + start);
		return 0;
	}
	if (start == end)
		return 0;
	/* Longer than any prefix: cut, but surely not valid any more. */
	snprintf(word, sizeof(word), "%.*s",
		 (int)(end - start < sizeof(word) ? end - start : sizeof(word) - 1), text + start);
	return entry_add(reader, word, hint, line, start + 1);
}

static int text_read(struct reader *reader, const char *text, size_t size)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t at = 0;
	int r = 0;

	if (size >= 3 && !memcmp(text, bom, 3))
		at = 3;
	while (!r && at < size) {
		const char *nl = memchr(text + at, '\n', size - at);
		size_t len = nl ? (size_t)(nl - text) - at : size - at;

		r = line_read(reader, text + at, len, ++reader->report->lines);
		at += len + (nl != NULL);
	}
	return r;
}

static int refuse(const char *name, const struct fw_import_report *report, struct fw_err *err)
{
	const struct fw_import_problem *first = &report->problem[0];
	char more[64] = "";

	if (report->problems > 1)
		snprintf(more, sizeof(more), " (and %zu more)", report->problems - 1);
	return fw_err_set(err, -EINVAL, first->err.hint, "%.80s:%zu:%zu: %s%s", name, first->line,
			  first->col, first->err.msg, more);
}

/* Everything that can fail comes before the first entry moves. */
static int list_merge(struct reader *reader, const char *why, struct fw_prefixes *set,
		      struct fw_err *err)
{
	struct fw_import_report *report = reader->report;
	size_t added = 0;
	int r;

	for (size_t i = 0; i < reader->list.count; i++) {
		const struct fw_prefix *one = &reader->list.at[i];

		added += !fw_prefixes_find(set, one->lane, one->addr_be, one->len);
	}
	r = fw_prefixes_reserve(set, added, why, err);
	for (size_t i = 0; r >= 0 && i < reader->list.count; i++)
		r = fw_prefixes_add(set, &reader->list.at[i], why, err);
	if (r < 0)
		return r;
	report->added = added;
	report->replaced = reader->list.count - added;
	return 0;
}

int fw_import_text(const char *name, const char *text, size_t size, const struct fw_prefix *how,
		   const char *why, struct fw_prefixes *set, struct fw_import_report *ret_report,
		   struct fw_err *err)
{
	struct reader reader = { .how = how, .report = ret_report };
	int r;

	memset(ret_report, 0, sizeof(*ret_report));
	r = text_read(&reader, text, size);
	if (r == -ENOSPC)
		fw_err_set(err, r, "import fewer", "%.80s:%zu: more than %d prefixes", name,
			   ret_report->lines, FW_PREFIX_MAX);
	else if (r)
		fw_err_set(err, r, NULL, "%.80s:%zu: no memory, or what to import as is impossible",
			   name, ret_report->lines);
	else if (ret_report->problems)
		r = refuse(name, ret_report, err);
	else
		r = list_merge(&reader, why, set, err);
	fw_prefixes_free(&reader.list);
	return r;
}
