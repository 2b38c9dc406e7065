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
#include "user/kern/ledger.h"
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
	prog_zero(prog, "fw_book");
	prog_zero(prog, "fw_ledger_at");
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

/* A sample says whether its packet is in its source's account as well. */
static void test_booked(void **state)
{
	static const struct spec udp = { .src = CROWD, .proto = UDP };
	struct prog *prog = *state;
	struct fw_service *host = &prog_policy(prog)->service[FW_SERVICE_HOST];
	struct watch *w = start(prog, 1, 0, SECOND);
	static const struct {
		int pin; /* enum fw_level */
		__u32 reason;
		__u8 flags;
	} rows[] = {
		{ FW_LEVEL_CALM, FW_R_PASS_NEWCOMER, FW_SAMPLE_BOOKED },
		{ FW_LEVEL_SIEGE, FW_R_DROP_CROWD_UDP, 0 },
		{ FW_LEVEL_CALM, FW_R_PASS_SOURCE, FW_SAMPLE_BOOKED },
		{ FW_LEVEL_SIEGE, FW_R_DROP_SRC_UDP, FW_SAMPLE_BOOKED },
	};

	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		host->level_pin = (__u8)(rows[i].pin + 1);
		prog_expect(prog, &udp, rows[i].reason);
		assert_int_equal(fw_ring_read(w->ring), 1);
		assert_int_equal(w->last.reason, rows[i].reason);
		assert_int_equal(w->last.flags, rows[i].flags);
	}
	prog_expect(prog, &land, FW_R_DROP_LAND);
	assert_int_equal(fw_ring_read(w->ring), 1);
	assert_int_equal(w->last.flags, 0);
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

static void add(struct sum *sum, __u64 key, const struct fw_tally *t)
{
	if (key && t->key != key)
		return;
	sum->packets += t->packets;
	sum->bytes += t->bytes;
	if (!FW_TALLY_REASON(t->who))
		return;
	sum->lost += t->packets;
	sum->lost_bytes += t->bytes;
}

/* Slots and ledgers of one source, or of all (key 0). */
static struct sum account(struct prog *prog, __u64 key)
{
	struct fw_tally t;
	struct sum sum = {};

	for (unsigned int cpu = 0; cpu < prog->maps.cap_ledger_cpus; cpu++) {
		struct fw_ledger l = fw_ledger_of(&prog->maps, cpu);
		__u64 tail = 0, head, packets;

		assert_true(fw_ledger_head(&l, &head, &packets));
		for (; fw_ledger_copy(&l, &tail, head, &t, 1); tail++)
			add(&sum, key, &t);
		assert_int_equal(tail, head);
		for (__u32 slot = 0; slot < FW_TALLY_SLOTS; slot++)
			if (fw_ledger_slot(&l, slot, &t, &head)) {
				assert_int_equal(FW_TALLY_SLOT(t.who), slot);
				add(&sum, key, &t);
			}
	}
	return sum;
}

/* The slot in use of what this source lost, or of what it did not. */
static struct fw_tally slot_of(struct prog *prog, __u64 key, bool lost)
{
	struct fw_ledger l = fw_ledger_of(&prog->maps, (unsigned int)prog->cpu);
	struct fw_tally t, found = {};
	__u64 head;

	for (__u32 slot = 0; slot < FW_TALLY_SLOTS; slot++)
		if (fw_ledger_slot(&l, slot, &t, &head) && t.key == key &&
		    !!FW_TALLY_REASON(t.who) == lost) {
			assert_int_equal(found.who, 0);
			found = t;
		}
	return found;
}

static __u64 key_of(const struct spec *spec, int family)
{
	__be32 addr[4];

	packet_addr(spec->src, family, spec->nth, addr);
	return family == 4 ? ntohl(addr[3]) : (__u64)ntohl(addr[0]) << 32 | ntohl(addr[1]);
}

/* What is kept of a packet, of the next, of one that is dropped; and when a slot is emptied. */
static void test_tally(void **state)
{
	struct prog *prog = *state;
	const struct fw_book *book = &prog->maps.book[prog->cpu];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 2);
	for (int family = 4; family <= 6; family += 2) {
		struct spec udp = { .family = family, .src = CROWD, .proto = UDP, .payload = 900 };
		struct fw_tally t, record;
		struct packet packet;
		__u64 reason[FW_R_MAX], key = key_of(&udp, family), begun, tail = 0;
		struct fw_ledger l = fw_ledger_of(&prog->maps, (unsigned int)prog->cpu);

		start(prog, 0, 0, 0);
		packet_build(&udp, &packet);
		prog_step(prog, SECOND);
		begun = prog_now(prog);
		for (__u32 n = 1; n <= 2; n++, prog_step(prog, FW_TALLY_NS / 8)) {
			prog_repeat(prog, &udp, 1, reason);
			t = slot_of(prog, key, false);
			assert_int_equal(t.packets, n);
			assert_int_equal(t.bytes, n * packet.len);
			assert_int_equal(t.first_ns, begun);
			assert_int_equal(t.last, (n - 1) * FW_TALLY_NS / 8);
			assert_int_equal(FW_TALLY_FAMILY(t.who), family);
			assert_int_equal(FW_TALLY_CLASS(t.who), FW_CLASS_DEFAULT);
			assert_int_equal(FW_TALLY_PROVEN(t.who), 0);
		}
		prog_repeat(prog, &udp, 3, reason);
		record = slot_of(prog, key, true);
		assert_int_equal(record.packets, 3);
		assert_int_equal(record.bytes, 3 * packet.len);
		assert_int_equal(FW_TALLY_REASON(record.who), FW_R_DROP_SRC_UDP);
		assert_int_equal(FW_TALLY_SLOT(record.who) ^ FW_TALLY_SLOT(t.who), 1);
		assert_int_equal(book->head, 0);
		/* The last one of its time, and the first one after. */
		prog_step(prog, (__s64)(record.first_ns + FW_TALLY_NS - 1 - prog_now(prog)));
		prog_repeat(prog, &udp, 1, reason);
		assert_int_equal(book->head, 0);
		record = slot_of(prog, key, true);
		assert_int_equal(record.last, FW_TALLY_NS - 1);
		prog_step(prog, 1);
		prog_repeat(prog, &udp, 1, reason);
		assert_int_equal(fw_ledger_copy(&l, &tail, book->head, &t, 1), 1);
		assert_memory_equal(&t, &record, sizeof(t));
		assert_int_equal(book->packets, 4);
		assert_int_equal(book->whole, 4);
		assert_int_equal(slot_of(prog, key, true).packets, 1);
		/* A clock that goes back begins anew. */
		prog_step(prog, -(__s64)SECOND);
		prog_repeat(prog, &udp, 1, reason);
		assert_int_equal(book->head, 2);
		assert_int_equal(slot_of(prog, key, true).last, 0);
	}
}

/* 9,000 sources in 8,192 slots, one of them heavy: not a packet of any is missing. */
static void test_exact(void **state)
{
	struct spec heavy = { .proto = ESP, .payload = 66 };
	struct spec light = { .src = CROWD, .proto = ESP, .payload = 20 };
	struct prog *prog = *state;
	__u64 reason[FW_R_MAX], light_key;
	struct sum sum;
	__be32 addr[4];

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_PACKETS, 1, 3600, 2);
	start(prog, 0, 0, 0);
	for (light.nth = 0; light.nth < 9000; light.nth++) {
		prog_raw_spec(prog, &light);
		prog_raw_spec(prog, &heavy);
	}
	for (light.nth = 4000; light.nth < 6000; light.nth++)
		prog_repeat(prog, &light, 3, reason);
	assert_true(prog->maps.book[prog->cpu].head > 2000);
	sum = account(prog, 0);
	prog_reasons(prog, reason); /* a few found no place in the table */
	assert_true(reason[FW_R_PASS_CROWD] < 100);
	assert_int_equal(sum.packets + reason[FW_R_PASS_CROWD], 2 * 9000 + 3 * 2000);
	packet_addr(VOTER, 4, 0, addr);
	sum = account(prog, ntohl(addr[3]));
	assert_int_equal(sum.packets, 9000);
	assert_int_equal(sum.bytes, 9000 * 100);
	assert_int_equal(sum.lost, 8998);
	assert_int_equal(sum.lost_bytes, 8998 * 100);
	packet_addr(CROWD, 4, 4321, addr);
	light_key = ntohl(addr[3]);
	sum = account(prog, light_key);
	assert_int_equal(sum.packets, 4);
	assert_int_equal(sum.lost, 2);
}

/* Drops for several reasons are kept apart. Nobody reads: the newest records stay, and what was
 * written over is known to the packet. */
static void test_reasons(void **state)
{
	struct spec udp = { .proto = UDP }, icmp = { .proto = ICMP, .type = 8 };
	struct spec last = { .src = CROWD, .proto = ESP };
	struct prog *prog = *state;
	const struct fw_book *book = &prog->maps.book[prog->cpu];
	const __u32 size = prog->maps.cap_ledger_all / prog->maps.cap_ledger_cpus;
	const __u32 packets = size + size / 4;
	struct sum sum;

	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_UDP, 1, 3600, 1);
	prog_limit(prog, FW_CLASS_DEFAULT, FW_K_ICMP, 1, 3600, 1);
	start(prog, 0, 0, 0);
	for (__u32 i = 0; i < packets; i++)
		prog_raw_spec(prog, i & 1 ? &udp : &icmp);
	prog_raw_spec(prog, &last);
	sum = account(prog, 0);
	assert_int_equal(book->head, packets - 3); /* two passed, one is in the slot of drops */
	assert_int_equal(book->packets, packets - 3);
	assert_int_equal(sum.packets, size - 1 + 4);
	assert_int_equal(sum.lost, size);
	assert_int_equal(account(prog, key_of(&last, 4)).packets, 1);
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
		PROG_TEST(test_reasons), PROG_TEST(test_tally),	  PROG_TEST(test_booked),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, teardown);
}
