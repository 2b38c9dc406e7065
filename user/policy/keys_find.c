// SPDX-License-Identifier: GPL-2.0-only
/* Looking up rows of the table of keys, and their words and ranges as text. */
#include <stdio.h>
#include <string.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/text.h"
#include "user/policy/keys.h"

const struct fw_key *fw_keys_below(const char *parent, size_t *ret_count)
{
	const struct fw_key *first = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < fw_keys_count; i++) {
		if (strcmp(fw_keys[i].parent, parent)) {
			if (first)
				break;
			continue;
		}
		if (!first)
			first = &fw_keys[i];
		++*ret_count;
	}
	return first;
}

char *fw_keys_path(char *buf, size_t size, const struct fw_key *key)
{
	snprintf(buf, size, "%s%s%s", key->parent, *key->parent ? "." : "", key->name);
	return buf;
}

char *fw_keys_word(char *buf, size_t size, const struct fw_key *key, unsigned int i)
{
	const char *at = key->words;

	for (; at && *at; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (!i--) {
			snprintf(buf, size, "%.*s", (int)len, at);
			return buf;
		}
		at += len;
	}
	return NULL;
}

/* What YAML's readers are used to. */
static const char *plain_switch(const char *word)
{
	static const char *const same[][2] = {
		{ "yes", "on" }, { "true", "on" }, { "no", "off" }, { "false", "off" }
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!strcmp(word, same[i][0]))
			return same[i][1];
	return word;
}

int fw_keys_find_word(const struct fw_key *key, const char *word)
{
	char one[FW_TEXT_LEN];

	if (key->words && !strcmp(key->words, "off on"))
		word = plain_switch(word);
	for (unsigned int i = 0; fw_keys_word(one, sizeof(one), key, i); i++)
		if (!strcmp(one, word))
			return (int)i;
	return -1;
}

static char *words_range(char *buf, size_t size, const struct fw_key *key)
{
	char one[FW_TEXT_LEN], more[FW_TEXT_LEN];
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; fw_keys_word(one, sizeof(one), key, i); i++) {
		const char *glue = !i						  ? ""
				   : fw_keys_word(more, sizeof(more), key, i + 1) ? ", "
										  : " or ";

		used += (size_t)snprintf(buf + used, size - used, "%s%s", glue, one);
		if (used >= size)
			break;
	}
	return buf;
}

static char *duration_range(char *buf, size_t size, const struct fw_key *key)
{
	char low[FW_TEXT_LEN], high[FW_TEXT_LEN];

	fw_text_put_duration(low, sizeof(low), key->min ? (__u32)key->min : 1);
	if (key->max == FW_FOREVER)
		snprintf(buf, size, "%s to 10 years, or forever", low);
	else
		snprintf(buf, size, "%s%s to %s", key->min ? "" : "off, or ", low,
			 fw_text_put_duration(high, sizeof(high), (__u32)key->max));
	return buf;
}

char *fw_keys_range(char *buf, size_t size, const struct fw_key *key)
{
	buf[0] = '\0';
	switch (key->type) {
	case FW_KEY_FLAG:
	case FW_KEY_BOOL:
	case FW_KEY_CHOICE:
		return words_range(buf, size, key);
	case FW_KEY_NUMBER:
	case FW_KEY_PORT:
		snprintf(buf, size, "%llu to %llu", key->min, key->max);
		break;
	case FW_KEY_SIZE:
		snprintf(buf, size, "%lluMiB to %lluGiB", key->min >> 20, key->max >> 30);
		break;
	case FW_KEY_DURATION:
		return duration_range(buf, size, key);
	case FW_KEY_LIMIT:
		snprintf(buf, size, "RATE [burst N]%s, or none",
			 key->base == FW_KEY_CLASS ? " [soft P%]" : "");
		break;
	case FW_KEY_PORTS:
	case FW_KEY_REFLECT:
		snprintf(buf, size, "1 to 65535");
		break;
	case FW_KEY_TEXT:
		if (key->max)
			snprintf(buf, size, "at most %llu bytes", key->max);
		break;
	default:
		break;
	}
	return buf;
}
