// SPDX-License-Identifier: GPL-2.0-only
/* The interface's counters by rtnetlink, the driver's own by the ethtool ioctl. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "user/kern/nic.h"

#define STATS_MAX 8192 /* no driver comes near; what says more is not believed */

static int on_attr(const struct nlattr *attr, void *data)
{
	struct rtnl_link_stats64 *link = data;
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == IFLA_STATS64)
		memcpy(link, mnl_attr_get_payload(attr), len < sizeof(*link) ? len : sizeof(*link));
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct ifinfomsg), on_attr, data);
}

static int read_link(unsigned int ifindex, struct rtnl_link_stats64 *ret)
{
	char buf[16384];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct ifinfomsg *ifi;
	ssize_t n;
	int r = 0;

	if (!sock)
		return -errno;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = 1;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = (int)ifindex;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		r = -errno;
	n = r ? -1 : mnl_socket_recvfrom(sock, buf, sizeof(buf));
	if (!r &&
	    (n < 0 || mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(sock), on_link, ret) < 0))
		r = -errno;
	mnl_socket_close(sock);
	return r;
}

static int ask(int sock, const char *ifname, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(sock, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static void add_one(struct fw_nic *nic, const char *raw, __u64 value)
{
	char name[ETH_GSTRING_LEN + 1] = "", kind[FW_NIC_NAME];
	unsigned int queue, i;

	memcpy(name, raw, ETH_GSTRING_LEN);
	if (fw_nic_name_queue(name, &queue) && queue < FW_NIC_QUEUES) {
		nic->queue[queue] += value;
		if (nic->queues <= queue)
			nic->queues = queue + 1;
		return;
	}
	if (!fw_nic_name_discard(name, kind))
		return;
	for (i = 0; i < nic->discards && strcmp(nic->discard[i].name, kind); i++)
		;
	if (i == FW_NIC_DISCARDS)
		return;
	if (i == nic->discards) {
		memcpy(nic->discard[i].name, kind, sizeof(kind));
		nic->discards++;
	}
	nic->discard[i].value += value;
}

/* The number of statistics is asked once more with the values: queues come and go. */
static void read_driver(const char *ifname, struct fw_nic *nic)
{
	struct {
		struct ethtool_sset_info info;
		__u32 size;
	} sset = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS } };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_gstrings *names = NULL;
	struct ethtool_stats *values = NULL;

	if (sock < 0)
		return;
	if (ask(sock, ifname, &sset) || !sset.info.sset_mask || !sset.size || sset.size > STATS_MAX)
		goto out;
	/* Room to spare: a driver that grew in between writes more than it said. */
	names = calloc(1, sizeof(*names) + 2UL * STATS_MAX * ETH_GSTRING_LEN);
	values = calloc(1, sizeof(*values) + 2UL * STATS_MAX * sizeof(__u64));
	if (!names || !values)
		goto out;
	*names = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS,
					    .string_set = ETH_SS_STATS,
					    .len = sset.size };
	*values = (struct ethtool_stats){ .cmd = ETHTOOL_GSTATS, .n_stats = sset.size };
	if (ask(sock, ifname, names) || ask(sock, ifname, values) ||
	    names->len != values->n_stats || names->len > STATS_MAX)
		goto out;
	for (__u32 i = 0; i < names->len; i++)
		add_one(nic, (const char *)names->data + i * ETH_GSTRING_LEN, values->data[i]);
out:
	free(names);
	free(values);
	close(sock);
}

int fw_nic_read(unsigned int ifindex, struct fw_nic *ret)
{
	struct fw_nic nic = {};
	char name[IF_NAMESIZE];
	int r;

	if (!if_indextoname(ifindex, name))
		return -ENODEV;
	r = read_link(ifindex, &nic.link);
	if (r)
		return r;
	read_driver(name, &nic);
	*ret = nic;
	return 0;
}
