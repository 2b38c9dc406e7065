// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the maps: computed from their sizes before anything is created, the way the kernel's
 * array_map_mem_usage() and htab_map_mem_usage() count, and compared with what the machine and the
 * cgroup have left. Map memory is charged to the cgroup of the command that creates it (5.11+).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include "user/kern/object.h"
#include "floodwall.skel.h"

#define NO_LIMIT (~0ULL)

static __u64 round_up_to(__u64 n, __u64 step)
{
	return (n + step - 1) / step * step;
}

static __u64 map_bytes(const struct bpf_map *map)
{
	const __u64 page = 4096, head = 320, bucket = 16, elem = 48;
	__u64 entries = bpf_map__max_entries(map);
	__u64 value = round_up_to(bpf_map__value_size(map), 8);
	int cpus = libbpf_num_possible_cpus();

	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return head + entries * (8 + value * (cpus > 0 ? (unsigned int)cpus : 1));
	case BPF_MAP_TYPE_RINGBUF: /* value_size is 0; three pages of its own */
		return 3 * page + entries;
	case BPF_MAP_TYPE_HASH:
		return head + entries * (bucket + elem + bpf_map__key_size(map) + value);
	default: /* arrays, mmapable: whole pages and one for the head */
		return page + round_up_to(entries * value, page);
	}
}

void fw_object_count_memory(struct fw_object *obj)
{
	struct bpf_map *map;

	obj->memory = 0;
	bpf_object__for_each_map(map, obj->skel->obj)
		obj->memory += map_bytes(map);
	obj->memory_new = obj->first ? obj->memory : map_bytes(obj->skel->maps.rodata);
}

static __u64 read_number(const char *path)
{
	char text[32] = "";
	FILE *f = fopen(path, "re");
	char *end;
	__u64 n;

	if (!f)
		return NO_LIMIT;
	if (!fgets(text, sizeof(text), f))
		*text = '\0';
	fclose(f);
	n = strtoull(text, &end, 10);
	return end == text ? NO_LIMIT : n; /* "max" */
}

/* File pages of a cgroup that the kernel gives back before it lets anybody go short. */
static __u64 cgroup_cache(const char *dir)
{
	unsigned long long n, sum = 0;
	char path[4096], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "inactive_file %llu", &n) == 1 ||
		    sscanf(line, "active_file %llu", &n) == 1)
			sum += n;
	fclose(f);
	return sum;
}

/* What is left below the memory.max of one; NO_LIMIT: there is none. */
static __u64 left_in(const char *dir)
{
	char path[4096];
	__u64 max, used, cache;

	snprintf(path, sizeof(path), "%s/memory.max", dir);
	max = read_number(path);
	snprintf(path, sizeof(path), "%s/memory.current", dir);
	used = read_number(path);
	if (max == NO_LIMIT || used == NO_LIMIT)
		return NO_LIMIT;
	cache = cgroup_cache(dir);
	used -= cache < used ? cache : used;
	return max > used ? max - used : 0;
}

/* What is left below the tightest memory.max from our cgroup up to the root. */
static __u64 cgroup_left(void)
{
	char line[2048], path[3072], *cgroup = NULL, *slash;
	__u64 here, left = NO_LIMIT;
	FILE *f = fopen("/proc/self/cgroup", "re");

	if (!f)
		return NO_LIMIT;
	while (!cgroup && fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::/", 4))
			cgroup = line + 3;
	fclose(f);
	if (!cgroup)
		return NO_LIMIT;
	cgroup[strcspn(cgroup, "\n")] = '\0';
	for (;;) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s", cgroup);
		here = left_in(path);
		left = here < left ? here : left;
		slash = strrchr(cgroup, '/');
		if (!slash)
			return left;
		*slash = '\0';
	}
}

int fw_object_available(__u64 *ret_machine, __u64 *ret_cgroup)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(f);
	*ret_machine = kib ? kib * 1024 : NO_LIMIT;
	*ret_cgroup = cgroup_left();
	return 0;
}

int fw_object_check_memory(const struct fw_object *obj, __u64 spare, struct fw_err *err)
{
	const unsigned long long mib = 1 << 20;
	__u64 machine = 0, cgroup = 0, left;
	bool maps = obj->memory_new > spare;

	if (fw_object_available(&machine, &cgroup))
		return 0; /* no /proc: the kernel will say */
	left = machine < cgroup ? machine : cgroup;
	if (obj->memory_new + spare <= left)
		return 0;
	return fw_err_set(err, -ENOMEM,
			  maps		     ? "use smaller tables (--sources4, --sources6, "
					       "--prefixes4, --prefixes6)"
			  : cgroup < machine ? "raise it; that of the unit with: systemctl "
					       "set-property floodwall MemoryMax=1G"
					     : NULL,
			  "%s %llu MiB, but %s has only %llu MiB left",
			  maps && spare ? "the maps and loading the program need"
			  : maps	? "the maps need"
					: "loading the program needs",
			  (obj->memory_new + spare + mib - 1) / mib,
			  machine < cgroup ? "this machine" : "this cgroup (memory.max)",
			  left / mib);
}
