/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON out, on jansson: one document per command, "schema":1 first, keys in the order they were
 * set. Builders steal the references they are given and pass NULL on, so a chain of them needs one
 * check.
 */
#ifndef FW_JSON_H
#define FW_JSON_H

#include <jansson.h>
#include <linux/types.h>
#include <stdio.h>
#include "user/base/err.h"

#define FW_JSON_SCHEMA 1

enum fw_json_form { FW_JSON_COMPACT, FW_JSON_PRETTY };

/* {"schema":1}; the caller owns it (json_decref). NULL: no memory. */
json_t *fw_json_new(void);

/* A string of any bytes: invalid UTF-8 becomes '?'. */
json_t *fw_json_text(const char *text);

/* A counter; values beyond 2^63-1 are held there (JSON's integers here are signed). */
json_t *fw_json_count(__u64 count);

/* Sets obj[key] = value, stealing value. 0, or -ENOMEM when either is NULL or memory is short. */
int fw_json_set(json_t *obj, const char *key, json_t *value);

/* Appends value to list, stealing it. Returns as above. */
int fw_json_push(json_t *list, json_t *value);

/* {"schema":1,"error":{"code":exit_code,"message":..,"hint":..}}; the caller owns it. */
json_t *fw_json_error(const struct fw_err *err);

/* One document and a newline to out, flushed. doc stays the caller's. 0, -ENOMEM or -EIO. */
int fw_json_print(FILE *out, const json_t *doc, enum fw_json_form form);

#endif
