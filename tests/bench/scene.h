/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scene is one path of DESIGN section 4 made to happen: an instance of floodwall with the policy
 * and the tables that send every packet of a stream down that path, and the reason that proves it.
 */
#ifndef FW_BENCH_SCENE_H
#define FW_BENCH_SCENE_H

#include "tests/bench/ours.h"
#include "tests/bench/run.h"

enum scene_id {
	SCENE_UNSPOKEN,
	SCENE_OVER,	 /* sources over their packet limit */
	SCENE_NEWCOMER4, /* unknown, beyond the newcomers' budget */
	SCENE_NEWCOMER6,
	SCENE_INSERT,
	SCENE_BLOCKED,
	SCENE_VOTER,  /* proven, within all limits */
	SCENE_LISTED, /* the same in a class with prefixes, as carriers' NAT has */
	SCENE_ACK,
	SCENE_COOKIE4,
	SCENE_COOKIE6,
	SCENES,
};

/* What may differ from the scene's own numbers. 0 = the scene's. */
struct scene_opts {
	__u64 sources;	/* distinct sources of the stream */
	__u64 table;	/* sources the table holds */
	__u64 prefixes; /* blocked */
	__u32 services;
	__u32 stages; /* knob_stages */
};

struct scene {
	enum scene_id id;
	struct scene_opts opts;
	struct run *run;
	struct ours ours;
	char why[128]; /* not empty: packets did not take the path; what happened instead */
};

/* Loads, fills, and checks that packets end in the scene's reason. 0 even if they do not: see why.
 */
int scene_open(struct scene *scene, struct run *run, enum scene_id id,
	       const struct scene_opts *opts, struct fw_err *err);
void scene_close(struct scene *scene); /* zeroed is fine */

/* A cell that measures it on so many CPUs. path: NULL = the scene's own name. */
struct run_cell scene_cell(struct scene *scene, const char *path, int cpus);

const char *scene_path(enum scene_id id);
double scene_budget(enum scene_id id, __u64 sources);

#endif
