// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second of the recorder: read, write in one transaction, and only then move on. A second that
 * could not be written is no loss of counts: the difference is taken to the last one that was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/recorder_parts.h"

#define CLOCK_EVERY_NS (3600 * FW_NS_PER_S)
#define STEP_NS	       (100000000LL) /* UTC moved against boot time by more: it was set */

void fw_recorder_clock(struct fw_recorder_now *ret)
{
	struct timex tx = {};
	int state = adjtimex(&tx);

	*ret = (struct fw_recorder_now){
		.when = { fw_clock_realtime(), fw_clock_boottime() },
		.program_ns = fw_clock_now(),
		.synchronised = state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC),
		.max_error_ns = (__u64)tx.maxerror * 1000,
		.est_error_ns = (__u64)tx.esterror * 1000,
	};
}

int fw_recorder_new(const struct fw_recorder_opts *opts, struct fw_recorder **ret,
		    struct fw_err *err)
{
	struct fw_recorder *r = calloc(1, sizeof(*r));

	if (r)
		r->sample = calloc(FW_REC_SAMPLES, sizeof(*r->sample));
	if (!r || !r->sample) {
		free(r);
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the recorder");
	}
	snprintf(r->pins, sizeof(r->pins), "%s", opts->pins);
	snprintf(r->path, sizeof(r->path), "%s", opts->path);
	snprintf(r->accounts_path, sizeof(r->accounts_path), "%s", opts->accounts ?: "");
	snprintf(r->build, sizeof(r->build), "%s", opts->build ?: "");
	snprintf(r->boot_id, sizeof(r->boot_id), "%s", opts->boot_id ?: "");
	fw_recorder_set(r, opts);
	*ret = r;
	return 0;
}

void fw_recorder_set(struct fw_recorder *r, const struct fw_recorder_opts *opts)
{
	r->opts = *opts;
	r->opts.pins = r->pins;
	r->opts.path = r->path;
	r->opts.accounts = *r->accounts_path ? r->accounts_path : NULL;
	r->opts.build = r->build;
	r->opts.boot_id = r->boot_id;
	if (!r->opts.sources_max)
		r->opts.sources_max = FW_RECORDER_SOURCES_MAX;
	if (!r->opts.quiet_s)
		r->opts.quiet_s = FW_RECORDER_QUIET_S;
}

void fw_recorder_free(struct fw_recorder *r)
{
	if (!r)
		return;
	fw_rec_maps_close(r);
	fw_history_close(r->history);
	fw_accounts_close(r->sampled);
	free(r->sample);
	free(r->top);
	free(r);
}

static void read_identity(struct fw_recorder *r, const struct fw_recorder_now *now,
			  struct fw_history_run *run)
{
	struct utsname uts = {};

	uname(&uts);
	*run = (struct fw_history_run){ .when = now->when };
	snprintf(run->boot_id, sizeof(run->boot_id), "%s", r->boot_id);
	snprintf(run->host, sizeof(run->host), "%.64s", uts.nodename);
	snprintf(run->kernel, sizeof(run->kernel), "%.64s", uts.release);
	snprintf(run->build, sizeof(run->build), "%s", r->build);
	if (!r->maps.cpus)
		return;
	run->generation = FW_LIVE_GENERATION(fw_maps_live(&r->maps));
}

/* The file, and the row that says who writes from here on. */
static int open_history(struct fw_recorder *r, const struct fw_recorder_now *now,
			struct fw_err *err)
{
	struct fw_history_run run;
	int code;

	if (r->history)
		return 0;
	code = fw_history_open(r->path, true, &r->history, err);
	if (code)
		return code;
	read_identity(r, now, &run);
	code = fw_history_run(r->history, &run, err);
	if (code) {
		fw_history_close(r->history);
		r->history = NULL;
		return code;
	}
	r->have_clock = false;
	return 0;
}

static int write_clock(struct fw_recorder *r, const struct fw_recorder_now *now,
		       struct fw_history_clock *c, struct fw_err *err)
{
	__s64 offset = (__s64)(now->when.utc_ns - now->when.boot_ns);
	__s64 known = (__s64)(r->clock.when.utc_ns - r->clock.when.boot_ns);

	*c = (struct fw_history_clock){ .when = now->when,
					.synchronised = now->synchronised,
					.max_error_ns = now->max_error_ns,
					.est_error_ns = now->est_error_ns };
	if (r->have_clock && llabs(offset - known) >= STEP_NS)
		c->step_ns = offset - known;
	if (r->have_clock && !c->step_ns && c->synchronised == r->clock.synchronised &&
	    now->when.boot_ns < r->clock.when.boot_ns + CLOCK_EVERY_NS) {
		*c = r->clock;
		return 0;
	}
	return fw_history_clock(r->history, c, err);
}

static void read_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			struct fw_rec_levels *ret)
{
	struct fw_level_now list[FW_SERVICE_MAX];

	ret->nr = fw_level_read(&r->maps, now->program_ns, list);
	for (unsigned int i = 0; i < ret->nr; i++) {
		memcpy(ret->at[i].name, list[i].name, sizeof(ret->at[i].name));
		ret->at[i].level = list[i].level;
		ret->at[i].pinned = list[i].pinned;
	}
}

static const struct fw_rec_level *level_of(const struct fw_rec_levels *levels, const char *name)
{
	for (unsigned int i = 0; i < levels->nr; i++)
		if (!strcmp(levels->at[i].name, name))
			return &levels->at[i];
	return NULL;
}

static int write_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			const struct fw_rec_levels *levels, struct fw_err *err)
{
	int code = 0;

	for (unsigned int i = 0; i < levels->nr && !code; i++) {
		const struct fw_rec_level *l = &levels->at[i], *was = level_of(&r->levels, l->name);
		__u32 from = was ? was->level : FW_LEVEL_CALM;
		struct fw_history_level row = { .when = now->when,
						.from = (__u8)from,
						.to = (__u8)l->level,
						.pinned = l->pinned };

		if (from == l->level)
			continue;
		memcpy(row.service, l->name, sizeof(row.service));
		code = fw_history_level(r->history, &row, err);
	}
	return code;
}

/* A change of the policy that its author has not written down already. */
static int write_change(struct fw_recorder *r, const struct fw_recorder_now *now, __u32 generation,
			struct fw_err *err)
{
	struct fw_history_change change = { .when = now->when, .generation = generation };

	if (!r->have_generation || generation == r->generation ||
	    fw_history_signed(r->history, r->generation, generation, now->when.boot_ns))
		return 0;
	snprintf(change.what, sizeof(change.what),
		 "policy generation %u became %u (changed, confirmed or reverted)", r->generation,
		 generation);
	return fw_history_change(r->history, &change, err);
}

static void read_samplers(struct fw_recorder *r, struct fw_sampler now[FW_G_MAX])
{
	for (__u32 g = 0; g < FW_G_MAX; g++)
		if (fw_maps_slot(&r->maps, r->maps.sampler_fd, g, sizeof(*now) / 8,
				 (__u64 *)&now[g]))
			now[g] = r->sampler[g];
}

static __u64 ledger_lost(const struct fw_recorder *r)
{
	__u64 lost = 0;

	for (unsigned int i = 0; i < r->maps.cpus; i++)
		lost += r->maps.ledger_at[i].lost;
	return lost + (r->accounts ? fw_accounts_lost(r->accounts) : 0);
}

static void weigh(struct fw_recorder *r, const struct fw_stats *since,
		  const struct fw_sampler now[FW_G_MAX])
{
	static const __u8 group[FW_REASON_SLOTS] = FW_REASON_GROUPS;
	__u64 packets[FW_G_MAX] = { 0 };

	for (int m = 0; m < 2; m++)
		for (int s = 0; s < FW_SERVICE_MAX; s++)
			for (int i = 0; i < FW_R_MAX; i++)
				packets[group[i]] += since->svc[m][s][i].packets;
	for (int g = 0; g < FW_G_MAX; g++) {
		__u64 emitted = now[g].emitted - r->sampler[g].emitted;

		r->weight[g] = emitted ? (double)packets[g] / (double)emitted : 1;
	}
}

static int write_totals(struct fw_recorder *r, __s64 tick, const struct fw_stats *since,
			struct fw_err *err)
{
	for (int m = 0; m < 2; m++)
		for (int s = 0; s < FW_SERVICE_MAX; s++)
			for (unsigned int i = 0; i < FW_R_MAX; i++) {
				const struct fw_count *c = &since->svc[m][s][i];
				const char *name = since->service_name[s];
				int code;

				if (!c->packets && !c->bytes)
					continue;
				code = fw_history_total(r->history, tick, *name ? name : "?", i, m,
							c, err);
				if (code)
					return code;
			}
	return 0;
}

static int write_tick(struct fw_recorder *r, const struct fw_recorder_now *now,
		      const struct fw_stats *since, const struct fw_sampler samplers[FW_G_MAX],
		      __u64 lost, struct fw_err *err)
{
	struct fw_stats_verdicts v = fw_stats_total(since);
	struct fw_history_tick t = { .when = now->when,
				     .clerk_pass = since->cls[FW_CLASS_TRUSTED][FW_CC_PASS],
				     .clerk_drop = since->cls[FW_CLASS_TRUSTED][FW_CC_DROP],
				     .sample_offered = fw_stats_all(&v).packets,
				     .ledger_lost =
					     lost > r->ledger_lost ? lost - r->ledger_lost : 0 };
	__s64 tick;
	int code;

	t.span_ns = r->last.boot_ns && now->when.boot_ns > r->last.boot_ns
			    ? now->when.boot_ns - r->last.boot_ns
			    : FW_NS_PER_S;
	for (int g = 0; g < FW_G_MAX; g++) {
		t.sample_emitted += samplers[g].emitted - r->sampler[g].emitted;
		t.sample_held += samplers[g].held - r->sampler[g].held;
		t.sample_lost += samplers[g].lost - r->sampler[g].lost;
	}
	code = fw_history_tick(r->history, &t, &tick, err);
	if (code)
		return code;
	r->state.sample_offered += t.sample_offered;
	r->state.sample_emitted += t.sample_emitted;
	r->state.sample_held += t.sample_held;
	r->state.sample_lost += t.sample_lost;
	r->state.ledger_lost += t.ledger_lost;
	return write_totals(r, tick, since, err);
}

/* What one second reads before anything is written. */
struct second {
	struct fw_stats stats, since;
	struct fw_rec_levels levels;
	struct fw_sampler sampler[FW_G_MAX];
	struct fw_history_clock clock;
	struct fw_incident incident; /* as it was before, and what was being closed */
	__s64 closing;
	__u32 generation;
	__u64 lost;
};

static int write_second(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s,
			struct fw_err *err)
{
	__u64 removed = 0;
	int code = write_clock(r, now, &s->clock, err);

	if (!code)
		code = write_levels(r, now, &s->levels, err);
	if (!code)
		code = write_change(r, now, s->generation, err);
	if (!code)
		code = fw_rec_incident(r, now, &s->levels, err);
	if (!code)
		code = write_tick(r, now, &s->since, s->sampler, s->lost, err);
	if (!code)
		code = fw_rec_top(r, now, err);
	if (!code)
		code = fw_rec_samples(r, now, err);
	if (!code)
		code = fw_rec_sources(r, now, err);
	if (!code && !(r->state.seconds % 16))
		code = fw_history_trim(r->history, now->when.utc_ns,
				       r->opts.keep_s == FW_FOREVER ? 0 : r->opts.keep_s,
				       r->opts.max_bytes, &removed, err);
	return code;
}

static int read_second(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s,
		       struct fw_err *err)
{
	int code = fw_stats_read(r->pins, &s->stats, err);

	if (code)
		return code;
	if (!r->have_before) { /* what was counted before we came is nobody's second */
		fw_stats_free(&r->before);
		r->before = s->stats;
		s->stats = (struct fw_stats){};
		r->have_before = true;
		read_samplers(r, r->sampler);
		r->ledger_lost = ledger_lost(r);
		code = fw_stats_read(r->pins, &s->stats, err);
		if (code)
			return code;
	}
	code = fw_stats_since(&r->before, &s->stats, &s->since);
	if (code)
		return fw_err_set(err, code, NULL, "no memory for the counters");
	read_levels(r, now, &s->levels);
	read_samplers(r, s->sampler);
	weigh(r, &s->since, s->sampler);
	s->generation = FW_LIVE_GENERATION(fw_apply_live(&r->maps));
	fw_rec_slots(r);
	s->lost = ledger_lost(r);
	return 0;
}

static void settle(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s)
{
	fw_stats_free(&r->before);
	r->before = s->stats;
	s->stats = (struct fw_stats){};
	r->levels = s->levels;
	memcpy(r->sampler, s->sampler, sizeof(r->sampler));
	r->ledger_lost = s->lost;
	r->generation = s->generation;
	r->have_generation = true;
	r->clock = s->clock;
	r->have_clock = true;
	r->last = now->when;
	r->state.seconds++;
	fw_rec_sampling(r, &s->since);
}

static int step(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	struct second *s;
	int code = fw_rec_maps(r, err);

	r->state.attached = !code;
	if (code)
		return code == -ENOENT ? 0 : code; /* nothing attached: nothing to record */
	fw_recorder_poll(r);
	code = open_history(r, now, err);
	if (!code && r->accounts_new)
		code = fw_rec_adopt(r, now, err);
	if (code)
		return code;
	r->accounts_new = false;
	s = calloc(1, sizeof(*s));
	if (!s)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the recorder");
	code = read_second(r, now, s, err);
	s->incident = r->incident;
	s->closing = r->closing;
	if (!code)
		code = fw_history_begin(r->history, err);
	if (!code) {
		code = write_second(r, now, s, err);
		if (!code)
			code = fw_history_commit(r->history, err);
		else
			fw_history_rollback(r->history);
		if (code) {
			r->incident = s->incident;
			r->closing = s->closing;
			r->cursor[0] = r->cursor[1] = 0;
			fw_accounts_unwritten(r->accounts);
			fw_accounts_unwritten(r->sampled);
		}
	}
	if (!code)
		settle(r, now, s);
	if (!code)
		fw_rec_policy(r, now);
	fw_stats_free(&s->stats);
	fw_stats_free(&s->since);
	free(s);
	return code;
}

int fw_recorder_step(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	int code = step(r, now, err);

	r->state.ok = !code;
	if (!code) {
		r->state.since_ns = 0;
		*r->state.trouble = *r->state.hint = '\0';
	} else {
		r->state.failures++;
		if (!r->state.since_ns)
			r->state.since_ns = now->when.utc_ns;
		snprintf(r->state.trouble, sizeof(r->state.trouble), "%s", err->msg);
		snprintf(r->state.hint, sizeof(r->state.hint), "%s", err->hint);
	}
	/* A file that is damaged or of a newer floodwall is not opened over and over. */
	if (code && code != -ENOSPC && code != -EBUSY && r->history) {
		fw_history_close(r->history);
		r->history = NULL;
	}
	r->state.bytes = fw_history_size(r->path);
	r->state.incident = r->incident.id;
	r->state.sources = r->accounts ? fw_accounts_count(r->accounts) : 0;
	return code;
}

void fw_recorder_poll(struct fw_recorder *r)
{
	if (!r->maps.cpus)
		return;
	(void)fw_ring_read(r->ring); /* what is lost is counted by the program */
	fw_rec_ledgers(r);
}

void fw_recorder_state(const struct fw_recorder *r, struct fw_recorder_state *ret)
{
	*ret = r->state;
}
