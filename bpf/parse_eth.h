/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet with up to two VLAN tags (IEEE 802.1Q, 802.1ad). Leaves p->off at the network header.
 * No map access; also compiled on the host for fuzzing.
 */
#ifndef FW_PARSE_ETH_H
#define FW_PARSE_ETH_H

#include "pkt.h"

#define FW_VLANS_MAX 2

static __always_inline bool eth_is_vlan(__be16 proto)
{
	return proto == bpf_htons(FW_ETH_8021Q) || proto == bpf_htons(FW_ETH_8021AD);
}

/* Sets *ret_proto to the EtherType behind the tags, network order. Returns a reason or FW_CONTINUE.
 */
static __always_inline int parse_eth(const struct frame *f, struct pkt *p, __be16 *ret_proto)
{
	struct ethhdr *eth = header_at(f, p, sizeof(*eth));
	__be16 proto;

	if (!eth)
		return FW_R_DROP_SHORT;
	proto = eth->h_proto;
	p->off += sizeof(*eth);
	p->vlans = 0;
#pragma unroll
	for (int i = 0; i < FW_VLANS_MAX; i++) {
		struct vlan_tag *tag = header_at(f, p, sizeof(*tag));

		if (!eth_is_vlan(proto))
			break;
		if (!tag)
			return FW_R_DROP_SHORT;
		proto = tag->proto;
		p->off += sizeof(*tag);
		p->vlans++;
	}
	*ret_proto = proto;
	return FW_CONTINUE;
}

#endif
