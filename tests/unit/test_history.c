// SPDX-License-Identifier: GPL-2.0-only
/* The history: what is written comes back as it was, and forgetting takes the right things. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/core/evidence/report.h"

#define S  1000000000ULL
#define T0 1718000000ULL /* UTC of boot, s */

static char folder[] = "/tmp/fw-history-XXXXXX", path[64];

static int setup(void **state)
{
	struct fw_history *h = NULL;
	struct fw_err err;

	strcpy(folder, "/tmp/fw-history-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/h.db", folder);
	if (fw_history_open(path, true, &h, &err))
		return -1;
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	fw_history_close(*state);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", folder);
	return system(cmd);
}

static struct fw_when at(__u64 s)
{
	return (struct fw_when){ (T0 + s) * S, s * S };
}

static __s64 tick(struct fw_history *h, __u64 s, const char *service, unsigned int reason,
		  __u64 packets)
{
	struct fw_history_tick t = { .when = at(s),
				     .span_ns = S,
				     .clerk_pass = { 2, 200 },
				     .sample_offered = packets,
				     .sample_emitted = 1 };
	struct fw_count c = { packets, packets * 60 };
	struct fw_err err;
	__s64 id = 0;

	assert_int_equal(fw_history_tick(h, &t, &id, &err), 0);
	assert_int_equal(fw_history_total(h, id, service, reason, false, &c, &err), 0);
	return id;
}

static __s64 number(struct fw_history *h, const char *sql)
{
	sqlite3_stmt *stmt;
	__s64 n;

	assert_int_equal(sqlite3_prepare_v2(h->db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static void reopened(void **state)
{
	struct fw_history *h = NULL;
	struct fw_incident *list;
	struct stat st;
	struct fw_err err;
	size_t n;
	__s64 id;

	assert_int_equal(fw_incident_open(*state, at(1), "web", "level", &id, &err), 0);
	fw_history_close(*state);
	*state = NULL;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fw_history_open(path, false, &h, &err), 0);
	assert_int_equal(fw_incident_list(h, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].service, "web");
	assert_true(list[0].open);
	free(list);
	/* Every reason is named in the file itself. */
	assert_int_equal(number(h, "SELECT count(*) FROM reason"), FW_R_MAX);
	/* A reader writes nothing. */
	assert_true(fw_incident_note(h, id, at(2), "eve", "x", &err) < 0);
	fw_history_close(h);
}

static void strangers(void **state)
{
	struct fw_history *h = NULL;
	struct fw_err err;
	char other[96];
	FILE *f;

	snprintf(other, sizeof(other), "%s/none.db", folder);
	assert_int_equal(fw_history_open(other, false, &h, &err), -ENOENT);
	assert_int_equal(err.exit_code, FW_EXIT_NOTHING);
	f = fopen(other, "w");
	assert_non_null(f);
	fprintf(f, "this is a letter to my aunt, and no database, whatever its name may say\n");
	fclose(f);
	assert_true(fw_history_open(other, true, &h, &err) < 0);
	assert_non_null(strstr(err.msg, other));
	/* Of a newer floodwall: refused, for writing too. */
	assert_int_equal(sqlite3_exec(((struct fw_history *)*state)->db, "PRAGMA user_version = 99",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(fw_history_open(path, true, &h, &err), -EPROTO);
	assert_int_equal(fw_history_open(path, false, &h, &err), -EPROTO);
	assert_null(h);
}

static void figures(void **state)
{
	struct fw_history *h = *state;
	struct fw_incident in;
	struct fw_incident_sums sums;
	struct fw_incident_service *services;
	struct fw_incident_guess guess;
	struct fw_count would = { 7, 700 };
	struct fw_err err;
	__u64 sum = 0;
	size_t n;
	__s64 id, last = 0;

	tick(h, 1, "web", FW_R_PASS_SOURCE, 1000000); /* before it: not of it */
	assert_int_equal(fw_incident_open(h, at(2), "web", "level", &id, &err), 0);
	assert_int_equal(fw_incident_open(h, at(2), "dns", "level", &id, &err), -EBUSY);
	for (__u64 s = 2; s < 12; s++)
		last = tick(h, s, s & 1 ? "web" : "host", FW_R_DROP_OUT_OF_STATE, s * 100);
	assert_int_equal(fw_history_total(h, last, "web", FW_R_DROP_LAND, true, &would, &err), 0);
	assert_int_equal(fw_history_total(h, last, "web", FW_R_PASS_PROVEN, true, &would, &err), 0);
	assert_int_equal(fw_incident_close(h, id, at(12), "quiet", &err), 0);
	assert_int_equal(fw_incident_close(h, id, at(13), "quiet", &err), -EEXIST);
	tick(h, 12, "web", FW_R_DROP_OUT_OF_STATE, 1000000);

	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_false(in.open);
	assert_int_equal(fw_incident_sums(h, &in, &sums, &err), 0);
	assert_int_equal(sums.ticks, 10);
	assert_int_equal(sums.drop.packets, 6500);
	assert_int_equal(sums.would_all.packets, 7);
	assert_int_equal(sums.pass.packets, 7);
	assert_int_equal(sums.clerk_pass.packets, 20);
	assert_true(sums.peak_pps > 1113.9 && sums.peak_pps < 1114.1);
	assert_int_equal(sums.peak.boot_ns, 11 * S);
	for (size_t points = 1; points < 12; points++) {
		struct fw_report report = { .incident = in };

		assert_int_equal(fw_report_series(h, &report, points, &err), 0);
		assert_true(report.nr_points <= points);
		sum = 0;
		for (size_t i = 0; i < report.nr_points; i++)
			sum += report.point[i].family[FW_RF_STATE].packets;
		assert_int_equal(sum, 6500);
		assert_int_equal(report.point[report.nr_points - 1].when.boot_ns, 11 * S);
		free(report.point);
	}
	assert_int_equal(fw_incident_services(h, &in, &services, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(services[0].name, "host");
	assert_int_equal(services[0].reason[FW_R_DROP_OUT_OF_STATE].packets +
				 services[1].reason[FW_R_DROP_OUT_OF_STATE].packets,
			 6500);
	assert_int_equal(services[1].would[FW_R_DROP_LAND].packets, 7);
	free(services);
	fw_incident_guess(&sums, &guess);
	assert_int_equal(guess.kind, FW_IK_STATE);
	assert_int_equal(fw_incident_read(h, 77, &in, &err), -ENOENT);
}

static void hostile(void **state)
{
	static const char text[] =
		"<script>alert(1)</script>'; DROP TABLE note;-- \"\n\x1b[2J\xff,=cmd()";
	struct fw_history *h = *state;
	struct fw_incident_note *notes;
	char *longest;
	struct fw_err err;
	size_t n;
	__s64 id;

	assert_int_equal(fw_incident_open(h, at(1), "", "root", &id, &err), 0);
	assert_int_equal(fw_incident_note(h, id, at(2), "o'brien", text, &err), 0);
	assert_int_equal(fw_incident_note(h, id + 1, at(2), "eve", text, &err), -ENOENT);
	longest = calloc(1, FW_INCIDENT_TEXT_LEN + 1);
	memset(longest, 'a', FW_INCIDENT_TEXT_LEN);
	assert_int_equal(fw_incident_note(h, id, at(3), "eve", longest, &err), -E2BIG);
	longest[FW_INCIDENT_TEXT_LEN - 1] = '\0';
	assert_int_equal(fw_incident_note(h, id, at(3), "eve", longest, &err), 0);
	assert_int_equal(fw_incident_notes(h, id, &notes, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(notes[0].text, text); /* kept as typed; readers escape */
	assert_string_equal(notes[0].who, "o'brien");
	assert_string_equal(notes[1].text, longest);
	free(notes);
	free(longest);
}

struct seen {
	struct fw_incident_source source[3];
	struct fw_incident_sample sample[2];
	int n;
};

static int see_source(void *arg, const struct fw_incident_source *source)
{
	struct seen *seen = arg;

	seen->source[seen->n++] = *source;
	return seen->n == 3 ? 1 : 0;
}

static int see_sample(void *arg, const struct fw_incident_sample *sample)
{
	struct seen *seen = arg;

	seen->sample[seen->n++] = *sample;
	return 0;
}

static void sources(void **state)
{
	struct fw_history *h = *state;
	struct fw_incident_source s = { .exact = true,
					.proven = true,
					.packets = 5,
					.bytes = 500,
					.dropped = 2,
					.dropped_bytes = 200,
					.weight = 5,
					.first = at(3),
					.last = at(9) };
	struct seen seen = {};
	struct fw_incident_sums sums;
	struct fw_incident in;
	struct fw_err err;
	__s64 id;

	assert_int_equal(fw_incident_open(h, at(1), "web", "level", &id, &err), 0);
	assert_int_equal(fw_text_addr("192.0.2.7", s.addr_be, NULL), 0);
	s.reason[FW_R_DROP_BANNED] = (struct fw_count){ 1, 60 };
	s.reason[FW_R_DROP_SRC_PACKETS] = (struct fw_count){ 1, 140 };
	assert_int_equal(fw_incident_put_source(h, id, &s, &err), 0);
	s.packets = 6; /* cumulative: the last one counts */
	assert_int_equal(fw_incident_put_source(h, id, &s, &err), 0);
	/* Samples of the same address are another row, and no other source. */
	s.exact = s.proven = false;
	s.packets = 900;
	assert_int_equal(fw_incident_put_source(h, id, &s, &err), 0);
	assert_int_equal(fw_text_addr("192.0.2.8", s.addr_be, NULL), 0);
	assert_int_equal(fw_incident_put_source(h, id, &s, &err), 0);
	s.exact = true;
	assert_int_equal(fw_text_addr("2001:db8:1:2::", s.addr_be, NULL), 0);
	assert_int_equal(fw_incident_put_source(h, id, &s, &err), 0);
	/* The proven ones, then the others, ended by the caller: its own value comes out. */
	assert_int_equal(fw_incident_each_source(h, id, true, 0, see_source, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(fw_incident_each_source(h, id, false, 9, see_source, &seen, &err), 1);
	assert_int_equal(seen.n, 3);
	assert_true(seen.source[1].len == 64 && !seen.source[2].exact);
	assert_true(seen.source[0].proven);
	assert_int_equal(seen.source[0].packets, 6);
	assert_int_equal(seen.source[0].len, 128);
	assert_int_equal(seen.source[0].first.utc_ns, at(3).utc_ns);
	assert_int_equal(seen.source[0].reason[FW_R_DROP_BANNED].bytes, 60);
	assert_int_equal(seen.source[0].reason[FW_R_DROP_SRC_PACKETS].bytes, 140);
	assert_string_equal(fw_incident_source_word(&seen.source[0]), "proven");
	assert_string_equal(fw_incident_source_word(&seen.source[1]), "possibly spoofed");
	assert_string_equal(fw_incident_source_word(&seen.source[2]), "possibly spoofed");
	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_int_equal(fw_incident_sums(h, &in, &sums, &err), 0);
	assert_int_equal(sums.sources_proven, 1);
	assert_int_equal(sums.sources_unproven, 2);
}

static void samples(void **state)
{
	struct fw_history *h = *state;
	struct fw_incident_sample s = { .when = at(5),
					.program_ns = 5 * S,
					.service = "web",
					.reason = FW_R_DROP_REFLECTED,
					.verdict = FW_V_DROP,
					.before = true,
					.len = 1400,
					.ratio = 64,
					.captured = 128 };
	struct seen seen = {};
	struct fw_incident_sums sums;
	struct fw_incident_guess guess;
	struct fw_incident in;
	struct fw_err err;
	__s64 id;

	assert_int_equal(fw_incident_open(h, at(1), "web", "level", &id, &err), 0);
	s.data[12] = 8; /* IPv4, UDP from port 53 */
	s.data[14] = 0x45;
	s.data[23] = 17;
	s.data[35] = 53;
	assert_int_equal(fw_text_addr("198.51.100.9", s.addr_be, NULL), 0);
	assert_int_equal(fw_incident_put_sample(h, id, &s, &err), 0);
	s.when = at(4); /* came later, was earlier */
	s.captured = 60;
	assert_int_equal(fw_incident_put_sample(h, id, &s, &err), 0);
	tick(h, 6, "web", FW_R_DROP_REFLECTED, 5000);
	assert_int_equal(fw_incident_each_sample(h, id, see_sample, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.sample[0].when.boot_ns, 4 * S);
	assert_int_equal(seen.sample[0].captured, 60);
	assert_true(seen.sample[1].before && !seen.sample[1].proven);
	assert_memory_equal(seen.sample[1].data, s.data, 128);
	assert_memory_equal(seen.sample[1].addr_be, s.addr_be, 16);
	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_int_equal(fw_incident_sums(h, &in, &sums, &err), 0);
	fw_incident_guess(&sums, &guess);
	assert_int_equal(guess.kind, FW_IK_REFLECTION);
	assert_string_equal(guess.words, "DNS reflection");
	assert_true(guess.sure_pct >= 99);
}

/* Levels, changes and clocks of an incident are those between its ticks, and the clock before. */
static void rows(void **state)
{
	struct fw_history *h = *state;
	struct fw_history_clock clock = { .when = at(1), .synchronised = true }, *clocks;
	struct fw_history_level level = { .when = at(2), .service = "web", .to = 1 }, *levels;
	struct fw_history_change change = { .generation = 4, .who = "ana", .what = "limit set" },
				 *changes;
	struct fw_incident in;
	struct fw_err err;
	size_t n;
	__s64 id;

	assert_int_equal(fw_history_clock(h, &clock, &err), 0);
	tick(h, 1, "web", FW_R_PASS_SOURCE, 1);
	tick(h, 2, "web", FW_R_PASS_SOURCE, 1);
	assert_int_equal(fw_history_level(h, &level, &err), 0);
	assert_int_equal(fw_incident_open(h, at(3), "web", "level", &id, &err), 0);
	tick(h, 3, "web", FW_R_DROP_LAND, 1);
	clock.step_ns = -3600LL * (__s64)S; /* the clock is set back an hour: order stays */
	clock.when = at(4);
	clock.when.utc_ns -= 3600 * S;
	assert_int_equal(fw_history_clock(h, &clock, &err), 0);
	assert_int_equal(fw_history_change(h, &change, &err), 0);
	tick(h, 4, "web", FW_R_DROP_LAND, 1);
	assert_int_equal(fw_incident_close(h, id, at(5), "ana", &err), 0);
	tick(h, 5, "web", FW_R_DROP_LAND, 1);
	level.to = 0;
	assert_int_equal(fw_history_level(h, &level, &err), 0);
	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_int_equal(fw_incident_levels(h, &in, &levels, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(levels[0].to, 1);
	free(levels);
	assert_int_equal(fw_incident_changes(h, &in, &changes, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(changes[0].who, "ana");
	free(changes);
	assert_int_equal(fw_incident_clocks(h, &in, &clocks, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(clocks[1].step_ns, -3600LL * (__s64)S);
	free(clocks);
}

static void age(void **state)
{
	struct fw_history *h = *state;
	struct fw_err err;
	__u64 removed;
	__s64 id;

	for (__u64 s = 1; s <= 10; s++)
		tick(h, s, "web", FW_R_PASS_SOURCE, 1);
	assert_int_equal(fw_incident_open(h, at(11), "web", "level", &id, &err), 0);
	for (__u64 s = 11; s <= 20; s++)
		tick(h, s, "web", FW_R_DROP_LAND, 1);
	assert_int_equal(fw_incident_close(h, id, at(20), "quiet", &err), 0);
	for (__u64 s = 21; s <= 1000; s++)
		tick(h, s, "web", FW_R_PASS_SOURCE, 1);
	/* Keep 600 s at second 610: ticks 1 to 9 go, the incident's stay until it is old itself. */
	assert_int_equal(fw_history_trim(h, at(610).utc_ns, 600, 0, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT min(id) FROM tick"), 10);
	assert_int_equal(fw_history_trim(h, at(615).utc_ns, 600, 0, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT count(*) FROM tick WHERE id BETWEEN 11 AND 20"), 10);
	assert_int_equal(number(h, "SELECT count(*) FROM incident"), 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fw_history_trim(h, at(640).utc_ns, 600, 0, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT count(*) FROM incident"), 0);
	assert_int_equal(number(h, "SELECT min(id) FROM tick"), 40);
	assert_int_equal(number(h, "SELECT min(tick) FROM total"), 40);
	/* Numbers are never given twice, even if nothing is left. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(fw_history_trim(h, at(9000).utc_ns, 600, 0, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT count(*) FROM tick"), 0);
	assert_int_equal(tick(h, 9000, "web", FW_R_PASS_SOURCE, 1), 1001);
}

static __s64 used(struct fw_history *h)
{
	return number(h, "SELECT (page_count - freelist_count) * page_size FROM "
			 "pragma_page_count, pragma_freelist_count, pragma_page_size");
}

/* The cap takes ordinary seconds first, then the oldest incident, and never the open one. */
static void cap(void **state)
{
	const __u64 max = 400000;
	struct fw_history *h = *state;
	struct fw_err err;
	__u64 removed = 1;
	__s64 id = 0;

	assert_int_equal(fw_history_begin(h, &err), 0);
	for (__u64 s = 1; s <= 30000; s++) {
		if (s % 10000 == 5000)
			assert_int_equal(fw_incident_open(h, at(s), "w", "level", &id, &err), 0);
		if (s % 10000 == 5500 && s < 20000)
			assert_int_equal(fw_incident_close(h, id, at(s), "quiet", &err), 0);
		tick(h, s, "web", FW_R_PASS_SOURCE, s);
	}
	assert_int_equal(fw_history_commit(h, &err), 0);
	assert_true(used(h) > 1000000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fw_history_trim(h, 0, 0, max * 5 / 2, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT count(*) FROM incident"), 3);
	for (int i = 0; i < 40 && removed; i++)
		assert_int_equal(fw_history_trim(h, 0, 0, max, &removed, &err), 0);
	assert_int_equal(number(h, "SELECT count(*) FROM incident"), 1);
	assert_int_equal(number(h, "SELECT id FROM incident"), id);
	assert_int_equal(number(h, "SELECT count(*) FROM tick"), 30000 - 25000 + 1 + 1);
}

/* A full disk: what was there stays readable, nothing half is left, and it is said. */
static void full(void **state)
{
	struct rlimit old, tight = { 0, 0 };
	struct fw_history *h = *state;
	struct fw_err err = {};
	__s64 before;
	int r = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (__u64 s = 1; s <= 100; s++)
		tick(h, s, "web", FW_R_PASS_SOURCE, s);
	before = number(h, "SELECT count(*) FROM tick");
	getrlimit(RLIMIT_FSIZE, &old);
	tight.rlim_cur = fw_history_size(path);
	tight.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	for (int i = 0; i < 200 && !r; i++) {
		struct fw_history_tick t = { .when = at(200), .span_ns = S };
		__s64 id;

		r = fw_history_begin(h, &err);
		for (int k = 0; k < 1000 && !r; k++)
			r = fw_history_tick(h, &t, &id, &err);
		if (!r)
			r = fw_history_commit(h, &err);
		else
			fw_history_rollback(h);
		if (!r)
			before += 1000;
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(r < 0);
	assert_true(*err.msg && *err.hint);
	assert_int_equal(number(h, "SELECT count(*) FROM tick"), before);
	assert_true(tick(h, 300, "web", FW_R_PASS_SOURCE, 1) > before); /* and goes on */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(reopened), TEST(strangers), TEST(figures), TEST(hostile), TEST(sources),
		TEST(samples),	TEST(rows),	 TEST(age),	TEST(cap),     TEST(full),

	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
