// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach: say what will be taken before it is taken, what became of it, and what is not as it
 * should be. Everything that can be refused is refused before the first interface is touched.
 */
#include <errno.h>
#include <string.h>
#include <jansson.h>
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/attach.h"
#include "user/cli/incident.h"
#include "user/cli/session.h"
#include "user/core/setup.h"

static const char *mode_name(__u8 mode)
{
	return mode == FW_MODE_GENERIC ? "generic" : "native";
}

static int size_option(struct fw_cli *cli, const char *name, __u64 max, __u64 *ret)
{
	const char *text = fw_cli_option(cli, name);
	int r;

	if (!text)
		return 0;
	r = fw_text_number(text, ret, &cli->err);
	if (!r && (*ret < 1 || *ret > max)) {
		r = fw_err_set(&cli->err, -EINVAL, NULL, "%s is not between 1 and %llu", text,
			       (unsigned long long)max);
	}
	if (r)
		fw_err_prepend(&cli->err, "--%s", name);
	return r;
}

int fw_attach_sizes(struct fw_cli *cli, struct fw_sizes *ret)
{
	int r;

	r = size_option(cli, "sources4", FW_SOURCES_MAX, &ret->sources4);
	if (!r)
		r = size_option(cli, "sources6", FW_SOURCES_MAX, &ret->sources6);
	if (!r)
		r = size_option(cli, "prefixes4", FW_PREFIXES4_MAX, &ret->prefixes4);
	if (!r)
		r = size_option(cli, "prefixes6", FW_PREFIXES6_MAX, &ret->prefixes6);
	return r;
}

static int read_options(struct fw_cli *cli, struct fw_setup_opts *opts, enum fw_mode *mode)
{
	const char *text = fw_cli_option(cli, "mode");

	*opts = (struct fw_setup_opts){ .pins = cli->pins,
					.build = FW_VERSION,
					.wait_s = FW_ATTACH_WAIT_S };
	*mode = FW_MODE_NATIVE;
	if (text && !strcmp(text, "generic"))
		*mode = FW_MODE_GENERIC;
	else if (text && strcmp(text, "native"))
		return fw_cli_usage(cli, "no mode \"%.40s\"; say native or generic", text);
	return fw_attach_sizes(cli, &opts->sizes);
}

/*
 * Wrong names, names given twice, VLANs where only their parent can do it: found before anything is
 * made.
 */
static int check_names(struct fw_cli *cli, enum fw_mode mode, int argc, char **argv)
{
	struct fw_iface_info info;
	int r;

	for (int i = 0; i < argc; i++) {
		r = fw_probe_iface(argv[i], &info, &cli->err);
		if (!r)
			r = fw_attach_check_native(&info, mode, &cli->err);
		if (r)
			return r;
		for (int j = 0; j < i; j++)
			if (!strcmp(argv[i], argv[j]))
				return fw_cli_usage(cli, "%s is named twice", argv[i]);
	}
	return 0;
}

static json_t *plan_json(const struct fw_setup *setup)
{
	return json_pack("{s:I,s:b,s:I,s:I,s:I,s:I}", "memory_bytes", (json_int_t)setup->memory,
			 "new", (int)setup->first, "sources4",
			 (json_int_t)setup->meta.src4_sets * FW_WAYS, "sources6",
			 (json_int_t)setup->meta.src6_sets * FW_WAYS, "networks6",
			 (json_int_t)setup->meta.net6_sets * FW_WAYS, "prefixes",
			 (json_int_t)setup->prefixes);
}

static void say_plan(struct fw_cli *cli, const struct fw_setup *setup)
{
	char s4[FW_TEXT_LEN], s6[FW_TEXT_LEN], p[FW_TEXT_LEN];

	if (setup->sizes_ignored)
		fw_cli_warn(cli,
			    "the tables exist already and keep their sizes; to change them: "
			    "floodwall policy save FILE, detach --all, attach, policy apply FILE");
	if (cli->json)
		return;
	printf("tables: %s IPv4 and %s IPv6 sources, %s prefixes: %llu MiB of memory%s\n",
	       fw_text_put_about(s4, sizeof(s4), (double)setup->meta.src4_sets * FW_WAYS),
	       fw_text_put_about(s6, sizeof(s6), (double)setup->meta.src6_sets * FW_WAYS),
	       fw_text_put_about(p, sizeof(p), (double)setup->prefixes),
	       (unsigned long long)((setup->memory + (1 << 20) - 1) >> 20),
	       setup->first ? "" : ", in use already");
	fflush(stdout);
}

static json_t *attached_json(const struct fw_setup_attached *done)
{
	return json_pack("{s:o,s:i,s:s,s:s,s:b,s:b,s:i,s:i,s:i}", "interface",
			 fw_json_text(done->iface.name), "ifindex", (int)done->iface.ifindex,
			 "mode", mode_name(done->iface.mode), "driver", done->info.driver,
			 "dispatcher", (int)done->iface.dispatcher, "replaced", (int)done->replaced,
			 "program_id", (int)done->iface.prog_id, "others", (int)done->state.nr - 1,
			 "mtu", (int)done->info.mtu);
}

static void say_attached(const struct fw_setup_attached *done)
{
	fw_cli_print("%s: %s, %s mode, driver %s, %s, program %u", done->iface.name,
		     done->replaced ? "program replaced without a gap" : "attached",
		     done->iface.mode == FW_MODE_GENERIC ? "GENERIC" : "native",
		     *done->info.driver ? done->info.driver : "unknown",
		     !done->iface.dispatcher ? "alone (without libxdp's dispatcher)"
		     : done->state.nr > 1    ? "beside others under libxdp's dispatcher"
					     : "under libxdp's dispatcher",
		     done->iface.prog_id);
	fflush(stdout);
}

static void warn_iface(struct fw_cli *cli, const struct fw_setup_attached *done)
{
	const struct fw_iface_info *info = &done->info;

	if (done->iface.mode == FW_MODE_GENERIC) {
		fw_cli_warn(cli,
			    "%s runs in generic mode: after the kernel has built each packet, at "
			    "several times the cost",
			    info->name);
		cli->exit_code = FW_EXIT_DEGRADED;
	}
	if (!info->up)
		fw_cli_warn(cli, "%s is down: ip link set %s up", info->name, info->name);
	if (fw_probe_joins(info))
		fw_cli_warn(cli,
			    "%s joins packets in hardware before the filter sees them: floodwall "
			    "doctor %s",
			    info->name, info->name);
}

static int attach_all(struct fw_cli *cli, struct fw_setup *setup, enum fw_mode mode, int argc,
		      char **argv, json_t *list)
{
	struct fw_setup_attached done;
	int r;

	for (int i = 0; i < argc; i++) {
		r = fw_setup_attach(setup, argv[i], mode, &done, &cli->err);
		if (r) {
			fw_attach_tell_done(cli, i, argv);
			return r;
		}
		if (cli->json)
			fw_json_push(list, attached_json(&done));
		else
			say_attached(&done);
		warn_iface(cli, &done);
	}
	return 0;
}

/* In words, while there is still time to do something about it. */
static void say_proof(struct fw_cli *cli, const struct fw_setup *setup)
{
	const struct fw_proof_advice *proof = &setup->proof;

	if (setup->first && proof->why)
		fw_cli_warn(cli, "%s%s%s%s", proof->why,
			    proof->proof == FW_PROOF_COOKIE
				    ? ""
				    : "; strangers prove themselves by trying again",
			    proof->fix ? ": " : "", proof->fix ? proof->fix : "");
}

static void say_mode(struct fw_cli *cli, const struct fw_setup *setup)
{
	if (cli->json)
		return;
	if (fw_setup_monitor(setup))
		printf("mode monitor: drops are counted, nothing is dropped (floodwall mode "
		       "enforce)\n");
	else
		printf("mode enforce: what is over its limits is dropped\n");
}

/* Kept limits and lists, or those of other interfaces, begin to decide about those named here. */
static int check_session(struct fw_cli *cli, const struct fw_setup *setup, int argc, char **argv)
{
	for (int i = 0; i < argc && !setup->first; i++)
		if (!fw_setup_filters(setup, argv[i]))
			return fw_session_guard_attach(cli, &setup->maps);
	return 0;
}

static int cmd_attach(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_setup_opts opts;
	struct fw_setup setup = { .lock_fd = -1 };
	enum fw_mode mode;
	json_t *list = NULL;
	int r;

	r = read_options(cli, &opts, &mode);
	if (!r)
		r = check_names(cli, mode, argc, argv);
	if (r)
		return r;
	r = fw_setup_plan(&opts, &setup, &cli->err);
	for (int i = 0; i < argc && !r; i++)
		r = fw_setup_check(&setup, argv[i], mode, &cli->err);
	if (r)
		goto out;
	say_plan(cli, &setup);
	r = fw_setup_create(&setup, fw_cli_option(cli, "monitor"), &cli->err);
	if (!r)
		r = fw_setup_mend(&setup, NULL, NULL, &cli->err);
	if (!r)
		r = check_session(cli, &setup, argc, argv);
	if (r)
		goto out;
	list = json_array();
	r = attach_all(cli, &setup, mode, argc, argv, list);
	if (r)
		goto out;
	fw_cli_sign(cli);
	say_mode(cli, &setup);
	say_proof(cli, &setup);
	if (cli->json)
		r = fw_cli_json(cli, json_pack("{s:O,s:s,s:o}", "interfaces", list, "mode",
					       fw_setup_monitor(&setup) ? "monitor" : "enforce",
					       "tables", plan_json(&setup)));
out:
	json_decref(list);
	fw_setup_end(&setup);
	return r;
}

static const struct fw_cli_option attach_options[] = {
	{ "mode", 'm', "MODE", "native (default) or generic", "native generic" },
	{ "monitor", 0, NULL, "count what would be dropped, drop nothing", NULL },
	FW_ATTACH_SIZE_OPTIONS,
	{ "force", 0, NULL, "even if kept limits or lists could cut your own session", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_attach[] = {
	{ .object = "attach",
	  .args = "IFACE...",
	  .help = "filter what these interfaces receive",
	  .doc = "Where floodwall is attached already, the program is replaced without a gap and "
		 "all state is kept. Native mode runs in the driver; generic is slower and only "
		 "used when asked for. The sizes of the tables are settled when the first "
		 "interface is attached; a source takes 33 bytes, and the memory is shown before "
		 "it is taken.",
	  .options = attach_options,
	  .min_args = 1,
	  .max_args = -1,
	  .run = cmd_attach,
	  .choices = "@iface" },
	{ .object = "detach",
	  .args = "IFACE...",
	  .help = "stop filtering on these interfaces",
	  .doc = "Other XDP programs there stay. With the last interface, limits, lists and "
		 "sources go too, unless --keep is given.",
	  .options = fw_detach_options,
	  .max_args = -1,
	  .run = fw_detach_run,
	  .choices = "@iface" },
	{ .object = NULL },
};
