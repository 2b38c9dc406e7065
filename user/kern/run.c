// SPDX-License-Identifier: GPL-2.0-only
/* Test-run, and writable views of the maps of an object that nobody else uses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "user/kern/run.h"

int fw_run_frame(const struct fw_object *obj, const void *data, __u32 len, __u32 *ret_action)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data, .data_size_in = len, .repeat = 1);
	int r = bpf_prog_test_run_opts(obj->prog_fd, &opts);

	if (!r)
		*ret_action = opts.retval;
	return r;
}

int fw_run_view(const struct fw_object *obj, const char *map, size_t value_size,
		struct fw_run_view *ret, struct fw_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = fw_object_map_fd(obj, map);
	void *mem;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return fw_err_set(err, -ENOENT, NULL, "cannot ask about map %s", map);
	if (info.value_size != value_size)
		return fw_err_set(err, -EPROTO, NULL, "map %s has values of %u bytes, not %zu", map,
				  info.value_size, value_size);
	len = (size_t)info.max_entries * ((value_size + 7) & ~7UL);
	len = (len + page - 1) & ~(page - 1);
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return fw_err_set(err, -errno, NULL, "cannot map %s into memory: %s", map,
				  strerror(errno));
	*ret = (struct fw_run_view){ mem, len };
	return 0;
}

void fw_run_unview(struct fw_run_view *view)
{
	if (view->mem)
		munmap(view->mem, view->len);
	*view = (struct fw_run_view){ NULL, 0 };
}

int fw_run_percpu(const struct fw_object *obj, const char *map, __u32 slot, __u64 word,
		  unsigned int cpus, struct fw_err *err)
{
	__u64 *words = calloc(cpus, sizeof(*words));
	int r = 0;

	if (!words)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	for (unsigned int i = 0; i < cpus; i++)
		words[i] = word;
	if (bpf_map_update_elem(fw_object_map_fd(obj, map), &slot, words, BPF_ANY))
		r = fw_err_set(err, -errno, NULL, "cannot write to map %s: %s", map,
			       strerror(errno));
	free(words);
	return r;
}
