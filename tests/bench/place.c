// SPDX-License-Identifier: GPL-2.0-only
/* The listener lives until the process ends; nobody ever connects to it. */
#include "tests/bench/place.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/bench/frame.h"

static int loopback_up(int fd)
{
	struct ifreq ifr = { .ifr_name = "lo" };

	if (ioctl(fd, SIOCGIFFLAGS, &ifr))
		return -errno;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;
}

/*
 * 2: the listener makes cookies whenever asked. With 1, the kernel's own cookie helper refuses as
 * long as the listener's queue is not full.
 */
static int cookies_always(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_syncookies", "w");
	int rc;

	if (!f)
		return -errno;
	rc = fputs("2\n", f) < 0 ? -EIO : 0;
	return fclose(f) ? -errno : rc;
}

int place_enter(struct fw_err *err)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(FRAME_WEB) };
	int off = 0, on = 1, fd = -1, rc = 0;

	if (unshare(CLONE_NEWNET))
		return fw_err_set(err, -errno, "The bench needs root.",
				  "no network namespace of its own: %s", strerror(errno));
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 128))
		rc = -errno;
	if (!rc)
		rc = loopback_up(fd);
	if (!rc)
		rc = cookies_always();
	if (rc) {
		fw_err_set(err, rc, NULL, "the listener could not be set up: %s", strerror(-rc));
		if (fd >= 0)
			close(fd);
	}
	return rc;
}
