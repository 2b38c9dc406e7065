/* SPDX-License-Identifier: GPL-2.0-only */
/* A service's rules as people say them. */
#ifndef FW_CLI_SERVICE_H
#define FW_CLI_SERVICE_H

#include <jansson.h>

#include "user/cli/edit.h"

/* "192.0.2.1,2001:db8::1", "any", or "" without rules. malloc'ed; NULL: no memory. */
char *fw_service_addresses(const struct fw_model *model, __u8 service);

/* "80,443,8000-8010" of FW_PORT_TCP or FW_PORT_UDP, or "". malloc'ed; NULL: no memory. */
char *fw_service_ports(const struct fw_model *model, __u8 service, __u8 proto);

/* All of it, as `service list -j` says it. NULL: no memory. */
json_t *fw_service_json(const struct fw_model *model, __u8 service);

#endif
