// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interface and program. First attachments go through libxdp, which puts the program below its
 * dispatcher where the kernel can do that and attaches it alone, without a word, where it cannot;
 * what came out of it is read back from the kernel, never assumed. A replacement of a program that
 * runs alone is one atomic exchange: the kernel compares the old program before it swaps.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include "user/kern/attach.h"
#include "user/kern/attach_err.h"
#include "user/kern/ids.h"
#include "user/kern/noise.h"
#include "user/kern/object.h"
#include "floodwall.skel.h"

#define DISPATCHER "xdp_dispatcher"
#define RUN_PRIO   10 /* below the dispatcher: ahead of others, whose default is 50 */

static __u32 mode_flag(enum fw_mode mode)
{
	return mode == FW_MODE_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

static enum xdp_attach_mode libxdp_mode(enum fw_mode mode)
{
	return mode == FW_MODE_GENERIC ? XDP_MODE_SKB : XDP_MODE_NATIVE;
}

/* Who is program id? -ENOENT: it has just gone. -EPERM: we may not look, ret holds the id only. */
static int describe(__u32 id, struct fw_xdp_us us, struct fw_xdp_prog *ret)
{
	struct bpf_prog_info info = {};
	__u32 maps[64] = {}, len = sizeof(info);
	int fd, r = 0;

	*ret = (struct fw_xdp_prog){ .id = id };
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0) {
		r = -errno;
		ret->ours = r == -EPERM && id == us.prog_id;
		return ret->ours ? 0 : r;
	}
	info.nr_map_ids = 64;
	info.map_ids = (unsigned long)maps;
	if (bpf_obj_get_info_by_fd(fd, &info, &len)) {
		r = -errno;
		goto out;
	}
	snprintf(ret->name, sizeof(ret->name), "%s", info.name);
	memcpy(ret->tag, info.tag, sizeof(ret->tag));
	for (__u32 i = 0; i < info.nr_map_ids && i < 64; i++)
		if (us.ctl_id && maps[i] == us.ctl_id && !strcmp(info.name, FW_ATTACH_PROGRAM))
			ret->ours = true;
	/* Where the pins are damaged, the record alone says which it is. */
	if (!us.ctl_id && id == us.prog_id && !strcmp(info.name, FW_ATTACH_PROGRAM))
		ret->ours = true;
out:
	close(fd);
	return r;
}

static void list_dispatcher(int ifindex, struct fw_xdp_us us, struct fw_xdp_state *state)
{
	struct xdp_program *prog = NULL;
	struct xdp_multiprog *mp;

	fw_noise_clear();
	mp = xdp_multiprog__get_from_ifindex(ifindex);
	if (libxdp_get_error(mp))
		return;
	if (xdp_multiprog__is_legacy(mp))
		goto out;
	state->dispatcher = true;
	state->frags = xdp_multiprog__xdp_frags_support(mp);
	state->nr = 0;
	while ((prog = xdp_multiprog__next_prog(prog, mp)) && state->nr < FW_XDP_PROGS)
		if (!describe(xdp_program__id(prog), us, &state->prog[state->nr]))
			state->nr++;
out:
	xdp_multiprog__close(mp);
}

/* The BPF link that holds prog_id on ifindex, 0 if none is found. */
static __u32 find_link(int ifindex, __u32 prog_id)
{
	__u32 id = 0, found = 0;

	while (!found && !bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_LINK_TYPE_XDP &&
		    info.prog_id == prog_id && info.xdp.ifindex == (__u32)ifindex)
			found = id;
		close(fd);
	}
	return found;
}

int fw_attach_query(int ifindex, struct fw_xdp_us us, struct fw_xdp_state *ret, struct fw_err *err)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct fw_xdp_state state = {};
	char name[IF_NAMESIZE];
	int r;

	if (!if_indextoname((unsigned int)ifindex, name))
		return fw_err_set(err, -ENODEV, NULL, "no interface with index %d", ifindex);
	fw_noise_clear();
	r = bpf_xdp_query(ifindex, 0, &query);
	if (r)
		return fw_err_set(err, r, fw_noise_line(), "%s: cannot ask for its program: %s",
				  name, strerror(-r));
	state.top_id = query.drv_prog_id ?: query.skb_prog_id ?: query.hw_prog_id;
	state.mode = query.drv_prog_id	 ? FW_MODE_NATIVE
		     : query.skb_prog_id ? FW_MODE_GENERIC
					 : FW_MODE_NATIVE;
	if (state.top_id) {
		r = describe(state.top_id, us, &state.prog[0]);
		state.opaque = r == -EPERM;
		state.nr = r == -ENOENT ? 0 : 1;
		if (!strcmp(state.prog[0].name, DISPATCHER))
			list_dispatcher(ifindex, us, &state);
		if (!fw_attach_ours(&state))
			state.link_id = find_link(ifindex, state.top_id);
	}
	*ret = state;
	return 0;
}

const struct fw_xdp_prog *fw_attach_ours(const struct fw_xdp_state *state)
{
	for (unsigned int i = 0; i < state->nr; i++)
		if (state->prog[i].ours)
			return &state->prog[i];
	return NULL;
}

/*
 * One exchange in the kernel: it refuses if the program there is not `old` any more. Who may not
 * open programs by id cannot name the old one: then our look a moment ago must do.
 */
static int exchange(const struct fw_attach_opts *opts, __u32 old_id, int new_fd, struct fw_err *err)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, old);
	__u32 flags = mode_flag(opts->mode);
	int fd = bpf_prog_get_fd_by_id(old_id), r = fd < 0 ? -errno : 0;

	if (r && r != -EPERM)
		return fw_err_set(err, r, "try again", "%s: its program has just changed",
				  opts->ifname);
	if (fd >= 0) {
		old.old_prog_fd = fd;
		flags |= XDP_FLAGS_REPLACE;
	}
	fw_noise_clear();
	r = bpf_xdp_attach(opts->ifindex, new_fd, flags, &old);
	if (fd >= 0)
		close(fd);
	return r ? fw_attach_err(opts, r, err) : 0;
}

/* libxdp loads the object, since it may have to load it as an extension of its dispatcher. */
static int through_libxdp(struct fw_object *obj, const struct fw_attach_opts *opts,
			  struct fw_err *err)
{
	struct xdp_program *prog;
	int r;

	DECLARE_LIBXDP_OPTS(xdp_program_opts, create, .obj = obj->skel->obj,
			    .prog_name = FW_ATTACH_PROGRAM);

	r = fw_object_check_memory(obj, FW_OBJECT_SPARE, err);
	if (r)
		return r;
	fw_noise_clear();
	prog = xdp_program__create(&create);
	r = (int)libxdp_get_error(prog);
	if (r)
		return fw_err_set(err, r, fw_noise_line(), "libxdp does not take the program");
	/* It does not see the section's name, and a dispatcher without loses what is in several
	 * buffers. */
	r = xdp_program__set_xdp_frags_support(prog, obj->skel->rodata->knob_frags);
	if (!r)
		r = xdp_program__set_run_prio(prog, RUN_PRIO);
	if (!r)
		r = xdp_program__attach(prog, opts->ifindex, libxdp_mode(opts->mode), 0);
	xdp_program__close(prog);
	if (r)
		return fw_attach_err(opts, r, err);
	return fw_object_loaded(obj, err);
}

/* The old one among a dispatcher's programs goes only after the new one runs. */
static int drop_old(const struct fw_attach_opts *opts, __u32 old_id, struct fw_err *err)
{
	struct xdp_program *prog;
	int r;

	fw_noise_clear();
	prog = xdp_program__from_id(old_id);
	r = (int)libxdp_get_error(prog);
	if (!r) {
		r = xdp_program__detach(prog, opts->ifindex, libxdp_mode(opts->mode), 0);
		xdp_program__close(prog);
	}
	return r ? fw_attach_err_drop(opts, old_id, r, err) : 0;
}

/* May we attach, given what is there? Refusals name the one in the way. */
static int check_place(const struct fw_attach_opts *opts, const struct fw_xdp_state *state,
		       struct fw_err *err)
{
	if (state->opaque)
		return fw_err_set(err, -EPERM, "run as root, or with CAP_SYS_ADMIN",
				  "%s: not permitted to look at the XDP program there (id %u)",
				  opts->ifname, state->top_id);
	if (fw_attach_ours(state) && state->mode != opts->mode)
		return fw_attach_err_mode(opts, state, err);
	if (state->nr && !state->dispatcher && !fw_attach_ours(state))
		return fw_attach_err_foreign(opts, state, err);
	return 0;
}

int fw_attach_check(const struct fw_attach_opts *opts, struct fw_err *err)
{
	struct fw_xdp_state state = {};
	int r = fw_attach_query(opts->ifindex, opts->us, &state, err);

	return r ? r : check_place(opts, &state, err);
}

static int confirm(struct fw_object *obj, const struct fw_attach_opts *opts,
		   struct fw_xdp_state *ret_state, struct fw_err *err)
{
	const struct fw_xdp_us us = { .ctl_id = obj->ctl_id, .prog_id = obj->prog_id };
	const struct fw_xdp_prog *ours;
	int r;

	r = fw_attach_query(opts->ifindex, us, ret_state, err);
	if (r)
		return r;
	ours = fw_attach_ours(ret_state);
	if (!ours || ret_state->mode != opts->mode)
		return fw_err_set(err, -EIO, "floodwall status",
				  "%s: the kernel took the program, but "
				  "it is not there",
				  opts->ifname);
	return 0;
}

int fw_attach_add(struct fw_object *obj, const struct fw_attach_opts *opts, bool *ret_replaced,
		  struct fw_xdp_state *ret_state, struct fw_err *err)
{
	struct fw_xdp_state state = {};
	const struct fw_xdp_prog *old;
	int r;

	r = fw_attach_query(opts->ifindex, opts->us, &state, err);
	if (!r)
		r = check_place(opts, &state, err);
	if (r)
		return r;
	old = fw_attach_ours(&state);
	if (old && !state.dispatcher) {
		r = fw_object_load(obj, err);
		if (!r)
			r = exchange(opts, old->id, obj->prog_fd, err);
	} else {
		r = through_libxdp(obj, opts, err);
		if (!r && old)
			r = drop_old(opts, old->id, err);
		else if (r && state.nr && !old)
			r = fw_attach_err_foreign(opts, &state, err);
	}
	if (!r)
		r = confirm(obj, opts, &state, err);
	if (r)
		return r;
	*ret_replaced = old;
	*ret_state = state;
	return 0;
}

/* What is there, and ours among it; -EPERM, -ENOENT as said of fw_attach_remove. */
static int find_ours(const struct fw_attach_opts *opts, struct fw_xdp_state *ret,
		     struct fw_err *err)
{
	int r = fw_attach_query(opts->ifindex, opts->us, ret, err);

	if (r)
		return r;
	if (ret->opaque)
		return check_place(opts, ret, err);
	if (!fw_attach_ours(ret))
		return fw_err_set(err, -ENOENT, "floodwall status",
				  "%s: floodwall is not attached there", opts->ifname);
	return 0;
}

int fw_attach_check_remove(const struct fw_attach_opts *opts, struct fw_err *err)
{
	struct fw_xdp_state state = {};

	return find_ours(opts, &state, err);
}

int fw_attach_remove(const struct fw_attach_opts *opts, struct fw_err *err)
{
	const struct timespec step = { .tv_nsec = 5 * 1000 * 1000 };
	struct fw_attach_opts there = *opts;
	const struct fw_xdp_prog *ours;
	struct fw_xdp_state state = {};
	int r = find_ours(opts, &state, err);

	if (r)
		return r;
	ours = fw_attach_ours(&state);
	there.mode = state.mode;
	r = state.dispatcher ? drop_old(&there, ours->id, err)
			     : exchange(&there, ours->id, -1, err);
	if (r)
		return r;
	/* The kernel frees the program after a grace period; bounded, it holds nothing we need. */
	for (int i = 0; i < 100 && fw_ids_exists(FW_ID_PROG, ours->id); i++)
		nanosleep(&step, NULL);
	return 0;
}

__u64 fw_attach_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}
