/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text from outside (notes, names, holders of networks) in the languages of our reports. Whatever
 * bytes it has, the result is valid UTF-8 without control characters and cannot end the place it
 * stands in. Each returns 0 or -EIO.
 */
#ifndef FW_ESCAPE_H
#define FW_ESCAPE_H

#include <stdio.h>

/* HTML and XML, between tags and in quoted attributes. */
int fw_escape_html(FILE *out, const char *text);

/* Markdown (CommonMark), in running text and in table cells: no mark, link, tag or image begins. */
int fw_escape_markdown(FILE *out, const char *text);

/*
 * One field of CSV (RFC 4180), quoted where needed. A field never begins with = + - @ or a tab,
 * which spreadsheets take for a formula: a ' stands before them.
 */
int fw_escape_csv(FILE *out, const char *text);

#endif
