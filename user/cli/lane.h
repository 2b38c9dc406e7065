/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of block, trust, manage and class share. */
#ifndef FW_CLI_LANE_H
#define FW_CLI_LANE_H

#include <stdbool.h>
#include <linux/types.h>

#include "user/cli/cli.h"
#include "user/cli/edit.h"
#include "user/policy/file.h"
#include "user/policy/prefixes.h"

/* Words for a lane, by enum fw_lane. */
struct fw_lane_words {
	const char *object; /* the command: "block" */
	const char *done;   /* "192.0.2.0/24 ... for 10m": "blocked" */
	const char *undone; /* "no longer blocked" */
};
extern const struct fw_lane_words fw_lane_words[FW_LANE_MAX];

/* Refuse to block a large part of the Internet. -EINVAL. */
int fw_lane_check_width(struct fw_cli *cli, const struct fw_prefix *one);

/* What a change put into the blocked lane. */
struct fw_lane_news {
	const struct fw_prefix *list; /* n of them; NULL: all whose since_s is now_s */
	int n;
	__u32 now_s;
};

/* Warn of new blocks that another lane outweighs, wholly or in part. */
void fw_lane_warn_outweighed(struct fw_cli *cli, struct fw_prefixes *set, enum fw_lane lane,
			     const struct fw_lane_news *news);

/*
 * Warn of those of n prefixes that reserved-source, if it is on, drops before their lane is looked
 * at. lane: where all of them are, FW_LANE_MAX: where each of them says.
 */
void fw_lane_warn_reserved(struct fw_cli *cli, const struct fw_model *model,
			   const struct fw_prefix *list, size_t n, enum fw_lane lane);

/* The verbs; which lane is in the row's tag. */
int fw_lane_add(struct fw_cli *cli, int argc, char **argv);
int fw_lane_del(struct fw_cli *cli, int argc, char **argv);
int fw_lane_flush(struct fw_cli *cli, int argc, char **argv);
int fw_lane_list(struct fw_cli *cli, int argc, char **argv);
int fw_lane_import(struct fw_cli *cli, int argc, char **argv);

int fw_lane_class_new(struct fw_cli *cli, int argc, char **argv);
int fw_lane_class_drop(struct fw_cli *cli, int argc, char **argv);
int fw_lane_class_show(struct fw_cli *cli, int argc, char **argv);

/* A class that prefixes can be put into, by name. 0, or -EINVAL with cli->err filled. */
int fw_lane_class(struct fw_cli *cli, const struct fw_model *model, const char *name, int *ret);

/* --for into an entry (lane, since, until). now_ns: program time. */
int fw_lane_options(struct fw_cli *cli, enum fw_lane lane, const struct fw_edit *edit,
		    struct fw_prefix *ret);

/* " for 10m (until 2024-06-09 22:00:01+02:00)", or "" without an end. Returns buf. */
const char *fw_lane_put_until(char *buf, size_t size, const struct fw_edit *edit,
			      const struct fw_prefix *how);

/* Whole seconds left until until_s, at least 1 while it holds; 0 = over. Not for FW_FOREVER. */
__u32 fw_lane_left(__u64 now_ns, __u32 until_s);

/* Program time in seconds as RFC 3339, or JSON null for FW_FOREVER and 0. */
json_t *fw_lane_time_json(const struct fw_maps *maps, __u32 s);

#endif
