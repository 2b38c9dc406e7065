/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The record of applied files (fw_applied, bpf/abi.h). Private to policy*.c. It decides nothing
 * about packets; a slot is never written while it is the one that counts, so a kill leaves the
 * other.
 */
#ifndef FW_CORE_POLICY_RECORD_H
#define FW_CORE_POLICY_RECORD_H

#include "user/core/policy.h"

/* For the generation that is about to run, or that runs. */
void fw_policy_record_write(struct fw_maps *maps, __u32 generation, const struct fw_file *file,
			    const struct fw_policy_opts *opts, __u64 hash);

/* `now` is about to be left for a copy of `back`, with the next number. */
void fw_policy_record_undo(struct fw_maps *maps, __u32 now, __u32 back);

/* The controller's settings of the file that counts; the default ones without any. */
void fw_policy_record_settings(const struct fw_maps *maps, struct fw_settings *ret);

/* Of everything a file decides about packets, wherever its prefixes lie in memory. */
__u64 fw_policy_hash(const struct fw_model *model, const struct fw_prefixes *prefixes);

/* Of a model alone; 0 without memory. */
__u64 fw_policy_hash_model(const struct fw_model *model);

/* Goes on from `hash` (0 at first) over these bytes. Finds accidents, not forgers. */
__u64 fw_policy_hash_bytes(__u64 hash, const void *bytes, size_t size);

#endif
