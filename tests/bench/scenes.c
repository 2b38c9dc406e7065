// SPDX-License-Identifier: GPL-2.0-only
/*
 * The groups of the bench that are about floodwall itself. Scenes of a group are open together, so
 * that all of them and their peers are measured in turn within a round.
 */
#include "tests/bench/scenes.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/knob_values.h"
#include "tests/bench/peers.h"
#include "tests/bench/scene.h"
#include "user/base/table.h"

#define M	  (1ULL << 20)
#define CELLS_MAX 160

/* Cells and what they need open, for one group. */
struct group {
	struct run *run;
	struct out *out;
	struct run_cell cell[CELLS_MAX];
	size_t cells;
	struct scene scene[SCENES * 4 + 4];
	size_t scenes;
};

static struct group *group_new(struct run *run, struct out *out, struct fw_err *err)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		fw_err_set(err, -ENOMEM, NULL, "no memory");
	else {
		g->run = run;
		g->out = out;
	}
	return g;
}

static void group_free(struct group *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->scenes; i++)
		scene_close(&g->scene[i]);
	free(g);
}

static void group_cell(struct group *g, struct run_cell cell)
{
	if (g->cells < CELLS_MAX)
		g->cell[g->cells++] = cell;
}

/* One more open scene; NULL on failure. */
static struct scene *group_scene(struct group *g, enum scene_id id, const struct scene_opts *opts,
				 struct fw_err *err)
{
	struct scene *scene = &g->scene[g->scenes];

	if (g->scenes == sizeof(g->scene) / sizeof(*g->scene)) {
		fw_err_set(err, -ENOSPC, NULL, "too many scenes in a group");
		return NULL;
	}
	if (run_options(g->run)->progress)
		fprintf(stderr, "\r\033[Kpreparing: %s", scene_path(id));
	if (scene_open(scene, g->run, id, opts, err))
		return NULL;
	g->scenes++;
	return scene;
}

static int group_run(struct group *g, const char *title, struct fw_err *err)
{
	int rc = g->cells ? run_group(g->run, g->cell, g->cells, title, err) : 0;

	if (!rc && g->cells)
		rc = out_group(g->out, title, g->cell, g->cells);
	g->cells = 0;
	return rc;
}

/* The rows of DESIGN section 4, in its order. */
static const struct {
	enum scene_id id;
	__u64 sources; /* 0 = the scene's own */
} budgeted[] = {
	{ SCENE_UNSPOKEN, 0 },	{ SCENE_OVER, 1 },	{ SCENE_OVER, 1000 }, { SCENE_OVER, 10000 },
	{ SCENE_NEWCOMER4, 0 }, { SCENE_NEWCOMER6, 0 }, { SCENE_INSERT, 0 },  { SCENE_BLOCKED, 0 },
	{ SCENE_VOTER, 0 },	{ SCENE_ACK, 0 },	{ SCENE_COOKIE4, 0 }, { SCENE_COOKIE6, 0 },
};
#define BUDGETED (sizeof(budgeted) / sizeof(*budgeted))

static int open_budgeted(struct group *g, const char *name, struct fw_err *err)
{
	for (size_t i = 0; i < BUDGETED; i++) {
		struct scene_opts opts = { .sources = budgeted[i].sources };
		struct scene *scene;

		if (name && !strstr(scene_path(budgeted[i].id), name))
			continue;
		scene = group_scene(g, budgeted[i].id, &opts, err);
		if (!scene)
			return -EIO;
		if (scene->why[0])
			out_missing(g->out, scene_path(scene->id),
				    scene_budget(scene->id, scene->opts.sources), scene->why);
	}
	return 0;
}

static void add_peer(struct group *g, const char *path, const char *system, int prog_fd,
		     __u64 sources, bool slow)
{
	group_cell(g, (struct run_cell){
			      .path = path,
			      .system = system,
			      .frame = frame_get(FRAME_UDP4),
			      .sources = sources,
			      .cpus = 1,
			      .prog_fd = prog_fd,
			      .repeat = slow ? run_repeat(g->run) / 4 : 0,
		      });
}

struct peers {
	struct peer_filter filter_one, filter_full;
	struct peer_lru lru;
};

static int open_peers(struct peers *peers, struct fw_err *err)
{
	int rc = peer_lru_open(&peers->lru, 1 << 20, err);

	if (!rc)
		rc = peer_filter_open(&peers->filter_one, 1, err);
	if (!rc)
		rc = peer_filter_open(&peers->filter_full, PEER_FILTER_MAX, err);
	return rc;
}

static void close_peers(struct peers *peers)
{
	peer_lru_close(&peers->lru);
	peer_filter_close(&peers->filter_one);
	peer_filter_close(&peers->filter_full);
}

static void add_peers(struct group *g, const struct peers *peers)
{
	const char *over = scene_path(SCENE_OVER), *random = scene_path(SCENE_NEWCOMER4);

	add_peer(g, over, "LRU-hash bucket", peers->lru.prog_fd, 1, false);
	add_peer(g, over, "LRU-hash bucket", peers->lru.prog_fd, 10000, false);
	add_peer(g, random, "LRU-hash bucket", peers->lru.prog_fd, 16 * M, true);
	add_peer(g, "one address blocked, hit", "xdp-filter", peers->filter_one.prog_fd, 1, false);
	add_peer(g, "10,000 addresses blocked, hit", "xdp-filter", peers->filter_full.prog_fd,
		 10000, false);
	add_peer(g, "10,000 addresses blocked, random passes", "xdp-filter",
		 peers->filter_full.prog_fd, 16 * M, false);
}

/* Voters whose connections are spread over all CPUs: their lines travel. No budget speaks of it. */
static void add_shared(struct group *g, struct scene *scene)
{
	struct run_cell cell =
		scene_cell(scene, "voters, each on all CPUs at once", run_cpus(g->run));

	cell.apart = false;
	group_cell(g, cell);
}

int scenes_budgets(struct run *run, struct out *out, struct fw_err *err)
{
	struct group *g = group_new(run, out, err);
	struct peers peers;
	int rc = g ? 0 : -ENOMEM;

	memset(&peers, 0, sizeof(peers));
	if (!rc)
		rc = open_budgeted(g, NULL, err);
	if (!rc)
		rc = open_peers(&peers, err);
	for (size_t i = 0; !rc && i < g->scenes; i++) {
		if (!g->scene[i].why[0])
			group_cell(g, scene_cell(&g->scene[i], NULL, 1));
	}
	if (!rc) {
		add_peers(g, &peers);
		rc = group_run(g, "Paths with a budget, and peers on the same packets, one CPU",
			       err);
	}
	for (int cpus = 1; !rc && cpus <= run_cpus(run); cpus++) {
		for (size_t i = 0; cpus > 1 && i < g->scenes; i++) {
			if (!g->scene[i].why[0])
				group_cell(g, scene_cell(&g->scene[i], NULL, cpus));
		}
	}
	for (size_t i = 0; !rc && i < g->scenes; i++) {
		if (g->scene[i].id == SCENE_VOTER && !g->scene[i].why[0])
			add_shared(g, &g->scene[i]);
	}
	if (!rc)
		rc = group_run(g, "The same on several CPUs at once, ns a packet on each", err);
	close_peers(&peers);
	group_free(g);
	return rc;
}

int scenes_paths(struct run *run, struct out *out, const char *name, struct fw_err *err)
{
	struct group *g = group_new(run, out, err);
	int rc = g ? open_budgeted(g, name, err) : -ENOMEM;

	for (size_t i = 0; !rc && i < g->scenes; i++) {
		if (!g->scene[i].why[0])
			group_cell(g, scene_cell(&g->scene[i], NULL, 1));
	}
	if (!rc)
		rc = group_run(g, "Paths with a budget, one CPU", err);
	group_free(g);
	return rc;
}

/* One curve: a scene with one of its numbers stepped. */
static const struct curve {
	const char *title;
	enum scene_id id;
	struct scene_opts opts[5];
	const char *path[5]; /* NULL: the scene's own name */
} curves[] = {
	{ "Cost over the number of sources (table of 4 M, and 32 M for 16 M sources)",
	  SCENE_OVER,
	  { { .sources = 1 },
	    { .sources = 1000 },
	    { .sources = 10000 },
	    { .sources = 1000000 },
	    { .sources = 16 * M, .table = 32 * M } },
	  { "over limit, 1 source", "over limit, 1,000 sources", "over limit, 10,000 sources",
	    "over limit, 1 M sources", "over limit, 16 M sources" } },
	{ "",
	  SCENE_VOTER,
	  { { .sources = 1000 },
	    { .sources = 10000 },
	    { .sources = 1000000 },
	    { .sources = 16 * M, .table = 32 * M } },
	  { "voters, 1,000", "voters, 10,000", "voters, 1 M", "voters, 16 M" } },
	{ "", SCENE_LISTED, { { .sources = 10000 } }, { "voters of a class, 10,000" } },
	{ "",
	  SCENE_UNSPOKEN,
	  { { .sources = 1 }, { .sources = 1000 }, { .sources = 1000000 }, { .sources = 16 * M } },
	  { "unspoken, 1 source", "unspoken, 1,000 sources", "unspoken, 1 M sources",
	    "unspoken, 16 M sources" } },
	{ "Cost over the size of the table, unknown sources beyond the newcomers' budget",
	  SCENE_NEWCOMER4,
	  { { .table = 64 << 10 }, { .table = 1 * M }, { .table = 4 * M }, { .table = 16 * M } },
	  { "table of 64 k", "table of 1 M", "table of 4 M", "table of 16 M" } },
	{ "",
	  SCENE_NEWCOMER6,
	  { { .table = 64 << 10 }, { .table = 1 * M }, { .table = 4 * M }, { .table = 16 * M } },
	  { "v6 table of 64 k", "v6 table of 1 M", "v6 table of 4 M", "v6 table of 16 M" } },
	{ "Cost over the number of blocked prefixes, each packet from one of them",
	  SCENE_BLOCKED,
	  { { .prefixes = 1, .sources = 1 },
	    { .prefixes = 1000, .sources = 1000 },
	    { .prefixes = 10000, .sources = 10000 },
	    { .prefixes = 100000, .sources = 100000 },
	    { .prefixes = 1000000, .sources = 1000000 } },
	  { "1 blocked", "1,000 blocked", "10,000 blocked", "100,000 blocked", "1 M blocked" } },
	{ "Cost over the number of services on one port",
	  SCENE_VOTER,
	  { { .services = 1 }, { .services = 4 }, { .services = 15 } },
	  { "1 service", "4 services", "15 services" } },
};
#define CURVES (sizeof(curves) / sizeof(*curves))

static int open_curve(struct group *g, const struct curve *curve, bool quick, struct fw_err *err)
{
	for (int i = 0; i < 5 && curve->path[i]; i++) {
		struct scene *scene;

		if (quick && curve->opts[i].table > M)
			continue;
		scene = group_scene(g, curve->id, &curve->opts[i], err);
		if (!scene)
			return -EIO;
		group_cell(g, scene_cell(scene, curve->path[i], 1));
	}
	return 0;
}

/* Curves with an empty title belong to the table of the one before. */
int scenes_curves(struct run *run, struct out *out, bool quick, struct fw_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < CURVES;) {
		struct group *g = group_new(run, out, err);
		const char *title = curves[i].title;

		rc = g ? 0 : -ENOMEM;
		do {
			if (!rc)
				rc = open_curve(g, &curves[i], quick, err);
		} while (++i < CURVES && !curves[i].title[0]);
		if (!rc)
			rc = group_run(g, title, err);
		group_free(g);
	}
	return rc;
}

/* Stage bits of bpf/knobs.h, which holds variables and cannot be included here. */
static const struct {
	const char *name;
	__u32 bit;
} stage[] = {
	{ "sanity", FW_S_SANITY }, { "lanes", FW_S_LANES }, { "service", FW_S_SERVICE },
	{ "source", FW_S_SOURCE }, { "crowd", FW_S_CROWD },
};
#define STAGES (sizeof(stage) / sizeof(*stage))

static const enum scene_id staged[] = { SCENE_OVER, SCENE_NEWCOMER4, SCENE_NEWCOMER6, SCENE_VOTER };
/* All stages; each left out; all left out; all, but by the general parser. */
#define VARIANTS (STAGES + 3)
#define STAGED	 (sizeof(staged) / sizeof(*staged))

/* Differences of a few ns between many cells: the fastest rounds are the least disturbed. */
static double fastest_ns(const struct run_cell *cell)
{
	return run_min(cell->ns, cell->rounds);
}

/* Cells of a scene: all stages, one of them off each, none. */
static int print_stages(const struct run_cell *cell)
{
	static const struct fw_column column[1 + STAGED] = {
		{ "stage", FW_LEFT },	    { "over limit", FW_RIGHT }, { "unknown v4", FW_RIGHT },
		{ "unknown v6", FW_RIGHT }, { "voter", FW_RIGHT },
	};
	struct fw_table *table = fw_table_new(column, 1 + STAGED);
	int rc;

	if (!table)
		return -ENOMEM;
	for (size_t s = 0; s < VARIANTS; s++) {
		fw_table_cell(table, "%s",
			      s == 0		? "bare drop"
			      : s == STAGES + 1 ? "parse, accounting"
			      : s == STAGES + 2 ? "if not a plain frame"
						: stage[s - 1].name);
		for (size_t p = 0; p < STAGED; p++) {
			const struct run_cell *all = &cell[p * VARIANTS];
			double bare = run_min(all->bare, all->rounds);

			if (s == 0)
				fw_table_cell(table, "%.1f", bare);
			else if (s == STAGES + 1)
				fw_table_cell(table, "%+.1f", fastest_ns(&all[s]) - bare);
			else if (s == STAGES + 2)
				fw_table_cell(table, "%+.1f",
					      fastest_ns(&all[s]) - fastest_ns(all));
			else
				fw_table_cell(table, "%+.1f",
					      fastest_ns(all) - fastest_ns(&all[s]));
		}
	}
	printf("\nPrice of each stage: ns saved by leaving it out (fastest rounds)\n");
	rc = fw_table_print(table, stdout);
	fw_table_free(table);
	return rc;
}

int scenes_stages(struct run *run, struct out *out, struct fw_err *err)
{
	static const char *const without[STAGES] = { "without sanity", "without lanes",
						     "without service", "without source",
						     "without crowd" };
	struct group *g = group_new(run, out, err);
	int rc = g ? 0 : -ENOMEM;

	for (size_t p = 0; !rc && p < STAGED; p++) {
		for (size_t s = 0; !rc && s < VARIANTS; s++) {
			struct scene_opts opts = {
				.stages = s == 0	    ? 0
					  : s == STAGES + 1 ? FW_S_PLAIN
					  : s == STAGES + 2 ? FW_S_LONG_WAY
							    : FW_S_ALL & ~stage[s - 1].bit,
			};
			struct scene *scene = group_scene(g, staged[p], &opts, err);
			struct run_cell cell;

			if (!scene) {
				rc = -EIO;
				break;
			}
			cell = scene_cell(scene, scene_path(staged[p]), 1);
			cell.system = s == 0		? "all stages"
				      : s == STAGES + 1 ? "parse, accounting"
				      : s == STAGES + 2 ? "not as a plain frame"
							: without[s - 1];
			group_cell(g, cell);
		}
	}
	if (!rc)
		rc = run_group(run, g->cell, g->cells, "Stages", err);
	if (!rc)
		rc = out_keep(out, g->cell, g->cells);
	if (!rc)
		rc = print_stages(g->cell);
	group_free(g);
	return rc;
}
