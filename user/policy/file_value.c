// SPDX-License-Identifier: GPL-2.0-only
/* One scalar of the policy file into its place, by the type its row says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/policy/compile.h"
#include "user/policy/file_read.h"

static int out_of_range(const struct fw_key *key, const char *text, struct fw_err *err)
{
	char range[FW_ERR_LEN];

	return fw_err_set(err, -ERANGE, NULL, "\"%.40s\" is not within %s", text,
			  fw_keys_range(range, sizeof(range), key));
}

static int take_word(const struct fw_key *key, const char *text, void *to, struct fw_err *err)
{
	char range[FW_ERR_LEN];
	int i = fw_keys_find_word(key, text);

	if (i < 0)
		return fw_err_set(err, -EINVAL, NULL, "\"%.40s\" is not %s", text,
				  fw_keys_range(range, sizeof(range), key));
	if (key->type == FW_KEY_FLAG && i)
		*(__u32 *)to |= (__u32)key->max;
	else if (key->type == FW_KEY_FLAG)
		*(__u32 *)to &= ~(__u32)key->max;
	else if (key->type == FW_KEY_BOOL)
		*(bool *)to = i;
	else
		*(__u8 *)to = (__u8)i;
	return 0;
}

static int take_number(const struct fw_key *key, const char *text, void *to, struct fw_err *err)
{
	__u64 n;
	int r = key->type == FW_KEY_SIZE ? fw_text_bytes(text, &n, err)
					 : fw_text_number(text, &n, err);

	if (r)
		return r;
	if (n < key->min || n > key->max)
		return out_of_range(key, text, err);
	if (key->type == FW_KEY_SIZE)
		*(__u64 *)to = n;
	else if (key->type == FW_KEY_PORT)
		*(__u16 *)to = (__u16)n;
	else
		*(__u32 *)to = (__u32)n;
	return 0;
}

static int take_duration(const struct fw_key *key, const char *text, __u32 *to, struct fw_err *err)
{
	__u32 s = 0;
	int r = 0;

	if (key->min || (strcmp(text, "off") && strcmp(text, "0") && strcmp(text, "0s") &&
			 strcmp(text, "no") && strcmp(text, "false")))
		r = fw_text_duration(text, &s, err);
	if (r == -ERANGE || (!r && (s < key->min || s > key->max)))
		return out_of_range(key, text, err); /* the key's range, not that of all times */
	if (r)
		return r;
	*to = s;
	return 0;
}

#define LIMIT_HINT "write 50/s, 10k/m burst 20k, 20MB/s burst 40MB soft 80%, or none"

/* "80%" */
static int take_percent(const char *word, __u32 *to, struct fw_err *err)
{
	unsigned int pct;
	char percent, rest;

	if (sscanf(word, "%3u%c%c", &pct, &percent, &rest) != 2 || percent != '%' || pct > 100 ||
	    *word < '0' || *word > '9')
		return fw_err_set(err, -EINVAL, LIMIT_HINT, "\"%.40s\" is not 0%% to 100%%", word);
	*to = pct;
	return 0;
}

/* "20k/s burst 20k soft 80%": words and values in turn behind the rate. */
static int parse_limit(char *text, bool bytes, struct fw_rate *ret, struct fw_err *err)
{
	struct fw_rate rate = { 0 };
	bool burst = false, soft = false;
	char *save = NULL, *word = strtok_r(text, " \t", &save), *value;
	int r;

	if (!word)
		return fw_err_set(err, -EINVAL, LIMIT_HINT, "a limit is missing");
	r = fw_text_rate(strcmp(word, "off") ? word : "none", bytes, &rate, err);
	while (!r && (word = strtok_r(NULL, " \t", &save))) {
		value = strtok_r(NULL, " \t", &save);
		if (!value || !rate.count)
			return fw_err_set(err, -EINVAL, LIMIT_HINT,
					  "\"%.40s\" does not belong here", word);
		if (!strcmp(word, "burst") && !burst) {
			burst = true;
			r = bytes ? fw_text_bytes(value, &rate.burst, err)
				  : fw_text_number(value, &rate.burst, err);
			if (!r && !rate.burst)
				return fw_err_set(err, -EINVAL, "leave it out for the default",
						  "burst 0 would let nothing pass");
		} else if (!strcmp(word, "soft") && !soft) {
			soft = true;
			r = take_percent(value, &rate.soft_pct, err);
		} else {
			return fw_err_set(err, -EINVAL, LIMIT_HINT,
					  "\"%.40s\" does not belong here", word);
		}
	}
	if (!r)
		*ret = rate;
	return r;
}

static int take_limit(const struct fw_reader *reader, const struct fw_key *key, const char *text,
		      struct fw_rate *to, struct fw_err *err)
{
	bool bytes = key->words;
	struct fw_limit compiled;
	struct fw_rate rate;
	char copy[FW_YAML_TEXT];
	int r;

	snprintf(copy, sizeof(copy), "%s", text);
	r = parse_limit(copy, bytes, &rate, err);
	if (!r) /* what the program could not keep is refused here, where its line is known */
		r = fw_compile_limit(&rate, bytes, reader->context->tick_ns, &compiled, err);
	if (!r)
		*to = rate;
	return r;
}

static int take_text(const struct fw_key *key, const char *text, char *to, struct fw_err *err)
{
	size_t max = key->type == FW_KEY_PATH ? FW_FILE_PATH_MAX - 1 : key->max;

	if (strlen(text) > max)
		return fw_err_set(err, -EINVAL, NULL, "\"%.40s...\" is longer than %zu bytes", text,
				  max);
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return fw_err_set(err, -EINVAL, NULL, "\"%.40s\" holds control characters",
					  text);
	if (key->type == FW_KEY_PATH && *text != '/')
		return fw_err_set(err, -EINVAL, "write the whole path, beginning with /",
				  "\"%.40s\" is not an absolute path", text);
	memset(to, 0, max + 1);
	strcpy(to, text);
	return 0;
}

static int take_addr(const char *text, __be32 to[4], struct fw_err *err)
{
	if (!strcmp(text, "any")) {
		memset(to, 0, 16);
		return 0;
	}
	return fw_text_addr(text, to, err);
}

static int take(struct fw_reader *reader, const struct fw_key *key, const char *text, void *to,
		struct fw_err *err)
{
	switch (key->type) {
	case FW_KEY_FLAG:
	case FW_KEY_BOOL:
	case FW_KEY_CHOICE:
		return take_word(key, text, to, err);
	case FW_KEY_NUMBER:
	case FW_KEY_PORT:
	case FW_KEY_SIZE:
		return take_number(key, text, to, err);
	case FW_KEY_DURATION:
		return take_duration(key, text, to, err);
	case FW_KEY_LIMIT:
		return take_limit(reader, key, text, to, err);
	case FW_KEY_ADDR:
		return take_addr(text, to, err);
	case FW_KEY_TIME:
		return fw_clock_parse(text, to, err);
	case FW_KEY_PATH:
	case FW_KEY_TEXT:
		return take_text(key, text, to, err);
	default:
		return fw_err_set(err, -EINVAL, NULL, "\"%s\" is not a single value", key->name);
	}
}

void fw_reader_scalar(struct fw_reader *reader, const struct fw_key *key, const char *text,
		      struct fw_place place)
{
	char *base = reader->base[key->base];
	struct fw_err err;

	if (!base) /* a class or service that cannot be: said already */
		return;
	if (take(reader, key, text, base + key->at, &err))
		fw_reader_error(reader, place, &err);
}
