/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traffic judged by a budget of its own. What keeps the link and the path alive (ARP, neighbour
 * discovery, DHCP, path MTU) is decided before any rule can cut it off; what is nested too deep or
 * is not IP comes after the lanes, so that a block still holds.
 */
#ifndef FW_STAGE_OWN_H
#define FW_STAGE_OWN_H

#include "state.h"

static __always_inline int stage_essential(const struct pkt *p, const struct fw_policy *policy)
{
	if (p->own_budget > FW_B_PMTU)
		return FW_CONTINUE;
	return budget_take(policy, p->now, p->own_budget) ? FW_R_PASS_ESSENTIAL
							  : FW_R_DROP_ESSENTIAL;
}

static __always_inline int stage_uninspected(const struct pkt *p, const struct fw_policy *policy)
{
	if (p->own_budget == FW_B_DEEP)
		return budget_take(policy, p->now, FW_B_DEEP) ? FW_R_PASS_DEEP : FW_R_DROP_DEEP;
	if (p->own_budget == FW_B_OTHER_L3)
		return budget_take(policy, p->now, FW_B_OTHER_L3) ? FW_R_PASS_OTHER_L3
								  : FW_R_DROP_OTHER_L3;
	return FW_CONTINUE;
}

#endif
