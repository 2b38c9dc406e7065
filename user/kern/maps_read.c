// SPDX-License-Identifier: GPL-2.0-only
/*
 * The maps that cannot be mapped into memory: per-CPU counters, read in batches, the record of
 * interfaces, and what the kernel charges for each map.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "user/kern/maps.h"
#include "user/kern/pin.h"

/* Kernels before 5.13 have no batches for per-CPU arrays: one call a slot then. */
static int read_each(int fd, __u32 first, __u32 slots, size_t stride, char *raw)
{
	for (__u32 i = 0; i < slots; i++) {
		__u32 slot = first + i;

		if (bpf_map_lookup_elem(fd, &slot, raw + i * stride))
			return -errno;
	}
	return 0;
}

/* A batch goes on behind the slot that it is given. */
static int read_batch(int fd, __u32 first, __u32 slots, char *raw)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 before = first - 1, out = 0, count = slots;
	__u32 *keys;
	int r;

	keys = calloc(slots, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	r = bpf_map_lookup_batch(fd, first ? &before : NULL, &out, keys, raw, &count, &opts)
		    ? -errno
		    : 0;
	if (r == -ENOENT) /* the end was reached, which may have been the aim */
		r = 0;
	if (!r && (count != slots || keys[0] != first))
		r = -EAGAIN;
	free(keys);
	return r;
}

int fw_maps_read_from(const struct fw_maps *maps, int fd, __u32 first, __u32 slots,
		      unsigned int words, __u64 **ret_raw)
{
	size_t stride = (size_t)maps->cpus * words * sizeof(__u64);
	__u64 *raw;
	int r;

	if (fd < 0 || !slots || !words)
		return -EINVAL;
	raw = calloc(slots, stride);
	if (!raw)
		return -ENOMEM;
	r = read_batch(fd, first, slots, (char *)raw);
	if (r && r != -ENOMEM)
		r = read_each(fd, first, slots, stride, (char *)raw);
	if (r)
		free(raw);
	else
		*ret_raw = raw;
	return r;
}

int fw_maps_read(const struct fw_maps *maps, int fd, __u32 slots, unsigned int words,
		 __u64 **ret_raw)
{
	return fw_maps_read_from(maps, fd, 0, slots, words, ret_raw);
}

int fw_maps_sum(const struct fw_maps *maps, int fd, __u32 slots, unsigned int words, __u64 *ret)
{
	const __u64 *value;
	__u64 *raw;
	int r;

	r = fw_maps_read(maps, fd, slots, words, &raw);
	if (r)
		return r;
	memset(ret, 0, (size_t)slots * words * sizeof(*ret));
	value = raw;
	for (__u32 slot = 0; slot < slots; slot++)
		for (unsigned int cpu = 0; cpu < maps->cpus; cpu++)
			for (unsigned int w = 0; w < words; w++)
				ret[slot * words + w] += *value++;
	free(raw);
	return 0;
}

int fw_maps_slot(const struct fw_maps *maps, int fd, __u32 slot, unsigned int words, __u64 *ret)
{
	__u64 *raw;
	int r = 0;

	if (fd < 0 || !words)
		return -EINVAL;
	raw = calloc(maps->cpus, words * sizeof(*raw));
	if (!raw)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &slot, raw)) {
		r = -errno;
		goto out;
	}
	memset(ret, 0, words * sizeof(*ret));
	for (unsigned int i = 0; i < maps->cpus * words; i++)
		ret[i % words] += raw[i];
out:
	free(raw);
	return r;
}

/* Interfaces of different namespaces may share an index: both make the key. */
static __u64 iface_key(const struct fw_iface *iface)
{
	return iface->netns << 32 | iface->ifindex;
}

static int by_name(const void *a, const void *b)
{
	const struct fw_iface *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int fw_maps_ifaces(int iface_fd, struct fw_iface ret[FW_IFACE_MAX], unsigned int *ret_nr)
{
	struct fw_iface list[FW_IFACE_MAX];
	__u64 key, next;
	unsigned int nr = 0;
	void *prev = NULL;

	while (nr < FW_IFACE_MAX && !bpf_map_get_next_key(iface_fd, prev, &next)) {
		key = next;
		prev = &key;
		if (!bpf_map_lookup_elem(iface_fd, &key, &list[nr]))
			nr++;
		else if (errno != ENOENT)
			return -errno;
	}
	if (nr < FW_IFACE_MAX && errno != ENOENT)
		return -errno;
	qsort(list, nr, sizeof(*list), by_name);
	memcpy(ret, list, nr * sizeof(*list));
	*ret_nr = nr;
	return 0;
}

int fw_maps_iface_put(int iface_fd, const struct fw_iface *iface)
{
	__u64 key = iface_key(iface);

	return bpf_map_update_elem(iface_fd, &key, iface, BPF_ANY) ? -errno : 0;
}

int fw_maps_iface_del(int iface_fd, const struct fw_iface *iface)
{
	__u64 key = iface_key(iface);

	if (bpf_map_delete_elem(iface_fd, &key) && errno != ENOENT)
		return -errno;
	return 0;
}

/* "memlock:" of the descriptor's fdinfo: since 5.11 the kernel's own estimate of the map. */
static int fd_memlock(int fd, __u64 *ret)
{
	char path[64], line[128];
	unsigned long long bytes;
	int r = -ENOENT;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &bytes) == 1) {
			*ret = bytes;
			r = 0;
		}
	fclose(f);
	return r;
}

int fw_maps_costs(const char *dir, struct fw_maps_cost *ret, unsigned int max, unsigned int *ret_nr,
		  struct fw_err *err)
{
	struct bpf_map_info info = {};
	const char *const *name;
	__u32 len = sizeof(info);
	unsigned int nr;
	int fd, r;

	name = fw_pin_names(&nr);
	if (nr > max)
		nr = max;
	for (unsigned int i = 0; i < nr; i++) {
		r = fw_pin_map(dir, name[i], false, &fd, err);
		if (r)
			return r;
		memset(&ret[i], 0, sizeof(ret[i]));
		snprintf(ret[i].name, sizeof(ret[i].name), "%s", name[i]);
		r = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
		ret[i].entries = info.max_entries;
		if (!r)
			r = fd_memlock(fd, &ret[i].bytes);
		close(fd);
		if (r)
			return fw_err_set(err, r, NULL, "cannot ask about map %s: %s", name[i],
					  strerror(-r));
	}
	*ret_nr = nr;
	return 0;
}

int fw_maps_latest(const struct fw_maps *maps, int fd, __u64 *ret)
{
	__u64 *raw = NULL, latest = 0;
	int r = fw_maps_read(maps, fd, 1, 1, &raw);

	if (r)
		return r;
	for (unsigned int cpu = 0; cpu < maps->cpus; cpu++)
		latest = raw[cpu] > latest ? raw[cpu] : latest;
	free(raw);
	*ret = latest;
	return 0;
}
