// SPDX-License-Identifier: GPL-2.0-only
/* Files that appear whole; see newfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/newfile.h"

/* What cannot be a new file's name is said before an hour's work is done for it. */
static int check_name(const char *path, struct fw_err *err)
{
	size_t len = strlen(path);
	struct stat st;

	if (len >= PATH_MAX)
		return fw_err_set(err, -ENAMETOOLONG, NULL, "the name of the file is too long");
	if (!len || path[len - 1] == '/')
		return fw_err_set(err, -EINVAL, "give the name of a file that is not there yet",
				  "\"%s\" is no name of a file", path);
	if (!lstat(path, &st)) /* also a link that leads nowhere */
		return fw_err_set(err, -EEXIST, "give another name, or move the old one away first",
				  "%s is there already", path);
	if (errno == ENOENT)
		return 0;
	return fw_err_set_file(err, -errno, NULL, "cannot make %s: %s", path, strerror(errno));
}

static int open_draft(struct fw_newfile *file)
{
	int fd = open(file->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	*file->draft = '\0';
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	if ((size_t)snprintf(file->draft, sizeof(file->draft), "%s.%d", file->path,
			     (int)getpid()) >= sizeof(file->draft))
		return -ENAMETOOLONG;
	fd = open(file->draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int fw_newfile_open(struct fw_newfile *file, const char *path, struct fw_err *err)
{
	char copy[PATH_MAX];
	int r = check_name(path, err);

	*file = (struct fw_newfile){ .fd = -1, .path = path };
	if (r)
		return r;
	snprintf(copy, sizeof(copy), "%s", path);
	snprintf(file->dir, sizeof(file->dir), "%s", dirname(copy));
	file->fd = open_draft(file);
	if (file->fd < 0)
		return fw_err_set_file(err, file->fd, NULL, "cannot make %s: %s", path,
				       strerror(-file->fd));
	return 0;
}

/* Where no rename can be asked to spare what is there (NFS, most file systems in user space), a
 * second name can; FAT has none, and there a look before must do. */
static int rename_draft(const char *draft, const char *path)
{
	struct stat st;

	if (!renameat2(AT_FDCWD, draft, AT_FDCWD, path, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (!link(draft, path)) {
		(void)unlink(draft); /* a second name of a whole file: no harm */
		return 0;
	}
	if (errno == EEXIST || !lstat(path, &st))
		return -EEXIST;
	return rename(draft, path) ? -errno : 0;
}

int fw_newfile_name(struct fw_newfile *file)
{
	char proc[32];
	int r = 0, folder;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", file->fd);
	if (*file->draft)
		r = rename_draft(file->draft, file->path);
	else if (linkat(AT_FDCWD, proc, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW))
		r = -errno;
	if (r)
		return r;
	*file->draft = '\0';
	folder = open(file->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		(void)fsync(folder); /* the file itself is on the disk; some folders cannot sync */
		close(folder);
	}
	return 0;
}

void fw_newfile_close(struct fw_newfile *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (*file->draft)
		unlink(file->draft);
	*file = (struct fw_newfile){ .fd = -1 };
}
