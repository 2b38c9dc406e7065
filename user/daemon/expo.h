/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reading of all metrics, written down in one of three ways: Prometheus text 0.0.4, OpenMetrics
 * 1.0 or JSON. Whoever puts values does not know which. Lack of memory is remembered and told at
 * the end.
 */
#ifndef FW_DAEMON_EXPO_H
#define FW_DAEMON_EXPO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

enum fw_expo_form { FW_EXPO_TEXT, FW_EXPO_OPENMETRICS, FW_EXPO_JSON, FW_EXPO_FORMS };
enum fw_metric_type { FW_METRIC_COUNTER, FW_METRIC_GAUGE, FW_METRIC_INFO };

struct fw_metric {
	const char *name; /* without _total or _info */
	enum fw_metric_type type;
	const char *unit; /* the name's last word, or "" */
	const char *help; /* one line, no full stop */
};

struct fw_label {
	const char *name;
	const char *value;
};

struct fw_expo {
	enum fw_expo_form form;
	const struct fw_metric *metric; /* the family being written */
	char *buf;
	size_t len, room;
	bool failed;
	json_t *doc, *samples; /* FW_EXPO_JSON */
};

void fw_expo_begin(struct fw_expo *expo, enum fw_expo_form form);

/* The next family; all its samples follow. metric must outlive the writing. */
void fw_expo_family(struct fw_expo *expo, const struct fw_metric *metric);

/* A sample. labels end with a NULL name; values may be any bytes. */
void fw_expo_count(struct fw_expo *expo, const struct fw_label *labels, __u64 value);
void fw_expo_value(struct fw_expo *expo, const struct fw_label *labels, double value);

/* The text, for free(), and its length; or -ENOMEM. Frees everything else in any case. */
int fw_expo_end(struct fw_expo *expo, char **ret_text, size_t *ret_len);

/* "Content-Type" of a form. */
const char *fw_expo_content_type(enum fw_expo_form form);

#endif
