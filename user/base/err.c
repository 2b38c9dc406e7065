// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling struct fw_err. What must stay true: message and hint are one printable line each,
 * whatever bytes the quoted text had, and code comes back unchanged.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "user/base/err.h"
#include "user/base/text.h"

static int exit_code(int code)
{
	switch (-code) {
	case EINVAL:
	case ERANGE:
	case E2BIG:
	case EEXIST:
	case ENAMETOOLONG:
		return FW_EXIT_USAGE;
	case EPERM:
	case EACCES:
		return FW_EXIT_PERM;
	case ENOENT:
	case ENODEV:
		return FW_EXIT_NOTHING;
	default:
		return FW_EXIT_FAILED;
	}
}

static void fill(struct fw_err *err, const char *hint, const char *fmt, va_list args)
{
	char raw[FW_ERR_LEN];
	char hint_raw[FW_ERR_LEN];

	/* Both are copied first: the caller may quote what err held before. */
	vsnprintf(raw, sizeof(raw), fmt, args);
	snprintf(hint_raw, sizeof(hint_raw), "%s", hint ? hint : "");
	fw_text_clean(err->msg, sizeof(err->msg), raw);
	fw_text_clean(err->hint, sizeof(err->hint), hint_raw);
}

int fw_err_set(struct fw_err *err, int code, const char *hint, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	fill(err, hint, fmt, args);
	va_end(args);
	err->exit_code = exit_code(code);
	return code;
}

static const char *file_hint(int code)
{
	switch (-code) {
	case ENOENT:
	case ENOTDIR:
		return "is the name right? Without a / in front it begins in the current directory";
	case EISDIR:
		return "name a file in it";
	case EACCES:
	case EPERM:
		return "run as root, or as somebody whom its rights let in";
	case ENOSPC:
	case EDQUOT:
		return "make room there, or name a file elsewhere";
	case EROFS:
		return "name a file where this machine may write";
	default:
		return NULL;
	}
}

int fw_err_set_file(struct fw_err *err, int code, const char *hint, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, fmt);
	fill(err, hint ?: file_hint(code), fmt, args);
	va_end(args);
	err->exit_code = code == -ENOENT || code == -ENOTDIR || code == -EISDIR || code == -ELOOP
				 ? FW_EXIT_USAGE
				 : exit_code(code);
	return code;
}

void fw_err_prepend(struct fw_err *err, const char *fmt, ...)
{
	char raw[2 * FW_ERR_LEN + 2];
	va_list args;
	int len;

	if (!err)
		return;
	va_start(args, fmt);
	len = vsnprintf(raw, FW_ERR_LEN, fmt, args);
	va_end(args);
	if (len < 0 || len >= FW_ERR_LEN)
		return; /* a name that leaves no room for the message itself */
	snprintf(raw + len, FW_ERR_LEN + 2, ": %s", err->msg);
	fw_text_clean(err->msg, sizeof(err->msg), raw);
}
