// SPDX-License-Identifier: GPL-2.0-only
/* doctor: what is well, what is not, and the command that mends it. Exit code 5 if something is
 * not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/cli/cli.h"
#include "user/core/doctor.h"

static json_t *doctor_json(const struct fw_doctor *d)
{
	unsigned int count[FW_DOCTOR_LEVELS] = {};
	json_t *list = json_array();

	for (unsigned int i = 0; i < d->nr; i++) {
		const struct fw_doctor_finding *f = &d->finding[i];

		count[f->level]++;
		fw_json_push(list, json_pack("{s:s,s:s,s:s,s:o,s:o}", "about", f->about, "probe",
					     f->probe, "level", fw_doctor_word(f->level), "text",
					     fw_json_text(f->text), "mend",
					     *f->mend ? fw_json_text(f->mend) : json_null()));
	}
	return json_pack("{s:s,s:i,s:i,s:i,s:i,s:o}", "worst", fw_doctor_word(fw_doctor_worst(d)),
			 "ok", (int)count[FW_DOCTOR_OK], "note", (int)count[FW_DOCTOR_NOTE], "warn",
			 (int)count[FW_DOCTOR_WARN], "fail", (int)count[FW_DOCTOR_FAIL], "findings",
			 list);
}

static int print_doctor(const struct fw_doctor *d)
{
	static const enum fw_style styles[FW_DOCTOR_LEVELS] = { FW_STYLE_GOOD, FW_STYLE_NONE,
								FW_STYLE_WARN, FW_STYLE_BAD };
	const char *about = "";

	for (unsigned int i = 0; i < d->nr; i++) {
		const struct fw_doctor_finding *f = &d->finding[i];

		if (strcmp(about, f->about))
			printf("%s%s\n", i ? "\n" : "", f->about);
		about = f->about;
		printf("  %s%-4s%s  %s\n", fw_table_style(stdout, styles[f->level]),
		       fw_doctor_word(f->level), fw_table_style(stdout, FW_STYLE_NONE), f->text);
		if (*f->mend)
			printf("        %s\n", f->mend);
	}
	return ferror(stdout) ? -EIO : 0;
}

static int cmd_doctor(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_doctor *d = malloc(sizeof(*d));
	int r;

	if (!d)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	r = fw_doctor_run(cli->pins, argc ? argv[0] : NULL, d, &cli->err);
	if (r)
		goto out;
	cli->exit_code = fw_doctor_worst(d) >= FW_DOCTOR_WARN ? FW_EXIT_DEGRADED : FW_EXIT_OK;
	if (cli->json)
		r = fw_cli_json(cli, doctor_json(d));
	else if (print_doctor(d))
		r = fw_err_set(&cli->err, -EIO, NULL, "cannot write to standard output");
out:
	free(d);
	return r;
}

const struct fw_cli_command fw_cmd_doctor[] = {
	{ .object = "doctor",
	  .args = "[IFACE]",
	  .help = "what kernel, driver and settings really do, and how to mend them",
	  .doc = "Looks and changes nothing: each finding comes with the command that mends it. "
		 "Without IFACE: the host and the interfaces floodwall is attached to. Exit code "
		 "5: something is to be mended.",
	  .max_args = 1,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_doctor,
	  .choices = "@iface" },
	{ .object = NULL },
};
