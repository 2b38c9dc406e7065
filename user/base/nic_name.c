// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers name their counters as they like; there is no standard. The table holds what is known of
 * those that matter; a driver not in it loses this one metric and nothing else.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/nic_name.h"

static const char *const queue_names[] = {
	"rx_queue_#_packets",	  /* igb, ixgbe, ice, virtio_net */
	"rx_queue_#_xdp_packets", /* veth */
	"rx#_packets",		  /* mlx5, virtio_net since 6.8 */
	"rx-#.packets",		  /* i40e */
	"rx-#.rx_packets",	  /* nfp, sfc variants */
	"queue_#_rx_cnt",	  /* ena */
	"[#]: rx_ucast_packets",  /* bnxt */
	"rx_#_packets",		  /* hv_netvsc variants */
	"rxq#_packets",
	"rx_q#_packets",
};

static const char *const bad_words[] = {
	"drop",	  "discard",  "miss",	   "no_buf",  "nobuf",	       "no_dma", "overrun",
	"overf",  "overflow", "error",	   "_err",    "fifo",	       "crc",	 "length",
	"jabber", "oversize", "undersize", "exhaust", "out_of_buffer", "starv",
};

/* Every run of digits becomes '#'. Returns the first number, or 0. */
static unsigned int template(const char *name, char *buf)
{
	unsigned int first = 0;
	size_t used = 0;
	bool seen = false;

	while (*name && used < FW_NIC_NAME - 1) {
		if (!isdigit((unsigned char)*name)) {
			buf[used++] = *name++;
			continue;
		}
		if (!seen)
			first = (unsigned int)strtoul(name, NULL, 10);
		seen = true;
		buf[used++] = '#';
		while (isdigit((unsigned char)*name))
			name++;
	}
	buf[used] = '\0';
	return first;
}

bool fw_nic_name_queue(const char *name, unsigned int *ret_queue)
{
	char kind[FW_NIC_NAME];
	unsigned int queue = template(name, kind);

	for (size_t i = 0; i < sizeof(queue_names) / sizeof(*queue_names); i++)
		if (!strcmp(kind, queue_names[i]) && queue < 4096) {
			*ret_queue = queue;
			return true;
		}
	return false;
}

bool fw_nic_name_discard(const char *name, char *buf)
{
	if (!strncmp(name, "tx", 2) || strstr(name, "_tx_") || strstr(name, ": tx"))
		return false;
	template(name, buf);
	for (size_t i = 0; i < sizeof(bad_words) / sizeof(*bad_words); i++)
		if (strstr(buf, bad_words[i]))
			return true;
	return false;
}
