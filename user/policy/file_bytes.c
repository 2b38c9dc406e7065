// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no parser should be asked to read: bytes that are not UTF-8, control characters, directives,
 * and line ends that only some take for one. Looked for first, because libfyaml 0.7 can loop for
 * ever on some of them.
 */
#include <errno.h>
#include <string.h>
#include "user/policy/file_read.h"

#define HIGH_BITS 0x8080808080808080ULL
#define ONES	  0x0101010101010101ULL

/* Eight bytes from at on that are all printable ASCII. */
static bool plain(const unsigned char *at)
{
	__u64 word;

	memcpy(&word, at, sizeof(word));
	/* No byte below 0x20, none 0x7f or above: both borrow into or set the high bit. */
	return !(((word - 0x20 * ONES) | (word + ONES) | word) & HIGH_BITS);
}

/* Length of the character at `at`, 0 when it is none (RFC 3629). */
static size_t character(const unsigned char *at, const unsigned char *end)
{
	size_t len = *at < 0x80	  ? 1
		     : *at < 0xc2 ? 0
		     : *at < 0xe0 ? 2
		     : *at < 0xf0 ? 3
		     : *at < 0xf5 ? 4
				  : 0;

	if (!len || len > (size_t)(end - at))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
	    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

static const char *fault(const unsigned char *at, const unsigned char *end, size_t len,
			 bool line_start)
{
	if (!len)
		return "this is not UTF-8 text";
	if ((*at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r') || *at == 0x7f)
		return "a control character has no place here";
	/* YAML ends a line there, editors and people may not: a comment could hide a rule. */
	if (*at == '\r' && (end - at < 2 || at[1] != '\n'))
		return "a carriage return alone ends no line: lines end in \\n or \\r\\n";
	if (line_start && *at == '%')
		return "a directive (%) has no meaning in a policy";
	return NULL;
}

bool fw_reader_bytes(struct fw_reader *reader)
{
	const unsigned char *text = (const unsigned char *)reader->source[0].text, *at = text;
	const unsigned char *end = text + reader->source[0].size;
	struct fw_place place = { 0, 0, 0 };
	bool line_start = true;

	while (at < end) {
		const char *what;
		size_t len;

		if (!line_start && end - at >= 8 && plain(at)) {
			at += 8;
			continue;
		}
		len = character(at, end);
		what = fault(at, end, len, line_start);
		if (what) {
			place.pos = (__u32)(at - text);
			fw_reader_say(reader, FW_PROBLEM_ERROR, place, NULL, "%s", what);
			return false;
		}
		line_start = *at == '\n';
		place.line += line_start;
		at += len;
	}
	return true;
}
