/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what people say (struct fw_model, struct fw_rate) to what the program reads (struct
 * fw_policy, struct fw_limit), and back. Pure. Promise: whatever compiles gives a source at most
 * its rate x time + burst (+ one tick), and at least 98 % of it; what cannot keep that is refused.
 */
#ifndef FW_COMPILE_H
#define FW_COMPILE_H

#include <linux/types.h>
#include <stdbool.h>
#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/policy/model.h"

#define FW_COMPILE_BYTES_MIN                                                 \
	16384 /* smallest burst in bytes: a jumbo frame must be able to pass \
	       */

/*
 * bytes: the rate counts bytes. tick_ns: one step of the program's clock. count 0 compiles to "no
 * limit". burst 0 takes the default, see fw_compile_burst. -EINVAL: burst too small to give the
 * rate (the error names the least one), or so long that the time stamps cannot hold it (names the
 * most).
 */
int fw_compile_limit(const struct fw_rate *rate, bool bytes, __u32 tick_ns,
		     struct fw_limit *ret_limit, struct fw_err *err);

/*
 * The burst that a rate means: its own, or when 0 a tenth of a second of the rate, raised to what
 * the clock needs. For display.
 */
__u64 fw_compile_burst(const struct fw_rate *rate, bool bytes, __u32 tick_ns);

/*
 * The limit of an IPv6 /48: factor times a /64's. Like fw_compile_limit, but rounding may take more
 * than 2 % where the product is faster than 20M/s or 1.2 GB/s; it never gives more.
 */
int fw_compile_net48(const struct fw_rate *rate, __u32 factor, bool bytes, __u32 tick_ns,
		     struct fw_limit *ret_limit, struct fw_err *err);

/*
 * ret_policy and ret_text are written whole, unused parts zero, and are untouched on failure. The
 * error names the class, service or budget at fault. -EINVAL, -ENOSPC (too many rules or closed
 * addresses; says how many fit), -ENOMEM.
 */
int fw_compile_policy(const struct fw_model *model, __u32 tick_ns, struct fw_policy *ret_policy,
		      struct fw_policy_text *ret_text, struct fw_err *err);

/* The inverse. -EINVAL when the maps hold what fw_compile_policy would not write; then untouched.
 */
int fw_model_from(const struct fw_policy *policy, const struct fw_policy_text *text,
		  struct fw_model *ret_model, struct fw_err *err);

#endif
