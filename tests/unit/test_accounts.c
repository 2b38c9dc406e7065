// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounts: whatever the program does between two looks (slots emptied, given away, taken again),
 * no packet is booked twice or left out; a killed recorder goes on; what is bounded is owned up to.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/core/record/accounts.h"

#define CPUS	2
#define SLOTS	8 /* in use, of FW_TALLY_SLOTS */
#define SOURCES 64
#define LEDGER	8192

/* The program, as bpf/tally.h has it, with a clock of coarse steps. */
struct model {
	struct fw_tally slot[CPUS][FW_TALLY_SLOTS];
	struct fw_tally ledger[CPUS][LEDGER];
	unsigned int head[CPUS], tail[CPUS];
	__u64 now;
	struct {
		__u64 packets, bytes, lost[2];
	} truth[SOURCES];
};

static __u32 who(__u32 slot, __u32 reason, bool proven)
{
	return FW_TALLY_WHO(reason, 0, (__u32)proven, 0, slot);
}

static void packet(struct model *m)
{
	unsigned int cpu = (unsigned int)unit_below(CPUS), n = (unsigned int)unit_below(SOURCES);
	unsigned int what = (unsigned int)unit_below(3), len = 60 + n, s = n % SLOTS ^ !!what;
	__u32 me = who(s, what == 1 ? FW_R_DROP_BANNED : what == 2 ? FW_R_DROP_SRC_UDP : 0, false);
	struct fw_tally *t = &m->slot[cpu][s];

	/* Most of the time it stands still, so that one and the same leaves and comes back. */
	m->now += unit_below(8) ? 0 : FW_TALLY_NS / 4;
	m->truth[n].packets++;
	m->truth[n].bytes += len;
	if (what)
		m->truth[n].lost[what - 1]++;
	if (t->key != n + 1 || t->who != me || m->now - t->first_ns >= FW_TALLY_NS) {
		assert_true(m->head[cpu] < LEDGER);
		if (t->who)
			m->ledger[cpu][m->head[cpu]++] = *t;
		*t = (struct fw_tally){ .key = n + 1, .first_ns = m->now, .who = me };
	}
	t->last = (__u32)(m->now - t->first_ns);
	t->packets++;
	t->bytes += len;
}

static void drain(struct model *m, struct fw_accounts *a, unsigned int cpu)
{
	while (m->tail[cpu] < m->head[cpu])
		assert_int_equal(fw_accounts_record(a, cpu, &m->ledger[cpu][m->tail[cpu]++]), 0);
}

/* As the recorder does it, while packets come. */
static void look(struct model *m, struct fw_accounts *a, unsigned int meanwhile)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		for (unsigned int s = 0; s < SLOTS; s++) {
			struct fw_tally held = m->slot[cpu][s];

			if (!held.who)
				continue;
			drain(m, a, cpu);
			for (; meanwhile && unit_below(4); meanwhile--)
				packet(m);
			assert_int_equal(fw_accounts_slot(a, cpu, &held), 0);
		}
}

static void drain_all(struct model *m, struct fw_accounts *a)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		drain(m, a, cpu);
		m->head[cpu] = m->tail[cpu] = 0;
	}
}

static void compare(const struct model *m, const struct fw_accounts *a)
{
	__u64 found = 0;

	for (size_t i = 0; i < fw_accounts_count(a); i++) {
		struct fw_account got;
		unsigned int n;

		fw_accounts_get(a, i, &got);
		n = (unsigned int)got.key - 1;
		assert_true(n < SOURCES);
		assert_int_equal(got.packets, m->truth[n].packets);
		assert_int_equal(got.bytes, m->truth[n].bytes);
		assert_int_equal(got.lost[FW_R_DROP_BANNED].packets, m->truth[n].lost[0]);
		assert_int_equal(got.lost[FW_R_DROP_SRC_UDP].packets, m->truth[n].lost[1]);
		assert_true(got.banned == !!m->truth[n].lost[0]);
		found++;
	}
	assert_int_equal(found, SOURCES);
	assert_int_equal(fw_accounts_lost(a), 0);
}

static struct fw_accounts *open_at(const char *path, __u32 state, bool *kept)
{
	struct fw_accounts_id id = { .boot_id = "boot", .state = state, .cpus = CPUS, .max = 100 };
	struct fw_accounts *a = NULL;
	struct fw_err err;

	assert_int_equal(fw_accounts_open(path, &id, &a, kept, &err), 0);
	return a;
}

static void exact(void **state)
{
	static struct model m;
	char path[] = "/tmp/fw-accounts-XXXXXX";
	struct fw_accounts *a;
	bool kept;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	a = open_at(path, 1, &kept);
	assert_false(kept);
	fw_accounts_begin(a);
	for (int round = 0; round < 400; round++) {
		for (__u64 n = unit_below(40); n; n--)
			packet(&m);
		if (!unit_below(3))
			drain_all(&m, a);
		look(&m, a, (unsigned int)unit_below(30));
		if (!unit_below(9)) { /* killed: another one maps the same file */
			fw_accounts_close(a);
			a = open_at(path, 1, &kept);
			assert_true(kept);
		}
		if (!unit_below(20))
			fw_accounts_turn(a, true, 0);
	}
	look(&m, a, 0);
	fw_accounts_sort(a);
	compare(&m, a);
	assert_false(fw_accounts_proven(a, 4, 1)); /* is found, and is not */
	/* Of another state it is nothing to go on with. */
	fw_accounts_close(a);
	a = open_at(path, 2, &kept);
	assert_false(kept);
	assert_int_equal(fw_accounts_count(a), 0);
	fw_accounts_close(a);
	unlink(path);
}

static struct fw_tally lone(__u64 key, __u64 when, bool proven)
{
	return (struct fw_tally){
		.key = key, .packets = 1, .bytes = 60, .first_ns = when, .who = who(0, 0, proven)
	};
}

static struct fw_tally dropped(__u64 key, __u64 when, bool proven)
{
	struct fw_tally t = lone(key, when, proven);

	t.who |= FW_R_DROP_SRC_UDP;
	return t;
}

/* The record of what was booked from a slot was written over: what came after it is booked whole,
 * and what was booked of it is said not to be lost. */
static void written_over(void **state)
{
	struct fw_tally t = lone(7, 1000, false);
	struct fw_accounts *a;
	struct fw_account got;
	bool kept;

	(void)state;
	a = open_at(NULL, 1, &kept);
	t.packets = 5;
	assert_int_equal(fw_accounts_slot(a, 0, &t), 0);
	t.packets = 6;
	assert_int_equal(fw_accounts_slot(a, 0, &t), 0);
	t.first_ns = 2000;
	t.packets = 2;
	assert_int_equal(fw_accounts_slot(a, 0, &t), 6);
	t.first_ns = 3000;
	assert_int_equal(fw_accounts_record(a, 0, &t), 2);
	assert_int_equal(fw_accounts_record(a, 0, &t), 0);
	/* Another CPU's slot of the same number is another one. */
	assert_int_equal(fw_accounts_slot(a, 0, &t), 0);
	t.packets = 9;
	assert_int_equal(fw_accounts_record(a, 1, &t), 0);
	assert_int_equal(fw_accounts_record(a, 0, &t), 0);
	fw_accounts_get(a, 0, &got);
	assert_int_equal(got.packets, 6 + 2 + 2 + 2 + 2 + 9 + 7);
	fw_accounts_close(a);
}

/* Two windows before an incident; within one, only who proved nothing and lost nothing goes. */
static void windows(void **state)
{
	struct fw_accounts *a;
	struct fw_account got;
	struct fw_tally h;
	bool kept;

	(void)state;
	a = open_at(NULL, 1, &kept);
	for (__u64 t = 1; t <= 3; t++) {
		h = lone(7, t * 1000, true);
		fw_accounts_record(a, 0, &h);
		if (t < 3)
			fw_accounts_turn(a, false, 0);
	}
	fw_accounts_begin(a); /* of the three, the first is too long ago */
	fw_accounts_get(a, 0, &got);
	assert_int_equal(got.packets, 2);
	assert_int_equal(got.first_ns, 2000);
	assert_true(fw_accounts_due(a, 0));
	fw_accounts_written(a, 0);
	assert_false(fw_accounts_due(a, 0));
	h = lone(8, 4000, false);
	fw_accounts_record(a, 0, &h);
	fw_accounts_turn(a, true, 4000);
	assert_int_equal(fw_accounts_count(a), 2);
	fw_accounts_turn(a, true, 4001);
	assert_int_equal(fw_accounts_count(a), 1);
	assert_true(fw_accounts_proven(a, 4, 7));
	assert_false(fw_accounts_proven(a, 6, 7));
	/* Full: said, not silently left out. */
	for (__u64 k = 100; k < 250; k++) {
		h = lone(k, 5000, true);
		fw_accounts_record(a, 0, &h);
	}
	assert_int_equal(fw_accounts_count(a), 100);
	assert_int_equal(fw_accounts_lost(a), 51);
	fw_accounts_close(a);
}

static __u64 on_disk(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (__u64)st.st_blocks * 512;
}

/* What a flood of sources took is given back, and those that stayed are found afterwards. */
static void gives_back(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = CPUS, .max = 1 << 20
	};
	char path[] = "/tmp/fw-accounts-XXXXXX";
	struct fw_accounts *a = NULL;
	struct fw_account got;
	struct fw_tally h;
	struct fw_err err;
	__u64 small, large;
	bool kept;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(fw_accounts_open(path, &id, &a, &kept, &err), 0);
	small = on_disk(path);
	for (int round = 0; round < 2; round++) {
		for (__u64 k = 1; k <= 400000; k++) {
			h = k % 1000 == 1 ? dropped(k, 1000, false) : lone(k, 1000, k % 1000 == 0);
			fw_accounts_record(a, 0, &h);
		}
		large = on_disk(path);
		assert_true(large > small + (20 << 20));
		fw_accounts_turn(a, true, ~0ULL);
		assert_int_equal(fw_accounts_count(a), 800);
		assert_true(on_disk(path) < small + (12 << 20));
		assert_true(fw_accounts_proven(a, 4, 400000));
		assert_false(fw_accounts_proven(a, 4, 399999));
	}
	for (size_t i = 0; i < fw_accounts_count(a); i++) {
		fw_accounts_get(a, i, &got);
		assert_int_equal(got.packets, 2);
		assert_int_equal(got.lost_packets, got.key % 1000 == 1 ? 2 : 0);
	}
	fw_accounts_turn(a, false, 0);
	fw_accounts_turn(a, false, 0);
	assert_int_equal(fw_accounts_count(a), 0);
	h = dropped(5, 2000, false);
	fw_accounts_record(a, 0, &h);
	fw_accounts_get(a, 0, &got);
	assert_int_equal(got.lost_packets, 1);
	assert_int_equal(fw_accounts_lost(a), 0);
	fw_accounts_close(a);
	unlink(path);
}

/* Which source gets its row first, if the machine may lose its power at any moment. */
static void urgent(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = CPUS, .max = 100
	};
	struct fw_accounts *a = NULL;
	struct fw_err err;
	struct fw_tally h;
	bool kept;

	(void)state;
	assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
	for (__u64 key = 1; key <= 4; key++) { /* 2 and 4 are proven, 3 and 4 are heavy */
		h = key & 1 ? dropped(key, 1000 + key, false) : lone(key, 1000 + key, true);
		h.packets = key > 2 ? 900 : 9;
		fw_accounts_record(a, 0, &h);
	}
	assert_true(fw_accounts_rank(a, 3) > fw_accounts_rank(a, 1));
	assert_true(fw_accounts_rank(a, 1) > fw_accounts_rank(a, 2));
	assert_true(fw_accounts_rank(a, 2) > fw_accounts_rank(a, 0));
	assert_true(fw_accounts_rank(a, 0) > 0);
	/* With a row it is not due; when it has sent more, after those like it that have none. */
	fw_accounts_written(a, 3);
	assert_int_equal(fw_accounts_rank(a, 3), 0);
	h = lone(4, 2000, true);
	h.packets = 5000;
	fw_accounts_record(a, 0, &h);
	assert_true(fw_accounts_rank(a, 3) > 0);
	assert_true(fw_accounts_rank(a, 3) < fw_accounts_rank(a, 1));
	assert_true(fw_accounts_rank(a, 3) > fw_accounts_rank(a, 2));
	/* Nobody knows what reached the disk: as if it had no row. */
	fw_accounts_unwritten(a);
	assert_true(fw_accounts_rank(a, 3) > fw_accounts_rank(a, 1));
	fw_accounts_close(a);
}

/* Narrow: who proves himself or loses something still has an account, who has one keeps it exact,
 * and so has the next one in a slot. */
static void narrow(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = CPUS, .max = 100
	};
	struct fw_accounts *a = NULL;
	struct fw_account got;
	struct fw_err err;
	struct fw_tally h;
	bool kept;

	(void)state;
	assert_int_equal(fw_accounts_open(NULL, &id, &a, &kept, &err), 0);
	h = lone(1, 1000, false);
	fw_accounts_record(a, 0, &h);
	fw_accounts_narrow(a, true);
	fw_accounts_record(a, 0, &h);
	for (__u64 key = 2; key < 60; key++) {
		h = key == 4 ? dropped(key, 1000, false) : lone(key, 1000, key == 3);
		fw_accounts_expect(a, 0, &h);
		fw_accounts_record(a, 0, &h);
	}
	assert_int_equal(fw_accounts_count(a), 3);
	fw_accounts_get(a, 0, &got);
	assert_int_equal(got.packets, 2);
	assert_true(fw_accounts_proven(a, 4, 3));
	fw_accounts_get(a, 2, &got);
	assert_int_equal(got.key, 4);
	assert_int_equal(fw_accounts_lost(a), 0);
	/* What a slot held of a harmless source is not booked later as somebody else's. */
	h = lone(70, 2000, false);
	h.packets = 40;
	fw_accounts_slot(a, 1, &h);
	fw_accounts_record(a, 1, &h);
	fw_accounts_narrow(a, false);
	h = lone(71, 3000, false);
	h.packets = 7;
	fw_accounts_record(a, 1, &h);
	assert_int_equal(fw_accounts_count(a), 4);
	fw_accounts_get(a, 3, &got);
	assert_int_equal(got.key, 71);
	assert_int_equal(got.packets, 7);
	fw_accounts_close(a);
}

/* A bound in bytes is kept, what finds no room is owned up to, and who is proven finds some. */
static void bounded(void **state)
{
	const struct fw_accounts_id id = {
		.boot_id = "boot", .state = 1, .cpus = CPUS, .max = 1 << 20
	};
	const __u64 most = 16 << 20;
	char path[] = "/tmp/fw-accounts-XXXXXX";
	struct fw_accounts *a = NULL;
	struct fw_err err;
	struct fw_tally h;
	bool kept;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(fw_accounts_open(path, &id, &a, &kept, &err), 0);
	fw_accounts_bound(a, most);
	for (__u64 key = 1; key <= 300000; key++) {
		h = dropped(key, 1000, false);
		fw_accounts_record(a, 0, &h);
	}
	assert_true(on_disk(path) <= most + 65536);
	assert_true(fw_accounts_count(a) > 60000);
	assert_true(fw_accounts_lost(a) >= 300000 - fw_accounts_count(a));
	for (__u64 key = 300001; key <= 310000; key++) {
		h = lone(key, 2000, true);
		fw_accounts_record(a, 0, &h);
		assert_true(fw_accounts_proven(a, 4, key));
	}
	fw_accounts_bound(a, 0);
	h = lone(400000, 1000, true);
	fw_accounts_record(a, 0, &h);
	assert_true(fw_accounts_proven(a, 4, 400000));
	fw_accounts_close(a);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact),	cmocka_unit_test(gives_back),
		cmocka_unit_test(narrow),	cmocka_unit_test(bounded),
		cmocka_unit_test(windows),	cmocka_unit_test(urgent),
		cmocka_unit_test(written_over),
	};

	return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
