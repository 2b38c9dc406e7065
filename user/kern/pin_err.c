// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins that cannot be used, in words: whose they are, and the way out. What must stay true: nothing
 * is ever proposed that takes a filter away without saying so.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

int fw_pin_not_ours(const char *name, __u32 is, __u32 should_be, struct fw_err *err)
{
	return fw_err_set(err, -ESTALE, fw_pin_way_out(name),
			  "the state is damaged: under the name %s lies a map that floodwall did "
			  "not make (its values have %u bytes, not %u)",
			  name, is, should_be);
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
	return fw_err_set(err, -EPROTO, hint,
			  "%s holds the pins of another floodwall (ABI %s, this one is version %d)",
			  dir, other, FW_ABI_VERSION);
}
