// SPDX-License-Identifier: GPL-2.0-only
/* Writing what text.c reads: the canonical forms, which read back to the same value. */
#include <stdio.h>
#include "user/base/text.h"

char *fw_text_put_number(char *buf, size_t size, __u64 number)
{
	static const struct {
		__u64 factor;
		char suffix;
	} unit[] = { { 1000000000, 'G' }, { 1000000, 'M' }, { 1000, 'k' } };

	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		__u64 f = unit[i].factor;
		unsigned int milli = (unsigned int)(number % f / (f / 1000));
		int digits = 3;

		/* Only what three decimals say exactly. */
		if (number < f || number % (f / 1000))
			continue;
		if (!milli) {
			snprintf(buf, size, "%llu%c", number / f, unit[i].suffix);
			return buf;
		}
		for (; milli % 10 == 0; milli /= 10)
			digits--;
		snprintf(buf, size, "%llu.%0*u%c", number / f, digits, milli, unit[i].suffix);
		return buf;
	}
	snprintf(buf, size, "%llu", number);
	return buf;
}

char *fw_text_put_grouped(char *buf, size_t size, __u64 number)
{
	char plain[24];
	size_t len = (size_t)snprintf(plain, sizeof(plain), "%llu", number), at = 0;

	for (size_t i = 0; i < len && at + 2 < size; i++) {
		if (i && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = plain[i];
	}
	buf[at] = '\0';
	return buf;
}

char *fw_text_put_rate(char *buf, size_t size, const struct fw_rate *rate)
{
	char count[FW_TEXT_LEN];
	const char *per = rate->per_s == 3600 ? "h" : rate->per_s == 60 ? "m" : "s";

	if (!rate->count)
		snprintf(buf, size, "none");
	else
		snprintf(buf, size, "%s/%s", fw_text_put_number(count, sizeof(count), rate->count),
			 per);
	return buf;
}

char *fw_text_put_duration(char *buf, size_t size, __u32 s)
{
	static const struct {
		__u32 s;
		char name;
	} unit[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t used = 0;

	if (s == FW_FOREVER) {
		snprintf(buf, size, "forever");
		return buf;
	}
	if (!s)
		snprintf(buf, size, "0s");
	for (size_t i = 0; s && i < sizeof(unit) / sizeof(unit[0]); i++) {
		int n;

		if (s < unit[i].s)
			continue;
		n = snprintf(buf + used, size - used, "%u%c", s / unit[i].s, unit[i].name);
		if (n < 0 || used + (size_t)n >= size)
			break;
		used += (size_t)n;
		s %= unit[i].s;
	}
	return buf;
}

char *fw_text_put_about(char *buf, size_t size, double number)
{
	static const char suffix[] = " kMGTPE";
	const char *sign = number < 0 ? "-" : "";
	double left = number < 0 ? -number : number;
	char unit[2] = "";
	int digits, i = 0;

	/* 999.5 would print as 1000. */
	for (; left >= 999.5 && suffix[i + 1]; i++)
		left /= 1000;
	if (i)
		unit[0] = suffix[i];
	digits = left < 9.995 ? 2 : left < 99.95 ? 1 : 0;
	if (!i && left < 1000 && left == (int)left)
		digits = 0;
	snprintf(buf, size, "%s%.*f%s", sign, digits, left, unit);
	return buf;
}
