// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking the file along the table of keys. What must stay true: whatever is wrong is said and
 * skipped, and reading goes on behind it, so that one pass finds everything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/nearest.h"
#include "user/base/text.h"
#include "user/policy/file_read.h"

#define KEYS_MAX 32 /* below one parent */
#define PATH_LEN 96

/* Reads the value of key: item is its first item. */
static void read_value(struct fw_reader *reader, const struct fw_key *key,
		       struct fw_yaml_item item);

void fw_reader_broken(struct fw_reader *reader, struct fw_yaml_item item)
{
	if (item.kind != FW_YAML_BROKEN || reader->fatal)
		return;
	fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), NULL, "%s", item.text);
	reader->fatal = reader->fatal ?: -EINVAL;
}

/* Nothing can be read behind this item. */
static bool ended(struct fw_reader *reader, struct fw_yaml_item item)
{
	fw_reader_broken(reader, item);
	return reader->fatal || item.kind == FW_YAML_END;
}

static void complain_odd(struct fw_reader *reader, struct fw_yaml_item item)
{
	fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), "leave it out",
		      "%s has no meaning in a policy", item.odd);
}

/* A key's text into name; false: it was none, and its value was skipped. */
static bool key_text(struct fw_reader *reader, struct fw_yaml_item item, char name[PATH_LEN])
{
	if (item.odd)
		complain_odd(reader, item);
	else if (item.kind != FW_YAML_SCALAR)
		fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), "write \"key: value\"",
			      "a key must be a single word");
	if (item.odd || item.kind != FW_YAML_SCALAR) {
		fw_yaml_skip(&reader->yaml, item);
		fw_yaml_skip(&reader->yaml, fw_yaml_next(&reader->yaml));
		return false;
	}
	snprintf(name, PATH_LEN, "%.*s", PATH_LEN - 1, item.text);
	return true;
}

static void unknown_key(struct fw_reader *reader, const char *parent, const char *name,
			const struct fw_key *keys, size_t count, struct fw_place place)
{
	const char *words[KEYS_MAX], *near;
	char hint[FW_ERR_LEN];
	size_t used;

	for (size_t i = 0; i < count; i++)
		words[i] = keys[i].name;
	if (reader->problems->errors >= FW_PROBLEMS_SHOWN) { /* it is counted, not shown */
		reader->problems->errors++;
		return;
	}
	if (!strcmp(parent, "[]") && strchr(name, ':')) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place,
			      "an IPv6 address that begins or ends with a colon needs quotes",
			      "there is no key \"%.40s\" in a list of prefixes", name);
		return;
	}
	near = fw_nearest_word(name, words, count);
	used = (size_t)snprintf(hint, sizeof(hint),
				near ? "did you mean \"%s\"?" : "known here:", near);
	for (size_t i = 0; !near && i < count && used < sizeof(hint); i++)
		used += (size_t)snprintf(hint + used, sizeof(hint) - used, "%s %s", i ? "," : "",
					 words[i]);
	fw_reader_say(reader, FW_PROBLEM_ERROR, place, hint, "there is no key \"%.40s\"%s%s", name,
		      *parent ? " in " : "",
		      !*parent		      ? ""
		      : !strcmp(parent, "[]") ? "a list of prefixes"
					      : parent);
}

/* Places that checks across keys want to point at. */
static void remember(struct fw_reader *reader, const struct fw_key *key, struct fw_place place)
{
	if (key->base == FW_KEY_CLASS && key->type == FW_KEY_LIMIT) {
		size_t kind =
			(key->at - offsetof(struct fw_model_class, rate)) / sizeof(struct fw_rate);

		reader->limit_place[reader->class][kind] = place;
		reader->limit_said[reader->class][kind] = true;
	} else if (!strcmp(key->parent, "budgets")) {
		size_t id = (key->at - offsetof(struct fw_model, budget)) / sizeof(struct fw_rate);

		reader->budget_place[id] = place;
		reader->budget_said[id] = true;
	} else if (!strcmp(key->name, "net48_factor")) {
		reader->factor_place = place;
	} else if (!strcmp(key->name, "ban_time") ||
		   (!strcmp(key->name, "ban_ceiling") && !reader->ban_said)) {
		reader->ban_place = place;
		reader->ban_said = true;
	} else if (!strcmp(key->name, "services") && !*key->parent) {
		reader->services_place = place;
	} else if (!strcmp(key->name, "reserved_source")) {
		reader->reserved_place = place;
	} else if (!strcmp(key->name, "closed")) {
		reader->service.closed = place;
	}
}

void fw_reader_group(struct fw_reader *reader, const char *parent, const struct fw_key *keys,
		     size_t count)
{
	__u32 seen[KEYS_MAX] = { 0 }; /* line + 1 */
	struct fw_yaml_item item;
	char name[PATH_LEN];

	while (!ended(reader, item = fw_yaml_next(&reader->yaml)) && item.kind != FW_YAML_CLOSE) {
		struct fw_place place = fw_place_of(item);
		size_t i = 0;

		if (!key_text(reader, item, name))
			continue;
		while (i < count && strcmp(keys[i].name, name))
			i++;
		item = fw_yaml_next(&reader->yaml);
		if (ended(reader, item))
			return;
		if (i == count) {
			unknown_key(reader, parent, name, keys, count, place);
			fw_yaml_skip(&reader->yaml, item);
			continue;
		}
		if (seen[i]) {
			fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
				      "\"%s\" was given in line %u already", name, seen[i]);
			fw_yaml_skip(&reader->yaml, item);
			continue;
		}
		seen[i] = place.line + 1;
		if (item.kind == FW_YAML_SCALAR && item.empty) { /* it stands nowhere itself */
			item.pos = place.pos;
			item.line = place.line;
		}
		remember(reader, &keys[i], place);
		read_value(reader, &keys[i], item);
	}
}

static void interface(struct fw_reader *reader, const char *name, struct fw_place place,
		      const struct fw_key *key, struct fw_yaml_item item)
{
	struct fw_settings *settings = &reader->file->settings;
	struct fw_file_iface *iface = &settings->iface[settings->ifaces];
	struct fw_key row = *key;

	for (unsigned int i = 0; i < settings->ifaces; i++)
		if (!strcmp(settings->iface[i].name, name)) {
			fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
				      "%s was given in line %u already", name,
				      reader->iface_place[i].line + 1);
			fw_yaml_skip(&reader->yaml, item);
			return;
		}
	if (!fw_text_is_iface(name) || settings->ifaces == FW_IFACE_MAX) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, NULL,
			      settings->ifaces == FW_IFACE_MAX ? "\"%.40s\" is one interface too "
								 "many"
							       : "\"%.40s\" is not the name of an "
								 "interface",
			      name);
		fw_yaml_skip(&reader->yaml, item);
		return;
	}
	memset(iface, 0, sizeof(*iface));
	strcpy(iface->name, name);
	reader->iface_place[settings->ifaces++] = place;
	if (item.kind == FW_YAML_SCALAR && item.empty)
		return;
	row.base = FW_KEY_NOWHERE;
	reader->base[FW_KEY_NOWHERE] = &iface->mode;
	read_value(reader, &row, item);
}

static void class_begin(struct fw_reader *reader, const char *name, struct fw_place place)
{
	struct fw_model *model = reader->file->model;
	int i = fw_model_class_find(model, name, NULL);
	struct fw_err err;

	reader->base[FW_KEY_CLASS] = NULL;
	if (i >= 0 && (reader->class_place[i].pos || reader->class_place[i].line)) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
			      "class \"%s\" was given in line %u already", name,
			      reader->class_place[i].line + 1);
		return;
	}
	if (i < 0)
		i = fw_model_class_add(model, name, &err);
	if (i < 0) {
		fw_reader_error(reader, place, &err);
		return;
	}
	/* Whatever the file says of default, and wherever: other classes do not follow it. */
	if (i != FW_CLASS_TRUSTED)
		memcpy(model->class[i].rate, reader->standard_rate, sizeof(model->class[i].rate));
	reader->class_place[i] = place;
	reader->class = (__u8)i;
	reader->base[FW_KEY_CLASS] = &model->class[i];
}

/* The value of a name the admin chose. */
static void named(struct fw_reader *reader, const struct fw_key *parent, const struct fw_key *row,
		  const char *name, struct fw_place place, struct fw_yaml_item item)
{
	enum fw_key_base base = !strcmp(parent->name, "classes") ? FW_KEY_CLASS : FW_KEY_SERVICE;

	if (row->type != FW_KEY_GROUP) {
		interface(reader, name, place, row, item);
		return;
	}
	if (base == FW_KEY_CLASS)
		class_begin(reader, name, place);
	else
		fw_reader_service_begin(reader, name, place);
	if (!reader->base[base]) {
		fw_yaml_skip(&reader->yaml, item);
		return;
	}
	read_value(reader, row, item);
	if (base == FW_KEY_SERVICE)
		fw_reader_service_end(reader, place);
}

static void read_named(struct fw_reader *reader, const struct fw_key *parent)
{
	struct fw_yaml_item item;
	char name[PATH_LEN];
	const struct fw_key *row;
	size_t count;

	row = fw_keys_below(parent->name, &count);
	while (!ended(reader, item = fw_yaml_next(&reader->yaml)) && item.kind != FW_YAML_CLOSE) {
		struct fw_place place = fw_place_of(item);

		if (!key_text(reader, item, name))
			continue;
		item = fw_yaml_next(&reader->yaml);
		if (ended(reader, item))
			return;
		named(reader, parent, row, name, place, item);
	}
}

static void read_group(struct fw_reader *reader, const struct fw_key *key)
{
	char path[PATH_LEN];
	const struct fw_key *keys;
	size_t count;

	fw_keys_path(path, sizeof(path), key);
	keys = fw_keys_below(path, &count);
	fw_reader_group(reader, path, keys, count);
}

void fw_reader_wrong(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item,
		     const char *wants)
{
	static const char *const is[] = { [FW_YAML_SCALAR] = "a single value",
					  [FW_YAML_LIST] = "a list",
					  [FW_YAML_MAP] = "keys of its own" };
	char who[64];

	if (strcmp(key->name, "*"))
		snprintf(who, sizeof(who), "\"%s\"", key->name);
	else /* its name is the admin's */
		snprintf(who, sizeof(who), "%s",
			 !strcmp(key->parent, "interfaces") ? "an interface"
			 : !strcmp(key->parent, "classes")  ? "a class"
							    : "a service");
	fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), NULL, "%s wants %s, not %s", who,
		      wants, item.kind <= FW_YAML_MAP ? is[item.kind] : "this");
	fw_yaml_skip(&reader->yaml, item);
}

void fw_reader_each(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item,
		    void (*take)(struct fw_reader *, const struct fw_key *, const char *,
				 struct fw_place))
{
	if (item.kind == FW_YAML_SCALAR) {
		if (!item.empty)
			take(reader, key, item.text, fw_place_of(item));
		return;
	}
	if (item.kind != FW_YAML_LIST) {
		fw_reader_wrong(reader, key, item, "a list");
		return;
	}
	while (!ended(reader, item = fw_yaml_next(&reader->yaml)) && item.kind != FW_YAML_CLOSE) {
		if (item.odd)
			complain_odd(reader, item);
		if (item.kind != FW_YAML_SCALAR || item.empty)
			fw_reader_wrong(reader, key, item, "a list of single values");
		else if (item.len >= FW_YAML_TEXT)
			fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), NULL,
				      "\"%.40s...\" is too long", item.text);
		else if (!item.odd)
			take(reader, key, item.text, fw_place_of(item));
	}
}

static void read_scalar(struct fw_reader *reader, const struct fw_key *key,
			struct fw_yaml_item item)
{
	if (item.kind != FW_YAML_SCALAR)
		fw_reader_wrong(reader, key, item, "a single value");
	else if (item.empty)
		fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item),
			      "leave the key out for its default", "\"%s\" has no value",
			      key->name);
	else if (item.len >= FW_YAML_TEXT || strlen(item.text) != item.len)
		fw_reader_say(reader, FW_PROBLEM_ERROR, fw_place_of(item), NULL,
			      "the value of \"%s\" is too long, or not text", key->name);
	else
		fw_reader_scalar(reader, key, item.text, fw_place_of(item));
}

static void read_value(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item)
{
	if (item.odd) {
		complain_odd(reader, item);
		fw_yaml_skip(&reader->yaml, item);
		return;
	}
	switch (key->type) {
	case FW_KEY_GROUP:
	case FW_KEY_NAMED:
		if (item.kind == FW_YAML_SCALAR && item.empty)
			return; /* everything below it is commented out */
		if (item.kind != FW_YAML_MAP)
			fw_reader_wrong(reader, key, item, "keys of its own");
		else if (key->type == FW_KEY_GROUP)
			read_group(reader, key);
		else
			read_named(reader, key);
		return;
	case FW_KEY_ADDRS:
		fw_reader_each(reader, key, item, fw_reader_addr);
		return;
	case FW_KEY_PORTS:
		fw_reader_each(reader, key, item, fw_reader_ports);
		return;
	case FW_KEY_RULES:
		fw_reader_each(reader, key, item, fw_reader_rule);
		return;
	case FW_KEY_REFLECT:
		fw_reader_reflect(reader, key, item);
		return;
	case FW_KEY_PREFIXES:
		fw_reader_prefixes(reader, key, item);
		return;
	default:
		read_scalar(reader, key, item);
	}
}
