/* SPDX-License-Identifier: GPL-2.0-only */
/* What the recorder's tests share: pinned state without traffic, clocks in hand, and the program's
 * part of the accounts. */
#ifndef FW_TEST_RECORDER_H
#define FW_TEST_RECORDER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <sqlite3.h>
#include "tests/lib/prog.h"
#include "user/core/evidence/report.h"
#include "user/core/record/recorder.h"
#include "user/core/record/source_log.h"
#include "user/kern/pin.h"

#define UTC0 (17116000000 * SECOND)

struct bench {
	char pins[64], folder[64], path[96];
	struct fw_object *obj;
	struct fw_maps maps;
	struct fw_book *book; /* of the first CPU, as the program sees it; and its ledger */
	struct fw_tally *ledger;
	__u32 ledger_size;
	int lock, count_fd;
	struct fw_recorder *recorder;
	struct fw_recorder_now now;
	__u64 counted;
	__u32 sources_max;
};

static inline void *mapped(struct bench *b, const char *name, size_t size)
{
	void *at = mmap(NULL, (size + 4095) & ~4095UL, PROT_READ | PROT_WRITE, MAP_SHARED,
			fw_object_map_fd(b->obj, name), 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct fw_object_opts opts = { .clock = PROG_CLOCK_VIRTUAL,
				       .sizes = { .sources4 = 1024,
						  .sources6 = 1024,
						  .prefixes4 = 1000,
						  .prefixes6 = 1000 },
				       .fixed_keys = true };
	struct fw_err err = {};

	*state = b;
	if (geteuid())
		skip();
	snprintf(b->pins, sizeof(b->pins), "/sys/fs/bpf/fw-recorder-%d", getpid());
	strcpy(b->folder, "/tmp/fw-recorder-XXXXXX");
	if (!mkdtemp(b->folder))
		return -1;
	snprintf(b->path, sizeof(b->path), "%s/sub/dir/h.db", b->folder);
	opts.pins = b->pins;
	if (fw_pin_make(b->pins, &err) || fw_pin_lock(b->pins, 5, &b->lock, &err) ||
	    fw_object_open(&opts, &b->obj, &err) || fw_object_create(b->obj, &err) ||
	    fw_object_commit(b->obj, &err) ||
	    fw_maps_open_object(b->obj, FW_MAPS_TALLIES | FW_MAPS_RECORD, &b->maps, &err)) {
		print_error("%s\n", err.msg);
		return -1;
	}
	b->ledger_size = b->maps.cap_ledger_all / b->maps.cap_ledger_cpus;
	b->book = mapped(b, "fw_book", sizeof(*b->book));
	b->ledger = mapped(b, "fw_ledger", b->ledger_size * sizeof(*b->ledger));
	b->count_fd = fw_object_map_fd(b->obj, "fw_count_svc");
	b->now = (struct fw_recorder_now){ .when = { UTC0, 100 * SECOND },
					   .program_ns = 100 * SECOND,
					   .synchronised = true };
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;
	char cmd[128];

	fw_recorder_free(b->recorder);
	munmap(b->book, (sizeof(*b->book) + 4095) & ~4095UL);
	munmap(b->ledger, b->ledger_size * sizeof(*b->ledger));
	fw_maps_close(&b->maps);
	fw_object_close(b->obj);
	fw_pin_remove(b->pins, NULL);
	fw_pin_unlock(b->lock);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", b->folder);
	free(b);
	return system(cmd);
}

static inline int second(struct bench *b, struct fw_err *err)
{
	int r;

	b->now.when.utc_ns += SECOND;
	b->now.when.boot_ns += SECOND;
	b->now.program_ns += SECOND;
	r = fw_recorder_step(b->recorder, &b->now, err);
	return r;
}

static inline struct fw_recorder *start(struct bench *b)
{
	struct fw_recorder_opts opts = { .pins = b->pins,
					 .path = b->path,
					 .build = "test",
					 .boot_id = "boot",
					 .sources_max = b->sources_max ?: 1000 };
	struct fw_err err;

	assert_int_equal(fw_recorder_new(&opts, &b->recorder, &err), 0);
	return b->recorder;
}

/* The program's part: a slot of the first CPU is given away, and holds this from now on. */
static inline void hold(struct bench *b, __u32 slot, const struct fw_tally *t)
{
	struct fw_book *book = b->book;
	struct fw_tally *at = &book->slot[slot];

	if (at->who) {
		b->ledger[book->head % b->ledger_size] = *at;
		book->packets += at->packets;
		book->head++;
		book->whole = book->packets;
	}
	*at = *t;
	at->who |= FW_TALLY_WHO(0, 0, 0, 0, slot);
}

static inline int take_number(void *arg, int columns, char **text, char **names)
{
	(void)names;
	assert_int_equal(columns, 1);
	*(long long *)arg = text[0] ? atoll(text[0]) : 0;
	return 0;
}

static inline long long ask(struct fw_history *h, const char *sql)
{
	long long n = -1;

	assert_int_equal(sqlite3_exec(h->db, sql, take_number, &n, NULL), SQLITE_OK);
	return n;
}

#endif
