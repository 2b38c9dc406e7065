/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a lock, for the message of whoever waits for it. */
#ifndef FW_BASE_FLOCK_H
#define FW_BASE_FLOCK_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * The process that holds a flock() of the file st tells about, as a text in the form of /proc/locks
 * (proc(5)) has it. 0: nobody, or nobody of this process namespace.
 */
pid_t fw_flock_owner(const char *locks, const struct stat *st);

/* "process 12 (floodwall attach eth0)" of who holds it now, or "" if that cannot be told. */
void fw_flock_describe(const struct stat *st, char *ret, size_t size, pid_t *ret_pid);

#endif
