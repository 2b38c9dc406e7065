// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which file made what runs, and whether either has changed since. Hashes tell: of what was made to
 * run, and of the bytes it was read from. Who can write the pins decides anyway, so they need not
 * withstand anybody.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/policy_record.h"

#define LIST_MARK  "# list: "
#define LISTS_MARK "# lists: as the file says\n" /* more than there is room for */

static __u64 mix(__u64 hash, __u64 word)
{
	unsigned __int128 product =
		(unsigned __int128)(hash ^ word ^ 0x9e3779b97f4a7c15ULL) * 0xd6e8feb86659fd93ULL;

	return (__u64)product ^ (__u64)(product >> 64);
}

__u64 fw_policy_hash_bytes(__u64 hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	size_t left = size;
	__u64 word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, at, left);
	return mix(mix(hash, word), size);
}

/*
 * A sum, for prefixes have no order. What ends by itself is left out: when its time is over the
 * lists are compiled anew, and nobody has changed anything.
 */
static __u64 hash_prefixes(const struct fw_prefixes *set)
{
	__u64 sum = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];
		const char *why = fw_prefixes_why(set, one);
		__u64 hash = fw_policy_hash_bytes(0, one->addr_be, sizeof(one->addr_be));

		hash = mix(hash, (__u64)one->len << 16 | (__u64)one->lane << 8 | one->class);
		if (one->until_s != FW_FOREVER)
			continue;
		sum += *why ? fw_policy_hash_bytes(hash, why, strlen(why)) : hash;
	}
	return sum;
}

__u64 fw_policy_hash(const struct fw_model *model, const struct fw_prefixes *prefixes)
{
	return mix(hash_prefixes(prefixes), fw_policy_hash_model(model));
}

/* The slot of the highest generation that is not above what runs; -1: none. */
static int counting(const struct fw_maps *maps, __u32 running)
{
	int best = -1;

	for (int i = 0; i < FW_APPLIED_SLOTS; i++) {
		const struct fw_applied *slot = &maps->applied[i];

		if (!slot->generation || slot->generation > running)
			continue;
		if (best < 0 || slot->generation > maps->applied[best].generation ||
		    (slot->generation == maps->applied[best].generation &&
		     slot->realtime_ns > maps->applied[best].realtime_ns))
			best = i;
	}
	return best;
}

static void put_settings(char *buf, size_t size, const struct fw_file *file)
{
	char *text = NULL;
	size_t len = 0, settings;
	FILE *out = open_memstream(&text, &len);

	memset(buf, 0, size);
	if (!out)
		return;
	fw_file_print_settings(out, &file->settings);
	fflush(out);
	settings = len;
	for (const char *line = file->lists; line && *line; line = strchr(line, '\n') + 1)
		fprintf(out, LIST_MARK "%.*s\n", (int)strcspn(line, "\n"), line);
	if (!fclose(out) && len < size)
		memcpy(buf, text, len);
	else if (text)
		snprintf(buf, size, "%.*s" LISTS_MARK, (int)settings, text);
	free(text);
}

void fw_policy_record_write(struct fw_maps *maps, __u32 generation, const struct fw_file *file,
			    const struct fw_policy_opts *opts, __u64 hash)
{
	__u32 running = FW_LIVE_GENERATION(fw_apply_live(maps));
	int counts = counting(maps, running);
	struct fw_applied *slot = &maps->applied[counts == 0 ? 1 : 0];
	struct fw_applied new = { .realtime_ns = fw_clock_realtime(),
				  .hash = hash,
				  .file_hash = file->hash };

	snprintf(new.path, sizeof(new.path), "%s", opts->path ?: "");
	if (opts->who)
		fw_text_clean(new.who, sizeof(new.who), opts->who);
	else
		fw_policy_who(new.who, sizeof(new.who));
	put_settings(new.settings, sizeof(new.settings), file);
	__atomic_store_n(&slot->generation, 0, __ATOMIC_RELEASE);
	memcpy(slot, &new, sizeof(new)); /* its generation is 0 */
	__atomic_store_n(&slot->generation, generation, __ATOMIC_RELEASE);
}

void fw_policy_record_undo(struct fw_maps *maps, __u32 now, __u32 back)
{
	int of_now = counting(maps, now);
	struct fw_applied *other;

	/* Made by another command after the file: the file of both is the same. */
	if (of_now < 0 || maps->applied[of_now].generation <= back)
		return;
	other = &maps->applied[1 - of_now];
	/* Not above what it goes back to: it was the file of that. Else there was none. */
	if (other->generation && other->generation <= back) {
		__atomic_store_n(&other->generation, (__u64)(now > back ? now : back) + 1,
				 __ATOMIC_RELEASE);
		return;
	}
	memset(other, 0, sizeof(*other));
	__atomic_store_n(&other->generation, (__u64)(now > back ? now : back) + 1,
			 __ATOMIC_RELEASE);
}

static void parse_settings(const char *text, struct fw_settings *ret)
{
	struct fw_file_context context = { .tick_ns = fw_clock_tick() };
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };

	fw_settings_default(ret);
	if (!fw_file_parse("applied", text, strlen(text), &context, &file, &problems, NULL))
		*ret = file.settings;
	fw_file_free(&file);
	fw_problems_free(&problems);
}

/* A copy of the slot that counts; false: there is none. */
static bool read_slot(const struct fw_maps *maps, struct fw_applied *ret)
{
	int i = counting(maps, FW_LIVE_GENERATION(fw_apply_live(maps)));

	if (i < 0)
		return false;
	*ret = maps->applied[i];
	ret->path[sizeof(ret->path) - 1] = '\0';
	ret->who[sizeof(ret->who) - 1] = '\0';
	ret->settings[sizeof(ret->settings) - 1] = '\0';
	return *ret->path;
}

void fw_policy_record_settings(const struct fw_maps *maps, struct fw_settings *ret)
{
	struct fw_applied slot;

	if (read_slot(maps, &slot))
		parse_settings(slot.settings, ret);
	else
		fw_settings_default(ret);
}

/* The file's bytes and its lists', as they are now, against what was applied. */
static void compare_file(const struct fw_applied *slot, struct fw_policy_record *ret)
{
	const char *line = slot->settings, *path = slot->path;
	char name[PATH_MAX];
	__u64 hash = 0;

	if (strstr(line, LISTS_MARK)) {
		ret->file_gone = fw_policy_file_hash(path, slot->realtime_ns, &hash);
		path = NULL;
	}
	while (path) {
		char *text = NULL;
		size_t size;

		if (fw_policy_load(path, &text, &size, NULL)) {
			ret->file_gone = true;
			return;
		}
		hash = fw_policy_hash_bytes(hash, text, size);
		free(text);
		line = strstr(line, LIST_MARK);
		path = NULL;
		if (line) {
			line += strlen(LIST_MARK);
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "\n"), line);
			path = name;
		}
	}
	ret->file_changed = !ret->file_gone && hash != slot->file_hash;
}

static bool still_same(const struct fw_maps *maps, __u64 hash)
{
	struct fw_prefixes prefixes = { 0 };
	struct fw_model *model = NULL;
	bool same = false;

	if (!fw_apply_read_model(maps, &model, NULL) &&
	    !fw_apply_read_prefixes(maps, &prefixes, NULL))
		same = fw_policy_hash(model, &prefixes) == hash;
	fw_prefixes_free(&prefixes);
	free(model);
	return same;
}

/* Same generation, same content. */
static bool differs(const struct fw_maps *maps, const struct fw_applied *slot)
{
	return FW_LIVE_GENERATION(fw_apply_live(maps)) != slot->generation &&
	       !still_same(maps, slot->hash);
}

bool fw_policy_differs(const struct fw_maps *maps)
{
	struct fw_applied slot;

	return read_slot(maps, &slot) && differs(maps, &slot);
}

void fw_policy_record(const struct fw_maps *maps, struct fw_policy_record *ret)
{
	struct fw_applied slot;

	memset(ret, 0, sizeof(*ret));
	if (!read_slot(maps, &slot))
		return;
	ret->known = true;
	ret->generation = (__u32)slot.generation;
	ret->realtime_ns = slot.realtime_ns;
	snprintf(ret->path, sizeof(ret->path), "%s", slot.path);
	snprintf(ret->who, sizeof(ret->who), "%s", slot.who);
	ret->live_changes = differs(maps, &slot);
	compare_file(&slot, ret);
}
