// SPDX-License-Identifier: GPL-2.0-only
/* `incident report`: the same record as a page, as Markdown, as JSON, or in plain sentences. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/replace.h"
#include "user/cli/cli.h"
#include "user/cli/incident.h"
#include "user/cli/report.h"
#include "user/core/record/source_log.h"

int fw_cli_incident_id(struct fw_cli *cli, const char *text, __s64 *ret)
{
	char *end;
	long long id;

	if (!strcmp(text, "last")) {
		*ret = FW_INCIDENT_LAST;
		return 0;
	}
	errno = 0;
	id = strtoll(text, &end, 10);
	if (errno || *end || end == text || id < 1)
		return fw_err_set(&cli->err, -EINVAL, "floodwall incident list",
				  "\"%.40s\" is no number of an incident", text);
	*ret = id;
	return 0;
}

struct fw_when fw_cli_now(void)
{
	return (struct fw_when){ .utc_ns = fw_clock_realtime(), .boot_ns = fw_clock_boottime() };
}

int fw_cli_incident_last(struct fw_cli *cli, struct fw_history *h, __s64 *id)
{
	struct fw_incident *list = NULL;
	size_t count = 0;
	int err;

	if (*id != FW_INCIDENT_LAST)
		return 0;
	err = fw_incident_list(h, &list, &count, &cli->err);
	if (!err && !count)
		err = fw_err_set(&cli->err, -ENOENT, NULL, "no incident was recorded yet");
	if (!err)
		*id = list[0].id;
	free(list);
	return err;
}

int fw_cli_report_read(struct fw_cli *cli, const char *text, struct fw_history **ret_history,
		       struct fw_report **ret)
{
	struct fw_history *h = NULL;
	__s64 id = 0;
	int err = fw_cli_incident_id(cli, text, &id);

	if (!err)
		err = fw_history_open(fw_cli_history(cli), false, &h, &cli->err);
	/* One state of the file for all that follows, while the recorder goes on writing. */
	if (!err)
		err = fw_history_begin(h, &cli->err);
	if (!err)
		err = fw_cli_incident_last(cli, h, &id);
	if (!err)
		err = fw_incident_log_attach(h, id, &cli->err);
	if (!err)
		err = fw_report_read(h, id, fw_cli_now(), ret, &cli->err);
	if (err) {
		fw_history_close(h);
		return err;
	}
	*ret_history = h;
	return 0;
}

static int write_json(FILE *out, const struct fw_report *report)
{
	json_t *doc = fw_json_new(), *body = fw_report_json(report);
	int err = -ENOMEM;

	if (doc && body && !json_object_update(doc, body))
		err = fw_json_print(out, doc, FW_JSON_PRETTY);
	json_decref(doc);
	json_decref(body);
	return err;
}

static const struct {
	const char *name;
	int (*write)(FILE *out, const struct fw_report *report);
} formats[] = {
	{ "html", fw_report_html },
	{ "md", fw_report_markdown },
	{ "json", write_json },
};

typedef int (*writer)(FILE *out, const struct fw_report *report);

/* Unless it is said: what the file's name ends in; on a terminal what people can read there. */
static const char *usual_format(const char *to)
{
	const char *name = to && strrchr(to, '/') ? strrchr(to, '/') + 1 : to;
	const char *dot = name ? strrchr(name, '.') : NULL;

	if (dot)
		return dot + 1;
	return !to && isatty(STDOUT_FILENO) ? "md" : "html";
}

static int choose(struct fw_cli *cli, writer *ret)
{
	const char *format = fw_cli_option(cli, "format");

	if (fw_cli_option(cli, "public")) {
		if (format)
			return fw_cli_usage(cli,
					    "--public is plain text: it goes without --format");
		*ret = fw_report_public;
		return 0;
	}
	if (!format)
		format = usual_format(fw_cli_option(cli, "to"));
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(format, formats[i].name)) {
			*ret = formats[i].write;
			return 0;
		}
	return fw_cli_usage(cli, "no format \"%.40s\"; there are html, md and json (--format)",
			    format);
}

/* Under another name first: whoever reads the file meets a whole one. */
static int write_file(struct fw_cli *cli, const char *path, writer write,
		      const struct fw_report *report)
{
	char real[PATH_MAX], *draft = NULL;
	FILE *out;
	int err;

	err = fw_replace_target(path, "name a file, or leave out --to", real, &cli->err);
	if (err)
		return err;
	if (asprintf(&draft, "%s.%d", real, (int)getpid()) < 0)
		return -ENOMEM;
	out = fopen(draft, "wxe");
	if (!out) {
		err = -errno;
	} else {
		errno = 0;
		err = write(out, report);
		if (err == -EIO && errno) /* what the stream did not say */
			err = -errno;
		if (!err && (fflush(out) || fsync(fileno(out))))
			err = -errno;
		if (fclose(out) && !err)
			err = -errno;
		if (!err && rename(draft, real))
			err = -errno;
		if (err)
			unlink(draft);
	}
	free(draft);
	return !err ? 0
		    : fw_err_set_file(&cli->err, err, NULL, "cannot write %s: %s", path,
				      strerror(-err));
}

int fw_cli_cmd_report(struct fw_cli *cli, int argc, char **argv)
{
	const char *to = fw_cli_option(cli, "to");
	struct fw_history *h = NULL;
	struct fw_report *report = NULL;
	writer write = fw_report_html;
	int err = choose(cli, &write);

	(void)argc; /* the table says one */
	if (!err)
		err = fw_cli_report_read(cli, argv[0], &h, &report);
	if (err)
		return err;
	if (to) {
		err = write_file(cli, to, write, report);
		if (!err)
			err = fw_cli_done(cli, json_pack("{s:o}", "written", fw_json_text(to)),
					  "written: %s", to);
	} else if (cli->json) {
		/* -j asks for one JSON document, whatever the format. */
		err = fw_cli_json(cli, fw_report_json(report));
	} else {
		err = write(stdout, report);
		if (err)
			fw_err_set(&cli->err, err, NULL, "cannot write to standard output");
	}
	fw_report_free(report);
	fw_history_close(h);
	return err;
}
