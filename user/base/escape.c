// SPDX-License-Identifier: GPL-2.0-only
/* Escaping, one table of characters a language. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/escape.h"
#include "user/base/text.h"

/* A clean copy: the caller frees it. NULL: no memory. */
static char *clean(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);

	if (!copy)
		return NULL;
	return fw_text_clean(copy, size, text);
}

static int finish(FILE *out, char *copy)
{
	free(copy);
	return ferror(out) ? -EIO : 0;
}

static const char *html(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

int fw_escape_html(FILE *out, const char *text)
{
	char *copy = clean(text);

	if (!copy)
		return -EIO;
	for (const char *c = copy; *c; c++) {
		const char *named = html(*c);

		if (named)
			fputs(named, out);
		else
			fputc(*c, out);
	}
	return finish(out, copy);
}

int fw_escape_markdown(FILE *out, const char *text)
{
	char *copy = clean(text);

	if (!copy)
		return -EIO;
	for (const char *c = copy; *c; c++) {
		const char *named = *c == '"' || *c == '\'' ? NULL : html(*c);

		/* CommonMark 2.4: a backslash may stand before any ASCII punctuation. The colon
		 * and the dot of a bare link cannot be escaped; breaking its scheme can. */
		if (named)
			fputs(named, out);
		else if (strchr("\\`*_{}[]()#+-!|~^$=", *c))
			fprintf(out, "\\%c", *c);
		else if (*c == ':' && c[1] == '/')
			fputs("&#58;", out);
		else if (*c == '@')
			fputs("&#64;", out);
		else
			fputc(*c, out);
	}
	return finish(out, copy);
}

/* = + - @, and their wide forms (U+FF1D, U+FF0B, U+FF0D, U+FF20), which some take for the same. */
static bool is_formula(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] == 0xef && c[1] == 0xbc)
		return c[2] == 0x9d || c[2] == 0x8b || c[2] == 0x8d || c[2] == 0xa0;
	return *c == '=' || *c == '+' || *c == '-' || *c == '@';
}

int fw_escape_csv(FILE *out, const char *text)
{
	char *copy = clean(text);
	bool quote, formula;

	if (!copy)
		return -EIO;
	formula = is_formula(copy + strspn(copy, " "));
	quote = formula || strpbrk(copy, ",\"'") || *copy == ' ';
	if (quote)
		fputc('"', out);
	if (formula)
		fputc('\'', out);
	for (const char *c = copy; *c; c++) {
		if (*c == '"')
			fputc('"', out);
		fputc(*c, out);
	}
	if (quote)
		fputc('"', out);
	return finish(out, copy);
}
