/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy file and the command line, as the parts want them: read, applied, and what was said
 * about interfaces and metrics. The command line beats the file.
 */
#ifndef FW_DAEMON_WISH_H
#define FW_DAEMON_WISH_H

#include "user/base/http.h"
#include "user/daemon/ifaces.h"

/* Interfaces that should be filtered. -E2BIG beyond FW_IFACE_MAX. */
int fw_wish_ifaces(const struct fw_daemon *daemon, struct fw_want ret[FW_IFACE_MAX],
		   unsigned int *ret_nr, struct fw_err *err);

/* Where to serve metrics. -EINVAL: the command line says nonsense. */
int fw_wish_listen(const struct fw_daemon *daemon, struct fw_listen *ret, struct fw_err *err);

#endif
