/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of replay share. */
#ifndef FW_CLI_REPLAY_H
#define FW_CLI_REPLAY_H

#include <stdbool.h>
#include "user/base/table.h"
#include "user/cli/cli.h"
#include "user/cli/progress.h"
#include "user/core/replay/replay.h"
#include "user/policy/model.h"
#include "user/policy/prefixes.h"

/* A policy as the command line names it. */
struct fw_replay_source {
	char name[300];		/* "the default policy", "tomorrow.yaml", ... and services on top */
	struct fw_model *model; /* owned */
	struct fw_prefixes lanes; /* owned */
	bool monitor;		  /* it only counts; judged as if it did not */
};
void fw_replay_policy_free(struct fw_replay_source *source); /* zeroed is fine */

/*
 * path NULL: the default policy, or with running the one of the pinned state. --service on top.
 * 0 or -errno with cli->err (and cli->problems) filled.
 */
int fw_replay_policy(struct fw_cli *cli, const char *path, bool running,
		     struct fw_replay_source *ret);

/* --NAME into *ret, if it is given: a number within these bounds. */
int fw_replay_number(struct fw_cli *cli, const char *name, double least, double most, double *ret);

/* --to into opts. */
int fw_replay_hosts(struct fw_cli *cli, struct fw_feed_opts *opts);

/* Warnings about what the captures and the replay could not give. */
void fw_replay_warn(struct fw_cli *cli, char *const *path, const struct fw_feed_told *told,
		    const struct fw_capture_told *files, bool to_given);

/* A step of struct fw_capture_watch; arg is a struct fw_progress. */
void fw_replay_progress(void *arg, bool ahead, double part, __u64 packets);

/* The results. */
int fw_replay_json(struct fw_cli *cli, const struct fw_replay *replay, char *const *path,
		   unsigned int paths, const struct fw_replay_source *source, unsigned int top);
int fw_replay_print(const struct fw_replay *replay, char *const *path, unsigned int paths,
		    const struct fw_replay_source *source, unsigned int top);
int fw_replay_compare_json(struct fw_cli *cli, const struct fw_replay *replay,
			   const struct fw_replay_source source[2], unsigned int top);
int fw_replay_compare_print(const struct fw_replay *replay, char *const *path, unsigned int paths,
			    const struct fw_replay_source source[2], unsigned int top);
/* {"packets","bytes","verdicts","verdict_bytes","reasons","services","classes"} of one policy. */
int fw_replay_json_sums(json_t *doc, const struct fw_replay_tally *t,
			const struct fw_policy_text *text);
/* The lines above all tables: captures, times, speed. */
void fw_replay_print_captures(const struct fw_replay *replay, const struct fw_replay_tally *t,
			      char *const *path, unsigned int paths);
/* Cells of the tables, "-" where there is no packet; and a table printed, freed, a line behind it.
 */
void fw_replay_put_packets(struct fw_table *table, const struct fw_count *count);
void fw_replay_put_bytes(struct fw_table *table, const struct fw_count *count);
int fw_replay_print_table(struct fw_table *table);
/* The heaviest of these sources, below what is said of all (" are treated differently"): columns
 * for address, packets and bytes, and three that row() fills. 0 or -ENOMEM. */
int fw_replay_print_tops(const struct fw_tops *tops, unsigned int n,
			 const struct fw_column columns[6], const char *words,
			 void (*row)(struct fw_table *table, const struct fw_top *top));
/* What is declared rather than known. */
void fw_replay_print_known(const struct fw_replay *replay, const struct fw_replay_tally *t);
void fw_replay_print_rate(const struct fw_replay *replay, const struct fw_replay_tally *t);
/* The rate and level over time, at most width columns. */
void fw_replay_picture(const struct fw_replay_tally *tally, int width);

/* One packet as a line of JSON on stdout; an fw_replay_opts.each. */
int fw_replay_line(void *arg, const struct fw_feed_packet *packet, const struct fw_judged *judged,
		   const struct fw_policy_text *text);

/* "10:00:01.234" or, with date, "2018-11-01 10:00:01.234+00:00", of the capture's clock in local
 * time. Returns buf. */
#define FW_REPLAY_TIME_LEN 40
char *fw_replay_put_time(char *buf, size_t size, __u64 at_ns, bool date);

#endif
