/* SPDX-License-Identifier: GPL-2.0-only */
/* What the statistics of network drivers mean, judged by their names (ethtool -S). Pure. */
#ifndef FW_BASE_NIC_NAME_H
#define FW_BASE_NIC_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define FW_NIC_NAME 40

/* Packets that one receive queue got: true, and *ret_queue says which. */
bool fw_nic_name_queue(const char *name, unsigned int *ret_queue);

/*
 * Something received that was thrown away or spoilt: true, and buf (FW_NIC_NAME bytes) holds the
 * name with every number as '#', so that the queues of one kind fall together.
 */
bool fw_nic_name_discard(const char *name, char *buf);

#endif
