// SPDX-License-Identifier: GPL-2.0-only
/* Evidence that leaves the machine: `incident verify`, and the key that signs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/progress.h"
#include "user/cli/report.h"
#include "user/core/evidence/bundle_check.h"
#include "user/core/record/history.h"
#include "user/core/evidence/key.h"

/* A fingerprint as it is, or that of a key in a file. */
static int expected(struct fw_cli *cli, const char *given, char ret[FW_SIGN_ID_LEN])
{
	struct fw_sign_public pub;
	int err;

	if (strlen(given) == FW_SIGN_ID_LEN - 1 &&
	    strspn(given, "0123456789abcdefABCDEF") == FW_SIGN_ID_LEN - 1) {
		for (size_t i = 0; i < FW_SIGN_ID_LEN; i++)
			ret[i] = given[i] >= 'A' && given[i] <= 'F' ? (char)(given[i] | 0x20)
								    : given[i];
		return 0;
	}
	err = fw_key_read_public(given, &pub, &cli->err);
	if (!err)
		fw_sign_id(ret, &pub);
	return err;
}

/* Signed with the key of the machine that checks it? */
static bool is_own(const struct fw_bundle_check *c)
{
	struct fw_sign_public pub;
	char id[FW_SIGN_ID_LEN];
	struct fw_key key;

	return !fw_key_names(fw_history_path(NULL), &key, NULL) &&
	       !fw_key_read_public(key.pub_path, &pub, NULL) &&
	       !strcmp(fw_sign_id(id, &pub), c->key_id);
}

static json_t *check_json(const struct fw_bundle_check *c)
{
	json_t *doc = json_object(), *list = json_array();
	int err = 0;

	for (__u32 i = 0; i < c->nr_findings; i++) {
		const struct fw_bundle_finding *f = &c->finding[i];
		json_t *row = json_object();

		err |= fw_json_set(row, "fault", fw_json_text(fw_bundle_fault_names[f->fault]));
		err |= fw_json_set(row, "record",
				   f->record ? fw_json_count(f->record) : json_null());
		err |= fw_json_set(row, "name", *f->name ? fw_json_text(f->name) : json_null());
		err |= fw_json_set(row, "offset", fw_json_count(f->offset));
		err |= fw_json_set(row, "text", fw_json_text(f->text));
		err |= fw_json_push(list, row);
	}
	err |= fw_json_set(doc, "intact", json_boolean(c->intact));
	err |= fw_json_set(doc, "key_compared", json_boolean(c->key_known));
	err |= fw_json_set(doc, "key", fw_json_text(c->key_id));
	err |= fw_json_set(doc, "key_is_this_machines", json_boolean(is_own(c)));
	err |= fw_json_set(doc, "incident", fw_json_text(c->incident));
	err |= fw_json_set(doc, "made", fw_json_text(c->made));
	err |= fw_json_set(doc, "program", fw_json_text(c->program));
	err |= fw_json_set(doc, "records", fw_json_count(c->records));
	err |= fw_json_set(doc, "bytes", fw_json_count(c->bytes));
	err |= fw_json_set(doc, "findings", list);
	err |= fw_json_set(doc, "findings_not_shown", fw_json_count(c->nr_more));
	if (!err)
		return doc;
	json_decref(doc);
	return NULL;
}

static void check_print(const struct fw_bundle_check *c)
{
	const char *good = fw_table_style(stdout, FW_STYLE_GOOD);
	const char *bad = fw_table_style(stdout, FW_STYLE_BAD);
	const char *plain = fw_table_style(stdout, FW_STYLE_NONE);
	char text[256];

	if (c->intact)
		printf("%sintact%s: %u records, %llu bytes\n", good, plain, c->records,
		       (unsigned long long)c->bytes);
	else
		printf("%sNOT INTACT%s: %u fault%s\n", bad, plain, c->nr_findings + c->nr_more,
		       c->nr_findings + c->nr_more == 1 ? "" : "s");
	for (__u32 i = 0; i < c->nr_findings; i++)
		printf("  %-10s %s\n", fw_bundle_fault_names[c->finding[i].fault],
		       fw_text_clean(text, sizeof(text), c->finding[i].text));
	if (c->nr_more)
		printf("  and %u more\n", c->nr_more);
	if (!*c->incident)
		return;
	printf("incident %s, ", fw_text_clean(text, sizeof(text), c->incident));
	printf("made %s by ", fw_text_clean(text, sizeof(text), c->made));
	printf("%s\n", fw_text_clean(text, sizeof(text), c->program));
	printf("key      %s%s\n", *c->key_id ? c->key_id : "missing",
	       is_own(c) ? " (this machine's own)" : "");
	if (!c->key_known && !is_own(c))
		printf("         whose key that is, the bundle cannot prove: compare this "
		       "fingerprint with\n         the one the office published, or give --key\n");
}

static int cmd_verify(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_bundle_check *check = calloc(1, sizeof(*check));
	const char *given = fw_cli_option(cli, "key");
	struct fw_progress progress;
	char id[FW_SIGN_ID_LEN];
	int err, fd = -1;

	(void)argc; /* the table says one */
	if (!check)
		return -ENOMEM;
	err = given ? expected(cli, given, id) : 0;
	if (err)
		goto out;
	fd = open(argv[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is not waited for */
	if (fd < 0) {
		err = fw_err_set_file(&cli->err, -errno, NULL, "cannot open %s: %s", argv[0],
				      strerror(errno));
		goto out;
	}
	fw_progress_begin(&progress, "checking");
	err = fw_bundle_check(fd, given ? id : NULL, fw_progress_step, &progress, check, &cli->err);
	fw_progress_end(&progress);
	if (err) {
		fw_err_prepend(&cli->err, "%s", argv[0]);
		goto out;
	}
	cli->exit_code = check->intact ? FW_EXIT_OK : FW_EXIT_FAILED;
	if (cli->json)
		err = fw_cli_json(cli, check_json(check));
	else
		check_print(check);
out:
	if (fd >= 0)
		close(fd);
	free(check);
	return err;
}

static int key_print(struct fw_cli *cli, struct fw_key *key, const char *verb)
{
	char id[FW_SIGN_ID_LEN], pem[FW_SIGN_PEM_LEN];
	int err;

	fw_key_wipe(key);
	fw_sign_id(id, &key->pub);
	fw_sign_put_public(pem, sizeof(pem), &key->pub);
	err = fw_cli_done(cli,
			  json_pack("{s:s,s:s,s:o,s:o}", "fingerprint", id, "public_key", pem,
				    "key_file", fw_json_text(key->path), "public_key_file",
				    fw_json_text(key->pub_path)),
			  "%s%s", verb, key->path);
	if (!cli->json)
		printf("fingerprint %s\n\n%s\nPublish the fingerprint before you need it, where "
		       "nobody can change it later:\nonly then does it prove whose bundles these "
		       "are.\n",
		       id, pem);
	return err;
}

static int cmd_key_show(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_key key = { .path = "" };
	int err = fw_key_read(fw_history_path(NULL), &key, &cli->err);

	/* Whoever may not sign may still know by whom it is done. */
	if (err == -EACCES) {
		cli->err = (struct fw_err){ .exit_code = 0 };
		err = fw_key_read_public(key.pub_path, &key.pub, &cli->err);
	}
	(void)argc; /* the table says none */
	(void)argv;
	return err ? err : key_print(cli, &key, "key ");
}

static int cmd_key_make(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_key key;
	int err = fw_key_make(fw_history_path(NULL), fw_cli_option(cli, "force"), &key, &cli->err);

	(void)argc; /* the table says none */
	(void)argv;
	return err ? err : key_print(cli, &key, "made ");
}

static const struct fw_cli_option make_options[] = {
	{ "force", 0, NULL, "even if evidence.pub is that of a key that is lost", NULL },
	{ NULL },
};

static const struct fw_cli_option verify_options[] = {
	{ "key", 'k', "PUB", "the office's public key (PEM), or its fingerprint", "@file" },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option export_options[] = {
	{ "to", 't', "FILE", "the bundle to write; must not exist", "@file" },
	{ "country", 0, "MMDB", "MaxMind database of countries", "@file" },
	{ "asn", 0, "MMDB", "MaxMind database of networks (AS)", "@file" },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option report_options[] = {
	{ "format", 'f', "FORMAT", "html, md or json; else by FILE's ending, md on a terminal",
	  "html md json" },
	{ "public", 'P', NULL, "a few plain sentences for the press, without addresses", NULL },
	{ "to", 't', "FILE", "write there instead of to standard output", "@file" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_evidence[] = {
	{ .object = "incident",
	  .verb = "report",
	  .args = "ID|last",
	  .help = "what happened, as a page, Markdown, JSON or plain sentences",
	  .doc = "The page needs nothing else: no script, no other file. What was counted and what "
		 "was estimated from samples is told apart, and so are proven sources and "
		 "addresses that are possibly spoofed.",
	  .options = report_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = fw_cli_cmd_report },
	{ .object = "incident",
	  .verb = "export",
	  .args = "ID|last",
	  .help = "all evidence as one signed file",
	  .doc = "A tar archive of reports, counts, sources, samples and how they were recorded, "
		 "with a chained and signed manifest; VERIFY.txt in it says how to check it with "
		 "standard tools. Without --country and --asn, databases in /var/lib/GeoIP and "
		 "/usr/share/GeoIP are used if there are any.",
	  .options = export_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = fw_cli_cmd_export },
	{ .object = "incident",
	  .verb = "compare",
	  .args = "A B",
	  .help = "what two incidents share, and how much of it is chance",
	  .doc = "A and B are numbers of incidents, or bundles, which must be intact. Proven "
		 "sources and addresses that are possibly spoofed are compared apart.",
	  .min_args = 2,
	  .max_args = 2,
	  .run = fw_cli_cmd_compare,
	  .choices = "@file" },
	{ .object = "incident",
	  .verb = "verify",
	  .args = "FILE",
	  .help = "tell whether an exported bundle is what was signed",
	  .doc = "Works on any machine, without root, attached interfaces or history. Every fault "
		 "is named: which record, and whether it was changed, removed, added, moved or "
		 "cut. Exit code 0: intact; 2: not.",
	  .options = verify_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_verify,
	  .choices = "@file" },
	{ .object = "key",
	  .verb = "show",
	  .args = "",
	  .help = "the key that signs evidence: its public half and fingerprint",
	  .flags = FW_CLI_DEFAULT,
	  .run = cmd_key_show },
	{ .object = "key",
	  .verb = "make",
	  .args = "",
	  .help = "make the key that signs evidence, once",
	  .doc = "Installing the package does it; the first export does it, too, if it must. The "
		 "key stands beside the history, readable by its owner alone. It is never "
		 "replaced: bundles are checked with it for years, so keep a copy of it off this "
		 "machine. If it is lost all the same, a new one is made only with --force; the "
		 "old public half is kept for the bundles it signed, as evidence.pub. and the "
		 "first "
		 "eight digits of its fingerprint.",
	  .options = make_options,
	  .run = cmd_key_make },
	{ .object = NULL },
};
