// SPDX-License-Identifier: GPL-2.0-only
/* The figures of an incident that are made of more than one row: its worst second, its sources. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/core/record/accounts.h"
#include "user/core/record/incident.h"
#include "user/core/record/source_log.h"

#define S 1000000000ULL

static char folder[32], path[64];

static int setup(void **state)
{
	struct fw_history *h;
	struct fw_err err;

	strcpy(folder, "/tmp/fw-sums-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	if (fw_history_open(path, true, &h, &err))
		return -1;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	char cmd[64];

	fw_history_close(*state);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", folder);
	return system(cmd);
}

static struct fw_when at_ms(__u64 ms)
{
	return (struct fw_when){ (1794000000000ULL + ms) * 1000000, ms * 1000000 };
}

/* A tick that ends there, ms long. */
static void tick(struct fw_history *h, __u64 end_ms, __u64 ms, __u64 packets)
{
	struct fw_history_tick t = { .when = at_ms(end_ms), .span_ns = ms * 1000000 };
	struct fw_count c = { packets, packets * 60 };
	struct fw_err err;
	__s64 id;

	assert_int_equal(fw_history_tick(h, &t, &id, &err), 0);
	if (packets)
		assert_int_equal(fw_history_total(h, id, "web", FW_R_TX_COOKIE, false, &c, &err),
				 0);
}

static struct fw_incident_sums sums_of(struct fw_history *h, __s64 id)
{
	struct fw_incident_sums sums;
	struct fw_incident in;
	struct fw_err err;

	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_int_equal(fw_incident_sums(h, &in, &sums, &err), 0);
	return sums;
}

/* A recorder that was held up: what came in seconds is booked into a tenth of one. */
static void peak(void **state)
{
	struct fw_incident_sums sums;
	struct fw_history *h = *state;
	struct fw_err err;
	__s64 id;

	assert_int_equal(fw_incident_open(h, at_ms(0), "web", "level", &id, &err), 0);
	tick(h, 200, 200, 900); /* the first, and there is no second yet */
	sums = sums_of(h, id);
	assert_true(sums.peak_pps > 999 && sums.peak_pps < 1001);
	tick(h, 1200, 1000, 2000);
	tick(h, 4100, 2900, 6000);
	tick(h, 4300, 200, 9000);
	tick(h, 4400, 100, 0); /* no packets: a time all the same */
	tick(h, 5300, 900, 1800);
	sums = sums_of(h, id);
	/* 15,000 in 3.1 seconds, and never 45,000 a second. */
	assert_true(sums.peak_pps > 4838 && sums.peak_pps < 4839);
	assert_true(sums.peak_Bps > 60 * 4838 && sums.peak_Bps < 60 * 4839);
	assert_int_equal(sums.peak.boot_ns, at_ms(4300).boot_ns);
}

static struct fw_incident_source source(__u32 addr, bool exact, bool proven)
{
	return (struct fw_incident_source){ .addr_be = { 0, 0, htonl(0xffff), htonl(addr) },
					    .len = 128,
					    .exact = exact,
					    .proven = proven,
					    .packets = 10,
					    .first = at_ms(1),
					    .last = at_ms(1) };
}

/*
 * While an incident lasts, samples of proven sources are in the history and their accounts only in
 * the log: they are not possibly spoofed ones, whoever asks.
 */
static void proven_and_sampled(void **state)
{
	struct fw_incident_source row[] = { source(1, false, false), source(2, false, false),
					    source(3, false, false) };
	struct fw_incident_source logged[] = { source(1, true, true), source(2, true, true) };
	struct fw_source_frame f = {};
	struct fw_history *h = *state;
	struct fw_incident_sums sums;
	struct fw_source_log *log;
	struct fw_err err;
	__s64 id;

	assert_int_equal(fw_incident_open(h, at_ms(0), "web", "level", &id, &err), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(fw_incident_put_source(h, id, &row[i], &err), 0);
	assert_int_equal(fw_source_log_begin(path, id, &log, &err), 0);
	fw_source_frame_begin(&f, at_ms(2000));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(fw_source_frame_add(&f, &logged[i]), 0);
	f.proven = 2;
	f.other = 1;
	assert_int_equal(fw_source_log_append(log, &f, &err), 0);
	fw_source_log_close(log);
	fw_source_frame_free(&f);
	for (int attached = 0; attached < 2; attached++) {
		if (attached)
			assert_int_equal(fw_incident_log_attach(h, id, &err), 0);
		sums = sums_of(h, id);
		assert_int_equal(sums.sources_proven, 2);
		assert_int_equal(sums.sources_unproven, 1);
	}
	fw_incident_log_detach(h);
	fw_source_log_remove(path, id);
}

/* Of sampled addresses, those that have an account of their own worth a row are counted there. */
static void apart(void **state)
{
	struct fw_accounts_id id = { .boot_id = "boot-1", .state = 7, .cpus = 1, .max = 1024 };
	struct fw_accounts *exact = NULL, *sampled = NULL;
	struct fw_account proven = { .key = 1, .family = 4, .packets = 1, .proven = true };
	struct fw_account calm = { .key = 2, .family = 4, .packets = 1 };
	struct fw_err err;
	bool kept;

	(void)state;
	assert_int_equal(fw_accounts_open(NULL, &id, &exact, &kept, &err), 0);
	assert_int_equal(fw_accounts_open(NULL, &id, &sampled, &kept, &err), 0);
	fw_accounts_seed(exact, &proven);
	fw_accounts_seed(exact, &calm); /* neither proven nor logged */
	for (__u64 key = 1; key <= 3; key++) {
		struct fw_account a = { .key = key, .family = 4, .packets = 1 };

		fw_accounts_seed(sampled, &a);
	}
	assert_int_equal(fw_accounts_apart(sampled, exact), 2);
	fw_accounts_close(exact);
	fw_accounts_close(sampled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(peak, setup, teardown),
		cmocka_unit_test_setup_teardown(proven_and_sampled, setup, teardown),
		cmocka_unit_test(apart),
	};

	return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
