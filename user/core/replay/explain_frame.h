/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame as it would arrive. Private to explain. */
#ifndef FW_CORE_EXPLAIN_FRAME_H
#define FW_CORE_EXPLAIN_FRAME_H

#include "user/core/replay/explain.h"

#define EXPLAIN_FRAME_MAX 9018U /* what fits a jumbo frame */

/* Writes it to out, EXPLAIN_FRAME_MAX bytes of room. Returns its length. */
__u32 explain_frame(const struct fw_explain_packet *packet, __u8 *out);

#endif
