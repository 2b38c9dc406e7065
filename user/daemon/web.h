/* SPDX-License-Identifier: GPL-2.0-only */
/* Metrics and status over HTTP. */
#ifndef FW_DAEMON_WEB_H
#define FW_DAEMON_WEB_H

#include "user/base/http.h"
#include "user/daemon/daemon.h"

extern const struct fw_part fw_part_web;

/* It listens and does not block. Its number, or -errno with err filled. */
int fw_web_socket(const struct fw_listen *listen_on, int backlog, struct fw_err *err);

#endif
