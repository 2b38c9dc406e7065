// SPDX-License-Identifier: GPL-2.0-only
/* A number is in use if it is the next one after its predecessor: that opens nothing. */
#include <errno.h>
#include <bpf/bpf.h>

#include "user/kern/ids.h"

bool fw_ids_exists(enum fw_id kind, __u32 id)
{
	__u32 next = 0;

	if (!id)
		return false;
	if (kind == FW_ID_PROG ? bpf_prog_get_next_id(id - 1, &next)
			       : bpf_map_get_next_id(id - 1, &next))
		return errno == EPERM;
	return next == id;
}
