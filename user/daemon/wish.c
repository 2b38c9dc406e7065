// SPDX-License-Identifier: GPL-2.0-only
/* The policy file's interfaces first, then those of the command line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/daemon/wish.h"

int fw_wish_ifaces(const struct fw_daemon *daemon, struct fw_want ret[FW_IFACE_MAX],
		   unsigned int *ret_nr, struct fw_err *err)
{
	const struct fw_settings *settings = &daemon->settings;
	unsigned int nr = 0;

	for (; nr < settings->ifaces; nr++) {
		ret[nr] = (struct fw_want){ .mode = (enum fw_mode)settings->iface[nr].mode };
		snprintf(ret[nr].name, sizeof(ret->name), "%s", settings->iface[nr].name);
	}
	for (unsigned int i = 0; i < daemon->opts.ifaces; i++) {
		if (!fw_text_is_iface(daemon->opts.iface[i]))
			return fw_err_set(err, -EINVAL, NULL, "no interface can be called %s",
					  daemon->opts.iface[i]);
		if (nr == FW_IFACE_MAX)
			return fw_err_set(err, -E2BIG, NULL, "more than %d interfaces",
					  FW_IFACE_MAX);
		ret[nr] = (struct fw_want){ .mode = daemon->opts.mode };
		snprintf(ret[nr++].name, sizeof(ret->name), "%s", daemon->opts.iface[i]);
	}
	*ret_nr = nr;
	return 0;
}

int fw_wish_listen(const struct fw_daemon *daemon, struct fw_listen *ret, struct fw_err *err)
{
	const struct fw_settings *settings = &daemon->settings;

	if (daemon->opts.listen)
		return fw_http_listen(daemon->opts.listen, ret, err);
	*ret = (struct fw_listen){ .off = !settings->metrics, .port = settings->port };
	memcpy(ret->addr_be, settings->listen_be, sizeof(ret->addr_be));
	return 0;
}
