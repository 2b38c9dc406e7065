/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the HTML page. For report_html.c, which calls them, and the files they are in. */
#ifndef FW_CORE_REPORT_PAGE_H
#define FW_CORE_REPORT_PAGE_H

#include "user/core/evidence/report.h"

extern const char fw_report_style[];

/* In the order of the page; minutes are in report_minutes.c. */
void fw_report_page_sources(FILE *out, const struct fw_report *report);
void fw_report_page_minutes(FILE *out, const struct fw_report *report);
void fw_report_page_events(FILE *out, const struct fw_report *report);
void fw_report_page_record(FILE *out, const struct fw_report *report);

/* "1,234,567"; a ring of buffers, so that some may be used in one call. */
const char *fw_report_number(__u64 n);
/* "21 November 2026, 20:01:02 UTC" */
const char *fw_report_moment(__u64 utc_ns);

#endif
