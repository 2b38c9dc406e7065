// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exposition formats. Text 0.0.4 names a counter's family with _total, OpenMetrics without; it
 * knows units, "unknown" metadata last, and an end mark. Sources: the Prometheus documentation on
 * exposition formats, and the OpenMetrics 1.0 specification.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/daemon/expo.h"

static const char *const types[] = {
	[FW_METRIC_COUNTER] = "counter",
	[FW_METRIC_GAUGE] = "gauge",
	[FW_METRIC_INFO] = "info",
};
static const char *const suffixes[] = {
	[FW_METRIC_COUNTER] = "_total",
	[FW_METRIC_GAUGE] = "",
	[FW_METRIC_INFO] = "_info",
};

const char *fw_expo_content_type(enum fw_expo_form form)
{
	static const char *const of[FW_EXPO_FORMS] = {
		[FW_EXPO_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[FW_EXPO_OPENMETRICS] =
			"application/openmetrics-text; version=1.0.0; charset=utf-8",
		[FW_EXPO_JSON] = "application/json",
	};

	return of[form];
}

void fw_expo_begin(struct fw_expo *expo, enum fw_expo_form form)
{
	*expo = (struct fw_expo){ .form = form };
	if (form == FW_EXPO_JSON) {
		json_t *metrics = json_array();

		expo->doc = fw_json_new();
		expo->failed = fw_json_set(expo->doc, "metrics", metrics);
	}
}

static char *room_for(struct fw_expo *expo, size_t more)
{
	size_t room = expo->room ? expo->room : 32768;
	char *buf;

	if (expo->failed)
		return NULL;
	while (room < expo->len + more)
		room *= 2;
	if (room != expo->room) {
		buf = realloc(expo->buf, room);
		if (!buf) {
			expo->failed = true;
			return NULL;
		}
		expo->buf = buf;
		expo->room = room;
	}
	return expo->buf + expo->len;
}

static void put(struct fw_expo *expo, const char *text)
{
	size_t len = strlen(text);
	char *at = room_for(expo, len + 1);

	if (at) {
		memcpy(at, text, len + 1);
		expo->len += len;
	}
}

/* Text in a label's value or a help line: any bytes made UTF-8, then escaped. */
static void put_escaped(struct fw_expo *expo, const char *text)
{
	char clean[256];
	char *at;

	fw_text_clean(clean, sizeof(clean), text);
	at = room_for(expo, 2 * sizeof(clean));
	if (!at)
		return;
	for (const char *s = clean; *s; s++) {
		if (*s == '\\' || *s == '"')
			*at++ = '\\';
		*at++ = *s;
	}
	*at = '\0';
	expo->len = (size_t)(at - expo->buf);
}

static void json_family(struct fw_expo *expo, const struct fw_metric *metric)
{
	json_t *one =
		json_pack("{s:s+,s:s,s:s,s:s}", "name", metric->name, suffixes[metric->type],
			  "type", types[metric->type], "unit", metric->unit, "help", metric->help);

	expo->samples = json_array();
	if (fw_json_set(one, "samples", expo->samples) ||
	    fw_json_push(json_object_get(expo->doc, "metrics"), one)) {
		expo->failed = true;
		expo->samples = NULL;
	}
}

void fw_expo_family(struct fw_expo *expo, const struct fw_metric *metric)
{
	bool open = expo->form == FW_EXPO_OPENMETRICS;
	const char *suffix = open ? "" : suffixes[metric->type];

	expo->metric = metric;
	if (expo->form == FW_EXPO_JSON) {
		if (!expo->failed)
			json_family(expo, metric);
		return;
	}
	put(expo, "# TYPE ");
	put(expo, metric->name);
	put(expo, suffix);
	put(expo, " ");
	put(expo, !open && metric->type == FW_METRIC_INFO ? "gauge" : types[metric->type]);
	if (open && *metric->unit) {
		put(expo, "\n# UNIT ");
		put(expo, metric->name);
		put(expo, " ");
		put(expo, metric->unit);
	}
	put(expo, "\n# HELP ");
	put(expo, metric->name);
	put(expo, suffix);
	put(expo, " ");
	put(expo, metric->help);
	put(expo, open ? ".\n" : "\n");
}

static void put_sample(struct fw_expo *expo, const struct fw_label *labels, const char *value)
{
	put(expo, expo->metric->name);
	put(expo, suffixes[expo->metric->type]);
	for (const struct fw_label *l = labels; l && l->name; l++) {
		put(expo, l == labels ? "{" : ",");
		put(expo, l->name);
		put(expo, "=\"");
		put_escaped(expo, l->value);
		put(expo, "\"");
	}
	put(expo, labels && labels->name ? "} " : " ");
	put(expo, value);
	put(expo, "\n");
}

static void json_sample(struct fw_expo *expo, const struct fw_label *labels, json_t *value)
{
	json_t *one = json_object(), *set = json_object();
	int err = 0;

	for (const struct fw_label *l = labels; l && l->name; l++)
		err |= fw_json_set(set, l->name, fw_json_text(l->value));
	err |= fw_json_set(one, "labels", set);
	err |= fw_json_set(one, "value", value);
	if (err)
		json_decref(one);
	if (err || fw_json_push(expo->samples, one))
		expo->failed = true;
}

void fw_expo_count(struct fw_expo *expo, const struct fw_label *labels, __u64 value)
{
	char text[24];

	if (expo->form == FW_EXPO_JSON) {
		if (!expo->failed)
			json_sample(expo, labels, fw_json_count(value));
		return;
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	put_sample(expo, labels, text);
}

void fw_expo_value(struct fw_expo *expo, const struct fw_label *labels, double value)
{
	char text[40];

	if (!isfinite(value))
		value = 0;
	if (expo->form == FW_EXPO_JSON) {
		if (!expo->failed)
			json_sample(expo, labels, json_real(value));
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	put_sample(expo, labels, text);
}

int fw_expo_end(struct fw_expo *expo, char **ret_text, size_t *ret_len)
{
	char *text;

	if (expo->form == FW_EXPO_JSON) {
		text = expo->failed ? NULL : json_dumps(expo->doc, JSON_COMPACT);
		json_decref(expo->doc);
		if (!text)
			return -ENOMEM;
		*ret_len = strlen(text);
		*ret_text = text;
		return 0;
	}
	if (expo->form == FW_EXPO_OPENMETRICS)
		put(expo, "# EOF\n");
	if (expo->failed || !expo->buf) {
		free(expo->buf);
		return -ENOMEM;
	}
	*ret_text = expo->buf;
	*ret_len = expo->len;
	return 0;
}
