// SPDX-License-Identifier: GPL-2.0-only
/*
 * A judge with the live state's hash keys, so that slots that are hashed to are the same ones, and
 * tables of one set, which hold copies of the sets the source lives in. Copies are taken while the
 * filter works; each is of that moment.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/core/apply.h"
#include "user/core/replay/explain.h"
#include "user/core/replay/explain_frame.h"
#include "user/core/replay/explain_parts.h"

static const struct {
	const char *name, *text;
} stages[FW_EXPLAIN_STAGES] = {
	[FW_EXPLAIN_PARSE] = { "parse", "can it be read at all?" },
	[FW_EXPLAIN_ESSENTIAL] = { "essential", "does it keep the link alive?" },
	[FW_EXPLAIN_SANITY] = { "sanity", "would an honest stack send it?" },
	[FW_EXPLAIN_LANES] = { "lanes", "who is it?" },
	[FW_EXPLAIN_SERVICE] = { "service", "does its destination speak this?" },
	[FW_EXPLAIN_SOURCE] = { "source", "is its address within its limits?" },
	[FW_EXPLAIN_CROWD] = { "crowd", "is it proven, or within the budgets of all strangers?" },
};

const char *fw_explain_stage_name(enum fw_explain_stage stage)
{
	return stages[stage].name;
}

const char *fw_explain_stage_text(enum fw_explain_stage stage)
{
	return stages[stage].text;
}

/* The stage at which a reason ends a packet. */
static enum fw_explain_stage stage_of(enum fw_reason reason)
{
	/* Reasons that are not here are of the crowd. */
	static const struct {
		enum fw_reason reason;
		enum fw_explain_stage stage;
	} of[] = {
		{ FW_R_PASS_ESSENTIAL, FW_EXPLAIN_ESSENTIAL },
		{ FW_R_DROP_ESSENTIAL, FW_EXPLAIN_ESSENTIAL },
		{ FW_R_PASS_OTHER_L3, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_OTHER_L3, FW_EXPLAIN_PARSE },
		{ FW_R_PASS_DEEP, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_DEEP, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_SHORT, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_IP_HEADER, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_L4_HEADER, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_FRAGMENT, FW_EXPLAIN_PARSE },
		{ FW_R_DROP_TCP_FLAGS, FW_EXPLAIN_SANITY },
		{ FW_R_DROP_PORT_ZERO, FW_EXPLAIN_SANITY },
		{ FW_R_DROP_LAND, FW_EXPLAIN_SANITY },
		{ FW_R_DROP_BOGUS_SOURCE, FW_EXPLAIN_SANITY },
		{ FW_R_PASS_MANAGEMENT, FW_EXPLAIN_LANES },
		{ FW_R_DROP_BLOCKED, FW_EXPLAIN_LANES },
		{ FW_R_DROP_REFLECTED, FW_EXPLAIN_SERVICE },
		{ FW_R_DROP_UNSPOKEN, FW_EXPLAIN_SERVICE },
		{ FW_R_PASS_PROVEN, FW_EXPLAIN_SOURCE },
		{ FW_R_PASS_TRUSTED, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_TRUSTED, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_BANNED, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_PACKETS, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_BYTES, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_SYN, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_UDP, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_ICMP, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_SRC_FRAG, FW_EXPLAIN_SOURCE },
		{ FW_R_DROP_NET48, FW_EXPLAIN_SOURCE },
	};

	_Static_assert(FW_R_MAX == 45, "a new reason: at which stage does it end a packet?");

	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
		if (of[i].reason == reason)
			return of[i].stage;
	return FW_EXPLAIN_CROWD;
}

/* Of all prefixes only those that hold the source: they alone decide what it is. */
static int covering(const struct fw_maps *live, const __be32 addr_be[4], struct fw_prefixes *ret,
		    struct fw_err *err)
{
	struct fw_prefixes all = { 0 };
	int r = fw_apply_read_prefixes(live, &all, err);

	for (size_t i = 0; i < all.count && !r; i++)
		if (fw_prefixes_covers(&all.at[i], addr_be)) {
			r = fw_prefixes_add(ret, &all.at[i], NULL, err);
			r = r > 0 ? 0 : r;
		}
	fw_prefixes_free(&all);
	return r;
}

/* The fullest of the CPUs' own budgets for cookies. */
static int copy_pace(const struct fw_maps *live, struct fw_judge *j, struct fw_err *err)
{
	__u64 latest;
	int r = fw_maps_latest(live, live->pace_fd, &latest);

	if (r)
		return fw_err_set(err, r, NULL, "the budgets for cookies cannot be read");
	return fw_run_percpu(j->obj, "fw_pace", 0, latest, j->maps.cpus, err);
}

static int copy_map(struct fw_judge *j, const char *name, size_t value, const void *from, size_t n,
		    struct fw_err *err)
{
	struct fw_run_view view = { 0 };
	int r = fw_run_view(j->obj, name, value, &view, err);

	if (!r)
		memcpy(view.mem, from, value * n);
	fw_run_unview(&view);
	return r;
}

static int copy_state(const struct fw_maps *live, struct fw_judge *j, const __be32 addr_be[4],
		      struct fw_err *err)
{
	const struct {
		const char *name;
		const void *from;
		size_t value, n;
	} maps[] = {
		{ "fw_budget", live->budget, FW_B_MAX * sizeof(*live->budget), 1 },
		{ "fw_crowd", live->crowd, FW_SERVICE_MAX * sizeof(*live->crowd), 1 },
		{ "fw_crowd_net", live->crowd_net, sizeof(*live->crowd_net),
		  1 << FW_CROWD_NET_BITS },
		{ "fw_level", live->level, FW_SERVICE_MAX * sizeof(*live->level), 1 },
		{ "fw_retry", live->retry, sizeof(*live->retry), 1 << FW_RETRY_BITS },
		{ "fw_ban", live->ban, sizeof(*live->ban), FW_BAN_SETS },
	};
	struct fw_source source = { 0 };
	int r = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps) && !r; i++)
		r = copy_map(j, maps[i].name, maps[i].value, maps[i].from, maps[i].n, err);
	if (!r)
		r = copy_pace(live, j, err);
	if (!r)
		r = fw_source_read(live, addr_be, &source, err);
	if (!r)
		fw_judge_copy_source(j, live, addr_be, source.net48_whose);
	return r;
}

static int open_judge(const struct fw_maps *live, const struct fw_explain_packet *p, __u64 now_ns,
		      struct fw_judge *ret, bool *ret_monitor, struct fw_err *err)
{
	struct fw_judge_opts how = { .keys = live->meta->hash_key,
				     .start_ns = now_ns,
				     .sizes = { .sources4 = 1, .sources6 = 1 } };
	struct fw_prefixes lanes = { 0 };
	struct fw_model *model = NULL;
	int r = fw_apply_read_model(live, &model, err);

	if (!r)
		r = covering(live, p->saddr_be, &lanes, err);
	how.model = model;
	how.lanes = &lanes;
	if (!r)
		r = fw_judge_open(&how, ret, err);
	if (!r)
		*ret_monitor = model->flags & FW_P_MONITOR;
	free(model);
	fw_prefixes_free(&lanes);
	return r;
}

static int judge(struct fw_judge *j, const struct fw_explain_packet *p, __u64 now_ns,
		 struct fw_explain *ret, struct fw_err *err)
{
	struct explain_parts before, after;
	__u8 frame[EXPLAIN_FRAME_MAX];
	int r;

	r = explain_parts_read(j, p, now_ns, &before, err);
	if (r)
		return r;
	ret->source = before.source;
	ret->len = explain_frame(p, frame);
	r = fw_judge_frame(j, now_ns, frame, ret->len, &ret->judged);
	if (r)
		return fw_err_set(err, r, NULL, "a packet of %u bytes cannot be run: %s", ret->len,
				  strerror(-r));
	ret->stage = stage_of(ret->judged.reason);
	ret->level = fw_judge_level(j, ret->judged.service, now_ns);
	memcpy(ret->service, fw_judge_text(j)->service_name[ret->judged.service], FW_NAME_LEN);
	r = explain_parts_read(j, p, now_ns, &after, err);
	if (!r)
		explain_parts_list(j, p, &before, &after, ret);
	return r;
}

/* As the program sees it. */
static __u64 program_now(const struct fw_maps *live)
{
	__u64 now_ns = fw_apply_now(live);

	return now_ns - now_ns % live->meta->tick_ns;
}

int fw_explain_run(const struct fw_maps *live, const struct fw_explain_packet *packet,
		   struct fw_explain *ret, struct fw_err *err)
{
	struct fw_judge j = { 0 };
	__u64 now_ns;
	int r;

	*ret = (struct fw_explain){ 0 };
	r = open_judge(live, packet, program_now(live), &j, &ret->monitor, err);
	/*
	 * The time anew: loading took most of a second, in which the live stamps went on. And
	 * before they are copied: a budget that a flood keeps full must not seem to have room.
	 */
	now_ns = program_now(live);
	if (!r)
		__atomic_store_n(&j.maps.ctl->virtual_ns, now_ns, __ATOMIC_SEQ_CST);
	if (!r)
		r = copy_state(live, &j, packet->saddr_be, err);
	if (!r)
		r = judge(&j, packet, now_ns, ret, err);
	fw_judge_close(&j);
	return r;
}
