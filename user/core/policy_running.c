// SPDX-License-Identifier: GPL-2.0-only
/* What runs, as a policy file would say it; and who it is that asks. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/core/policy_record.h"
#include "user/kern/attach.h"

/* The user before sudo; of the session its address, where the environment says it. */
const char *fw_policy_who(char *buf, size_t size)
{
	const char *user = getenv("SUDO_USER"), *from = getenv("SSH_CONNECTION");
	const struct passwd *entry;
	char raw[256], uid[24];

	if (!user || !*user) {
		entry = getpwuid(getuid());
		snprintf(uid, sizeof(uid), "uid %u", (unsigned int)getuid());
		user = entry ? entry->pw_name : uid;
	}
	snprintf(raw, sizeof(raw), "%.40s%s%.*s", user, from ? " from " : "",
		 from ? (int)strcspn(from, " ") : 0, from ?: "");
	return fw_text_clean(buf, size, raw);
}

/* The interfaces of this namespace that the program is on, by name. */
static int read_ifaces(const struct fw_maps *maps, struct fw_settings *settings, struct fw_err *err)
{
	struct fw_iface list[FW_IFACE_MAX];
	__u64 netns = fw_attach_netns();
	unsigned int n = 0;
	int r = fw_maps_ifaces(maps->iface_fd, list, &n);

	if (r)
		return fw_err_set(err, r, NULL, "cannot read the record of interfaces: %s",
				  strerror(-r));
	memset(settings->iface, 0, sizeof(settings->iface));
	settings->ifaces = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct fw_file_iface *to = &settings->iface[settings->ifaces];

		if (list[i].netns != netns)
			continue;
		memcpy(to->name, list[i].name, sizeof(to->name));
		to->name[sizeof(to->name) - 1] = '\0';
		to->mode = list[i].mode;
		settings->ifaces++;
	}
	return 0;
}

int fw_policy_running(const struct fw_maps *maps, struct fw_file *ret, struct fw_err *err)
{
	struct fw_file file = { 0 };
	int r = fw_apply_read_model(maps, &file.model, err);

	if (!r)
		r = fw_apply_read_prefixes(maps, &file.lanes, err);
	if (!r) {
		fw_prefixes_expire(&file.lanes, (__u32)(fw_apply_now(maps) / FW_NS_PER_S));
		fw_policy_record_settings(maps, &file.settings);
		r = read_ifaces(maps, &file.settings, err);
	}
	if (r)
		fw_file_free(&file);
	else
		*ret = file;
	return r;
}
