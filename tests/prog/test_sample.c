// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the program hands to a recorder: samples that say what they are, within their limits, every
 * chosen one accounted for; and accounts in which no packet of a tabled source is missing.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include "tests/lib/prog.h"
#include "user/core/record/accounts.h"
#include "user/kern/ring.h"

struct watch {
	struct fw_maps maps;
	struct fw_ring *ring;
	struct fw_sample last;
	__u64 seen[FW_REASON_SLOTS];
};
static struct watch watch;

static void see(void *arg, const struct fw_sample *sample)
{
	struct watch *w = arg;

	w->last = *sample;
	w->seen[sample->reason]++;
}

/* As before the first packet: nothing in the ring, in the ledger, in the counts. */
static struct watch *start(struct prog *prog, __u32 every, __u64 gap_ns, __u64 burst_ns)
{
	struct fw_err err;

	if (!watch.ring) {
		assert_int_equal(fw_maps_open_object(prog->obj, FW_MAPS_RECORD, &watch.maps, &err),
				 0);
		assert_int_equal(
			fw_ring_open(watch.maps.samples_fd, see, &watch, &watch.ring, &err), 0);
	}
	fw_ring_read(watch.ring);
	memset(watch.seen, 0, sizeof(watch.seen));
	prog_zero(prog, "fw_sampler");
	prog_zero(prog, "fw_heavy");
	for (unsigned int i = 0; i < watch.maps.cpus; i++) {
		watch.maps.ledger_at[i].tail = watch.maps.ledger_at[i].head;
		watch.maps.ledger_at[i].lone_tail = watch.maps.ledger_at[i].lone_head;
		watch.maps.ledger_at[i].lost = 0;
		memset(watch.maps.ledger_at[i].mark, 0, sizeof(watch.maps.ledger_at[i].mark));
	}
	watch.maps.sampling->gap_ns = gap_ns;
	watch.maps.sampling->burst_ns = burst_ns;
	for (int i = 0; i < FW_R_MAX; i++)
		watch.maps.sampling->every[i] = every;
	return &watch;
}

static struct fw_sampler counts(struct watch *w, enum fw_group group)
{
	struct fw_sampler s;

	assert_int_equal(fw_maps_slot(&w->maps, w->maps.sampler_fd, group, 4, (__u64 *)&s), 0);
	return s;
}

static const struct spec good = { .proto = ESP, .payload = 20 };
static const struct spec land = { .src = SERVER, .dst = SERVER, .proto = UDP, .payload = 300 };

static void test_off(void **state)
{
	struct watch *w = start(*state, 0, 0, ~0ULL >> 2);
	__u64 reason[FW_R_MAX];

	prog_repeat(*state, &land, 1000, reason);
	assert_int_equal(fw_ring_read(w->ring), 0);
	assert_int_equal(counts(w, FW_G_MALFORMED).emitted, 0);
}

static void test_content(void **state)
{
	struct watch *w = start(*state, 1, 0, SECOND);
	struct packet packet;
	__be32 addr[4];

	for (int family = 4; family <= 6; family += 2) {
		struct spec spec = land;

		spec.family = family;
		packet_build(&spec, &packet);
		packet_addr(SERVER, family, 0, addr);
		prog_send(*state, &spec);
		assert_int_equal(fw_ring_read(w->ring), 1);
		assert_int_equal(w->last.reason, FW_R_DROP_LAND);
		assert_int_equal(w->last.family, family);
		assert_int_equal(w->last.len, packet.len);
		assert_int_equal(w->last.captured, 128);
		assert_int_equal(w->last.every, 1);
		assert_int_equal(w->last.now_ns, prog_now(*state));
		assert_memory_equal(w->last.data, packet.data, 128);
		assert_int_equal(w->last.key,
				 family == 4 ? ntohl(addr[3])
					     : (__u64)ntohl(addr[0]) << 32 | ntohl(addr[1]));
		assert_true(w->last.boot_ns > 0);
	}
	/* A frame shorter than a sample, and one that is not IP. */
	prog_send(*state, &(struct spec){ .ethertype = 0x88cc, .payload = 3 });
	fw_ring_read(w->ring);
	assert_int_equal(w->last.captured, w->last.len);
	assert_int_equal(w->last.family, 0);
	assert_int_equal(w->last.key, 0);
}

/* offered = chosen + passed over; chosen = emitted + held + lost, whatever the pace. */
static void test_conserved(void **state)
{
	static const struct {
		__u32 every;
		__u64 gap, burst, step;
		__u32 packets;
		__u64 emitted; /* exactly */
	} cases[] = {
		{ 1, SECOND, 9 * SECOND, 0, 500, 10 }, { 64, 0, SECOND, 0, 6400, 100 },
		{ 64, SECOND, 0, 0, 6400, 1 },	       { 64, SECOND, 0, SECOND, 640, 10 },
		{ 1, 0, SECOND, 0, 20000, ~0ULL }, /* beyond the ring */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch *w = start(*state, cases[i].every, cases[i].gap, cases[i].burst);
		__u64 reason[FW_R_MAX], ring;
		struct fw_sampler s;

		for (__u32 n = 0; n < cases[i].packets; n += 64) {
			prog_repeat(*state, &land,
				    cases[i].packets - n < 64 ? cases[i].packets - n : 64, reason);
			prog_step(*state, (__s64)cases[i].step);
		}
		s = counts(w, FW_G_MALFORMED);
		ring = (__u64)fw_ring_read(w->ring);
		assert_int_equal(s.emitted, ring);
		assert_int_equal(s.emitted, w->seen[FW_R_DROP_LAND]);
		assert_int_equal(s.emitted + s.held + s.lost,
				 (cases[i].packets + cases[i].every - 1) / cases[i].every);
		if (cases[i].emitted != ~0ULL)
			assert_int_equal(s.emitted, cases[i].emitted);
		else
			assert_true(s.lost > 1000 && s.emitted > 1000);
	}
}

/* A flood of one kind takes nothing of the others' share. */
static void test_fair(void **state)
{
	struct watch *w = start(*state, 1, SECOND, 4 * SECOND);
	__u64 reason[FW_R_MAX];

	prog_repeat(*state, &land, 10000, reason);
	prog_repeat(*state, &good, 5, reason);
	fw_ring_read(w->ring);
	assert_int_equal(w->seen[FW_R_DROP_LAND], 5);
	assert_int_equal(counts(w, FW_G_PASS).emitted, 5);
	assert_int_equal(counts(w, FW_G_MALFORMED).held, 9995);
}

/* The clock may go back, or a stamp stand far ahead: samples go on. */
static void test_clock(void **state)
{
	struct watch *w = start(*state, 1, SECOND, 0);
	__u64 reason[FW_R_MAX];

	prog_repeat(*state, &land, 5, reason);
	prog_step(*state, -500 * (__s64)SECOND);
	prog_repeat(*state, &land, 5, reason);
	assert_int_equal(counts(w, FW_G_MALFORMED).emitted, 2);
}

struct sum {
	__u64 packets, bytes, lost, lost_bytes;
};

static void add(struct sum *sum, const struct fw_heavy *h)
{
	sum->packets += h->packets;
	sum->bytes += h->bytes;
	sum->lost += h->lost;
	sum->lost_bytes += h->lost_bytes;
}

/* Slots and ledger of one source, or of all (key 0). */
static struct sum account(struct prog *prog, struct watch *w, __u64 key)
{
	const __u32 size = w->maps.cap_ledger_all / w->maps.cap_ledger_cpus;
	const __u32 lones = w->maps.cap_lone_all / w->maps.cap_ledger_cpus;
	struct sum sum = {};
	__u64 *raw;

	assert_int_equal(fw_maps_read(&prog->maps, prog->maps.heavy_fd, FW_HEAVY_SLOTS,
				      sizeof(struct fw_heavy) / 8, &raw),
			 0);
	for (size_t i = 0; i < (size_t)FW_HEAVY_SLOTS * w->maps.cpus; i++)
		if (!key || ((struct fw_heavy *)raw)[i].key == key)
			add(&sum, (struct fw_heavy *)raw + i);
	free(raw);
	for (unsigned int cpu = 0; cpu < w->maps.cpus; cpu++) {
		const struct fw_ledger_at *at = &w->maps.ledger_at[cpu];
		struct fw_heavy lone;

		for (__u64 n = at->tail; n < at->head; n++) {
			const struct fw_heavy *h = &w->maps.ledger[cpu * size + n % size];

			if (!key || h->key == key)
				add(&sum, h);
		}
		for (__u64 n = at->lone_tail; n < at->lone_head; n++) {
			fw_accounts_lone(&w->maps.lone[cpu * lones + n % lones], &lone);
			if (!key || lone.key == key)
				add(&sum, &lone);
		}
	}
	return sum;
}

/* The first packet that has no slot, what is kept of it, and of the next one. */
static void test_lone(void **state)
{
	struct prog *prog = *state;
	struct watch *w;
	__u64 reason[FW_R_MAX];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 1);
	for (int family = 4; family <= 6; family += 2) {
		struct spec udp = { .family = family, .src = CROWD, .proto = UDP, .payload = 900 };
		const struct fw_ledger_at *at;
		struct packet packet;
		struct fw_heavy h;
		__be32 addr[4];
		__u64 head;

		w = start(prog, 0, 0, 0);
		at = &w->maps.ledger_at[prog->cpu];
		/* A slot that another owns: a newcomer does not move it. */
		do {
			head = at->lone_head;
			udp.nth++;
			prog_expect(prog, &udp, FW_R_PASS_NEWCOMER);
		} while (at->lone_head == head);
		packet_build(&udp, &packet);
		packet_addr(CROWD, family, udp.nth, addr);
		for (int twice = 0; twice < 2; twice++) {
			fw_accounts_lone(&w->maps.lone[prog->cpu * FW_LONE_MAX +
						       (at->lone_head - 1) % FW_LONE_MAX],
					 &h);
			assert_int_equal(h.key, family == 4 ? ntohl(addr[3])
							    : (__u64)ntohl(addr[0]) << 32 |
								      ntohl(addr[1]));
			assert_int_equal(h.family, family);
			assert_int_equal(h.packets, 1);
			assert_int_equal(h.bytes, packet.len);
			assert_int_equal(h.lost, twice);
			assert_int_equal(h.lost_bytes, twice ? packet.len : 0);
			assert_int_equal(h.reason, twice ? FW_R_DROP_SRC_UDP : 0);
			assert_int_equal(h.proven, 0);
			assert_int_equal(h.slot, FW_HEAVY_NONE);
			assert_int_equal(h.first_ns,
					 prog_now(prog) / FW_HEAVY_STEP_NS * FW_HEAVY_STEP_NS);
			prog_step(prog, SECOND);
			prog_repeat(prog, &udp, 1, reason);
		}
	}
}

/* 9,000 sources in 4,096 slots, one of them heavy: not a packet of any is missing. */
static void test_exact(void **state)
{
	struct spec heavy = { .proto = ESP, .payload = 66 };
	struct spec light = { .src = CROWD, .proto = ESP, .payload = 20 };
	struct prog *prog = *state;
	struct watch *w;
	__u64 reason[FW_R_MAX], light_key;
	struct sum sum;
	__be32 addr[4];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 2);
	w = start(prog, 0, 0, 0);
	for (light.nth = 0; light.nth < 9000; light.nth++) {
		prog_raw_spec(prog, &light);
		prog_raw_spec(prog, &heavy);
	}
	for (light.nth = 4000; light.nth < 6000; light.nth++)
		prog_repeat(prog, &light, 3, reason);
	assert_int_equal(w->maps.ledger_at[prog->cpu].lost, 0);
	assert_true(w->maps.ledger_at[prog->cpu].lone_head >
		    w->maps.ledger_at[prog->cpu].lone_tail + 2000);
	sum = account(prog, w, 0);
	prog_reasons(prog, reason); /* a few found no place in the table */
	assert_true(reason[FW_R_PASS_CROWD] < 100);
	assert_int_equal(sum.packets + reason[FW_R_PASS_CROWD], 2 * 9000 + 3 * 2000);
	packet_addr(VOTER, 4, 0, addr);
	sum = account(prog, w, ntohl(addr[3]));
	assert_int_equal(sum.packets, 9000);
	assert_int_equal(sum.bytes, 9000 * 100);
	assert_int_equal(sum.lost, 8998);
	assert_int_equal(sum.lost_bytes, 8998 * 100);
	packet_addr(CROWD, 4, 4321, addr);
	light_key = ntohl(addr[3]);
	sum = account(prog, w, light_key);
	assert_int_equal(sum.packets, 4);
	assert_int_equal(sum.lost, 2);
}

/* Drops for several reasons are kept apart, and a full ledger is owned up to. */
static void test_reasons(void **state)
{
	struct spec udp = { .proto = UDP }, icmp = { .proto = ICMP, .type = 8 };
	const __u32 packets = 2 * FW_LEDGER_MAX;
	struct prog *prog = *state;
	struct watch *w;
	struct sum sum;

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 1);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_ICMP, 1, 3600, 1);
	w = start(prog, 0, 0, 0);
	for (__u32 i = 0; i < packets; i++)
		prog_raw_spec(prog, i & 1 ? &udp : &icmp);
	sum = account(prog, w, 0);
	assert_true(w->maps.ledger_at[prog->cpu].lost > 0);
	assert_int_equal(sum.packets + w->maps.ledger_at[prog->cpu].lost, packets);
	assert_true(sum.lost >= sum.packets - 2);
}

static bool has_slot(struct prog *prog, struct watch *w, __u64 key)
{
	bool found = false;
	__u64 *raw;

	assert_int_equal(fw_maps_read(&prog->maps, prog->maps.heavy_fd, FW_HEAVY_SLOTS,
				      sizeof(struct fw_heavy) / 8, &raw),
			 0);
	for (size_t i = 0; i < (size_t)FW_HEAVY_SLOTS * w->maps.cpus && !found; i++)
		found = ((struct fw_heavy *)raw)[i].key == key;
	free(raw);
	return found;
}

/* Nobody records, so the ledgers are full for good: whoever is heaviest is still found. */
static void test_unread(void **state)
{
	struct spec udp = { .src = CROWD, .proto = UDP };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	for (__u64 head = FW_LONE_MAX; head < FW_LONE_MAX + 8; head++) {
		struct watch *w = start(prog, 0, 0, 0);
		struct fw_ledger_at *at = &w->maps.ledger_at[prog->cpu];
		__be32 addr[4];
		__u64 lost;

		at->lone_head = at->lone_room = head;
		at->lone_tail = head - w->maps.cap_lone_all / w->maps.cap_ledger_cpus;
		do { /* until somebody's slot is another's */
			lost = at->lost;
			udp.nth++;
			prog_raw_spec(prog, &udp);
		} while (at->lost == lost);
		packet_addr(CROWD, 4, udp.nth, addr);
		assert_false(has_slot(prog, w, ntohl(addr[3])));
		prog_repeat(prog, &udp, 16 * 128, reason);
		assert_true(has_slot(prog, w, ntohl(addr[3])));
	}
}

static int teardown(void **state)
{
	fw_ring_close(watch.ring);
	fw_maps_close(&watch.maps);
	return prog_group_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_off),	 PROG_TEST(test_content), PROG_TEST(test_conserved),
		PROG_TEST(test_fair),	 PROG_TEST(test_clock),	  PROG_TEST(test_exact),
		PROG_TEST(test_reasons), PROG_TEST(test_lone),	  PROG_TEST(test_unread),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, teardown);
}
