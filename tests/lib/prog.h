/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shipped program under the kernel's test-run: loaded unpinned with small tables and fixed hash
 * keys, policy and lanes compiled and flipped by the same code that serves operators. Time is
 * fw_ctl.virtual_ns unless a test asks for the real clock.
 *
 * Every packet's reason is the counter that moved; prog_finish() asserts that the counters sum to
 * the packets sent. Failures end the cmocka test.
 */
#ifndef TEST_PROG_H
#define TEST_PROG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "bpf/pkt.h"
#include "bpf/knob_values.h"
#include "user/core/apply.h"
#include "user/core/policy.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "tests/lib/packet.h"

#define PROG_CLOCK_JIFFIES FW_CLOCK_JIFFIES
#define PROG_CLOCK_VIRTUAL FW_CLOCK_VIRTUAL
#define PROG_LONG_WAY	   FW_S_LONG_WAY
#define PROG_TIME0	   (1000 * 1000000000ULL) /* virtual time a test starts at */
#define SECOND		   1000000000ULL

struct prog {
	struct fw_object *obj;
	struct fw_maps maps;
	struct fw_policy *fresh; /* owned; what prog_reset puts back */
	struct fw_policy_text *fresh_text;
	__u64 sent;			 /* packets run since the last reset */
	__u64 base[FW_R_MAX];		 /* packets of each reason at that time */
	__u64 moved[FW_COUNT_SVC_SLOTS]; /* packets of each counter when last looked at */
	bool stale;			 /* moved is: packets were run without looking */
	int scratch_fd;
	bool facts;  /* every packet's facts can be read: no short way */
	__u32 block; /* of FW_REASON_SLOTS counters, where the last packet was counted */
	int cpu;     /* the thread that opened it is pinned here */
};

struct prog_opts {
	struct fw_sizes sizes; /* 0 = small ones for tests */
	__u32 clock;	       /* PROG_CLOCK_* */
	__u32 stages;	       /* 0 = all, as shipped */
};

struct outcome {
	int action; /* XDP_* */
	__u32 reason;
	__u32 service;
	bool monitor;	  /* counted in the monitor half */
	struct pkt facts; /* what the program learned; zero unless prog->facts */
};

/* Load; NULL opts: small tables, virtual clock. Skips the test with a reason if not permitted. */
struct prog *prog_open(const struct prog_opts *opts);
void prog_close(struct prog *prog); /* NULL is fine */

/* Everything as after prog_open: empty tables, full budgets, counters 0, default policy, no lanes.
 */
void prog_reset(struct prog *prog);

/* Conservation: all counters, notes aside, sum to prog->sent, and the program never gave up. */
void prog_finish(struct prog *prog);

/* cmocka fixtures: open once for a group, reset before and finish after each test. */
int prog_group_setup(void **state);
int prog_group_setup_facts(void **state); /* without the short way: facts are known */
int prog_group_setup_real(void **state);  /* jiffies clock */
int prog_group_teardown(void **state);
int prog_test_setup(void **state);
int prog_test_teardown(void **state);
#define PROG_TEST(f) cmocka_unit_test_setup_teardown(f, prog_test_setup, prog_test_teardown)

/* One frame of len bytes, at least 14 (the kernel's minimum). */
struct outcome prog_run(struct prog *prog, const void *data, __u32 len);
struct outcome prog_send(struct prog *prog, const struct spec *spec);
/* One frame whose outcome is left to prog_reasons(): a third of the cost. Returns the action. */
int prog_raw_spec(struct prog *prog, const struct spec *spec);
/* n times the same frame in one call; ret_reason: how many ended where. */
void prog_repeat(struct prog *prog, const struct spec *spec, __u32 n, __u64 ret_reason[FW_R_MAX]);
/* How many of n were admitted (verdict not DROP). */
__u64 prog_admitted(struct prog *prog, const struct spec *spec, __u32 n);
/* Raw test-run for threads of their own; the caller adds to prog->sent. Action of the last one. */
int prog_raw(const struct prog *prog, const void *data, __u32 len, __u32 repeat);
/* Packets ended by reason since reset, over services and modes. */
void prog_reasons(struct prog *prog, __u64 ret_reason[FW_R_MAX]);

/* Sends and asserts reason and action, with names in the message. */
#define prog_expect(prog, spec, reason) prog_expect_at(prog, spec, reason, __FILE__, __LINE__)
struct outcome prog_expect_at(struct prog *prog, const struct spec *spec, __u32 reason,
			      const char *file, int line);
int prog_action(__u32 reason); /* XDP action of its verdict */
const char *prog_reason_name(__u32 reason);

/* Packets in the accounts of the CPU that runs the program here: its slots and its ledger. */
__u64 prog_booked(const struct prog *prog);
__u64 prog_note(struct prog *prog, __u32 note);
struct fw_count prog_class_count(struct prog *prog, __u32 class, __u32 what);

void prog_clock(struct prog *prog, __u64 ns); /* set virtual time */
void prog_step(struct prog *prog, __s64 ns);  /* move it */
__u64 prog_now(const struct prog *prog);

/*
 * Changes the way operators make them: begin, edit, commit. prog_edit loads both parts.
 *	struct fw_apply *a = prog_edit(prog);  a->model->... ;  prog_commit(prog, a,
 *FW_APPLY_POLICY);
 */
struct fw_apply *prog_edit(struct prog *prog);
void prog_commit(struct prog *prog, struct fw_apply *apply, unsigned int changed);

/* Add to a lane: "198.51.100.0/24"; until_s program seconds; class for FW_LANE_CLASS. */
void prog_lane(struct prog *prog, enum fw_lane lane, const char *prefix, __u32 until_s, __u8 class);
void prog_lane_add(struct fw_apply *apply, enum fw_lane lane, const char *prefix, __u32 until_s,
		   __u8 class);

/* The text of a policy file, applied by "somebody"; it is as if read from /etc/floodwall/t.yaml. */
struct fw_policy_diff prog_apply(struct prog *prog, const char *text, __u32 confirm_s,
				 struct fw_change *change);

/* The live policy, to scribble in where a test needs what no operator can say. */
struct fw_policy *prog_policy(struct prog *prog);
/* Compile and set one limit of a class in the live policy; count 0: no limit. net48 untouched. */
void prog_limit(struct prog *prog, __u32 class, __u32 kind, __u64 count, __u32 per_s, __u64 burst);
/* No limits at all in a class, /48 neither. */
void prog_unlimited(struct prog *prog, __u32 class);
void prog_budget(struct prog *prog, __u32 budget, __u64 count, __u64 burst);

/* No crowd budgets and all the newcomers it takes: only a source's own limits decide. */
void prog_no_crowd(struct prog *prog);

/* Contents of an array map to zero. */
void prog_zero(struct prog *prog, const char *map);

#endif
