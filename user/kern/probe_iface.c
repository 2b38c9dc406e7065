// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an interface looks like. The kind of link comes from rtnetlink, what the driver can do from
 * the "netdev" generic netlink family (6.3 and newer), offloads and queues from ethtool's ioctl.
 * sysfs is not asked: it shows the namespace it was mounted in, not the caller's.
 */
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
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include "user/base/text.h"
#include "user/kern/probe.h"

/* linux/netdev.h, which Debian 12's headers do not have yet. */
#define NETDEV_CMD_DEV_GET   1
#define NETDEV_A_DEV_IFINDEX 1
#define NETDEV_A_DEV_XDP     3
#define NETDEV_XDP_BASIC     1
#define NETDEV_XDP_RX_SG     32

/* Receive buffers and headroom that one page has to hold: MTUs beyond need frags. */
static const struct {
	const char *driver;
	__u32 mtu;
} mtu_limits[] = {
	{ "ixgbe", 3050 },   { "ixgbevf", 3050 },   { "igb", 3046 },	    { "i40e", 3046 },
	{ "ice", 3046 },     { "igc", 1500 },	    { "gve", 2032 },	    { "veth", 3520 },
	{ "ena", 3498 },     { "mlx5_core", 3498 }, { "virtio_net", 3506 }, { "bnxt_en", 3502 },
	{ "vmxnet3", 3494 },
};

__u32 fw_probe_mtu_limit(const char *driver)
{
	for (size_t i = 0; i < sizeof(mtu_limits) / sizeof(*mtu_limits); i++)
		if (!strcmp(driver, mtu_limits[i].driver))
			return mtu_limits[i].mtu;
	return 0;
}

/* One netlink question and its answers. */
static int ask(int bus, struct nlmsghdr *request, mnl_cb_t answer, void *data)
{
	char buf[32768];
	struct mnl_socket *nl = mnl_socket_open(bus);
	int r = -EIO;
	ssize_t n;

	if (!nl)
		return -errno;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
		goto out;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			goto out;
		r = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), answer, data);
	} while (r > 0);
	if (r < 0)
		r = -errno;
out:
	mnl_socket_close(nl);
	return r;
}

static int link_kind(const struct nlattr *attr, void *data)
{
	struct fw_iface_info *info = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
	    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		snprintf(info->kind, sizeof(info->kind), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int link_answer(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct fw_iface_info *info = data;
	bool elsewhere = false;
	struct nlattr *attr;
	__u32 parent = 0;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	info->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_MTU:
			info->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			parent = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_NUM_RX_QUEUES:
			info->queues = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINKINFO:
			mnl_attr_parse_nested(attr, link_kind, info);
			break;
		}
	}
	/* A veth's link is its peer, which is no parent. */
	if (parent && !elsewhere && strcmp(info->kind, "veth") && parent != (__u32)info->ifindex)
		if (!if_indextoname(parent, info->parent))
			*info->parent = '\0';
	return MNL_CB_OK;
}

static int ask_link(struct fw_iface_info *info)
{
	char buf[256] = {};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = info->ifindex;
	return ask(NETLINK_ROUTE, nlh, link_answer, info);
}

static int family_answer(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attr) ==
								    CTRL_ATTR_FAMILY_ID) *
		(__u16 *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int netdev_answer(const struct nlmsghdr *nlh, void *data)
{
	struct fw_iface_info *info = data;
	struct nlattr *attr;
	__u64 flags;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) != NETDEV_A_DEV_XDP ||
		    mnl_attr_validate(attr, MNL_TYPE_U64))
			continue;
		flags = mnl_attr_get_u64(attr);
		info->xdp_native = flags & NETDEV_XDP_BASIC ? FW_YES : FW_NO;
		info->xdp_frags = flags & NETDEV_XDP_RX_SG ? FW_YES : FW_NO;
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *put_genl(char *buf, __u16 family, __u8 cmd, __u8 version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

/* Kernels before 6.3 do not know the family: unknown stays unknown. */
static void ask_netdev(struct fw_iface_info *info)
{
	char buf[256] = {};
	__u16 family = 0;
	struct nlmsghdr *nlh = put_genl(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "netdev");
	if (ask(NETLINK_GENERIC, nlh, family_answer, &family) || !family)
		return;
	memset(buf, 0, sizeof(buf));
	nlh = put_genl(buf, family, NETDEV_CMD_DEV_GET, 1);
	mnl_attr_put_u32(nlh, NETDEV_A_DEV_IFINDEX, (__u32)info->ifindex);
	ask(NETLINK_GENERIC, nlh, netdev_answer, info);
}

static int ethtool(int fd, const char *ifname, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static void ask_driver(int fd, struct fw_iface_info *info)
{
	struct ethtool_drvinfo drv = { .cmd = ETHTOOL_GDRVINFO };

	if (ethtool(fd, info->name, &drv))
		return;
	snprintf(info->driver, sizeof(info->driver), "%.31s", drv.driver);
	snprintf(info->driver_version, sizeof(info->driver_version), "%.31s", drv.version);
	snprintf(info->bus, sizeof(info->bus), "%.31s", drv.bus_info);
}

static void ask_queues(int fd, struct fw_iface_info *info)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };
	struct ethtool_rxfh_indir *indir;
	struct ethtool_rxfh_indir size = { .cmd = ETHTOOL_GRXFHINDIR };
	__u64 seen[16] = {};

	if (!ethtool(fd, info->name, &ch)) {
		info->combined = ch.combined_count > 0 || (!ch.rx_count && ch.max_combined);
		info->queues = ch.combined_count + ch.rx_count;
		info->queues_max = info->combined ? ch.max_combined : ch.max_rx;
	}
	if (ethtool(fd, info->name, &size) || !size.size || size.size > 65536)
		return;
	indir = calloc(1, sizeof(*indir) + size.size * sizeof(indir->ring_index[0]));
	if (!indir)
		return;
	indir->cmd = ETHTOOL_GRXFHINDIR;
	indir->size = size.size;
	if (!ethtool(fd, info->name, indir)) {
		for (__u32 i = 0; i < indir->size; i++)
			seen[indir->ring_index[i] / 64 % 16] |= 1ULL << indir->ring_index[i] % 64;
		for (size_t i = 0; i < 16; i++)
			info->rss_queues += (unsigned int)__builtin_popcountll(seen[i]);
	}
	free(indir);
}

static void take_feature(struct fw_iface_info *info, const char *name, bool on, bool fixed)
{
	const struct {
		const char *name;
		enum fw_tri *to;
	} wanted[] = {
		{ "rx-lro", &info->lro },
		{ "rx-gro-hw", &info->gro_hw },
		{ "rx-vlan-hw-parse", &info->rx_vlan },
		{ "rx-vlan-stag-hw-parse", &info->rx_stag },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!strcmp(name, wanted[i].name))
			*wanted[i].to = on ? FW_YES : FW_NO;
	if (!strcmp(name, "rx-gro-hw"))
		info->gro_hw_fixed = fixed;
}

/* Features have names and no fixed numbers: the driver core is asked for both. */
static void ask_features(int fd, struct fw_iface_info *info)
{
	struct {
		struct ethtool_sset_info head;
		__u32 nr;
	} set = { .head = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	struct ethtool_gstrings *names = NULL;
	struct ethtool_gfeatures *state = NULL;
	__u32 blocks;

	if (ethtool(fd, info->name, &set) || !set.head.sset_mask || set.nr > 1024)
		return;
	blocks = (set.nr + 31) / 32;
	names = calloc(1, sizeof(*names) + (size_t)set.nr * ETH_GSTRING_LEN + 1);
	state = calloc(1, sizeof(*state) + blocks * sizeof(state->features[0]));
	if (!names || !state)
		goto out;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = set.nr;
	state->cmd = ETHTOOL_GFEATURES;
	state->size = blocks;
	if (ethtool(fd, info->name, names) || ethtool(fd, info->name, state))
		goto out;
	for (__u32 i = 0; i < set.nr; i++) {
		const struct ethtool_get_features_block *block = &state->features[i / 32];
		__u32 fixed = ~block->available | block->never_changed;
		char name[ETH_GSTRING_LEN + 1] = "";

		memcpy(name, names->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		take_feature(info, name, block->active >> i % 32 & 1, fixed >> i % 32 & 1);
	}
out:
	free(names);
	free(state);
}

int fw_probe_iface(const char *ifname, struct fw_iface_info *ret, struct fw_err *err)
{
	struct fw_iface_info info = { .xdp_native = FW_UNKNOWN,
				      .xdp_frags = FW_UNKNOWN,
				      .lro = FW_UNKNOWN,
				      .gro_hw = FW_UNKNOWN,
				      .rx_vlan = FW_UNKNOWN,
				      .rx_stag = FW_UNKNOWN };
	int fd;

	/* The kernel would take "eth0:1", which ifconfig shows, for eth0. */
	info.ifindex = fw_text_is_iface(ifname) ? (int)if_nametoindex(ifname) : 0;
	if (!info.ifindex) {
		fw_err_set(err, -ENODEV,
			   strchr(ifname, ':')
				   ? "what follows the colon is a label of an address: leave it out"
				   : "`ip link` lists them",
			   "no interface is called %s", ifname);
		if (err)
			err->exit_code = FW_EXIT_USAGE;
		return -ENODEV;
	}
	snprintf(info.name, sizeof(info.name), "%s", ifname);
	ask_link(&info);
	ask_netdev(&info);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		ask_driver(fd, &info);
		ask_queues(fd, &info);
		ask_features(fd, &info);
		close(fd);
	}
	*ret = info;
	return 0;
}

bool fw_probe_veth_queues(const struct fw_iface_info *info, char *ret_mend, size_t size)
{
	if (strcmp(info->kind, "veth"))
		return false;
	if (info->queues < info->queues_max)
		snprintf(ret_mend, size, "ethtool -L %s rx %u", info->name, info->queues_max);
	else
		snprintf(ret_mend, size, "ethtool -L PEER tx %u, for its peer", info->queues);
	return true;
}

bool fw_probe_is_virtio(const struct fw_iface_info *info)
{
	return !strcmp(info->driver, "virtio_net");
}

bool fw_probe_joins(const struct fw_iface_info *info)
{
	return info->lro == FW_YES || (info->gro_hw == FW_YES && !fw_probe_is_virtio(info));
}
