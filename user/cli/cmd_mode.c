// SPDX-License-Identifier: GPL-2.0-only
/* mode: whether drops are made or only counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/cli/cli.h"
#include "user/cli/edit.h"

static const char *mode_name(const struct fw_model *model)
{
	return model->flags & FW_P_MONITOR ? "monitor" : "enforce";
}

static int show(struct fw_cli *cli)
{
	struct fw_model *model = NULL;
	const char *mode;
	int err;

	err = fw_edit_read_model(cli, &model);
	if (err)
		return err;
	mode = mode_name(model);
	err = fw_cli_say(cli, json_pack("{s:s}", "mode", mode), "%s: %s", mode,
			 model->flags & FW_P_MONITOR ? "drops are counted, nothing is dropped"
						     : "what is over its limits is dropped");
	free(model);
	return err;
}

static int cmd_mode(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_edit edit;
	json_t *doc;
	__u32 before;
	int err;

	if (!argc)
		return show(cli);
	if (strcmp(argv[0], "enforce") && strcmp(argv[0], "monitor"))
		return fw_cli_usage(cli, "no mode \"%.40s\"; say enforce or monitor", argv[0]);
	err = fw_edit_begin(cli, FW_APPLY_POLICY, &edit);
	if (err)
		goto out;
	before = edit.apply.model->flags;
	edit.apply.model->flags &= ~(__u32)FW_P_MONITOR;
	if (!strcmp(argv[0], "monitor"))
		edit.apply.model->flags |= FW_P_MONITOR;
	doc = json_pack("{s:s,s:b}", "mode", argv[0], "changed", edit.apply.model->flags != before);
	if (edit.apply.model->flags == before) {
		err = fw_cli_say(cli, doc, "%s already", argv[0]);
		goto out;
	}
	err = fw_edit_commit(cli, &edit, FW_APPLY_POLICY);
	if (err)
		json_decref(doc);
	else
		err = fw_cli_done(cli, doc, "%s, from the next packet on", argv[0]);
out:
	fw_edit_end(&edit);
	return err;
}

static const struct fw_cli_option options[] = {
	{ "force", 0, NULL, "even if it could cut your own session", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_mode[] = {
	{ .object = "mode",
	  .args = "[enforce|monitor]",
	  .options = options,
	  .help = "drop, or only count what would be dropped",
	  .doc = "monitor does all the accounting and drops nothing: a way to see what a policy "
		 "would do to real traffic. Without an argument: show the mode.",
	  .max_args = 1,
	  .run = cmd_mode,
	  .choices = "enforce monitor" },
	{ .object = NULL },
};
