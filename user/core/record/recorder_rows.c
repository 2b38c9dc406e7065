// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples of a second, chosen fairly among groups of reasons, and the heaviest sources of a minute.
 * Before an incident samples live in memory only; when it begins, those of the seconds before it
 * are written first.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "user/base/clock.h"
#include "user/core/record/recorder_parts.h"

#define MINUTE_NS (60 * FW_NS_PER_S)
#define TOP_ROWS  20

static const __u8 group_of[FW_REASON_SLOTS] = FW_REASON_GROUPS;
_Static_assert(FW_R_MAX == 45, "a new reason: does FW_REASON_GROUPS in abi.h name it?");

static int put_sample(struct fw_recorder *r, const struct fw_recorder_now *now,
		      const struct fw_sample *s, bool before, struct fw_err *err)
{
	unsigned int service = s->service & (FW_SERVICE_MAX - 1);
	struct fw_incident_sample row = {
		.when = { now->when.utc_ns - (now->when.boot_ns - s->boot_ns), s->boot_ns },
		.program_ns = s->now_ns,
		.reason = s->reason,
		.verdict = (__u8)fw_incident_reason_verdict(s->reason),
		.monitor = s->flags & FW_SAMPLE_MONITOR,
		.proven = s->flags & FW_SAMPLE_PROVEN,
		.answered = s->flags & FW_SAMPLE_ANSWERED,
		.before = before,
		.len = s->len,
		.ratio = s->every,
		.captured = (__u16)MIN(s->captured, r->opts.sample_bytes ?: FW_SAMPLE_BYTES),
	};
	int code;

	if (s->family)
		fw_rec_addr(s->family, s->key, row.addr_be);
	memcpy(row.service, r->before.service_name[service], sizeof(row.service));
	memcpy(row.data, s->data, row.captured);
	code = fw_incident_put_sample(r->history, r->incident.id, &row, err);
	if (!code)
		r->samples_written++;
	return code;
}

/* What came before the incident's start, thinned out evenly if there is much of it. */
static int put_before(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	__u64 start = r->incident.start.boot_ns, n = 0, nth = 0, i;
	__u64 first = r->sample_head > FW_REC_SAMPLES ? r->sample_head - FW_REC_SAMPLES : 0;
	int code = 0;

	for (i = first; i < r->sample_head; i++)
		n += r->sample[i % FW_REC_SAMPLES].boot_ns + FW_REC_BEFORE_NS > start;
	for (i = first; i < r->sample_head && !code; i++) {
		const struct fw_sample *s = &r->sample[i % FW_REC_SAMPLES];

		if (s->boot_ns + FW_REC_BEFORE_NS <= start)
			continue;
		/* The nth of n is one of the FW_REC_BEFORE_ROWS if that number grows with it. */
		if (n <= FW_REC_BEFORE_ROWS ||
		    nth * FW_REC_BEFORE_ROWS / n != (nth + 1) * FW_REC_BEFORE_ROWS / n)
			code = put_sample(r, now, s, s->boot_ns < r->first_drop_ns, err);
		nth++;
	}
	r->before_written = true;
	return code;
}

/* When the first packet of those in memory was refused or answered; boot time, ~0: none was. */
static __u64 first_drop(const struct fw_recorder *r)
{
	__u64 first = r->sample_head > FW_REC_SAMPLES ? r->sample_head - FW_REC_SAMPLES : 0;
	__u64 start = r->incident.start.boot_ns, when = ~0ULL;

	for (__u64 i = first; i < r->sample_head; i++) {
		const struct fw_sample *s = &r->sample[i % FW_REC_SAMPLES];

		if (group_of[s->reason & (FW_REASON_SLOTS - 1)] != FW_G_PASS && s->boot_ns < when &&
		    s->boot_ns + FW_REC_BEFORE_NS > start)
			when = s->boot_ns;
	}
	return when;
}

static int put_fairly(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	unsigned int have[FW_G_MAX] = { 0 }, groups = 0, share;
	int code = 0;

	for (__u64 i = r->sample_seen; i < r->sample_head; i++) {
		__u8 g = group_of[r->sample[i % FW_REC_SAMPLES].reason & (FW_REASON_SLOTS - 1)];

		groups += !have[g]++;
	}
	share = groups ? MAX(1U, FW_REC_SAMPLE_ROWS / groups) : 0;
	memset(have, 0, sizeof(have));
	for (__u64 i = r->sample_seen; i < r->sample_head && !code; i++) {
		const struct fw_sample *s = &r->sample[i % FW_REC_SAMPLES];
		__u8 g = group_of[s->reason & (FW_REASON_SLOTS - 1)];

		if (have[g]++ < share && r->samples_written < FW_REC_SAMPLES_MAX)
			code = put_sample(r, now, s, false, err);
	}
	return code;
}

/* Addresses in samples of refused or answered packets that are in no account: none counts twice.
 * Who is proven must not also read as possibly spoofed. */
static void count_sources(struct fw_recorder *r)
{
	for (__u64 i = r->sample_seen; i < r->sample_head; i++) {
		const struct fw_sample *s = &r->sample[i % FW_REC_SAMPLES];
		__u8 g = group_of[s->reason & (FW_REASON_SLOTS - 1)];

		if (s->family && g != FW_G_PASS &&
		    !(s->flags & (FW_SAMPLE_PROVEN | FW_SAMPLE_BOOKED)))
			fw_accounts_sample(r->sampled, s, r->weight[g]);
	}
}

int fw_rec_samples(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	int code = 0;

	if (r->sample_head > r->sample_seen + FW_REC_SAMPLES)
		r->sample_seen = r->sample_head - FW_REC_SAMPLES;
	if (r->incident.id) {
		count_sources(r);
		if (!r->before_written) {
			r->first_drop_ns = first_drop(r);
			code = put_before(r, now, err);
		} else {
			code = put_fairly(r, now, err);
		}
	}
	r->sample_seen = r->sample_head;
	return code;
}

static int put_top(struct fw_recorder *r, const struct fw_source_heavy *list, size_t count,
		   struct fw_err *err)
{
	int code = 0;

	for (size_t i = 0; i < count && !code; i++) {
		struct fw_history_top row = {
			.when = r->top_when,
			.rank = (__u32)i + 1,
			.proven = fw_accounts_proven(r->accounts, list[i].family, list[i].key),
			.packets = list[i].packets,
			.bytes = list[i].bytes,
			.dropped = list[i].lost,
			.reason = list[i].reason,
		};

		fw_rec_addr(list[i].family, list[i].key, row.addr_be);
		memcpy(row.class_name, r->before.class_name[list[i].class & (FW_CLASS_MAX - 1)],
		       sizeof(row.class_name));
		code = fw_history_top(r->history, &row, err);
	}
	return code;
}

int fw_rec_top(struct fw_recorder *r, const struct fw_recorder_now *now, struct fw_err *err)
{
	struct fw_source_heavy list[TOP_ROWS];
	bool first = !r->top_when.boot_ns;
	size_t count;
	int code;

	if (!first && now->when.boot_ns < r->top_when.boot_ns + MINUTE_NS)
		return 0;
	count = fw_heaviest_take(&r->heaviest, list, TOP_ROWS);
	code = first ? 0 : put_top(r, list, count, err);
	if (!code)
		r->top_when = now->when;
	return code;
}
