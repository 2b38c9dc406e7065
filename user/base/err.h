/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors as values: whoever fails says once what was wrong and what to do about it, the front end
 * prints it. Nothing below core prints or logs.
 */
#ifndef FW_ERR_H
#define FW_ERR_H

/* Exit codes of the command. */
enum fw_exit {
	FW_EXIT_OK = 0,
	FW_EXIT_USAGE = 1,    /* usage or bad input */
	FW_EXIT_FAILED = 2,   /* refused by the kernel, or failed */
	FW_EXIT_NOTHING = 3,  /* nothing attached, no state there */
	FW_EXIT_PERM = 4,     /* not permitted */
	FW_EXIT_DEGRADED = 5, /* works, but not as it should */
};

#define FW_ERR_LEN 256
struct fw_err {
	char msg[FW_ERR_LEN]; /* one sentence, no full stop, no newline; names the offending text */
	char hint[FW_ERR_LEN]; /* what to do; may be empty */
	int exit_code;	       /* enum fw_exit, what the command should end with */
};

/*
 * Fills err and returns code, so that `return fw_err_set(err, -EINVAL, ...)` fails with a reason.
 * code: -errno; exit_code follows from it: EINVAL, ERANGE, E2BIG, EEXIST, ENAMETOOLONG: usage;
 * EPERM, EACCES: permission; ENOENT, ENODEV: nothing there; all others: failed. The caller may
 * overwrite exit_code. hint: NULL for none. err: NULL is allowed and only returns code.
 * Control characters and invalid UTF-8 in the text come out as '?': it quotes what users typed.
 */
int fw_err_set(struct fw_err *err, int code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same for a file that somebody named: a name that leads to no such file is bad input (ENOENT,
 * ENOTDIR, EISDIR, ELOOP: usage). hint: NULL for the usual one of code. What floodwall itself keeps
 * and has not made yet is fw_err_set's.
 */
int fw_err_set_file(struct fw_err *err, int code, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "where: " in front of the message already in err (a file, an interface). NULL is allowed. */
void fw_err_prepend(struct fw_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
