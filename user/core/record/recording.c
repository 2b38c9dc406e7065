// SPDX-License-Identifier: GPL-2.0-only
/* The recorder's word on itself, as JSON, replaced in one step; and what those leave who are
 * killed. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/json.h"
#include "user/core/record/accounts.h"
#include "user/core/record/recording.h"
#include "user/kern/ids.h"
#include "user/kern/maps.h"

char *fw_recording_name(char buf[PATH_MAX], const char *dir, const char *name, const char *pins)
{
	__u32 number = 2166136261U; /* FNV-1a */

	for (const char *p = pins; *p; p++)
		number = (number ^ (__u8)*p) * 16777619U;
	snprintf(buf, PATH_MAX, "%s/%s-%08x", dir, name, number);
	return buf;
}

void fw_recording_sweep(const char *dir, const char *keep_pins)
{
	char keep[PATH_MAX], path[PATH_MAX];
	struct fw_accounts_id id;
	struct dirent *entry;
	DIR *all = opendir(dir);

	fw_recording_name(keep, dir, "accounts", keep_pins);
	while (all && (entry = readdir(all))) {
		if (strncmp(entry->d_name, "accounts-", strlen("accounts-")) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= PATH_MAX ||
		    !strncmp(path, keep, strlen(keep)))
			continue;
		if (!fw_accounts_peek(path, &id) && !fw_ids_exists(FW_ID_MAP, id.state))
			unlink(path);
	}
	if (all)
		closedir(all);
}

int fw_recording_write(const char *dir, const char *pins, const struct fw_recording *rec)
{
	const struct fw_recorder_state *s = &rec->state;
	char path[PATH_MAX], temp[PATH_MAX + 8];
	json_t *doc = fw_json_new();
	FILE *f = NULL;
	int r = 0;

	r |= fw_json_set(doc, "history", fw_json_text(rec->path));
	r |= fw_json_set(doc, "when_ns", fw_json_count(rec->when_ns));
	r |= fw_json_set(doc, "ok", json_boolean(s->ok));
	r |= fw_json_set(doc, "totals", json_boolean(s->totals));
	r |= fw_json_set(doc, "attached", json_boolean(s->attached));
	r |= fw_json_set(doc, "trouble", fw_json_text(s->trouble));
	r |= fw_json_set(doc, "hint", fw_json_text(s->hint));
	r |= fw_json_set(doc, "since_ns", fw_json_count(s->since_ns));
	r |= fw_json_set(doc, "seconds", fw_json_count(s->seconds));
	r |= fw_json_set(doc, "failures", fw_json_count(s->failures));
	r |= fw_json_set(doc, "bytes", fw_json_count(s->bytes));
	r |= fw_json_set(doc, "log_bytes", fw_json_count(s->log_bytes));
	r |= fw_json_set(doc, "incident", json_integer(s->incident));
	r |= fw_json_set(doc, "sources", fw_json_count(s->sources));
	r |= fw_json_set(doc, "sample_emitted", fw_json_count(s->sample_emitted));
	r |= fw_json_set(doc, "sample_held", fw_json_count(s->sample_held));
	r |= fw_json_set(doc, "sample_lost", fw_json_count(s->sample_lost));
	r |= fw_json_set(doc, "sample_offered", fw_json_count(s->sample_offered));
	r |= fw_json_set(doc, "ledger_lost", fw_json_count(s->ledger_lost));
	r |= fw_json_set(doc, "busy_ns", fw_json_count(s->busy_ns));
	fw_recording_name(path, dir, "recorder", pins);
	snprintf(temp, sizeof(temp), "%s.new", path);
	if (!r)
		f = fopen(temp, "we");
	if (!r && !f)
		r = -errno;
	if (!r)
		r = fw_json_print(f, doc, FW_JSON_COMPACT);
	if (f && fclose(f) && !r)
		r = -EIO;
	if (!r && rename(temp, path))
		r = -errno;
	json_decref(doc);
	return r;
}

static __u64 number(const json_t *doc, const char *key)
{
	return (__u64)json_integer_value(json_object_get(doc, key));
}

static void text(const json_t *doc, const char *key, char *buf, size_t size)
{
	const char *value = json_string_value(json_object_get(doc, key));

	snprintf(buf, size, "%s", value ? value : "");
}

int fw_recording_read(const char *dir, const char *pins, struct fw_recording *ret)
{
	struct fw_recorder_state *s = &ret->state;
	char path[PATH_MAX];
	json_t *doc = json_load_file(fw_recording_name(path, dir, "recorder", pins), 0, NULL);

	if (!doc)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	text(doc, "history", ret->path, sizeof(ret->path));
	text(doc, "trouble", s->trouble, sizeof(s->trouble));
	text(doc, "hint", s->hint, sizeof(s->hint));
	ret->when_ns = number(doc, "when_ns");
	s->ok = json_is_true(json_object_get(doc, "ok"));
	s->totals = json_is_true(json_object_get(doc, "totals"));
	s->attached = json_is_true(json_object_get(doc, "attached"));
	s->since_ns = number(doc, "since_ns");
	s->seconds = number(doc, "seconds");
	s->failures = number(doc, "failures");
	s->bytes = number(doc, "bytes");
	s->log_bytes = number(doc, "log_bytes");
	s->incident = (__s64)number(doc, "incident");
	s->sources = number(doc, "sources");
	s->sample_emitted = number(doc, "sample_emitted");
	s->sample_held = number(doc, "sample_held");
	s->sample_lost = number(doc, "sample_lost");
	s->sample_offered = number(doc, "sample_offered");
	s->ledger_lost = number(doc, "ledger_lost");
	s->busy_ns = number(doc, "busy_ns");
	json_decref(doc);
	return 0;
}

const char *fw_recording_path(char buf[PATH_MAX], const char *opt, const char *dir,
			      const char *pins)
{
	const char *env = getenv(FW_HISTORY_ENV);
	struct fw_recording *rec;

	if (opt || (env && *env))
		return fw_history_path(opt);
	rec = malloc(sizeof(*rec));
	if (rec && !fw_recording_read(dir, pins, rec) && *rec->path) {
		snprintf(buf, PATH_MAX, "%s", rec->path);
		free(rec);
		return buf;
	}
	free(rec);
	return fw_history_path(NULL);
}
