/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that appears whole, or not at all, and never in another one's place. Until then it has no
 * name where the file system can do that, so that whoever is killed leaves nothing.
 */
#ifndef FW_BASE_NEWFILE_H
#define FW_BASE_NEWFILE_H

#include <limits.h>
#include "user/base/err.h"

struct fw_newfile {
	int fd;			   /* to write to; owned by this */
	const char *path;	   /* the caller's, as long as this lives */
	char dir[PATH_MAX];	   /* the folder it will lie in */
	char draft[PATH_MAX + 16]; /* its name meanwhile; "" = none */
};

/* Mode 0600. -EEXIST, or -EINVAL where path is no name of a file: told before anything is made. */
int fw_newfile_open(struct fw_newfile *file, const char *path, struct fw_err *err);
/* Gives it its name, on the disk, too. -errno; -EEXIST if somebody else was faster. */
int fw_newfile_name(struct fw_newfile *file);
/* What has no name yet is gone. */
void fw_newfile_close(struct fw_newfile *file);

#endif
