/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel, the process and an interface can do. Only looks: nothing is attached, created or
 * changed beyond throw-away programs that the verifier sees. Unknown is a possible answer.
 */
#ifndef FW_KERN_PROBE_H
#define FW_KERN_PROBE_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"

enum fw_tri { FW_NO, FW_YES, FW_UNKNOWN };

struct fw_features {
	unsigned int major, minor; /* of the running kernel */
	enum fw_tri mmap_array;	   /* 5.5 */
	enum fw_tri atomics;	   /* 5.12: fetch and compare-and-swap in BPF */
	enum fw_tri jiffies;	   /* 5.5: bpf_jiffies64 */
	enum fw_tri frags;	   /* 5.18: bpf_xdp_get_buff_len, BPF_F_XDP_HAS_FRAGS */
	enum fw_tri syncookie;	   /* 5.3: bpf_tcp_gen_syncookie */
	enum fw_tri raw_cookie;	   /* 6.0: bpf_tcp_raw_gen_syncookie_ipv4 and _ipv6 */
	enum fw_tri dispatcher; /* BPF_PROG_TYPE_EXT is permitted: libxdp's dispatcher can work */
	enum fw_tri jit;	/* programs are compiled, not interpreted */
};

/* Fill *ret; -EPERM (4) if BPF may not be used at all, naming the missing capability. */
int fw_probe_features(struct fw_features *ret, struct fw_err *err);
/* One clear sentence when something that floodwall cannot do without is missing: -EOPNOTSUPP (2).
 */
int fw_probe_require(const struct fw_features *features, struct fw_err *err);

/* The capabilities floodwall needs: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN. */
struct fw_caps {
	bool bpf, net_admin, perfmon, sys_admin;
};
int fw_probe_caps(struct fw_caps *ret);

struct fw_host {
	char release[65];
	bool btf;	     /* /sys/kernel/btf/vmlinux */
	int syncookies;	     /* net.ipv4.tcp_syncookies, -1 = unknown */
	bool forwards;	     /* net.ipv4.ip_forward, or the same for IPv6 */
	unsigned int online; /* CPUs */
	__u64 mem_available; /* bytes */
	__u64 cgroup_left;   /* bytes below memory.max, ~0 = no limit */
};
/* Never fails: what cannot be known is false, unknown, or 0. */
void fw_probe_host(struct fw_host *ret);

/* TCP ports on which somebody in the caller's network namespace listens, on whatever address. */
struct fw_listeners {
	bool known;
	__u8 bits[65536 / 8];
};
void fw_probe_listeners(struct fw_listeners *ret);
bool fw_probe_listens(const struct fw_listeners *listeners, __u16 port);

struct fw_iface_info {
	char name[16];
	int ifindex;
	char driver[32], driver_version[32], bus[32]; /* empty = unknown */
	char kind[16];	 /* rtnl link kind: veth, vlan, bond, ...; empty = physical or unknown */
	char parent[16]; /* of a VLAN, macvlan; empty = none */
	__u32 mtu;
	bool up;
	enum fw_tri xdp_native, xdp_frags; /* netdev genl where the kernel has it (6.3) */
	enum fw_tri lro, gro_hw;	   /* offloads that are on: joining packets, */
	bool gro_hw_fixed;		   /* and cannot be switched off from here */
	enum fw_tri rx_vlan, rx_stag;	   /* taking tags (802.1Q, 802.1ad) out of frames */
	unsigned int queues, queues_max;   /* receive queues in use and possible, 0 = unknown */
	bool combined;			   /* they are "combined" channels of ethtool, else "rx" */
	unsigned int rss_queues;	   /* distinct queues in it */
};
/* -ENODEV (1) naming ifname if there is none; everything else degrades to unknown. */
int fw_probe_iface(const char *ifname, struct fw_iface_info *ret, struct fw_err *err);

/*
 * Whether packets are joined before XDP sees them. virtio_net switches hardware GRO off while a
 * program is there, though it goes on to call it on; where the hypervisor keeps it from doing so
 * (no VIRTIO_NET_F_CTRL_GUEST_OFFLOADS), it refuses programs (virtnet_xdp_set).
 */
bool fw_probe_joins(const struct fw_iface_info *info);
bool fw_probe_is_virtio(const struct fw_iface_info *info);

/*
 * Whether the interface is a veth with too few receive queues for native XDP (veth_xdp_set refuses,
 * and its features say no), and the command that mends it; FW_PROBE_VETH is the sentence, with the
 * number of queues.
 */
#define FW_PROBE_VETH                                                                             \
	"takes native XDP only with a receive queue for each transmit queue of its peer; it has " \
	"%u"
bool fw_probe_veth_queues(const struct fw_iface_info *info, char *ret_mend, size_t size);

/* Largest MTU at which driver takes a program without frags, 0 = not in the table. */
__u32 fw_probe_mtu_limit(const char *driver);

/*
 * What TCP options a SYN cookie can carry here. True: the kernel takes them from the time stamp (it
 * adds no offset of its own to it); then *ret_wscale is the window scale that it will reckon with
 * when the cookie comes back, 15 = none. Reads the sysctls of the network namespace it runs in.
 */
bool fw_probe_cookie_options(__u8 *ret_wscale);

/*
 * Lowest port that the kernel gives a socket which asks for none (net.ipv4.ip_local_port_range, of
 * both families), host order; its default if that cannot be read. Of the caller's network
 * namespace.
 */
__u16 fw_probe_local_port(void);

#endif
