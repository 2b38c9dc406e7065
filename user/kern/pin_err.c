// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins that cannot be used, in words: whose they are, and the way out. What must stay true: nothing
 * is ever proposed that takes a filter away without saying so.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>
#include "user/kern/pin.h"

const char *fw_pin_way_out(const char *name)
{
	/* Without its record, nobody knows where programs are. */
	return !strcmp(name, "fw_iface")
		       ? "take the programs off with `ip link set dev IFACE xdp off`, then remove "
			 "the directory"
		       : "floodwall detach --all, then attach again";
}

int fw_pin_no_bpffs(const char *parent, struct fw_err *err)
{
	bool usual = !strcmp(parent, "/sys/fs/bpf");

	fw_err_set(err, -ENODEV,
		   usual ? "mount -t bpf bpf /sys/fs/bpf"
			 : "choose --pins DIR whose parent lies in a mounted bpffs",
		   "no bpffs is mounted at %s", parent);
	if (err)
		err->exit_code = FW_EXIT_FAILED;
	return -ENODEV;
}

int fw_pin_read_only(const char *dir, struct fw_err *err)
{
	bool usual = !strncmp(dir, "/sys/fs/bpf/", strlen("/sys/fs/bpf/"));

	return fw_err_set(err, -EROFS,
			  usual ? "mount -o remount,rw /sys/fs/bpf; in a unit, leave out "
				  "ProtectKernelTunables="
				: "remount it with -o remount,rw, or choose another --pins DIR",
			  "cannot make or remove %s: its bpffs is mounted read-only", dir);
}

/* The kernel keeps the first 15 characters of the name a map was made with. */
static bool is_called(const struct bpf_map_info *map, const char *name)
{
	char section[64];

	snprintf(section, sizeof(section), ".data.%s", name);
	return !strncmp(map->name, name, sizeof(map->name) - 1) ||
	       !strncmp(map->name, section, sizeof(map->name) - 1);
}

int fw_pin_misfit(const char *name, const struct bpf_map_info *is, __u32 value_size, __u32 entries,
		  struct fw_err *err)
{
	char hint[FW_ERR_LEN];
	bool more = entries && is->value_size == value_size;
	__u32 has = more ? is->max_entries : is->value_size, needs = more ? entries : value_size;
	const char *what = more ? "entries" : "bytes a value";

	if (!is_called(is, name))
		return fw_err_set(
			err, -ESTALE, fw_pin_way_out(name),
			"the state is damaged: under the name %s lies a map that floodwall "
			"did not make (%u %s, not %u)",
			name, has, what, needs);
	snprintf(hint, sizeof(hint),
		 "%s; limits and lists go with it, unless that build saves them before "
		 "(floodwall policy save FILE)",
		 fw_pin_way_out(name));
	return fw_err_set(err, -ESTALE, hint,
			  "the state was made by another build of floodwall: its map %s has %u %s, "
			  "this build's has %u",
			  name, has, what, needs);
}

int fw_pin_refuse_other(const char *dir, const struct fw_meta *meta, struct fw_err *err)
{
	char hint[FW_ERR_LEN], other[16];
	bool ours = meta->magic == FW_MAGIC;

	snprintf(
		hint, sizeof(hint),
		ours ? "detach with the floodwall that attached (build %.31s); where that is gone, "
		       "`ip link set dev IFACE xdp off` and `rm -r %.100s`"
		     : "use another --pins; floodwall does not touch pins it did not make",
		meta->build, dir);
	snprintf(other, sizeof(other), ours ? "version %u" : "unknown", meta->abi);
	if (ours && meta->abi == FW_ABI_VERSION)
		return fw_err_set(err, -EPROTO, hint,
				  "%s holds the pins of another build of floodwall, whose fw_meta "
				  "has another size",
				  dir);
	return fw_err_set(err, -EPROTO, hint,
			  "%s holds the pins of another floodwall (ABI %s, this one is version %d)",
			  dir, other, FW_ABI_VERSION);
}
