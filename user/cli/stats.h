/* SPDX-License-Identifier: GPL-2.0-only */
/* How counters look: tables for people, one document for programs. */
#ifndef FW_CLI_STATS_H
#define FW_CLI_STATS_H

#include <stdio.h>
#include <jansson.h>
#include "user/core/stats.h"

enum fw_stats_by { FW_STATS_BY_REASON, FW_STATS_BY_SERVICE, FW_STATS_BY_CLASS, FW_STATS_BY_CPU };

/* since: what came since the reading before (fw_stats_since), NULL = no rates. all: zeros too. */
int fw_stats_print(const struct fw_stats *now, const struct fw_stats *since, enum fw_stats_by by,
		   bool all, FILE *out);
/* The whole document without "schema"; NULL: no memory. */
json_t *fw_stats_json(const struct fw_stats *now, const struct fw_stats *since);

#endif
