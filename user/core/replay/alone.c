// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners are opened when the first packet asks for their port: a service may claim all 65,535.
 * Addresses of the capture are none of this namespace's; IP_FREEBIND binds to them all the same,
 * and the socket table is asked before any routing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/core/replay/alone.h"

#define SERVERS_MAX 4096
#define FILES_MAX   (2 * SERVERS_MAX + 1024) /* connections, too */
#define PORTS	    65536
#define MODELS_MAX  2

struct server {
	__be32 addr_be[4]; /* all zero: any */
	__be16 port;
	int fd;
};

struct fw_alone {
	int home; /* the namespace the thread came from */
	unsigned int failed, servers;
	const struct fw_model *models[MODELS_MAX];
	unsigned int count;
	bool wanted[PORTS]; /* a service claims it, and nobody has asked yet */
	bool heard[PORTS];  /* somebody listens, on whatever address */
	struct server server[SERVERS_MAX];
};

static bool same_server(const struct server *s, const __be32 addr_be[4], __be16 port)
{
	static const __be32 any[4];

	return s->port == port &&
	       (!memcmp(s->addr_be, addr_be, 16) || !memcmp(s->addr_be, any, 16));
}

static bool listens(const struct fw_alone *a, const __be32 addr_be[4], __be16 port)
{
	for (unsigned int i = 0; i < a->servers; i++)
		if (same_server(&a->server[i], addr_be, port))
			return true;
	return false;
}

/* addr_be NULL: any address of either family. */
static int bind_to(int fd, bool ip4, const __be32 *addr_be, __be16 port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };
	int one = 1, zero = 0;

	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one)))
		return -1;
	if (ip4) {
		in.sin_addr.s_addr = addr_be[3];
		return bind(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (addr_be)
		memcpy(&in6.sin6_addr, addr_be, 16);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, addr_be ? &one : &zero, sizeof(one)) ||
	    (addr_be && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one))))
		return -1;
	return bind(fd, (struct sockaddr *)&in6, sizeof(in6));
}

static void open_server(struct fw_alone *a, const __be32 *addr_be, __be16 port)
{
	static const __be32 any[4];
	bool ip4 = addr_be && fw_text_is_ip4(addr_be);
	struct server *s = &a->server[a->servers];
	int fd;

	if (listens(a, addr_be ? addr_be : any, port))
		return;
	fd = a->servers < SERVERS_MAX
		     ? socket(ip4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)
		     : -1;
	if (fd < 0 || bind_to(fd, ip4, addr_be, port) || listen(fd, 1)) {
		if (fd >= 0)
			close(fd);
		a->failed++;
		return;
	}
	*s = (struct server){ .port = port, .fd = fd };
	if (addr_be)
		memcpy(s->addr_be, addr_be, 16);
	a->servers++;
	a->heard[ntohs(port)] = true;
}

static void open_port(struct fw_alone *a, __be16 port)
{
	__u16 number = ntohs(port);

	/* "any" first: it would not bind beside others of the same port. */
	for (int any = 1; any >= 0; any--)
		for (unsigned int m = 0; m < a->count; m++)
			for (__u32 i = 0; i < a->models[m]->rules; i++) {
				const struct fw_model_rule *rule = &a->models[m]->rule[i];

				if (rule->proto == FW_PORT_TCP && rule->first <= number &&
				    rule->last >= number && !!rule->any == any)
					open_server(a, any ? NULL : rule->addr_be, port);
			}
}

bool fw_alone_asked(struct fw_alone *a, const __be32 daddr_be[4], __be16 dport)
{
	__u16 number = ntohs(dport);

	if (a->wanted[number]) {
		a->wanted[number] = false;
		open_port(a, dport);
	}
	return a->heard[number] && listens(a, daddr_be, dport);
}

void fw_alone_answered(struct fw_alone *a, const __be32 addr_be[4], __be16 port)
{
	if (port && a->servers < SERVERS_MAX)
		open_server(a, addr_be, port);
}

unsigned int fw_alone_failed(const struct fw_alone *a)
{
	return a->failed;
}

static void want(struct fw_alone *a)
{
	for (unsigned int m = 0; m < a->count; m++)
		for (__u32 i = 0; i < a->models[m]->rules; i++) {
			const struct fw_model_rule *rule = &a->models[m]->rule[i];

			for (__u32 port = rule->first;
			     rule->proto == FW_PORT_TCP && port <= rule->last; port++)
				a->wanted[port] = true;
		}
}

static bool set_cookies(void)
{
	int fd = open("/proc/sys/net/ipv4/tcp_syncookies", O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, "2", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void more_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= FILES_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* what cannot be opened is counted */
}

int fw_alone_begin(const struct fw_model *const *models, unsigned int count, struct fw_alone **ret,
		   bool *ret_cookies, struct fw_err *err)
{
	struct fw_alone *a = calloc(1, sizeof(*a));

	if (!a)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	for (; a->count < count && a->count < MODELS_MAX; a->count++)
		a->models[a->count] = models[a->count];
	a->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (a->home < 0 || unshare(CLONE_NEWNET)) {
		int r = fw_err_set(err, -errno, "run it with sudo: it needs CAP_SYS_ADMIN",
				   "no network namespace of its own: %s", strerror(errno));

		if (a->home >= 0)
			close(a->home);
		free(a);
		return r;
	}
	*ret_cookies = set_cookies();
	more_files();
	want(a);
	*ret = a;
	return 0;
}

void fw_alone_end(struct fw_alone *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < a->servers; i++)
		close(a->server[i].fd);
	(void)setns(a->home, CLONE_NEWNET); /* it was ours a moment ago */
	close(a->home);
	free(a);
}
