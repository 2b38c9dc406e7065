// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading numbers, sizes, rates, durations, ports and names. What must stay true: nothing is
 * guessed, nothing is rounded and nothing is left over; a text that needs any of that is an error.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"

#define NUMBER_MAX 0x7fffffffffffffffULL /* what JSON's integers hold here */
#define SHOWN	   40			 /* bytes of the offending text in a message */
#define YEARS10_S  (3650U * 86400)

struct unit {
	const char *name;
	__u64 factor;
	__u64 divisor;
};

static const struct unit number_unit[] = {
	{ "", 1, 1 },	     { "k", 1000, 1 },	     { "K", 1000, 1 },
	{ "M", 1000000, 1 }, { "G", 1000000000, 1 }, { NULL, 0, 0 },
};

static const struct unit byte_unit[] = {
	{ "", 1, 1 },		{ "B", 1, 1 },
	{ "k", 1000, 1 },	{ "K", 1000, 1 },
	{ "M", 1000000, 1 },	{ "G", 1000000000, 1 },
	{ "kB", 1000, 1 },	{ "KB", 1000, 1 },
	{ "MB", 1000000, 1 },	{ "GB", 1000000000, 1 },
	{ "KiB", 1024, 1 },	{ "MiB", 1 << 20, 1 },
	{ "GiB", 1 << 30, 1 },	{ "bit", 1, 8 },
	{ "kbit", 1000, 8 },	{ "Kbit", 1000, 8 },
	{ "Mbit", 1000000, 8 }, { "Gbit", 1000000000, 8 },
	{ NULL, 0, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit *unit_find(const struct unit *unit, const char *text, size_t len)
{
	for (; unit->name; unit++)
		if (strlen(unit->name) == len && !memcmp(unit->name, text, len))
			return unit;
	return NULL;
}

/*
 * len bytes of text: digits, maybe a point and digits, a unit of the list. 0; -EINVAL: not that;
 * -ERANGE: too large; -EDOM: a fraction is left.
 */
static int scaled_read(const char *text, size_t len, const struct unit *list, __u64 *ret)
{
	unsigned __int128 value = 0, divisor = 1;
	const struct unit *unit;
	bool point = false;
	size_t i = 0;

	if (len == 0 || !is_digit(text[0]))
		return -EINVAL;
	for (; i < len && (is_digit(text[i]) || (text[i] == '.' && !point)); i++) {
		if (text[i] == '.') {
			point = true;
			if (i + 1 >= len || !is_digit(text[i + 1]))
				return -EINVAL;
			continue;
		}
		value = value * 10 + (unsigned int)(text[i] - '0');
		if (point)
			divisor *= 10;
		/* 10^20 times the largest factor stays far below 2^128. */
		if (value > (unsigned __int128)NUMBER_MAX * 8 || divisor > NUMBER_MAX)
			return -ERANGE;
	}
	unit = unit_find(list, text + i, len - i);
	if (!unit)
		return -EINVAL;
	value *= unit->factor;
	divisor *= unit->divisor;
	if (value % divisor)
		return -EDOM;
	if (value / divisor > NUMBER_MAX)
		return -ERANGE;
	*ret = (__u64)(value / divisor);
	return 0;
}

#define NUMBER_HINT "write 500, 10k, 1.5k, 200M or 2G"
#define BYTES_HINT  "write 1500, 64k, 200M, 20MB, 64KiB or 1Gbit"

static int scaled_parse(const char *text, size_t len, bool bytes, __u64 *ret, struct fw_err *err)
{
	const char *hint = bytes ? BYTES_HINT : NUMBER_HINT;
	const char *what = bytes ? "number of bytes" : "number";
	int shown = len < SHOWN ? (int)len : SHOWN;

	switch (scaled_read(text, len, bytes ? byte_unit : number_unit, ret)) {
	case 0:
		return 0;
	case -ERANGE:
		return fw_err_set(err, -ERANGE, hint, "\"%.*s\" is too large", shown, text);
	case -EDOM:
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is not a whole %s", shown, text,
				  what);
	default:
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is not a %s", shown, text, what);
	}
}

int fw_text_number(const char *text, __u64 *ret_number, struct fw_err *err)
{
	return scaled_parse(text, strlen(text), false, ret_number, err);
}

int fw_text_bytes(const char *text, __u64 *ret_bytes, struct fw_err *err)
{
	return scaled_parse(text, strlen(text), true, ret_bytes, err);
}

static __u32 per_find(const char *text)
{
	static const struct {
		const char *name;
		__u32 s;
	} per[] = {
		{ "s", 1 },    { "sec", 1 },	 { "second", 1 }, { "m", 60 },
		{ "min", 60 }, { "minute", 60 }, { "h", 3600 },	  { "hour", 3600 },
	};

	for (size_t i = 0; i < sizeof(per) / sizeof(per[0]); i++)
		if (!strcmp(per[i].name, text))
			return per[i].s;
	return 0;
}

int fw_text_rate(const char *text, bool bytes, struct fw_rate *ret_rate, struct fw_err *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	__u32 per_s = slash ? per_find(slash + 1) : 1;
	const char *hint =
		bytes ? "write 50M/s, 20MB/s, 1Gbit/s or none" : "write 50/s, 10k/m, 1/h or none";
	__u64 count = 0;
	int r;

	if (!strcmp(text, "none")) {
		ret_rate->count = 0;
		ret_rate->per_s = 1;
		return 0;
	}
	if (!per_s)
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" in \"%.*s\" is not s, m or h",
				  SHOWN, slash + 1, SHOWN, text);
	r = scaled_parse(text, len, bytes, &count, err);
	if (r) {
		fw_err_set(err, r, hint, "%s", err ? err->msg : "");
		return r;
	}
	if (!count)
		return fw_err_set(
			err, -EINVAL,
			"write none for no limit; to refuse a source altogether, block it",
			"\"%.*s\" is a rate of zero", SHOWN, text);
	ret_rate->count = count;
	ret_rate->per_s = per_s;
	return 0;
}

int fw_text_duration(const char *text, __u32 *ret_s, struct fw_err *err)
{
	static const char unit[] = "wdhms";
	static const __u32 unit_s[] = { 604800, 86400, 3600, 60, 1 };
	const char *hint = "write 90s, 5m, 2h, 1h30m, 1d or forever";
	const char *p = text;
	size_t next = 0; /* units come in falling order, each once */
	__u64 total = 0;

	if (!strcmp(text, "forever")) {
		*ret_s = FW_FOREVER;
		return 0;
	}
	do {
		__u64 n = 0;
		size_t i;

		if (!is_digit(*p))
			goto bad;
		for (; is_digit(*p); p++) {
			n = n * 10 + (__u64)(*p - '0');
			if (n > YEARS10_S)
				goto range;
		}
		if (!*p && next == 0) { /* a bare number */
			total = n;
			break;
		}
		for (i = next; unit[i] && unit[i] != *p; i++)
			;
		if (!unit[i])
			goto bad;
		total += n * unit_s[i];
		next = i + 1;
		p++;
	} while (*p);
	if (total < 1 || total > YEARS10_S)
		goto range;
	*ret_s = (__u32)total;
	return 0;
bad:
	return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is not a duration", SHOWN, text);
range:
	return fw_err_set(err, -ERANGE, hint, "\"%.*s\" is not between 1 second and 10 years",
			  SHOWN, text);
}

/* Digits without leading zeros, 1..65535; returns what follows, NULL if it is not that. */
static const char *port_read(const char *p, __u16 *ret)
{
	__u32 n = 0;

	if (*p < '1' || *p > '9')
		return NULL;
	for (; is_digit(*p); p++) {
		n = n * 10 + (__u32)(*p - '0');
		if (n > 65535)
			return NULL;
	}
	*ret = (__u16)n;
	return p;
}

int fw_text_ports(const char *text, __u16 *ret_first, __u16 *ret_last, struct fw_err *err)
{
	const char *hint = "write 443 or 8000-8100, each from 1 to 65535";
	__u16 first = 0, last = 0;
	const char *p = port_read(text, &first);

	last = first;
	if (p && *p == '-')
		p = port_read(p + 1, &last);
	if (!p || *p)
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is not a port or range of ports",
				  SHOWN, text);
	if (first > last)
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" runs backwards", SHOWN, text);
	*ret_first = first;
	*ret_last = last;
	return 0;
}

int fw_text_name(const char *text, struct fw_err *err)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *hint = "a name is up to 15 of a-z 0-9 . _ - and begins with a letter or digit";
	_Static_assert(FW_NAME_LEN == 16, "the hint says 15");

	if (!*text || !strchr(first, *text) || text[strspn(text, all)])
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is not a name", SHOWN, text);
	if (strlen(text) >= FW_NAME_LEN)
		return fw_err_set(err, -EINVAL, hint, "\"%.*s\" is too long for a name", SHOWN,
				  text);
	return 0;
}
