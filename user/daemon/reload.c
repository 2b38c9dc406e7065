// SPDX-License-Identifier: GPL-2.0-only
/*
 * Applying the policy file. It is read once a time it is applied; what is wrong with it goes to the
 * journal problem by problem, each with its place. A large file leaves no memory behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/core/policy.h"
#include "user/core/journal.h"
#include "user/daemon/reload.h"
#include "user/kern/pin.h"

#define PROBLEMS_TOLD 20

static void tell_problems(const struct fw_problems *problems)
{
	char file[FW_FILE_PATH_MAX + 32], line[64], column[64];
	const char *fields[] = { file, line, column, NULL };

	for (size_t i = 0; i < problems->count && i < PROBLEMS_TOLD; i++) {
		const struct fw_problem *p = &problems->at[i];
		bool bad = p->severity == FW_PROBLEM_ERROR;

		snprintf(file, sizeof(file), "FLOODWALL_FILE=%s", p->name);
		snprintf(line, sizeof(line), "FLOODWALL_LINE=%zu", p->line);
		snprintf(column, sizeof(column), "FLOODWALL_COLUMN=%zu", p->column);
		fw_journal(bad ? LOG_ERR : LOG_WARNING, FW_E_PROBLEM, fields,
			   "%s:%zu:%zu: %s: %s%s%s", p->name, p->line, p->column,
			   bad ? "error" : "warning", p->err.msg, *p->err.hint ? ": " : "",
			   p->err.hint);
	}
}

static void tell_applied(const struct fw_change *change, const struct fw_policy_diff *diff)
{
	char who[128], what[400], before[160], after[160];
	const char *fields[] = { who, what, before, after, NULL };

	snprintf(who, sizeof(who), "FLOODWALL_WHO=%s", change->who);
	snprintf(what, sizeof(what), "FLOODWALL_WHAT=%s", change->what);
	snprintf(before, sizeof(before), "FLOODWALL_BEFORE=%s", change->before);
	snprintf(after, sizeof(after), "FLOODWALL_AFTER=%s", change->after);
	fw_journal(LOG_NOTICE, FW_E_RELOADED, fields,
		   "%s: %s -> %s (prefixes: %zu added, %zu removed, %zu changed%s), by %s",
		   change->what, change->before, change->after, diff->added, diff->removed,
		   diff->changed, diff->policy ? ", limits or services" : "", change->who);
}

static void tell_refused(const struct fw_daemon *daemon, const struct fw_err *err, const char *who)
{
	char file[FW_FILE_PATH_MAX + 32], by[128];
	const char *fields[] = { file, by, NULL };

	snprintf(file, sizeof(file), "FLOODWALL_FILE=%s", daemon->opts.policy);
	snprintf(by, sizeof(by), "FLOODWALL_WHO=%s", who);
	fw_journal(LOG_ERR, FW_E_RELOAD_FAILED, fields,
		   "the policy file was refused, nothing changed: %s%s%s", err->msg,
		   *err->hint ? ": " : "", err->hint);
}

static void note(struct fw_daemon *daemon, bool ok)
{
	daemon->reload_ns = fw_clock_realtime();
	daemon->reload_ok = ok;
	daemon->reloads += ok;
	daemon->reloads_failed += !ok;
}

static int good_path(const struct fw_daemon *daemon, char path[PATH_MAX], const char *suffix)
{
	int n = snprintf(path, PATH_MAX, "%s/" FW_LAST_GOOD "%s", daemon->opts.state_dir, suffix);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whole, on disk, then renamed: what is there is always one whole policy. */
static int write_good(const struct fw_daemon *daemon, const struct fw_file *file)
{
	char path[PATH_MAX], next[PATH_MAX];
	int fd, r = good_path(daemon, path, "");
	FILE *out;

	if (!r)
		r = good_path(daemon, next, ".new");
	if (r)
		return r;
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	r = fw_file_print(out, file, fw_policy_clock(daemon->maps.cpus ? &daemon->maps : NULL));
	if (!r && (fflush(out) || fsync(fd)))
		r = -errno;
	if (fclose(out) && !r)
		r = -errno;
	if (!r && rename(next, path))
		r = -errno;
	if (r)
		unlink(next);
	return r;
}

static void keep_good(const struct fw_daemon *daemon, const struct fw_file *file)
{
	int r = write_good(daemon, file);

	if (r)
		fw_journal(LOG_WARNING, FW_E_PROBLEM, NULL,
			   "cannot keep the last good policy in %s: %s%s", daemon->opts.state_dir,
			   strerror(-r), r == -ENOENT ? ": make that directory" : "");
}

/* Read path and apply it to the state there is; *settings are what it says. */
static int apply_path(struct fw_daemon *daemon, const char *path, const char *who, bool keep,
		      struct fw_err *err)
{
	struct fw_policy_opts opts = { .path = path, .who = who };
	struct fw_problems problems = {};
	struct fw_policy_diff diff = {};
	struct fw_change change = {};
	struct fw_file file = {};
	int r;

	r = fw_policy_apply_file(daemon->opts.pins, &opts, &file, &problems, &diff, &change, err);
	tell_problems(&problems);
	if (!r) {
		daemon->settings = file.settings;
		tell_applied(&change, &diff);
		if (keep)
			keep_good(daemon, &file);
	}
	fw_file_free(&file);
	fw_problems_free(&problems);
	malloc_trim(0);
	return r;
}

/* No state yet: only look what the file says; fw_reload_fresh() applies it. */
static int read_path(struct fw_daemon *daemon, const char *path, bool keep, struct fw_err *err)
{
	struct fw_problems problems = {};
	struct fw_file file = {};
	int r;

	r = fw_policy_read_file(path, fw_policy_clock(NULL), &file, &problems, err);
	tell_problems(&problems);
	if (!r) {
		daemon->settings = file.settings;
		if (keep)
			keep_good(daemon, &file);
	}
	fw_file_free(&file);
	fw_problems_free(&problems);
	malloc_trim(0);
	return r;
}

static int take(struct fw_daemon *daemon, const char *path, const char *who, bool keep,
		struct fw_err *err)
{
	enum fw_pin_state state = FW_PINS_NONE;
	int r = fw_pin_state(daemon->opts.pins, &state, NULL, err);

	if (r)
		return r;
	return state == FW_PINS_READY ? apply_path(daemon, path, who, keep, err)
				      : read_path(daemon, path, keep, err);
}

/*
 * Was this very file, as it is now, applied already? Then a start of the controller is no reason to
 * take back what has been changed by hand since: it may be a restart after a crash, in the middle
 * of an attack.
 */
static bool runs_already(const struct fw_daemon *daemon, const char *path)
{
	struct fw_policy_record record = {};
	struct fw_maps maps = {};
	char real[PATH_MAX], of_record[PATH_MAX];

	if (fw_maps_open(daemon->opts.pins, FW_MAPS_POLICY | FW_MAPS_LANES, &maps, NULL))
		return false;
	fw_policy_record(&maps, &record);
	fw_maps_close(&maps);
	if (!record.known || record.file_changed || record.file_gone || !realpath(path, real) ||
	    !realpath(record.path, of_record) || strcmp(real, of_record))
		return false;
	if (record.live_changes)
		fw_journal(
			LOG_WARNING, FW_E_CHANGED, NULL,
			"what runs differs from %s and stays: `floodwall policy diff %s` shows it, "
			"a reload applies the file",
			path, path);
	return true;
}

static void run_good(struct fw_daemon *daemon, const char *good)
{
	snprintf(daemon->applied, sizeof(daemon->applied), "%s", good);
	fw_journal(LOG_ERR, FW_E_RELOAD_FAILED, NULL,
		   "the last good policy runs instead (%s): mend the file, then reload", good);
}

int fw_reload_first(struct fw_daemon *daemon, struct fw_err *err)
{
	char who[64], good[PATH_MAX];
	struct fw_err own = {};
	int r;

	snprintf(who, sizeof(who), "start of the controller (process %d)", (int)getpid());
	if (!daemon->opts.policy) {
		note(daemon, true);
		return 0;
	}
	snprintf(daemon->applied, sizeof(daemon->applied), "%s", daemon->opts.policy);
	if (runs_already(daemon, daemon->opts.policy))
		r = read_path(daemon, daemon->opts.policy, true, err);
	else
		r = take(daemon, daemon->opts.policy, who, true, err);
	/* A change that waits for its confirmation is no fault of the file. */
	if (r == -EBUSY) {
		tell_refused(daemon, err, who);
		r = read_path(daemon, daemon->opts.policy, false, err);
	}
	note(daemon, !r);
	if (!r || good_path(daemon, good, "") || access(good, R_OK))
		return r;
	tell_refused(daemon, err, who);
	if (take(daemon, good, who, false, &own))
		return r;
	run_good(daemon, good);
	return 0;
}

static int apply_fresh(struct fw_maps *maps, const char *path, struct fw_err *err)
{
	struct fw_policy_opts opts = { .path = path, .who = "start of the controller" };
	struct fw_problems problems = {};
	struct fw_policy_diff diff = {};
	struct fw_change change = {};
	struct fw_file file = {};
	int r;

	r = fw_policy_read_file(opts.path, fw_policy_clock(maps), &file, &problems, err);
	tell_problems(&problems);
	if (!r)
		r = fw_policy_apply(maps, &file, &opts, &diff, &change, err);
	if (!r)
		tell_applied(&change, &diff);
	fw_file_free(&file);
	fw_problems_free(&problems);
	malloc_trim(0);
	return r;
}

/* A file that was broken since it was read is no reason to leave an interface unfiltered. */
int fw_reload_fresh(struct fw_daemon *daemon, struct fw_maps *maps, struct fw_err *err)
{
	struct fw_err own = {};
	char good[PATH_MAX];
	int r;

	if (!*daemon->applied)
		return 0;
	r = apply_fresh(maps, daemon->applied, err);
	if (!r || good_path(daemon, good, "") || !strcmp(good, daemon->applied) ||
	    access(good, R_OK) || apply_fresh(maps, good, &own))
		return r;
	note(daemon, false);
	tell_refused(daemon, err, "start of the controller");
	run_good(daemon, good);
	return 0;
}

int fw_reload(struct fw_daemon *daemon, pid_t pid, uid_t uid)
{
	struct fw_err err = {};
	char who[64];
	int r;

	snprintf(who, sizeof(who), "SIGHUP of process %d, uid %u", (int)pid, (unsigned int)uid);
	if (!daemon->opts.policy) {
		note(daemon, true);
		fw_journal(LOG_NOTICE, FW_E_RELOADED, NULL, "reloaded without a policy file, by %s",
			   who);
		return 0;
	}
	r = take(daemon, daemon->opts.policy, who, true, &err);
	note(daemon, !r);
	if (r)
		tell_refused(daemon, &err, who);
	else
		snprintf(daemon->applied, sizeof(daemon->applied), "%s", daemon->opts.policy);
	return r;
}
