// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages about links, from rtnetlink. They only say "look": which interface is there under which
 * name is asked afterwards, so an overrun of the socket (ENOBUFS) costs nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include "user/daemon/ifaces.h"

#define MESSAGES_AT_ONCE 256 /* then the loop gets its turn */

struct links {
	struct mnl_socket *sock;
	sd_event_source *source;
};

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	__u64 *links = data;

	*links += nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK;
	return MNL_CB_OK;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct fw_daemon *daemon = data;
	struct links *links = daemon->part[FW_PART_LINKS];
	struct fw_ifaces *ifaces = daemon->part[FW_PART_IFACES];
	char buf[16384];
	__u64 seen = 0;
	ssize_t n;

	(void)source, (void)fd, (void)revents;
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		n = mnl_socket_recvfrom(links->sock, buf, sizeof(buf));
		if (n < 0 && errno == ENOBUFS) {
			seen++;
			continue;
		}
		if (n <= 0)
			break;
		mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &seen);
	}
	if (seen && ifaces) {
		ifaces->links += seen;
		fw_ifaces_sync(daemon);
	}
	return 0;
}

static void stop(struct fw_daemon *daemon)
{
	struct links *links = daemon->part[FW_PART_LINKS];

	if (!links)
		return;
	sd_event_source_disable_unref(links->source);
	if (links->sock)
		mnl_socket_close(links->sock);
	free(links);
	daemon->part[FW_PART_LINKS] = NULL;
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	struct links *links = calloc(1, sizeof(*links));
	int r;

	if (!links)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	daemon->part[FW_PART_LINKS] = links;
	links->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	r = links->sock && !mnl_socket_bind(links->sock, RTMGRP_LINK, MNL_SOCKET_AUTOPID) ? 0
											  : -errno;
	if (!r)
		r = sd_event_add_io(daemon->event, &links->source, mnl_socket_get_fd(links->sock),
				    EPOLLIN, on_io, daemon);
	if (r) {
		fw_err_set(err, r, NULL, "cannot watch the links: %s", strerror(-r));
		stop(daemon);
		return r;
	}
	fw_ifaces_sync(daemon); /* what changed before we listened */
	return 0;
}

const struct fw_part fw_part_links = {
	.name = "links", .vital = true, .start = start, .stop = stop
};
