// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts of prefixes. Each is kept once; those nobody uses any more go when room is needed. What
 * must stay true: text 0 is the empty one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/prefixes_why.h"

static int room_need(struct fw_prefixes *set, size_t n)
{
	size_t room = set->why_room ? set->why_room : 16;
	struct fw_why *grown;

	if (n <= set->why_room)
		return 0;
	while (room < n)
		room *= 2;
	grown = reallocarray(set->why, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	set->why = grown;
	set->why_room = room;
	if (!set->whys) {
		memset(&set->why[0], 0, sizeof(set->why[0]));
		set->whys = 1;
	}
	return 0;
}

/* Forgets the texts that no prefix refers to. */
static void unused_drop(struct fw_prefixes *set)
{
	static const __u16 unused = 0xffff;
	__u16 moved[FW_WHY_MAX];
	__u16 kept = 1;

	memset(moved, 0xff, sizeof(moved));
	for (size_t i = 0; i < set->count; i++)
		moved[set->at[i].why] = 0;
	moved[0] = 0;
	for (size_t i = 1; i < set->whys; i++) {
		if (moved[i] == unused)
			continue;
		set->why[kept] = set->why[i];
		moved[i] = kept++;
	}
	for (size_t i = 0; i < set->count; i++)
		set->at[i].why = moved[set->at[i].why];
	set->whys = kept;
	set->why_last = 0;
}

#define HINTS  8192 /* twice as many as there are texts */
#define PROBES 8

/* Where a text was found last; a hint only, never the text itself. NULL without memory for one. */
static __u16 *hint_of(struct fw_prefixes *set, const struct fw_why *text)
{
	__u32 hash = 2166136261U;
	__u16 *hint;

	for (const char *p = text->text; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	if (!set->why_hint)
		set->why_hint = calloc(HINTS + PROBES, sizeof(*set->why_hint));
	if (!set->why_hint)
		return NULL;
	hint = &set->why_hint[(hash ^ hash >> 15) & (HINTS - 1)];
	for (int i = 0; i < PROBES; i++)
		if (!hint[i] ||
		    (hint[i] < set->whys && !strcmp(set->why[hint[i]].text, text->text)))
			return &hint[i];
	return hint;
}

int fw_prefixes_why_get(struct fw_prefixes *set, const char *why, __u16 *ret_index,
			struct fw_err *err)
{
	struct fw_why text = { 0 };
	size_t i = set->why_last;
	__u16 *hint;

	if (room_need(set, 2))
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the prefixes");
	if (why && strlen(why) >= FW_WHY_LEN)
		return fw_err_set(err, -EINVAL, "63 bytes fit", "\"%.70s\" is too long", why);
	if (why)
		fw_text_clean(text.text, sizeof(text.text), why);
	hint = hint_of(set, &text);
	if (hint && (i >= set->whys || strcmp(set->why[i].text, text.text)))
		i = *hint;
	if (i >= set->whys || strcmp(set->why[i].text, text.text))
		for (i = 0; i < set->whys && strcmp(set->why[i].text, text.text);)
			i++;
	if (i == FW_WHY_MAX) {
		unused_drop(set);
		i = set->whys;
	}
	if (i == FW_WHY_MAX)
		return fw_err_set(err, -ENOSPC, "use a text that is there already, or none",
				  "no room for the text \"%.60s\": all %d are in use", text.text,
				  FW_WHY_MAX);
	if (i == set->whys) {
		if (room_need(set, i + 1))
			return fw_err_set(err, -ENOMEM, NULL, "no memory for the prefixes");
		set->why[set->whys++] = text;
	}
	set->why_last = i;
	if (hint)
		*hint = (__u16)i;
	*ret_index = (__u16)i;
	return 0;
}

int fw_prefixes_why_load(struct fw_prefixes *set, const struct fw_why *why, size_t whys,
			 struct fw_err *err)
{
	if (whys > FW_WHY_MAX)
		return fw_err_set(err, -EINVAL, NULL, "more texts of prefixes than there can be");
	for (size_t i = 0; i < whys; i++)
		if (!memchr(why[i].text, '\0', FW_WHY_LEN) || (!i && why[i].text[0]))
			return fw_err_set(err, -EINVAL, NULL, "a text of a prefix is damaged");
	if (room_need(set, whys + 1))
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the prefixes");
	if (whys) {
		memcpy(set->why, why, whys * sizeof(*why));
		set->whys = whys;
	}
	return 0;
}

const char *fw_prefixes_why(const struct fw_prefixes *set, const struct fw_prefix *one)
{
	return one->why < set->whys ? set->why[one->why].text : "";
}
