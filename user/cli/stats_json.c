// SPDX-License-Identifier: GPL-2.0-only
/* Counters for programs: every reason, service, class, CPU and note, whether it counted or not. */
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/cli/stats.h"

static const char *const verdict_names[FW_V_MAX] = { "pass", "drop", "tx" };

/* seconds 0: no rates. */
static void put_count(json_t *obj, const char *prefix, const struct fw_count *now,
		      const struct fw_count *since, double seconds)
{
	char key[64];

	snprintf(key, sizeof(key), "%spackets", prefix);
	fw_json_set(obj, key, fw_json_count(now->packets));
	snprintf(key, sizeof(key), "%sbytes", prefix);
	fw_json_set(obj, key, fw_json_count(now->bytes));
	if (!(seconds > 0))
		return;
	snprintf(key, sizeof(key), "%spackets_per_s", prefix);
	fw_json_set(obj, key, json_real((double)since->packets / seconds));
	snprintf(key, sizeof(key), "%sbytes_per_s", prefix);
	fw_json_set(obj, key, json_real((double)since->bytes / seconds));
}

static json_t *verdicts(json_t *obj, const struct fw_stats_verdicts *now,
			const struct fw_stats_verdicts *since, double seconds)
{
	put_count(obj, "pass_", &now->pass, &since->pass, seconds);
	put_count(obj, "drop_", &now->drop, &since->drop, seconds);
	put_count(obj, "tx_", &now->tx, &since->tx, seconds);
	put_count(obj, "would_", &now->would, &since->would, seconds);
	return obj;
}

static json_t *total(const struct fw_stats *now, const struct fw_stats *since, double seconds)
{
	struct fw_stats_verdicts a = fw_stats_total(now), b = fw_stats_total(since);
	struct fw_count all_a = fw_stats_all(&a), all_b = fw_stats_all(&b);
	json_t *obj = json_object();

	put_count(obj, "", &all_a, &all_b, seconds);
	return verdicts(obj, &a, &b, seconds);
}

static json_t *reasons(const struct fw_stats *now, const struct fw_stats *since, double seconds)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		const struct fw_stats_name *n = &fw_stats_reasons[i];
		struct fw_count done, would, done_since, would_since;
		json_t *obj = json_object();

		fw_stats_reason(now, i, &done, &would);
		fw_stats_reason(since, i, &done_since, &would_since);
		fw_json_set(obj, "reason", json_string(n->name));
		fw_json_set(obj, "verdict", json_string(verdict_names[n->verdict]));
		put_count(obj, "", &done, &done_since, seconds);
		put_count(obj, "would_", &would, &would_since, seconds);
		fw_json_push(list, obj);
	}
	return list;
}

/* Reasons of one service, those that counted only: 64 services times 45 zeros help nobody. */
static json_t *service_reasons(const struct fw_stats *now, unsigned int service)
{
	json_t *obj = json_object();

	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		__u64 packets = now->svc[0][service][i].packets + now->svc[1][service][i].packets;

		if (packets)
			fw_json_set(obj, fw_stats_reasons[i].name, fw_json_count(packets));
	}
	return obj;
}

static json_t *services(const struct fw_stats *now, const struct fw_stats *since, double seconds)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < FW_SERVICE_MAX; i++) {
		struct fw_stats_verdicts a = fw_stats_service(now, i),
					 b = fw_stats_service(since, i);
		json_t *obj;

		if (!*now->service_name[i] && !fw_stats_all(&a).packets)
			continue;
		obj = json_object();
		fw_json_set(obj, "service", fw_json_text(now->service_name[i]));
		verdicts(obj, &a, &b, seconds);
		fw_json_set(obj, "reasons", service_reasons(now, i));
		fw_json_push(list, obj);
	}
	return list;
}

static json_t *classes(const struct fw_stats *now, const struct fw_stats *since, double seconds)
{
	static const char *const prefix[FW_CC_MAX] = { "pass_", "drop_", "soft_" };
	json_t *list = json_array();

	for (unsigned int i = 0; i < FW_CLASS_MAX; i++) {
		json_t *obj;

		if (!*now->class_name[i] && !now->cls[i][FW_CC_PASS].packets &&
		    !now->cls[i][FW_CC_DROP].packets)
			continue;
		obj = json_object();
		fw_json_set(obj, "class", fw_json_text(now->class_name[i]));
		for (int c = 0; c < FW_CC_MAX; c++)
			put_count(obj, prefix[c], &now->cls[i][c], &since->cls[i][c], seconds);
		fw_json_push(list, obj);
	}
	return list;
}

static json_t *cpus(const struct fw_stats *now, const struct fw_stats *since, double seconds)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < now->cpus; i++) {
		struct fw_stats_verdicts a = fw_stats_cpu(now, i), b = fw_stats_cpu(since, i);
		json_t *obj = json_object();

		fw_json_set(obj, "cpu", json_integer(i));
		fw_json_push(list, verdicts(obj, &a, &b, seconds));
	}
	return list;
}

static json_t *notes(const struct fw_stats *now)
{
	json_t *obj = json_object();

	for (unsigned int i = 0; i < FW_N_MAX; i++)
		fw_json_set(obj, fw_stats_notes[i].name, fw_json_count(now->note[i]));
	return obj;
}

static json_t *reflected(const struct fw_stats *now)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < FW_REFLECT_MAX; i++) {
		__u64 packets = now->note[FW_NOTE_REFLECT_BASE + i];

		if (now->reflect_port[i] || packets)
			fw_json_push(list, json_pack("{s:i,s:o}", "port", (int)now->reflect_port[i],
						     "packets", fw_json_count(packets)));
	}
	return list;
}

json_t *fw_stats_json(const struct fw_stats *now, const struct fw_stats *since)
{
	double seconds = since ? (double)since->when_ns / FW_NS_PER_S : 0;
	const struct fw_stats *b = since ? since : now;
	json_t *doc = json_object();
	int r;

	r = fw_json_set(doc, "mode", json_string(now->monitor ? "monitor" : "enforce"));
	r |= fw_json_set(doc, "program_ns", fw_json_count(now->when_ns));
	if (since)
		r |= fw_json_set(doc, "interval_s", json_real(seconds));
	r |= fw_json_set(doc, "total", total(now, b, seconds));
	r |= fw_json_set(doc, "reasons", reasons(now, b, seconds));
	r |= fw_json_set(doc, "services", services(now, b, seconds));
	r |= fw_json_set(doc, "classes", classes(now, b, seconds));
	r |= fw_json_set(doc, "cpus", cpus(now, b, seconds));
	r |= fw_json_set(doc, "notes", notes(now));
	r |= fw_json_set(doc, "reflected", reflected(now));
	if (r) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}
