// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder and very many sources: what it remembers of them is bounded, what it cannot read in
 * time is owned up to, and an incident with many of them is written down all the same.
 */
#include "tests/prog/recorder.h"

/* So many more sources, each with one packet, from one slot of the first CPU. */
static void strangers(struct bench *b, __u32 *key, __u32 count, bool lossy)
{
	const struct fw_ledger_at *at = &b->maps.ledger_at[0];
	__u32 size = b->ledger_size, full = 0;

	while (count) {
		assert_int_equal(fw_recorder_poll(b->recorder), full);
		for (; count && b->book->head - at->tail < size - 1; count--)
			hold(b, 7,
			     &(struct fw_tally){ .key = (*key)++,
						 .packets = 1,
						 .bytes = 60,
						 .first_ns = b->now.program_ns,
						 .who = lossy ? FW_R_DROP_SRC_UDP : 0 });
		full = (__u32)((b->book->head - at->tail) * 256 / size);
	}
	assert_int_equal(fw_recorder_poll(b->recorder), full);
}

static __u64 accounts(struct bench *b)
{
	struct fw_recorder_state st;
	struct fw_err err = {};

	assert_int_equal(second(b, &err), 0);
	fw_recorder_state(b->recorder, &st);
	return st.sources;
}

/* Very many harmless sources in calm have no accounts, until an incident begins or some time has
 * passed; whoever loses something has one at any time. */
static void harmless(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_err err = {};
	__u32 key = 0x29500001;
	__u64 few;
	__s64 id;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	b->sources_max = 1 << 20;
	start(b);
	assert_int_equal(second(b, &err), 0);
	strangers(b, &key, 1000, false);
	assert_int_equal(accounts(b), 1000);
	strangers(b, &key, 200000, false);
	few = accounts(b);
	assert_true(few < 32768);
	strangers(b, &key, 1000, false);
	assert_int_equal(accounts(b), few);
	strangers(b, &key, 10, true);
	assert_int_equal(accounts(b), few + 10);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &id, &err), 0);
	assert_int_equal(accounts(b), few + 10);
	strangers(b, &key, 100000, false);
	assert_int_equal(accounts(b), few + 100010);
	assert_int_equal(fw_incident_close(h, id, b->now.when, "test", &err), 0);
	for (int i = 0; i < 30; i++)
		assert_int_equal(second(b, &err), 0);
	few = accounts(b);
	strangers(b, &key, 1000, false);
	assert_int_equal(accounts(b), few + 1000);
	fw_history_close(h);
}

/* More comes than the ledger holds before anybody looks: the newest are booked, and each packet of
 * the others is counted as lost, and none of those that had been booked from a slot. */
static void overrun(void **state)
{
	struct bench *b = *state;
	struct fw_recorder_state st;
	struct fw_err err = {};
	const __u32 kept = b->ledger_size - 1;
	struct fw_tally t = { .key = 1, .packets = 10, .bytes = 600, .first_ns = SECOND };

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	b->sources_max = 1 << 20;
	start(b);
	assert_int_equal(second(b, &err), 0);
	hold(b, 7, &t);
	assert_int_equal(accounts(b), 1); /* booked, and lost with its record in a moment */
	for (t.packets = 3, t.key = 2; t.key <= kept + 1002; t.key++)
		hold(b, t.key & 1 ? 9 : 7, &t);
	assert_int_equal(fw_recorder_poll(b->recorder), 256);
	assert_int_equal(fw_recorder_poll(b->recorder), 0);
	assert_int_equal(second(b, &err), 0);
	fw_recorder_state(b->recorder, &st);
	assert_int_equal(b->book->packets, 10 + 3 * (kept + 1001 - 2));
	assert_int_equal(st.ledger_lost, b->book->packets - 3 * kept - 10);
}

/* However many sources an incident had, writing them down when it ends holds little memory. */
static void closing(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_err err = {};
	__u32 key = 0x29500001;
	__s64 id, most = 0;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	b->sources_max = 1 << 20;
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &id, &err), 0);
	assert_int_equal(second(b, &err), 0);
	strangers(b, &key, 160000, true);
	assert_int_equal(accounts(b), 160000);
	assert_int_equal(fw_incident_close(h, id, b->now.when, "test", &err), 0);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(second(b, &err), 0);
		most = sqlite3_memory_used() > most ? sqlite3_memory_used() : most;
	}
	assert_int_equal(ask(h, "SELECT sources_complete FROM incident"), 1);
	assert_int_equal(ask(h, "SELECT count(*) FROM source"), 160000);
	assert_int_equal(ask(h, "SELECT sum(dropped) FROM source"), 160000);
	assert_true(most < 8 << 20); /* of two connections */
	fw_history_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(overrun, setup, teardown),
		cmocka_unit_test_setup_teardown(closing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
