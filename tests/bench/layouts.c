// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the layouts of layouts.bpf.c: each size loads every layout twice (unknown sources dropped,
 * unknown sources entered), fills the tables seven eighths full, then measures them in turn.
 */
#include "tests/bench/layouts.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/bench/layouts.skel.h"

enum layout { LAY_NONE, LAY_LRU, LAY_PLAIN8, LAY_PRINT8, LAY_PRINT4, LAYOUTS };

static const char *const layout_name[LAYOUTS] = {
	"no table",
	"LRU_HASH bucket",
	"8-way words",
	"8-way + fingerprints",
	"4-way + fingerprints",
};

/* What is asked of a table; a row of it for every layout and size. */
static const struct shape {
	const char *name;
	__u64 sources;
	bool insert;
	bool known; /* sources are entered first */
} shape[] = {
	{ "1 source over its limit", 1, false, true },
	{ "10 k sources over their limits", 10000, false, true },
	{ "random, unknown, not entered", 16 << 20, false, false },
	{ "random, unknown, entered", 16 << 20, true, false },
};
#define SHAPES (sizeof(shape) / sizeof(*shape))

#define FILL_FROM (1ULL << 27) /* steps that no measured stream reaches */

struct table {
	struct layouts_bpf *skel[2]; /* unknown sources dropped, entered */
};

static struct bpf_program *program(const struct layouts_bpf *skel, enum layout layout)
{
	struct bpf_program *prog[LAYOUTS] = {
		skel->progs.lay_none,	skel->progs.lay_lru,	skel->progs.lay_plain8,
		skel->progs.lay_print8, skel->progs.lay_print4,
	};

	return prog[layout];
}

/* Tables are shared by the pair: what the entering programs enter, the dropping ones find. */
static int share(struct layouts_bpf *to, const struct layouts_bpf *from)
{
	struct bpf_map *map, *of;

	bpf_object__for_each_map(map, to->obj) {
		if (strchr(bpf_map__name(map), '.'))
			continue; /* .rodata */
		of = bpf_object__find_map_by_name(from->obj, bpf_map__name(map));
		if (bpf_map__reuse_fd(map, bpf_map__fd(of)))
			return -errno;
	}
	return 0;
}

static int load(struct layouts_bpf **ret, const struct layouts_bpf *shared, __u32 size, bool insert)
{
	struct layouts_bpf *skel = layouts_bpf__open();
	int rc;

	if (!skel)
		return -errno;
	skel->rodata->cfg_mask = size / 8 - 1;
	skel->rodata->cfg_insert = insert;
	bpf_map__set_max_entries(skel->maps.lru, size);
	bpf_map__set_max_entries(skel->maps.plain8, size / 8);
	bpf_map__set_max_entries(skel->maps.print8, size / 8);
	bpf_map__set_max_entries(skel->maps.print8_fp, size / 8);
	bpf_map__set_max_entries(skel->maps.print4, size / 4);
	bpf_map__set_max_entries(skel->maps.print4_fp, size / 4);
	rc = shared ? share(skel, shared) : 0;
	if (!rc)
		rc = layouts_bpf__load(skel);
	if (rc)
		layouts_bpf__destroy(skel);
	else
		*ret = skel;
	return rc;
}

static int fill(struct run *run, const struct table *table, __u32 size, struct fw_err *err)
{
	const struct frame *frame = frame_get(FRAME_UDP4);
	int rc = 0;

	for (int i = LAY_LRU; !rc && i < LAYOUTS; i++) {
		int fd = bpf_program__fd(program(table->skel[1], (enum layout)i));

		rc = run_send(run, frame, fd, 0, FILL_FROM, size - size / 8, err);
		if (!rc) /* twice: the second packet is over the limit */
			rc = run_send(run, frame, fd, 0, 0, 10000, err);
	}
	return rc;
}

static int size_bench(struct run *run, struct out *out, __u32 size, const char *text,
		      struct fw_err *err)
{
	struct run_cell cell[SHAPES * LAYOUTS];
	struct table table = { { NULL, NULL } };
	char what[64], path[SHAPES][64];
	size_t n = 0;
	int rc;

	memset(cell, 0, sizeof(cell));
	rc = load(&table.skel[1], NULL, size, true);
	if (!rc)
		rc = load(&table.skel[0], table.skel[1], size, false);
	if (rc) {
		fw_err_set(err, rc, NULL, "layouts of %s sources could not be loaded: %s", text,
			   strerror(-rc));
		goto out;
	}
	rc = fill(run, &table, size, err);
	for (size_t s = 0; s < SHAPES; s++) {
		snprintf(path[s], sizeof(path[s]), "table of %s: %s", text, shape[s].name);
		for (int l = s ? LAY_LRU : LAY_NONE; l < LAYOUTS; l++) {
			const struct layouts_bpf *skel = table.skel[shape[s].insert];

			cell[n++] = (struct run_cell){
				.path = path[s],
				.system = layout_name[l],
				.frame = frame_get(FRAME_UDP4),
				.sources = shape[s].sources,
				.cpus = 1,
				.prog_fd = bpf_program__fd(program(skel, (enum layout)l)),
				.repeat = l == LAY_LRU ? run_repeat(run) / 4 : 0,
			};
		}
	}
	snprintf(what, sizeof(what), "Source table layouts, %s sources", text);
	if (!rc)
		rc = run_group(run, cell, n, what, err);
	if (!rc)
		rc = out_group(out, what, cell, n);
out:
	layouts_bpf__destroy(table.skel[0]);
	layouts_bpf__destroy(table.skel[1]);
	return rc;
}

int layouts_bench(struct run *run, struct out *out, bool quick, struct fw_err *err)
{
	static const struct {
		__u32 size;
		const char *text;
	} row[] = {
		{ 64 << 10, "64 k" }, { 1 << 20, "1 M" }, { 4 << 20, "4 M" }, { 16 << 20, "16 M" }
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < (quick ? 2 : 4); i++)
		rc = size_bench(run, out, row[i].size, row[i].text, err);
	return rc;
}
