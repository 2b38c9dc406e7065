// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replay as one document, and its packets as lines. Names of verdicts, reasons and services are
 * keys; values under them are packets, and in maps that end in _bytes, bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/replay.h"
#include "user/core/stats.h"

static const char *const verdicts[FW_V_MAX] = { "pass", "drop", "tx" };

/* A capture's stamp: seconds since 1970, or null. */
static json_t *time_json(__u64 at_ns, bool known)
{
	return known ? json_real((double)at_ns / 1e9) : json_null();
}

static json_t *counts_json(const struct fw_count *counts, const char *const *names, int n,
			   bool bytes)
{
	json_t *map = json_object();

	for (int i = 0; i < n; i++)
		if (fw_json_set(map, names[i],
				fw_json_count(bytes ? counts[i].bytes : counts[i].packets)))
			break;
	return map;
}

static json_t *reasons_json(const struct fw_count *counts, bool bytes, bool all)
{
	json_t *map = json_object();

	for (int i = 0; i < FW_R_MAX; i++)
		if ((all || counts[i].packets) &&
		    fw_json_set(map, fw_stats_reasons[i].name,
				fw_json_count(bytes ? counts[i].bytes : counts[i].packets)))
			break;
	return map;
}

static json_t *first_json(const struct fw_replay_tally *t)
{
	json_t *map = json_object();

	for (int i = 0; i < FW_R_MAX; i++)
		if (t->reason[i].packets && fw_stats_reasons[i].verdict != FW_V_PASS &&
		    fw_json_set(map, fw_stats_reasons[i].name, time_json(t->first_ns[i], true)))
			break;
	return map;
}

/* {name: packets} of services or classes. */
static json_t *names_json(const char (*names)[FW_NAME_LEN],
			  const struct fw_count (*counts)[FW_V_MAX], int n)
{
	json_t *map = json_object();

	for (int i = 0; i < n; i++)
		if (*names[i] &&
		    fw_json_set(map, names[i], fw_json_count(fw_tally_sum(counts[i]).packets)))
			break;
	return map;
}

static json_t *details_json(const char (*names)[FW_NAME_LEN],
			    const struct fw_count (*counts)[FW_V_MAX],
			    const struct fw_count (*reasons)[FW_R_MAX], int n)
{
	json_t *map = json_object();

	for (int i = 0; i < n; i++) {
		struct fw_count sum = fw_tally_sum(counts[i]);
		json_t *one;
		int err = 0;

		if (!*names[i])
			continue;
		one = json_object();
		err |= fw_json_set(one, "packets", fw_json_count(sum.packets));
		err |= fw_json_set(one, "bytes", fw_json_count(sum.bytes));
		err |= fw_json_set(one, "verdicts",
				   counts_json(counts[i], verdicts, FW_V_MAX, false));
		err |= fw_json_set(one, "verdict_bytes",
				   counts_json(counts[i], verdicts, FW_V_MAX, true));
		if (reasons)
			err |= fw_json_set(one, "reasons", reasons_json(reasons[i], false, false));
		if (err || fw_json_set(map, names[i], one))
			break;
	}
	return map;
}

static json_t *top_json(const struct fw_top *top)
{
	char text[FW_TEXT_LEN];
	json_t *one = json_object();
	int err = 0;

	fw_text_put_addr(text, sizeof(text), top->addr_be);
	err |= fw_json_set(one, "source", fw_json_text(text));
	err |= fw_json_set(one, "packets", fw_json_count(top->packets));
	err |= fw_json_set(one, "packets_error", fw_json_count(top->error));
	err |= fw_json_set(one, "bytes", fw_json_count(top->bytes));
	err |= fw_json_set(one, "dropped", fw_json_count(top->count[FW_TOP_DROPPED]));
	err |= fw_json_set(one, "answered", fw_json_count(top->count[FW_TOP_ANSWERED]));
	err |= fw_json_set(one, "last_lost_for",
			   top->count[FW_TOP_DROPPED]
				   ? fw_json_text(fw_stats_reasons[top->reason].name)
				   : json_null());
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}

static json_t *tops_json(const struct fw_tops *tops, unsigned int n)
{
	struct fw_top *list = calloc(n + 1, sizeof(*list));
	size_t count = list ? fw_tops_list(tops, -1, list, n) : 0;
	json_t *out = list ? json_array() : NULL;

	for (size_t i = 0; i < count; i++)
		if (fw_json_push(out, top_json(&list[i])))
			break;
	free(list);
	return out;
}

static json_t *levels_json(const struct fw_replay_tally *t, const struct fw_policy_text *text)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < t->changes && i < FW_TALLY_CHANGES; i++) {
		const struct fw_tally_change *c = &t->change[i];
		json_t *one = json_object();

		if (fw_json_set(one, "time", time_json(c->at_ns, true)) |
			    fw_json_set(one, "service",
					fw_json_text(text->service_name[c->service])) |
			    fw_json_set(one, "level",
					fw_json_text(fw_model_level_name(c->level))) ||
		    fw_json_push(list, one))
			break;
	}
	return list;
}

static json_t *timeline_json(const struct fw_replay_tally *t)
{
	json_t *out = json_object(), *level = json_array();
	int err = 0;

	for (unsigned int b = 0; b < t->bins; b++)
		err |= fw_json_push(level, fw_json_text(fw_model_level_name(fw_tally_level(t, b))));
	err |= fw_json_set(out, "start", time_json(t->begin_ns, t->packets));
	err |= fw_json_set(out, "step_s", json_real((double)t->bin_ns / 1e9));
	for (int v = 0; v < FW_V_MAX; v++) {
		json_t *row = json_array();

		for (unsigned int b = 0; b < t->bins; b++)
			err |= fw_json_push(row, fw_json_count(t->bin[b][v]));
		err |= fw_json_set(out, verdicts[v], row);
	}
	err |= fw_json_set(out, "level", level);
	if (!err)
		return out;
	json_decref(out);
	return NULL;
}

/* What is declared rather than known. */
static json_t *known_json(const struct fw_replay *replay, const struct fw_replay_tally *t)
{
	const struct fw_feed_told *told = &replay->told;
	const struct {
		const char *name;
		__u64 value;
	} rows[] = {
		{ "handshakes", told->handshakes },
		{ "handshakes_one_way", told->one_way },
		{ "packets_proven", t->proven },
		{ "packets_midstream", t->midstream },
		{ "packets_midstream_dropped", t->midstream_lost },
		{ "packets_to_no_listener", t->unheard },
		{ "connections_forgotten", told->forgotten },
		{ "proofs_without_place", t->unplaced },
	};
	json_t *out = json_object();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (fw_json_set(out, rows[i].name, fw_json_count(rows[i].value)))
			break;
	return out;
}

static json_t *capture_json(const struct fw_replay *replay, const struct fw_replay_tally *t,
			    char *const *path, unsigned int paths)
{
	const struct fw_capture_told *files = &replay->files;
	json_t *out = json_object(), *list = json_array();
	int err = 0;

	for (unsigned int i = 0; i < paths; i++)
		err |= fw_json_push(list, fw_json_text(path[i]));
	err |= fw_json_set(out, "files", list);
	err |= fw_json_set(out, "start", time_json(t->begin_ns, t->packets));
	err |= fw_json_set(out, "end", time_json(t->end_ns, t->packets));
	err |= fw_json_set(out, "speed", json_real(replay->told.speed));
	err |= fw_json_set(out, "read", fw_json_count(files->packets));
	err |= fw_json_set(out, "left_out_outgoing", fw_json_count(replay->told.outgoing));
	err |= fw_json_set(out, "left_out_elsewhere", fw_json_count(replay->told.elsewhere));
	err |= fw_json_set(out, "left_out_link", fw_json_count(files->foreign));
	err |= fw_json_set(out, "cut", fw_json_count(files->cut));
	err |= fw_json_set(out, "cut_in_headers", fw_json_count(replay->told.blind));
	err |= fw_json_set(out, "too_long", fw_json_count(files->longer + t->oversize));
	err |= fw_json_set(out, "too_short", fw_json_count(files->shorter));
	err |= fw_json_set(out, "backward", fw_json_count(files->backward));
	err |= fw_json_set(out, "backward_s", json_real((double)files->backward_ns / 1e9));
	err |= fw_json_set(out, "set_back", fw_json_count(replay->told.set_back));
	err |= fw_json_set(out, "truncated", json_boolean(files->broken));
	if (!err)
		return out;
	json_decref(out);
	return NULL;
}

int fw_replay_json_sums(json_t *doc, const struct fw_replay_tally *t,
			const struct fw_policy_text *text)
{
	int err = 0;

	err |= fw_json_set(doc, "packets", fw_json_count(t->packets));
	err |= fw_json_set(doc, "bytes", fw_json_count(t->bytes));
	err |= fw_json_set(doc, "verdicts", counts_json(t->verdict, verdicts, FW_V_MAX, false));
	err |= fw_json_set(doc, "verdict_bytes", counts_json(t->verdict, verdicts, FW_V_MAX, true));
	err |= fw_json_set(doc, "reasons", reasons_json(t->reason, false, true));
	err |= fw_json_set(doc, "reason_bytes", reasons_json(t->reason, true, true));
	err |= fw_json_set(doc, "services",
			   names_json(text->service_name, t->service, FW_SERVICE_MAX));
	err |= fw_json_set(doc, "classes", names_json(text->class_name, t->class, FW_CLASS_MAX));
	return err;
}

int fw_replay_json(struct fw_cli *cli, const struct fw_replay *replay, char *const *path,
		   unsigned int paths, const struct fw_replay_source *source, unsigned int top)
{
	const struct fw_replay_tally *t = replay->tally[0];
	const struct fw_policy_text *text = replay->text[0];
	double rate = replay->run_ns ? (double)t->packets * 1e9 / (double)replay->run_ns : 0;
	json_t *doc = json_object();
	bool exact;
	int err = 0;

	err |= fw_replay_json_sums(doc, t, text);
	err |= fw_json_set(
		doc, "by_service",
		details_json(text->service_name, t->service, t->service_reason, FW_SERVICE_MAX));
	err |= fw_json_set(doc, "by_class",
			   details_json(text->class_name, t->class, NULL, FW_CLASS_MAX));
	err |= fw_json_set(doc, "first", first_json(t));
	err |= fw_json_set(doc, "levels", levels_json(t, text));
	err |= fw_json_set(doc, "sources", fw_json_count(fw_tops_sources(t->tops, &exact)));
	err |= fw_json_set(doc, "sources_exact", json_boolean(exact));
	err |= fw_json_set(doc, "top", tops_json(t->tops, top));
	err |= fw_json_set(doc, "timeline", timeline_json(t));
	err |= fw_json_set(doc, "known", known_json(replay, t));
	err |= fw_json_set(doc, "capture", capture_json(replay, t, path, paths));
	err |= fw_json_set(doc, "policy", fw_json_text(source->name));
	err |= fw_json_set(doc, "run_s", json_real((double)replay->run_ns / 1e9));
	err |= fw_json_set(doc, "packets_per_s", json_real(rate));
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

/* By hand, for there may be a million: names are of our own lists, addresses are digits. */
int fw_replay_line(void *arg, const struct fw_feed_packet *p, const struct fw_judged *j,
		   const struct fw_policy_text *text)
{
	char src[FW_TEXT_LEN] = "null", dst[FW_TEXT_LEN] = "null", proto[16] = "null";
	char ports[48] = "\"sport\":null,\"dport\":null", addr[FW_TEXT_LEN];
	static const char *const names[] = {
		[1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmp6"
	};

	(void)arg;
	errno = 0;
	if (p->family) {
		snprintf(src, sizeof(src), "\"%.46s\"",
			 fw_text_put_addr(addr, sizeof(addr), p->saddr));
		snprintf(dst, sizeof(dst), "\"%.46s\"",
			 fw_text_put_addr(addr, sizeof(addr), p->daddr));
		if (p->proto < sizeof(names) / sizeof(*names) && names[p->proto])
			snprintf(proto, sizeof(proto), "\"%s\"", names[p->proto]);
		else
			snprintf(proto, sizeof(proto), "%u", p->proto);
	}
	if (p->ports)
		snprintf(ports, sizeof(ports), "\"sport\":%u,\"dport\":%u", be16toh(p->sport),
			 be16toh(p->dport));
	if (printf("{\"index\":%" PRIu64 ",\"time\":%" PRIu64 ".%09" PRIu64 ",\"src\":%s,"
		   "\"dst\":%s,\"proto\":%s,%s,\"len\":%u,\"verdict\":\"%s\","
		   "\"reason\":\"%s\",\"service\":\"%s\"}\n",
		   (uint64_t)p->index, (uint64_t)(p->at_ns / 1000000000),
		   (uint64_t)(p->at_ns % 1000000000), src, dst, proto, ports, p->len,
		   verdicts[j->verdict], fw_stats_reasons[j->reason].name,
		   text->service_name[j->service]) < 0)
		return errno ? -errno : -EIO;
	return 0;
}
