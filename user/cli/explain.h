/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of explain share. */
#ifndef FW_CLI_EXPLAIN_H
#define FW_CLI_EXPLAIN_H

#include <stdbool.h>
#include "user/cli/cli.h"
#include "user/core/replay/explain.h"
#include "user/policy/model.h"

#define FW_EXPLAIN_DPORT 80 /* where neither options nor services say one */

/* From the options; *ret_guess: not where it goes. 0, or -EINVAL with cli->err filled. */
int fw_explain_take(struct fw_cli *cli, const char *addr, struct fw_explain_packet *ret,
		    bool *ret_guess);

/* Where nothing is said: the first service that has an address of this family, and speaks this. */
void fw_explain_guess(const struct fw_model *model, struct fw_explain_packet *packet);

/* "first" or "later"; NULL of a whole packet. */
const char *fw_explain_fragment_name(__u8 fragment);

/* "tcp", ..., or "protocol 47" in buf. */
const char *fw_explain_proto(__u8 proto, char *buf, size_t size);

#endif
