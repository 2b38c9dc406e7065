// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making any bytes safe to show: valid UTF-8 passes, control characters and everything else become
 * '?', so that no list or packet can move the cursor of an admin's terminal, and none can show her
 * another text than stands there: what turns the order of letters or takes no room becomes '?',
 * too.
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

/* First and last: controls, and what is invisible or reorders its neighbours (Unicode, UAX 9 and
 * Default_Ignorable_Code_Point). Variation selectors stay: they alter a picture, not a text. */
static const struct {
	unsigned int first, last;
} unseen[] = {
	{ 0x0000, 0x001f },   /* C0 */
	{ 0x007f, 0x009f },   /* DEL, and C1, which terminals obey too */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x17b4, 0x17b5 },   /* Khmer inherent vowels */
	{ 0x180e, 0x180e },   /* Mongolian vowel separator */
	{ 0x200b, 0x200f },   /* zero width, and marks of direction */
	{ 0x2028, 0x202e },   /* line and paragraph separator, embeddings and overrides */
	{ 0x2060, 0x206f },   /* word joiner, isolates */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xffa0, 0xffa0 },   /* Hangul filler, half width */
	{ 0xfff9, 0xfffb },   /* annotations */
	{ 0xe0000, 0xe007f }, /* tags */
};

static bool is_unseen(const unsigned char *s, size_t n)
{
	static const unsigned char bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned int c = s[0] & bits[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	for (size_t i = 0; i < sizeof(unseen) / sizeof(*unseen); i++)
		if (c >= unseen[i].first && c <= unseen[i].last)
			return true;
	return false;
}

char *fw_text_clean(char *dst, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	while (*s) {
		size_t n = utf8_len(s);
		bool seen = n && !is_unseen(s, n);
		size_t out = seen ? n : 1;

		if (used + out >= size)
			break;
		if (seen)
			memmove(dst + used, s, n);
		else
			dst[used] = '?';
		used += out;
		s += n ? n : 1;
	}
	dst[used] = '\0';
	return dst;
}
