// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads floodwall's object through the same code as the command does, and fills its maps. The
 * bench is the only writer and no packet is under way while it writes, so it writes the live half.
 */
#include "bpf/hash.h"
#include "tests/bench/ours.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "user/base/clock.h"
#include "user/policy/compile.h"
#include "user/policy/lanes.h"
#include "tests/bench/bench_abi.h"

#define SERVICES_COUNTED 2 /* host and web: nothing else is sent to */

static const char *const reason_name[] = {
#define X(id, name, verdict, text) [FW_R_##id] = (name),
	FW_REASONS(X)
#undef X
};

const char *ours_reason_name(int reason)
{
	return reason >= 0 && reason < FW_R_MAX ? reason_name[reason] : "?";
}

static void lift_limits(struct fw_model *model)
{
	for (int i = 0; i < FW_B_MAX; i++)
		model->budget[i].count = 0;
	for (int i = 0; i < FW_CLASS_MAX; i++) {
		for (int k = 0; k < FW_K_MAX; k++)
			model->class[i].rate[k].count = 0;
	}
	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		for (int k = 0; k < FW_C_MAX; k++) {
			model->service[i].crowd[k].count = 0;
			model->service[i].net[k].count = 0;
		}
	}
}

/*
 * fw_maps shows the source tables read-only, for they are the program's. The bench is no ordinary
 * writer, so it maps them itself. All tables lie one after the other in the same three maps.
 */
static int map_sources(const struct fw_object *obj, struct ours *ret)
{
	const struct fw_meta *m = &obj->meta;
	const struct {
		const char *name;
		size_t size;
		void **view;
	} row[] = {
		{ "fw_src_fp", sizeof(*ret->fp), (void **)&ret->fp },
		{ "fw_src", sizeof(*ret->src), (void **)&ret->src },
	};

	ret->sets = (size_t)fw_table_sets(__builtin_ctz(m->src4_sets)) +
		    fw_table_sets(__builtin_ctz(m->src6_sets)) +
		    fw_table_sets(__builtin_ctz(m->net6_sets));
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		void *mem = mmap(NULL, ret->sets * row[i].size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fw_object_map_fd(obj, row[i].name), 0);

		if (mem == MAP_FAILED)
			return -errno;
		*row[i].view = mem;
	}
	return 0;
}

static void unmap_sources(struct ours *ours)
{
	if (ours->fp)
		munmap(ours->fp, ours->sets * sizeof(*ours->fp));
	if (ours->src)
		munmap(ours->src, ours->sets * sizeof(*ours->src));
}

int ours_open(const struct fw_sizes *sizes, __u32 stages, struct ours *ret, struct fw_err *err)
{
	struct fw_object_opts opts = {
		.sizes = *sizes,
		.stages = stages,
		.frags = true,
		.cookie_raw = true,
		.build = "bench",
	};
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->model = calloc(1, sizeof(*ret->model));
	if (!ret->model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory");
	fw_model_default(ret->model);
	lift_limits(ret->model);
	rc = fw_object_open(&opts, &ret->obj, err);
	if (!rc)
		rc = fw_object_load(ret->obj, err);
	if (!rc)
		rc = fw_object_commit(ret->obj, err);
	if (!rc)
		rc = fw_maps_open_object(
			ret->obj, FW_MAPS_POLICY | FW_MAPS_LANES | FW_MAPS_COUNTS | FW_MAPS_WRITE,
			&ret->maps, err);
	if (!rc) {
		rc = map_sources(ret->obj, ret);
		if (rc)
			fw_err_set(err, rc, NULL, "mapping the source tables: %s", strerror(-rc));
	}
	if (!rc)
		rc = ours_policy(ret, err);
	if (rc)
		ours_close(ret);
	return rc;
}

void ours_close(struct ours *ours)
{
	unmap_sources(ours);
	fw_maps_close(&ours->maps);
	fw_object_close(ours->obj);
	free(ours->model);
	memset(ours, 0, sizeof(*ours));
}

int ours_prog(const struct ours *ours)
{
	return ours->obj->prog_fd;
}

int ours_policy(struct ours *ours, struct fw_err *err)
{
	return fw_compile_policy(ours->model, fw_clock_tick(), &ours->maps.policy[0],
				 &ours->maps.policy_txt[0], err);
}

static int add_sources(struct fw_prefixes *set, __u64 count, struct fw_err *err)
{
	struct fw_prefix one = {
		.addr_be = { 0, 0, __builtin_bswap32(0xffff), 0 },
		.until_s = FW_FOREVER,
		.len = 128,
		.lane = FW_LANE_BLOCKED,
	};
	int rc = 0;

	for (__u64 i = 0; rc >= 0 && i < count; i++) {
		one.addr_be[3] = __builtin_bswap32(bench_source4(i));
		rc = fw_prefixes_add(set, &one, NULL, err);
	}
	return rc < 0 ? rc : 0;
}

static int compile_lanes(struct ours *ours, const struct fw_prefixes *set, struct fw_err *err)
{
	struct fw_maps *m = &ours->maps;
	struct fw_lanes lanes = {
		.head = m->lane_head,
		.top4 = m->lane4_top,
		.dir4 = m->lane4_dir,
		.set4 = m->lane4_set,
		.range4 = m->lane4_rng,
		.node6 = m->lane6_node,
		.deep6 = m->lane6_deep,
		.profile = m->profile,
		.set4_lines = m->cap_set4,
		.range4_max = m->cap_rng4,
		.node6_max = m->cap_node6,
		.deep6_max = m->cap_deep6,
		.profile_max = m->cap_profile,
	};

	return fw_lanes_compile(set, 0, &lanes, err);
}

int ours_block(struct ours *ours, __u64 count, struct fw_err *err)
{
	struct fw_prefixes set = { 0 };
	int rc = add_sources(&set, count, err);

	if (!rc)
		rc = compile_lanes(ours, &set, err);
	fw_prefixes_free(&set);
	return rc;
}

int ours_enlist(struct ours *ours, __u8 class, struct fw_err *err)
{
	struct fw_prefixes set = { 0 };
	struct fw_prefix half = {
		.addr_be = { 0, 0, __builtin_bswap32(0xffff), 0 },
		.until_s = FW_FOREVER,
		.len = 97,
		.lane = FW_LANE_CLASS,
		.class = class,
	};
	int rc = fw_prefixes_add(&set, &half, NULL, err);

	half.addr_be[3] = __builtin_bswap32(1U << 31);
	if (rc >= 0)
		rc = fw_prefixes_add(&set, &half, NULL, err);
	if (rc >= 0)
		rc = compile_lanes(ours, &set, err);
	fw_prefixes_free(&set);
	return rc < 0 ? rc : 0;
}

void ours_clear(struct ours *ours)
{
	memset(ours->fp, 0, ours->sets * sizeof(*ours->fp));
	memset(ours->src, 0, ours->sets * sizeof(*ours->src));
}

void ours_prove(struct ours *ours)
{
	__u8 epoch = FW_PROOF_EPOCH(fw_clock_now());

	for (size_t set = 0; set < ours->sets; set++) {
		for (int way = 0; way < FW_WAYS; way++) {
			if (ours->fp[set] >> (8 * way) & 0xff)
				ours->src[set].way[way].proof = epoch;
		}
	}
}

int ours_reasons(const struct ours *ours, __u64 ret_packets[FW_R_MAX])
{
	struct fw_count count;
	int rc = 0;

	memset(ret_packets, 0, sizeof(*ret_packets) * FW_R_MAX);
	for (__u32 service = 0; service < SERVICES_COUNTED; service++) {
		for (__u32 reason = 0; !rc && reason < FW_R_MAX; reason++) {
			rc = fw_maps_slot(&ours->maps, ours->maps.count_svc_fd,
					  fw_maps_svc_slot(false, service, reason), 2,
					  (__u64 *)&count);
			ret_packets[reason] += count.packets;
		}
	}
	return rc;
}
