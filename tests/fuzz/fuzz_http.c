// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that reaches the controller: Accept headers, listening addresses, names that drivers give
 * their counters. The first byte chooses; whatever comes, it ends, stays in bounds, and what is
 * accepted makes sense.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/http.h"
#include "user/base/nic_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
	if (!what)
		abort();
}

static void try_accept(const char *text)
{
	if (fw_http_wants_openmetrics(text))
		must(strcasestr(text, "application/openmetrics-text"));
}

static void try_listen(const char *text)
{
	struct fw_listen listen = { .port = 4711 };
	struct fw_err err = {};

	if (fw_http_listen(text, &listen, &err)) {
		must(*err.msg && listen.port == 4711);
		return;
	}
	must(listen.off ? !strcmp(text, "off") : listen.port > 0);
	fw_http_loopback(&listen);
}

static void try_name(const char *text)
{
	char kind[FW_NIC_NAME] = "";
	unsigned int queue;

	if (fw_nic_name_queue(text, &queue))
		must(queue < 4096);
	if (fw_nic_name_discard(text, kind)) {
		must(strlen(kind) < FW_NIC_NAME && *kind);
		must(!strpbrk(kind, "0123456789"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	if (data[0] % 3 == 0)
		try_accept(text);
	else if (data[0] % 3 == 1)
		try_listen(text);
	else
		try_name(text);
	free(text);
	return 0;
}
