// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the paths of DESIGN section 4 happen. A scene that does not reach its path says so instead
 * of being measured: a fast wrong answer must not look like a met budget.
 */
#include "tests/bench/scene.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILL_FROM   (1ULL << 27) /* steps that no measured stream reaches */
#define PROBES	    10000	 /* packets that show which path is taken */
#define K	    1024ULL
#define M	    (1024 * K)
#define INSERT_PART 2 /* a table is filled by this part in a round, so that sets have places */

/* One packet an hour: after the first, a source or a budget is spent. */
static const struct fw_rate spent = { .count = 1, .per_s = 3600 };

static int fill(struct scene *s, const struct frame *frame, __u64 first, __u64 count,
		struct fw_err *err)
{
	return run_send(s->run, frame, ours_prog(&s->ours), 0, first, count, err);
}

static int add_web(struct scene *s, bool closed, struct fw_err *err)
{
	struct fw_model *model = s->ours.model;
	int web = fw_model_service_add(model, "web", err);

	if (web < 0)
		return web;
	model->service[web].closed = closed;
	if (fw_model_rule_add(model, (__u8)web, "tcp/80@198.51.100.1", err) ||
	    fw_model_rule_add(model, (__u8)web, "tcp/80@2001:db8:64::1", err))
		return -EINVAL;
	for (__u32 i = 1; i < s->opts.services; i++) {
		char text[32];

		snprintf(text, sizeof(text), "svc%u", i);
		web = fw_model_service_add(model, text, err);
		if (web < 0)
			return web;
		snprintf(text, sizeof(text), "tcp/80@198.51.100.%u", i + 1);
		if (fw_model_rule_add(model, (__u8)web, text, err))
			return -EINVAL;
	}
	return 0;
}

static int setup_unspoken(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	(void)frame;
	return add_web(s, true, err);
}

static int setup_over(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	int rc = fill(s, frame, 0, s->opts.sources, err);

	s->ours.model->class[FW_CLASS_DEFAULT].rate[FW_K_PACKETS] = spent;
	if (!rc)
		rc = ours_policy(&s->ours, err);
	/* twice: a table that was filled without limits holds no debt */
	return rc ? rc : fill(s, frame, 0, 2 * s->opts.sources, err);
}

/* The table is half full of others, as on a night with traffic, and nobody may join. */
static int setup_newcomer(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	s->ours.model->budget[FW_B_NEW4] = spent;
	s->ours.model->budget[FW_B_NEW6] = spent;
	return fill(s, frame, FILL_FROM, s->opts.table / 2, err);
}

static int setup_nothing(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	(void)s;
	(void)frame;
	(void)err;
	return 0;
}

static int setup_blocked(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	(void)frame;
	return ours_block(&s->ours, s->opts.prefixes, err);
}

static int voters_of(struct scene *s, __u8 class, const struct frame *frame, struct fw_err *err)
{
	struct fw_rate *rate = s->ours.model->class[class].rate;
	int rc = add_web(s, false, err);

	rate[FW_K_PACKETS] = (struct fw_rate){ .count = 1000000, .per_s = 1, .soft_pct = 80 };
	rate[FW_K_BYTES] = (struct fw_rate){ .count = 1000000000, .per_s = 1 };
	rate[FW_K_SYN] = (struct fw_rate){ .count = 100, .per_s = 1 };
	if (!rc)
		rc = ours_policy(&s->ours, err);
	if (!rc)
		rc = fill(s, frame, 0, s->opts.sources, err);
	ours_prove(&s->ours);
	return rc;
}

static int setup_voter(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	return voters_of(s, FW_CLASS_DEFAULT, frame, err);
}

static int setup_listed(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	const __u8 class = FW_CLASS_TRUSTED + 1;
	int rc;

	snprintf(s->ours.model->class[class].name, FW_NAME_LEN, "carrier");
	rc = ours_enlist(&s->ours, class, err);
	return rc ? rc : voters_of(s, class, frame, err);
}

/* Strangers' budgets are spent; the cookies' is not. */
static int setup_crowd(struct scene *s, const struct frame *frame, struct fw_err *err)
{
	struct fw_model *model = s->ours.model;
	int rc = add_web(s, false, err);

	for (int k = FW_C_SYN; k <= FW_C_PACKETS; k++)
		model->service[1].crowd[k] = spent;
	return rc ? rc : setup_newcomer(s, frame, err);
}

static const struct scene_row {
	const char *path;
	enum frame_id frame;
	int reason;
	int also;	  /* a second reason that is this path, or the same one again */
	double budget_ns; /* at the sources below */
	int (*setup)(struct scene *s, const struct frame *frame, struct fw_err *err);
	struct scene_opts opts;
} scene_row[SCENES] = {
	[SCENE_UNSPOKEN] = { "UDP that the service does not speak",
			     FRAME_UDP4,
			     FW_R_DROP_UNSPOKEN,
			     FW_R_DROP_UNSPOKEN,
			     12,
			     setup_unspoken,
			     { 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_OVER] = { "sources over their limit",
			 FRAME_UDP4,
			 FW_R_DROP_SRC_PACKETS,
			 FW_R_DROP_SRC_PACKETS,
			 20,
			 setup_over,
			 { 10000, 4 * M, 0, 0, 0 } },
	[SCENE_NEWCOMER4] = { "random v4, beyond the newcomers' budget",
			      FRAME_UDP4,
			      FW_R_DROP_CROWD_UDP,
			      FW_R_DROP_NEWCOMER,
			      25,
			      setup_newcomer,
			      { 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_NEWCOMER6] = { "random v6 /64s, beyond the newcomers' budget",
			      FRAME_UDP6,
			      FW_R_DROP_CROWD_UDP,
			      FW_R_DROP_NEWCOMER,
			      25,
			      setup_newcomer,
			      { 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_INSERT] = { "random sources, each inserted",
			   FRAME_UDP4,
			   FW_R_PASS_NEWCOMER,
			   FW_R_PASS_NEWCOMER,
			   100,
			   setup_nothing,
			   { 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_BLOCKED] = { "blocked source, random hit",
			    FRAME_UDP4,
			    FW_R_DROP_BLOCKED,
			    FW_R_DROP_BLOCKED,
			    50,
			    setup_blocked,
			    { 1000000, 1 * M, 1000000, 0, 0 } },
	[SCENE_VOTER] = { "established voter, calm",
			  FRAME_ACK4,
			  FW_R_PASS_PROVEN,
			  FW_R_PASS_PROVEN,
			  40,
			  setup_voter,
			  { 10000, 4 * M, 0, 0, 0 } },
	[SCENE_LISTED] = { "established voter of a class, calm",
			   FRAME_ACK4,
			   FW_R_PASS_PROVEN,
			   FW_R_PASS_PROVEN,
			   0,
			   setup_listed,
			   { 10000, 4 * M, 0, 0, 0 } },
	/* With a listener on the port its cookie is checked, too; without one the ACK ends earlier.
	 */
	[SCENE_ACK] = { "spoofed ACK without a socket",
			FRAME_ACK4,
			FW_R_DROP_COOKIE,
			FW_R_DROP_OUT_OF_STATE,
			150,
			setup_crowd,
			{ 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_COOKIE4] = { "SYN answered with a cookie",
			    FRAME_SYN4,
			    FW_R_TX_COOKIE,
			    FW_R_TX_COOKIE,
			    200,
			    setup_crowd,
			    { 16 * M, 1 * M, 0, 0, 0 } },
	[SCENE_COOKIE6] = { "SYN answered with a cookie, v6",
			    FRAME_SYN6,
			    FW_R_TX_COOKIE,
			    FW_R_TX_COOKIE,
			    200,
			    setup_crowd,
			    { 16 * M, 1 * M, 0, 0, 0 } },
};

const char *scene_path(enum scene_id id)
{
	return scene_row[id].path;
}

/* DESIGN names a number of sources for each goal; other numbers are shown without one. */
double scene_budget(enum scene_id id, __u64 sources)
{
	if (id == SCENE_OVER)
		return sources == 1 ? 15 : sources <= 10000 ? 20 : 0;
	return sources == scene_row[id].opts.sources ? scene_row[id].budget_ns : 0;
}

static int clear(void *arg)
{
	ours_clear(&((struct scene *)arg)->ours);
	return 0;
}

/* Sends packets of the stream and says in s->why where they ended, if not where they should. */
static int check(struct scene *s, struct fw_err *err)
{
	const struct scene_row *row = &scene_row[s->id];
	__u64 before[FW_R_MAX], after[FW_R_MAX], most = 0, reached;
	int reason = 0, rc;

	if (s->id == SCENE_INSERT)
		ours_clear(&s->ours);
	rc = ours_reasons(&s->ours, before);
	if (!rc)
		rc = run_send(s->run, frame_get(row->frame), ours_prog(&s->ours), s->opts.sources,
			      0, PROBES, err);
	if (!rc)
		rc = ours_reasons(&s->ours, after);
	if (rc)
		return rc;
	for (int i = 0; i < FW_R_MAX; i++) {
		if (after[i] - before[i] > most) {
			most = after[i] - before[i];
			reason = i;
		}
	}
	reached = after[row->reason] - before[row->reason];
	if (row->also != row->reason)
		reached += after[row->also] - before[row->also];
	if (s->opts.stages || reached >= PROBES / 100 * 99)
		return 0;
	if (reason == row->reason || reason == row->also)
		snprintf(s->why, sizeof(s->why), "only %llu of %d packets take this path",
			 (unsigned long long)reached, PROBES);
	else
		snprintf(s->why, sizeof(s->why), "%llu of %d packets ended as %s, not %s",
			 (unsigned long long)most, PROBES, ours_reason_name(reason),
			 ours_reason_name(row->reason));
	return 0;
}

static void set_opts(struct scene *s, const struct scene_opts *opts)
{
	s->opts = scene_row[s->id].opts;
	if (!opts)
		return;
	if (opts->sources)
		s->opts.sources = opts->sources;
	if (opts->table)
		s->opts.table = opts->table;
	if (opts->prefixes)
		s->opts.prefixes = opts->prefixes;
	s->opts.services = opts->services;
	s->opts.stages = opts->stages;
}

int scene_open(struct scene *scene, struct run *run, enum scene_id id,
	       const struct scene_opts *opts, struct fw_err *err)
{
	const struct frame *frame = frame_get(scene_row[id].frame);
	struct fw_sizes sizes = { .prefixes6 = 1000 };
	int rc;

	memset(scene, 0, sizeof(*scene));
	scene->id = id;
	scene->run = run;
	set_opts(scene, opts);
	sizes.sources4 = frame->stepper < FRAME_6_SHORT ? scene->opts.table : K;
	sizes.sources6 = frame->stepper < FRAME_6_SHORT ? K : scene->opts.table;
	sizes.prefixes4 = scene->opts.prefixes ? scene->opts.prefixes : 1000;
	rc = ours_open(&sizes, scene->opts.stages, &scene->ours, err);
	if (!rc)
		rc = scene_row[id].setup(scene, frame, err);
	if (!rc)
		rc = ours_policy(&scene->ours, err);
	if (!rc)
		rc = check(scene, err);
	if (rc) {
		fw_err_prepend(err, "%s: ", scene_row[id].path);
		scene_close(scene);
	}
	return rc;
}

void scene_close(struct scene *scene)
{
	ours_close(&scene->ours);
}

struct run_cell scene_cell(struct scene *scene, const char *path, int cpus)
{
	const struct scene_row *row = &scene_row[scene->id];
	struct run_cell cell = {
		.path = path ? path : row->path,
		.system = "floodwall",
		.frame = frame_get(row->frame),
		.sources = scene->opts.sources,
		.cpus = cpus,
		.prog_fd = ours_prog(&scene->ours),
		.budget_ns = path ? 0 : scene_budget(scene->id, scene->opts.sources),
		.apart = row->reason == FW_R_PASS_PROVEN, /* a connection stays on its queue */
		.note = scene->why[0] ? scene->why : NULL,
	};

	if (scene->id == SCENE_INSERT) {
		cell.before = clear;
		cell.arg = scene;
		cell.repeat = (__u32)(scene->opts.table / INSERT_PART / (__u64)cpus);
		if (cell.repeat > run_repeat(scene->run))
			cell.repeat = run_repeat(scene->run);
	}
	return cell;
}
