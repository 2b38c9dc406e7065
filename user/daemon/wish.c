// SPDX-License-Identifier: GPL-2.0-only
/* The policy file's interfaces first, then those of the command line, whose mode counts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/daemon/wish.h"

/* The place of a name, which is the end if it is not among them yet: no interface is wanted twice.
 */
static unsigned int place(const struct fw_want *want, unsigned int nr, const char *name)
{
	unsigned int i = 0;

	while (i < nr && strcmp(want[i].name, name))
		i++;
	return i;
}

int fw_wish_ifaces(const struct fw_daemon *daemon, struct fw_want ret[FW_IFACE_MAX],
		   unsigned int *ret_nr, struct fw_err *err)
{
	const struct fw_settings *settings = &daemon->settings;
	unsigned int nr = 0, at;

	for (; nr < settings->ifaces; nr++) {
		ret[nr] = (struct fw_want){ .mode = (enum fw_mode)settings->iface[nr].mode };
		snprintf(ret[nr].name, sizeof(ret->name), "%s", settings->iface[nr].name);
	}
	for (unsigned int i = 0; i < daemon->opts.ifaces; i++) {
		if (!fw_text_is_iface(daemon->opts.iface[i]))
			return fw_err_set(err, -EINVAL, NULL, "no interface can be called %s",
					  daemon->opts.iface[i]);
		at = place(ret, nr, daemon->opts.iface[i]);
		if (at == FW_IFACE_MAX)
			return fw_err_set(err, -E2BIG, NULL, "more than %d interfaces",
					  FW_IFACE_MAX);
		ret[at] = (struct fw_want){ .mode = daemon->opts.mode };
		snprintf(ret[at].name, sizeof(ret->name), "%s", daemon->opts.iface[i]);
		nr = at == nr ? nr + 1 : nr;
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
