// SPDX-License-Identifier: GPL-2.0-only
/*
 * Differences between two policies. Keys are compared as they are printed: what two files say the
 * same way is the same, and nothing that is printed can be forgotten here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/policy/file_diff.h"

#define DEPTH_MAX 8
#define PATH_LEN  128

/* One printed line: where it stands, and what it says. */
struct said {
	char path[PATH_LEN];
	const char *value;
	bool item; /* of a list: there may be others of this path */
};

struct sayings {
	char *text; /* the values point into it */
	struct said *at;
	size_t count;
};

static void sayings_free(struct sayings *s)
{
	free(s->text);
	free(s->at);
}

/* The policy without its prefixes, as text. */
static char *print_keys(const struct fw_file *file, struct fw_file_clock clock)
{
	struct fw_file keys = { .model = file->model, .settings = file->settings };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r;

	if (!out)
		return NULL;
	r = fw_file_print(out, &keys, clock);
	if (fclose(out) || r) {
		free(text);
		return NULL;
	}
	return text;
}

/* "    'web':" in place: its depth; *ret_key and *ret_value behind the colon, "" for none. */
static size_t split(char *line, char **ret_key, char **ret_value)
{
	size_t spaces = strspn(line, " ");
	char *key = line + spaces, *colon;

	if (*key == '-') {
		*ret_key = NULL;
		*ret_value = key + 2;
		return spaces / 2;
	}
	/* Values of quoted keys are never quoted. */
	colon = strchr(strchr("'\"", *key) ? strrchr(key + 1, *key) : key, ':');
	*colon = '\0';
	*ret_value = colon[1] == ' ' ? colon + 2 : colon + 1;
	if (strchr("'\"", *key)) {
		key++;
		colon[-1] = '\0';
	}
	*ret_key = key;
	return spaces / 2;
}

static int collect(const struct fw_file *file, struct fw_file_clock clock, struct sayings *ret)
{
	char stack[DEPTH_MAX][PATH_LEN] = { "" }, *line, *save = NULL, *key, *value;
	char path[PATH_LEN];
	size_t lines = 1;

	ret->text = print_keys(file, clock);
	if (!ret->text)
		return -ENOMEM;
	for (const char *p = ret->text; *p; p++)
		lines += *p == '\n';
	ret->at = calloc(lines, sizeof(*ret->at));
	if (!ret->at)
		return -ENOMEM;
	for (line = strtok_r(ret->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t depth = split(line, &key, &value);
		struct said *to = &ret->at[ret->count];

		if (depth + 1 >= DEPTH_MAX)
			continue;
		if (key) {
			snprintf(path, sizeof(path), "%.90s%s%.36s", stack[depth], depth ? "." : "",
				 key);
			memcpy(stack[depth + 1], path, sizeof(path));
		}
		if (!*value || !strcmp(value, "{}"))
			continue;
		memcpy(to->path, stack[key ? depth + 1 : depth], PATH_LEN);
		to->value = value;
		to->item = !key;
		ret->count++;
	}
	return 0;
}

static const struct said *find(const struct sayings *in, const struct said *one)
{
	for (size_t i = 0; i < in->count; i++)
		if (!strcmp(in->at[i].path, one->path) &&
		    (!one->item || !strcmp(in->at[i].value, one->value)))
			return &in->at[i];
	return NULL;
}

static void diff_keys(const struct sayings *before, const struct sayings *after,
		      fw_file_diff_fn *visit, void *arg)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct said *new = &after->at[i], *old = find(before, new);

		if (!old || strcmp(old->value, new->value))
			visit(arg, new->path, old ? old->value : NULL, new->value);
	}
	for (size_t i = 0; i < before->count; i++)
		if (!find(after, &before->at[i]))
			visit(arg, before->at[i].path, before->at[i].value, NULL);
}

struct lanes {
	struct fw_file *before, *after;
	struct fw_file_clock clock;
	fw_file_diff_fn *visit;
	void *arg;
};

static void put(char *buf, size_t size, const struct lanes *lanes, const struct fw_file *file,
		const struct fw_prefix *one)
{
	const char *why = fw_prefixes_why(&file->lanes, one);
	char prefix[FW_TEXT_LEN], when[FW_CLOCK_LEN] = "";

	if (one->until_s != FW_FOREVER)
		fw_clock_put(when, sizeof(when),
			     lanes->clock.realtime_ns +
				     (one->until_s * FW_NS_PER_S - lanes->clock.now_ns));
	snprintf(buf, size, "%s%s%s%s%s",
		 fw_text_put_prefix(prefix, sizeof(prefix), one->addr_be, one->len),
		 *when ? " until " : "", when, *why ? " " : "", why);
}

static void path_of(char *buf, size_t size, const struct fw_file *file, const struct fw_prefix *one)
{
	if (one->lane == FW_LANE_CLASS)
		snprintf(buf, size, "classes.%s.prefixes", file->model->class[one->class].name);
	else
		snprintf(buf, size, "lanes.%s", fw_model_lane_name(one->lane));
}

static void diff_prefix(const struct lanes *lanes, const struct fw_prefix *old,
			const struct fw_prefix *new)
{
	char path[PATH_LEN], path_old[PATH_LEN], before[256], after[256];

	if (old)
		put(before, sizeof(before), lanes, lanes->before, old);
	if (new)
		put(after, sizeof(after), lanes, lanes->after, new);
	if (old)
		path_of(path_old, sizeof(path_old), lanes->before, old);
	if (new)
		path_of(path, sizeof(path), lanes->after, new);
	if (old && new && !strcmp(path, path_old)) {
		if (strcmp(before, after))
			lanes->visit(lanes->arg, path, before, after);
		return;
	}
	if (old)
		lanes->visit(lanes->arg, path_old, before, NULL);
	if (new)
		lanes->visit(lanes->arg, path, NULL, after);
}

/* Nothing to say of two that are alike, found out without printing them. */
static bool alike(const struct lanes *lanes, const struct fw_prefix *a, const struct fw_prefix *b)
{
	return a->until_s == b->until_s && a->class == b->class &&
	       ((!a->why && !b->why) || !strcmp(fw_prefixes_why(&lanes->before->lanes, a),
						fw_prefixes_why(&lanes->after->lanes, b)));
}

static void diff_lanes(const struct lanes *lanes)
{
	struct fw_prefixes *before = &lanes->before->lanes, *after = &lanes->after->lanes;

	for (size_t i = 0; i < after->count; i++) {
		const struct fw_prefix *new = &after->at[i];
		const struct fw_prefix *old =
			fw_prefixes_find(before, new->lane, new->addr_be, new->len);

		if (!old || !alike(lanes, old, new))
			diff_prefix(lanes, old, new);
	}
	for (size_t i = 0; i < before->count; i++) {
		const struct fw_prefix *old = &before->at[i];

		if (!fw_prefixes_find(after, old->lane, old->addr_be, old->len))
			diff_prefix(lanes, old, NULL);
	}
}

int fw_file_diff(struct fw_file *before, struct fw_file *after, struct fw_file_clock clock,
		 fw_file_diff_fn *visit, void *arg, struct fw_err *err)
{
	struct lanes lanes = { before, after, clock, visit, arg };
	struct sayings old = { 0 }, new = { 0 };
	int r = collect(before, clock, &old) ?: collect(after, clock, &new);

	if (r)
		fw_err_set(err, r, NULL, "no memory to compare the policies");
	else
		diff_keys(&old, &new, visit, arg);
	if (!r)
		diff_lanes(&lanes);
	sayings_free(&old);
	sayings_free(&new);
	return r;
}
