/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of prefixes as the world keeps them: one prefix or address a line, comments from # or ; to
 * the end of the line, blank lines, CRLF, a UTF-8 byte order mark. All problems are found in one
 * pass, with line and column; a list with one problem adds nothing.
 */
#ifndef FW_IMPORT_H
#define FW_IMPORT_H

#include <linux/types.h>
#include <stddef.h>
#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/policy/prefixes.h"

#define FW_IMPORT_SHOWN 20 /* problems kept in full; all are counted */

struct fw_import_problem {
	size_t line; /* from 1 */
	size_t col;  /* from 1, in bytes */
	struct fw_err err;
};

struct fw_import_report {
	size_t lines;	 /* in the text */
	size_t prefixes; /* lines that hold one */
	size_t added;	 /* new in the set */
	size_t replaced; /* were there before; until, why and class are now this list's */
	size_t repeated; /* occur more than once in this list */
	size_t problems; /* all; the first FW_IMPORT_SHOWN are in problem[] */
	struct fw_import_problem problem[FW_IMPORT_SHOWN];
};

/*
 * name: of the file, for the error. how: lane, class, until_s, since_s of every entry (its address,
 * len and why are ignored). why: as in fw_prefixes_add. ret_report is always written. -EINVAL:
 * there are problems, err says "name:line:col: ..." for the first and how many more; set is
 * untouched. -ENOSPC, -ENOMEM: set is untouched as well.
 */
int fw_import_text(const char *name, const char *text, size_t size, const struct fw_prefix *how,
		   const char *why, struct fw_prefixes *set, struct fw_import_report *ret_report,
		   struct fw_err *err);

#endif
