/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports made by hand: counts of one's choice. */
#ifndef FW_TEST_REPORTS_H
#define FW_TEST_REPORTS_H

#include <stdlib.h>
#include "user/core/evidence/report.h"

static inline struct fw_report *new_report(void)
{
	return calloc(1, sizeof(struct fw_report));
}

static inline void set(struct fw_report *r, unsigned int reason, __u64 packets)
{
	enum fw_verdict v = fw_incident_reason_verdict(reason);
	struct fw_count *sum = v == FW_V_PASS ? &r->sums.pass
			       : v == FW_V_TX ? &r->sums.answered
					      : &r->sums.drop;

	r->sums.reason[reason].packets = packets;
	sum->packets += packets;
}

static inline void like_flood(struct fw_report *r)
{
	set(r, FW_R_TX_COOKIE, 1000000);
	set(r, FW_R_PASS_COOKIE, 100);
	set(r, FW_R_PASS_PROVEN, 5000);
}

#endif
