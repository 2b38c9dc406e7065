// SPDX-License-Identifier: GPL-2.0-only
/* The table of parts. */
#include "user/daemon/ifaces.h"
#include "user/daemon/watch.h"
#include "user/daemon/recorder.h"
#include "user/daemon/web.h"

const struct fw_part *const fw_parts[FW_PART_MAX] = {
	[FW_PART_IFACES] = &fw_part_ifaces, [FW_PART_LINKS] = &fw_part_links,
	[FW_PART_WATCH] = &fw_part_watch,   [FW_PART_EXPIRE] = &fw_part_expire,
	[FW_PART_WEB] = &fw_part_web,	    [FW_PART_RECORDER] = &fw_part_recorder,
};

bool fw_part_works(const struct fw_daemon *daemon, enum fw_part_id id)
{
	return daemon->up[id] && (!fw_parts[id]->works || fw_parts[id]->works(daemon));
}
