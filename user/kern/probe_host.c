// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine looks like: files under /proc and /sys that need no privilege. The sysctls are
 * those of the caller's network namespace.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include <bpf/libbpf.h>
#include "user/kern/object.h"
#include "user/kern/probe.h"

static int read_int(const char *path, int fallback)
{
	FILE *f = fopen(path, "re");
	int n;

	if (!f)
		return fallback;
	if (fscanf(f, "%d", &n) != 1)
		n = fallback;
	fclose(f);
	return n;
}

/* The directory itself, or its parent as long as nobody has attached. */
static bool on_bpffs(const char *dir)
{
	char parent[4096], *slash;
	struct statfs fs;

	if (!statfs(dir, &fs))
		return fs.f_type == BPF_FS_MAGIC;
	snprintf(parent, sizeof(parent), "%s", dir);
	slash = strrchr(parent, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return !statfs(parent, &fs) && fs.f_type == BPF_FS_MAGIC;
}

void fw_probe_host(const char *pins, struct fw_host *ret)
{
	struct utsname uts;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	int possible = libbpf_num_possible_cpus();

	*ret = (struct fw_host){
		.btf = !access("/sys/kernel/btf/vmlinux", R_OK),
		.bpffs = on_bpffs(pins),
		.syncookies = read_int("/proc/sys/net/ipv4/tcp_syncookies", -1),
		.online = online > 0 ? (unsigned int)online : 0,
		.possible = possible > 0 ? (unsigned int)possible : 0,
	};
	if (!uname(&uts))
		snprintf(ret->release, sizeof(ret->release), "%s", uts.release);
	if (fw_object_available(&ret->mem_available, &ret->cgroup_left)) {
		ret->mem_available = 0;
		ret->cgroup_left = ~0ULL;
	}
}
