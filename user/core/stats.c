// SPDX-License-Identifier: GPL-2.0-only
/*
 * What counters mean. In monitor mode the program counts every packet under the reason it would
 * have ended in, in a half of its own: reasons that pass mean the same in both halves, the others
 * become "would". So pass + drop + tx + would is what was seen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
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
