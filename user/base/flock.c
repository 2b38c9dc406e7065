// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel lists its locks in /proc/locks, a line each:
 *   12: FLOCK  ADVISORY  WRITE 4711 00:1c:8192 0 EOF
 * (device in hex, inode in decimal; one who waits has "->" behind the number). All of it may be
 * outdated when it is read: it is good for a message only.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "user/base/flock.h"

pid_t fw_flock_owner(const char *locks, const struct stat *st)
{
	unsigned int major, minor;
	unsigned long long inode;
	int pid;

	for (const char *line = locks; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%llu", &pid, &major, &minor,
			   &inode) == 4 &&
		    pid > 0 && major == major(st->st_dev) && minor == minor(st->st_dev) &&
		    inode == st->st_ino)
			return pid;
	}
	return 0;
}

/* The start of a file as text, zero bytes as spaces. */
static void read_start(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got = 0;

	while (fd >= 0 && used < size - 1 && (got = read(fd, ret + used, size - 1 - used)) > 0)
		used += (size_t)got;
	if (fd >= 0)
		close(fd);
	while (used && !ret[used - 1])
		used--;
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)ret[i] < ' ' && ret[i] != '\n')
			ret[i] = ' ';
	ret[used] = '\0';
}

void fw_flock_describe(const struct stat *st, char *ret, size_t size, pid_t *ret_pid)
{
	char locks[32768], path[32], line[80];

	read_start("/proc/locks", locks, sizeof(locks));
	*ret_pid = fw_flock_owner(locks, st);
	*ret = '\0';
	if (!*ret_pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", *ret_pid);
	read_start(path, line, sizeof(line));
	for (char *c = line; *c; c++)
		if (*c == '\n')
			*c = ' ';
	snprintf(ret, size, "process %d%s%s%s", *ret_pid, *line ? " (" : "", line,
		 *line ? ")" : "");
}
