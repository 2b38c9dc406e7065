// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy file as a whole: its default, its parts put together, its life. What must stay true:
 * a file with an error gives nothing, and everything wrong with it is known by then.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/compile.h"
#include "user/policy/file_read.h"

void fw_file_free(struct fw_file *file)
{
	if (!file)
		return;
	free(file->model);
	free(file->lists);
	fw_prefixes_free(&file->lanes);
	memset(file, 0, sizeof(*file));
}

void fw_settings_default(struct fw_settings *ret)
{
	memset(ret, 0, sizeof(*ret)); /* settings are compared whole */
	ret->sample_rate = 10;
	ret->sample_bytes = 128;
	ret->record = true;
	strcpy(ret->database, "/var/lib/floodwall/history.db");
	ret->retention_s = 90 * 86400;
	ret->database_max = 1 << 30;
	ret->quiet_s = 60;
	ret->metrics = true;
	ret->listen_be[2] = htonl(0xffff);
	ret->listen_be[3] = htonl(INADDR_LOOPBACK);
	ret->port = 9797;
}

int fw_file_default(struct fw_file *ret, struct fw_err *err)
{
	struct fw_model *model = malloc(sizeof(*model));

	if (!model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the policy");
	fw_model_default(model);
	memset(ret, 0, sizeof(*ret));
	ret->model = model;
	fw_settings_default(&ret->settings);
	return 0;
}

static void read_document(struct fw_reader *reader)
{
	struct fw_yaml_item item = fw_yaml_next(&reader->yaml);
	const struct fw_key *keys;
	size_t count;

	if (item.odd)
		fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), "leave it out",
			      "%s has no meaning in a policy", item.odd);
	if (item.kind == FW_YAML_MAP) {
		keys = fw_keys_below("", &count);
		fw_reader_group(reader, "", keys, count);
		item = fw_yaml_next(&reader->yaml);
	} else if (item.kind == FW_YAML_SCALAR && item.empty) {
		item = fw_yaml_next(&reader->yaml);
	} else if (item.kind != FW_YAML_END && item.kind != FW_YAML_BROKEN) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item),
			      "floodwall policy show prints one that works",
			      "a policy file begins with a key, such as \"services:\"");
		fw_yaml_skip(&reader->yaml, item);
		item = fw_yaml_next(&reader->yaml);
	}
	fw_reader_broken(reader, item);
}

/* What no single key can be blamed for: the whole must compile. */
static void check_whole(struct fw_reader *reader)
{
	struct fw_policy_text *text = malloc(sizeof(*text));
	struct fw_policy *policy = malloc(sizeof(*policy));
	struct fw_err err;

	if (!text || !policy)
		reader->fatal = -ENOMEM;
	else if (fw_compile_policy(reader->file->model, reader->context->tick_ns, policy, text,
				   &err))
		fw_reader_error(reader, reader->services_place, &err);
	free(policy);
	free(text);
}

static void reader_free(struct fw_reader *reader)
{
	fw_yaml_close(&reader->yaml);
	for (__u32 i = 0; i < reader->sources; i++) {
		free(reader->source[i].name);
		if (i)
			free(reader->source[i].text);
	}
	free(reader->source);
	free(reader->prefix_place);
	free(reader);
}

static struct fw_reader *reader_new(const char *name, const char *text, size_t size)
{
	struct fw_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->source = calloc(1, sizeof(*reader->source));
	if (reader->source) {
		reader->sources = 1;
		reader->source[0] = (struct fw_source_text){ strdup(name), (char *)text, size };
	}
	if (!reader->source || !reader->source[0].name) {
		reader_free(reader);
		return NULL;
	}
	return reader;
}

static int read_all(struct fw_reader *reader, struct fw_err *err)
{
	int r = fw_file_default(reader->file, err);

	if (r)
		return r;
	if (!fw_reader_bytes(reader))
		return 0;
	if (fw_yaml_open(&reader->yaml, reader->source[0].text, reader->source[0].size))
		return -ENOMEM;
	memcpy(reader->standard_rate, reader->file->model->class[FW_CLASS_DEFAULT].rate,
	       sizeof(reader->standard_rate));
	reader->standard_service = reader->file->model->service[FW_SERVICE_HOST];
	reader->base[FW_KEY_MODEL] = reader->file->model;
	reader->base[FW_KEY_SETTINGS] = &reader->file->settings;
	reader->base[FW_KEY_ENTRY] = &reader->entry;
	reader->entry_keys = fw_keys_below("[]", &reader->entry_keys_count);
	read_document(reader);
	if (!reader->fatal)
		fw_reader_check(reader);
	if (!reader->fatal && !reader->problems->errors)
		check_whole(reader);
	return reader->fatal == -ENOMEM ? -ENOMEM : 0;
}

static int refuse(const struct fw_problems *problems, struct fw_err *err)
{
	char more[64] = "";

	if (problems->errors > 1)
		snprintf(more, sizeof(more), " (and %zu more)", problems->errors - 1);
	for (size_t i = 0; i < problems->count; i++) {
		const struct fw_problem *p = &problems->at[i];

		if (p->severity == FW_PROBLEM_ERROR)
			return fw_err_set(err, -EINVAL, *p->err.hint ? p->err.hint : NULL,
					  "%.80s:%zu:%zu: %s%s", p->name, p->line, p->column,
					  p->err.msg, more);
	}
	return fw_err_set(err, -EINVAL, NULL, "the policy has errors");
}

int fw_file_parse(const char *name, const char *text, size_t size,
		  const struct fw_file_context *context, struct fw_file *ret,
		  struct fw_problems *problems, struct fw_err *err)
{
	struct fw_reader *reader;
	struct fw_file file = { 0 };
	int r;

	if (size > FW_FILE_SIZE_MAX)
		return fw_err_set(err, -E2BIG, NULL, "%.80s: longer than %lu MB", name,
				  FW_FILE_SIZE_MAX >> 20);
	reader = reader_new(name, text, size);
	if (!reader)
		return fw_err_set(err, -ENOMEM, NULL, "no memory to read %.80s", name);
	reader->context = context;
	reader->file = &file;
	reader->problems = problems;
	r = read_all(reader, err);
	if (r)
		fw_err_set(err, r, NULL, "no memory to read %.80s", name);
	fw_problems_sort(problems);
	if (!r && problems->errors)
		r = refuse(problems, err);
	reader_free(reader);
	if (r)
		fw_file_free(&file);
	else
		*ret = file;
	return r;
}
