// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making any bytes safe to show: valid UTF-8 passes, control characters and everything else become
 * '?', so that no list or packet can move the cursor of an admin's terminal.
 */
#include <string.h>
#include "user/base/text.h"

/* Bytes of the well-formed UTF-8 character at s (RFC 3629, section 4), 0 if there is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 0 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; /* overlong, surrogate, beyond U+10FFFF */
	return n;
}

static bool is_control(const unsigned char *s, size_t n)
{
	/* C0, DEL, and C1 (U+0080..U+009F), which terminals obey too. */
	return (n == 1 && (s[0] < 0x20 || s[0] == 0x7f)) || (n == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

char *fw_text_clean(char *dst, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	while (*s) {
		size_t n = utf8_len(s);
		size_t out = n && !is_control(s, n) ? n : 1;

		if (used + out >= size)
			break;
		if (n && !is_control(s, n))
			memcpy(dst + used, s, n);
		else
			dst[used] = '?';
		used += out;
		s += n ? n : 1;
	}
	dst[used] = '\0';
	return dst;
}
