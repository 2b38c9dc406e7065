/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether what the kernel numbered is still there, in whatever namespace it is used. */
#ifndef FW_KERN_IDS_H
#define FW_KERN_IDS_H

#include <stdbool.h>
#include <linux/types.h>

enum fw_id { FW_ID_PROG, FW_ID_MAP };

/* Never of 0. Whoever may not ask must not conclude that it is gone: then true. */
bool fw_ids_exists(enum fw_id kind, __u32 id);

#endif
