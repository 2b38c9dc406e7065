// SPDX-License-Identifier: GPL-2.0-only
/* The socket that metrics are served on; :: takes IPv4, too. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/daemon/web.h"

int fw_web_socket(const struct fw_listen *listen_on, int backlog, struct fw_err *err)
{
	bool ip4 = fw_text_is_ip4(listen_on->addr_be);
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(listen_on->port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(listen_on->port) };
	int one = 1, zero = 0, r, fd;
	char text[FW_TEXT_LEN];

	a4.sin_addr.s_addr = listen_on->addr_be[3];
	memcpy(&a6.sin6_addr, listen_on->addr_be, sizeof(a6.sin6_addr));
	fd = socket(ip4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (!ip4)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	}
	if (fd >= 0 &&
	    !(ip4 ? bind(fd, (struct sockaddr *)&a4, sizeof(a4))
		  : bind(fd, (struct sockaddr *)&a6, sizeof(a6))) &&
	    !listen(fd, backlog))
		return fd;
	r = -errno;
	if (fd >= 0)
		close(fd);
	return fw_err_set(err, r,
			  "another address or port: --listen, or metrics in the policy file",
			  "cannot serve metrics on %s port %u: %s",
			  fw_text_put_addr(text, sizeof(text), listen_on->addr_be), listen_on->port,
			  strerror(-r));
}
