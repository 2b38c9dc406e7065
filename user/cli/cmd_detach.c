// SPDX-License-Identifier: GPL-2.0-only
/* detach: take the program off, and with the last one the state, unless it is to be kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>
#include "user/base/json.h"
#include "user/cli/attach.h"
#include "user/cli/incident.h"
#include "user/core/setup.h"

void fw_attach_tell_done(struct fw_cli *cli, int done, char **argv)
{
	char names[128] = "";
	size_t len = 0;

	for (int i = 0; i < done && len < sizeof(names) - 20; i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.15s", i ? ", " : "",
					argv[i]);
	if (!done)
		return;
	fw_err_prepend(&cli->err, "done on %s, then failed", names);
	if (cli->err.exit_code == FW_EXIT_USAGE || cli->err.exit_code == FW_EXIT_NOTHING)
		cli->err.exit_code = FW_EXIT_FAILED; /* those say that nothing was changed */
}

/* Every interface of this namespace that is on record. */
static int all_names(struct fw_cli *cli, const struct fw_setup *setup, char (*names)[16],
		     unsigned int *ret_nr)
{
	struct fw_iface list[FW_IFACE_MAX];
	unsigned int nr = 0, here = 0;
	int r = fw_maps_ifaces(setup->maps.iface_fd, list, &nr);

	if (r)
		return fw_err_set(&cli->err, r, NULL, "cannot read the record of interfaces");
	for (unsigned int i = 0; i < nr; i++)
		if (list[i].netns == fw_attach_netns())
			memcpy(names[here++], list[i].name, 16);
	*ret_nr = here;
	return 0;
}

static int tell_one(struct fw_cli *cli, const char *name, enum fw_setup_detached how, json_t *list)
{
	if (cli->json)
		return fw_json_push(list, json_pack("{s:o,s:b}", "interface", fw_json_text(name),
						    "was_there", how == FW_DETACHED));
	fw_cli_print("%s: %s", name,
		     how == FW_DETACHED ? "detached" : "was gone already, record mended");
	return 0;
}

static int detach_one(struct fw_cli *cli, struct fw_setup *setup, const char *name, json_t *list)
{
	enum fw_setup_detached how;
	int r = fw_setup_detach(setup, name, &how, &cli->err);

	return r ? r : tell_one(cli, name, how, list);
}

/* The last one out switches off the light. */
static int finish(struct fw_cli *cli, struct fw_setup *setup, json_t *list)
{
	bool keep = fw_cli_option(cli, "keep");
	unsigned int here = 0, elsewhere = 0;
	bool removed = false;
	int r;

	r = fw_setup_count(setup, &here, &elsewhere, &cli->err);
	if (!r && !here && !elsewhere && !keep) {
		r = fw_setup_remove(setup, &cli->err);
		removed = !r;
	}
	if (r)
		return r;
	fw_cli_sign(cli);
	if (cli->json)
		return fw_cli_json(cli, json_pack("{s:O,s:i,s:i,s:b}", "detached", list, "left",
						  (int)(here + elsewhere), "elsewhere",
						  (int)elsewhere, "state_removed", (int)removed));
	if (here + elsewhere)
		printf("still attached to %u interface%s%s; limits, lists and sources stay\n",
		       here + elsewhere, here + elsewhere > 1 ? "s" : "",
		       elsewhere ? " (also in other network namespaces)" : "");
	else if (removed)
		printf("no interface is left: limits, lists and sources are removed\n");
	else
		fw_cli_print("no interface is left; limits, lists and sources are kept in %s",
			     cli->pins);
	return 0;
}

/* All of them before the first: a slip in the last name takes no filter away. */
static int check_names(struct fw_cli *cli, struct fw_setup *setup, int argc, char **argv)
{
	int r = 0;

	for (int i = 0; i < argc && !r; i++) {
		for (int j = 0; j < i; j++)
			if (!strcmp(argv[i], argv[j]))
				return fw_cli_usage(cli, "%s is named twice", argv[i]);
		r = fw_setup_check_detach(setup, argv[i], &cli->err);
	}
	return r;
}

static int detach_all(struct fw_cli *cli, struct fw_setup *setup, int argc, char **argv,
		      json_t *list)
{
	char names[FW_IFACE_MAX][16];
	unsigned int nr = 0;
	int r = 0;

	if (argc) {
		r = check_names(cli, setup, argc, argv);
		for (int i = 0; i < argc && !r; i++) {
			r = detach_one(cli, setup, argv[i], list);
			if (r)
				fw_attach_tell_done(cli, i, argv);
		}
		return r;
	}
	/* First the record as things are: interfaces may have another name now, or theirs another.
	 */
	r = fw_setup_mend(setup, names, &nr, &cli->err);
	for (unsigned int i = 0; i < nr && !r; i++)
		r = tell_one(cli, names[i], FW_DETACHED_GONE, list);
	if (!r)
		r = all_names(cli, setup, names, &nr);
	for (unsigned int i = 0; i < nr && !r; i++)
		r = detach_one(cli, setup, names[i], list);
	return r;
}

/* State without an interface: kept by --keep, or left by a killed attach. Only its owner knows. */
static void tell_left(struct fw_cli *cli, const struct fw_setup *setup)
{
	unsigned int here = 1, elsewhere = 0;

	if (!fw_setup_count(setup, &here, &elsewhere, NULL) && !here && !elsewhere)
		snprintf(cli->err.hint, sizeof(cli->err.hint),
			 "nothing is attached, but state is kept; `floodwall detach --all` removes "
			 "it");
}

int fw_detach_run(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_setup_opts opts = { .pins = cli->pins,
				      .build = FW_VERSION,
				      .wait_s = FW_ATTACH_WAIT_S };
	struct fw_setup setup = { .lock_fd = -1 };
	bool all = fw_cli_option(cli, "all");
	json_t *list = NULL;
	int r;

	if (!argc == !all)
		return fw_cli_usage(cli, all ? "name interfaces or say --all, not both"
					     : "name the interfaces, or say --all");
	r = fw_setup_find(&opts, &setup, &cli->err);
	if (r == -ENOENT && argc)
		fw_setup_orphan(argv[0], &cli->err);
	if (r)
		goto out;
	list = json_array();
	r = detach_all(cli, &setup, argc, argv, list);
	if (r == -ENOENT)
		tell_left(cli, &setup);
	if (!r)
		r = fw_setup_mend(&setup, NULL, NULL, &cli->err);
	if (!r)
		r = finish(cli, &setup, list);
out:
	json_decref(list);
	fw_setup_end(&setup);
	return r;
}

const struct fw_cli_option fw_detach_options[] = {
	{ "all", 'a', NULL, "from every interface of this network namespace", NULL },
	{ "keep", 'k', NULL, "keep limits, lists and sources after the last interface", NULL },
	{ NULL },
};
