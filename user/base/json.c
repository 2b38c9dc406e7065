// SPDX-License-Identifier: GPL-2.0-only
/* JSON out. Every document says its schema first; no text from outside can make it invalid. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/json.h"
#include "user/base/text.h"

json_t *fw_json_new(void)
{
	json_t *doc = json_object();

	if (fw_json_set(doc, "schema", json_integer(FW_JSON_SCHEMA))) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

json_t *fw_json_text(const char *text)
{
	json_t *value = json_string(text);
	size_t size = strlen(text) + 1;
	char *clean;

	if (value)
		return value;
	clean = malloc(size);
	if (clean)
		value = json_string(fw_text_clean(clean, size, text));
	free(clean);
	return value;
}

json_t *fw_json_count(__u64 count)
{
	return json_integer(count > 0x7fffffffffffffffULL ? 0x7fffffffffffffffLL
							  : (json_int_t)count);
}

int fw_json_set(json_t *obj, const char *key, json_t *value)
{
	/* Steals value even when it fails; NULL for either is an error to it. */
	return json_object_set_new(obj, key, value) ? -ENOMEM : 0;
}

int fw_json_push(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) ? -ENOMEM : 0;
}

json_t *fw_json_error(const struct fw_err *err)
{
	json_t *doc = fw_json_new();
	json_t *error = json_object();
	int r = 0;

	r |= fw_json_set(error, "code", json_integer(err->exit_code));
	r |= fw_json_set(error, "message", fw_json_text(err->msg));
	r |= fw_json_set(error, "hint", err->hint[0] ? fw_json_text(err->hint) : json_null());
	r |= fw_json_set(doc, "error", error);
	if (r) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

int fw_json_print(FILE *out, const json_t *doc, enum fw_json_form form)
{
	/* Twelve digits: no 83.200000000000003. */
	size_t flags =
		JSON_REAL_PRECISION(15) | (form == FW_JSON_PRETTY ? JSON_INDENT(2) : JSON_COMPACT);
	char *text;
	int r = 0;

	if (!doc)
		return -ENOMEM;
	/* Through memory, so that a document is written whole or not at all. */
	text = json_dumps(doc, flags);
	if (!text)
		return -ENOMEM;
	if (fprintf(out, "%s\n", text) < 0 || fflush(out))
		r = -EIO;
	free(text);
	return r;
}
