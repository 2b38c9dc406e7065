/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng, read block by block (draft-ietf-opsawg-pcapng). libpcap reads such files only while all
 * their interfaces have one link type and one snapshot length; those of a host with a VPN, or of
 * merged files, have not. Hostile input is harmless: lengths are checked before they are believed.
 */
#ifndef FW_CORE_CAPTURE_NG_H
#define FW_CORE_CAPTURE_NG_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define FW_NG_MAGIC 0x0a0d0d0aU /* of its first block, the same in either byte order */

struct fw_ng;

/* file: borrowed, at its first byte. NULL: no memory. */
struct fw_ng *fw_ng_open(FILE *file);
void fw_ng_close(struct fw_ng *ng); /* NULL is fine */

struct fw_ng_packet {
	__u64 at_ns; /* since 1970 */
	int dlt;     /* of the interface, as libpcap numbers them */
	__u32 had, len;
	const __u8 *data; /* had bytes; holds until the next */
};

/* 1, 0 at the end, or -1: it breaks off, and fw_ng_why() says how. */
int fw_ng_next(struct fw_ng *ng, struct fw_ng_packet *ret);
const char *fw_ng_why(const struct fw_ng *ng);

#endif
