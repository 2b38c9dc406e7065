/* SPDX-License-Identifier: GPL-2.0-only */
/* The buckets a packet is held to, read before and after it was judged. Private to explain. */
#ifndef FW_CORE_EXPLAIN_PARTS_H
#define FW_CORE_EXPLAIN_PARTS_H

#include "user/core/replay/explain.h"

struct explain_parts {
	struct fw_source source;
	double budget[FW_B_MAX];
	double crowd[FW_SERVICE_MAX][FW_C_MAX];
	double net[FW_SERVICE_MAX]
		  [FW_C_MAX]; /* of the source's /24 or /48, by each service's rate */
};

int explain_parts_read(struct fw_judge *judge, const struct fw_explain_packet *packet, __u64 now_ns,
		       struct explain_parts *ret, struct fw_err *err);

/* Those that count for the verdict into ret->bucket. ret has everything else already. */
void explain_parts_list(const struct fw_judge *judge, const struct fw_explain_packet *packet,
			const struct explain_parts *before, const struct explain_parts *after,
			struct fw_explain *ret);

#endif
