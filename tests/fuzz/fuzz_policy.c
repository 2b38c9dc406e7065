// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy file, any bytes. Besides not crashing: a file with an error gives nothing, each
 * problem has a place in a text that is there and is one clean line; a file without one prints to a
 * text that reads back to the same policy, and differs from itself in nothing. The part behind the
 * first form feed is the list that the file may name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/policy/file.h"
#include "user/policy/file_diff.h"

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

struct input {
	const char *list;
	size_t size;
	size_t loads;
};

static int load(void *arg, const char *path, char **ret_text, size_t *ret_size, struct fw_err *err)
{
	struct input *input = arg;

	CHECK(*path);
	if (!input->list || ++input->loads > 8)
		return fw_err_set(err, -ENOENT, NULL, "%s: no such list", path);
	*ret_text = malloc(input->size + 1);
	CHECK(*ret_text);
	memcpy(*ret_text, input->list, input->size);
	(*ret_text)[input->size] = '\0';
	*ret_size = input->size;
	return 0;
}

static void check_clean(const char *text, const char *but)
{
	for (const char *p = text; *p; p++)
		CHECK(((unsigned char)*p >= 0x20 && *p != 0x7f) || strchr(but, *p));
}

static void check_problems(const struct fw_problems *problems)
{
	size_t errors = 0;

	for (size_t i = 0; i < problems->count; i++) {
		const struct fw_problem *p = &problems->at[i];

		CHECK(p->name && p->line && p->column && p->err.msg[0]);
		check_clean(p->err.msg, "");
		check_clean(p->err.hint, "");
		check_clean(p->excerpt, "\n");
		errors += p->severity == FW_PROBLEM_ERROR;
	}
	CHECK(errors == problems->errors || errors == FW_PROBLEMS_SHOWN);
}

static void no_difference(void *arg, const char *path, const char *before, const char *after)
{
	fprintf(stderr, "%s: %s / %s\n", path, before ? before : "-", after ? after : "-");
	CHECK(!arg);
	abort();
}

static void there_and_back(struct fw_file *file, const struct fw_file_context *context)
{
	struct fw_problems problems = { 0 };
	struct fw_file again = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CHECK(out && !fw_file_print(out, file, context->clock) && !fclose(out));
	CHECK(!fw_file_parse("again", text, size, context, &again, &problems, NULL));
	CHECK(!fw_file_diff(file, &again, context->clock, no_difference, NULL, NULL));
	CHECK(!memcmp(&file->settings, &again.settings, sizeof(again.settings)));
	CHECK(file->lanes.count == again.lanes.count);
	fw_file_free(&again);
	fw_problems_free(&problems);
	free(text);
}

/* libfyaml 0.7 loses the buffer of a scalar that is broken off; what we allocate counts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct fw_file_clock clock = { 5000000000000ULL, 1781035200000000000ULL };
	struct fw_file_session session = { .peer_be = { 0, 0, 0xffff0000, 0x0100000a } };
	const __u8 *feed = memchr(data, '\f', size);
	struct input input = { feed ? (const char *)feed + 1 : NULL,
			       feed ? (size_t)(data + size - feed) - 1 : 0, 0 };
	struct fw_file_loader loader = { load, &input };
	static const char *iface[] = { "lo", "eth0" }, *addr[] = { "127.0.0.1", "192.0.2.10" };
	static const struct fw_file_host host = { iface, addr, 2, 2, true };
	struct fw_file_context context = { clock, 4000000, &loader, &session, &host };
	size_t len = feed ? (size_t)(feed - data) : size;
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	struct fw_err err = { 0 };
	char *text = malloc(len ? len : 1); /* no NUL behind it */
	int r;

	CHECK(text);
	memcpy(text, data, len);
	r = fw_file_parse("p.yaml", text, len, &context, &file, &problems, &err);
	check_problems(&problems);
	if (r) {
		CHECK(err.msg[0] && problems.errors && !file.model && !file.lanes.count);
	} else {
		CHECK(!problems.errors && file.model);
		there_and_back(&file, &context);
	}
	fw_file_free(&file);
	fw_problems_free(&problems);
	free(text);
	return 0;
}
