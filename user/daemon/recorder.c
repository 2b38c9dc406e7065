// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder's thread: it takes samples and ledgers some thirty times a second, oftener while
 * they fill fast, and writes once a second. The loop's own thread tells what it finds in the
 * journal and in the run directory; the two meet under one lock, held for no longer than a copy.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/core/record/recording.h"
#include "user/core/journal.h"
#include "user/daemon/recorder.h"
#include "user/policy/file.h"

/* Looks at the ledgers a second, at least and at most. Of the worst that can begin, 2 M packets/s
 * on one CPU from as many sources that are known, a ledger holds 65 ms; nearly all that really
 * begins sends less, and each look wakes a CPU. */
#define POLLS	    8
#define POLLS_MAX   (POLLS << 5)
#define PATIENCE_NS (10 * FW_NS_PER_S) /* until a first second is written */
#define STUCK_NS    (30 * FW_NS_PER_S) /* until another one is: a large incident ends in one, too */

struct part {
	struct fw_recorder *recorder; /* the thread's own */
	char path[PATH_MAX], accounts[PATH_MAX], boot_id[40];
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	bool stop, changed;
	__u64 steps; /* seconds so far; 0: state is not the thread's own word yet */
	struct fw_recorder_opts opts;
	struct fw_recorder_state state;
	/* The loop's. */
	__u64 steps_seen, seen_ns; /* fw_clock_now(): when it saw that many first */
	bool told_bad;
	__s64 told_incident;
	struct fw_recording word;
};

static void read_boot_id(char *buf, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	*buf = '\0';
	if (f && fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* What the policy file says, unless that is the default and the environment knows better. */
static const char *wanted_path(const struct fw_daemon *daemon)
{
	const char *database = daemon->settings.database, *env = getenv(FW_HISTORY_ENV);

	return (env && *env) || !*database || !strcmp(database, FW_HISTORY_DEFAULT)
		       ? fw_history_path(NULL)
		       : database;
}

static void settings(const struct fw_daemon *daemon, struct part *part)
{
	const struct fw_settings *s = &daemon->settings;

	part->opts.sample_rate = s->sample_rate;
	part->opts.keep_s = s->retention_s;
	part->opts.max_bytes = s->database_max;
	part->opts.quiet_s = s->quiet_s;
	part->opts.sample_bytes = s->sample_bytes;
	if (!*part->path)
		snprintf(part->path, sizeof(part->path), "%s", wanted_path(daemon));
}

static __u64 thread_ns(void)
{
	struct timespec ts = {};

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (__u64)ts.tv_sec * FW_NS_PER_S + (__u64)ts.tv_nsec;
}

static void one_second(struct part *part)
{
	struct fw_recorder_now now;
	struct fw_recorder_state state;
	struct fw_err err = {};

	fw_recorder_clock(&now);
	(void)fw_recorder_step(part->recorder, &now, &err); /* its state says how it went */
	fw_recorder_state(part->recorder, &state);
	state.busy_ns = thread_ns();
	pthread_mutex_lock(&part->lock);
	part->state = state;
	part->steps++;
	pthread_mutex_unlock(&part->lock);
}

/* How often to look from now on: a ledger should be a sixteenth to a quarter full when it is taken.
 * n: now; slower only at a multiple of the longer step, so that the end of the second is met. */
static unsigned int pace(unsigned int polls, unsigned int full, unsigned int n)
{
	if (full == 256) /* it ran over */
		return POLLS_MAX;
	if (full > 64 && polls < POLLS_MAX)
		return polls * 2;
	if (full < 16 && polls > POLLS && !(n % (2 * POLLS_MAX / polls)))
		return polls / 2;
	return polls;
}

static void later(struct timespec *t, long ns)
{
	t->tv_nsec += ns;
	if (t->tv_nsec >= 1000000000L) {
		t->tv_nsec -= 1000000000L;
		t->tv_sec++;
	}
}

static void *work(void *arg)
{
	unsigned int polls = POLLS, n = 0; /* n: 1/POLLS_MAX s since the last second */
	struct part *part = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&part->lock);
	while (!part->stop) {
		if (part->changed)
			fw_recorder_set(part->recorder, &part->opts);
		part->changed = false;
		pthread_mutex_unlock(&part->lock);
		if (!n)
			one_second(part);
		else
			polls = pace(polls, fw_recorder_poll(part->recorder), n);
		n = (n + POLLS_MAX / polls) % POLLS_MAX;
		later(&next, 1000000000L / polls);
		pthread_mutex_lock(&part->lock);
		while (!part->stop &&
		       pthread_cond_timedwait(&part->wake, &part->lock, &next) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&part->lock);
	one_second(part); /* what came since */
	return NULL;
}

static int start_thread(struct part *part, struct fw_err *err)
{
	pthread_condattr_t attr;
	int r;

	pthread_mutex_init(&part->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&part->wake, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&part->thread, NULL, work, part);
	return r ? fw_err_set(err, -r, NULL, "no thread for the recorder: %s", strerror(r)) : 0;
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	char name[PATH_MAX]; /* of the word that one who was killed left behind */
	struct part *part;
	int r;

	if (!daemon->settings.record)
		return 0;
	part = calloc(1, sizeof(*part));
	if (!part)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the recorder");
	read_boot_id(part->boot_id, sizeof(part->boot_id));
	settings(daemon, part);
	fw_recording_sweep(daemon->opts.run_dir, daemon->opts.pins);
	fw_recording_name(part->accounts, daemon->opts.run_dir, "accounts", daemon->opts.pins);
	part->opts.pins = daemon->opts.pins;
	part->opts.path = part->path;
	part->opts.accounts = part->accounts;
	part->opts.build = daemon->opts.build;
	part->opts.boot_id = part->boot_id;
	r = fw_recorder_new(&part->opts, &part->recorder, err);
	if (!r)
		r = start_thread(part, err);
	if (r) {
		fw_recorder_free(part->recorder);
		free(part);
		return r;
	}
	daemon->part[FW_PART_RECORDER] = part;
	unlink(fw_recording_name(name, daemon->opts.run_dir, "recorder", daemon->opts.pins));
	return 0;
}

static void tell(struct part *part, const struct fw_recorder_state *s)
{
	char field[64];
	const char *fields[] = { field, NULL };

	if (!s->ok && *s->trouble && !part->told_bad) {
		snprintf(field, sizeof(field), "FLOODWALL_PART=recorder");
		fw_journal(LOG_ERR, FW_E_PART_FAILED, fields, "%s, filtering goes on: %s%s%s",
			   s->totals ? "accounts of sources wait in memory"
				     : "recording stands still",
			   s->trouble, *s->hint ? ": " : "", s->hint);
		part->told_bad = true;
	} else if (s->ok && part->told_bad) {
		snprintf(field, sizeof(field), "FLOODWALL_PART=recorder");
		fw_journal(LOG_NOTICE, FW_E_PART_FAILED, fields, "recording goes on");
		part->told_bad = false;
	}
	if (s->incident == part->told_incident)
		return;
	snprintf(field, sizeof(field), "FLOODWALL_INCIDENT=%lld",
		 (long long)(s->incident ? s->incident : part->told_incident));
	if (part->told_incident)
		fw_journal(LOG_NOTICE, FW_E_INCIDENT, fields, "incident %lld ended",
			   (long long)part->told_incident);
	if (s->incident)
		fw_journal(LOG_WARNING, FW_E_INCIDENT, fields,
			   "incident %lld %s: floodwall incident show %lld", (long long)s->incident,
			   s->incident == s->found ? "goes on" : "began", (long long)s->incident);
	part->told_incident = s->incident;
}

/* Has its thread written a first second? If not yet there is no news, unless it takes long. A
 * thread that hangs on its disk says nothing more at all. */
static bool has_news(struct part *part)
{
	struct fw_recorder_state *s = &part->word.state;
	__u64 now_ns = fw_clock_now(), steps, age_ns;

	pthread_mutex_lock(&part->lock);
	*s = part->state;
	steps = part->steps;
	pthread_mutex_unlock(&part->lock);
	if (!part->seen_ns || steps != part->steps_seen)
		part->seen_ns = now_ns;
	part->steps_seen = steps;
	age_ns = now_ns - part->seen_ns;
	if (age_ns < (steps ? STUCK_NS : PATIENCE_NS))
		return steps;
	s->ok = s->totals = false;
	snprintf(s->trouble, sizeof(s->trouble),
		 steps ? "nothing has been written for %llu s: the disk does not answer"
		       : "the history is still being opened, %llu s after the start",
		 (unsigned long long)(age_ns / FW_NS_PER_S));
	return true;
}

static void tick(struct fw_daemon *daemon, __u64 now_ns)
{
	struct part *part = daemon->part[FW_PART_RECORDER];

	(void)now_ns;
	if (!part || !has_news(part))
		return;
	tell(part, &part->word.state);
	snprintf(part->word.path, sizeof(part->word.path), "%s", part->path);
	part->word.when_ns = fw_clock_realtime();
	/* Only a service to readers; the journal has the news. */
	(void)fw_recording_write(daemon->opts.run_dir, daemon->opts.pins, &part->word);
}

static void stop(struct fw_daemon *daemon)
{
	struct part *part = daemon->part[FW_PART_RECORDER];
	char path[PATH_MAX];

	if (!part)
		return;
	pthread_mutex_lock(&part->lock);
	part->stop = true;
	pthread_cond_signal(&part->wake);
	pthread_mutex_unlock(&part->lock);
	pthread_join(part->thread, NULL);
	pthread_cond_destroy(&part->wake);
	pthread_mutex_destroy(&part->lock);
	fw_recorder_free(part->recorder);
	if (!part->state.incident) /* else they go on when we are back */
		unlink(part->accounts);
	unlink(fw_recording_name(path, daemon->opts.run_dir, "recorder", daemon->opts.pins));
	free(part);
	daemon->part[FW_PART_RECORDER] = NULL;
}

static int reload(struct fw_daemon *daemon, struct fw_err *err)
{
	struct part *part = daemon->part[FW_PART_RECORDER];

	if (!part)
		return start(daemon, err);
	if (!daemon->settings.record) {
		stop(daemon);
		return 0;
	}
	if (strcmp(wanted_path(daemon), part->path))
		return fw_err_set(
			err, -EBUSY, "restart the controller: systemctl restart floodwall",
			"the record stays in %s until the controller is restarted", part->path);
	pthread_mutex_lock(&part->lock);
	settings(daemon, part);
	part->changed = true;
	pthread_mutex_unlock(&part->lock);
	return 0;
}

/* What is switched off does all it should. */
static bool works(const struct fw_daemon *daemon)
{
	const struct part *part = daemon->part[FW_PART_RECORDER];

	return !part || !part->told_bad;
}

const struct fw_part fw_part_recorder = {
	.name = "recorder",
	.start = start,
	.tick = tick,
	.reload = reload,
	.stop = stop,
	.works = works,
};
