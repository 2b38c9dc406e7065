// SPDX-License-Identifier: GPL-2.0-only
/* What a second of the recorder reads and writes, but for incidents: those have files of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/core/record/recorder_parts.h"

#define CLOCK_EVERY_NS (3600 * FW_NS_PER_S)
#define SIGN_NS	       (3 * FW_NS_PER_S)
#define STEP_NS	       (100000000LL) /* UTC moved against boot time by more: it was set */

int fw_rec_write_clock(struct fw_recorder *r, const struct fw_recorder_now *now,
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

void fw_rec_read_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			struct fw_rec_levels *ret)
{
	struct fw_level_now list[FW_SERVICE_MAX];

	ret->nr = fw_level_read(&r->maps, now->program_ns, list);
	for (unsigned int i = 0; i < ret->nr; i++) {
		memcpy(ret->at[i].name, list[i].name, sizeof(ret->at[i].name));
		ret->at[i].level = list[i].level;
		ret->at[i].for_s = list[i].for_s;
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

int fw_rec_adopt_levels(struct fw_recorder *r, struct fw_err *err)
{
	struct fw_rec_levels *known = &r->levels;
	struct fw_history_level *list = NULL;
	size_t count = 0;
	int code = fw_incident_levels(r->history, &r->incident, &list, &count, err);

	known->nr = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned int at = 0;

		while (at < known->nr && strcmp(known->at[at].name, list[i].service) != 0)
			at++;
		if (at == FW_SERVICE_MAX)
			continue;
		if (at == known->nr)
			known->nr++;
		known->at[at] = (struct fw_rec_level){ .level = list[i].to, .adopted = true };
		memcpy(known->at[at].name, list[i].service, sizeof(known->at[at].name));
	}
	free(list);
	return code;
}

/* When it came to this level: now, unless it may have done so while nobody looked. */
static struct fw_when changed(const struct fw_recorder_now *now, const struct fw_rec_level *l,
			      const struct fw_rec_level *was)
{
	__u64 ago = was && was->adopted ? l->for_s * FW_NS_PER_S : 0;

	return (struct fw_when){ now->when.utc_ns - ago, now->when.boot_ns - ago };
}

/* A service that is no more is above calm no more. */
static int write_gone(struct fw_recorder *r, const struct fw_recorder_now *now,
		      const struct fw_rec_levels *levels, struct fw_err *err)
{
	int code = 0;

	for (unsigned int i = 0; i < r->levels.nr && !code; i++) {
		const struct fw_rec_level *was = &r->levels.at[i];
		struct fw_history_level row = { .when = now->when,
						.from = (__u8)was->level,
						.to = FW_LEVEL_CALM };

		if (was->level == FW_LEVEL_CALM || level_of(levels, was->name))
			continue;
		memcpy(row.service, was->name, sizeof(row.service));
		code = fw_history_level(r->history, &row, err);
	}
	return code;
}

int fw_rec_write_levels(struct fw_recorder *r, const struct fw_recorder_now *now,
			const struct fw_rec_levels *levels, struct fw_err *err)
{
	int code = 0;

	for (unsigned int i = 0; i < levels->nr && !code; i++) {
		const struct fw_rec_level *l = &levels->at[i], *was = level_of(&r->levels, l->name);
		__u32 from = was ? was->level : FW_LEVEL_CALM;
		struct fw_history_level row = { .when = changed(now, l, was),
						.from = (__u8)from,
						.to = (__u8)l->level,
						.pinned = l->pinned };

		if (from == l->level)
			continue;
		memcpy(row.service, l->name, sizeof(row.service));
		code = fw_history_level(r->history, &row, err);
	}
	return code ?: write_gone(r, now, levels, err);
}

/*
 * A change of the policy that its author does not write down. A command does so right after the
 * change is in force, so it is given some seconds. *ret_told: up to which generation all is known.
 */
int fw_rec_write_change(struct fw_recorder *r, const struct fw_recorder_now *now, __u32 generation,
			__u32 *ret_told, struct fw_err *err)
{
	struct fw_history_change change = { .generation = generation };
	int code;

	*ret_told = r->have_generation ? r->told : generation;
	if (*ret_told == generation)
		return 0;
	if (r->told == r->generation)
		r->changed = now->when;
	if (fw_history_signed(r->history, r->told, generation, now->when.boot_ns)) {
		*ret_told = generation;
		return 0;
	}
	if (now->when.boot_ns - r->changed.boot_ns < SIGN_NS)
		return 0;
	change.when = r->changed;
	snprintf(change.what, sizeof(change.what),
		 "policy generation %u became %u (changed, confirmed or reverted)", r->told,
		 generation);
	code = fw_history_change(r->history, &change, err);
	if (!code)
		*ret_told = generation;
	return code;
}

void fw_rec_read_samplers(struct fw_recorder *r, struct fw_sampler now[FW_G_MAX])
{
	for (__u32 g = 0; g < FW_G_MAX; g++)
		if (fw_maps_slot(&r->maps, r->maps.sampler_fd, g, sizeof(*now) / 8,
				 (__u64 *)&now[g]))
			now[g] = r->sampler[g];
}

__u64 fw_rec_ledger_lost(const struct fw_recorder *r)
{
	__u64 lost = 0;

	for (unsigned int i = 0; i < r->maps.cpus; i++)
		lost += r->maps.ledger_at[i].lost;
	return lost + (r->accounts ? fw_accounts_lost(r->accounts) : 0);
}

void fw_rec_weigh(struct fw_recorder *r, const struct fw_stats *since,
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

int fw_rec_write_tick(struct fw_recorder *r, const struct fw_recorder_now *now,
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
