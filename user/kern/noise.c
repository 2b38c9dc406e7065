// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer for the process: libbpf's print hook is global as well. The kernel's own words (the
 * extended netlink error) beat what the libraries make of them; of the rest the first line wins,
 * since later ones only report that the former failed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include "user/kern/attach.h"
#include "user/kern/noise.h"

static char first[200], kernel_said[200];

static const char *skip_prefix(const char *s)
{
	static const char *const prefixes[] = { "libbpf: ", "libxdp: " };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return s + strlen(prefixes[i]);
	return s;
}

static void keep(const char *fmt, va_list ap)
{
	static const char mark[] = "Kernel error message: ";
	char line[512];
	const char *text, *said;

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	text = skip_prefix(line);
	said = strstr(text, mark);
	if (said && !*kernel_said)
		snprintf(kernel_said, sizeof(kernel_said), "%.199s", said + strlen(mark));
	else if (*text && !*first)
		snprintf(first, sizeof(first), "%.199s", text);
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
	*first = *kernel_said = '\0';
}

const char *fw_noise_line(void)
{
	if (*kernel_said)
		return kernel_said;
	return *first ? first : NULL;
}
