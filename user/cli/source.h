/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the source command share. */
#ifndef FW_CLI_SOURCE_H
#define FW_CLI_SOURCE_H

#include "user/cli/cli.h"
#include "user/core/source.h"

int fw_source_top(struct fw_cli *cli, int argc, char **argv);

/* "1.5s", "12s", "2m5s". Returns buf. */
const char *fw_source_span(char *buf, size_t size, double seconds);

/* {"packets","bytes","lost","reason","since"}; reason is null if nothing was lost. */
json_t *fw_source_heavy_json(const struct fw_maps *maps, const struct fw_source_heavy *heavy);

#endif
