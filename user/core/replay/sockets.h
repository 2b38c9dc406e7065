/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of that night, as the kernel's socket table knew them: established sockets between
 * addresses of a capture, made without a packet (TCP_REPAIR) in the namespace of alone.h. For the
 * few of which the program asks the table whether a packet belongs to one; the last ones asked for
 * are kept.
 */
#ifndef FW_CORE_SOCKETS_H
#define FW_CORE_SOCKETS_H

#include <stdbool.h>
#include <linux/types.h>

struct fw_sockets;

/* In the namespace, as its only user. NULL: no memory. */
struct fw_sockets *fw_sockets_new(void);
void fw_sockets_free(struct fw_sockets *sockets); /* NULL is fine */

/* From now on there is a socket of (local, lport) that is connected to (remote, rport). */
bool fw_sockets_open(struct fw_sockets *sockets, const __be32 local_be[4], __be16 lport,
		     const __be32 remote_be[4], __be16 rport);

#endif
