// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which policy and which program were in force: written when the generation has changed, at most
 * once in ten seconds, for printing a policy with a million prefixes takes a while.
 */
#include <net/if.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/hash.h"
#include "user/core/apply.h"
#include "user/core/history_sql.h"
#include "user/core/policy.h"
#include "user/core/recorder_parts.h"
#include "user/kern/attach.h"

#define PAUSE_NS (10 * FW_NS_PER_S)
#define TEXT_MAX 16384 /* longer ones are kept as their hash alone */

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

static int write_row(struct fw_recorder *r, const struct fw_recorder_now *now, __u32 generation,
		     const struct fw_file *file, const char *text, size_t len)
{
	char hex[65], programs[512];
	int code = fw_history_begin(r->history, NULL);

	if (code)
		return code;
	fw_hash_put(text, len, hex);
	put_programs(&file->settings, r->maps.ctl_id, programs, sizeof(programs));
	code = fw_sql_run(r->history,
			  "INSERT INTO policy VALUES(NULL, " FW_LAST_TICK ", ?, ?, ?, ?, ?, ?)",
			  "write the policy", NULL, "uuuttt", now->when.utc_ns, now->when.boot_ns,
			  (__u64)generation, hex, programs, len <= TEXT_MAX ? text : "");
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
	__u32 generation;
	char *text = NULL;
	size_t len = 0;

	if ((r->policy_known && r->policy_generation == r->generation) ||
	    (r->policy_boot_ns && now->when.boot_ns - r->policy_boot_ns < PAUSE_NS))
		return;
	r->policy_boot_ns = now->when.boot_ns;
	if (fw_maps_open(r->pins, FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_IFACES, &maps, NULL))
		return;
	generation = FW_LIVE_GENERATION(fw_apply_live(&maps));
	if (!fw_policy_running(&maps, &file, NULL))
		text = print(&file, now, &len);
	/* A change in between: what was read may be of either; the next look tells. */
	if (text && generation == FW_LIVE_GENERATION(fw_apply_live(&maps)) &&
	    !write_row(r, now, generation, &file, text, len)) {
		r->policy_generation = generation;
		r->policy_known = true;
	}
	free(text);
	fw_file_free(&file);
	fw_maps_close(&maps);
}
