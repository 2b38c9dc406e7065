// SPDX-License-Identifier: GPL-2.0-only
/* What `status` says of the record: whether there is one, where, and why not. */
#include <stdlib.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/cli/incident.h"
#include "user/core/beat.h"
#include "user/core/record/recording.h"

#define LATE_NS (10 * FW_NS_PER_S)

/* False: no controller records here. */
static bool read_now(const struct fw_cli *cli, struct fw_recording *ret, bool *ret_late)
{
	__u64 now = fw_clock_realtime();

	if (!fw_beat_read(fw_beat_dir(), cli->pins).alive ||
	    fw_recording_read(fw_beat_dir(), cli->pins, ret))
		return false;
	*ret_late = now > ret->when_ns + LATE_NS;
	return true;
}

static void print_good(const struct fw_recording *rec)
{
	char bytes[FW_TEXT_LEN];

	printf("recording     %sB in %s",
	       fw_text_put_about(bytes, sizeof(bytes), (double)rec->state.bytes), rec->path);
	if (rec->state.incident)
		printf("; INCIDENT %lld is open: floodwall incident show %lld",
		       (long long)rec->state.incident, (long long)rec->state.incident);
	putchar('\n');
}

void fw_recording_status_print(struct fw_cli *cli)
{
	struct fw_recording *rec = malloc(sizeof(*rec));
	bool late;

	if (!rec)
		return;
	if (!read_now(cli, rec, &late))
		printf("recording     no (%s)\n",
		       fw_beat_read(fw_beat_dir(), cli->pins).alive
			       ? "recording.enabled is off in the policy file, or it begins just "
				 "now"
			       : "floodwall run records");
	else if (late)
		printf("recording     NOT KNOWN; filtering goes on\n");
	else if (rec->state.ok)
		print_good(rec);
	else if (rec->state.totals)
		printf("recording     totals and samples; accounts of sources WAIT IN MEMORY\n");
	else
		printf("recording     STANDS STILL; filtering goes on\n");
	free(rec);
}

/* The word on it is written once a second where the controller's lock is, whose time needs no room.
 */
static void put_late(const struct fw_cli *cli, char *buf, size_t size,
		     const struct fw_recording *rec)
{
	struct fw_beat beat = fw_beat_read(fw_beat_dir(), cli->pins);
	bool hangs = beat.when_ns < rec->when_ns + LATE_NS / 2;

	snprintf(buf, size, "the controller's last word on recording is %llu s old%s%s%s",
		 (unsigned long long)((fw_clock_realtime() - rec->when_ns) / FW_NS_PER_S),
		 hangs ? ", and its last sign of life, too: systemctl restart floodwall"
		       : "; is there room in ",
		 hangs ? "" : fw_beat_dir(), hangs ? "" : "?");
}

void fw_recording_status_warn(struct fw_cli *cli)
{
	struct fw_recording *rec = malloc(sizeof(*rec));
	char text[FW_ERR_LEN];
	bool late;

	if (rec && read_now(cli, rec, &late) && (late || !rec->state.ok)) {
		put_late(cli, text, sizeof(text), rec);
		if (late)
			fw_cli_warn(cli, "%s", text);
		else
			fw_cli_warn(cli, "%s: %s%s%s",
				    rec->state.totals ? "accounts of sources are not on disk"
						      : "nothing is recorded",
				    rec->state.trouble, *rec->state.hint ? "; " : "",
				    rec->state.hint);
		cli->exit_code = FW_EXIT_DEGRADED;
	}
	free(rec);
}

int fw_recording_status_json(const struct fw_cli *cli, json_t *doc)
{
	struct fw_recording *rec = malloc(sizeof(*rec));
	json_t *value = NULL;
	bool late;

	if (rec && read_now(cli, rec, &late)) {
		if (late)
			put_late(cli, rec->state.trouble, sizeof(rec->state.trouble), rec);
		value = json_pack("{s:b,s:b,s:o,s:o,s:o,s:I,s:o}", "ok",
				  (int)(rec->state.ok && !late), "totals",
				  (int)((rec->state.ok || rec->state.totals) && !late), "history",
				  fw_json_text(rec->path), "bytes", fw_json_count(rec->state.bytes),
				  "trouble", fw_json_text(rec->state.trouble), "incident",
				  (json_int_t)rec->state.incident, "since_ns",
				  fw_json_count(rec->state.since_ns));
	}
	free(rec);
	return fw_json_set(doc, "recording", value ?: json_null());
}
