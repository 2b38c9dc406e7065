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
			    FW_MAPS_COUNTS | FW_MAPS_POLICY | FW_MAPS_SOURCES | FW_MAPS_RECORD,
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

/* So many records ahead the memory is asked for: the record, then what its booking begins with. */
#define AHEAD FW_ACCOUNTS_AHEAD

/* One by one: of a recorder that is killed, the next books one record twice at most. */
static void done(__u64 *tail, __u64 to)
{
	__atomic_store_n(tail, to, __ATOMIC_RELEASE);
}

/* What left the slots of a CPU. Returns how full its ring was, in parts of 256. */
static unsigned int drain(struct fw_recorder *r, unsigned int cpu)
{
	__u32 size = r->maps.cap_ledger_all / r->maps.cap_ledger_cpus, mask = size - 1;
	const struct fw_heavy *ring = &r->maps.ledger[(size_t)cpu * size];
	struct fw_ledger_at *at = &r->maps.ledger_at[cpu];
	__u64 head = __atomic_load_n(&at->head, __ATOMIC_ACQUIRE), tail = at->tail;
	unsigned int full = (unsigned int)((head - tail) * 256 / size);

	for (; tail < head; tail++) {
		__builtin_prefetch(&ring[(tail + 2 * AHEAD) & mask]);
		if (tail + AHEAD < head)
			fw_accounts_expect(r->accounts, cpu, &ring[(tail + AHEAD) & mask]);
		fw_accounts_record(r->accounts, cpu, &ring[tail & mask]);
		done(&at->tail, tail + 1);
	}
	return full;
}

/* The same of packets that had none. */
static unsigned int drain_lone(struct fw_recorder *r, unsigned int cpu)
{
	__u32 size = r->maps.cap_lone_all / r->maps.cap_ledger_cpus, mask = size - 1;
	const struct fw_lone *ring = &r->maps.lone[(size_t)cpu * size];
	struct fw_ledger_at *at = &r->maps.ledger_at[cpu];
	__u64 head = __atomic_load_n(&at->lone_head, __ATOMIC_ACQUIRE), tail = at->lone_tail;
	unsigned int full = (unsigned int)((head - tail) * 256 / size);
	struct fw_heavy h;

	for (; tail < head; tail++) {
		if (tail + AHEAD < head) {
			fw_accounts_lone(&ring[(tail + AHEAD) & mask], &h);
			fw_accounts_expect(r->accounts, cpu, &h);
		}
		fw_accounts_lone(&ring[tail & mask], &h);
		fw_accounts_record(r->accounts, cpu, &h);
		done(&at->lone_tail, tail + 1);
	}
	return full;
}

unsigned int fw_rec_ledgers(struct fw_recorder *r)
{
	unsigned int full = 0;

	for (unsigned int cpu = 0; cpu < r->maps.cap_ledger_cpus; cpu++) {
		unsigned int slots = drain(r, cpu), lone = drain_lone(r, cpu);

		full = MAX(full, MAX(slots, lone));
	}
	return full;
}

/* Slots first, then the ledgers, so that a slot emptied in between is known to have been. */
void fw_rec_slots(struct fw_recorder *r)
{
	__u64 *raw = NULL;

	if (fw_maps_read(&r->maps, r->maps.heavy_fd, FW_HEAVY_SLOTS, sizeof(struct fw_heavy) / 8,
			 &raw))
		return; /* the slots keep what they hold */
	fw_rec_ledgers(r);
	fw_accounts_slots(r->accounts, (const struct fw_heavy *)raw);
	free(raw);
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
