/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames for the flood generator: a template is built once, and for every packet only the source
 * address, source port, sequence and checksums are patched. Checksums are always right, so that
 * what a filter drops it drops for the reason under test.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#define FRAME_MAX 9300

enum frame_kind {
	FRAME_UDP,
	FRAME_SYN,
	FRAME_ACK,
	FRAME_SYNACK,
	FRAME_RST,
	FRAME_ICMP,
	FRAME_FRAG_FIRST,
	FRAME_FRAG_LAST,
	FRAME_KINDS,
};

extern const char *const frame_kind_name[FRAME_KINDS];

/* Addresses are in network order, IPv4 in word 3; ports in host order. */
struct addr {
	uint8_t b[16];
};

struct frame_spec {
	enum frame_kind kind;
	bool v6;
	uint8_t smac[6], dmac[6];
	struct addr dst;
	uint16_t sport; /* 0 = random for every packet */
	uint16_t dport;
	uint16_t vlan[2]; /* outer first; 0 = none */
	uint16_t payload; /* bytes behind the L4 header */
	uint8_t ttl;
};

struct frame {
	uint8_t *data; /* owned by the caller, FRAME_MAX bytes */
	size_t len;
	struct frame_spec spec;
	size_t l3, l4;	 /* offsets */
	uint64_t ip_sum; /* over the fixed part, unfolded */
	uint64_t l4_sum;
	bool has_l4; /* carries the L4 header: all but later fragments */
};

/* What differs from packet to packet. */
struct frame_vary {
	struct addr src;
	uint16_t sport;
	uint32_t seq; /* TCP sequence number; first 4 bytes of a UDP or ICMP payload */
	uint32_t id;  /* IP identification */
};

/* Builds the template in f->data. 0 or -EINVAL when it would not fit a frame. */
int frame_build(struct frame *f, const struct frame_spec *spec);
void frame_patch(struct frame *f, const struct frame_vary *v);

uint64_t sum_bytes(uint64_t sum, const void *data, size_t len);
uint16_t sum_fold(uint64_t sum); /* network order, not inverted */

#endif
