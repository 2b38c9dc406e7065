// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coming and going. All of it happens under the lock of the pin directory. The record of an
 * interface is written with program id 0 before the program is attached; reading it back, 0 means
 * "ask the kernel".
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/core/apply.h"
#include "user/core/setup.h"
#include "user/kern/pin.h"
#include "user/policy/model.h"

#define PARTS (FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_IFACES | FW_MAPS_WRITE)

static struct fw_object_opts object_opts(const struct fw_setup *setup)
{
	struct fw_object_opts opts = {
		.pins = setup->opts.pins,
		.sizes = setup->opts.sizes,
		.frags = setup->features.frags == FW_YES,
		.cookie_raw = setup->features.raw_cookie == FW_YES,
		.build = setup->opts.build,
		.local_port = fw_probe_local_port(),
	};

	opts.cookie_ts = fw_probe_cookie_options(&opts.cookie_wscale);
	return opts;
}

/* The directory may be removed by a last detach between making and locking it. */
static int make_and_lock(struct fw_setup *setup, struct fw_err *err)
{
	int r = -ENOENT;

	for (int i = 0; i < 5 && r == -ENOENT; i++) {
		r = fw_pin_make(setup->opts.pins, err);
		if (!r)
			r = fw_pin_lock(setup->opts.pins, setup->opts.wait_s, &setup->lock_fd, err);
	}
	return r;
}

int fw_setup_plan(const struct fw_setup_opts *opts, struct fw_setup *ret, struct fw_err *err)
{
	struct fw_object_opts object;
	struct fw_host host;
	int r;

	*ret = (struct fw_setup){ .opts = *opts, .lock_fd = -1 };
	r = fw_probe_features(&ret->features, err);
	if (!r)
		r = fw_probe_require(&ret->features, err);
	if (!r)
		r = make_and_lock(ret, err);
	if (r)
		return r;
	fw_probe_host(&host);
	ret->proof = fw_proof_advise(&host, ret->features.syncookie);
	object = object_opts(ret);
	r = fw_object_open(&object, &ret->plan, err);
	if (r)
		return r;
	ret->first = ret->plan->first;
	ret->meta = ret->plan->meta;
	ret->sizes_ignored = ret->plan->sizes_ignored;
	ret->memory = ret->plan->memory;
	ret->memory_new = ret->plan->memory_new;
	ret->prefixes = ret->plan->prefixes;
	return fw_object_check_memory(ret->plan, FW_OBJECT_SPARE, err);
}

struct fw_iface fw_setup_record(const struct fw_setup *setup, int ifindex)
{
	struct fw_iface list[FW_IFACE_MAX], none = {};
	__u64 netns = fw_attach_netns();
	unsigned int nr = 0;

	if (fw_maps_ifaces(setup->maps.iface_fd, list, &nr))
		return none;
	for (unsigned int i = 0; i < nr; i++)
		if (list[i].ifindex == (__u32)ifindex && list[i].netns == netns)
			return list[i];
	return none;
}

int fw_setup_check(const struct fw_setup *setup, const char *ifname, enum fw_mode mode,
		   struct fw_err *err)
{
	struct fw_attach_opts opts = { .ifname = ifname, .mode = mode };
	struct fw_iface_info info;
	int r = fw_probe_iface(ifname, &info, err);

	if (r)
		return r;
	opts.ifindex = info.ifindex;
	opts.us.ctl_id = setup->plan->ctl_id;
	/* The record is not open yet; who may not look is told by fw_setup_attach. */
	r = fw_attach_check(&opts, err);
	return r == -EPERM ? 0 : r;
}

static int first_policy(struct fw_setup *setup, bool monitor, struct fw_err *err)
{
	struct fw_model *model = malloc(sizeof(*model));
	int r;

	if (!model)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	fw_model_default(model);
	model->service[FW_SERVICE_HOST].proof = (__u8)setup->proof.proof;
	if (monitor)
		model->flags |= FW_P_MONITOR;
	r = fw_apply_init(&setup->maps, model, err);
	free(model);
	return r;
}

static int change_mode(struct fw_setup *setup, struct fw_err *err)
{
	struct fw_apply apply;
	int r;

	r = fw_apply_begin(&setup->maps, FW_APPLY_POLICY, &apply, err);
	if (r)
		return r;
	if (!(apply.model->flags & FW_P_MONITOR)) {
		apply.model->flags |= FW_P_MONITOR;
		apply.changed = FW_APPLY_POLICY;
		r = fw_apply_commit(&apply, err);
	}
	fw_apply_end(&apply);
	return r;
}

int fw_setup_create(struct fw_setup *setup, bool monitor, struct fw_err *err)
{
	int r;

	if (!setup->first) {
		r = fw_maps_open(setup->opts.pins, PARTS, &setup->maps, err);
		return r || !monitor ? r : change_mode(setup, err);
	}
	r = fw_object_create(setup->plan, err);
	if (!r)
		r = fw_maps_open_object(setup->plan, PARTS, &setup->maps, err);
	if (!r)
		r = first_policy(setup, monitor, err);
	if (!r)
		r = fw_object_commit(setup->plan, err);
	if (!r) {
		setup->meta = setup->plan->meta;
		fw_pin_own(setup->opts.pins);
	}
	return r;
}

bool fw_setup_monitor(const struct fw_setup *setup)
{
	__u64 live = fw_apply_live(&setup->maps);

	return setup->maps.policy[FW_LIVE_POLICY(live)].flags & FW_P_MONITOR;
}

static int put_record(struct fw_setup *setup, const struct fw_iface *iface, struct fw_err *err)
{
	int r = fw_maps_iface_put(setup->maps.iface_fd, iface);

	if (r == -E2BIG)
		return fw_err_set(err, -ENOSPC, NULL, "%s: already attached to %d interfaces",
				  iface->name, FW_IFACE_MAX);
	if (r)
		return fw_err_set(err, r, NULL, "%s: cannot record the interface: %s", iface->name,
				  strerror(-r));
	return 0;
}

static bool is_there(const struct fw_setup *setup, int ifindex)
{
	const struct fw_xdp_us us = { .ctl_id = setup->maps.ctl_id };
	struct fw_xdp_state state;

	if (fw_attach_query(ifindex, us, &state, NULL))
		return true; /* not known: keep the record */
	return state.opaque || fw_attach_ours(&state);
}

bool fw_setup_filters(const struct fw_setup *setup, const char *ifname)
{
	struct fw_iface record = fw_setup_record(setup, (int)if_nametoindex(ifname));

	return record.ifindex && is_there(setup, (int)record.ifindex);
}

int fw_setup_attach(struct fw_setup *setup, const char *ifname, enum fw_mode mode,
		    struct fw_setup_attached *ret, struct fw_err *err)
{
	struct fw_attach_opts opts = { .ifname = ifname, .mode = mode };
	struct fw_object_opts object = object_opts(setup);
	struct fw_setup_attached done = {};
	struct fw_object *obj = NULL;
	struct fw_iface before;
	int r;

	r = fw_probe_iface(ifname, &done.info, err);
	if (r)
		return r;
	opts.ifindex = done.info.ifindex;
	before = fw_setup_record(setup, opts.ifindex);
	opts.us = (struct fw_xdp_us){ setup->maps.ctl_id, before.prog_id };
	done.iface = (struct fw_iface){ .netns = fw_attach_netns(),
					.ifindex = (__u32)opts.ifindex,
					.since_ns = fw_clock_realtime(),
					.mode = (__u8)mode };
	snprintf(done.iface.name, sizeof(done.iface.name), "%s", ifname);
	snprintf(done.iface.build, sizeof(done.iface.build), "%s", setup->opts.build);
	r = fw_object_open(&object, &obj, err);
	if (!r && !before.ifindex)
		r = put_record(setup, &done.iface, err);
	if (r)
		goto out;
	r = fw_attach_add(obj, &opts, &done.replaced, &done.state, err);
	if (r) {
		if (!before.ifindex && !is_there(setup, opts.ifindex))
			fw_maps_iface_del(setup->maps.iface_fd, &done.iface);
		goto out;
	}
	(void)fw_probe_iface(ifname, &done.info,
			     NULL); /* drivers switch offloads off by themselves */
	done.iface.prog_id = obj->prog_id;
	done.iface.dispatcher = done.state.dispatcher;
	if (done.replaced && before.since_ns) /* filtered without interruption since then */
		done.iface.since_ns = before.since_ns;
	r = put_record(setup, &done.iface, err);
	if (!r)
		*ret = done;
out:
	fw_object_close(obj);
	return r;
}

/* Left by a command that failed before its first interface: nothing can be using it. */
static bool is_unused(const struct fw_setup *setup)
{
	unsigned int here = 1, elsewhere = 1;
	enum fw_pin_state state = FW_PINS_NONE;

	if (setup->lock_fd < 0 || fw_pin_state(setup->opts.pins, &state, NULL, NULL))
		return false;
	if (state == FW_PINS_NONE || state == FW_PINS_HALF)
		return true;
	return state == FW_PINS_READY && setup->first && setup->maps.cpus &&
	       !fw_setup_count(setup, &here, &elsewhere, NULL) && !here && !elsewhere;
}

void fw_setup_end(struct fw_setup *setup)
{
	if (!setup || !setup->opts.pins)
		return;
	if (is_unused(setup))
		fw_pin_remove(setup->opts.pins, NULL);
	fw_maps_close(&setup->maps);
	fw_object_close(setup->plan);
	fw_pin_unlock(setup->lock_fd);
	*setup = (struct fw_setup){ .lock_fd = -1 };
}
