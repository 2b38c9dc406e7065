// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in a namespace of their own. Clients and server live in it together: their networks are
 * local routes, so real handshakes happen over its loopback device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/lib/sockets.h"

static const char setup[] =
	"ip link set lo up && ip route add local 192.0.2.0/24 dev lo && "
	"ip route add local 198.51.100.0/24 dev lo && ip route add local 203.0.113.0/24 dev lo && "
	"ip -6 route add local 2001:db8::/32 dev lo && "
	"echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind && "
	"ip link add out0 type veth peer name out1 && ip link set out0 up && ip link set out1 up "
	"&& "
	"ip route add 20.0.0.0/8 dev out0 src 192.0.2.80";

void sockets_unshare(void)
{
	if (unshare(CLONE_NEWNET))
		fail_msg("a network namespace: %s", strerror(errno));
	assert_int_equal(system(setup), 0);
}

void sockets_sysctl(const char *name, int value)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%d\n", value) < 0 || fclose(f))
		fail_msg("%s: %s", path, strerror(errno));
}

static socklen_t address(enum host host, int family, __u16 port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	__be32 addr[4];

	memset(ret, 0, sizeof(*ret));
	packet_addr(host, family, 0, addr);
	if (family == 6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, addr, 16);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	in->sin_addr.s_addr = addr[3];
	return sizeof(*in);
}

static int new_socket(int family, int type)
{
	int fd = socket(family == 6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	return fd;
}

void sockets_listen(__u16 port, int ret_fd[2])
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage any;
		socklen_t len = address(NOBODY, i ? 6 : 4, port, &any);

		ret_fd[i] = new_socket(i ? 6 : 4, SOCK_STREAM);
		assert_int_equal(bind(ret_fd[i], (struct sockaddr *)&any, len), 0);
		assert_int_equal(listen(ret_fd[i], 64), 0);
	}
}

__u16 sockets_connect(int listener, int family, enum host src, __u16 port, int ret_fd[2])
{
	struct sockaddr_storage from, to;
	socklen_t len = address(src, family, 0, &from);

	address(SERVER, family, port, &to);
	ret_fd[0] = new_socket(family, SOCK_STREAM);
	assert_int_equal(bind(ret_fd[0], (struct sockaddr *)&from, len), 0);
	assert_int_equal(connect(ret_fd[0], (struct sockaddr *)&to, len), 0);
	ret_fd[1] = accept(listener, NULL, NULL);
	assert_true(ret_fd[1] >= 0);
	assert_int_equal(getsockname(ret_fd[0], (struct sockaddr *)&from, &len), 0);
	return ntohs(family == 6 ? ((struct sockaddr_in6 *)&from)->sin6_port
				 : ((struct sockaddr_in *)&from)->sin_port);
}

int sockets_udp(int family, __u16 port, enum host peer, __u16 peer_port)
{
	struct sockaddr_storage at;
	socklen_t len = address(SERVER, family, port, &at);
	int fd = new_socket(family, SOCK_DGRAM);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	if (peer == HOSTS)
		return fd;
	len = address(peer, family, peer_port, &at);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	return fd;
}

void sockets_silence(const char *prefix)
{
	char command[256];

	snprintf(command, sizeof(command),
		 "ip route del local %s dev lo && ip route add %s dev out0 src 192.0.2.80", prefix,
		 prefix);
	assert_int_equal(system(command), 0);
}

void sockets_inject(const struct packet *packet)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	size_t len = packet->len - packet->l3;

	assert_true(fd >= 0);
	memcpy(&to.sin_addr, packet->data + packet->l3 + 16, 4);
	assert_int_equal(
		sendto(fd, packet->data + packet->l3, len, 0, (struct sockaddr *)&to, sizeof(to)),
		(ssize_t)len);
	close(fd);
}
