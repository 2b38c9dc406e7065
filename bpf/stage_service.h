/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which service a packet is for, and whether that service speaks such packets at all. Reflected UDP
 * ends here, and so does the wrong protocol on a service's port. What no named service claims
 * belongs to the host, service 0.
 */
#ifndef FW_STAGE_SERVICE_H
#define FW_STAGE_SERVICE_H

#include "state.h"

/* One comparison, not four: the verifier follows each way out of each. */
static __always_inline bool same_addr(const __be32 a[4], const __be32 b[4])
{
	__u64 differ = (a[3] ^ b[3]) | (a[2] ^ b[2]) | (a[1] ^ b[1]) | (a[0] ^ b[0]);

	FW_OPAQUE(differ);
	return !differ;
}

static __always_inline __u64 port_index(__be16 port)
{
	__u64 index = bpf_ntohs(port);

	FW_BOUND(index, 0xffff);
	return index;
}

/* The service of daddr in the chain of rules that begins at rule at, or -1. */
static __always_inline int service_find(const struct pkt *p, const struct fw_policy *policy,
					__u32 at)
{
	for (int i = 0; i < FW_CHAIN_MAX && at; i++) {
		const struct fw_rule *rule = &policy->rule[at & (FW_RULE_MAX - 1)];

		if (rule->any || same_addr(rule->addr_be, p->daddr))
			return rule->service & (FW_SERVICE_MAX - 1);
		at = rule->next;
	}
	return -1;
}

/* The service that has closed this destination address to everything else, with what is spoken
 * there in bits 8 and 9 (FW_PORT_*); or -1. */
static __always_inline int service_closed(const struct pkt *p, const struct fw_policy *policy)
{
	__u32 home = bpf_ntohl(p->daddr[3]);

	/* Left to itself the compiler makes a loop that Linux 6.1 refuses: one that is closed by
	 * falling through to its head. */
#pragma clang loop unroll(full)
	for (int i = 0; i < FW_CLOSED_PROBES; i++) {
		const struct fw_closed *slot = &policy->closed[(home + i) & (FW_CLOSED_SLOTS - 1)];

		FW_OPAQUE(slot);
		if (slot->addr_be[3] == p->daddr[3] && same_addr(slot->addr_be, p->daddr))
			return (slot->service & (FW_SERVICE_MAX - 1)) | slot->speaks << 8;
	}
	return -1;
}

/* A reply to something this host asked: it goes to a port that the kernel picked. */
static __always_inline bool may_be_reply(const struct pkt *p)
{
	if (bpf_ntohs(p->dport) < knob_local_port)
		return false;
	return p->proto == FW_PROTO_UDP || p->tcp_flags & (FW_TCP_ACK | FW_TCP_RST);
}

/* slot: of its source port in policy->reflect, not 0. */
static __always_inline bool is_reflected(const struct pkt *p, __u8 slot)
{
	if (!(slot & FW_REFLECT_EVERYWHERE) && p->service == FW_SERVICE_HOST)
		return false;
	note(FW_NOTE_REFLECT_BASE + (slot & FW_REFLECT_SLOT));
	return true;
}

/* Packets with ports: find the service of this protocol, or the one that owns the port otherwise.
 */
static __always_inline bool service_by_port(struct pkt *p, const struct fw_policy *policy)
{
	__u32 table = p->proto == FW_PROTO_TCP ? FW_PORT_TCP : FW_PORT_UDP;
	__u64 port = port_index(p->dport);
	int service = service_find(p, policy, policy->port_rule[table][port]);

	if (service >= 0) {
		p->service = service;
		return true;
	}
	service = service_find(p, policy, policy->port_rule[!table][port]);
	if (service < 0 && policy->flags & FW_P_CLOSED && !may_be_reply(p))
		service = service_closed(p, policy);
	if (service < 0)
		return true;
	p->service = service & (FW_SERVICE_MAX - 1);
	return false;
}

static __always_inline int stage_service(struct pkt *p, const struct fw_policy *policy)
{
	bool tcp = p->proto == FW_PROTO_TCP, udp = p->proto == FW_PROTO_UDP;
	int service;

	if ((tcp || udp) && !p->later) {
		__u8 slot = udp ? policy->reflect[port_index(p->sport)] : 0;
		bool spoken = service_by_port(p, policy);

		if (unlikely(slot) && is_reflected(p, slot))
			return aside(FW_R_DROP_REFLECTED);
		return spoken ? FW_CONTINUE : FW_R_DROP_UNSPOKEN;
	}
	if (!(policy->flags & FW_P_CLOSED))
		return FW_CONTINUE;
	service = service_closed(p, policy);
	if (service < 0)
		return FW_CONTINUE;
	p->service = service & (FW_SERVICE_MAX - 1);
	/* Later fragments name no port, but a protocol: of one that is not spoken here at all they
	 * belong to nothing. ICMP belongs to what is spoken. */
	if (tcp || udp)
		return service >> (8 + (tcp ? FW_PORT_TCP : FW_PORT_UDP)) & 1 ? FW_CONTINUE
									      : FW_R_DROP_UNSPOKEN;
	if (p->proto == FW_PROTO_ICMP || p->proto == FW_PROTO_ICMP6)
		return FW_CONTINUE;
	return FW_R_DROP_UNSPOKEN;
}

#endif
