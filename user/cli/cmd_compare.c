// SPDX-License-Identifier: GPL-2.0-only
/* `incident compare`: what two incidents share, of the history or in bundles. */
#include <errno.h>
#include <string.h>

#include "user/cli/incident.h"
#include "user/cli/report.h"
#include "user/core/evidence/compare.h"
#include "user/core/record/source_log.h"

static int read_side(struct fw_cli *cli, const char *text, struct fw_compare_side *side)
{
	struct fw_history *h = NULL;
	__s64 id;
	int err;

	if (strspn(text, "0123456789") != strlen(text))
		return fw_compare_read_bundle(side, text, &cli->err);
	err = fw_cli_incident_id(cli, text, &id);
	if (!err)
		err = fw_history_open(fw_cli_history(cli), false, &h, &cli->err);
	if (!err)
		err = fw_history_begin(h, &cli->err);
	if (!err)
		err = fw_incident_log_attach(h, id, &cli->err);
	if (!err)
		err = fw_compare_read_incident(side, h, id, fw_cli_now(), &cli->err);
	fw_history_close(h);
	return err;
}

int fw_cli_cmd_compare(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_compare_side side[2] = { 0 };
	json_t *doc = NULL, *line;
	int err = 0;

	(void)argc; /* the table says two */
	for (int s = 0; s < 2 && !err; s++)
		err = read_side(cli, argv[s], &side[s]);
	if (err)
		goto out;
	doc = fw_compare_json(&side[0], &side[1]);
	if (!doc) {
		err = fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	} else if (cli->json) {
		err = fw_cli_json(cli, doc);
	} else {
		printf("%s and %s\n", side[0].name, side[1].name);
		for (size_t i = 0; (line = json_array_get(json_object_get(doc, "words"), i)); i++)
			printf("  %s\n", json_string_value(line));
		json_decref(doc);
	}
out:
	fw_compare_free(&side[0]);
	fw_compare_free(&side[1]);
	return err;
}
