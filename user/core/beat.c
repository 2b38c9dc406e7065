// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lock and heartbeat of the controller. An open-file-description lock: it lives and dies with the
 * descriptor, whatever else this process opens. A file removed under us by a clean end of another
 * controller is noticed: the lock counts only on the file that has the name now.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/clock.h"
#include "user/core/beat.h"

/* systemd may name several directories with colons between; ours has one. */
static const char *from_env(const char *name, const char *otherwise)
{
	const char *env = getenv(name);

	return env && *env == '/' && !strchr(env, ':') ? env : otherwise;
}

const char *fw_beat_dir(void)
{
	return from_env(FW_BEAT_ENV, FW_BEAT_DIR);
}

const char *fw_beat_state_dir(void)
{
	return from_env(FW_STATE_ENV, FW_STATE_DIR);
}

/* /sys/fs/bpf/floodwall -> DIR/sys-fs-bpf-floodwall.pid */
static int beat_path(char path[PATH_MAX], const char *dir, const char *pins)
{
	int at = snprintf(path, PATH_MAX, "%s/", dir);

	for (; *pins == '/'; pins++)
		;
	for (; *pins && at > 0 && at < PATH_MAX - 1; pins++)
		if (*pins != '/' || (pins[1] && pins[1] != '/'))
			path[at++] = *pins == '/' ? '-' : *pins;
	if (at < 0 || at + 5 > PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path + at, ".pid", 5);
	return 0;
}

/* A full or read-only /run is not mended by more rights. */
static const char *way_out(int code)
{
	return code == -EACCES || code == -EPERM
		       ? "run as root, or as the user of the service"
		       : "mend it, or name another directory: " FW_BEAT_ENV "=DIR floodwall run";
}

static pid_t read_pid(int fd)
{
	char text[24] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool is_named(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int try_take(const char *path, int *ret_fd, struct fw_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644), r;

	if (fd < 0)
		return fw_err_set(err, -errno, way_out(-errno), "cannot open %s: %s", path,
				  strerror(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		r = -errno;
		if (r == -EAGAIN || r == -EACCES)
			r = fw_err_set(err, -EBUSY, "systemctl status floodwall",
				       "a controller runs already on these pins, process %d",
				       (int)read_pid(fd));
		else
			fw_err_set(err, r, NULL, "cannot lock %s: %s", path, strerror(-r));
		close(fd);
		return r;
	}
	if (!is_named(fd, path)) {
		close(fd);
		return -EAGAIN;
	}
	*ret_fd = fd;
	return 0;
}

int fw_beat_take(const char *dir, const char *pins, int *ret_fd, struct fw_err *err)
{
	char path[PATH_MAX], text[24];
	int fd = -1, len, r = beat_path(path, dir, pins);

	if (r)
		return fw_err_set(err, r, NULL, "name too long: %s in %s", pins, dir);
	if (mkdir(dir, 0755) && errno != EEXIST)
		return fw_err_set(err, -errno, way_out(-errno), "cannot make %s: %s", dir,
				  strerror(errno));
	do
		r = try_take(path, &fd, err);
	while (r == -EAGAIN);
	if (r)
		return r;
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len) {
		r = errno ? -errno : -EIO;
		fw_err_set(err, r, way_out(r), "cannot write %s: %s", path, strerror(-r));
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int fw_beat_touch(int fd)
{
	return futimens(fd, NULL) ? -errno : 0;
}

void fw_beat_drop(const char *dir, const char *pins, int fd)
{
	char path[PATH_MAX];

	if (fd < 0)
		return;
	if (!beat_path(path, dir, pins))
		unlink(path);
	close(fd);
}

struct fw_beat fw_beat_read(const char *dir, const char *pins)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct fw_beat beat = {};
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (beat_path(path, dir, pins))
		return beat;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return beat;
	beat.alive = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
	beat.pid = read_pid(fd);
	if (!fstat(fd, &st))
		beat.when_ns = (__u64)st.st_mtim.tv_sec * FW_NS_PER_S + (__u64)st.st_mtim.tv_nsec;
	close(fd);
	return beat;
}
