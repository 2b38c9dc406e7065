/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the printer of the policy file share. Private to user/policy/file_print*.c. */
#ifndef FW_FILE_PRINT_H
#define FW_FILE_PRINT_H

#include "user/policy/file.h"

/* Quoted where YAML would take it for something else. */
void fw_print_addr(FILE *out, const __be32 addr_be[4]);

/* to, tcp, udp or rules of a service; nothing for the host. */
void fw_print_claims(FILE *out, const struct fw_model *model, __u8 service);

#endif
