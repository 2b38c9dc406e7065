/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures out: pcapng (draft-ietf-opsawg-pcapng), as far as samples of Ethernet frames need it:
 * one section, one interface, time stamps in nanoseconds, a comment on each packet.
 */
#ifndef FW_PCAPNG_H
#define FW_PCAPNG_H

#include <linux/types.h>
#include <stdio.h>

#define FW_PCAPNG_SNAP_MAX 65535
#define FW_PCAPNG_TEXT_MAX 1024 /* comments and names are cut there, at a character */

/* Section and interface. application, interface: UTF-8, may be empty. 0, -EINVAL, -EIO. */
int fw_pcapng_begin(FILE *out, const char *application, const char *interface, __u32 snap);

struct fw_pcapng_packet {
	__u64 realtime_ns; /* since 1970 UTC */
	const void *data;
	__u32 captured;	     /* bytes of data */
	__u32 length;	     /* of the packet on the wire, >= captured */
	const char *comment; /* UTF-8; NULL or "" = none */
};

int fw_pcapng_packet(FILE *out, const struct fw_pcapng_packet *packet);

#endif
