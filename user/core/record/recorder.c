// SPDX-License-Identifier: GPL-2.0-only
/*
 * A second of the recorder: read, write in one transaction, and only then move on. A second that
 * could not be written is no loss of counts: the difference is taken to the last one that was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/record/recorder_parts.h"

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

#define RING_BYTES (FW_REC_SAMPLES * sizeof(struct fw_sample))

/* All of it at once: what comes in a flood takes no more memory than was there before it. */
static struct fw_sample *make_ring(void)
{
	void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return ring == MAP_FAILED ? NULL : ring;
}

int fw_recorder_new(const struct fw_recorder_opts *opts, struct fw_recorder **ret,
		    struct fw_err *err)
{
	struct fw_recorder *r = calloc(1, sizeof(*r));

	if (r)
		r->sample = make_ring();
	if (!r || !r->sample) {
		free(r);
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the recorder");
	}
	snprintf(r->pins, sizeof(r->pins), "%s", opts->pins);
	snprintf(r->path, sizeof(r->path), "%s", opts->path);
	snprintf(r->accounts_path, sizeof(r->accounts_path), "%s", opts->accounts ?: "");
	if (opts->accounts)
		snprintf(r->sampled_path, sizeof(r->sampled_path), "%s.sampled", r->accounts_path);
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
	fw_stats_kept_free(&r->kept_counts);
	fw_history_close(r->history);
	fw_source_log_close(r->log);
	fw_source_frame_free(&r->frame);
	fw_accounts_close(r->sampled);
	if (!r->incident.id && *r->sampled_path) /* else they go on when we are back */
		unlink(r->sampled_path);
	munmap(r->sample, RING_BYTES);
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
	r->policy_known = false; /* this run has yet to say under which it began */
	return 0;
}

/* What one second reads before anything is written. */
struct second {
	struct fw_stats stats, since;
	struct fw_rec_levels levels;
	struct fw_sampler sampler[FW_G_MAX];
	struct fw_history_clock clock;
	struct fw_incident incident; /* as it was before, and what was being closed */
	__s64 closing;
	__u32 generation, told;
	__u64 lost;
};

#define TRUST_S 3600

/* A clock that has just been set forward, or that a machine has just come up with, may be wrong,
 * and all evidence would be too old at once: by age nothing is forgotten until it has stood for a
 * while. */
static bool trusts_clock(struct fw_recorder *r, const struct fw_recorder_now *now,
			 const struct second *s)
{
	if (!r->began_ns)
		r->began_ns = now->when.boot_ns;
	return now->when.boot_ns - r->began_ns >= TRUST_S * FW_NS_PER_S &&
	       s->clock.step_ns < TRUST_S * (__s64)FW_NS_PER_S;
}

/* The cap is for the log of sources, too; what that needs while it lasts is taken off the rest. */
static int trim(struct fw_recorder *r, const struct fw_recorder_now *now, const struct second *s,
		struct fw_err *err)
{
	__u64 removed = 0, max = r->opts.max_bytes, log = r->state.log_bytes;

	if (r->state.seconds % 16)
		return 0;
	return fw_history_trim(
		r->history, now->when.utc_ns,
		r->opts.keep_s == FW_FOREVER || !trusts_clock(r, now, s) ? 0 : r->opts.keep_s,
		max ? max - MIN(max - 1, log) : 0, &removed, err);
}

static int write_second(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s,
			struct fw_err *err)
{
	int code = fw_rec_write_clock(r, now, &s->clock, err);

	if (!code)
		code = fw_rec_write_levels(r, now, &s->levels, err);
	if (!code)
		code = fw_rec_write_change(r, now, s->generation, &s->told, err);
	if (!code)
		code = fw_rec_incident(r, now, &s->levels, err);
	if (!code)
		code = fw_rec_write_tick(r, now, &s->since, s->sampler, s->lost, err);
	if (!code)
		code = fw_rec_top(r, now, err);
	if (!code)
		code = fw_rec_samples(r, now, err);
	if (!code)
		code = fw_rec_sources(r, now, err);
	if (!code)
		code = fw_rec_fold(r, err);
	return code ?: trim(r, now, s, err);
}

/* The rest of what the second reads: its counters have been. */
static int read_second(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s,
		       struct fw_err *err)
{
	int code;

	if (!r->have_before) { /* what was counted before we came is nobody's second */
		fw_stats_free(&r->before);
		r->before = s->stats;
		s->stats = (struct fw_stats){};
		r->have_before = true;
		fw_rec_read_samplers(r, r->sampler);
		r->ledger_lost = fw_rec_ledger_lost(r);
		code = fw_stats_read_again(&r->maps, &r->kept_counts, &s->stats, err);
		if (code)
			return code;
	}
	code = fw_stats_since(&r->before, &s->stats, &s->since);
	if (code)
		return fw_err_set(err, code, NULL, "no memory for the counters");
	fw_rec_read_levels(r, now, &s->levels);
	fw_rec_read_samplers(r, s->sampler);
	fw_rec_weigh(r, &s->since, s->sampler);
	s->generation = FW_LIVE_GENERATION(fw_apply_live(&r->maps));
	fw_rec_slots(r);
	s->lost = fw_rec_ledger_lost(r);
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
	r->told = s->told;
	r->have_generation = true;
	r->clock = s->clock;
	r->have_clock = true;
	r->last = now->when;
	r->state.seconds++;
	fw_rec_sampling(r, &s->since);
}

/* Nothing of it was written. */
static void take_back(struct fw_recorder *r, const struct second *s)
{
	r->incident = s->incident;
	r->closing = s->closing == r->left ? 0 : s->closing;
	r->folding = r->complete = 0;
	r->cursor[0] = r->cursor[1] = 0;
	fw_accounts_unwritten(r->accounts);
	fw_accounts_unwritten(r->sampled);
}

static int keep_second(struct fw_recorder *r, const struct fw_recorder_now *now, struct second *s,
		       struct fw_err *err)
{
	int code = read_second(r, now, s, err);

	s->incident = r->incident;
	s->closing = r->closing;
	r->complete = 0;
	if (!code)
		code = fw_history_begin(r->history, err);
	if (code)
		return code;
	code = write_second(r, now, s, err);
	if (!code)
		code = fw_history_commit(r->history, err);
	else
		fw_history_rollback(r->history);
	if (code) {
		take_back(r, s);
		return code;
	}
	settle(r, now, s);
	fw_rec_log_done(r);
	fw_rec_policy(r, now);
	code = fw_rec_log(r, now, err);
	r->state.totals = true; /* the second itself is written */
	return code;
}

static int step(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	struct second *s;
	int code = fw_rec_maps(r, err);

	r->state.totals = false;
	r->state.attached = !code;
	if (code)
		return code == -ENOENT ? 0 : code; /* nothing attached: nothing to record */
	s = calloc(1, sizeof(*s));
	if (!s)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the recorder");
	/* First, at the time that was handed in: what comes next takes a while in a flood, and what
	 * is counted meanwhile is the next second's. */
	code = fw_stats_read_again(&r->maps, &r->kept_counts, &s->stats, err);
	fw_recorder_poll(r);
	if (!code)
		code = open_history(r, now, err);
	if (!code && r->accounts_new) {
		code = fw_rec_adopt(r, now, err);
		r->state.found = r->incident.id;
	}
	if (!code) {
		r->accounts_new = false;
		code = keep_second(r, now, s, err);
	}
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
	if (code && code != -ENOSPC && code != -EBUSY && !r->state.totals && r->history) {
		fw_history_close(r->history);
		r->history = NULL;
	}
	r->state.bytes = fw_history_size(r->path);
	r->state.log_bytes = fw_source_log_bytes(r->path);
	r->state.incident = r->incident.id;
	r->state.sources = r->accounts ? fw_accounts_count(r->accounts) : 0;
	return code;
}

/*
 * Outside an incident a source that neither proved itself nor lost anything is nobody's evidence:
 * many of them are forgotten early, so that memory is bounded whatever comes within the limits, and
 * of very many no account is opened, so that time is, too.
 */
static void forget_harmless(struct fw_recorder *r)
{
	size_t count = fw_accounts_count(r->accounts);

	r->kept = MIN(r->kept, count);
	if (r->incident.id || r->closing || count < r->kept + FW_REC_HARMLESS)
		return;
	fw_accounts_turn(r->accounts, true, ~0ULL);
	r->kept = fw_accounts_count(r->accounts);
	fw_accounts_narrow(r->accounts, ++r->forgotten >= FW_REC_FORGOTTEN);
}

unsigned int fw_recorder_poll(struct fw_recorder *r)
{
	unsigned int full;

	if (!r->maps.cpus)
		return 0;
	(void)fw_ring_read(r->ring); /* what is lost is counted by the program */
	full = fw_rec_ledgers(r);
	forget_harmless(r);
	return full;
}

void fw_recorder_state(const struct fw_recorder *r, struct fw_recorder_state *ret)
{
	*ret = r->state;
}
