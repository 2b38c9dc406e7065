// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the counters. There are 8,192 per CPU, and reading them all takes milliseconds; but only
 * those of services that the running policy names, in the mode that it names, can move. Who reads
 * again and again keeps the others, for as long as the same generation runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/stats.h"

#define SETTLE_NS FW_NS_PER_S /* a packet judged by the generation before has long been counted */

/* Rows of fw_count_svc: which of them can move. */
struct moving {
	struct fw_stats_when when;
	bool service[FW_SERVICE_MAX];
	int half;
};

static struct fw_stats_when now_running(const struct fw_maps *maps)
{
	return (struct fw_stats_when){ .state = maps->ctl_id,
				       .live = fw_maps_live(maps),
				       .running = fw_apply_live(maps) };
}

static bool same(const struct fw_stats_when *a, const struct fw_stats_when *b)
{
	return a->state == b->state && a->live == b->live && a->running == b->running;
}

static void find_moving(const struct fw_maps *maps, struct moving *m)
{
	__u32 half;

	m->when = now_running(maps);
	half = FW_LIVE_POLICY(m->when.running);
	m->half = !!(maps->policy[half].flags & FW_P_MONITOR);
	for (int s = 0; s < FW_SERVICE_MAX; s++)
		m->service[s] = !s || *maps->policy_txt[half].service_name[s];
}

static void add(struct fw_count *to, const struct fw_count *count)
{
	to->packets += count->packets;
	to->bytes += count->bytes;
}

/* Rows of some services, one after another; once by service and once by CPU. */
static int read_rows(const struct fw_maps *maps, int half, int service, int services,
		     struct fw_stats *st)
{
	const struct fw_count *c;
	__u64 *raw;
	int r = fw_maps_read_from(maps, maps->count_svc_fd,
				  fw_maps_svc_slot(half, (__u32)service, 0),
				  (__u32)services * FW_REASON_SLOTS, 2, &raw);

	if (r)
		return r;
	c = (const struct fw_count *)raw;
	for (int s = service; s < service + services; s++)
		for (int reason = 0; reason < FW_REASON_SLOTS; reason++)
			for (unsigned int cpu = 0; cpu < maps->cpus; cpu++, c++) {
				add(&st->svc[half][s][reason], c);
				add(&st->cpu[cpu][half][reason], c);
			}
	free(raw);
	return 0;
}

/* Those that can move, or those that cannot. */
static int read_some(const struct fw_maps *maps, const struct moving *m, bool moving,
		     struct fw_stats *st)
{
	int r = 0;

	for (int half = 0; half < 2; half++)
		for (int s = 0, n; s < FW_SERVICE_MAX && !r; s += n) {
			bool is = m->service[s] && half == m->half;

			n = 1;
			while (s + n < FW_SERVICE_MAX &&
			       (m->service[s + n] && half == m->half) == is)
				n++;
			if (is == moving)
				r = read_rows(maps, half, s, n, st);
		}
	return r;
}

static int start(struct fw_stats *st, unsigned int cpus)
{
	memset(st->svc, 0, sizeof(st->svc));
	free(st->cpu);
	st->cpus = cpus;
	st->cpu = calloc(cpus, sizeof(*st->cpu));
	return st->cpu ? 0 : -ENOMEM;
}

static void add_kept(struct fw_stats *st, const struct fw_stats *kept)
{
	const struct fw_count *from = &kept->svc[0][0][0];
	struct fw_count *to = &st->svc[0][0][0];

	for (size_t i = 0; i < sizeof(st->svc) / sizeof(*to); i++)
		add(&to[i], &from[i]);
	from = &kept->cpu[0][0][0];
	to = &st->cpu[0][0][0];
	for (size_t i = 0; i < st->cpus * sizeof(*st->cpu) / sizeof(*to); i++)
		add(&to[i], &from[i]);
}

/*
 * The very next generation, with the same services in the same mode: what could not move before
 * cannot now. One that came and went unseen, or a change that is not confirmed, may have had
 * others.
 */
static bool goes_on(const struct fw_stats_kept *kept, const struct moving *m)
{
	return kept->settled && kept->when.state == m->when.state &&
	       kept->when.live == kept->when.running && m->when.live == m->when.running &&
	       FW_LIVE_GENERATION(m->when.live) == FW_LIVE_GENERATION(kept->when.live) + 1 &&
	       kept->half == m->half && !memcmp(kept->moving, m->service, sizeof(m->service));
}

/* What is kept stands for this generation; else it is read again, and kept once it stands still. */
static int renew(const struct fw_maps *maps, struct fw_stats_kept *kept, const struct moving *m)
{
	int r;

	if (!kept->rest.cpu || (!same(&kept->when, &m->when) && !goes_on(kept, m))) {
		kept->since_ns = fw_clock_now();
		kept->settled = false;
	}
	kept->when = m->when;
	if (kept->settled)
		return 0;
	memcpy(kept->moving, m->service, sizeof(kept->moving));
	kept->half = m->half;
	kept->settled = fw_clock_now() - kept->since_ns >= SETTLE_NS;
	r = start(&kept->rest, maps->cpus);
	return r ? r : read_some(maps, m, false, &kept->rest);
}

static int read_services(const struct fw_maps *maps, struct fw_stats_kept *kept,
			 struct fw_stats *st)
{
	struct moving m;
	int r;

	find_moving(maps, &m);
	r = renew(maps, kept, &m);
	if (!r)
		r = start(st, maps->cpus);
	if (!r)
		r = read_some(maps, &m, true, st);
	if (r) {
		kept->settled = false;
		return r;
	}
	add_kept(st, &kept->rest);
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

				add(&all[cc], &st->svc[m][s][r]);
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

/*
 * The total was read before the other classes, so what is left for the default one is too little by
 * what they got in between, and each time by another amount. What was left before is true, too: the
 * larger of the two is nearer, and never falls.
 */
static void hold_default_class(const struct fw_maps *maps, struct fw_stats_kept *kept,
			       struct fw_stats *st)
{
	if (kept->left_of != maps->ctl_id)
		memset(kept->left, 0, sizeof(kept->left));
	kept->left_of = maps->ctl_id;
	for (int cc = 0; cc < FW_CC_MAX; cc++) {
		struct fw_count *was = &kept->left[cc], *is = &st->cls[FW_CLASS_DEFAULT][cc];

		was->packets = is->packets = MAX(was->packets, is->packets);
		was->bytes = is->bytes = MAX(was->bytes, is->bytes);
	}
}

int fw_stats_read_again(const struct fw_maps *maps, struct fw_stats_kept *kept,
			struct fw_stats *ret, struct fw_err *err)
{
	int r;

	fw_stats_free(ret);
	memset(ret, 0, sizeof(*ret));
	ret->when_ns = fw_clock_now();
	r = read_services(maps, kept, ret);
	if (!r)
		r = fw_maps_sum(maps, maps->count_cls_fd, FW_CLASS_MAX * FW_CC_STRIDE, 2,
				(__u64 *)ret->cls);
	if (!r)
		r = fw_maps_sum(maps, maps->note_fd, FW_NOTE_SLOTS, 1, ret->note);
	if (!r) {
		fill_default_class(ret);
		hold_default_class(maps, kept, ret);
	}
	read_names(maps, ret);
	if (r) {
		fw_err_set(err, r, NULL, "cannot read the counters: %s", strerror(-r));
		fw_stats_free(ret);
	}
	return r;
}

void fw_stats_kept_free(struct fw_stats_kept *kept)
{
	fw_stats_free(&kept->rest);
}

int fw_stats_read_maps(const struct fw_maps *maps, struct fw_stats *ret, struct fw_err *err)
{
	struct fw_stats_kept *kept = calloc(1, sizeof(*kept));
	int r;

	if (!kept)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the counters");
	r = fw_stats_read_again(maps, kept, ret, err);
	fw_stats_kept_free(kept);
	free(kept);
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

static bool any(const __u64 *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i])
			return true;
	return false;
}

/* In order: in each mode all services, of each service all reasons. */
static void worn_services(const struct fw_maps *maps, bool worn[FW_SERVICE_MAX])
{
	size_t row = 2UL * FW_REASON_SLOTS * maps->cpus;
	__u64 *raw;

	if (fw_maps_read(maps, maps->count_svc_fd, FW_COUNT_SVC_SLOTS, 2, &raw))
		return;
	for (__u32 s = 0; s < FW_SERVICE_MAX; s++)
		for (int half = 0; half < 2; half++)
			worn[s] |= any(raw + fw_maps_svc_slot(half, s, 0) * 2UL * maps->cpus, row);
	free(raw);
}

void fw_stats_worn(const struct fw_maps *maps, struct fw_model *model)
{
	size_t row = 2UL * FW_CC_STRIDE * maps->cpus;
	__u64 *raw;

	worn_services(maps, model->worn_service);
	if (fw_maps_read(maps, maps->count_cls_fd, FW_CLASS_MAX * FW_CC_STRIDE, 2, &raw))
		return;
	for (int c = 0; c < FW_CLASS_MAX; c++)
		model->worn_class[c] = any(raw + (size_t)c * row, row);
	free(raw);
}
