// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters. In monitor mode the program counts every packet under the reason it would have ended
 * in, in a half of its own: reasons that pass mean the same in both halves, the others become
 * "would". So pass + drop + tx + would is what was seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/stats.h"

const struct fw_stats_name fw_stats_reasons[FW_R_MAX] = {
#define X(id, name, verdict, text) { name, text, FW_V_##verdict },
	FW_REASONS(X)
#undef X
};

const struct fw_stats_name fw_stats_notes[FW_N_MAX] = {
#define X(id, name, text) { name, text, FW_V_MAX },
	FW_NOTES(X)
#undef X
};

static void add(struct fw_count *to, const struct fw_count *count)
{
	to->packets += count->packets;
	to->bytes += count->bytes;
}

static void add_verdict(struct fw_stats_verdicts *v, bool monitor, unsigned int reason,
			const struct fw_count *count)
{
	/* A reason we do not know is of a newer program; the program drops what it cannot name. */
	enum fw_verdict verdict = reason < FW_R_MAX ? fw_stats_reasons[reason].verdict : FW_V_DROP;

	if (verdict == FW_V_PASS)
		add(&v->pass, count);
	else if (monitor)
		add(&v->would, count);
	else
		add(verdict == FW_V_TX ? &v->tx : &v->drop, count);
}

/* The per-CPU map as it came, once by service and once by CPU. */
static int read_services(const struct fw_maps *maps, struct fw_stats *st)
{
	const struct fw_count *c;
	__u64 *raw;
	int r;

	st->cpus = maps->cpus;
	st->cpu = calloc(maps->cpus, sizeof(*st->cpu));
	if (!st->cpu)
		return -ENOMEM;
	r = fw_maps_read(maps, maps->count_svc_fd, FW_COUNT_SVC_SLOTS, 2, &raw);
	if (r)
		return r;
	c = (const struct fw_count *)raw;
	for (int half = 0; half < 2; half++)
		for (int service = 0; service < FW_SERVICE_MAX; service++)
			for (int reason = 0; reason < FW_REASON_SLOTS; reason++)
				for (unsigned int cpu = 0; cpu < maps->cpus; cpu++, c++) {
					add(&st->svc[half][service][reason], c);
					add(&st->cpu[cpu][half][reason], c);
				}
	free(raw);
	return 0;
}

/* Names of the running generation; a change while we copy gives a mix of names, no harm. */
static void read_names(const struct fw_maps *maps, struct fw_stats *st)
{
	__u32 half = FW_LIVE_POLICY(fw_apply_live(maps));

	memcpy(st->class_name, maps->policy_txt[half].class_name, sizeof(st->class_name));
	memcpy(st->service_name, maps->policy_txt[half].service_name, sizeof(st->service_name));
	memcpy(st->reflect_port, maps->policy[half].reflect_port, sizeof(st->reflect_port));
	for (int i = 0; i < FW_CLASS_MAX; i++)
		st->class_name[i][FW_NAME_LEN - 1] = '\0';
	for (int i = 0; i < FW_SERVICE_MAX; i++)
		st->service_name[i][FW_NAME_LEN - 1] = '\0';
	st->monitor = maps->policy[half].flags & FW_P_MONITOR;
}

/*
 * The program counts no packet of the default class by itself: it is what the other classes leave
 * of the total. Counters move while they are read, so what would fall below 0 is 0.
 */
static void fill_default_class(struct fw_stats *st)
{
	struct fw_count all[FW_CC_MAX] = { [FW_CC_SOFT] = { st->note[FW_N_SOFT], 0 } };

	for (int m = 0; m < 2; m++)
		for (int s = 0; s < FW_SERVICE_MAX; s++)
			for (int r = 0; r < FW_R_MAX; r++) {
				int cc = fw_stats_reasons[r].verdict == FW_V_DROP ? FW_CC_DROP
										  : FW_CC_PASS;

				all[cc].packets += st->svc[m][s][r].packets;
				all[cc].bytes += st->svc[m][s][r].bytes;
			}
	for (int cc = 0; cc < FW_CC_MAX; cc++) {
		for (int c = 0; c < FW_CLASS_MAX; c++) {
			const struct fw_count *other = &st->cls[c][cc];

			if (c == FW_CLASS_DEFAULT)
				continue;
			all[cc].packets -= MIN(all[cc].packets, other->packets);
			all[cc].bytes -= MIN(all[cc].bytes, other->bytes);
		}
		st->cls[FW_CLASS_DEFAULT][cc] = all[cc];
	}
}

int fw_stats_read_maps(const struct fw_maps *maps, struct fw_stats *ret, struct fw_err *err)
{
	int r;

	fw_stats_free(ret);
	memset(ret, 0, sizeof(*ret));
	ret->when_ns = fw_clock_now();
	r = read_services(maps, ret);
	if (!r)
		r = fw_maps_sum(maps, maps->count_cls_fd, FW_CLASS_MAX * FW_CC_STRIDE, 2,
				(__u64 *)ret->cls);
	if (!r)
		r = fw_maps_sum(maps, maps->note_fd, FW_NOTE_SLOTS, 1, ret->note);
	if (!r)
		fill_default_class(ret);
	read_names(maps, ret);
	if (r) {
		fw_err_set(err, r, NULL, "cannot read the counters: %s", strerror(-r));
		fw_stats_free(ret);
	}
	return r;
}

int fw_stats_read(const char *pins, struct fw_stats *ret, struct fw_err *err)
{
	struct fw_maps maps = {};
	int r;

	r = fw_maps_open(pins, FW_MAPS_COUNTS | FW_MAPS_POLICY, &maps, err);
	if (r)
		return r;
	r = fw_stats_read_maps(&maps, ret, err);
	fw_maps_close(&maps);
	return r;
}

void fw_stats_free(struct fw_stats *stats)
{
	if (!stats)
		return;
	free(stats->cpu);
	stats->cpu = NULL;
	stats->cpus = 0;
}

/* a -= b for an array of 64-bit counters; what fell was reset and counts from 0. */
static void subtract(void *a, const void *b, size_t bytes)
{
	const __u64 *before = b;
	__u64 *now = a;

	for (size_t i = 0; i < bytes / sizeof(__u64); i++)
		now[i] -= now[i] >= before[i] ? before[i] : 0;
}

int fw_stats_since(const struct fw_stats *before, const struct fw_stats *now, struct fw_stats *ret)
{
	struct fw_count(*cpu)[2][FW_REASON_SLOTS];
	size_t bytes = now->cpus * sizeof(*cpu);

	cpu = malloc(bytes);
	if (!cpu)
		return -ENOMEM;
	memcpy(cpu, now->cpu, bytes);
	if (before->cpus == now->cpus)
		subtract(cpu, before->cpu, bytes);
	*ret = *now;
	ret->cpu = cpu;
	ret->when_ns = now->when_ns - before->when_ns;
	subtract(ret->svc, before->svc, sizeof(ret->svc));
	subtract(ret->cls, before->cls, sizeof(ret->cls));
	subtract(ret->note, before->note, sizeof(ret->note));
	return 0;
}

void fw_stats_reason(const struct fw_stats *stats, unsigned int reason, struct fw_count *ret_done,
		     struct fw_count *ret_would)
{
	struct fw_stats_verdicts v = {};

	for (int half = 0; half < 2; half++)
		for (int service = 0; service < FW_SERVICE_MAX; service++)
			add_verdict(&v, half, reason, &stats->svc[half][service][reason]);
	*ret_would = v.would;
	add(&v.pass, &v.drop);
	add(&v.pass, &v.tx);
	*ret_done = v.pass;
}

struct fw_stats_verdicts fw_stats_service(const struct fw_stats *stats, unsigned int service)
{
	struct fw_stats_verdicts v = {};

	for (int half = 0; half < 2; half++)
		for (unsigned int reason = 0; reason < FW_REASON_SLOTS; reason++)
			add_verdict(&v, half, reason, &stats->svc[half][service][reason]);
	return v;
}

struct fw_stats_verdicts fw_stats_cpu(const struct fw_stats *stats, unsigned int cpu)
{
	struct fw_stats_verdicts v = {};

	for (int half = 0; half < 2; half++)
		for (unsigned int reason = 0; reason < FW_REASON_SLOTS; reason++)
			add_verdict(&v, half, reason, &stats->cpu[cpu][half][reason]);
	return v;
}

struct fw_stats_verdicts fw_stats_total(const struct fw_stats *stats)
{
	struct fw_stats_verdicts sum = {}, v;

	for (unsigned int service = 0; service < FW_SERVICE_MAX; service++) {
		v = fw_stats_service(stats, service);
		add(&sum.pass, &v.pass);
		add(&sum.drop, &v.drop);
		add(&sum.tx, &v.tx);
		add(&sum.would, &v.would);
	}
	return sum;
}

struct fw_count fw_stats_all(const struct fw_stats_verdicts *v)
{
	struct fw_count all = v->pass;

	add(&all, &v->drop);
	add(&all, &v->tx);
	add(&all, &v->would);
	return all;
}
