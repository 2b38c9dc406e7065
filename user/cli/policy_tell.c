// SPDX-License-Identifier: GPL-2.0-only
/* Reading a policy file for a command, and telling everything that is wrong with it at once. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/policy.h"
#include "user/cli/session.h"
#include "user/kern/pin.h"

#define LOCK_WAIT_S 20 /* a million prefixes take a few seconds to write */

static json_t *problem_json(const struct fw_problem *p)
{
	json_t *one = json_pack("{s:o,s:I,s:I,s:s,s:o,s:b}", "file", fw_json_text(p->name), "line",
				(json_int_t)p->line, "column", (json_int_t)p->column, "severity",
				p->severity == FW_PROBLEM_ERROR ? "error" : "warning", "message",
				fw_json_text(p->err.msg), "guard", (int)p->guard);

	if (*p->err.hint)
		(void)fw_json_set(one, "hint", fw_json_text(p->err.hint)); /* the rest says it */
	return one;
}

/* The policy file under the name it was given, for that is what an editor is told to open. */
static void tell_one(const struct fw_policy_cmd *cmd, const char *given, const struct fw_problem *p)
{
	const char *name = strcmp(p->name, cmd->path) ? p->name : given;
	bool error = p->severity == FW_PROBLEM_ERROR;
	char clean[sizeof(cmd->path)];

	fprintf(stderr, "%s:%zu:%zu: %s%s:%s %s\n", fw_text_clean(clean, sizeof(clean), name),
		p->line, p->column, fw_table_style(stderr, error ? FW_STYLE_BAD : FW_STYLE_WARN),
		error ? "error" : "warning", fw_table_style(stderr, FW_STYLE_NONE), p->err.msg);
	if (*p->excerpt)
		fprintf(stderr, "%s\n", p->excerpt);
	if (*p->err.hint)
		fprintf(stderr, "    %s\n", p->err.hint);
}

static void tell(struct fw_cli *cli, const struct fw_policy_cmd *cmd, const char *given)
{
	const struct fw_problems *all = &cmd->problems;

	if (cli->json && !cli->problems)
		cli->problems = json_array();
	fflush(stdout);
	/* Errors last: they stand where the reader looks. */
	for (int severity = FW_PROBLEM_WARNING; severity >= FW_PROBLEM_ERROR; severity--)
		for (size_t i = 0; i < all->count; i++) {
			if ((int)all->at[i].severity != severity)
				continue;
			if (cli->json)
				(void)fw_json_push(cli->problems, problem_json(&all->at[i]));
			else
				tell_one(cmd, given, &all->at[i]);
		}
	if (!cli->json && all->errors + all->warnings > all->count)
		fprintf(stderr, "... and %zu more\n", all->errors + all->warnings - all->count);
}

int fw_policy_cmd_read(struct fw_cli *cli, int argc, char **argv, struct fw_policy_cmd *cmd)
{
	const char *name = argc ? argv[0] : FW_FILE_DEFAULT;
	struct fw_file_session session;
	struct fw_policy_seen seen = { 0 };
	struct fw_file_host host;
	bool input = !strcmp(name, "-"), here;
	int r;

	if (input)
		name = strcpy(cmd->path, "standard input");
	else if (!realpath(name, cmd->path)) {
		r = -(errno ?: EIO);
		return fw_err_set_file(&cli->err, r,
				       argc ? NULL
					    : "name the file, or floodwall policy save writes it",
				       "%s cannot be read: %s", name, strerror(-r));
	}
	here = fw_policy_host_find(&host) && !cmd->elsewhere;
	host.surely = cmd->maps.ctl; /* what it is held against runs here */
	seen.clock = fw_policy_clock(cmd->maps.ctl ? &cmd->maps : NULL);
	seen.session = fw_session_find(&session) ? NULL : &session;
	seen.host = here ? &host : NULL;
	r = input ? fw_policy_read_fd_for(STDIN_FILENO, name, &seen, &cmd->file, &cmd->problems,
					  &cli->err)
		  : fw_policy_read_file_for(cmd->path, &seen, &cmd->file, &cmd->problems,
					    &cli->err);
	fw_policy_host_free(&host);
	tell(cli, cmd, name);
	if (cmd->problems.errors)
		return fw_err_set(&cli->err, -EINVAL, cli->json ? cli->err.hint : NULL,
				  "%s has %zu error%s and %zu warning%s; nothing was changed", name,
				  cmd->problems.errors, cmd->problems.errors == 1 ? "" : "s",
				  cmd->problems.warnings, cmd->problems.warnings == 1 ? "" : "s");
	return r;
}

int fw_policy_cmd_open(struct fw_cli *cli, bool write, struct fw_policy_cmd *cmd)
{
	unsigned int parts = FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_IFACES;
	int r = 0;

	if (write) {
		parts |= FW_MAPS_WRITE | FW_MAPS_COUNTS;
		r = fw_pin_lock(cli->pins, LOCK_WAIT_S, &cmd->lock, &cli->err);
	}
	return r ?: fw_maps_open(cli->pins, parts, &cmd->maps, &cli->err);
}

void fw_policy_cmd_free(struct fw_policy_cmd *cmd)
{
	fw_file_free(&cmd->file);
	fw_problems_free(&cmd->problems);
	fw_maps_close(&cmd->maps);
	fw_pin_unlock(cmd->lock);
	cmd->lock = -1;
}
