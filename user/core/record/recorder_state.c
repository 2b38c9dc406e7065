// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder's end of the data path: maps that come and go, the ledgers and slots of the
 * accounts, the ring of samples, and how many samples are asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/statvfs.h>

#include "user/base/clock.h"
#include "user/core/record/recorder_parts.h"
#include "user/kern/ledger.h"

/* One in so many: fine where packets are few, coarse in a flood. */
#define EVERY_FEW     8
#define EVERY_MANY    64
#define FEW_PER_S     10000
#define BURST_SECONDS 2

static void keep_sample(void *arg, const struct fw_sample *sample)
{
	struct fw_recorder *r = arg;

	r->sample[r->sample_head++ % FW_REC_SAMPLES] = *sample;
}

void fw_rec_maps_close(struct fw_recorder *r)
{
	/* Nobody reads samples any more: the program need not make them. */
	if (r->maps.cpus)
		memset(r->maps.sampling, 0, sizeof(*r->maps.sampling));
	fw_ring_close(r->ring);
	r->ring = NULL;
	fw_maps_close(&r->maps);
	fw_accounts_close(r->accounts);
	r->accounts = NULL;
	fw_stats_free(&r->before);
	r->have_before = false;
	r->have_generation = false;
	r->policy_known = false;
	r->levels.nr = 0;
}

/* Each of the two files may take this part of the file system it lies on: /run is memory, and
 * others need it, too. */
#define RUN_PART 8

static void bound(const struct fw_recorder *r, struct fw_accounts *a)
{
	struct statvfs fs;

	if (r->opts.accounts && !statvfs(r->opts.accounts, &fs))
		fw_accounts_bound(a, (__u64)fs.f_blocks * fs.f_frsize / RUN_PART);
}

static int open_accounts(struct fw_recorder *r, struct fw_err *err)
{
	struct fw_accounts_id id = { .state = r->maps.ctl_id,
				     .cpus = r->maps.cpus,
				     .max = r->opts.sources_max };
	int code;

	memcpy(id.boot_id, r->boot_id, sizeof(id.boot_id));
	r->accounts_new = true;
	code = fw_accounts_open(r->opts.accounts, &id, &r->accounts, &r->accounts_kept, err);
	/* Those of the samples beside it, for a recorder that is killed loses neither. */
	if (!code && !r->sampled)
		code = fw_accounts_open(*r->sampled_path ? r->sampled_path : NULL, &id, &r->sampled,
					&r->sampled_kept, err);
	if (!code) {
		fw_accounts_watch(r->accounts, &r->heaviest);
		bound(r, r->accounts);
		bound(r, r->sampled);
	}
	return code;
}

int fw_rec_maps(struct fw_recorder *r, struct fw_err *err)
{
	__u32 id = 0;
	int code = fw_maps_state_id(r->pins, &id, err);

	if (!code && r->maps.cpus && id == r->maps.ctl_id)
		return 0;
	fw_rec_maps_close(r);
	if (code)
		return code;
	code = fw_maps_open(r->pins,
			    FW_MAPS_COUNTS | FW_MAPS_POLICY | FW_MAPS_SOURCES | FW_MAPS_TALLIES |
				    FW_MAPS_RECORD,
			    &r->maps, err);
	if (code)
		return code;
	code = fw_ring_open(r->maps.samples_fd, keep_sample, r, &r->ring, err);
	if (!code)
		code = open_accounts(r, err);
	if (code)
		fw_rec_maps_close(r);
	else
		fw_rec_sampling(r, NULL);
	return code;
}

/* Records taken over at once; and so many ahead the memory is asked for that booking begins with.
 */
#define AT_ONCE 256
#define AHEAD	FW_ACCOUNTS_AHEAD

/* One by one: of a recorder that is killed, the next books one record twice at most. */
static void done(struct fw_ledger_at *at, __u64 tail, __u32 packets)
{
	at->read += packets;
	__atomic_store_n(&at->tail, tail, __ATOMIC_RELEASE);
}

/* What left the slots of a CPU before the head was this. */
static void drain(struct fw_recorder *r, unsigned int cpu, __u64 head)
{
	struct fw_ledger_at *at = &r->maps.ledger_at[cpu];
	struct fw_ledger ledger = fw_ledger_of(&r->maps, cpu);
	struct fw_tally record[AT_ONCE];

	for (__u64 tail = at->tail; tail < head;) {
		__u32 count = fw_ledger_copy(&ledger, &tail, head, record, AT_ONCE);

		for (__u32 i = 0; i < MIN(count, AHEAD); i++)
			fw_accounts_expect(r->accounts, cpu, &record[i]);
		for (__u32 i = 0; i < count; i++) {
			__u32 packets = record[i].packets;

			if (i + AHEAD < count)
				fw_accounts_expect(r->accounts, cpu, &record[i + AHEAD]);
			packets += fw_accounts_record(r->accounts, cpu, &record[i]);
			done(at, ++tail, packets);
		}
		if (!count)
			done(at, tail, 0);
	}
}

/* Returns how full its ring was, in parts of 256. */
static unsigned int drain_all(struct fw_recorder *r, unsigned int cpu)
{
	struct fw_ledger_at *at = &r->maps.ledger_at[cpu];
	struct fw_ledger ledger = fw_ledger_of(&r->maps, cpu);
	__u64 head, packets, waiting;

	if (!fw_ledger_head(&ledger, &head, &packets))
		return 0; /* the next time */
	waiting = MIN(head - at->tail, ledger.size);
	drain(r, cpu, head);
	/* Only what was written over is missing. A count of it never falls, though some of it may
	 * turn out to have been booked from its slot. */
	if (packets > at->read && packets - at->read > at->lost)
		__atomic_store_n(&at->lost, packets - at->read, __ATOMIC_RELAXED);
	return (unsigned int)(waiting * 256 / ledger.size);
}

unsigned int fw_rec_ledgers(struct fw_recorder *r)
{
	unsigned int full = 0;

	for (unsigned int cpu = 0; cpu < r->maps.cap_ledger_cpus; cpu++) {
		unsigned int one = drain_all(r, cpu);

		full = MAX(full, one);
	}
	return full;
}

/* Of each slot first what it held before. */
static void drain_slots(struct fw_recorder *r, unsigned int cpu)
{
	struct fw_ledger_at *at = &r->maps.ledger_at[cpu];
	struct fw_ledger ledger = fw_ledger_of(&r->maps, cpu);
	struct fw_tally held;
	__u64 head;

	for (__u32 slot = 0; slot < FW_TALLY_SLOTS; slot++) {
		if (!fw_ledger_slot(&ledger, slot, &held, &head))
			continue;
		if (head > at->tail)
			drain(r, cpu, head);
		at->read += fw_accounts_slot(r->accounts, cpu, &held);
	}
}

void fw_rec_slots(struct fw_recorder *r)
{
	fw_rec_ledgers(r);
	for (unsigned int cpu = 0; cpu < r->maps.cap_ledger_cpus; cpu++)
		drain_slots(r, cpu);
}

void fw_rec_sampling(struct fw_recorder *r, const struct fw_stats *since)
{
	struct fw_sampling *to = r->maps.sampling;
	__u32 rate = r->opts.sample_rate;
	double seconds = since && since->when_ns ? (double)since->when_ns / FW_NS_PER_S : 1;

	to->gap_ns = rate ? FW_NS_PER_S / rate : 0;
	to->burst_ns = BURST_SECONDS * FW_NS_PER_S;
	for (int i = 0; i < FW_R_MAX; i++) {
		struct fw_count done = {}, would = {};

		if (since)
			fw_stats_reason(since, (unsigned int)i, &done, &would);
		to->every[i] = !rate ? 0
			       : (double)(done.packets + would.packets) / seconds < FEW_PER_S
				       ? EVERY_FEW
				       : EVERY_MANY;
	}
}
