// SPDX-License-Identifier: GPL-2.0-only
/* A policy file becomes the next generation; confirming it and taking it back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/policy_record.h"
#include "user/core/stats.h"
#include "user/kern/pin.h"

#define LOCK_WAIT_S 20 /* a million prefixes take a few seconds to write */

static void put_generation(char *buf, size_t size, __u64 live)
{
	snprintf(buf, size, "generation %u", FW_LIVE_GENERATION(live));
}

static void tell(struct fw_change *change, const char *who, const char *what, const char *path,
		 __u64 before, __u64 after)
{
	if (!change)
		return;
	memset(change, 0, sizeof(*change));
	change->realtime_ns = fw_clock_realtime();
	if (who)
		fw_text_clean(change->who, sizeof(change->who), who);
	else
		fw_policy_who(change->who, sizeof(change->who));
	snprintf(change->what, sizeof(change->what), "%s%s%.255s", what, path ? " " : "",
		 path ?: "");
	put_generation(change->before, sizeof(change->before), before);
	put_generation(change->after, sizeof(change->after), after);
}

/* What the record is made of, from before the flip on. */
struct job {
	const struct fw_file *file;
	const struct fw_policy_opts *opts;
};

static void before_flip(struct fw_apply *apply)
{
	struct job *job = apply->arg;

	fw_policy_record_write(apply->maps, FW_LIVE_GENERATION(apply->live), job->file, job->opts,
			       fw_policy_hash(apply->model, &apply->prefixes));
}

/* Everything is the same already; what is on record of the file may not be. */
static int only_record(struct fw_apply *apply, struct job *job)
{
	fw_policy_record_write(apply->maps, FW_LIVE_GENERATION(apply->live), job->file, job->opts,
			       fw_policy_hash(apply->model, &apply->prefixes));
	return 0;
}

static int commit(struct fw_apply *apply, struct fw_file *next, struct job *job,
		  const struct fw_policy_diff *diff, struct fw_change *change, struct fw_err *err)
{
	__u64 before = apply->live;
	size_t used;
	int r;

	free(apply->model);
	fw_prefixes_free(&apply->prefixes);
	apply->model = next->model;
	apply->prefixes = next->lanes;
	next->model = NULL;
	memset(&next->lanes, 0, sizeof(next->lanes));
	if (!diff->policy && !diff->added && !diff->removed && !diff->changed) {
		tell(change, job->opts->who, "applied", job->opts->path, before, before);
		return only_record(apply, job);
	}
	if (diff->policy)
		apply->changed |= FW_APPLY_POLICY;
	if (diff->added || diff->removed || diff->changed)
		apply->changed |= FW_APPLY_LANES;
	apply->confirm_s = job->opts->confirm_s;
	apply->before_flip = before_flip;
	apply->arg = job;
	r = fw_apply_commit(apply, err);
	if (r)
		return r;
	tell(change, job->opts->who, "applied", job->opts->path, before, apply->live);
	if (change && job->opts->confirm_s) {
		used = strlen(change->after);
		snprintf(change->after + used, sizeof(change->after) - used,
			 ", back in %u s unless confirmed", job->opts->confirm_s);
	}
	return 0;
}

int fw_policy_apply(struct fw_maps *maps, const struct fw_file *file,
		    const struct fw_policy_opts *opts, struct fw_policy_diff *ret_diff,
		    struct fw_change *ret_change, struct fw_err *err)
{
	struct fw_policy_diff diff = { 0 };
	struct fw_file running = { 0 }, next = { 0 };
	struct job job = { file, opts };
	struct fw_apply apply;
	int r;

	if (opts->path && strlen(opts->path) >= sizeof(maps->applied->path))
		return fw_err_set(err, -ENAMETOOLONG, "move it: " FW_FILE_DEFAULT " is usual",
				  "the path of the policy file is too long to be remembered: "
				  "%.60s...",
				  opts->path);
	r = fw_apply_begin(maps, FW_APPLY_POLICY | FW_APPLY_LANES, &apply, err);
	if (r)
		return r;
	fw_stats_worn(maps, apply.model);
	running.model = apply.model;
	running.lanes = apply.prefixes;
	r = fw_policy_place(&running, file, apply.now_s, &next, &diff, err);
	apply.prefixes = running.lanes; /* with its index */
	if (!r)
		r = commit(&apply, &next, &job, &diff, ret_change, err);
	if (!r && ret_diff)
		*ret_diff = diff;
	fw_file_free(&next);
	fw_apply_end(&apply);
	return r;
}

int fw_policy_apply_file(const char *pins, const struct fw_policy_opts *opts,
			 struct fw_file *ret_file, struct fw_problems *problems,
			 struct fw_policy_diff *ret_diff, struct fw_change *ret_change,
			 struct fw_err *err)
{
	const unsigned int parts = FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_COUNTS | FW_MAPS_WRITE;
	struct fw_maps maps = { 0 };
	struct fw_file file = { 0 };
	int lock = -1, r;

	r = fw_pin_lock(pins, LOCK_WAIT_S, &lock, err);
	if (r)
		return r;
	r = fw_maps_open(pins, parts, &maps, err);
	if (r)
		goto out;
	r = fw_policy_read_file(opts->path, fw_policy_clock(&maps), &file, problems, err);
	if (!r)
		r = fw_policy_apply(&maps, &file, opts, ret_diff, ret_change, err);
	if (!r) {
		*ret_file = file;
		memset(&file, 0, sizeof(file));
	}
out:
	fw_file_free(&file);
	fw_maps_close(&maps);
	fw_pin_unlock(lock);
	return r;
}

int fw_policy_confirm(struct fw_maps *maps, struct fw_change *ret_change, struct fw_err *err)
{
	__u64 before = maps->ctl->revert;
	int r = fw_apply_confirm(maps, err);

	if (!r)
		tell(ret_change, NULL, "confirmed", NULL, before, maps->ctl->live);
	return r;
}

int fw_policy_undo(struct fw_maps *maps, struct fw_change *ret_change, struct fw_err *err)
{
	__u64 before = maps->ctl->live, live;
	int r = fw_apply_undo(maps, fw_policy_record_undo, &live, err);

	if (!r)
		tell(ret_change, NULL, "undone", NULL, before, live);
	return r;
}
