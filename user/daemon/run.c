// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: signals, one timer a second, the parts. The order of things at the start is what
 * systemd's READY=1 promises: lock, policy, interfaces, then the rest, then ready. At the end
 * everything is let go and nothing is taken back.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/beat.h"
#include "user/core/journal.h"
#include "user/daemon/notify.h"
#include "user/daemon/reload.h"
#include "user/daemon/state.h"
#include "user/kern/pin.h"
#include "user/kern/probe.h"

#define TICK_US	 1000000ULL
#define SLACK_US 50000ULL /* may be late by that, so that ticks share wake-ups */
#define LARGE	 131072	  /* bytes; glibc's own figure before it learns another */
#define MAX_LATE 5	  /* ticks after which lost ones are not made up for */

struct run {
	struct fw_daemon daemon;
	sd_event_source *timer;
	bool failed; /* the loop ended by an error */
};

static void tell_part(const struct fw_part *part, const char *what, const struct fw_err *err)
{
	char field[64];
	const char *fields[] = { field, NULL };

	snprintf(field, sizeof(field), "FLOODWALL_PART=%s", part->name);
	fw_journal(LOG_ERR, FW_E_PART_FAILED, fields, "%s %s: %s%s%s", part->name, what, err->msg,
		   *err->hint ? ": " : "", err->hint);
}

static void tick_once(struct run *run)
{
	struct fw_daemon *daemon = &run->daemon;

	fw_state_refresh(daemon);
	for (int i = 0; i < FW_PART_MAX; i++)
		if (daemon->up[i] && fw_parts[i]->tick)
			fw_parts[i]->tick(daemon, fw_state_now(daemon));
	daemon->beats++;
	daemon->beat_ns = fw_clock_realtime();
	fw_beat_touch(daemon->beat_fd);
	fw_notify_alive(daemon);
}

static int on_tick(sd_event_source *source, uint64_t due_us, void *data)
{
	struct run *run = data;
	uint64_t now_us = 0;

	tick_once(run);
	sd_event_now(run->daemon.event, CLOCK_MONOTONIC, &now_us);
	due_us += TICK_US;
	if (due_us + MAX_LATE * TICK_US < now_us)
		due_us = now_us + TICK_US;
	sd_event_source_set_time(source, due_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct run *run = data;
	struct fw_daemon *daemon = &run->daemon;
	struct fw_err err = {};

	(void)source;
	fw_notify_reloading(daemon);
	if (!fw_reload(daemon, (pid_t)info->ssi_pid, info->ssi_uid)) {
		fw_state_refresh(daemon);
		for (int i = 0; i < FW_PART_MAX; i++) {
			err = (struct fw_err){};
			if (daemon->up[i] && fw_parts[i]->reload &&
			    fw_parts[i]->reload(daemon, &err))
				tell_part(fw_parts[i], "keeps its settings", &err);
		}
	}
	fw_notify_ready(daemon);
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	struct run *run = data;

	(void)source, (void)info;
	return sd_event_exit(run->daemon.event, 0);
}

static int start_parts(struct fw_daemon *daemon, struct fw_err *err)
{
	struct fw_err own;
	int r;

	for (int i = 0; i < FW_PART_MAX; i++) {
		own = (struct fw_err){};
		r = fw_parts[i]->start(daemon, &own);
		daemon->up[i] = !r;
		if (!r) {
			fw_state_refresh(daemon); /* the first attach has made it */
			continue;
		}
		if (fw_parts[i]->vital) {
			if (err)
				*err = own;
			return r;
		}
		tell_part(fw_parts[i], "does not start", &own);
	}
	return 0;
}

/* Found out now, in words, and not when an interface comes back at night. */
static int check_caps(struct fw_err *err)
{
	struct fw_caps caps;

	if (fw_probe_caps(&caps)) /* no /proc: the kernel will say */
		return 0;
	const struct {
		bool have;
		const char *name, *what;
	} needed[] = {
		{ caps.net_admin, "CAP_NET_ADMIN", "attach to an interface" },
		{ caps.bpf || caps.sys_admin, "CAP_BPF", "load the program and its maps" },
		{ caps.perfmon || caps.sys_admin, "CAP_PERFMON",
		  "load a program that looks into packets" },
	};
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!needed[i].have)
			return fw_err_set(err, -EPERM,
					  "start it with systemctl, or as root: the unit file "
					  "lists what it needs",
					  "without the capability %s the controller cannot %s",
					  needed[i].name, needed[i].what);
	return 0;
}

/* What is pinned by a build of another schema filters on, and is nothing that we could look after.
 */
static int check_pins(const char *pins, struct fw_err *err)
{
	enum fw_pin_state state = FW_PINS_NONE;
	struct fw_meta meta = {};

	/* Whatever else is wrong with them may be mended while we run. */
	if (fw_pin_state(pins, &state, &meta, NULL) || state != FW_PINS_OTHER)
		return 0;
	return fw_pin_refuse_other(pins, &meta, err);
}

static int make_loop(struct run *run, struct fw_err *err)
{
	struct fw_daemon *daemon = &run->daemon;
	uint64_t now_us = 0;
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	r = sigprocmask(SIG_BLOCK, &mask, NULL) ? -errno : 0;
	if (!r)
		r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGTERM, on_stop, run);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, on_stop, run);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGHUP, on_reload, run);
	if (r >= 0)
		r = sd_event_now(daemon->event, CLOCK_MONOTONIC, &now_us);
	if (r >= 0)
		r = sd_event_add_time(daemon->event, &run->timer, CLOCK_MONOTONIC, now_us + TICK_US,
				      SLACK_US, on_tick, run);
	return r < 0 ? fw_err_set(err, r, NULL, "cannot make the event loop: %s", strerror(-r)) : 0;
}

static void stop_all(struct run *run)
{
	struct fw_daemon *daemon = &run->daemon;

	for (int i = FW_PART_MAX - 1; i >= 0; i--)
		if (daemon->up[i] && fw_parts[i]->stop)
			fw_parts[i]->stop(daemon);
	fw_state_close(daemon);
	sd_event_source_disable_unref(run->timer);
	sd_event_unref(daemon->event);
	fw_beat_drop(daemon->opts.run_dir, daemon->opts.pins, daemon->beat_fd);
}

/*
 * Large blocks are the kernel's again once they are free. Left to itself, glibc raises its bound to
 * the largest that was ever given back, and keeps as much and more from then on: a process that
 * lives for months would hold what its worst second took.
 */
static void give_back_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, LARGE);
}

int fw_daemon_run(const struct fw_daemon_opts *opts, struct fw_err *err)
{
	struct run run = { .daemon = { .opts = *opts, .beat_fd = -1 } };
	struct fw_daemon *daemon = &run.daemon;
	int r;

	give_back_memory();
	fw_settings_default(&daemon->settings);
	r = check_caps(err);
	if (!r)
		r = check_pins(opts->pins, err);
	if (!r)
		r = fw_beat_take(opts->run_dir, opts->pins, &daemon->beat_fd, err);
	if (!r)
		r = make_loop(&run, err);
	if (!r)
		r = fw_reload_first(daemon, err);
	if (!r) {
		fw_state_refresh(daemon);
		r = start_parts(daemon, err);
	}
	if (r)
		goto out;
	tick_once(&run);
	fw_notify_ready(daemon);
	fw_journal(LOG_NOTICE, FW_E_STARTED, NULL, "floodwall %s is ready", opts->build);
	r = sd_event_loop(daemon->event);
	if (r < 0)
		fw_err_set(err, r, NULL, "the event loop failed: %s", strerror(-r));
	fw_notify_stopping();
	fw_journal(LOG_NOTICE, FW_E_STOPPED, NULL,
		   "the controller ends; interfaces stay filtered (floodwall detach takes it off)");
out:
	stop_all(&run);
	return r < 0 ? r : 0;
}
