// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why attaching failed, in words. The kernel answers with a handful of numbers; what they mean
 * depends on the driver, the kind of interface and its MTU, so those are looked up here, after the
 * fact, and never on the way to success.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/kern/attach_err.h"
#include "user/kern/noise.h"
#include "user/kern/object.h"
#include "user/kern/probe.h"

static int no_native(const struct fw_iface_info *info, struct fw_err *err)
{
	char hint[FW_ERR_LEN];
	int r;

	if (!strcmp(info->kind, "vlan") && *info->parent) {
		snprintf(hint, sizeof(hint), "floodwall attach %s (it reads VLAN tags itself)",
			 info->parent);
		r = fw_err_set(err, -EOPNOTSUPP, hint,
			       "%s is a VLAN of %s: native XDP works on the parent only",
			       info->name, info->parent);
	} else if (fw_probe_veth_queues(info, hint, sizeof(hint))) {
		r = fw_err_set(err, -EOPNOTSUPP, hint, "%s: a veth " FW_PROBE_VETH, info->name,
			       info->queues);
	} else if (fw_probe_is_virtio(info)) {
		r = fw_err_set(err, -EOPNOTSUPP,
			       "in the hypervisor: let the guest switch that off "
			       "(ctrl_guest_offloads=on of QEMU's virtio-net)",
			       "%s: the hypervisor hands over joined packets (guest offloads), and "
			       "virtio_net takes no XDP program then",
			       info->name);
	} else {
		snprintf(hint, sizeof(hint),
			 "floodwall attach %s --mode generic works everywhere, but "
			 "costs the CPU several times as much",
			 info->name);
		r = fw_err_set(err, -EOPNOTSUPP, hint, "%s: driver %s has no native XDP",
			       info->name, *info->driver ? info->driver : "(unknown)");
	}
	return r;
}

int fw_attach_check_native(const struct fw_iface_info *info, enum fw_mode mode, struct fw_err *err)
{
	if (mode != FW_MODE_NATIVE || info->xdp_native != FW_NO)
		return 0;
	return no_native(info, err);
}

/* EINVAL of a driver is not bad usage. */
static int refused(int code, struct fw_err *err)
{
	if (err)
		err->exit_code = FW_EXIT_FAILED;
	return code;
}

/* The MTU that would be taken, where it is too large; else what the kernel said, or other. */
static void mtu_hint(char *hint, size_t len, const struct fw_iface_info *info, const char *other)
{
	__u32 limit = fw_probe_mtu_limit(info->driver);

	if (limit && info->mtu > limit)
		snprintf(hint, len, "ip link set %s mtu %u", info->name, limit);
	else
		snprintf(hint, len, "%s", fw_noise_line() ?: other);
}

/* Some drivers (virtio_net of 6.1) do not even take a program off while the MTU is above. */
int fw_attach_err_drop(const struct fw_attach_opts *opts, __u32 id, int code, struct fw_err *err)
{
	struct fw_iface_info info = {};
	char hint[FW_ERR_LEN];

	if (fw_probe_iface(opts->ifname, &info, NULL))
		snprintf(info.name, sizeof(info.name), "%s", opts->ifname);
	mtu_hint(hint, sizeof(hint), &info, "");
	code = fw_err_set(err, code, hint, "%s: cannot take program %u out of the dispatcher: %s",
			  opts->ifname, id, strerror(-code));
	return refused(code, err);
}

static int too_large(const struct fw_attach_opts *opts, const struct fw_iface_info *info, int code,
		     struct fw_err *err)
{
	char hint[FW_ERR_LEN];

	mtu_hint(hint, sizeof(hint), info, "floodwall doctor");
	code = fw_err_set(err, code == -ERANGE ? -EOPNOTSUPP : code, hint,
			  "%s: driver %s refuses the program: %s (MTU %u)", opts->ifname,
			  *info->driver ? info->driver : "(unknown)", strerror(-code), info->mtu);
	return refused(code, err);
}

int fw_attach_err(const struct fw_attach_opts *opts, int code, struct fw_err *err)
{
	struct fw_iface_info info = {};
	const char *said = fw_noise_line();

	if (fw_probe_iface(opts->ifname, &info, NULL))
		snprintf(info.name, sizeof(info.name), "%s", opts->ifname);
	if (code == -EACCES || (said && !strncmp(said, "verifier:", 9)))
		return fw_object_refuse(code, err);
	switch (code) {
	case -EPERM:
		return fw_err_set(err, -EPERM,
				  "run as root, or with CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON "
				  "and CAP_SYS_ADMIN",
				  "%s: not permitted to attach a program%s%s", opts->ifname,
				  said ? ": " : "", said ?: "");
	case -ENOSPC: /* a veth's word */
	case -EOPNOTSUPP:
		if (opts->mode == FW_MODE_NATIVE)
			return no_native(&info, err);
		break;
	case -ERANGE:
	case -EINVAL:
	case -EMSGSIZE:
	case -EFBIG:
		return too_large(opts, &info, code, err);
	case -EBUSY:
	case -EEXIST:
		return fw_err_set(err, -EBUSY, said, "%s: another program got there first",
				  opts->ifname);
	}
	return fw_err_set(err, code == -ENODEV ? -EIO : code, said, "%s: cannot attach: %s",
			  opts->ifname, strerror(-code));
}

/* How to get rid of what is in the way depends on what holds it there. */
static void release_hint(char *hint, size_t len, const struct fw_attach_opts *opts,
			 const struct fw_xdp_state *state)
{
	if (state->link_id)
		snprintf(hint, len,
			 "it is held by BPF link %u: stop the program that made it, or "
			 "`bpftool link detach id %u`",
			 state->link_id, state->link_id);
	else if (state->dispatcher)
		snprintf(hint, len, "stop what attached it, or `xdp-loader unload %s --all`",
			 opts->ifname);
	else
		snprintf(hint, len, "stop what attached it, or `ip link set dev %s %s off`",
			 opts->ifname, state->mode == FW_MODE_GENERIC ? "xdpgeneric" : "xdp");
}

int fw_attach_err_foreign(const struct fw_attach_opts *opts, const struct fw_xdp_state *state,
			  struct fw_err *err)
{
	const struct fw_xdp_prog *p = &state->prog[0];
	char hint[FW_ERR_LEN];
	bool twin = !strcmp(p->name, FW_ATTACH_PROGRAM);

	if (twin)
		snprintf(hint, sizeof(hint),
			 "floodwall --pins DIR detach %s, with the DIR it was attached with; "
			 "where that is gone, `ip link set dev %s %s off`",
			 opts->ifname, opts->ifname,
			 state->mode == FW_MODE_GENERIC ? "xdpgeneric" : "xdp");
	else
		release_hint(hint, sizeof(hint), opts, state);
	return fw_err_set(
		err, -EBUSY, hint,
		"%s: XDP program %s is there already (id %u, tag "
		"%02x%02x%02x%02x%02x%02x%02x%02x%s) and not under a dispatcher that could run two",
		opts->ifname, *p->name ? p->name : "(without name)", p->id, p->tag[0], p->tag[1],
		p->tag[2], p->tag[3], p->tag[4], p->tag[5], p->tag[6], p->tag[7],
		twin ? ", a floodwall with other pins" : "");
}

int fw_attach_err_mode(const struct fw_attach_opts *opts, const struct fw_xdp_state *state,
		       struct fw_err *err)
{
	bool generic = state->mode == FW_MODE_GENERIC;
	char hint[FW_ERR_LEN];
	int r;

	snprintf(hint, sizeof(hint), "floodwall detach --keep %s, then attach again", opts->ifname);
	r = fw_err_set(
		err, -EEXIST, hint,
		"%s: floodwall runs there in %s mode; changing to %s is not possible without a "
		"moment unfiltered",
		opts->ifname, generic ? "generic" : "native", generic ? "native" : "generic");
	if (err)
		err->exit_code = FW_EXIT_FAILED;
	return r;
}

int fw_object_refuse(int code, struct fw_err *err)
{
	const char *said = fw_noise_line();
	bool unsafe = said && !strncmp(said, "verifier: ", 10);

	/* EACCES is the verifier's word for a program it finds unsafe; libxdp makes EPERM of it. */
	if (unsafe || code == -EACCES || code == -EINVAL)
		return fw_err_set(err, -ENOEXEC, said, "this kernel refuses the program");
	if (code == -EPERM)
		return fw_err_set(err, -EPERM,
				  "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
				  "the kernel does not permit loading BPF: %s", said ?: "EPERM");
	if (code == -ENOMEM)
		return fw_err_set(err, code, "use smaller tables: floodwall attach --help",
				  "not enough memory for the maps");
	return fw_err_set(err, code, said, "the program cannot be loaded: %s", strerror(-code));
}
