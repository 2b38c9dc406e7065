/* SPDX-License-Identifier: GPL-2.0-only */
/* For incident_*.c only: counts out of rows, and where each belongs. */
#ifndef FW_CORE_INCIDENT_SUM_H
#define FW_CORE_INCIDENT_SUM_H

#include "user/core/record/history_sql.h"
#include "user/core/record/incident.h"

static inline void fw_incident_add(struct fw_count *to, const struct fw_count *count)
{
	to->packets += count->packets;
	to->bytes += count->bytes;
}

static inline struct fw_count fw_incident_count(sqlite3_stmt *row, int column)
{
	return (struct fw_count){ (__u64)sqlite3_column_int64(row, column),
				  (__u64)sqlite3_column_int64(row, column + 1) };
}

/* Pass, answered, dropped, or only would have been. */
static inline struct fw_count *fw_incident_sort(unsigned int reason, bool would,
						struct fw_count *pass, struct fw_count *answered,
						struct fw_count *drop, struct fw_count *would_all)
{
	enum fw_verdict verdict = fw_incident_reason_verdict(reason);

	if (verdict == FW_V_PASS)
		return pass;
	if (would)
		return would_all;
	return verdict == FW_V_TX ? answered : drop;
}

#endif
