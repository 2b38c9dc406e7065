/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coming and going: first state, programs on interfaces, the record of them, last removal. The
 * order of steps makes a kill at any point harmless: state is valid before a program is attached,
 * an interface is on record before its program is there and until after it is gone, so whatever is
 * left behind, the next attach or detach finds and mends it.
 */
#ifndef FW_CORE_SETUP_H
#define FW_CORE_SETUP_H

#include <stdbool.h>
#include "user/kern/attach.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "user/core/proof.h"

struct fw_setup_opts {
	const char *pins;
	struct fw_sizes sizes; /* 0 = default or as they are */
	const char *build;
	int wait_s; /* for the lock */
};

struct fw_setup {
	struct fw_setup_opts opts;
	struct fw_features features;
	int lock_fd;
	struct fw_maps maps; /* after fw_setup_create / fw_setup_find: policy, lanes, interfaces */
	struct fw_meta meta;
	bool first;		      /* the state was, or will be, made by this command */
	struct fw_proof_advice proof; /* what fits the service host; a first state has it */
	bool sizes_ignored;	      /* other sizes than those of the state were asked for */
	__u64 memory;		      /* bytes of all maps */
	__u64 memory_new;	      /* of them, not there yet */
	__u32 prefixes;		      /* capacity, both families together */
	struct fw_object *plan;	      /* private */
};

/*
 * Before attaching. Checks kernel and capabilities, takes the lock, and plans: sizes and memory are
 * known, nothing is made but the directory. fw_setup_end always.
 */
int fw_setup_plan(const struct fw_setup_opts *opts, struct fw_setup *ret, struct fw_err *err);

/* Refuse now what fw_setup_attach would refuse for what is on the interface; changes nothing. */
int fw_setup_check(const struct fw_setup *setup, const char *ifname, enum fw_mode mode,
		   struct fw_err *err);

/* Make state that is not there yet, with the default policy; monitor: it starts in monitor mode. */
int fw_setup_create(struct fw_setup *setup, bool monitor, struct fw_err *err);

/* Does the policy that runs only count? After fw_setup_create. */
bool fw_setup_monitor(const struct fw_setup *setup);

/* Is the interface filtered already, as far as can be known? After fw_setup_create. */
bool fw_setup_filters(const struct fw_setup *setup, const char *ifname);

struct fw_setup_attached {
	struct fw_iface iface;
	struct fw_xdp_state state;
	struct fw_iface_info info;
	bool replaced;
};
/* The program onto one interface, and the interface onto the record. */
int fw_setup_attach(struct fw_setup *setup, const char *ifname, enum fw_mode mode,
		    struct fw_setup_attached *ret, struct fw_err *err);

/* Before detaching: lock and find the state. -ENOENT (3): there is none. fw_setup_end always. */
int fw_setup_find(const struct fw_setup_opts *opts, struct fw_setup *ret, struct fw_err *err);

enum fw_setup_detached {
	FW_DETACHED,	  /* the program was taken off */
	FW_DETACHED_GONE, /* interface or program had gone already; the record was mended */
};
int fw_setup_detach(struct fw_setup *setup, const char *ifname, enum fw_setup_detached *ret,
		    struct fw_err *err);

/* Refuse now what fw_setup_detach would refuse; takes nothing off. */
int fw_setup_check_detach(struct fw_setup *setup, const char *ifname, struct fw_err *err);

/* Ours is not on ifname, says err: say so better if the floodwall of other pins is. */
void fw_setup_orphan(const char *ifname, struct fw_err *err);

/*
 * Drop records of interfaces that are no more; ret_names (may be NULL) gets them. Names of renamed
 * interfaces follow. Interfaces of other namespaces stay as long as their program lives.
 */
int fw_setup_mend(struct fw_setup *setup, char (*ret_names)[16], unsigned int *ret_nr,
		  struct fw_err *err);

/* What the record says of an interface of this namespace; all zero if it is not there. */
struct fw_iface fw_setup_record(const struct fw_setup *setup, int ifindex);

/* Interfaces on record: *ret_here in this network namespace, *ret_elsewhere in others. */
int fw_setup_count(const struct fw_setup *setup, unsigned int *ret_here,
		   unsigned int *ret_elsewhere, struct fw_err *err);

/* No interface is left: remove pins and with them the state. */
int fw_setup_remove(struct fw_setup *setup, struct fw_err *err);

/* Let go of everything. State that this command made and that nothing uses is removed again. */
void fw_setup_end(struct fw_setup *setup);

#endif
