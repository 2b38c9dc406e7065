/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of text under way, where there are millions: what does not fit is not written, and full
 * says so. One thread at a time may write a line; what is remembered between lines is a thread's.
 */
#ifndef FW_LINE_H
#define FW_LINE_H

#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

struct fw_line {
	char *at, *end;
	bool full;
};

/* Inline, so that the length of what is written in the source is known there. */
static inline void fw_line_put(struct fw_line *l, const char *text, size_t len)
{
	l->full |= (size_t)(l->end - l->at) < len;
	if (l->full)
		return;
	memcpy(l->at, text, len);
	l->at += len;
}

static inline void fw_line_text(struct fw_line *l, const char *text)
{
	fw_line_put(l, text, strlen(text));
}

void fw_line_number(struct fw_line *line, __u64 number);
void fw_line_utc(struct fw_line *line, __u64 utc_ns); /* "2026-11-06T21:20:05.123Z" */
/* The address, of a tabled IPv6 source its /64. */
void fw_line_addr(struct fw_line *line, const __be32 addr_be[4], __u8 len);

#endif
