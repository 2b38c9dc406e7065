/* SPDX-License-Identifier: GPL-2.0-only */
/* The texts that say why, one of each; used by prefixes.c alone. */
#ifndef FW_PREFIXES_WHY_H
#define FW_PREFIXES_WHY_H

#include "user/policy/prefixes.h"

/* Index of a text, entered if it is new. NULL and "" are 0. -EINVAL, -ENOSPC, -ENOMEM. */
int fw_prefixes_why_get(struct fw_prefixes *set, const char *why, __u16 *ret_index,
			struct fw_err *err);

/* Copies the texts of the maps into an empty set. -EINVAL, -ENOMEM. */
int fw_prefixes_why_load(struct fw_prefixes *set, const struct fw_why *why, size_t whys,
			 struct fw_err *err);

#endif
