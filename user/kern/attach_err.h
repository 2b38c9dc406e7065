/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why attaching failed, in words: the driver, its limit, or the program in the way, and the command
 * that helps. Private to kern/attach.c.
 */
#ifndef FW_KERN_ATTACH_ERR_H
#define FW_KERN_ATTACH_ERR_H

#include "user/kern/attach.h"

/* code is what the kernel or libxdp returned; uses fw_noise_line(). Returns -errno. */
int fw_attach_err(const struct fw_attach_opts *opts, int code, struct fw_err *err);
/* A foreign program is there and cannot be kept beside ours: -EBUSY. */
int fw_attach_err_foreign(const struct fw_attach_opts *opts, const struct fw_xdp_state *state,
			  struct fw_err *err);
/* Ours runs in the other mode: -EEXIST. */
int fw_attach_err_mode(const struct fw_attach_opts *opts, const struct fw_xdp_state *state,
		       struct fw_err *err);
/* The dispatcher cannot be made anew without program id. Returns code. */
int fw_attach_err_drop(const struct fw_attach_opts *opts, __u32 id, int code, struct fw_err *err);

#endif
