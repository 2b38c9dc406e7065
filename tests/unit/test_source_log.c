// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of sources: what was put in comes out; cut or changed at whichever byte, it ends with the
 * last frame before that byte; and history and log together are the incident.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <arpa/inet.h>
#include "tests/unit/unit.h"
#include "user/core/record/source_log.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL
#define MOST   64

struct place {
	char folder[32], path[64], file[128];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	*state = p;
	strcpy(p->folder, "/tmp/fw-log-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/h.db", p->folder);
	snprintf(p->file, sizeof(p->file), "%s-sources-7.1", p->path);
	return 0;
}

static int teardown(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", ((struct place *)*state)->folder);
	free(*state);
	return system(cmd);
}

static struct fw_when at(__u64 second)
{
	return (struct fw_when){ (1718000000 + second) * SECOND, (1000 + second) * SECOND };
}

/* Any source there can be, seen within the seconds before now. */
static struct fw_incident_source some(__u64 second)
{
	struct fw_incident_source s = { .exact = unit_below(3), .len = 128 };
	__u64 last = unit_below(5000), first = last + unit_below(400000);
	unsigned int reasons = (unsigned int)unit_below(4);

	if (unit_below(2)) {
		s.addr_be[2] = htonl(0xffff);
		s.addr_be[3] = htonl((__u32)unit_below(1ULL << 32));
	} else {
		s.addr_be[0] = htonl((__u32)unit_below(1ULL << 32));
		s.addr_be[1] = htonl((__u32)unit_below(1ULL << 32));
		s.len = s.exact ? 64 : 128;
	}
	s.proven = unit_below(2);
	s.banned = !unit_below(9);
	s.packets = unit_below(10) ? unit_below(1000) : ~0ULL >> 20;
	s.bytes = s.packets * 60;
	s.weight = s.exact ? (double)s.packets : 12345.5;
	s.last = at(second);
	s.last.utc_ns -= last * MS;
	s.last.boot_ns -= last * MS;
	s.first = at(second);
	s.first.utc_ns -= first * MS;
	s.first.boot_ns -= first * MS;
	while (reasons--)
		s.reason[unit_below(FW_R_MAX)] =
			unit_below(3) ? (struct fw_count){ s.packets, s.bytes }
				      : (struct fw_count){ 1 + unit_below(300), unit_below(9000) };
	for (unsigned int i = 0; i < FW_R_MAX; i++) {
		s.dropped += s.reason[i].packets;
		s.dropped_bytes += s.reason[i].packets ? s.reason[i].bytes : 0;
		if (!s.reason[i].packets)
			s.reason[i].bytes = 0;
	}
	return s;
}

struct list {
	struct fw_incident_source source[MOST];
	size_t nr;
};

static int take(void *arg, const struct fw_incident_source *s)
{
	struct list *list = arg;

	assert_true(list->nr < MOST);
	list->source[list->nr++] = *s;
	return 0;
}

static void same(const struct list *a, const struct list *b, size_t nr)
{
	assert_int_equal(a->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		const struct fw_incident_source *x = &a->source[i], *y = &b->source[i];

		assert_memory_equal(x->addr_be, y->addr_be, sizeof(x->addr_be));
		assert_memory_equal(x->reason, y->reason, sizeof(x->reason));
		assert_memory_equal(&x->first, &y->first, sizeof(x->first));
		assert_memory_equal(&x->last, &y->last, sizeof(x->last));
		assert_int_equal(x->len, y->len);
		assert_true(x->exact == y->exact && x->proven == y->proven &&
			    x->banned == y->banned && x->packets == y->packets &&
			    x->bytes == y->bytes && x->dropped == y->dropped &&
			    x->dropped_bytes == y->dropped_bytes && x->weight == y->weight);
	}
}

/* Frames of some sources each into a new file; *ends: sources, and bytes, up to each frame's end.
 */
static void write_log(const struct place *p, unsigned int frames, struct list *all,
		      size_t ends[][2])
{
	struct fw_source_frame f = {};
	struct fw_source_log *log;
	struct fw_err err = {};

	assert_int_equal(fw_source_log_begin(p->path, 7, &log, &err), 0);
	for (unsigned int n = 0; n < frames; n++) {
		fw_source_frame_begin(&f, at(n));
		for (__u64 k = 1 + unit_below(5); k; k--) {
			struct fw_incident_source s = some(n);

			assert_int_equal(fw_source_frame_add(&f, &s), 0);
			take(all, &s);
		}
		f.proven = 100 + n;
		f.other = 200 + n;
		assert_int_equal(fw_source_log_append(log, &f, &err), 0);
		ends[n][0] = all->nr;
		ends[n][1] = fw_source_log_size(log);
	}
	assert_int_equal(fw_source_log_bytes(p->path), fw_source_log_size(log));
	fw_source_frame_free(&f);
	fw_source_log_close(log);
}

static struct list read_log(const struct place *p)
{
	struct list got = {};
	struct fw_err err = {};

	assert_int_equal(fw_source_log_each(p->path, 7, take, &got, &err), 0);
	return got;
}

static void comes_back(void **state)
{
	for (int round = 0; round < 50; round++) {
		struct list all = {};
		struct list got;
		size_t ends[10][2];

		write_log(*state, 10, &all, ends);
		got = read_log(*state);
		same(&got, &all, all.nr);
		fw_source_log_remove(((struct place *)*state)->path, 7);
		assert_int_equal(fw_source_log_bytes(((struct place *)*state)->path), 0);
	}
}

/* As a power cut may leave it: cut at each byte, and each byte another one. */
static void torn(void **state)
{
	const struct place *p = *state;
	unsigned char bytes[8192];
	struct list all = {}, got;
	size_t ends[4][2], whole = 0, size;
	__u64 proven, other;
	int fd;

	write_log(p, 4, &all, ends);
	size = ends[3][1];
	fd = open(p->file, O_RDWR);
	assert_true(size <= sizeof(bytes));
	assert_int_equal(pread(fd, bytes, size, 0), size);
	for (size_t cut = 0; cut < size; cut++) {
		unsigned char other_byte = bytes[cut] ^ (unsigned char)(1 << unit_below(8));

		while (whole < 4 && ends[whole][1] <= cut)
			whole++;
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		got = read_log(p);
		same(&got, &all, whole ? ends[whole - 1][0] : 0);
		assert_int_equal(fw_source_log_totals(p->path, 7, &proven, &other), whole > 0);
		assert_true(!whole || (proven == 99 + whole && other == 199 + whole));
		assert_int_equal(pwrite(fd, bytes, size, 0), size);
		assert_int_equal(pwrite(fd, &other_byte, 1, (off_t)cut), 1);
		got = read_log(p);
		same(&got, &all, whole ? ends[whole - 1][0] : 0);
		assert_int_equal(pwrite(fd, &bytes[cut], 1, (off_t)cut), 1);
	}
	close(fd);
}

/* Who goes on makes a file of its own, and the older one goes when it is no longer needed. */
static void goes_on(void **state)
{
	const struct place *p = *state;
	struct list all = {}, got;
	size_t ends[2][2];
	struct fw_source_frame f = {};
	struct fw_source_log *log;
	struct fw_err err = {};

	write_log(p, 2, &all, ends);
	assert_int_equal(truncate(p->file, (off_t)ends[1][1] - 1), 0);
	all.nr = ends[0][0];
	assert_int_equal(fw_source_log_begin(p->path, 7, &log, &err), 0);
	fw_source_frame_begin(&f, at(9));
	take(&all, &(struct fw_incident_source){
			   .exact = true, .len = 64, .first = at(9), .last = at(9) });
	assert_int_equal(fw_source_frame_add(&f, &all.source[all.nr - 1]), 0);
	assert_int_equal(fw_source_log_append(log, &f, &err), 0);
	got = read_log(p);
	same(&got, &all, all.nr);
	fw_source_log_drop_older(log);
	assert_true(access(p->file, F_OK));
	all.source[0] = all.source[all.nr - 1];
	got = read_log(p);
	same(&got, &all, 1);
	fw_source_log_close(log);
	assert_int_equal(fw_source_log_first(p->path, 0), 7);
	assert_int_equal(fw_source_log_first(p->path, 7), 0);
	/* Another incident's, and a stranger's file, stay. */
	fw_source_log_remove(p->path, 6);
	assert_true(fw_source_log_bytes(p->path) > 0);
	fw_source_frame_free(&f);
}

/* A disk that is full in the middle of a frame: what was there still counts, and it is said. */
static void full(void **state)
{
	const struct place *p = *state;
	struct rlimit was, small = {};
	struct list all = {}, got;
	size_t ends[2][2];
	struct fw_source_frame f = {};
	struct fw_source_log *log;
	struct fw_incident_source s;
	struct fw_err err = {};

	signal(SIGXFSZ, SIG_IGN);
	write_log(p, 2, &all, ends);
	unlink(p->file);
	all.nr = 0;
	assert_int_equal(fw_source_log_begin(p->path, 7, &log, &err), 0);
	for (int n = 0; n < 2; n++) {
		fw_source_frame_begin(&f, at(0));
		s = some(0);
		assert_int_equal(fw_source_frame_add(&f, &s), 0);
		if (!n) {
			take(&all, &s);
			assert_int_equal(fw_source_log_append(log, &f, &err), 0);
			continue;
		}
		getrlimit(RLIMIT_FSIZE, &was);
		small = (struct rlimit){ fw_source_log_size(log) + f.len / 2, was.rlim_max };
		setrlimit(RLIMIT_FSIZE, &small);
		assert_true(fw_source_log_append(log, &f, &err) < 0);
		setrlimit(RLIMIT_FSIZE, &was);
		assert_non_null(strstr(err.msg, "cannot write the log of sources"));
	}
	assert_int_equal(fw_source_log_bytes(p->path), fw_source_log_size(log));
	got = read_log(p);
	same(&got, &all, 1);
	fw_source_log_close(log);
	fw_source_frame_free(&f);
}

static int add_up(void *arg, const struct fw_incident_source *s)
{
	struct fw_incident_source *sum = arg;

	sum->packets += s->packets;
	sum->len++;
	return 0;
}

static struct fw_incident_source lone(__u32 addr, bool exact, bool proven, __u64 packets)
{
	return (struct fw_incident_source){ .addr_be = { 0, 0, htonl(0xffff), htonl(addr) },
					    .len = 128,
					    .exact = exact,
					    .proven = proven,
					    .packets = packets,
					    .bytes = packets * 60,
					    .first = at(1),
					    .last = at(1) };
}

static void check_merged(struct fw_history *h, __s64 id)
{
	struct fw_incident_source sum[2] = {};
	struct fw_err err = {};

	for (int proven = 0; proven < 2; proven++)
		assert_int_equal(
			fw_incident_each_source(h, id, proven, 0, add_up, &sum[proven], &err), 0);
	/* 1: the log's 50; 2: the history is ahead with 9; 3: only there; 4: only in the log. */
	assert_int_equal(sum[true].len, 4);
	assert_int_equal(sum[true].packets, 50 + 9 + 3 + 400);
	/* 1 was sampled before it proved itself; 5 proved nothing. */
	assert_int_equal(sum[false].len, 1);
	assert_int_equal(sum[false].packets, 5);
}

/* History and log are read as one, and folded into one: twice is as good as once. */
static void merged(void **state)
{
	const struct place *p = *state;
	struct fw_incident_source row[] = { lone(1, true, true, 5), lone(2, true, true, 9),
					    lone(3, true, true, 3), lone(1, false, false, 2) };
	struct fw_incident_source logged[] = { lone(1, true, false, 20), lone(2, true, true, 8),
					       lone(4, true, true, 400), lone(5, false, false, 5),
					       lone(1, false, false, 1), lone(1, true, true, 50) };
	struct fw_source_frame f = {};
	struct fw_source_log *log;
	struct fw_history *h;
	struct fw_incident in;
	struct fw_err err = {};
	bool left = true;
	int folds = 0;
	__s64 id;

	assert_int_equal(fw_history_open(p->path, true, &h, &err), 0);
	assert_int_equal(fw_incident_open(h, at(0), "", "test", &id, &err), 0);
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(fw_incident_put_source(h, id, &row[i], &err), 0);
	assert_int_equal(fw_source_log_begin(p->path, id, &log, &err), 0);
	fw_source_frame_begin(&f, at(2));
	for (size_t i = 0; i < COUNT(logged); i++)
		assert_int_equal(fw_source_frame_add(&f, &logged[i]), 0);
	assert_int_equal(fw_source_log_append(log, &f, &err), 0);
	fw_source_log_close(log);
	assert_int_equal(fw_incident_log_attach(h, id, &err), 0);
	check_merged(h, id);
	fw_incident_log_detach(h);
	assert_int_equal(fw_incident_close(h, id, at(3), "test", &err), 0);
	while (left) {
		if (folds++ == 2) /* whoever folded was killed */
			fw_incident_log_detach(h);
		assert_int_equal(fw_incident_log_fold(h, id, 2, &left, &err), 0);
	}
	assert_true(folds > 3);
	assert_int_equal(fw_incident_sources_complete(h, id, 0, &err), 0);
	assert_int_equal(fw_incident_read(h, id, &in, &err), 0);
	assert_true(in.sources_complete);
	check_merged(h, id);
	fw_history_close(h);
	fw_source_frame_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(torn, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(merged, setup, teardown),
	};

	return cmocka_run_group_tests_name("source log", tests, NULL, NULL);
}
