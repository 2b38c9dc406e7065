/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interface and program: attach through libxdp, replace without a gap, detach only what is ours,
 * and say what hangs there. "Ours" = named floodwall and using our pinned fw_ctl map; a floodwall
 * of other pins is a foreigner. All in the caller's network namespace.
 */
#ifndef FW_KERN_ATTACH_H
#define FW_KERN_ATTACH_H

#include <stdbool.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"

struct fw_object;
struct fw_iface_info;

#define FW_ATTACH_PROGRAM "floodwall" /* its name in the kernel */
#define FW_XDP_PROGS	  12	      /* libxdp's dispatcher takes 10 */

struct fw_xdp_prog {
	__u32 id;
	char name[16];
	__u8 tag[8];
	bool ours;
};

/* What hangs on an interface. nr == 0: nothing. */
struct fw_xdp_state {
	enum fw_mode mode;
	bool dispatcher; /* programs run below libxdp's dispatcher */
	__u32 top_id;	 /* the program the kernel calls: the dispatcher, or the only one */
	__u32 link_id;	 /* BPF link that holds top_id, 0 = plain netlink attachment */
	unsigned int nr;
	struct fw_xdp_prog prog[FW_XDP_PROGS];
	bool frags;  /* the dispatcher takes multi-buffer packets */
	bool opaque; /* not permitted to look at the program: only its id is known */
};

/* How to know ours. */
struct fw_xdp_us {
	__u32 ctl_id;  /* id of our fw_ctl, 0 = not known */
	__u32 prog_id; /* as recorded: believed if we may not look at programs, or ctl_id is not
			* known; 0 = unknown */
};

/*
 * Look, change nothing. -ENODEV: no such interface. Programs of a dispatcher are listed if libxdp
 * can see them.
 */
int fw_attach_query(int ifindex, struct fw_xdp_us us, struct fw_xdp_state *ret, struct fw_err *err);

/* Ours among state's programs, or NULL. */
const struct fw_xdp_prog *fw_attach_ours(const struct fw_xdp_state *state);

struct fw_attach_opts {
	const char *ifname;
	int ifindex;
	enum fw_mode mode;
	struct fw_xdp_us us;
};

/* -EOPNOTSUPP in the words of fw_attach_add if the kernel says beforehand that native cannot work.
 */
int fw_attach_check_native(const struct fw_iface_info *info, enum fw_mode mode, struct fw_err *err);

/* Would fw_attach_add refuse for what is there now? Its errors; changes nothing. */
int fw_attach_check(const struct fw_attach_opts *opts, struct fw_err *err);

/*
 * Put the program of obj, opened and not loaded, on the interface; it is loaded on the way. Ours
 * there already (in the same mode): replaced without a gap. Foreign program: kept beside ours where
 * the dispatcher works, else -EBUSY naming it. Native refused by the driver: -EOPNOTSUPP naming the
 * driver; never a fall to generic. Other mode than ours runs in: -EEXIST. *ret_state is as queried
 * afterwards. An obj is for one interface.
 */
int fw_attach_add(struct fw_object *obj, const struct fw_attach_opts *opts, bool *ret_replaced,
		  struct fw_xdp_state *ret_state, struct fw_err *err);

/*
 * Take ours off the interface, in whatever mode it runs; others stay. -ENOENT: ours is not there.
 * Returns when it is gone.
 */
int fw_attach_remove(const struct fw_attach_opts *opts, struct fw_err *err);

/* Would it refuse for what is there now? Its errors; changes nothing. */
int fw_attach_check_remove(const struct fw_attach_opts *opts, struct fw_err *err);

/* Inode of the caller's network namespace, 0 if unknown. */
__u64 fw_attach_netns(void);

/*
 * Keep what libbpf and libxdp would print. Call once at start; the first line that matters goes
 * into the hint of errors made by this floor.
 */
void fw_attach_quiet(void);

#endif
