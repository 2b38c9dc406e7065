// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every change of a command passes here before it runs: what becomes of the session that types it,
 * now and afterwards? One place for all commands, so none can be forgotten.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/cli/session.h"

/* What runs, read from the maps; the lanes without what has expired. */
struct running {
	struct fw_model *model;
	struct fw_prefixes set;
};

static int running_read(struct fw_cli *cli, const struct fw_maps *maps, struct running *ret)
{
	int err = fw_apply_read_model(maps, &ret->model, &cli->err);

	if (!err)
		err = fw_apply_read_prefixes(maps, &ret->set, &cli->err);
	if (!err)
		fw_prefixes_expire(&ret->set, (__u32)(fw_apply_now(maps) / FW_NS_PER_S));
	return err;
}

static void running_free(struct running *running)
{
	free(running->model);
	fw_prefixes_free(&running->set);
}

#define NOT_FIRST FW_CLASS_MAX /* in place of a class: it cannot be protected before */

static void put_hint(char hint[FW_ERR_LEN], int was, const char *who)
{
	if (was == NOT_FIRST)
		snprintf(hint, FW_ERR_LEN,
			 "say --force if that is meant; with %s in management first, that would "
			 "be what is undone",
			 who);
	else if (was < 0 || was == FW_CLASS_TRUSTED)
		snprintf(hint, FW_ERR_LEN, "leave %s in %s, or say --force", who,
			 was < 0 ? "management" : "the trusted lane");
	else
		snprintf(hint, FW_ERR_LEN,
			 "protect it first: floodwall manage add %s; or say --force", who);
}

static int refuse(struct fw_cli *cli, const struct fw_file_session *session,
		  const struct fw_model *model, const struct fw_file_verdict *then, int was)
{
	char who[FW_TEXT_LEN], what[FW_TEXT_LEN], hint[FW_ERR_LEN];
	struct fw_err *err = &cli->err;

	fw_text_put_addr(who, sizeof(who), session->peer_be);
	put_hint(hint, was, who);
	switch (then->fate) {
	case FW_SESSION_RESERVED:
		return fw_err_set(err, -EINVAL, "say --force if that is meant",
				  "this would cut your own session off: %s, where you are logged "
				  "in from, is a reserved address",
				  who);
	case FW_SESSION_BLOCKED:
		fw_text_put_prefix(what, sizeof(what), then->by->addr_be, then->by->len);
		return fw_err_set(err, -EINVAL, hint,
				  "this would cut your own session off: %s would block %s, where "
				  "you are logged in from",
				  what, who);
	case FW_SESSION_CLOSED:
		fw_text_put_addr(what, sizeof(what), session->server_be);
		return fw_err_set(err, -EINVAL, hint,
				  "this would cut your own session off: %s would speak no TCP port "
				  "%u any more, and %s is logged in to it",
				  what, session->port, who);
	default:
		return fw_err_set(
			err, -EINVAL, hint,
			"this could cut your own session off: %s, where you are logged in "
			"from, would have the limit of %s of class \"%s\", too low for a "
			"shell",
			who, fw_model_kind_name(then->kind), model->class[then->class].name);
	}
}

/* Commands that can cut nobody off, as those for budgets, have no --force. */
static bool can_cut(const struct fw_cli *cli)
{
	const struct fw_cli_option *o = cli->command->options;

	while (o && o->name && strcmp(o->name, "force"))
		o++;
	return o && o->name && !fw_cli_option(cli, "force");
}

/* The session now, and under what is to run: `model` and `set`, NULL = as they are now. */
static int compare(struct fw_cli *cli, const struct fw_file_session *session,
		   const struct running *now, const struct fw_model *model,
		   const struct fw_prefixes *set, bool undo)
{
	struct fw_file_verdict is = fw_file_session_judge(now->model, &now->set, session), then;
	bool begins, left;

	model = model ? model : now->model;
	then = fw_file_session_judge(model, set ? set : &now->set, session);
	/* A block is judged in mode monitor, too, but cuts nobody off before that ends. */
	begins = now->model->flags & FW_P_MONITOR && !(model->flags & FW_P_MONITOR);
	if (then.fate == FW_SESSION_FREE || (then.fate == is.fate && !begins))
		return 0;
	left = is.class != then.class && (is.class < 0 || is.class == FW_CLASS_TRUSTED);
	if (!left) /* no lane to stay in: who stays trusted is cut off all the same */
		is.class = undo ? NOT_FIRST : FW_CLASS_DEFAULT;
	return refuse(cli, session, model, &then, is.class);
}

int fw_session_guard(struct fw_cli *cli, struct fw_edit *edit, unsigned int changed)
{
	struct fw_file_session session;
	struct running now = { 0 };
	int err;

	if (!can_cut(cli) || fw_session_find(&session))
		return 0;
	err = running_read(cli, &edit->maps, &now);
	if (!err)
		err = compare(cli, &session, &now,
			      changed & FW_APPLY_POLICY ? edit->apply.model : NULL,
			      changed & FW_APPLY_LANES ? &edit->apply.prefixes : NULL, false);
	running_free(&now);
	return err;
}

int fw_session_guard_undo(struct fw_cli *cli, const struct fw_maps *maps)
{
	struct fw_file_session session;
	struct running now = { 0 }, then = { 0 };
	int err;

	if (!can_cut(cli) || fw_session_find(&session))
		return 0;
	err = fw_apply_read_back(maps, &then.model, &then.set, &cli->err);
	if (!err)
		err = running_read(cli, maps, &now);
	if (!err)
		err = compare(cli, &session, &now, then.model, &then.set, true);
	running_free(&now);
	running_free(&then);
	return err;
}

int fw_session_guard_attach(struct fw_cli *cli, const struct fw_maps *maps)
{
	struct fw_file_session session;
	struct fw_file_verdict then;
	struct running now = { 0 };
	int err;

	if (!can_cut(cli) || fw_session_find(&session))
		return 0;
	err = running_read(cli, maps, &now);
	if (!err && !(now.model->flags & FW_P_MONITOR)) {
		then = fw_file_session_judge(now.model, &now.set, &session);
		if (then.fate != FW_SESSION_FREE)
			err = refuse(cli, &session, now.model, &then, FW_CLASS_DEFAULT);
	}
	running_free(&now);
	return err;
}
