/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pin directory: where the pinned maps live, who may change them now, and whether what lies
 * there is ours. The maps are the truth; this file decides only whether they may be believed.
 * Pins of another ABI are refused with the way out, never wiped and never reinterpreted.
 */
#ifndef FW_KERN_PIN_H
#define FW_KERN_PIN_H

#include <stdbool.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"

#define FW_PINS_DEFAULT "/sys/fs/bpf/floodwall"
#define FW_PINS_ENV	"FLOODWALL_PINS"

enum fw_pin_state {
	FW_PINS_NONE,  /* no directory, or nothing of ours in it */
	FW_PINS_HALF,  /* left by a first attach or last detach that was killed; nothing uses it */
	FW_PINS_OTHER, /* complete, but of another ABI version or somebody else's */
	FW_PINS_READY, /* complete and of our ABI */
};

/* The pin directory to use: opt if not NULL, else $FLOODWALL_PINS, else the default. Not owned. */
const char *fw_pin_dir(const char *opt);

/*
 * What lies in dir. READY fills *ret_meta (may be NULL). 0, or -errno with err set when it cannot
 * be known (-EPERM: a capability is missing, named). FW_PINS_OTHER is not an error here.
 */
int fw_pin_state(const char *dir, enum fw_pin_state *ret_state, struct fw_meta *ret_meta,
		 struct fw_err *err);

/*
 * The gate of every command that needs state: 0 and *ret_meta (may be NULL) when READY; -ENOENT
 * (exit code 3) when nothing is there or it is half-made; -EPROTO (2) for pins of another version,
 * with the way out as hint; -ESTALE (2) when single pins were removed by hand; -EPERM (4).
 */
int fw_pin_check(const char *dir, struct fw_meta *ret_meta, struct fw_err *err);

/*
 * Can dir be made and removed where it is to be? -ENODEV: no bpffs is mounted there; -EROFS: only
 * for reading. Looks, and changes nothing.
 */
int fw_pin_place(const char *dir, struct fw_err *err);
int fw_pin_no_bpffs(const char *parent, struct fw_err *err);
int fw_pin_read_only(const char *dir, struct fw_err *err);

/* Make dir (mode 0700) below a mounted bpffs. Present already: fine. -ENODEV: no bpffs there. */
int fw_pin_make(const char *dir, struct fw_err *err);

/*
 * Take the writers' lock of dir, waiting at most wait_s seconds (negative: for ever). Readers need
 * none. *ret_fd is closed by fw_pin_unlock; the kernel releases it when the process dies.
 * -ENOENT (3): no such directory. -EBUSY (2): somebody else still holds it.
 */
int fw_pin_lock(const char *dir, int wait_s, int *ret_fd, struct fw_err *err);
void fw_pin_unlock(int fd); /* -1 is fine */

/* Names of all pins, the meta map first. */
const char *const *fw_pin_names(unsigned int *ret_nr);
/* False for maps that hold nothing worth keeping: every program brings its own. */
bool fw_pin_wanted(const char *name);

/* What to do where name is missing or not ours, as a hint. */
const char *fw_pin_way_out(const char *name);

/*
 * The map under that name has other values, or another number of them (entries; 0: any), than in
 * this build, though the pins are of its ABI: -ESTALE, saying whose it is.
 */
struct bpf_map_info;
int fw_pin_misfit(const char *name, const struct bpf_map_info *is, __u32 value_size, __u32 entries,
		  struct fw_err *err);

/* The refusal of FW_PINS_OTHER, in words: -EPROTO. */
int fw_pin_refuse_other(const char *dir, const struct fw_meta *meta, struct fw_err *err);

/* Open the pinned map name. *ret_fd is the caller's. err may be NULL. write false: O_RDONLY. */
int fw_pin_map(const char *dir, const char *name, bool write, int *ret_fd, struct fw_err *err);

/*
 * Give all pins to whoever owns the directory: the service's user keeps access to what root pins.
 * Does what it is permitted to.
 */
void fw_pin_own(const char *dir);

/*
 * Remove all our pins and the directory itself if then empty and not somebody else's. Names that
 * are not ours stay. The meta pin goes first, so that a kill in between leaves FW_PINS_HALF. Lock
 * held.
 */
int fw_pin_remove(const char *dir, struct fw_err *err);
/* The same, but the directory (and with it the lock that is held on it) stays. */
int fw_pin_remove_maps(const char *dir, struct fw_err *err);

#endif
