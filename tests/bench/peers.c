// SPDX-License-Identifier: GPL-2.0-only
/* Loads the peers. Nothing of them is pinned or attached. */
#include "tests/bench/peers.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <string.h>
#include "tests/bench/bench_abi.h"
#include "tests/bench/layouts.skel.h"

/* "Default allow, IP addresses": the smallest of its programs that drops listed addresses. */
#define FILTER_GLOB "/usr/lib/*/bpf/xdpfilt_alw_ip.o"
#define FILTER_PROG "xdpfilt_alw_ip"
#define FILTER_MAP  "filter_ipv4"
#define FILTER_SRC  1ULL /* flag in the map's value: matches as a source */

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

static int filter_object(struct bpf_object **ret, struct fw_err *err)
{
	struct bpf_object *obj;
	glob_t found;
	int rc = 0;

	if (glob(FILTER_GLOB, 0, NULL, &found))
		return fw_err_set(err, -ENOENT, "apt-get install xdp-tools", "%s is not there",
				  FILTER_GLOB);
	obj = bpf_object__open_file(found.gl_pathv[0], NULL);
	if (!obj)
		rc = fw_err_set(err, -errno, NULL, "%s: %s", found.gl_pathv[0], strerror(errno));
	globfree(&found);
	if (!rc)
		*ret = obj;
	return rc;
}

int peer_filter_open(struct peer_filter *ret, __u32 count, struct fw_err *err)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	int cpus = libbpf_num_possible_cpus(), fd, rc;
	__u64 value[BENCH_CPUS];

	memset(ret, 0, sizeof(*ret));
	rc = filter_object(&ret->obj, err);
	if (rc)
		return rc;
	bpf_object__for_each_map(map, ret->obj)
		bpf_map__set_pin_path(map, NULL);
	prog = bpf_object__find_program_by_name(ret->obj, FILTER_PROG);
	/* A prog array takes only programs that agree about multi-buffer packets. */
	if (!prog || bpf_program__set_flags(prog, BPF_F_XDP_HAS_FRAGS) ||
	    bpf_object__load(ret->obj)) {
		rc = fw_err_set(err, -EIO, NULL, "xdp-filter's object could not be loaded");
		goto out;
	}
	ret->prog_fd = bpf_program__fd(prog);
	fd = bpf_object__find_map_fd_by_name(ret->obj, FILTER_MAP);
	for (int i = 0; i < cpus && i < BENCH_CPUS; i++)
		value[i] = FILTER_SRC;
	for (__u32 i = 0; i < count; i++) {
		__u32 addr = htonl(bench_source4(i));

		if (bpf_map_update_elem(fd, &addr, value, BPF_ANY)) {
			rc = fw_err_set(err, -errno, NULL, "xdp-filter took %u addresses: %s", i,
					strerror(errno));
			goto out;
		}
	}
out:
	if (rc)
		peer_filter_close(ret);
	return rc;
}

void peer_filter_close(struct peer_filter *filter)
{
	bpf_object__close(filter->obj);
	filter->obj = NULL;
}

int peer_lru_open(struct peer_lru *ret, __u32 size, struct fw_err *err)
{
	struct bpf_program *prog;

	ret->skel = layouts_bpf__open();
	if (!ret->skel)
		return fw_err_set(err, -errno, NULL, "opening the layouts failed");
	bpf_object__for_each_program(prog, ret->skel->obj)
		bpf_program__set_autoload(prog, prog == ret->skel->progs.lay_lru);
	ret->skel->rodata->cfg_insert = 1;
	bpf_map__set_max_entries(ret->skel->maps.lru, size);
	if (layouts_bpf__load(ret->skel)) {
		peer_lru_close(ret);
		return fw_err_set(err, -EIO, NULL, "loading the LRU-hash bucket failed");
	}
	ret->prog_fd = bpf_program__fd(ret->skel->progs.lay_lru);
	return 0;
}

void peer_lru_close(struct peer_lru *lru)
{
	layouts_bpf__destroy(lru->skel);
	lru->skel = NULL;
}
