// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of four sockets, by the ends of a connection; the oldest of a set goes. A connected socket
 * needs a route to its peer: all of the Internet is behind the loopback device here. Nothing is
 * ever sent, for a socket under repair neither greets nor takes leave.
 */
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bpf/hash.h"
#include "user/base/text.h"
#include "user/core/replay/sockets.h"

#define SETS 1024 /* power of two */
#define WAYS 4

struct ends {
	__be32 local_be[4], remote_be[4];
	__be16 lport, rport;
};

struct way {
	struct ends ends; /* all zero: free */
	int fd;		  /* -1: free, or it could not be had */
};

struct fw_sockets {
	struct set {
		struct way way[WAYS];
		unsigned int next;
	} set[SETS];
};

static void route_ip4(int fd)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct rtentry route = { .rt_flags = RTF_UP, .rt_dev = (char *)"lo" };

	memcpy(&route.rt_dst, &any, sizeof(any));
	memcpy(&route.rt_genmask, &any, sizeof(any));
	(void)ioctl(fd, SIOCADDRT, &route); /* without it sockets of IPv4 cannot be had */
}

static void route_ip6(void)
{
	struct in6_rtmsg route = { .rtmsg_metric = 1,
				   .rtmsg_flags = RTF_UP,
				   .rtmsg_ifindex = (int)if_nametoindex("lo") };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)ioctl(fd, SIOCADDRT, &route); /* likewise */
	close(fd);
}

static void set_up(void)
{
	struct ifreq lo = { .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(lo.ifr_name, sizeof(lo.ifr_name), "lo");
	(void)ioctl(fd, SIOCSIFFLAGS, &lo); /* routes need it; they say so */
	route_ip4(fd);
	close(fd);
	route_ip6();
}

struct fw_sockets *fw_sockets_new(void)
{
	struct fw_sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	for (int i = 0; i < SETS * WAYS; i++)
		s->set[i / WAYS].way[i % WAYS].fd = -1;
	set_up();
	return s;
}

void fw_sockets_free(struct fw_sockets *s)
{
	if (!s)
		return;
	for (int i = 0; i < SETS * WAYS; i++)
		if (s->set[i / WAYS].way[i % WAYS].fd >= 0)
			close(s->set[i / WAYS].way[i % WAYS].fd);
	free(s);
}

static socklen_t address(bool ip4, const __be32 addr_be[4], __be16 port,
			 struct sockaddr_storage *ret)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };

	if (ip4) {
		in.sin_addr.s_addr = addr_be[3];
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, addr_be, 16);
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

static int connected(const struct ends *e)
{
	bool ip4 = fw_text_is_ip4(e->local_be);
	struct sockaddr_storage local, remote;
	socklen_t len = address(ip4, e->local_be, e->lport, &local);
	int fd, one = 1, level = ip4 ? IPPROTO_IP : IPPROTO_IPV6;

	(void)address(ip4, e->remote_be, e->rport, &remote);
	fd = socket(ip4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, level, ip4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&local, len) ||
	    connect(fd, (struct sockaddr *)&remote, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct set *set_of(struct fw_sockets *s, const struct ends *e)
{
	__u64 remote = (__u64)e->remote_be[3] << 32 | e->remote_be[1] << 16 | e->rport;
	__u64 local = (__u64)e->local_be[3] << 32 | e->lport;

	return &s->set[fw_hash6(remote, local, 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9) &
		       (SETS - 1)];
}

bool fw_sockets_open(struct fw_sockets *s, const __be32 local_be[4], __be16 lport,
		     const __be32 remote_be[4], __be16 rport)
{
	struct ends e = { .lport = lport, .rport = rport };
	struct set *set;
	struct way *way;

	memcpy(e.local_be, local_be, 16);
	memcpy(e.remote_be, remote_be, 16);
	set = set_of(s, &e);
	for (int i = 0; i < WAYS; i++)
		if (!memcmp(&set->way[i].ends, &e, sizeof(e)))
			return set->way[i].fd >= 0;
	way = &set->way[set->next];
	set->next = (set->next + 1) % WAYS;
	if (way->fd >= 0)
		close(way->fd);
	way->ends = e;
	way->fd = connected(&e);
	return way->fd >= 0;
}
