/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF object: open the skeleton, size its maps, set its load-time settings, load it. Maps that
 * are pinned already are reused with the sizes and hash keys they have, so a new program keeps all
 * state. A first load is made valid by fw_object_commit, last: until then the pins count as
 * half-made and may be replaced, since no program of ours can be attached yet.
 */
#ifndef FW_KERN_OBJECT_H
#define FW_KERN_OBJECT_H

#include <stdbool.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"

struct floodwall_bpf;

/* What people ask for; 0 = default. Sources are rounded up to 2^n sets of FW_WAYS. */
struct fw_sizes {
	__u64 sources4;	 /* IPv4 addresses, default 4 Mi */
	__u64 sources6;	 /* IPv6 /64s, default 1 Mi; the /48 table gets a quarter of it */
	__u64 prefixes4; /* prefixes in all lanes, default 1,000,000 */
	__u64 prefixes6; /* default 100,000 */
};
#define FW_SOURCES4_DEFAULT  (4ULL << 20)
#define FW_SOURCES6_DEFAULT  (1ULL << 20)
#define FW_PREFIXES4_DEFAULT 1000000ULL
#define FW_PREFIXES6_DEFAULT 100000ULL
#define FW_SOURCES_MAX	     (1ULL << 28) /* either family */
#define FW_PREFIXES4_MAX     16000000ULL
#define FW_PREFIXES6_MAX     265000ULL /* two keys each in a tree of FW_LANE6_DEPTH levels */

struct fw_object_opts {
	const char *pins;      /* pin directory; NULL: pin nothing, fresh maps (tests, benches) */
	struct fw_sizes sizes; /* of a first load; ignored when the pins have theirs */
	__u32 clock;	       /* knob_clock, enum fw_clock */
	__u32 stages;	       /* knob_stages; 0 = all */
	bool frags;	       /* kernel has multi-buffer XDP (fw_features.frags) */
	const char *build;     /* into fw_meta.build */
	bool cookie_ts;	       /* knob_cookie_ts */
	bool cookie_raw;       /* kernel makes cookies without a socket (fw_features.raw_cookie) */
	__u8 cookie_wscale;    /* knob_cookie_wscale */
	__u16 local_port;      /* knob_local_port; 0 = the kernel's default */
	bool fixed_keys;       /* hash keys stay as bpf/knobs.h has them (reproducible tests) */
	const __u64 *keys;     /* these 4 hash keys instead (a copy of other state), or NULL */
	bool watch;	       /* for user/kern/run.h: what the program learned can be read */
};

struct fw_object {
	struct floodwall_bpf *skel;
	struct fw_meta meta; /* sizes, keys and clock the program was given */
	bool first;	     /* maps are (to be) created, fw_object_commit is still due */
	bool sizes_ignored;  /* opts.sizes asked for something else than the pins have */
	__u64 memory;	     /* bytes all maps take, computed before loading */
	__u64 memory_new;    /* of them, bytes that loading will allocate */
	__u32 prefixes;	     /* capacity of a generation */
	int prog_fd;	     /* once loaded; owned by skel */
	__u32 prog_id;
	__u32 ctl_id; /* kernel's id of fw_ctl; known once it exists */
};

/*
 * Open and prepare, nothing is created yet: sizes, settings and memory are known afterwards.
 * With pins the lock of the directory must be held, and the directory exist. Half-made pins are
 * removed here. -EPROTO: pins of another version. -EINVAL: sizes out of range.
 */
int fw_object_open(const struct fw_object_opts *opts, struct fw_object **ret, struct fw_err *err);

/*
 * Create and pin the maps, without the program: the first step of a first attach. The object that
 * will be attached is opened after fw_object_commit and finds them.
 */
int fw_object_create(struct fw_object *obj, struct fw_err *err);

/*
 * Refuse (-ENOMEM) if memory_new and FW_OBJECT_SPARE exceed what is available on the machine or
 * left in the cgroup; then load: create or reuse maps, pin the new ones, verify the program. On
 * failure nothing stays but half-made pins.
 */
int fw_object_load(struct fw_object *obj, struct fw_err *err);

/* Loading failed with code: why, in words, from what the libraries said. Returns -errno. */
int fw_object_refuse(int code, struct fw_err *err);

/* After somebody else (libxdp) loaded obj->skel: fill prog_fd and the ids. */
int fw_object_loaded(struct fw_object *obj, struct fw_err *err);

/* Write fw_meta with its magic: from now on the pins are valid. Only after a first load. */
int fw_object_commit(struct fw_object *obj, struct fw_err *err);

/* Close program and maps; what is pinned or attached lives on. NULL is fine. */
void fw_object_close(struct fw_object *obj);

/* Descriptor of the map called name, or -1. Owned by obj. */
int fw_object_map_fd(const struct fw_object *obj, const char *name);

/* Fill memory and memory_new. */
void fw_object_count_memory(struct fw_object *obj);

/*
 * Room to verify, compile and swap the program, the command's own included. The kernel's verifier
 * keeps some 35 MiB of states for a second: of the machine's memory, and of the cgroup's where it
 * charges them (7.2: 37 MiB at the peak; 6.1 and 6.12, which do not: 3.3). Who goes short in the
 * middle of it is killed by the kernel, and cannot say why. tests/vm holds the peak against this.
 */
#define FW_OBJECT_SPARE (48ULL << 20)

/* -ENOMEM with both figures when there is not enough for what is new and spare bytes besides. */
int fw_object_check_memory(const struct fw_object *obj, __u64 spare, struct fw_err *err);

/* Bytes available: *ret_machine (MemAvailable) and *ret_cgroup (left below memory.max; ~0 = no
 * limit). */
int fw_object_available(__u64 *ret_machine, __u64 *ret_cgroup);

#endif
