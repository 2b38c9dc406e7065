/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which proof of source fits this host, and why. SYN cookies need a listener of this host's own and
 * a kernel that makes them; connections that end behind this host are known to nobody here.
 */
#ifndef FW_CORE_PROOF_H
#define FW_CORE_PROOF_H

#include <linux/types.h>
#include "bpf/abi.h"
#include "user/kern/probe.h"

struct fw_proof_advice {
	enum fw_proof proof;
	const char *why; /* one sentence; NULL: cookies work as they should */
	const char *fix; /* the command that would make cookies work (better), or NULL */
};

/* syncookie: fw_features.syncookie. For the service host, and what nobody else claims. */
struct fw_proof_advice fw_proof_advise(const struct fw_host *host, enum fw_tri syncookie);

#endif
