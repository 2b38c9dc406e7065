// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which policy and which program were in force: written when the generation has changed. A long
 * policy, with a million prefixes, is looked at less often: printing it takes a while, and kept
 * whole it must not make the file grow by more than 1 MiB a minute.
 */
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/hash.h"
#include "user/core/apply.h"
#include "user/core/record/history_sql.h"
#include "user/core/policy.h"
#include "user/core/record/recorder_parts.h"
#include "user/kern/attach.h"

#define LONG	   16384 /* bytes of text; longer ones are packed */
#define PAUSE_NS   (10 * FW_NS_PER_S)
#define MINUTE_NS  (60 * FW_NS_PER_S)
#define GROWTH_MAX (1U << 20) /* bytes a minute */

/* "eth0:0123456789abcdef eth1:..." */
static void put_programs(const struct fw_settings *settings, __u32 ctl_id, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < settings->ifaces; i++) {
		struct fw_xdp_state state = { 0 };
		const struct fw_xdp_prog *ours;
		char tag[17];

		if (fw_attach_query((int)if_nametoindex(settings->iface[i].name),
				    (struct fw_xdp_us){ .ctl_id = ctl_id }, &state, NULL))
			continue;
		ours = fw_attach_ours(&state);
		if (!ours || used >= size)
			continue;
		sodium_bin2hex(tag, sizeof(tag), ours->tag, sizeof(ours->tag));
		used += (size_t)snprintf(buf + used, size - used, "%s%s:%s", used ? " " : "",
					 settings->iface[i].name, tag);
	}
}

static char *print(const struct fw_file *file, const struct fw_recorder_now *now, size_t *ret_len)
{
	struct fw_file_clock clock = { .now_ns = now->program_ns, .realtime_ns = now->when.utc_ns };
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);
	int r;

	if (!out)
		return NULL;
	r = fw_file_print(out, file, clock);
	if (fclose(out) || r) {
		free(text);
		return NULL;
	}
	return text;
}

struct row {
	__u32 generation;
	const struct fw_file *file;
	const char *text;
	size_t len;
	void *packed; /* NULL: as it is */
	size_t packed_len;
};

static int write_row(struct fw_recorder *r, const struct fw_recorder_now *now,
		     const struct row *row)
{
	static const char plain[] =
		"INSERT INTO policy VALUES(NULL, " FW_LAST_TICK ", ?, ?, ?, ?, ?, ?)";
	const struct fw_when *w = &now->when;
	char hex[FW_HASH_LEN], programs[512];
	int code = fw_history_begin(r->history, NULL);

	if (code)
		return code;
	fw_hash_put(row->text, row->len, hex);
	put_programs(&row->file->settings, r->maps.ctl_id, programs, sizeof(programs));
	if (row->packed)
		code = fw_sql_run(r->history, plain, "write the policy", NULL, "uuuttb", w->utc_ns,
				  w->boot_ns, (__u64)row->generation, hex, programs, row->packed,
				  (int)row->packed_len);
	else
		code = fw_sql_run(r->history, plain, "write the policy", NULL, "uuuttt", w->utc_ns,
				  w->boot_ns, (__u64)row->generation, hex, programs, row->text);
	/* The run began under the first policy it could read. */
	if (!code)
		code = fw_sql_run(r->history,
				  "UPDATE run SET policy_hash = ?, generation = ? WHERE id = ? AND "
				  "policy_hash = ''",
				  "write the policy", NULL, "tui", hex, (__u64)row->generation,
				  r->history->run);
	if (!code)
		code = fw_history_commit(r->history, NULL);
	if (code)
		fw_history_rollback(r->history);
	return code;
}

void fw_rec_policy(struct fw_recorder *r, const struct fw_recorder_now *now)
{
	struct fw_maps maps = {};
	struct fw_file file = { 0 };
	struct row row = { .file = &file };
	char *text = NULL;

	if ((r->policy_known && r->policy_generation == r->generation) ||
	    now->when.boot_ns < r->policy_again_ns)
		return;
	if (fw_maps_open(r->pins, FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_IFACES, &maps, NULL))
		return;
	row.generation = FW_LIVE_GENERATION(fw_apply_live(&maps));
	if (!fw_policy_running(&maps, &file, NULL))
		text = print(&file, now, &row.len);
	row.text = text;
	if (row.len > LONG && fw_history_pack(text, row.len, &row.packed, &row.packed_len))
		row.text = NULL;
	r->policy_again_ns = now->when.boot_ns;
	if (row.len > LONG)
		r->policy_again_ns += PAUSE_NS + row.packed_len * MINUTE_NS / GROWTH_MAX;
	/* A change in between: what was read may be of either; the next look tells. */
	if (row.text && row.generation == FW_LIVE_GENERATION(fw_apply_live(&maps)) &&
	    !write_row(r, now, &row)) {
		r->policy_generation = row.generation;
		r->policy_known = true;
	}
	free(text);
	free(row.packed);
	fw_file_free(&file);
	fw_maps_close(&maps);
}
