// SPDX-License-Identifier: GPL-2.0-only
/* run: the controller in the foreground, as systemd starts it. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/cli/attach.h"
#include "user/core/beat.h"
#include "user/daemon/daemon.h"

/* The record names the file to commands that are typed elsewhere. Links stay: they may be moved. */
static int whole_path(const char *path, char *buf, size_t size, struct fw_err *err)
{
	size_t at = 0;

	if (*path != '/') {
		if (!getcwd(buf, size))
			return fw_err_set(err, -errno, "say the whole path of the policy file",
					  "cannot say where %s is: %s", path, strerror(errno));
		at = strlen(buf);
		buf[at++] = '/';
	}
	if (at + strlen(path) >= size)
		return fw_err_set(err, -ENAMETOOLONG, NULL, "the path of %.40s is too long", path);
	strcpy(buf + at, path);
	return 0;
}

static int cmd_run(struct fw_cli *cli, int argc, char **argv)
{
	const char *mode = fw_cli_option(cli, "mode");
	struct fw_daemon_opts opts = {
		.pins = cli->pins,
		.policy = fw_cli_option(cli, "policy"),
		.listen = fw_cli_option(cli, "listen"),
		.build = FW_VERSION,
		.iface = argv,
		.ifaces = (unsigned int)argc,
		.run_dir = fw_beat_dir(),
		.state_dir = fw_beat_state_dir(),
		.mode = FW_MODE_NATIVE,
	};
	char policy[PATH_MAX];
	int r;

	if (cli->json)
		return fw_cli_usage(cli, "run prints no document; `floodwall -j status` does");
	if (mode && !strcmp(mode, "generic"))
		opts.mode = FW_MODE_GENERIC;
	else if (mode && strcmp(mode, "native"))
		return fw_cli_usage(cli, "no mode \"%.40s\"; say native or generic", mode);
	r = fw_attach_sizes(cli, &opts.sizes);
	if (!r && opts.policy) {
		r = whole_path(opts.policy, policy, sizeof(policy), &cli->err);
		opts.policy = policy;
	}
	return r ? r : fw_daemon_run(&opts, &cli->err);
}

static const struct fw_cli_option run_options[] = {
	{ "policy", 0, "FILE", "policy file to apply now and at every reload", "@file" },
	{ "listen", 0, "ADDR:PORT", "serve metrics there (127.0.0.1:9797), or off", NULL },
	{ "mode", 'm', "MODE", "for interfaces named here: native (default) or generic",
	  "native generic" },
	FW_ATTACH_SIZE_OPTIONS,
	{ NULL },
};

const struct fw_cli_command fw_cmd_run[] = {
	{ .object = "run",
	  .args = "[IFACE...]",
	  .help = "the controller: attach, watch, record, serve metrics",
	  .doc = "Stays in the foreground until SIGTERM and leaves everything as it is when it "
		 "ends: interfaces stay filtered. SIGHUP reads the policy file again. Interfaces "
		 "named here or in the policy file are attached when they are there, and again "
		 "when they come back.",
	  .options = run_options,
	  .max_args = -1,
	  .run = cmd_run,
	  .choices = "@iface" },
	{ .object = NULL },
};
