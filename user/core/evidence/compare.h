/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What two incidents share: addresses, networks, kinds of packets, their traits, timing; and how
 * much of that chance alone would give. A side is an incident of the history or a bundle: either
 * way its report as JSON, and its addresses.
 */
#ifndef FW_CORE_COMPARE_H
#define FW_CORE_COMPARE_H

#include "user/core/evidence/report.h"

/* An address, host order, IPv4 as ::ffff:a.b.c.d; of IPv6 the /64. */
struct fw_compare_addr {
	__u64 high, low;
};

struct fw_compare_set {
	struct fw_compare_addr *addr; /* sorted and without repetition after fw_compare_sort() */
	size_t nr, room;
};

struct fw_compare_side {
	char name[64]; /* "incident 7", or the file's name */
	bool bundle;
	json_t *report;
	struct fw_compare_set proven, other; /* never mixed */
};

/* Zeroed before; freed with fw_compare_free() in any case. */
int fw_compare_read_incident(struct fw_compare_side *side, struct fw_history *h, __s64 id,
			     struct fw_when now, struct fw_err *err);
/* -EPROTO (2): the bundle is not intact. */
int fw_compare_read_bundle(struct fw_compare_side *side, const char *path, struct fw_err *err);
void fw_compare_free(struct fw_compare_side *side);

int fw_compare_add(struct fw_compare_set *set, const __be32 addr_be[4]);
void fw_compare_sort(struct fw_compare_set *set);

/* Two sets of one kind. */
struct fw_compare_overlap {
	__u64 a, b, shared;
	double jaccard;	    /* shared of all that are in either */
	double expected;    /* shared if both had been drawn at random from all of IPv4 or IPv6 */
	double log10_limit; /* chance of so many or more is at most 10 to this; 0: nothing unusual
			     */
};

struct fw_compare_sources {
	struct fw_compare_overlap addresses, networks; /* networks: /24 and /48 */
	double within; /* addresses shared if drawn at random within the networks that each came
			  from */
};

void fw_compare_sources(const struct fw_compare_set *a, const struct fw_compare_set *b,
			struct fw_compare_sources *ret);

/* How much two distributions have in common, 0..1: the sum of the smaller share of each word. -1:
 * one is empty. */
double fw_compare_shares(const json_t *a, const json_t *b);

/* The whole as JSON, sentences ("words") among it. NULL: no memory. */
json_t *fw_compare_json(const struct fw_compare_side *a, const struct fw_compare_side *b);

#endif
