// SPDX-License-Identifier: GPL-2.0-only
/* What interfaces and addresses this host has, for remarks on a policy file. Needs no privilege. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/text.h"
#include "user/cli/policy.h"

/* As text, as the reader prints it; NULL: of no family that counts, or no memory. */
static char *addr_text(const struct sockaddr *sa)
{
	__be32 addr_be[4] = { 0 };
	char text[FW_TEXT_LEN];

	if (sa && sa->sa_family == AF_INET) {
		addr_be[2] = htonl(0xffff);
		addr_be[3] = ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
	} else if (sa && sa->sa_family == AF_INET6) {
		memcpy(addr_be, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	} else {
		return NULL;
	}
	return strdup(fw_text_put_addr(text, sizeof(text), addr_be));
}

void fw_policy_host_free(struct fw_file_host *host)
{
	for (size_t i = 0; i < host->ifaces; i++)
		free((char *)host->iface[i]);
	for (size_t i = 0; i < host->addrs; i++)
		free((char *)host->addr[i]);
	free(host->iface);
	free(host->addr);
	memset(host, 0, sizeof(*host));
}

static void take(struct fw_file_host *host, struct if_nameindex *names, const struct ifaddrs *all)
{
	for (const struct if_nameindex *n = names; n->if_index; n++)
		if ((host->iface[host->ifaces] = strdup(n->if_name)))
			host->ifaces++;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next)
		if ((host->addr[host->addrs] = addr_text(a->ifa_addr)))
			host->addrs++;
}

bool fw_policy_host_find(struct fw_file_host *ret)
{
	struct if_nameindex *names = if_nameindex();
	struct ifaddrs *all = NULL;
	size_t nr_names = 0, nr_addrs = 0;
	bool known = names && !getifaddrs(&all);

	memset(ret, 0, sizeof(*ret));
	for (; known && names[nr_names].if_index; nr_names++)
		;
	for (const struct ifaddrs *a = all; known && a; a = a->ifa_next)
		nr_addrs++;
	ret->iface = calloc(nr_names + 1, sizeof(*ret->iface));
	ret->addr = calloc(nr_addrs + 1, sizeof(*ret->addr));
	known = known && ret->iface && ret->addr;
	if (known)
		take(ret, names, all);
	if (names)
		if_freenameindex(names);
	if (all)
		freeifaddrs(all);
	return known;
}
