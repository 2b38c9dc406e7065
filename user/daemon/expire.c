// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking expired prefixes out of the lists. The program compares expiries itself, so this is
 * tidying, with one exception: when a longer class prefix expires, the shorter one around it holds
 * again only after a new compilation; that one is not put off. Compiling a million prefixes takes
 * seconds and memory, so a child does it: it dies with us, and a kill at any point leaves a whole
 * generation.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/journal.h"
#include "user/daemon/watch.h"
#include "user/kern/pin.h"

#define CLASS_AFTER_S 5	  /* after the expiry of a class prefix */
#define OTHER_AFTER_S 600 /* after the last change, so that nobody's undo is in the way */
#define PAUSE_S	      60  /* between two tries */

struct expire {
	__u64 serial, live;  /* what the rest was reckoned from */
	__u64 since_ns;	     /* when that generation was first seen */
	__u64 not_before_ns; /* the next try */
	__u32 next_s;	     /* earliest expiry to come; FW_FOREVER = none */
	__u32 expired, expired_class;
	pid_t child; /* 0 = none */
	sd_event_source *source;
};

/* One pass over the list that runs; only when it is another one, or the next expiry has come. */
static void look(struct expire *e, const struct fw_daemon *daemon, __u64 now_ns)
{
	const struct fw_maps *maps = &daemon->maps;
	__u64 live = fw_apply_live(maps);
	__u32 half = FW_LIVE_LANES(live), now_s = (__u32)(now_ns / FW_NS_PER_S);
	const struct fw_prefix *at = maps->prefix + (size_t)half * maps->cap_prefix;
	__u32 nr = maps->lane_head[half].prefixes;

	if (e->serial == daemon->maps_serial && e->live == live && now_s < e->next_s)
		return;
	if (e->serial != daemon->maps_serial || e->live != live)
		e->since_ns = now_ns;
	e->serial = daemon->maps_serial;
	e->live = live;
	e->next_s = FW_FOREVER;
	e->expired = e->expired_class = 0;
	for (__u32 i = 0; i < nr && i < maps->cap_prefix; i++) {
		if (at[i].until_s > now_s) {
			if (at[i].until_s < e->next_s)
				e->next_s = at[i].until_s;
			continue;
		}
		e->expired++;
		e->expired_class += at[i].lane == FW_LANE_CLASS;
	}
}

static int compile_anew(const char *pins, struct fw_err *err)
{
	struct fw_apply apply = {};
	struct fw_maps maps = {};
	int lock = -1, r;

	r = fw_pin_lock(pins, 10, &lock, err);
	if (!r)
		r = fw_maps_open(pins, FW_MAPS_LANES | FW_MAPS_WRITE, &maps, err);
	if (!r)
		r = fw_apply_begin(&maps, FW_APPLY_LANES, &apply, err); /* expired ones are gone */
	if (!r) {
		apply.changed = FW_APPLY_LANES;
		r = fw_apply_commit(&apply, err);
	}
	fw_apply_end(&apply);
	fw_maps_close(&maps);
	fw_pin_unlock(lock);
	return r;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct expire *e = data;

	(void)source;
	e->child = 0;
	e->source = sd_event_source_disable_unref(e->source);
	if (info->si_code == CLD_EXITED && !info->si_status)
		fw_journal(LOG_INFO, FW_E_EXPIRED, NULL, "expired prefixes removed: %u",
			   e->expired);
	/* Else the lock was taken or a change waits for its confirmation: later. */
	return 0;
}

static void start_child(struct expire *e, struct fw_daemon *daemon)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t none;
	int r;

	if (pid < 0)
		return;
	if (!pid) {
		close(daemon->beat_fd); /* the lock is not ours */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		_exit(getppid() != parent || compile_anew(daemon->opts.pins, NULL) ? 1 : 0);
	}
	e->child = pid;
	r = sd_event_add_child(daemon->event, &e->source, pid, WEXITED, on_child, e);
	if (r < 0) { /* nobody will tell us its end */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		e->child = 0;
	}
}

static void tick(struct fw_daemon *daemon, __u64 now_ns)
{
	struct expire *e = daemon->part[FW_PART_EXPIRE];
	__u64 wait_s;

	if (!daemon->maps.cpus || e->child)
		return;
	look(e, daemon, now_ns);
	wait_s = e->expired_class ? CLASS_AFTER_S : OTHER_AFTER_S;
	if (!e->expired || now_ns < e->not_before_ns || now_ns < e->since_ns + wait_s * FW_NS_PER_S)
		return;
	e->not_before_ns = now_ns + PAUSE_S * FW_NS_PER_S;
	start_child(e, daemon);
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	daemon->part[FW_PART_EXPIRE] = calloc(1, sizeof(struct expire));
	return daemon->part[FW_PART_EXPIRE] ? 0 : fw_err_set(err, -ENOMEM, NULL, "out of memory");
}

static void stop(struct fw_daemon *daemon)
{
	struct expire *e = daemon->part[FW_PART_EXPIRE];

	if (e->child) {
		kill(e->child, SIGKILL);
		waitpid(e->child, NULL, 0);
	}
	sd_event_source_disable_unref(e->source);
	free(e);
	daemon->part[FW_PART_EXPIRE] = NULL;
}

const struct fw_part fw_part_expire = {
	.name = "expire", .start = start, .tick = tick, .stop = stop
};
