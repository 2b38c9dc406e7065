// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine looks like: files under /proc and /sys that need no privilege. The sysctls are
 * those of the caller's network namespace.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <bpf/libbpf.h>
#include "bpf/knob_values.h"
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

/* Lines of /proc/net/tcp and tcp6: "sl: local_address:port rem_address:port state ...". */
static bool read_listeners(const char *path, __u8 bits[65536 / 8])
{
	unsigned int port, state;
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &port, &state) == 2 &&
		    state == TCP_LISTEN && port < 65536)
			bits[port / 8] |= (__u8)(1 << port % 8);
	fclose(f);
	return true;
}

void fw_probe_listeners(struct fw_listeners *ret)
{
	*ret = (struct fw_listeners){};
	ret->known = read_listeners("/proc/net/tcp", ret->bits);
	read_listeners("/proc/net/tcp6", ret->bits);
}

bool fw_probe_listens(const struct fw_listeners *listeners, __u16 port)
{
	return listeners->bits[port / 8] >> port % 8 & 1;
}

void fw_probe_host(struct fw_host *ret)
{
	struct utsname uts;
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	*ret = (struct fw_host){
		.btf = !access("/sys/kernel/btf/vmlinux", R_OK),
		.syncookies = read_int("/proc/sys/net/ipv4/tcp_syncookies", -1),
		.forwards = read_int("/proc/sys/net/ipv4/ip_forward", 0) > 0 ||
			    read_int("/proc/sys/net/ipv6/conf/all/forwarding", 0) > 0,
		.online = online > 0 ? (unsigned int)online : 0,
	};
	if (!uname(&uts))
		snprintf(ret->release, sizeof(ret->release), "%s", uts.release);
	if (fw_object_available(&ret->mem_available, &ret->cgroup_left)) {
		ret->mem_available = 0;
		ret->cgroup_left = ~0ULL;
	}
}

/* The largest receive buffer: the third number of tcp_rmem, or rmem_max if that is larger. */
static unsigned long long receive_space(void)
{
	unsigned long long low, middle, high = 0, most = 212992;
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_rmem", "re");

	if (f) {
		if (fscanf(f, "%llu %llu %llu", &low, &middle, &high) != 3)
			high = 0;
		fclose(f);
	}
	f = fopen("/proc/sys/net/core/rmem_max", "re");
	if (f) {
		if (fscanf(f, "%llu", &low) == 1)
			most = low;
		fclose(f);
	}
	return high > most ? high : most;
}

bool fw_probe_cookie_options(__u8 *ret_wscale)
{
	unsigned long long space = receive_space();
	__u8 scale = 0;

	if (read_int("/proc/sys/net/ipv4/tcp_timestamps", -1) != 2)
		return false;
	/* tcp_select_initial_window(): ilog2(space) - 15, at most 14. */
	while (scale < 14 && space >> (scale + 16))
		scale++;
	*ret_wscale = read_int("/proc/sys/net/ipv4/tcp_window_scaling", 1) ? scale : 15;
	return true;
}

__u16 fw_probe_local_port(void)
{
	int port = read_int("/proc/sys/net/ipv4/ip_local_port_range", FW_LOCAL_PORT);

	return port > 0 && port < 65536 ? (__u16)port : FW_LOCAL_PORT;
}
