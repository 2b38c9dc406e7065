// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF object. Maps and program are made in two steps, because libxdp wants to load the program
 * itself (as an extension of its dispatcher, where there is one): fw_object_create makes and pins
 * the maps, a second object then reuses them. Sizes and keys of maps that exist come from fw_meta
 * and from the kernel's record, so no later command can make a program that disagrees with them.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "bpf/hash.h"
#include "bpf/knob_values.h"
#include "user/base/clock.h"
#include "user/kern/ledger.h"
#include "user/kern/maps.h"
#include "user/kern/noise.h"
#include "user/kern/object.h"
#include "user/kern/pin.h"
#include "floodwall.skel.h"

static __u32 pow2_sets(__u64 sources)
{
	__u64 sets = 1;

	while (sets * FW_WAYS < sources)
		sets <<= 1;
	return (__u32)sets;
}

static __u32 log2_of(__u32 sets)
{
	return 31U - (__u32)__builtin_clz(sets);
}

static int check_sizes(const struct fw_sizes *s, struct fw_err *err)
{
	static const struct {
		size_t at;
		__u64 max;
		const char *what;
	} limits[] = {
		{ offsetof(struct fw_sizes, sources4), FW_SOURCES_MAX, "IPv4 sources" },
		{ offsetof(struct fw_sizes, sources6), FW_SOURCES_MAX, "IPv6 sources" },
		{ offsetof(struct fw_sizes, prefixes4), FW_PREFIXES4_MAX, "IPv4 prefixes" },
		{ offsetof(struct fw_sizes, prefixes6), FW_PREFIXES6_MAX, "IPv6 prefixes" },
	};
	__u64 value;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		memcpy(&value, (const char *)s + limits[i].at, sizeof(value));
		if (value > limits[i].max)
			return fw_err_set(err, -EINVAL, NULL, "%llu %s are more than %llu",
					  (unsigned long long)value, limits[i].what,
					  (unsigned long long)limits[i].max);
	}
	return 0;
}

static int fill_meta(const struct fw_object_opts *opts, struct fw_meta *m, struct fw_err *err)
{
	const struct fw_sizes *s = &opts->sizes;
	int cpus = libbpf_num_possible_cpus();

	*m = (struct fw_meta){
		.abi = FW_ABI_VERSION,
		.tick_ns = fw_clock_tick(),
		.src4_sets = pow2_sets(s->sources4 ?: FW_SOURCES4_DEFAULT),
		.src6_sets = pow2_sets(s->sources6 ?: FW_SOURCES6_DEFAULT),
		.cpus = cpus > 0 ? (__u32)cpus : 1,
		.loaded_ns = fw_clock_boottime(),
	};
	m->net6_sets = m->src6_sets > 4 ? m->src6_sets / 4 : 1;
	m->jiffies0 = fw_clock_jiffies0(m->tick_ns);
	if (opts->build)
		snprintf(m->build, sizeof(m->build), "%s", opts->build);
	if (opts->keys)
		memcpy(m->hash_key, opts->keys, sizeof(m->hash_key));
	if (opts->keys || opts->fixed_keys)
		return 0;
	if (getrandom(m->hash_key, sizeof(m->hash_key), 0) != sizeof(m->hash_key))
		return fw_err_set(err, -EIO, NULL, "no random numbers for the hash keys");
	m->hash_key[1] |= 1; /* multipliers: an even one would lose bits */
	m->hash_key[3] |= 1;
	return 0;
}

/* Did the caller ask for sizes that the pins do not have? */
static bool sizes_differ(const struct fw_object *obj, const struct fw_sizes *s)
{
	const struct fw_meta *m = &obj->meta;
	__u64 prefixes = bpf_map__max_entries(obj->skel->maps.fw_prefix) / 2;

	return (s->sources4 && pow2_sets(s->sources4) != m->src4_sets) ||
	       (s->sources6 && pow2_sets(s->sources6) != m->src6_sets) ||
	       ((s->prefixes4 || s->prefixes6) &&
		(s->prefixes4 ?: FW_PREFIXES4_DEFAULT) + (s->prefixes6 ?: FW_PREFIXES6_DEFAULT) !=
			prefixes);
}

/* Nodes of the shortest full 9-ary tree with room for both ends of each prefix. */
static __u32 tree_nodes(__u64 prefixes)
{
	__u64 nodes = 1, leaves = 9;

	while (leaves - 1 < 2 * prefixes + 1 && nodes < FW_LANE6_NODES) {
		nodes += leaves;
		leaves *= 9;
	}
	return (__u32)nodes;
}

/* Lines of listed addresses: half full when all prefixes are such. Few prefixes need none. */
static __u64 set4_lines(__u64 prefixes)
{
	__u64 lines = 1ULL << FW_LANE4_BITS;

	if (prefixes < lines)
		return 1;
	while (lines * FW_LANE4_WORDS * 2 < prefixes)
		lines *= 2;
	return lines;
}

static int set_sizes(struct fw_object *obj, const struct fw_sizes *s)
{
	__u64 p4 = s->prefixes4 ?: FW_PREFIXES4_DEFAULT, p6 = s->prefixes6 ?: FW_PREFIXES6_DEFAULT;
	__u64 deep = p6 * FW_LANE6_DEEP_MAX / FW_PREFIXES6_DEFAULT;
	const struct fw_meta *m = &obj->meta;
	__u64 sets = (__u64)fw_table_sets(log2_of(m->src4_sets)) +
		     fw_table_sets(log2_of(m->src6_sets)) + fw_table_sets(log2_of(m->net6_sets));
	const struct {
		struct bpf_map *map;
		__u64 entries;
	} size[] = {
		{ obj->skel->maps.fw_src_fp, sets },
		{ obj->skel->maps.fw_src, sets },
		{ obj->skel->maps.fw_src_more, (sets + 63) / 64 },
		/* Each prefix ends a range at most twice, and each /16 begins one. */
		{ obj->skel->maps.fw_lane4_rng, 2 * (2 * p4 + 200000) },
		{ obj->skel->maps.fw_lane4_set, 2 * set4_lines(p4) },
		{ obj->skel->maps.fw_lane6_node, 2 * (__u64)tree_nodes(p6) },
		{ obj->skel->maps.fw_lane6_deep, 2 * (deep > 1024 ? deep : 1024) },
		{ obj->skel->maps.fw_prefix, 2 * (p4 + p6) },
		{ obj->skel->maps.fw_book, m->cpus },
		{ obj->skel->maps.fw_ledger, (__u64)m->cpus * fw_ledger_size(m->cpus) },
		{ obj->skel->maps.fw_ledger_at, m->cpus },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(size) / sizeof(*size) && !r; i++)
		r = bpf_map__set_max_entries(size[i].map, (__u32)size[i].entries);
	return r;
}

/* Give every map its pin, and those pinned already the size they have. */
static int set_pins(struct fw_object *obj, const char *dir, bool reuse, struct fw_err *err)
{
	struct bpf_map_info info;
	char path[4096];
	struct bpf_map *map;
	__u32 len;
	int fd, r;

	bpf_object__for_each_map(map, obj->skel->obj) {
		const char *name = fw_map_name(map);

		if (!fw_pin_wanted(name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		if (bpf_map__set_pin_path(map, path))
			return fw_err_set(err, -ENOMEM, NULL, "out of memory");
		if (!reuse)
			continue;
		r = fw_pin_map(dir, name, true, &fd, err);
		if (r)
			return r;
		len = sizeof(info);
		memset(&info, 0, sizeof(info));
		r = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
		close(fd);
		if (r)
			return fw_err_set(err, r, NULL, "cannot ask about map %s", name);
		if (info.value_size != bpf_map__value_size(map))
			return fw_pin_misfit(name, &info, bpf_map__value_size(map), 0, err);
		bpf_map__set_max_entries(map, info.max_entries);
		if (map == obj->skel->maps.data_fw_ctl)
			obj->ctl_id = info.id;
	}
	return 0;
}

/* What the pins say, or a new identity. */
static int find_identity(struct fw_object *obj, const struct fw_object_opts *opts,
			 struct fw_err *err)
{
	enum fw_pin_state state = FW_PINS_NONE;
	int r;

	if (opts->pins) {
		r = fw_pin_state(opts->pins, &state, &obj->meta, err);
		if (r)
			return r;
	}
	if (state == FW_PINS_OTHER)
		return fw_pin_refuse_other(opts->pins, &obj->meta, err);
	if (state == FW_PINS_READY)
		return fw_pin_check(opts->pins, &obj->meta, err);
	if (state == FW_PINS_HALF) {
		r = fw_pin_remove_maps(opts->pins, err);
		if (r)
			return r;
	}
	obj->first = true;
	return fill_meta(opts, &obj->meta, err);
}

static void set_knobs(struct fw_object *obj, const struct fw_object_opts *opts)
{
	struct floodwall_bpf__rodata *ro = obj->skel->rodata;
	struct fw_meta *m = &obj->meta;

	ro->knob_clock = opts->clock;
	ro->knob_tick_ns = m->tick_ns;
	ro->knob_jiffies0 = m->jiffies0;
	ro->knob_stages = opts->stages ?: FW_S_ALL;
	ro->knob_frags = opts->frags;
	ro->knob_cookie_ts = opts->cookie_ts;
	ro->knob_cookie_raw = opts->cookie_raw;
	ro->knob_cookie_wscale = opts->cookie_wscale;
	ro->knob_local_port = opts->local_port ?: FW_LOCAL_PORT;
	ro->knob_src4_bits = log2_of(m->src4_sets);
	ro->knob_src6_bits = log2_of(m->src6_sets);
	ro->knob_net6_bits = log2_of(m->net6_sets);
	ro->knob_src6_base = fw_table_sets(ro->knob_src4_bits);
	ro->knob_net6_base = ro->knob_src6_base + fw_table_sets(ro->knob_src6_bits);
	ro->knob_ranges4 = bpf_map__max_entries(obj->skel->maps.fw_lane4_rng) / 2;
	ro->knob_set4_bits = log2_of(bpf_map__max_entries(obj->skel->maps.fw_lane4_set) / 2);
	ro->knob_nodes6 = bpf_map__max_entries(obj->skel->maps.fw_lane6_node) / 2;
	ro->knob_deep6 = bpf_map__max_entries(obj->skel->maps.fw_lane6_deep) / 2;
	ro->knob_ledger = bpf_map__max_entries(obj->skel->maps.fw_ledger) / m->cpus;
	ro->knob_ordered = FW_STORES_ORDERED;
	ro->knob_profiles = bpf_map__max_entries(obj->skel->maps.fw_profile) / 2;
	if (!m->hash_key[1]) { /* fixed ones: readers must know them too */
		m->hash_key[0] = ro->knob_key0;
		m->hash_key[1] = ro->knob_key1;
		m->hash_key[2] = ro->knob_key2;
		m->hash_key[3] = ro->knob_key3;
	}
	ro->knob_key0 = m->hash_key[0];
	ro->knob_key1 = m->hash_key[1];
	ro->knob_key2 = m->hash_key[2];
	ro->knob_key3 = m->hash_key[3];
}

int fw_object_open(const struct fw_object_opts *opts, struct fw_object **ret, struct fw_err *err)
{
	struct fw_object *obj;
	int r;

	obj = calloc(1, sizeof(*obj));
	if (!obj)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	obj->prog_fd = -1;
	r = check_sizes(&opts->sizes, err);
	if (!r)
		r = find_identity(obj, opts, err);
	if (r)
		goto out;
	fw_noise_clear();
	obj->skel = floodwall_bpf__open();
	if (!obj->skel) {
		r = fw_err_set(err, -errno, fw_noise_line(), "cannot open the BPF object: %s",
			       strerror(errno));
		goto out;
	}
	if (obj->first)
		r = set_sizes(obj, &opts->sizes);
	if (!r && opts->pins)
		r = set_pins(obj, opts->pins, !obj->first, err);
	if (r)
		goto out;
	if (opts->watch) { /* one thread runs it: a plain array does, and can be mapped */
		r = bpf_map__set_type(obj->skel->maps.fw_scratch, BPF_MAP_TYPE_ARRAY)
			    ?: bpf_map__set_map_flags(obj->skel->maps.fw_scratch, BPF_F_MMAPABLE);
		if (r)
			goto out;
	}
	if (!opts->frags)
		bpf_program__set_flags(obj->skel->progs.floodwall,
				       bpf_program__flags(obj->skel->progs.floodwall) &
					       ~(__u32)BPF_F_XDP_HAS_FRAGS);
	set_knobs(obj, opts);
	fw_object_count_memory(obj);
	obj->prefixes = bpf_map__max_entries(obj->skel->maps.fw_prefix) / 2;
	obj->sizes_ignored = !obj->first && sizes_differ(obj, &opts->sizes);
out:
	if (r)
		fw_object_close(obj);
	else
		*ret = obj;
	return r;
}

static int load(struct fw_object *obj, __u64 spare, struct fw_err *err)
{
	int r;

	r = fw_object_check_memory(obj, spare, err);
	if (r)
		return r;
	fw_noise_clear();
	r = floodwall_bpf__load(obj->skel);
	return r ? fw_object_refuse(r, err) : 0;
}

int fw_object_create(struct fw_object *obj, struct fw_err *err)
{
	int r = bpf_program__set_autoload(obj->skel->progs.floodwall, false);

	if (r)
		return fw_err_set(err, r, NULL, "cannot prepare the maps");
	r = load(obj, 0, err);
	return r ? r : fw_object_loaded(obj, err);
}

int fw_object_load(struct fw_object *obj, struct fw_err *err)
{
	int r = load(obj, FW_OBJECT_SPARE, err);

	return r ? r : fw_object_loaded(obj, err);
}

int fw_object_loaded(struct fw_object *obj, struct fw_err *err)
{
	struct bpf_prog_info prog = {};
	struct bpf_map_info map = {};
	__u32 len = sizeof(map);
	int r;

	r = bpf_obj_get_info_by_fd(bpf_map__fd(obj->skel->maps.data_fw_ctl), &map, &len);
	if (r)
		return fw_err_set(err, -errno, NULL, "cannot ask about map fw_ctl");
	obj->ctl_id = map.id;
	obj->prog_fd = bpf_program__fd(obj->skel->progs.floodwall);
	if (obj->prog_fd < 0)
		return 0;
	len = sizeof(prog);
	r = bpf_obj_get_info_by_fd(obj->prog_fd, &prog, &len);
	if (r)
		return fw_err_set(err, -errno, NULL, "cannot ask about the program");
	obj->prog_id = prog.id;
	return 0;
}

int fw_object_commit(struct fw_object *obj, struct fw_err *err)
{
	__u32 zero = 0;

	obj->meta.magic = FW_MAGIC;
	if (bpf_map_update_elem(bpf_map__fd(obj->skel->maps.fw_meta), &zero, &obj->meta, BPF_ANY))
		return fw_err_set(err, -errno, NULL, "cannot write the meta map: %s",
				  strerror(errno));
	obj->first = false;
	return 0;
}

int fw_object_map_fd(const struct fw_object *obj, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj->skel->obj)
		if (!strcmp(fw_map_name(map), name))
			break;
	return map ? bpf_map__fd(map) : -ENOENT;
}

void fw_object_close(struct fw_object *obj)
{
	if (!obj)
		return;
	floodwall_bpf__destroy(obj->skel);
	free(obj);
}
