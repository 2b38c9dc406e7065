// SPDX-License-Identifier: GPL-2.0-only
/*
 * Content negotiation for two formats, and listening addresses. Every byte of a header is hostile:
 * one pass, nothing copied, bounded by its length.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "user/base/http.h"
#include "user/base/text.h"

#define OPENMETRICS "application/openmetrics-text"
#define PLAIN	    "text/plain"

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

/* Of the text from s to end, without blanks at both ends, is it `word`? */
static bool is_word(const char *s, const char *end, const char *word)
{
	s = skip_blanks(s, end);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (size_t)(end - s) == strlen(word) && !strncasecmp(s, word, (size_t)(end - s));
}

/* "0.75" as 750; what is no weight counts as 0. */
static unsigned int weight(const char *s, const char *end)
{
	unsigned int q, scale = 100;

	s = skip_blanks(s, end);
	if (s == end || (*s != '0' && *s != '1'))
		return 0;
	q = (unsigned int)(*s++ - '0') * 1000;
	if (s < end && *s == '.')
		for (s++; s < end && *s >= '0' && *s <= '9' && scale; s++, scale /= 10)
			q += (unsigned int)(*s - '0') * scale;
	s = skip_blanks(s, end);
	return s != end || q > 1000 ? 0 : q;
}

struct range {
	unsigned int q;
	bool other_version; /* a version that we do not speak */
};

static struct range read_parameters(const char *s, const char *end, const char *version)
{
	struct range range = { .q = 1000 };

	while (s < end) {
		const char *stop = memchr(s, ';', (size_t)(end - s)) ?: end;
		const char *equal = memchr(s, '=', (size_t)(stop - s));

		if (equal && is_word(s, equal, "q"))
			range.q = weight(equal + 1, stop);
		else if (equal && is_word(s, equal, "version"))
			range.other_version = !is_word(equal + 1, stop, version);
		s = stop < end ? stop + 1 : end;
	}
	return range;
}

bool fw_http_wants_openmetrics(const char *accept)
{
	unsigned int open = 0, plain = 0;
	const char *s = accept ? accept : "", *end = s + strlen(s);

	while (s < end) {
		const char *stop = memchr(s, ',', (size_t)(end - s)) ?: end;
		const char *type = memchr(s, ';', (size_t)(stop - s)) ?: stop;
		const char *parameters = type < stop ? type + 1 : stop;
		struct range range;

		if (is_word(s, type, OPENMETRICS)) {
			range = read_parameters(parameters, stop, "1.0.0");
			if (!range.other_version && range.q > open)
				open = range.q;
		} else if (is_word(s, type, PLAIN) || is_word(s, type, "text/*") ||
			   is_word(s, type, "*/*")) {
			range = read_parameters(parameters, stop, "0.0.4");
			if (!range.other_version && range.q > plain)
				plain = range.q;
		}
		s = stop < end ? stop + 1 : end;
	}
	return open && open >= plain;
}

int fw_http_listen(const char *text, struct fw_listen *ret, struct fw_err *err)
{
	static const char hint[] =
		"ADDRESS:PORT as in 127.0.0.1:9797, [::1]:9797 or *:9797; or off";
	const char *colon = strrchr(text, ':');
	struct fw_listen listen = {};
	char addr[INET6_ADDRSTRLEN + 2] = "";
	__u16 last;
	size_t len;
	int r;

	if (!strcmp(text, "off")) {
		*ret = (struct fw_listen){ .off = true };
		return 0;
	}
	len = colon ? (size_t)(colon - text) : 0;
	if (!len || len >= sizeof(addr))
		return fw_err_set(err, -EINVAL, hint, "cannot listen on \"%.60s\"", text);
	memcpy(addr, text, len);
	if (*addr == '[' && addr[len - 1] == ']') {
		addr[len - 1] = '\0';
		memmove(addr, addr + 1, len - 1);
	} else if (strchr(addr, ':')) {
		return fw_err_set(err, -EINVAL, hint, "cannot listen on \"%.60s\"", text);
	}
	r = fw_text_ports(colon + 1, &listen.port, &last, err);
	if (!r && last != listen.port)
		r = fw_err_set(err, -EINVAL, hint, "\"%.60s\" is not one port", colon + 1);
	if (!r && strcmp(addr, "*"))
		r = fw_text_addr(addr, listen.addr_be, err);
	if (r)
		return r;
	/* 0.0.0.0 is every address too. */
	if (listen.addr_be[2] == htonl(0xffff) && !listen.addr_be[3])
		listen.addr_be[2] = 0;
	*ret = listen;
	return 0;
}

bool fw_http_loopback(const struct fw_listen *listen)
{
	const __be32 *a = listen->addr_be;

	if (fw_text_is_ip4(a))
		return ntohl(a[3]) >> 24 == 127;
	return !a[0] && !a[1] && !a[2] && a[3] == htonl(1);
}
