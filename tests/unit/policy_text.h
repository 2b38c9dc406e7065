/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading policies from texts in tests: no files, no state, a clock that stands. */
#ifndef FW_TESTS_POLICY_TEXT_H
#define FW_TESTS_POLICY_TEXT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/policy/file.h"

#define TEST_NOW_S  5000
#define TEST_WALL_S 1781035200ULL /* 2026-06-09 20:00:00 UTC */

struct test_list {
	const char *path, *text;
};

static struct fw_file_clock test_clock(void)
{
	return (struct fw_file_clock){ TEST_NOW_S * 1000000000ULL, TEST_WALL_S * 1000000000ULL };
}

static int test_load(void *arg, const char *path, char **ret_text, size_t *ret_size,
		     struct fw_err *err)
{
	for (const struct test_list *list = arg; list && list->path; list++)
		if (!strcmp(list->path, path)) {
			*ret_text = strdup(list->text);
			*ret_size = strlen(list->text);
			return *ret_text ? 0 : -ENOMEM;
		}
	return fw_err_set(err, -ENOENT, NULL, "%s cannot be read: no such list", path);
}

static inline int test_parse(const char *text, const struct test_list *lists,
			     const struct fw_file_session *session, struct fw_file *ret,
			     struct fw_problems *problems)
{
	struct fw_file_loader loader = { test_load, (void *)lists };
	struct fw_file_context context = { test_clock(), 4000000, &loader, session, NULL };
	struct fw_err err;

	return fw_file_parse("p.yaml", text, strlen(text), &context, ret, problems, &err);
}

/* "2:3 error: ..." of each problem, a line each; freed by the caller. */
static inline char *test_problems(const struct fw_problems *problems)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < problems->count; i++) {
		const struct fw_problem *p = &problems->at[i];

		fprintf(out, "%s%s%zu:%zu %s: %s\n", strcmp(p->name, "p.yaml") ? p->name : "",
			strcmp(p->name, "p.yaml") ? ":" : "", p->line, p->column,
			p->severity == FW_PROBLEM_ERROR ? "error"
			: p->guard			? "guard"
							: "warning",
			p->err.msg);
	}
	fclose(out);
	return text;
}

#endif
