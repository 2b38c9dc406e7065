// SPDX-License-Identifier: GPL-2.0-only
/*
 * driver POLICY: the shipped program with the policy file's model and lanes, in a network namespace
 * that has no socket. Reads batches of frames from stdin (u32 count; each: u64 program time in ns,
 * u32 length, bytes) and answers each frame on descriptor 3 with four bytes: action, reason,
 * service, and whether it is in an account of its source. A first line there names the reasons by
 * number, a second one the services.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/lib/prog.h"
#include "user/policy/file.h"

#define FRAME_MAX 4096

static FILE *answers;

static char *slurp(const char *path, size_t *ret_size)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(text);
	*ret_size = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

static void read_policy(struct prog *prog, const char *path)
{
	struct fw_file_context context = {
		.clock = { PROG_TIME0, 1700000000 * SECOND },
		.tick_ns = prog->obj->meta.tick_ns,
	};
	struct fw_problems problems = {};
	struct fw_file file = {};
	struct fw_err err = {};
	struct fw_apply *apply;
	size_t size;
	char *text = slurp(path, &size);

	if (fw_file_parse(path, text, size, &context, &file, &problems, &err))
		fail_msg("%s (%s)", err.msg, problems.count ? problems.at[0].err.msg : "");
	apply = prog_edit(prog);
	*apply->model = *file.model;
	if (fw_prefixes_load(&apply->prefixes, file.lanes.at, file.lanes.count, file.lanes.why,
			     file.lanes.whys, &err))
		fail_msg("%s", err.msg);
	prog_commit(prog, apply, FW_APPLY_POLICY | FW_APPLY_LANES);
	for (int i = 0; i < FW_R_MAX; i++)
		fprintf(answers, "%s%c", prog_reason_name((__u32)i), i + 1 < FW_R_MAX ? ' ' : '\n');
	for (int i = 0; i < FW_SERVICE_MAX; i++)
		fprintf(answers, "%s%c",
			file.model->service[i].name[0] ? file.model->service[i].name : "-",
			i + 1 < FW_SERVICE_MAX ? ' ' : '\n');
	fflush(answers);
	fw_problems_free(&problems);
	fw_file_free(&file);
	free(text);
}

static void get(void *to, size_t size)
{
	if (fread(to, size, 1, stdin) != 1)
		fail_msg("the batch ends early");
}

static void run_batch(struct prog *prog, __u32 count)
{
	static __u8 data[FRAME_MAX];
	__u64 before = prog_booked(prog), after;

	while (count--) {
		struct outcome out;
		__u64 at_ns;
		__u32 len;

		get(&at_ns, sizeof(at_ns));
		get(&len, sizeof(len));
		assert_in_range(len, 14, FRAME_MAX);
		get(data, len);
		prog_clock(prog, PROG_TIME0 + at_ns);
		out = prog_run(prog, data, len);
		putc(out.action, answers);
		putc((int)out.reason, answers);
		putc((int)out.service, answers);
		after = prog_booked(prog);
		putc((int)(after - before), answers);
		before = after;
	}
	fflush(answers);
}

static void run(void **state)
{
	static const struct prog_opts opts = {
		.sizes = { .sources4 = 262144, .sources6 = 262144 },
		.clock = PROG_CLOCK_VIRTUAL,
	};
	struct prog *prog;
	__u32 count;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	prog = prog_open(&opts);
	prog_reset(prog);
	read_policy(prog, *state);
	while (fread(&count, sizeof(count), 1, stdin) == 1)
		run_batch(prog, count);
	prog_finish(prog);
	prog_close(prog);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{ "driver", run, NULL, NULL, argc > 1 ? argv[1] : NULL },
	};

	if (argc != 2) {
		fprintf(stderr, "usage: driver POLICY <FRAMES 3>ANSWERS\n");
		return 1;
	}
	answers = fdopen(3, "w");
	if (!answers) {
		fprintf(stderr, "driver: descriptor 3 is not open\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
