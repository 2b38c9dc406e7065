/* SPDX-License-Identifier: GPL-2.0-only */
/* What an interface and its driver count themselves. Only looks. */
#ifndef FW_KERN_NIC_H
#define FW_KERN_NIC_H

#include <linux/if_link.h>
#include <linux/types.h>
#include "user/base/nic_name.h"

#define FW_NIC_QUEUES	256
#define FW_NIC_DISCARDS 64

struct fw_nic {
	struct rtnl_link_stats64 link;
	unsigned int queues, discards; /* in use below */
	__u64 queue[FW_NIC_QUEUES];    /* packets by receive queue */
	struct {
		char name[FW_NIC_NAME]; /* numbers as '#' */
		__u64 value;		/* summed over them */
	} discard[FW_NIC_DISCARDS];
};

/*
 * 0 or -errno (-ENODEV: no such interface); ret untouched on failure. A driver without statistics
 * of its own leaves queues and discards 0.
 */
int fw_nic_read(unsigned int ifindex, struct fw_nic *ret);

#endif
