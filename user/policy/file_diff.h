/* SPDX-License-Identifier: GPL-2.0-only */
/* What is different between two policies, key by key and prefix by prefix. Pure. */
#ifndef FW_FILE_DIFF_H
#define FW_FILE_DIFF_H

#include "user/policy/file.h"

/* path: "classes.default.syn"; before, after: as the file says them, NULL = not there. */
typedef void fw_file_diff_fn(void *arg, const char *path, const char *before, const char *after);

/*
 * Calls visit for each difference: keys first, in the file's order, then prefixes. Of both only the
 * private index of prefixes changes. 0, -ENOMEM.
 */
int fw_file_diff(struct fw_file *before, struct fw_file *after, struct fw_file_clock clock,
		 fw_file_diff_fn *visit, void *arg, struct fw_err *err);

#endif
