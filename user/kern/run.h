/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running single frames through a loaded program that is attached nowhere, by the kernel's
 * test-run: the same object and the same code as on an interface, with maps of its own. What the
 * program learned of a frame lies in its scratch memory, which an object opened with `watch` lets
 * the caller map; opened with stages FW_S_LONG_WAY, every frame leaves its facts there.
 */
#ifndef FW_KERN_RUN_H
#define FW_KERN_RUN_H

#include <stddef.h>
#include <linux/types.h>
#include "user/base/err.h"
#include "user/kern/object.h"

/* One frame of len bytes. *ret_action: XDP_*. -errno of the system call; no text, it is a hot path.
 */
int fw_run_frame(const struct fw_object *obj, const void *data, __u32 len, __u32 *ret_action);

/* An array of a private object, mapped writable. Nobody else may be using the object's maps. */
struct fw_run_view {
	void *mem;
	size_t len;
};
int fw_run_view(const struct fw_object *obj, const char *map, size_t value_size,
		struct fw_run_view *ret, struct fw_err *err);
void fw_run_unview(struct fw_run_view *view); /* zeroed is fine */

/* The same word for every CPU into a slot of a per-CPU array of a private object. */
int fw_run_percpu(const struct fw_object *obj, const char *map, __u32 slot, __u64 word,
		  unsigned int cpus, struct fw_err *err);

#endif
