// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder with clocks in hand: the wall clock is set back and forward in the middle of an
 * incident, the disk refuses for a while, and no count is lost, none is double, and order stays.
 */
#include <pthread.h>

#include "tests/prog/recorder.h"

static void count(struct bench *b, __u32 reason, __u64 packets)
{
	unsigned int cpus = b->obj->meta.cpus;
	struct fw_count *c = calloc(cpus, sizeof(*c));
	__u32 slot = fw_maps_svc_slot(false, FW_SERVICE_HOST, reason);

	assert_int_equal(bpf_map_lookup_elem(b->count_fd, &slot, c), 0);
	c[0].packets += packets;
	c[0].bytes += packets * 60;
	assert_int_equal(bpf_map_update_elem(b->count_fd, &slot, c, BPF_ANY), 0);
	free(c);
	b->counted += packets;
}

static void check_sums(struct bench *b, struct fw_history *h, const struct fw_incident *in)
{
	struct fw_incident_sums sums;
	struct fw_report report = { .incident = *in };
	struct fw_err err;
	__u64 last = 0, total = 0;

	assert_int_equal(fw_incident_sums(h, in, &sums, &err), 0);
	assert_int_equal(sums.drop.packets, b->counted);
	assert_int_equal(fw_report_series(h, &report, 100, &err), 0);
	for (size_t i = 0; i < report.nr_points; i++) {
		assert_true(report.point[i].when.boot_ns > last);
		last = report.point[i].when.boot_ns;
		total += report.point[i].family[FW_RF_MALFORMED].packets;
	}
	free(report.point);
	assert_int_equal(total, b->counted);
}

static void clock_is_set(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_history_clock *clock;
	struct fw_incident in;
	struct fw_err err = {};
	size_t n;
	__s64 id;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	b->now.when.utc_ns += 5 * SECOND; /* before it: no jump of its own */
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &id, &err), 0);
	for (int i = 0; i < 12; i++) {
		count(b, FW_R_DROP_LAND, 10);
		if (i == 4)
			b->now.when.utc_ns -= 3600 * SECOND;
		if (i == 8)
			b->now.when.utc_ns += 7200 * SECOND;
		if (i == 10)
			b->now.synchronised = false;
		assert_int_equal(second(b, &err), 0);
	}
	assert_int_equal(fw_incident_close(h, id, b->now.when, "test", &err), 0);
	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_int_equal(in.end.boot_ns - in.start.boot_ns, 12 * SECOND);
	check_sums(b, h, &in);
	assert_int_equal(fw_incident_clocks(h, &in, &clock, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_int_equal(clock[0].step_ns, 0);
	assert_int_equal(clock[1].step_ns, -3600 * (__s64)SECOND);
	assert_int_equal(clock[2].step_ns, 7200 * (__s64)SECOND);
	assert_int_equal(clock[3].step_ns, 0);
	assert_true(clock[2].synchronised && !clock[3].synchronised);
	free(clock);
	fw_history_close(h);
}

/* Hours go by, and some seconds; how many incidents there are then. */
static long long hours_later(struct bench *b, struct fw_history *h, unsigned int hours)
{
	struct fw_err err;

	b->now.when.utc_ns += hours * 3600 * SECOND;
	b->now.when.boot_ns += hours * 3600 * SECOND;
	b->now.program_ns += hours * 3600 * SECOND;
	for (int i = 0; i < 20; i++)
		assert_int_equal(second(b, &err), 0);
	return ask(h, "SELECT count(*) FROM incident");
}

/* A clock that is ten years ahead for a while makes no evidence old, neither when it is set so nor
 * when the machine comes up with it. What is old by a clock that stands is forgotten. */
static void clock_far_ahead(void **state)
{
	struct bench *b = *state;
	struct fw_recorder_opts opts = { .pins = b->pins,
					 .path = b->path,
					 .build = "test",
					 .boot_id = "boot",
					 .keep_s = 86400 };
	const __u64 years = 10 * 365 * 86400 * SECOND;
	struct fw_history *h = NULL;
	struct fw_err err = {};
	__s64 id;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	b->now.when.utc_ns = 1794000000 * SECOND;
	fw_recorder_set(start(b), &opts);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &id, &err), 0);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_incident_close(h, id, b->now.when, "test", &err), 0);
	assert_int_equal(hours_later(b, h, 1), 1);
	b->now.when.utc_ns += years;
	assert_int_equal(hours_later(b, h, 0), 1);
	fw_recorder_free(b->recorder);
	fw_recorder_set(start(b), &opts);
	assert_int_equal(hours_later(b, h, 0), 1);
	assert_int_equal(hours_later(b, h, 1), 0);
	fw_history_close(h);
}

/* No place to write to for five seconds: it is said, and those seconds come as one. */
static void waits(void **state)
{
	struct bench *b = *state;
	struct fw_recorder_state st;
	struct fw_history *h = NULL;
	struct fw_incident in = { .first_tick = 1, .last_tick = 100 };
	struct fw_err err = {};
	char sub[128];

	start(b);
	for (int i = 0; i < 5; i++) {
		assert_true(second(b, &err) < 0);
		fw_recorder_state(b->recorder, &st);
		assert_false(st.ok);
		assert_true(*st.trouble && st.since_ns);
	}
	snprintf(sub, sizeof(sub), "%s/sub", b->folder);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(second(b, &err), 0);
	count(b, FW_R_DROP_LAND, 10);
	assert_int_equal(second(b, &err), 0);
	fw_recorder_state(b->recorder, &st);
	assert_true(st.ok && !*st.trouble && !st.since_ns);
	assert_int_equal(st.failures, 5);
	/* Gone again, as when the disk is full: the counts wait. */
	fw_recorder_free(b->recorder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_history_begin(h, &err), 0); /* somebody holds the file */
	count(b, FW_R_DROP_LAND, 20);
	assert_int_equal(second(b, &err), -EBUSY);
	count(b, FW_R_DROP_LAND, 30);
	fw_history_rollback(h);
	assert_int_equal(second(b, &err), 0);
	check_sums(b, h, &in);
	fw_history_close(h);
}

/* A heavy source and the clerks' lane, as the program counts them on the first CPU. */
static void traffic(struct bench *b, __u64 key, __u32 packets, __u64 clerks)
{
	unsigned int cpus = b->obj->meta.cpus;
	__u32 class = FW_CLASS_TRUSTED * FW_CC_STRIDE + FW_CC_PASS;
	struct fw_count *c = calloc(cpus, sizeof(*c));
	int class_fd = fw_object_map_fd(b->obj, "fw_count_cls");

	for (__u32 lost = 0; lost < 2; lost++)
		hold(b, (__u32)key * 2 + lost,
		     &(struct fw_tally){ .key = key,
					 .first_ns = b->now.program_ns,
					 .packets = packets / 2,
					 .bytes = packets * 30,
					 .who = lost ? FW_R_DROP_SRC_UDP : 0 });
	assert_int_equal(bpf_map_lookup_elem(class_fd, &class, c), 0);
	c[0].packets += clerks;
	c[0].bytes += clerks * 100;
	assert_int_equal(bpf_map_update_elem(class_fd, &class, c, BPF_ANY), 0);
	free(c);
}

/* Each minute: its heaviest sources with what they sent in it and no more, and the clerks' lane. */
static void each_minute(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_err err = {};

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	for (int i = 0; i < 125; i++) {
		traffic(b, 7, 100, 3);
		if (i >= 60)
			traffic(b, 9, 1000, 0);
		assert_int_equal(second(b, &err), 0);
	}
	assert_int_equal(fw_history_open(b->path, false, &h, &err), 0);
	assert_int_equal(ask(h, "SELECT count(DISTINCT boot_ns) FROM top"), 2);
	assert_int_equal(ask(h, "SELECT count(*) FROM top"), 3);
	assert_int_equal(ask(h, "SELECT packets FROM top WHERE id = 1"), 6000);
	assert_int_equal(ask(h, "SELECT dropped FROM top WHERE id = 1"), 3000);
	/* The other one leads the second minute. */
	assert_int_equal(ask(h, "SELECT packets FROM top WHERE id = 2 AND rank = 1"), 60000);
	assert_int_equal(ask(h, "SELECT packets FROM top WHERE id = 3 AND rank = 2"), 6000);
	assert_int_equal(ask(h, "SELECT bytes FROM top WHERE address = x'00000007' AND rank = 2"),
			 360000);
	assert_int_equal(
		ask(h, "SELECT sum(clerk_pass_packets) FROM tick WHERE id BETWEEN 2 AND 61"), 180);
	assert_int_equal(ask(h, "SELECT sum(clerk_pass_bytes) FROM tick"), 125 * 300);
	assert_int_equal(ask(h, "SELECT max(clerk_pass_packets) FROM tick"), 3);
	assert_int_equal(ask(h, "SELECT sum(clerk_drop_packets) FROM tick"), 0);
	fw_history_close(h);
}
/* One incident is closed and the next one opened within a second: each has its own sources, all of
 * them, though those of the first were not in the history yet. */
static void close_together(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_err err = {};
	__s64 first, next;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &first, &err), 0);
	assert_int_equal(second(b, &err), 0);
	traffic(b, 7, 100, 0);
	traffic(b, 8, 10, 0);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(ask(h, "SELECT count(*) FROM source"), 2);
	traffic(b, 7, 100, 0);
	assert_int_equal(fw_incident_close(h, first, b->now.when, "test", &err), 0);
	assert_int_equal(fw_incident_open(h, b->now.when, "", "test", &next, &err), 0);
	assert_int_equal(second(b, &err), 0);
	traffic(b, 9, 1000, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(second(b, &err), 0);
	assert_int_equal(ask(h, "SELECT sum(sources_complete) FROM incident"), 0);
	assert_int_equal(fw_incident_close(h, next, b->now.when, "test", &err), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(second(b, &err), 0);
	assert_int_equal(ask(h, "SELECT sum(sources_complete) FROM incident"), 2);
	assert_int_equal(ask(h, "SELECT packets FROM source WHERE incident = 1 AND address = "
				"x'00000007'"),
			 200);
	assert_int_equal(ask(h, "SELECT sum(packets) FROM source WHERE incident = 1"), 210);
	assert_int_equal(ask(h, "SELECT sum(packets) FROM source WHERE incident = 2"), 1000);
	assert_int_equal(fw_source_log_bytes(b->path), 0);
	fw_history_close(h);
}

/* The program's part: the host is at this level since that moment. */
static void set_level(struct bench *b, __u32 level, __u64 since_ns)
{
	struct fw_service_state *s = mapped(b, "fw_level", FW_SERVICE_MAX * sizeof(*s));
	struct fw_maps maps = { 0 };
	struct fw_err err;

	assert_int_equal(fw_maps_open_object(b->obj, FW_MAPS_ALL | FW_MAPS_WRITE, &maps, &err), 0);
	strcpy(maps.policy_txt[FW_LIVE_POLICY(maps.ctl->live)].service_name[FW_SERVICE_HOST],
	       "host");
	fw_maps_close(&maps);
	s[FW_SERVICE_HOST] = (struct fw_service_state){ .over_ns = b->now.program_ns,
							.entered_ns = since_ns,
							.level = level };
	if (level == FW_LEVEL_CALM)
		s[FW_SERVICE_HOST].over_ns = since_ns - FW_LEVEL_CALM_NS;
	munmap(s, (FW_SERVICE_MAX * sizeof(*s) + 4095) & ~4095UL);
}

/*
 * A recorder that is started anew under siege writes no change of level that was none; one that
 * comes when the siege is over writes when it ended, so that no service stands above calm for ever.
 */
static void levels_go_on(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_history_level *list = NULL;
	struct fw_incident_span *span = NULL;
	struct fw_incident in;
	struct fw_err err = {};
	__u64 calm_ns;
	size_t n, spans;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	set_level(b, FW_LEVEL_SIEGE, b->now.program_ns);
	assert_int_equal(second(b, &err), 0);
	fw_recorder_free(b->recorder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, false, &h, &err), 0);
	assert_int_equal(ask(h, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(ask(h, "SELECT count(*) FROM level"), 1);
	fw_recorder_free(b->recorder);
	for (int i = 0; i < 60; i++) {
		b->now.when.utc_ns += SECOND;
		b->now.when.boot_ns += SECOND;
		b->now.program_ns += SECOND;
	}
	calm_ns = b->now.program_ns - 9 * SECOND; /* and the next second */
	set_level(b, FW_LEVEL_CALM, calm_ns);
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_incident_read(h, 1, &in, &err), 0);
	assert_int_equal(fw_incident_levels(h, &in, &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[1].from, FW_LEVEL_SIEGE);
	assert_int_equal(list[1].to, FW_LEVEL_CALM);
	assert_int_equal(list[1].when.boot_ns, calm_ns);
	assert_int_equal(fw_incident_spans(&in, list, n, &span, &spans), 0);
	assert_int_equal(spans, 1);
	assert_true(span[0].over);
	free(span);
	free(list);
	fw_history_close(h);
}

static void new_generation(struct bench *b)
{
	struct fw_maps maps = { 0 };
	struct fw_err err;

	assert_int_equal(fw_maps_open_object(b->obj, FW_MAPS_ALL | FW_MAPS_WRITE, &maps, &err), 0);
	maps.ctl->live += 1ULL << 32;
	fw_maps_close(&maps);
}

/* A command changes the policy and then says so: a second that ends in between does not call it
 * nobody's. What nobody says is on record, once, as of when it was seen. */
static void signed_late(void **state)
{
	struct bench *b = *state;
	struct fw_history_change by = { .who = "root", .what = "limit set", .generation = 1 };
	struct fw_history *h = NULL;
	struct fw_err err = {};
	__u64 seen;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	new_generation(b);
	assert_int_equal(second(b, &err), 0);
	by.when = b->now.when;
	assert_int_equal(fw_history_change(h, &by, &err), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(second(b, &err), 0);
	assert_int_equal(ask(h, "SELECT count(*) FROM change WHERE who = ''"), 0);
	new_generation(b);
	assert_int_equal(second(b, &err), 0);
	seen = b->now.when.boot_ns;
	for (int i = 0; i < 6; i++)
		assert_int_equal(second(b, &err), 0);
	assert_int_equal(ask(h, "SELECT count(*) FROM change WHERE who = ''"), 1);
	assert_int_equal(ask(h, "SELECT boot_ns FROM change WHERE who = ''"), seen);
	fw_history_close(h);
}

/* Counts packets as soon as the ledger is being read. */
static void *while_read(void *arg)
{
	const __u64 *tail = &((struct bench *)arg)->maps.ledger_at[0].tail;

	while (!__atomic_load_n(tail, __ATOMIC_ACQUIRE))
		;
	count(arg, FW_R_DROP_LAND, 1000);
	return NULL;
}

/* A second ends when it is said to end, however many accounts there are to be read. */
static void full_ledger(void **state)
{
	struct bench *b = *state;
	struct fw_history *h = NULL;
	struct fw_err err = {};
	pthread_t thread;

	snprintf(b->path, sizeof(b->path), "%s/h.db", b->folder);
	start(b);
	assert_int_equal(second(b, &err), 0);
	count(b, FW_R_DROP_LAND, 10);
	for (__u32 i = 0; i < b->ledger_size; i++)
		hold(b, 0, &(struct fw_tally){ .key = i, .packets = 1, .who = FW_TALLY_USED });
	assert_int_equal(pthread_create(&thread, NULL, while_read, b), 0);
	assert_int_equal(second(b, &err), 0);
	pthread_join(thread, NULL);
	assert_int_equal(second(b, &err), 0);
	assert_int_equal(fw_history_open(b->path, true, &h, &err), 0);
	assert_int_equal(ask(h, "SELECT packets FROM total ORDER BY tick LIMIT 1"), 10);
	assert_int_equal(ask(h, "SELECT packets FROM total ORDER BY tick DESC LIMIT 1"), 1000);
	fw_history_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clock_is_set, setup, teardown),
		cmocka_unit_test_setup_teardown(clock_far_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(waits, setup, teardown),
		cmocka_unit_test_setup_teardown(each_minute, setup, teardown),
		cmocka_unit_test_setup_teardown(close_together, setup, teardown),
		cmocka_unit_test_setup_teardown(levels_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(signed_late, setup, teardown),
		cmocka_unit_test_setup_teardown(full_ledger, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
