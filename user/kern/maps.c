// SPDX-License-Identifier: GPL-2.0-only
/*
 * Typed access to the maps. One row per map says its name, its part, the size its value must have
 * and where its view goes; what the kernel reports must match the row, or nothing is opened.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/hash.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "user/kern/pin.h"

#define NO_FIELD ((size_t)-1)

struct row {
	const char *name;
	unsigned int part; /* 0: always */
	__u32 value_size;
	__u32 halves;  /* 2: two generations, capacity is half of the entries */
	size_t view;   /* offset of the pointer in struct fw_maps */
	size_t cap;    /* offset of the __u32 that takes the capacity, or NO_FIELD */
	__u32 entries; /* with NO_FIELD: how many there must be */
	bool readonly; /* the program's own: never mapped writable */
};

#define ROW_OF(name_, part_, value_, halves_, view_, cap_, entries_, ro_)                     \
	{                                                                                     \
		name_, part_, sizeof(value_), halves_, offsetof(struct fw_maps, view_), cap_, \
			entries_, ro_                                                         \
	}
/* Sized when the state is made; and the same in every state. */
#define ROW(name_, part_, value_, halves_, view_, cap_, ro_) \
	ROW_OF(name_, part_, value_, halves_, view_, cap_, 0, ro_)
#define FIXED(name_, part_, value_, entries_, view_, ro_) \
	ROW_OF(name_, part_, value_, 1, view_, NO_FIELD, entries_, ro_)
#define CAP(field_) offsetof(struct fw_maps, field_)

static const struct row rows[] = {
	FIXED("fw_meta", 0, struct fw_meta, 1, meta, false),
	FIXED("fw_ctl", 0, struct fw_ctl, 1, ctl, false),
	FIXED("fw_applied", 0, struct fw_applied, FW_APPLIED_SLOTS, applied, false),
	FIXED("fw_policy", FW_MAPS_POLICY, struct fw_policy[2], 1, policy, false),
	FIXED("fw_policy_txt", FW_MAPS_POLICY, struct fw_policy_text, 2, policy_txt, false),
	FIXED("fw_lane_head", FW_MAPS_LANES, struct fw_lane_head[2], 1, lane_head, false),
	FIXED("fw_lane4_top", FW_MAPS_LANES, __u16[2][65536], 1, lane4_top, false),
	ROW("fw_lane4_set", FW_MAPS_LANES, struct fw_lane4_set, 2, lane4_set, CAP(cap_set4), false),
	FIXED("fw_lane4_dir", FW_MAPS_LANES, struct fw_lane4_dir, 2 * 65536, lane4_dir, false),
	ROW("fw_lane4_rng", FW_MAPS_LANES, __u64, 2, lane4_rng, CAP(cap_rng4), false),
	ROW("fw_lane6_node", FW_MAPS_LANES, struct fw_lane6_node, 2, lane6_node, CAP(cap_node6),
	    false),
	ROW("fw_lane6_deep", FW_MAPS_LANES, struct fw_lane6_deep, 2, lane6_deep, CAP(cap_deep6),
	    false),
	ROW("fw_profile", FW_MAPS_LANES, struct fw_profile, 2, profile, CAP(cap_profile), false),
	ROW("fw_prefix", FW_MAPS_LANES, struct fw_prefix, 2, prefix, CAP(cap_prefix), false),
	ROW("fw_why", FW_MAPS_LANES, struct fw_why, 2, why, CAP(cap_why), false),
	ROW("fw_src_fp", FW_MAPS_SOURCES, __u64, 1, src_fp, CAP(src_sets), true),
	ROW("fw_src", FW_MAPS_SOURCES, struct fw_src_set, 1, src, CAP(src_sets), true),
	FIXED("fw_budget", FW_MAPS_SOURCES, struct fw_budget[FW_B_MAX], 1, budget, true),
	FIXED("fw_crowd", FW_MAPS_SOURCES, struct fw_crowd[FW_SERVICE_MAX], 1, crowd, true),
	FIXED("fw_crowd_net", FW_MAPS_SOURCES, struct fw_crowd_net, 1 << FW_CROWD_NET_BITS,
	      crowd_net, true),
	FIXED("fw_retry", FW_MAPS_SOURCES, struct fw_retry, 1 << FW_RETRY_BITS, retry, true),
	FIXED("fw_ban", FW_MAPS_SOURCES, struct fw_ban_set, FW_BAN_SETS, ban, false),
	ROW("fw_book", FW_MAPS_TALLIES, struct fw_book, 1, book, CAP(cap_ledger_cpus), true),
	ROW("fw_ledger", FW_MAPS_TALLIES, struct fw_tally, 1, ledger, CAP(cap_ledger_all), true),
	ROW("fw_ledger_at", FW_MAPS_RECORD, struct fw_ledger_at, 1, ledger_at, CAP(cap_ledger_cpus),
	    false),
	FIXED("fw_sampling", FW_MAPS_RECORD, struct fw_sampling, 1, sampling, false),
	FIXED("fw_level", FW_MAPS_SOURCES, struct fw_service_state[FW_SERVICE_MAX], 1, level, true),
};

static const struct fd_row {
	const char *name;
	unsigned int part;
	__u32 value_size;
	size_t fd; /* offset of the descriptor in struct fw_maps */
} fd_rows[] = {
	{ "fw_count_svc", FW_MAPS_COUNTS, sizeof(struct fw_count), CAP(count_svc_fd) },
	{ "fw_count_cls", FW_MAPS_COUNTS, sizeof(struct fw_count), CAP(count_cls_fd) },
	{ "fw_note", FW_MAPS_COUNTS, sizeof(__u64), CAP(note_fd) },
	{ "fw_pace", FW_MAPS_COUNTS, sizeof(__u64), CAP(pace_fd) },
	{ "fw_iface", FW_MAPS_IFACES, sizeof(struct fw_iface), CAP(iface_fd) },
	{ "fw_sampler", FW_MAPS_RECORD, sizeof(struct fw_sampler), CAP(sampler_fd) },
	{ "fw_samples", FW_MAPS_RECORD, 0, CAP(samples_fd) },
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof(*(a)))
_Static_assert(ARRAY_LEN(rows) <= 32, "fw_maps.view");

/* Where descriptors come from: the pins, or an object that is loaded. */
struct source {
	const char *dir;
	const struct fw_object *obj;
};

static int source_open(const struct source *src, const char *name, bool write, int *ret_fd,
		       struct fw_err *err)
{
	int fd;

	if (!src->obj)
		return fw_pin_map(src->dir, name, write, ret_fd, err);
	fd = dup(fw_object_map_fd(src->obj, name));
	if (fd < 0)
		return fw_err_set(err, -ENOENT, NULL, "the object has no map %s", name);
	*ret_fd = fd;
	return 0;
}

/* entries 0: any number. */
static int map_info(int fd, const char *name, __u32 value_size, __u32 entries,
		    struct bpf_map_info *ret, struct fw_err *err)
{
	__u32 len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (bpf_obj_get_info_by_fd(fd, ret, &len))
		return fw_err_set(err, -errno, NULL, "cannot ask about map %s: %s", name,
				  strerror(errno));
	return ret->value_size == value_size && (!entries || ret->max_entries == entries)
		       ? 0
		       : fw_pin_misfit(name, ret, value_size, entries, err);
}

/* The kernel maps whole pages of value_size rounded up to 8, one after the other. */
static int map_view(struct fw_maps *maps, const struct row *row, int fd,
		    const struct bpf_map_info *info, bool write, struct fw_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = (size_t)info->max_entries * ((row->value_size + 7) & ~7UL);
	void *mem;

	len = (len + page - 1) & ~(page - 1);
	mem = mmap(NULL, len, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return fw_err_set(err, -errno, NULL, "cannot map %s into memory: %s", row->name,
				  strerror(errno));
	maps->view[maps->nr_views++] = (struct fw_maps_view){ mem, len };
	memcpy((char *)maps + row->view, &mem, sizeof(mem));
	return 0;
}

static int open_row(struct fw_maps *maps, const struct row *row, const struct source *src,
		    bool write, struct fw_err *err)
{
	struct bpf_map_info info;
	__u32 cap, old;
	int fd = -1, r;

	/* The recorder is the only one that writes there, whoever holds the lock. */
	write = (write || row->part == FW_MAPS_RECORD) && !row->readonly;
	/* The kernel maps no BPF map from a read-only descriptor; the protection bits must do. */
	r = source_open(src, row->name, true, &fd, err);
	if (r)
		return r;
	r = map_info(fd, row->name, row->value_size, row->entries, &info, err);
	if (r)
		goto out;
	if (row->cap != NO_FIELD) {
		cap = info.max_entries / row->halves;
		memcpy(&old, (char *)maps + row->cap, sizeof(old));
		if (old && old != cap) {
			r = fw_err_set(err, -ESTALE, fw_pin_way_out(row->name),
				       "the state is damaged, or made by another build: map %s "
				       "has %u entries, its sisters %u",
				       row->name, cap, old);
			goto out;
		}
		memcpy((char *)maps + row->cap, &cap, sizeof(cap));
	}
	if (row->view == offsetof(struct fw_maps, ctl))
		maps->ctl_id = info.id;
	r = map_view(maps, row, fd, &info, write, err);
out:
	close(fd); /* the mapping holds the map */
	return r;
}

static int open_fd(struct fw_maps *maps, const struct fd_row *row, const struct source *src,
		   bool write, struct fw_err *err)
{
	struct bpf_map_info info;
	int fd = -1, r;

	write = row->part == FW_MAPS_RECORD || (write && row->part == FW_MAPS_IFACES);
	r = source_open(src, row->name, write, &fd, err);
	if (r)
		return r;
	r = map_info(fd, row->name, row->value_size, 0, &info, err);
	if (r) {
		close(fd);
		return r;
	}
	memcpy((char *)maps + row->fd, &fd, sizeof(fd));
	return 0;
}

/* The three tables lie one after the other in the same arrays. */
static int split_tables(struct fw_maps *maps, const struct fw_meta *meta, struct fw_err *err)
{
	struct fw_maps_table *const table[] = { &maps->src4, &maps->src6, &maps->net6 };
	const __u32 sets[] = { meta->src4_sets, meta->src6_sets, meta->net6_sets };
	__u64 base = 0;

	for (int i = 0; i < 3; i++) {
		__u32 bits = sets[i] ? (__u32)__builtin_ctz(sets[i]) : 0;

		*table[i] = (struct fw_maps_table){ .fp = maps->src_fp + base,
						    .src = maps->src + base,
						    .sets = fw_table_sets(bits),
						    .bits = bits };
		base += fw_table_sets(bits);
	}
	if (base > maps->src_sets)
		return fw_err_set(err, -ESTALE, fw_pin_way_out("fw_src"),
				  "the state is damaged, or made by another build: the source "
				  "tables have %u sets, not %llu",
				  maps->src_sets, (unsigned long long)base);
	return 0;
}

static int open_all(const struct source *src, unsigned int parts, struct fw_maps *ret,
		    struct fw_err *err)
{
	struct fw_maps maps = { .count_svc_fd = -1,
				.count_cls_fd = -1,
				.note_fd = -1,
				.pace_fd = -1,
				.iface_fd = -1,
				.sampler_fd = -1,
				.samples_fd = -1 };
	bool write = parts & FW_MAPS_WRITE;
	int r = 0, cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return fw_err_set(err, cpus, NULL, "cannot count the CPUs");
	maps.cpus = (unsigned int)cpus;
	for (size_t i = 0; i < ARRAY_LEN(rows) && !r; i++)
		if (parts & rows[i].part || !rows[i].part) {
			bool needed = rows[i].part || !(parts & FW_MAPS_DAMAGED);

			r = open_row(&maps, &rows[i], src, write, needed ? err : NULL);
			r = needed ? r : 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(fd_rows) && !r; i++)
		if (parts & fd_rows[i].part)
			r = open_fd(&maps, &fd_rows[i], src, write, err);
	if (!r && parts & FW_MAPS_SOURCES)
		r = split_tables(&maps, src->obj ? &src->obj->meta : maps.meta, err);
	if (r)
		fw_maps_close(&maps);
	else
		*ret = maps;
	return r;
}

int fw_maps_open(const char *dir, unsigned int parts, struct fw_maps *ret, struct fw_err *err)
{
	struct source src = { .dir = dir };
	int r = fw_pin_check(dir, NULL, err);

	if (r && !(r == -ESTALE && parts & FW_MAPS_DAMAGED))
		return r;
	return open_all(&src, parts, ret, err);
}

const char *fw_map_name(const struct bpf_map *map)
{
	static const char section[] = ".data.";
	const char *name = bpf_map__name(map);

	return strncmp(name, section, strlen(section)) ? name : name + strlen(section);
}

int fw_maps_state_id(const char *dir, __u32 *ret_id, struct fw_err *err)
{
	struct bpf_map_info info;
	int fd = -1, r = fw_pin_check(dir, NULL, err);

	if (!r)
		r = fw_pin_map(dir, "fw_ctl", false, &fd, err);
	if (r)
		return r;
	r = map_info(fd, "fw_ctl", sizeof(struct fw_ctl), 1, &info, err);
	if (!r)
		*ret_id = info.id;
	close(fd);
	return r;
}

int fw_maps_open_object(const struct fw_object *obj, unsigned int parts, struct fw_maps *ret,
			struct fw_err *err)
{
	struct source src = { .obj = obj };

	return open_all(&src, parts, ret, err);
}

void fw_maps_close(struct fw_maps *maps)
{
	int fd;

	if (!maps || !maps->cpus) /* never opened: descriptors are not even -1 */
		return;
	for (unsigned int i = 0; i < maps->nr_views; i++)
		munmap(maps->view[i].mem, maps->view[i].len);
	for (size_t i = 0; i < ARRAY_LEN(fd_rows); i++) {
		memcpy(&fd, (char *)maps + fd_rows[i].fd, sizeof(fd));
		if (fd >= 0)
			close(fd);
	}
	memset(maps, 0, sizeof(*maps));
}

__u64 fw_maps_occupied(const struct fw_maps_table *table)
{
	const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
	__u64 ways = 0;

	if (!table->fp)
		return 0;
	for (__u32 i = 0; i < table->sets; i++) {
		__u64 fp = __atomic_load_n(&table->fp[i], __ATOMIC_RELAXED);

		/* The top bit of each byte that is not zero. */
		ways += (__u64)__builtin_popcountll((((fp & low) + low) | fp) & ~low);
	}
	return ways;
}
