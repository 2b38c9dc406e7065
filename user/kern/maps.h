/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Typed access to the maps. Arrays that people read or fill in bulk are mapped into memory: reading
 * or writing an element is then a load or a store, without a system call. Per-CPU maps are read
 * with one batched call. Sizes come from the kernel's own record of each map, never from constants.
 */
#ifndef FW_KERN_MAPS_H
#define FW_KERN_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/base/err.h"

struct bpf_map;
struct fw_object;

/* What to map. Views that were not asked for are NULL. meta, ctl and applied are always there. */
enum fw_maps_part {
	FW_MAPS_POLICY = 1 << 0,  /* policy, policy_txt */
	FW_MAPS_LANES = 1 << 1,	  /* lane_head, lane4_*, lane6_*, profile, prefix, why */
	FW_MAPS_SOURCES = 1 << 2, /* src4, src6, net6, budget, crowd, level */
	FW_MAPS_COUNTS = 1 << 3,  /* the per-CPU maps' descriptors */
	FW_MAPS_IFACES = 1 << 4,  /* iface_fd */
	FW_MAPS_TALLIES = 1 << 5, /* book, ledger: user/kern/ledger.h reads them */
	FW_MAPS_ALL = 63,
	/* ledger_at, sampling, sampler_fd, samples_fd: always writable, for the one recorder */
	FW_MAPS_RECORD = 1 << 6,
	FW_MAPS_WRITE =
		1 << 8, /* mapped writable; the caller holds the lock of the pin directory */
	/* Never mind pins that are missing or another's among those not asked for; without ours,
	 * ctl and applied are NULL and ctl_id is 0. */
	FW_MAPS_DAMAGED = 1 << 9,
};

/* One source table: sets of FW_WAYS ways, indexed by set. */
struct fw_maps_table {
	const __u64 *fp; /* FW_WAYS fingerprints of one byte a set; 0 = empty way */
	const struct fw_src_set *src;
	__u32 sets; /* near and far part, bpf/hash.h */
	__u32 bits; /* log2 of the far part's sets */
};

/*
 * All pointers are views into kernel memory and die with fw_maps_close. Arrays that hold two
 * generations hold half h at [h * capacity, (h + 1) * capacity); policy, policy_txt and lane_head
 * hold it at [h]. Other processes and the program change them at any time: read ctl->live with one
 * atomic load, and again afterwards when the reading must be of one generation.
 */
struct fw_maps {
	struct fw_meta *meta;
	struct fw_ctl *ctl;
	struct fw_applied *applied; /* [FW_APPLIED_SLOTS] */

	struct fw_policy *policy;	   /* [2] */
	struct fw_policy_text *policy_txt; /* [2] */

	struct fw_lane_head *lane_head;	  /* [2] */
	__u64 *lane4_top;		  /* [2 * 16384] 4 /16s each */
	struct fw_lane4_set *lane4_set;	  /* [2 * cap_set4] */
	struct fw_lane4_dir *lane4_dir;	  /* [2 * 65536] */
	__u64 *lane4_rng;		  /* [2 * cap_rng4] first << 32 | profile */
	struct fw_lane6_node *lane6_node; /* [2 * cap_node6] */
	struct fw_lane6_deep *lane6_deep; /* [2 * cap_deep6] */
	struct fw_profile *profile;	  /* [2 * cap_profile] */
	struct fw_prefix *prefix;	  /* [2 * cap_prefix] */
	struct fw_why *why;		  /* [2 * cap_why] */
	/* A generation's. */
	__u32 cap_set4, cap_rng4, cap_node6, cap_deep6, cap_profile, cap_prefix, cap_why;

	struct fw_maps_table src4;	      /* IPv4 /32 */
	struct fw_maps_table src6;	      /* IPv6 /64 */
	struct fw_maps_table net6;	      /* IPv6 /48 */
	const struct fw_budget *budget;	      /* [FW_B_MAX] */
	const struct fw_crowd *crowd;	      /* [FW_SERVICE_MAX] */
	const struct fw_crowd_net *crowd_net; /* [1 << FW_CROWD_NET_BITS] */
	const struct fw_retry *retry;	      /* [1 << FW_RETRY_BITS] */
	const struct fw_service_state *level; /* [FW_SERVICE_MAX] */
	struct fw_ban_set *ban;		      /* [FW_BAN_SETS] */

	int count_svc_fd, count_cls_fd, note_fd; /* per-CPU; -1 when not asked for */
	int pace_fd;			/* likewise: stamps of each CPU's own budget for cookies */
	int iface_fd;			/* -1 when not asked for */
	const struct fw_book *book;	/* [cap_ledger_cpus] */
	const struct fw_tally *ledger;	/* [cap_ledger_all]: as many for each CPU */
	struct fw_ledger_at *ledger_at; /* [cap_ledger_cpus] */
	struct fw_sampling *sampling;
	int sampler_fd, samples_fd; /* per-CPU; a ring (user/kern/ring.h) */
	__u32 cap_ledger_all, cap_ledger_cpus;
	__u32 ctl_id;	   /* kernel's id of fw_ctl: a program that uses this map is ours */
	unsigned int cpus; /* possible CPUs: values a per-CPU read returns for each slot */

	const __u64 *src_fp; /* private: the arrays behind src4, src6, net6 */
	const struct fw_src_set *src;
	__u32 src_sets;
	struct fw_maps_view { /* private */
		void *mem;
		size_t len;
	} view[32];
	unsigned int nr_views;
};

/*
 * Open what parts (enum fw_maps_part, or'ed) name from the pins in dir, after fw_pin_check (whose
 * errors it returns). *ret is closed with fw_maps_close.
 */
int fw_maps_open(const char *dir, unsigned int parts, struct fw_maps *ret, struct fw_err *err);
/* The same for a loaded object that may have no pins (tests), or whose meta is not valid yet. */
int fw_maps_open_object(const struct fw_object *obj, unsigned int parts, struct fw_maps *ret,
			struct fw_err *err);
void fw_maps_close(struct fw_maps *maps); /* zeroed or half-open is fine */

/* The name that bpf/maps.h gives a map, and its pin: libbpf's of a section of data is longer. */
const char *fw_map_name(const struct bpf_map *map);

/*
 * The kernel's id of the fw_ctl that is pinned in dir now: another one than maps->ctl_id says that
 * the state has been made anew. Errors of fw_pin_check.
 */
int fw_maps_state_id(const char *dir, __u32 *ret_id, struct fw_err *err);

/* One atomic load of the live word. */
static inline __u64 fw_maps_live(const struct fw_maps *maps)
{
	return __atomic_load_n(&maps->ctl->live, __ATOMIC_ACQUIRE);
}

/*
 * Per-CPU maps. A value is seen as words of 64 bits: struct fw_count has 2, fw_word 1.
 * sum: ret[slots * words], summed over CPUs, slots from 0. One system call for them all.
 * read: *ret_raw[slots][cpus][words], to be freed by the caller; from: the slots from `first` on.
 * slot: ret[words] of one slot summed over CPUs.
 * All: 0 or -errno; ret untouched on failure.
 */
int fw_maps_sum(const struct fw_maps *maps, int fd, __u32 slots, unsigned int words, __u64 *ret);
int fw_maps_read(const struct fw_maps *maps, int fd, __u32 slots, unsigned int words,
		 __u64 **ret_raw);
int fw_maps_read_from(const struct fw_maps *maps, int fd, __u32 first, __u32 slots,
		      unsigned int words, __u64 **ret_raw);
int fw_maps_slot(const struct fw_maps *maps, int fd, __u32 slot, unsigned int words, __u64 *ret);
/* The greatest of all CPUs' single words in slot 0. */
int fw_maps_latest(const struct fw_maps *maps, int fd, __u64 *ret);

/* Index into fw_count_svc. */
static inline __u32 fw_maps_svc_slot(bool monitor, __u32 service, __u32 reason)
{
	return ((__u32)monitor * FW_SERVICE_MAX + service) * FW_REASON_SLOTS + reason;
}

/* Ways in use of a table: counts the non-zero fingerprint bytes. */
__u64 fw_maps_occupied(const struct fw_maps_table *table);

/* The record of interfaces. list: at most FW_IFACE_MAX entries into ret, by name. Lock for changes.
 */
int fw_maps_ifaces(int iface_fd, struct fw_iface ret[FW_IFACE_MAX], unsigned int *ret_nr);
int fw_maps_iface_put(int iface_fd, const struct fw_iface *iface);
int fw_maps_iface_del(int iface_fd, const struct fw_iface *iface); /* absent: fine */

/* Every map of the object: what the kernel says it costs. */
struct fw_maps_cost {
	char name[16];
	__u32 entries;
	__u64 bytes; /* memlock of the kernel's fdinfo */
};
/* All pinned maps into ret (at most max); *ret_nr. */
int fw_maps_costs(const char *dir, struct fw_maps_cost *ret, unsigned int max, unsigned int *ret_nr,
		  struct fw_err *err);

#endif
