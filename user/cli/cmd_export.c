// SPDX-License-Identifier: GPL-2.0-only
/* `incident export`: the evidence as one signed file. */
#include <errno.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/progress.h"
#include "user/cli/report.h"
#include "user/core/evidence/evidence.h"

/* The office's key; made now if there is none, for evidence must not wait for it. */
static int get_key(struct fw_cli *cli, struct fw_key *ret)
{
	const char *history = fw_history_path(NULL);
	char id[FW_SIGN_ID_LEN];
	int err = fw_key_read(history, ret, &cli->err);

	if (err != -ENOENT)
		return err;
	cli->err = (struct fw_err){ .exit_code = 0 };
	err = fw_key_make(history, false, ret, &cli->err);
	if (!err)
		fw_cli_warn(cli, "there was no key yet: made %s, fingerprint %s; publish it",
			    ret->path, fw_sign_id(id, &ret->pub));
	return err;
}

static int done(struct fw_cli *cli, const char *path, const struct fw_key *key,
		const struct fw_evidence_done *d)
{
	char id[FW_SIGN_ID_LEN], bytes[FW_TEXT_LEN];
	int err;

	fw_sign_id(id, &key->pub);
	err = fw_cli_done(
		cli,
		json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "written", fw_json_text(path),
			  "bytes", fw_json_count(d->bytes), "records", fw_json_count(d->records),
			  "sources", fw_json_count(d->sources), "proven", fw_json_count(d->proven),
			  "samples", fw_json_count(d->samples), "networks",
			  fw_json_count(d->networks), "key", id),
		"written: %s, %sB in %u records: %llu sources (%llu proven), %llu samples, "
		"%llu networks",
		path, fw_text_put_about(bytes, sizeof(bytes), (double)d->bytes), d->records,
		(unsigned long long)d->sources, (unsigned long long)d->proven,
		(unsigned long long)d->samples, (unsigned long long)d->networks);
	if (!cli->json)
		printf("signed by %s\n", id);
	return err;
}

int fw_cli_cmd_export(struct fw_cli *cli, int argc, char **argv)
{
	const char *to = fw_cli_option(cli, "to");
	struct fw_evidence_job job = { .progress = fw_progress_step };
	struct fw_evidence_done counts;
	struct fw_history *h = NULL;
	struct fw_report *report = NULL;
	struct fw_geo *geo = NULL;
	struct fw_progress bar;
	struct fw_key key;
	int err;

	(void)argc; /* the table says one */
	if (!to)
		return fw_cli_usage(cli, "say where to: --to FILE");
	if (!strcmp(to, "-"))
		return fw_cli_usage(cli, "a bundle is a file, whole or not there at all: not "
					 "standard output");
	err = fw_cli_report_read(cli, argv[0], &h, &report);
	if (!err)
		err = fw_geo_open(fw_cli_option(cli, "country"), fw_cli_option(cli, "asn"), &geo,
				  &cli->err);
	if (!err)
		err = get_key(cli, &key);
	if (err)
		goto out;
	if (report->incident.open)
		fw_cli_warn(cli, "the incident is still open: this is the evidence so far");
	job.history = h;
	job.report = report;
	job.key = &key;
	job.geo = geo;
	job.arg = &bar;
	fw_progress_begin(&bar, "exporting");
	err = fw_evidence_export(&job, to, &counts, &cli->err);
	fw_progress_end(&bar);
	fw_key_wipe(&key);
	if (!err)
		err = done(cli, to, &key, &counts);
out:
	fw_geo_free(geo);
	fw_report_free(report);
	fw_history_close(h);
	return err;
}
