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

/*
 * Where the admin sits: the client's address of the SSH session this runs in, from the
 * environment or (sudo clears it) from that of an ancestor. -ENOENT when there is none.
 */
int fw_lane_session(__be32 ret_addr_be[4]);
/* The same with the address and port it goes to, as far as they are known. */
int fw_lane_session_full(struct fw_file_session *ret);

/* An address is dropped by these prefixes: blocked, and neither in management nor trusted. */
bool fw_lane_cuts(const struct fw_prefixes *set, const __be32 addr_be[4]);

/*
 * Refuse a change that cuts off the admin's own session. `cut_before`: whether it was cut already.
 * -EINVAL with cli->err naming prefix and address.
 */
int fw_lane_check_lockout(struct fw_cli *cli, const struct fw_prefixes *after, bool cut_before);

/*
 * The same of a limit that is lower than `was`, for a class by id, and of a service that closes the
 * session's own port; closed_before: whether it was closed already. The model is as it would be.
 * Both ask nothing when the filter drops nothing, or --force was said.
 */
int fw_lane_check_limit(struct fw_cli *cli, const struct fw_model *model, int class,
			unsigned int kind, const struct fw_rate *was);
bool fw_lane_closes(const struct fw_model *model);
int fw_lane_check_closed(struct fw_cli *cli, const struct fw_model *model, bool closed_before);

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
