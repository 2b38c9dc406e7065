// SPDX-License-Identifier: GPL-2.0-only
/*
 * Going, and what keeps the record true. An interface stays on record until its program is surely
 * gone; records of what has gone by itself are dropped whenever somebody comes or goes.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "user/core/setup.h"
#include "user/kern/ids.h"
#include "user/kern/pin.h"

int fw_setup_find(const struct fw_setup_opts *opts, struct fw_setup *ret, struct fw_err *err)
{
	enum fw_pin_state state = FW_PINS_NONE;
	int r;

	*ret = (struct fw_setup){ .opts = *opts, .lock_fd = -1 };
	r = fw_pin_lock(opts->pins, opts->wait_s, &ret->lock_fd, err);
	if (!r)
		r = fw_pin_state(opts->pins, &state, &ret->meta, err);
	if (r)
		return r;
	if (state == FW_PINS_OTHER)
		return fw_pin_refuse_other(opts->pins, &ret->meta, err);
	if (state != FW_PINS_READY) {
		r = fw_pin_remove(opts->pins, err);
		return r ? r
			 : fw_err_set(err, -ENOENT, NULL,
				      state == FW_PINS_HALF
					      ? "nothing was attached; half-made state was removed"
					      : "floodwall is not attached");
	}
	return fw_maps_open(opts->pins, FW_MAPS_IFACES | FW_MAPS_WRITE | FW_MAPS_DAMAGED,
			    &ret->maps, err);
}

void fw_setup_orphan(const char *ifname, struct fw_err *err)
{
	const struct fw_xdp_us nobody = {};
	struct fw_xdp_state state;
	struct fw_iface_info info;
	char hint[FW_ERR_LEN];

	if (fw_probe_iface(ifname, &info, NULL) ||
	    fw_attach_query(info.ifindex, nobody, &state, NULL) || !state.nr ||
	    strcmp(state.prog[0].name, "floodwall"))
		return;
	snprintf(hint, sizeof(hint), "name its pins with --pins, or `ip link set dev %s %s off`",
		 ifname, state.mode == FW_MODE_GENERIC ? "xdpgeneric" : "xdp");
	fw_err_set(err, -ENOENT, hint,
		   "%s: a floodwall of other or removed pins is there (program %u), not ours",
		   ifname, state.prog[0].id);
}

/* One record against reality. True: it names nothing any more. A new name is taken over. */
static bool is_stale(struct fw_setup *setup, struct fw_iface *iface)
{
	char name[IF_NAMESIZE];

	if (iface->netns != fw_attach_netns())
		return !fw_ids_exists(FW_ID_PROG, iface->prog_id);
	if (!if_indextoname(iface->ifindex, name))
		return true;
	if (strcmp(name, iface->name)) {
		snprintf(iface->name, sizeof(iface->name), "%s", name);
		fw_maps_iface_put(setup->maps.iface_fd, iface);
	}
	return false;
}

/*
 * An interface that is no more can still be on record, under the name it had: 0 and its record. One
 * that has another name now is told in err.
 */
static int find_gone(struct fw_setup *setup, const char *ifname, struct fw_iface *ret,
		     struct fw_err *err)
{
	struct fw_iface list[FW_IFACE_MAX];
	char hint[FW_ERR_LEN];
	unsigned int nr = 0;

	if (fw_maps_ifaces(setup->maps.iface_fd, list, &nr))
		return -ENODEV;
	for (unsigned int i = 0; i < nr; i++) {
		if (strcmp(list[i].name, ifname))
			continue;
		if (is_stale(setup, &list[i])) {
			*ret = list[i];
			return 0;
		}
		if (strcmp(list[i].name, ifname)) {
			snprintf(hint, sizeof(hint), "floodwall detach %.15s", list[i].name);
			fw_err_set(err, -ENODEV, hint, "%s is called %.15s now", ifname,
				   list[i].name);
		}
	}
	return -ENODEV;
}

/* All records under that name of interfaces that are no more; 0 if there was one. */
static int drop_gone(struct fw_setup *setup, const char *ifname, struct fw_err *err)
{
	struct fw_iface gone;
	int r = find_gone(setup, ifname, &gone, err);

	if (r)
		return r;
	do
		r = fw_maps_iface_del(setup->maps.iface_fd, &gone);
	while (!r && !find_gone(setup, ifname, &gone, NULL));
	return r;
}

static int look(const struct fw_setup *setup, const char *ifname, struct fw_attach_opts *ret,
		struct fw_iface *ret_record, struct fw_err *err)
{
	struct fw_iface_info info;
	int r = fw_probe_iface(ifname, &info, err);

	if (r)
		return r;
	*ret_record = fw_setup_record(setup, info.ifindex);
	*ret = (struct fw_attach_opts){ .ifname = ifname,
					.ifindex = info.ifindex,
					.us = { setup->maps.ctl_id, ret_record->prog_id } };
	return 0;
}

int fw_setup_check_detach(struct fw_setup *setup, const char *ifname, struct fw_err *err)
{
	struct fw_attach_opts opts;
	struct fw_iface record;
	int r = look(setup, ifname, &opts, &record, err);

	if (r)
		return find_gone(setup, ifname, &record, err) ? r : 0;
	r = fw_attach_check_remove(&opts, err);
	return r == -ENOENT && record.ifindex ? 0 : r;
}

int fw_setup_detach(struct fw_setup *setup, const char *ifname, enum fw_setup_detached *ret,
		    struct fw_err *err)
{
	struct fw_attach_opts opts;
	struct fw_iface record;
	int r = look(setup, ifname, &opts, &record, err);

	if (r && !drop_gone(setup, ifname, err)) {
		*ret = FW_DETACHED_GONE;
		return 0;
	}
	if (r)
		return r;
	r = fw_attach_remove(&opts, err);
	if (r && (r != -ENOENT || !record.ifindex))
		return r;
	if (record.ifindex && fw_maps_iface_del(setup->maps.iface_fd, &record))
		return fw_err_set(err, -EIO, NULL, "%s: detached, but still on record", ifname);
	*ret = r ? FW_DETACHED_GONE : FW_DETACHED;
	return 0;
}

int fw_setup_mend(struct fw_setup *setup, char (*ret_names)[16], unsigned int *ret_nr,
		  struct fw_err *err)
{
	struct fw_iface list[FW_IFACE_MAX];
	unsigned int nr = 0, gone = 0;
	int r;

	r = fw_maps_ifaces(setup->maps.iface_fd, list, &nr);
	if (r)
		return fw_err_set(err, r, NULL, "cannot read the record of interfaces: %s",
				  strerror(-r));
	for (unsigned int i = 0; i < nr; i++) {
		if (!is_stale(setup, &list[i]) || fw_maps_iface_del(setup->maps.iface_fd, &list[i]))
			continue;
		if (ret_names)
			memcpy(ret_names[gone], list[i].name, sizeof(list[i].name));
		gone++;
	}
	if (ret_nr)
		*ret_nr = gone;
	return 0;
}

int fw_setup_count(const struct fw_setup *setup, unsigned int *ret_here,
		   unsigned int *ret_elsewhere, struct fw_err *err)
{
	struct fw_iface list[FW_IFACE_MAX];
	__u64 netns = fw_attach_netns();
	unsigned int nr = 0, here = 0;
	int r;

	r = fw_maps_ifaces(setup->maps.iface_fd, list, &nr);
	if (r)
		return fw_err_set(err, r, NULL, "cannot read the record of interfaces: %s",
				  strerror(-r));
	for (unsigned int i = 0; i < nr; i++)
		here += list[i].netns == netns;
	*ret_here = here;
	*ret_elsewhere = nr - here;
	return 0;
}

int fw_setup_remove(struct fw_setup *setup, struct fw_err *err)
{
	return fw_pin_remove(setup->opts.pins, err);
}
