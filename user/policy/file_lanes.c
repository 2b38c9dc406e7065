// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of prefixes in the policy file: plain, with how long and why, or from files of their own.
 * Made for a million of them: one look-up each, and 12 bytes to remember its place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/policy/file_read.h"
#include "user/policy/import.h"

#define LISTS_MAX 256

/* Room for the places of what file->lanes holds now. */
static bool places_need(struct fw_reader *reader)
{
	struct fw_place *grown;

	if (reader->prefix_room >= reader->file->lanes.room)
		return true;
	grown = reallocarray(reader->prefix_place, reader->file->lanes.room, sizeof(*grown));
	if (!grown) {
		reader->fatal = -ENOMEM;
		return false;
	}
	reader->prefix_place = grown;
	reader->prefix_room = reader->file->lanes.room;
	return true;
}

static void say_twice(struct fw_reader *reader, const struct fw_prefix *one,
		      const struct fw_prefix *first, struct fw_place place)
{
	const struct fw_place *there = &reader->prefix_place[first - reader->file->lanes.at];
	const struct fw_model *model = reader->file->model;
	char text[FW_TEXT_LEN], where[128];

	if (there->source)
		snprintf(where, sizeof(where), "in %.80s", reader->source[there->source].name);
	else
		snprintf(where, sizeof(where), "in line %u", there->line + 1);
	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	if (one->lane == FW_LANE_CLASS && one->class != first->class)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "it can be in one of them",
			      "%s is of class \"%s\" already, %s", text,
			      model->class[first->class].name, where);
	else
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
			      "%s is listed already, %s", text, where);
}

static void add(struct fw_reader *reader, struct fw_prefix *one, const char *text, const char *why,
		struct fw_place place)
{
	struct fw_prefixes *set = &reader->file->lanes;
	const struct fw_prefix *first;
	struct fw_err err;
	int r = fw_text_prefix(text, one->addr_be, &one->len, &err);

	if (r) {
		fw_reader_error(reader, place, &err);
		return;
	}
	first = fw_prefixes_find(set, one->lane, one->addr_be, one->len);
	if (first) {
		say_twice(reader, one, first, place);
		return;
	}
	r = fw_prefixes_add(set, one, why, &err);
	if (r == -ENOMEM)
		reader->fatal = r;
	else if (r < 0)
		fw_reader_error(reader, place, &err);
	else if (places_need(reader))
		reader->prefix_place[set->count - 1] = place;
	if (r == -ENOSPC) /* each of the rest would say so too */
		reader->fatal = -EINVAL;
}

/* A source of text that is kept until all problems have been said. Its number, 0: no memory. */
static __u32 source_add(struct fw_reader *reader, const char *name, char *text, size_t size)
{
	struct fw_source_text *grown =
		reallocarray(reader->source, reader->sources + 1, sizeof(*grown));
	char *own = strdup(name);

	if (grown)
		reader->source = grown;
	if (!grown || !own) {
		free(own);
		free(text);
		reader->fatal = -ENOMEM;
		return 0;
	}
	grown[reader->sources].name = own;
	grown[reader->sources].text = text;
	grown[reader->sources].size = size;
	return reader->sources++;
}

static void say_report(struct fw_reader *reader, const struct fw_import_report *report,
		       struct fw_place place, __u32 source)
{
	const char *name = reader->source[source].name;
	size_t shown = report->problems < FW_IMPORT_SHOWN ? report->problems : FW_IMPORT_SHOWN;

	for (size_t i = 0; i < shown; i++)
		fw_reader_list_error(reader, source, report->problem[i].line,
				     report->problem[i].col, &report->problem[i].err);
	if (report->problems > shown)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, NULL,
			      "%.80s: %zu more of its lines are wrong", name,
			      report->problems - shown);
	if (report->problems)
		return;
	if (!report->prefixes && !reader->source[source].size)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place,
			      "a comment in it says that it is meant to be empty",
			      "%.80s is empty, as after a download that failed", name);
	else if (!report->prefixes)
		fw_reader_say(reader, FW_PROBLEM_WARNING, place, NULL, "%.80s holds no prefix",
			      name);
	if (report->repeated)
		fw_reader_say(reader, FW_PROBLEM_WARNING, place, NULL,
			      "%.80s: %zu of its lines repeat another", name, report->repeated);
	if (report->replaced)
		fw_reader_say(reader, FW_PROBLEM_WARNING, place, "the last one counts",
			      "%.80s: %zu of its prefixes were listed before", name,
			      report->replaced);
}

static void add_list(struct fw_reader *reader, const struct fw_prefix *how, const char *path,
		     const char *why, struct fw_place place)
{
	const struct fw_file_loader *loader = reader->context->loader;
	struct fw_prefixes *set = &reader->file->lanes;
	struct fw_import_report report;
	size_t before = set->count, size = 0;
	struct fw_err err = { 0 };
	char *text = NULL;
	__u32 source;
	int r;

	if (!loader)
		return;
	if (reader->sources > LISTS_MAX) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "join some of them",
			      "more than %d lists", LISTS_MAX);
		return;
	}
	r = loader->load(loader->arg, path, &text, &size, &err);
	if (r) {
		fw_reader_error(reader, place, &err);
		return;
	}
	source = source_add(reader, path, text, size);
	if (!source)
		return;
	r = fw_import_text(path, text, size, how, why, set, &report, &err);
	if (r == -ENOMEM)
		reader->fatal = r;
	else if (r && !report.problems)
		fw_reader_error(reader, place, &err);
	else
		say_report(reader, &report, place, source);
	if (!places_need(reader))
		return;
	for (size_t i = before; i < set->count; i++)
		reader->prefix_place[i] = (struct fw_place){ place.pos, place.line, source };
}

/* When what an entry says ends. False: it is over already, or said wrongly. */
static bool entry_until(struct fw_reader *reader, struct fw_place place, struct fw_prefix *one)
{
	const struct fw_key_entry *entry = &reader->entry;
	const struct fw_file_clock *clock = &reader->context->clock;
	__s64 left;

	one->until_s = FW_FOREVER;
	if (entry->for_s && entry->until_real_ns) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
			      "\"for\" and \"until\" contradict each other");
		return false;
	}
	if (entry->for_s)
		one->until_s = fw_clock_until(clock->now_ns, entry->for_s);
	if (!entry->until_real_ns)
		return true;
	left = (__s64)(entry->until_real_ns - clock->realtime_ns);
	if (left <= 0) {
		fw_reader_say(reader, FW_PROBLEM_WARNING, place, "take the entry out",
			      "this is over already and has no effect");
		return false;
	}
	/* Rounded up, as fw_file_print() rounds down. */
	one->until_s = (__u32)((clock->now_ns + (__u64)left + FW_NS_PER_S - 1) / FW_NS_PER_S);
	return true;
}

static void read_entry(struct fw_reader *reader, struct fw_prefix *one, struct fw_place place)
{
	struct fw_key_entry *entry = &reader->entry;
	size_t errors = reader->problems->errors;

	memset(entry, 0, sizeof(*entry));
	fw_reader_group(reader, "[]", reader->entry_keys, reader->entry_keys_count);
	if (reader->fatal || reader->problems->errors != errors)
		return;
	if (!*entry->prefix == !*entry->file) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, NULL,
			      "an entry has either a prefix or a file");
		return;
	}
	if (!entry_until(reader, place, one))
		return;
	if (*entry->prefix)
		add(reader, one, entry->prefix, entry->why, place);
	else
		add_list(reader, one, entry->file, entry->why, place);
}

/* The outermost lists of the world are not classes of their own. */
static bool class_takes(struct fw_reader *reader, const struct fw_key *key, struct fw_place place)
{
	if (key->max != FW_LANE_CLASS ||
	    (reader->class != FW_CLASS_DEFAULT && reader->class != FW_CLASS_TRUSTED))
		return true;
	fw_reader_say(reader, FW_PROBLEM_ERROR, place,
		      reader->class == FW_CLASS_TRUSTED ? "lanes: trusted: lists them"
							: "give them a class of their own",
		      reader->class == FW_CLASS_TRUSTED
			      ? "class \"trusted\" is the trusted lane, it has no prefixes"
			      : "class \"default\" is everybody else, it has no prefixes");
	return false;
}

void fw_reader_prefixes(struct fw_reader *reader, const struct fw_key *key,
			struct fw_yaml_item item)
{
	struct fw_prefix one = { .lane = (__u8)key->max,
				 .class = key->max == FW_LANE_CLASS ? reader->class : 0,
				 .since_s = (__u32)(reader->context->clock.now_ns / FW_NS_PER_S) };

	if (item.kind == FW_YAML_SCALAR && item.empty)
		return;
	if (!class_takes(reader, key, fw_place_of(item)) || item.kind != FW_YAML_LIST) {
		if (item.kind != FW_YAML_LIST)
			fw_reader_wrong(reader, key, item, "a list");
		else
			fw_yaml_skip(&reader->yaml, item);
		return;
	}
	while (!reader->fatal) {
		item = fw_yaml_next(&reader->yaml);
		fw_reader_broken(reader, item);
		if (item.kind >= FW_YAML_CLOSE)
			break;
		one.until_s = FW_FOREVER;
		if (item.odd || item.kind == FW_YAML_LIST ||
		    (item.kind == FW_YAML_SCALAR && item.len >= FW_YAML_TEXT)) {
			fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item),
				      "write a prefix, or {prefix: .., for: .., why: ..}",
				      "this is not an entry of a list of prefixes");
			fw_yaml_skip(&reader->yaml, item);
		} else if (item.kind == FW_YAML_MAP) {
			read_entry(reader, &one, fw_place_of(item));
		} else {
			add(reader, &one, item.text, NULL, fw_place_of(item));
		}
	}
}
