/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing a file in another one's place, by rename(): what may be replaced, and where it lies. */
#ifndef FW_BASE_REPLACE_H
#define FW_BASE_REPLACE_H

#include <limits.h>
#include "user/base/err.h"

/*
 * ret: the name to replace for `path`, behind its symbolic links, which stay; `path` itself if
 * nothing is there. -EINVAL with `hint` (may be NULL): something is there that is no file, and a
 * rename() would take it away, as root even /dev/null. Whoever may write the folder can change all
 * that at any time; this is against slips.
 */
int fw_replace_target(const char *path, const char *hint, char ret[PATH_MAX], struct fw_err *err);

#endif
