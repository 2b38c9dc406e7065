// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of prefixes, any bytes. Besides not crashing: a list with a problem adds nothing and every
 * problem has a place in it; what is added prints to a list that adds nothing new; and the compiled
 * form of it covers each of its prefixes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/import.h"
#include "user/policy/lanes.h"

#define UNTIL_S 5000

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static const struct fw_prefix how = { .lane = FW_LANE_BLOCKED, .until_s = UNTIL_S };

static void check_problems(const struct fw_import_report *report, const struct fw_err *err)
{
	size_t shown = report->problems < FW_IMPORT_SHOWN ? report->problems : FW_IMPORT_SHOWN;

	CHECK(report->problems && err->msg[0]);
	for (size_t i = 0; i < shown; i++) {
		CHECK(report->problem[i].line >= 1 && report->problem[i].line <= report->lines);
		CHECK(report->problem[i].col >= 1 && report->problem[i].err.msg[0]);
	}
	for (const char *p = err->msg; *p; p++)
		CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
}

/* Canonical list of a set. */
static char *print(const struct fw_prefixes *set, size_t *ret_size)
{
	char *list = malloc(set->count * FW_TEXT_LEN + 1), one[FW_TEXT_LEN];

	CHECK(list);
	*ret_size = 0;
	for (size_t i = 0; i < set->count; i++)
		*ret_size += (size_t)sprintf(
			list + *ret_size, "%s\n",
			fw_text_put_prefix(one, sizeof(one), set->at[i].addr_be, set->at[i].len));
	return list;
}

static void check_again(struct fw_prefixes *set)
{
	struct fw_import_report report;
	size_t size, count = set->count;
	char *list = print(set, &size);

	CHECK(!fw_import_text("again", list, size, &how, NULL, set, &report, NULL));
	CHECK(report.added == 0 && report.replaced == count && set->count == count);
	CHECK(report.lines == count && report.repeated == 0);
	free(list);
}

static void check_compiled(const struct fw_prefixes *set)
{
	static __u64 top4[16384];
	static struct fw_lane4_dir dir4[65536];
	static struct fw_lane4_set set4[1 << FW_LANE4_BITS];
	static __u64 range4[100000];
	static struct fw_lane6_node node6[FW_LANE6_NODES];
	static struct fw_lane6_deep deep6[100000];
	static struct fw_profile profile[16];
	struct fw_lane_head head;
	struct fw_lanes lanes = {
		.head = &head,
		.top4 = top4,
		.dir4 = dir4,
		.set4 = set4,
		.range4 = range4,
		.node6 = node6,
		.deep6 = deep6,
		.profile = profile,
		.set4_lines = 1 << FW_LANE4_BITS,
		.range4_max = 100000,
		.node6_max = FW_LANE6_NODES,
		.deep6_max = 100000,
		.profile_max = 16,
	};

	CHECK(!fw_lanes_compile(set, 1, &lanes, NULL));
	CHECK(lanes.profile_used <= 2);
	for (size_t i = 0; i < set->count; i++) {
		__u32 id = fw_lanes_lookup(&lanes, set->at[i].addr_be);

		CHECK(id < lanes.profile_used && profile[id].blocked_s == UNTIL_S);
	}
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct fw_prefixes set = { 0 };
	struct fw_import_report report;
	struct fw_err err = { 0 };
	char *text = malloc(size ? size : 1); /* no NUL behind it */
	int r;

	CHECK(text);
	memcpy(text, data, size);
	r = fw_import_text("list", text, size, &how, "why", &set, &report, &err);
	if (r) {
		CHECK(set.count == 0 && report.added == 0);
		check_problems(&report, &err);
	} else {
		CHECK(set.count == report.added && report.replaced == 0);
		CHECK(report.added + report.repeated == report.prefixes);
		check_again(&set);
		check_compiled(&set);
	}
	fw_prefixes_free(&set);
	free(text);
	return 0;
}
