// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy apply, confirm, undo. What could cut off the person who types it is refused, unless it is
 * forced with a deadline after which the program itself goes back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/incident.h"
#include "user/cli/policy.h"
#include "user/cli/progress.h"
#include "user/cli/session.h"

#define LONG_LIST     100000 /* prefixes that take a while */
#define CONFIRM_MIN_S 5
#define CONFIRM_MAX_S 86400

static int read_confirm(struct fw_cli *cli, __u32 *ret)
{
	const char *text = fw_cli_option(cli, "confirm");
	int r;

	*ret = 0;
	if (!text)
		return 0;
	r = fw_text_duration(text, ret, &cli->err);
	if (r == -ERANGE || (!r && (*ret < CONFIRM_MIN_S || *ret > CONFIRM_MAX_S)))
		r = fw_err_set(&cli->err, -ERANGE, "5m is usual",
			       "\"%.40s\" is not between 5 s and a day", text);
	if (r)
		fw_err_prepend(&cli->err, "--confirm");
	return r;
}

static int check_guards(struct fw_cli *cli, const struct fw_policy_cmd *cmd, __u32 confirm_s)
{
	const struct fw_problem *first = NULL;
	bool force = fw_cli_option(cli, "force");

	for (size_t i = 0; i < cmd->problems.count && !first; i++)
		if (cmd->problems.at[i].guard)
			first = &cmd->problems.at[i];
	if (!cmd->problems.guards || (force && confirm_s) || !first)
		return 0;
	return fw_err_set(&cli->err, -EINVAL,
			  force ? "--force needs --confirm 5m here: it then goes back by itself"
				: "mend it, or say --force --confirm 5m: it then goes back by "
				  "itself",
			  "line %zu: %s; nothing was changed", first->line, first->err.msg);
}

static int change_json(struct fw_cli *cli, const struct fw_change *change, const char *file,
		       const struct fw_policy_diff *diff, __u64 live, __u32 confirm_s)
{
	json_t *doc =
		json_pack("{s:o,s:o,s:o,s:o,s:i,s:i}", "who", fw_json_text(change->who), "what",
			  fw_json_text(change->what), "before", fw_json_text(change->before),
			  "after", fw_json_text(change->after), "generation",
			  (int)FW_LIVE_GENERATION(live), "confirm_within_s", (int)confirm_s);

	if (file)
		(void)fw_json_set(doc, "file", fw_json_text(file));
	if (file && cli->problems)
		(void)json_object_set(doc, "problems", cli->problems);
	if (diff)
		(void)fw_json_set(doc, "prefixes",
				  json_pack("{s:I,s:I,s:I}", "added", (json_int_t)diff->added,
					    "removed", (json_int_t)diff->removed, "changed",
					    (json_int_t)diff->changed));
	if (diff)
		(void)fw_json_set(doc, "changed",
				  json_boolean(diff->policy || diff->added || diff->removed ||
					       diff->changed));
	return fw_cli_json(cli, doc);
}

static int applied(struct fw_cli *cli, const struct fw_policy_cmd *cmd,
		   const struct fw_policy_diff *diff, const struct fw_change *change,
		   __u32 confirm_s)
{
	bool same = !diff->policy && !diff->added && !diff->removed && !diff->changed;
	char prefixes[128] = "";

	if (!same)
		fw_cli_sign(cli);
	if (cli->json)
		return change_json(cli, change, cmd->path, diff, cmd->maps.ctl->live,
				   same ? 0 : confirm_s);
	if (same)
		return fw_cli_say(cli, NULL, "%s runs already, %s", cmd->path, change->after);
	if (diff->added || diff->removed || diff->changed)
		snprintf(prefixes, sizeof(prefixes), ": prefixes %zu new, %zu gone, %zu changed",
			 diff->added, diff->removed, diff->changed);
	fw_cli_print("%s runs, %s%s", cmd->path, change->after, prefixes);
	if (cmd->file.model->flags & FW_P_MONITOR)
		printf("mode monitor: it drops nothing, and counts what it would drop\n");
	if (confirm_s)
		printf("it goes back by itself in %u s; to keep it: floodwall policy confirm\n",
		       confirm_s);
	return 0;
}

/* The file names interfaces; attaching them is not this command's business. */
static void warn_interfaces(struct fw_cli *cli, const struct fw_policy_cmd *cmd)
{
	struct fw_file running = { 0 };

	if (fw_policy_running(&cmd->maps, &running, NULL))
		return;
	for (unsigned int i = 0; i < cmd->file.settings.ifaces; i++) {
		const char *name = cmd->file.settings.iface[i].name;
		unsigned int k = 0;

		while (k < running.settings.ifaces && strcmp(running.settings.iface[k].name, name))
			k++;
		if (k == running.settings.ifaces)
			fw_cli_warn(cli, "%s is in the file and not attached: floodwall attach %s",
				    name, name);
	}
	fw_file_free(&running);
}

int fw_policy_apply_run(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	struct fw_policy_opts opts = { .path = cmd.path };
	struct fw_policy_diff diff = { 0 };
	struct fw_progress bar;
	struct fw_change change;
	int r;

	if (argc && !strcmp(argv[0], "-"))
		return fw_cli_usage(cli, "what runs is a file, to be read again by a reload: not "
					 "standard input");
	r = read_confirm(cli, &opts.confirm_s);
	if (!r)
		r = fw_policy_cmd_open(cli, true, &cmd);
	if (!r)
		r = fw_policy_cmd_read(cli, argc, argv, &cmd);
	if (!r)
		r = check_guards(cli, &cmd, opts.confirm_s);
	fw_progress_begin(&bar, "applying");
	if (!r && cmd.file.lanes.count > LONG_LIST)
		fw_progress_step(&bar, 1, 2); /* it is read, and half the time is gone */
	if (!r)
		r = fw_policy_apply(&cmd.maps, &cmd.file, &opts, &diff, &change, &cli->err);
	fw_progress_end(&bar);
	if (!r)
		warn_interfaces(cli, &cmd);
	if (!r)
		r = applied(cli, &cmd, &diff, &change, opts.confirm_s);
	fw_policy_cmd_free(&cmd);
	return r;
}

static int go(struct fw_cli *cli, int (*guard)(struct fw_cli *, const struct fw_maps *),
	      int (*step)(struct fw_maps *, struct fw_change *, struct fw_err *))
{
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	struct fw_change change;
	int r;

	r = fw_policy_cmd_open(cli, true, &cmd);
	if (!r && guard)
		r = guard(cli, &cmd.maps);
	if (!r)
		r = step(&cmd.maps, &change, &cli->err);
	if (!r && cli->json)
		fw_cli_sign(cli);
	if (!r && cli->json)
		r = change_json(cli, &change, NULL, NULL, cmd.maps.ctl->live, 0);
	else if (!r)
		r = fw_cli_done(cli, NULL, "%s: %s, after %s", change.what, change.after,
				change.before);
	fw_policy_cmd_free(&cmd);
	return r;
}

int fw_policy_confirm_run(struct fw_cli *cli, int argc, char **argv)
{
	(void)argc; /* the table says none */
	(void)argv;
	return go(cli, NULL, fw_policy_confirm);
}

int fw_policy_undo_run(struct fw_cli *cli, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return go(cli, fw_session_guard_undo, fw_policy_undo);
}
