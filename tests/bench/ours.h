/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * floodwall as the bench sees it: the object that ships, loaded with maps of its own and nothing
 * pinned. Every scene has an instance, so that scenes can be measured in turn.
 */
#ifndef FW_BENCH_OURS_H
#define FW_BENCH_OURS_H

#include <linux/types.h>
#include "tests/bench/run.h"
#include "user/base/err.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "user/policy/model.h"

struct ours {
	struct fw_object *obj;
	struct fw_maps maps;
	struct fw_model *model; /* edit, then ours_policy() */
	__u64 *fp;		/* the source tables, writable; sets of them */
	struct fw_src_set *src;
	size_t sets;
};

/* stages: knob_stages, 0 = all. The model starts with services, classes and budgets unlimited. */
int ours_open(const struct fw_sizes *sizes, __u32 stages, struct ours *ret, struct fw_err *err);
void ours_close(struct ours *ours); /* zeroed is fine */

int ours_prog(const struct ours *ours);

/* Compiles the model into the running half. */
int ours_policy(struct ours *ours, struct fw_err *err);

/* Blocks the sources of steps 0 .. count - 1, as /32 each, for good. */
int ours_block(struct ours *ours, __u64 count, struct fw_err *err);

/* Puts every IPv4 address into a class. The model must name it. */
int ours_enlist(struct ours *ours, __u8 class, struct fw_err *err);

/* Forgets every source. */
void ours_clear(struct ours *ours);

/* Marks every source in the tables as proven from now on. */
void ours_prove(struct ours *ours);

/* Packets counted for each reason, all services together, enforcing. */
int ours_reasons(const struct ours *ours, __u64 ret_packets[FW_R_MAX]);
const char *ours_reason_name(int reason);

#endif
