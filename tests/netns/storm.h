/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the flood generator tells its XDP program: templates with the sums over what stays the same,
 * and how to pick sources. Shared by both; each has the fixed-width types already.
 */
#ifndef LAB_STORM_H
#define LAB_STORM_H

#define STORM_ROOM	128 /* longest frame */
#define STORM_TEMPLATES 8

struct storm_template {
	__u8 data[STORM_ROOM];
	__u32 len;
	__u16 l3, l4; /* offsets */
	__u16 csum;   /* offset of the L4 checksum */
	__u16 seq;    /* offset of 4 bytes that differ in every packet, 0 = none */
	__u8 ports;   /* has a source port at l4 */
	__u8 pseudo;  /* L4 checksum covers the addresses */
	__u8 pad[2];
	__u32 ip_sum; /* folded to 16 bits and a bit */
	__u32 l4_sum;
};

struct storm_config {
	struct storm_template template[STORM_TEMPLATES];
	__u64 rng; /* state, carried on */
	__u64 n;   /* packets so far */
	__u64 bytes;
	__u64 gap_ns;  /* between batches of 64, 0 = as fast as it goes */
	__u64 due_ns;  /* of the next batch */
	__u64 sources; /* 0 = random */
	__u64 base6;   /* upper half of the first IPv6 source, host order */
	__u32 base4;   /* first IPv4 source, host order */
	__u32 templates;
	__u32 ifindex;
	__u16 sport; /* 0 = random */
	__u8 v6;
	__u8 pad;
};

#endif
