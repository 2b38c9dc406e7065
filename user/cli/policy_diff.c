// SPDX-License-Identifier: GPL-2.0-only
/* policy diff: what applying a file would change, key by key and prefix by prefix. */
#include <errno.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/cli/policy.h"
#include "user/policy/file_diff.h"

#define PREFIXES_SHOWN 20 /* of a kind, to people */

struct teller {
	struct fw_cli *cli;
	json_t *list; /* NULL: to people */
	size_t said, added, removed, changed;
	int err;
};

static bool is_prefix(const char *path)
{
	const char *end = strrchr(path, '.');

	return !strncmp(path, "lanes.", 6) || (end && !strcmp(end, ".prefixes"));
}

static void tell_text(const struct teller *t, const char *path, const char *before,
		      const char *after)
{
	enum fw_style style = !before ? FW_STYLE_GOOD : !after ? FW_STYLE_BAD : FW_STYLE_WARN;

	(void)t;
	printf("%s%c%s ", fw_table_style(stdout, style),
	       !before	? '+'
	       : !after ? '-'
			: '~',
	       fw_table_style(stdout, FW_STYLE_NONE));
	fw_cli_print("%s: %s%s%s", path, before ?: "", before && after ? " -> " : "", after ?: "");
}

static void visit(void *arg, const char *path, const char *before, const char *after)
{
	struct teller *t = arg;
	size_t *count = !before ? &t->added : !after ? &t->removed : &t->changed;

	t->said++;
	if (is_prefix(path) && ++*count > PREFIXES_SHOWN && !t->list)
		return;
	if (!t->list) {
		tell_text(t, path, before, after);
		return;
	}
	t->err |= fw_json_push(t->list,
			       json_pack("{s:s,s:o?,s:o?}", "path", path, "before",
					 before ? fw_json_text(before) : json_null(), "after",
					 after ? fw_json_text(after) : json_null()));
}

static void tell_rest(const struct teller *t)
{
	const struct {
		size_t count;
		const char *what;
	} rest[] = { { t->added, "added" }, { t->removed, "removed" }, { t->changed, "changed" } };

	for (int i = 0; i < 3; i++)
		if (rest[i].count > PREFIXES_SHOWN)
			printf("... and %zu more prefixes %s\n", rest[i].count - PREFIXES_SHOWN,
			       rest[i].what);
}

/* Tells what would become different. *ret_same: nothing. doc: NULL, or where "changes" goes. */
static int tell_diff(struct fw_cli *cli, struct fw_file *running, struct fw_file *next, json_t *doc,
		     bool *ret_same)
{
	struct teller t = { .cli = cli, .list = doc ? json_array() : NULL };
	int r = fw_file_diff(running, next, fw_policy_clock(NULL), visit, &t, &cli->err);

	*ret_same = !t.said;
	if (!doc) {
		if (!r)
			tell_rest(&t);
		return r;
	}
	if (!r && (t.err || fw_json_set(doc, "changes", t.list)))
		r = fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	else if (r)
		json_decref(t.list);
	return r;
}

int fw_policy_diff_run(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	struct fw_file running = { 0 }, next = { 0 };
	json_t *doc = cli->json ? json_object() : NULL;
	struct fw_policy_diff counts;
	bool same = false;
	int r;

	r = fw_policy_cmd_open(cli, false, &cmd);
	if (!r)
		r = fw_policy_cmd_read(cli, argc, argv, &cmd);
	if (!r)
		r = fw_policy_running(&cmd.maps, &running, &cli->err);
	if (!r)
		r = fw_policy_place(&running, &cmd.file,
				    (__u32)(fw_apply_now(&cmd.maps) / 1000000000), &next, &counts,
				    &cli->err);
	if (!r)
		r = tell_diff(cli, &running, &next, doc, &same);
	if (!r && same && !cli->json)
		fw_cli_print("%s is what runs", cmd.path);
	if (!r && cli->json) {
		(void)fw_json_set(doc, "file", fw_json_text(cmd.path));
		(void)fw_json_set(doc, "same", json_boolean(same));
		(void)json_object_set(doc, "problems", cli->problems);
		r = fw_cli_json(cli, doc);
		doc = NULL;
	}
	json_decref(doc);
	fw_file_free(&running);
	fw_file_free(&next);
	fw_policy_cmd_free(&cmd);
	return r;
}
