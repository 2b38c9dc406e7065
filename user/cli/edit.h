/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One change from the command line: lock, read what runs, edit, flip, unlock. Whatever a command
 * reads from people (files, standard input) it reads before it begins: nobody waits under the lock.
 */
#ifndef FW_CLI_EDIT_H
#define FW_CLI_EDIT_H

#include "user/cli/cli.h"
#include "user/core/apply.h"
#include "user/kern/maps.h"

struct fw_edit {
	struct fw_maps maps;
	struct fw_apply apply;
	int lock;
};

/* parts: enum fw_apply_part. 0 or -errno with cli->err filled. fw_edit_end() in both cases. */
int fw_edit_begin(struct fw_cli *cli, unsigned int parts, struct fw_edit *ret);

/*
 * Makes it run, unless it would cut off the session that types it and --force was not said.
 * `changed`: enum fw_apply_part.
 */
int fw_edit_commit(struct fw_cli *cli, struct fw_edit *edit, unsigned int changed);

void fw_edit_end(struct fw_edit *edit);

/* For commands that only look: the running model, freed with free(). */
int fw_edit_read_model(struct fw_cli *cli, struct fw_model **ret);

/* A rate as people read it: "10k/s", "25MB/s", "no limit". Returns buf. */
const char *fw_edit_put_rate(char *buf, size_t size, const struct fw_rate *rate, bool bytes);

/* The same with its burst and soft part: "10k/s burst 20k soft 80%". Returns buf. */
const char *fw_edit_put_limit(char *buf, size_t size, const struct fw_rate *rate, bool bytes,
			      __u32 tick_ns);

/* {"text","count","per_s","burst","soft_percent"}, burst as it takes effect; count 0 = no limit. */
json_t *fw_edit_rate_json(const struct fw_rate *rate, bool bytes, __u32 tick_ns);

/*
 * RATE|off [burst N] [soft P%] from operands into *rate. Without "burst" the burst stays the same
 * time of the rate as it was (or becomes the default); without "soft" the percentage stays.
 * tick_ns: of the program's clock. 0 or -EINVAL with cli->err filled; *rate is then untouched.
 */
int fw_edit_parse_rate(struct fw_cli *cli, int argc, char **argv, bool bytes, __u32 tick_ns,
		       struct fw_rate *rate);

#endif
