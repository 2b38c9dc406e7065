/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network namespace without a network: what the program asks the kernel's socket table there, it
 * is not told about this host. Who listens is declared: servers of the policy's services, and those
 * whose SYN-ACK stands in the capture. They give SYN cookies as under net.ipv4.tcp_syncookies=2.
 */
#ifndef FW_CORE_ALONE_H
#define FW_CORE_ALONE_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/policy/model.h"

struct fw_alone;

/*
 * Moves the calling thread. models: count of them, at most 2, borrowed until the
 * end. -EPERM (4): not
 * permitted. Where the sysctl cannot be written it is as the kernel makes it, and *ret_cookies
 * false.
 */
int fw_alone_begin(const struct fw_model *const *models, unsigned int count, struct fw_alone **ret,
		   bool *ret_cookies, struct fw_err *err);

/*
 * A TCP packet is about to be judged: if a service is at its destination, a server listens there
 * from now on. Cheap after the first packet of a port. False: nobody listens there.
 */
bool fw_alone_asked(struct fw_alone *alone, const __be32 daddr_be[4], __be16 dport);

/* A server was seen to answer. */
void fw_alone_answered(struct fw_alone *alone, const __be32 addr_be[4], __be16 port);

/* Listening sockets that could not be opened. */
unsigned int fw_alone_failed(const struct fw_alone *alone);

/* Closes the listeners, and moves the thread back. NULL is fine. */
void fw_alone_end(struct fw_alone *alone);

#endif
