// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer for the process: libbpf's print hook is global as well. The kernel's own words (the
 * extended netlink error, the end of the verifier's log) beat what the libraries make of them; then
 * what is about our program; of the rest the first line wins, since later ones only report that the
 * former failed. libxdp tries a program of its own on the way, whose failure is not ours.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include "user/kern/attach.h"
#include "user/kern/noise.h"

static char first[200], about_us[200], kernel_said[200];

static const char *skip_prefix(const char *s)
{
	static const char *const prefixes[] = { "libbpf: ", "libxdp: " };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return s + strlen(prefixes[i]);
	return s;
}

/* The verifier ends its log with the reason, and then with figures. */
static const char *verifier_reason(char *log)
{
	const char *reason = "";

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, "processed ", 10) || strstr(line, "-- END PROG LOAD LOG"))
			break;
		reason = line;
	}
	return reason;
}

static void put(char *to, size_t len, const char *what, const char *text)
{
	if (!*to && *text)
		snprintf(to, len, "%s%.*s", what, (int)strcspn(text, "\n"), text);
}

static void keep(const char *fmt, va_list ap)
{
	static const char mark[] = "Kernel error message: ";
	char *line = NULL;
	const char *text, *said;

	if (vasprintf(&line, fmt, ap) < 0)
		return;
	text = skip_prefix(line);
	said = strstr(text, mark);
	if (said)
		put(kernel_said, sizeof(kernel_said), "", said + strlen(mark));
	else if (strstr(text, "BEGIN PROG LOAD LOG") && strstr(text, "'floodwall'"))
		put(kernel_said, sizeof(kernel_said), "verifier: ", verifier_reason(line));
	else if (strstr(text, "'floodwall'"))
		put(about_us, sizeof(about_us), "", text);
	else
		put(first, sizeof(first), "", text);
	free(line);
}

static int hear_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN)
		keep(fmt, ap);
	return 0;
}

static int hear_libxdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBXDP_WARN)
		keep(fmt, ap);
	return 0;
}

void fw_attach_quiet(void)
{
	libbpf_set_print(hear_libbpf);
	libxdp_set_print(hear_libxdp);
}

void fw_noise_clear(void)
{
	fw_attach_quiet();
	*first = *about_us = *kernel_said = '\0';
}

const char *fw_noise_line(void)
{
	if (*kernel_said)
		return kernel_said;
	if (*about_us)
		return about_us;
	return *first ? first : NULL;
}
