// SPDX-License-Identifier: GPL-2.0-only
/* What a rename() may take the place of; see replace.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/replace.h"

int fw_replace_target(const char *path, const char *hint, char ret[PATH_MAX], struct fw_err *err)
{
	struct stat st;
	int r;

	if (strlen(path) >= PATH_MAX)
		return fw_err_set(err, -ENAMETOOLONG, NULL, "the name of the file is too long");
	if (stat(path, &st)) { /* what is wrong with it, writing will say */
		snprintf(ret, PATH_MAX, "%s", path);
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return fw_err_set(err, -EINVAL, hint, "%s is %s, not a file", path,
				  S_ISDIR(st.st_mode) ? "a directory" : "a device or the like");
	if (realpath(path, ret))
		return 0;
	r = -errno;
	return fw_err_set_file(err, r, NULL, "cannot find %s: %s", path, strerror(errno));
}
