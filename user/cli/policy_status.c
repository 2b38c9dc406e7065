// SPDX-License-Identifier: GPL-2.0-only
/* What `status` says of the policy file: which one was applied, and whether it is still what runs.
 */
#include <errno.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/policy.h"

static int read_record(struct fw_cli *cli, struct fw_policy_record *ret)
{
	struct fw_maps maps = { 0 };
	int r = fw_maps_open(cli->pins, FW_MAPS_POLICY | FW_MAPS_LANES, &maps, &cli->err);

	if (!r)
		fw_policy_record(&maps, ret);
	fw_maps_close(&maps);
	return r;
}

int fw_policy_status_json(struct fw_cli *cli, json_t *doc)
{
	struct fw_policy_record record;
	char when[FW_CLOCK_LEN];
	json_t *policy = NULL;
	int r = read_record(cli, &record);

	if (r)
		return r;
	if (record.known)
		policy = json_pack("{s:o,s:i,s:s,s:o,s:b,s:b,s:b}", "file",
				   fw_json_text(record.path), "generation", (int)record.generation,
				   "applied", fw_clock_put(when, sizeof(when), record.realtime_ns),
				   "by", fw_json_text(record.who), "running_differs",
				   (int)record.live_changes, "file_changed",
				   (int)record.file_changed, "file_missing", (int)record.file_gone);
	return fw_json_set(doc, "policy_file", record.known ? policy : json_null());
}

/* What shows it, for people: without a file `policy diff` takes the default one. */
static void put_diff(char *buf, size_t size, const char *path)
{
	bool other = strcmp(path, FW_FILE_DEFAULT);

	snprintf(buf, size, "floodwall policy diff%s%s", other ? " " : "", other ? path : "");
	fw_text_clean(buf, size, buf);
}

int fw_policy_status_print(struct fw_cli *cli)
{
	const char *bad = fw_table_style(stdout, FW_STYLE_WARN);
	const char *plain = fw_table_style(stdout, FW_STYLE_NONE);
	struct fw_policy_record record;
	char when[FW_CLOCK_LEN], diff[sizeof(record.path) + 32];
	int r = read_record(cli, &record);

	if (r)
		return r;
	if (!record.known) {
		printf("policy file   none applied\n");
		return 0;
	}
	fw_cli_print("policy file   %s, applied %s by %s", record.path,
		     fw_clock_put(when, sizeof(when), record.realtime_ns), record.who);
	put_diff(diff, sizeof(diff), record.path);
	if (record.live_changes)
		printf("              %srunning differs from file%s: other commands changed it "
		       "since (%s)\n",
		       bad, plain, diff);
	if (record.file_gone)
		printf("              %sthe file or a list of it is gone%s\n", bad, plain);
	else if (record.file_changed)
		printf("              %sthe file or a list of it has changed since%s (%s)\n", bad,
		       plain, diff);
	return 0;
}
