// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wanted interfaces against what is there. Level-triggered: every message about a link, and every
 * tick, leads to the same comparison, so a lost message delays and breaks nothing. Attaching takes
 * the writers' lock for at most a second; whoever holds it longer is waited for in the next tick.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/setup.h"
#include "user/daemon/reload.h"
#include "user/daemon/ifaces.h"
#include "user/core/journal.h"
#include "user/daemon/wish.h"

#define RETRY_MAX_S 60

static struct fw_ifaces *mine(const struct fw_daemon *daemon)
{
	return daemon->part[FW_PART_IFACES];
}

const struct fw_ifaces *fw_ifaces_get(const struct fw_daemon *daemon)
{
	return mine(daemon);
}

const char *fw_want_word(enum fw_want_state state)
{
	static const char *const words[FW_WANT_MAX] = {
		[FW_WANT_ABSENT] = "absent", [FW_WANT_ATTACHED] = "attached",
		[FW_WANT_FAILED] = "failed", [FW_WANT_DETACHED] = "detached",
		[FW_WANT_LOST] = "lost",
	};

	return words[state];
}

static void tell(int priority, enum fw_event event, const struct fw_want *want, const char *text,
		 const char *hint)
{
	size_t len = strlen(want->name);
	bool named = !strncmp(text, want->name, len) && text[len] == ':';
	char name[64], index[64];
	const char *fields[] = { name, index, NULL };

	snprintf(name, sizeof(name), "FLOODWALL_INTERFACE=%s", want->name);
	snprintf(index, sizeof(index), "FLOODWALL_IFINDEX=%u", want->ifindex);
	/* Errors of the kernel's floor begin with the interface already. */
	fw_journal(priority, event, fields, "%s%s%s%s%s", named ? "" : want->name,
		   named ? "" : ": ", text, *hint ? ": " : "", hint);
}

static struct fw_setup_opts setup_opts(const struct fw_daemon *daemon)
{
	return (struct fw_setup_opts){ .pins = daemon->opts.pins,
				       .sizes = daemon->opts.sizes,
				       .build = daemon->opts.build,
				       .wait_s = 1 };
}

static int attach(struct fw_daemon *daemon, struct fw_want *want, struct fw_setup_attached *done,
		  struct fw_err *err)
{
	struct fw_setup_opts opts = setup_opts(daemon);
	struct fw_setup setup = { .lock_fd = -1 };
	bool fresh;
	int r;

	r = fw_setup_plan(&opts, &setup, err);
	fresh = setup.first;
	if (!r)
		r = fw_setup_check(&setup, want->name, want->mode, err);
	if (!r)
		r = fw_setup_create(&setup, false, err);
	if (!r && fresh)
		r = fw_reload_fresh(daemon, &setup.maps, err);
	if (!r)
		r = fw_setup_mend(&setup, NULL, NULL, err);
	if (!r)
		r = fw_setup_attach(&setup, want->name, want->mode, done, err);
	fw_setup_end(&setup);
	return r;
}

static void try_attach(struct fw_daemon *daemon, struct fw_want *want)
{
	struct fw_setup_attached done = {};
	struct fw_err err = {};
	char text[160];

	if (!attach(daemon, want, &done, &err)) {
		want->state = FW_WANT_ATTACHED;
		want->retry_s = 0;
		snprintf(text, sizeof(text), "%s, %s mode, program %u",
			 done.replaced ? "program replaced without a gap" : "attached",
			 done.iface.mode == FW_MODE_GENERIC ? "GENERIC" : "native",
			 done.iface.prog_id);
		tell(LOG_NOTICE, FW_E_ATTACHED, want, text, "");
		return;
	}
	/* Said once, not at every try. */
	if (want->state != FW_WANT_FAILED)
		tell(LOG_ERR, FW_E_ATTACH_FAILED, want, err.msg, err.hint);
	want->state = FW_WANT_FAILED;
	want->retry_s = want->retry_s ? want->retry_s * 2 : 1;
	if (want->retry_s > RETRY_MAX_S)
		want->retry_s = RETRY_MAX_S;
	want->retry_ns = fw_clock_now() + want->retry_s * FW_NS_PER_S;
}

/* Of this interface, as the maps have it. */
static bool on_record(const struct fw_daemon *daemon, unsigned int ifindex, struct fw_iface *ret)
{
	struct fw_iface list[FW_IFACE_MAX];
	__u64 netns = fw_attach_netns();
	unsigned int nr = 0;

	if (!daemon->maps.cpus || fw_maps_ifaces(daemon->maps.iface_fd, list, &nr))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		if (list[i].ifindex == ifindex && list[i].netns == netns) {
			*ret = list[i];
			return true;
		}
	return false;
}

static bool is_there(const struct fw_daemon *daemon, const struct fw_iface *record)
{
	const struct fw_xdp_us us = { daemon->maps.ctl_id, record->prog_id };
	struct fw_xdp_state state;

	if (fw_attach_query((int)record->ifindex, us, &state, NULL))
		return true; /* cannot be known */
	return state.opaque || fw_attach_ours(&state);
}

static void links_moved(struct fw_daemon *daemon, struct fw_want *want, unsigned int ifindex)
{
	unsigned int before = want->ifindex;
	char other[IF_NAMESIZE], text[64];

	want->ifindex = ifindex;
	if (before && if_indextoname(before, other) && strcmp(other, want->name)) {
		snprintf(text, sizeof(text), "is now called %s, and is still filtered", other);
		tell(LOG_WARNING, FW_E_LINK, want, text, "");
	} else if (before && !ifindex) {
		tell(LOG_WARNING, FW_E_LINK, want, "the interface is gone", "");
	} else if (ifindex && daemon->beats) {
		tell(LOG_NOTICE, FW_E_LINK, want, "the interface is there", "");
	}
	want->state = FW_WANT_ABSENT;
	want->retry_ns = want->doubt_beat = 0;
	want->retry_s = 0;
}

/* As after `detach --all`; a state that we have only just made is opened at the next tick. */
static bool no_state(const struct fw_daemon *daemon)
{
	struct fw_err err = {};
	__u32 id;

	return fw_maps_state_id(daemon->opts.pins, &id, &err) && err.exit_code == FW_EXIT_NOTHING;
}

/* An interface that is attached already: did anybody take ours off? */
static void check_attached(struct fw_daemon *daemon, struct fw_want *want)
{
	enum fw_want_state was = want->state;
	struct fw_iface record;

	if (!daemon->maps.cpus && !no_state(daemon))
		return;
	if (!on_record(daemon, want->ifindex, &record)) {
		want->state = FW_WANT_DETACHED;
		if (was != want->state)
			tell(LOG_WARNING, FW_E_LOST, want, "detached by hand",
			     "systemctl reload floodwall attaches again");
		return;
	}
	if (is_there(daemon, &record)) {
		want->state = FW_WANT_ATTACHED;
		want->doubt_beat = 0;
		return;
	}
	/* A detach in progress has taken the program off and not yet the record. */
	if (!want->doubt_beat)
		want->doubt_beat = daemon->beats + 1;
	if (daemon->beats > want->doubt_beat)
		want->state = FW_WANT_LOST;
	if (was != want->state && want->state == FW_WANT_LOST)
		tell(LOG_ERR, FW_E_LOST, want, "somebody took the program off or replaced it",
		     "floodwall status; systemctl reload floodwall attaches again");
}

static void sync_one(struct fw_daemon *daemon, struct fw_want *want)
{
	unsigned int ifindex = if_nametoindex(want->name);
	struct fw_iface record;

	if (ifindex != want->ifindex)
		links_moved(daemon, want, ifindex);
	switch (want->state) {
	case FW_WANT_ABSENT:
		if (!want->ifindex)
			break;
		/* Of this very build already: nothing to replace. */
		if (on_record(daemon, want->ifindex, &record) && is_there(daemon, &record) &&
		    record.mode == want->mode && record.prog_id &&
		    !strcmp(record.build, daemon->opts.build)) {
			want->state = FW_WANT_ATTACHED;
			tell(LOG_INFO, FW_E_ATTACHED, want, "is filtered already", "");
			break;
		}
		try_attach(daemon, want);
		break;
	case FW_WANT_FAILED:
		if (fw_clock_now() >= want->retry_ns)
			try_attach(daemon, want);
		break;
	default:
		check_attached(daemon, want);
	}
}

void fw_ifaces_sync(struct fw_daemon *daemon)
{
	struct fw_ifaces *ifaces = mine(daemon);

	for (unsigned int i = 0; ifaces && i < ifaces->nr; i++)
		sync_one(daemon, &ifaces->want[i]);
}

static void tick(struct fw_daemon *daemon, __u64 now_ns)
{
	(void)now_ns;
	fw_ifaces_sync(daemon);
}

/* Taking a filter off is an admin's decision, not a missing line's. */
static void tell_given_up(const struct fw_want *old, const struct fw_ifaces *next)
{
	for (unsigned int i = 0; i < next->nr; i++)
		if (!strcmp(next->want[i].name, old->name))
			return;
	if (old->state == FW_WANT_ATTACHED)
		tell(LOG_WARNING, FW_E_LINK, old,
		     "is not in the policy file any more and stays filtered",
		     "`floodwall detach` takes the filter off");
}

/* A slip in a name looks like an interface that comes later: say which of them are waited for. */
static void tell_missing(const struct fw_ifaces *ifaces)
{
	for (unsigned int i = 0; i < ifaces->nr; i++)
		if (!ifaces->want[i].ifindex)
			tell(LOG_WARNING, FW_E_LINK, &ifaces->want[i],
			     "there is no such interface yet; it is filtered when it comes", "");
}

/* What is wanted now; who is attached for certain keeps its state, all others are tried anew. */
static int take_wants(struct fw_daemon *daemon, struct fw_err *err)
{
	struct fw_ifaces *ifaces = mine(daemon);
	struct fw_ifaces *next = calloc(1, sizeof(*next));
	int r;

	if (!next)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r = fw_wish_ifaces(daemon, next->want, &next->nr, err);
	if (r) {
		free(next);
		return r;
	}
	for (unsigned int i = 0; i < next->nr; i++)
		for (unsigned int j = 0; j < ifaces->nr; j++) {
			const struct fw_want *old = &ifaces->want[j];

			if (strcmp(next->want[i].name, old->name))
				continue;
			next->want[i].ifindex = old->ifindex;
			if (old->state == FW_WANT_ATTACHED && !old->doubt_beat &&
			    old->mode == next->want[i].mode)
				next->want[i] = *old;
		}
	for (unsigned int j = 0; j < ifaces->nr; j++)
		tell_given_up(&ifaces->want[j], next);
	next->links = ifaces->links;
	*ifaces = *next;
	free(next);
	return 0;
}

static int reload(struct fw_daemon *daemon, struct fw_err *err)
{
	int r;

	fw_ifaces_sync(daemon); /* what is gone by now is to be attached by this very reload */
	r = take_wants(daemon, err);
	if (r)
		return r;
	fw_ifaces_sync(daemon);
	tell_missing(mine(daemon));
	return 0;
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	int r;

	daemon->part[FW_PART_IFACES] = calloc(1, sizeof(struct fw_ifaces));
	if (!daemon->part[FW_PART_IFACES])
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r = take_wants(daemon, err);
	if (r) {
		free(daemon->part[FW_PART_IFACES]);
		daemon->part[FW_PART_IFACES] = NULL;
		return r;
	}
	fw_ifaces_sync(daemon);
	tell_missing(mine(daemon));
	return 0;
}

static void stop(struct fw_daemon *daemon)
{
	free(daemon->part[FW_PART_IFACES]);
	daemon->part[FW_PART_IFACES] = NULL;
}

const struct fw_part fw_part_ifaces = { .name = "interfaces",
					.vital = true,
					.start = start,
					.tick = tick,
					.reload = reload,
					.stop = stop };
