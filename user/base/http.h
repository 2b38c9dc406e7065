/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that comes in with a scrape, or says where to serve it. Pure. */
#ifndef FW_BASE_HTTP_H
#define FW_BASE_HTTP_H

#include <stdbool.h>
#include <linux/types.h>
#include "user/base/err.h"

/*
 * Does this Accept header (NULL: none) want OpenMetrics 1.0 rather than the text format 0.0.4?
 * Media ranges and weights as RFC 9110, section 12.5.1, has them; what cannot be read wants
 * nothing.
 */
bool fw_http_wants_openmetrics(const char *accept);

struct fw_listen {
	bool off;
	__be32 addr_be[4]; /* 128-bit form; IPv4 as ::ffff:a.b.c.d; all zero: every address */
	__u16 port;	   /* host order */
};
/* "127.0.0.1:9797", "[::1]:9797", "*:9797" or "off". -EINVAL. */
int fw_http_listen(const char *text, struct fw_listen *ret, struct fw_err *err);
/* Is it an address that only this host reaches? */
bool fw_http_loopback(const struct fw_listen *listen);

#endif
