// SPDX-License-Identifier: GPL-2.0-only
/*
 * import: a list of prefixes, one a line, into a lane in one generation: all of it, or after one
 * bad line none of it. The file is read before the lock is taken, so a slow pipe holds nobody up.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/lane.h"
#include "user/policy/import.h"

#define LIST_MAX (256UL << 20) /* a million lines with comments are some 50 MB */

/* A line on the terminal that says what goes on; done (n 0) takes it away again. */
static void progress(const struct fw_cli *cli, const char *what, size_t n)
{
	char number[FW_TEXT_LEN];

	if (cli->json || !isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (n)
		fprintf(stderr, "%s %s prefixes", what,
			fw_text_put_about(number, sizeof(number), (double)n));
	fflush(stderr);
}

static int read_all(struct fw_cli *cli, int fd, const char *name, char **ret, size_t *ret_size)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);

	while (text) {
		ssize_t got = read(fd, text + size, room - size);
		char *more = text;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = -(errno ?: EIO);

			free(text);
			return fw_err_set(&cli->err, err, NULL, "%s: cannot be read: %s", name,
					  strerror(-err));
		}
		size += (size_t)got;
		if (!got) {
			*ret = text;
			*ret_size = size;
			return 0;
		}
		if (size > LIST_MAX) {
			free(text);
			return fw_err_set(&cli->err, -E2BIG, NULL, "%s: longer than %lu MB", name,
					  LIST_MAX >> 20);
		}
		if (size == room) {
			room *= 2;
			more = realloc(text, room);
		}
		if (!more)
			break;
		text = more;
	}
	free(text);
	return fw_err_set(&cli->err, -ENOMEM, NULL, "%s: no memory to read it", name);
}

static int read_file(struct fw_cli *cli, const char *name, char **ret, size_t *ret_size)
{
	struct stat st;
	int fd, err;

	if (!strcmp(name, "-"))
		return read_all(cli, STDIN_FILENO, "standard input", ret, ret_size);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		err = errno ?: EIO;
		if (fd >= 0)
			close(fd);
		return fw_err_set_file(&cli->err, -err, NULL, "%s: cannot be read: %s", name,
				       strerror(err));
	}
	if (S_ISDIR(st.st_mode))
		err = fw_err_set(&cli->err, -EINVAL, NULL, "%s: is a directory, not a list", name);
	else
		err = read_all(cli, fd, name, ret, ret_size);
	close(fd);
	return err;
}

/* All problems, not the first alone: whoever mends a list wants to mend it once. */
static void show_problems(struct fw_cli *cli, const char *name,
			  const struct fw_import_report *report)
{
	size_t shown = report->problems < FW_IMPORT_SHOWN ? report->problems : FW_IMPORT_SHOWN;
	char clean[PATH_MAX];

	for (size_t i = 0; i < shown; i++) {
		const struct fw_import_problem *p = &report->problem[i];

		if (!cli->json) {
			fprintf(stderr, "%s:%zu:%zu: %s\n",
				fw_text_clean(clean, sizeof(clean), name), p->line, p->col,
				p->err.msg);
			continue;
		}
		if (!cli->problems)
			cli->problems = json_array();
		(void)fw_json_push(cli->problems, /* the error itself is said in any case */
				   json_pack("{s:I,s:I,s:o}", "line", (json_int_t)p->line, "column",
					     (json_int_t)p->col, "message",
					     fw_json_text(p->err.msg)));
	}
	if (cli->json)
		return;
	if (report->problems > shown)
		fprintf(stderr, "... and %zu more\n", report->problems - shown);
	fw_err_set(&cli->err, -EINVAL, cli->err.hint,
		   "%s: %zu of %zu lines are wrong; nothing was changed", name, report->problems,
		   report->lines);
}

/* What came with the list and is a large part of the Internet. */
static int check_widths(struct fw_cli *cli, const struct fw_prefixes *set, enum fw_lane lane,
			__u32 now_s)
{
	for (size_t i = 0; i < set->count; i++) {
		bool came = set->at[i].lane == lane && set->at[i].since_s == now_s;
		int err = came ? fw_lane_check_width(cli, &set->at[i]) : 0;

		if (err)
			return err;
	}
	return 0;
}

struct import {
	const char *name, *text, *class_name;
	size_t size, dropped; /* dropped: by --replace */
	struct fw_import_report report;
	struct fw_prefix how;
};

static int import_done(struct fw_cli *cli, const struct fw_edit *edit, const struct import *im)
{
	const struct fw_import_report *r = &im->report;
	enum fw_lane lane = im->how.lane;
	size_t total = fw_prefixes_count(&edit->apply.prefixes, lane, -1);
	char until[128], gone[64] = "", again[64] = "", twice[64] = "";
	json_t *doc = NULL;

	if (cli->json)
		doc = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:i}", "lane",
				fw_model_lane_name(lane), "lines", (json_int_t)r->lines, "added",
				(json_int_t)r->added, "replaced", (json_int_t)r->replaced,
				"repeated", (json_int_t)r->repeated, "removed",
				(json_int_t)im->dropped, "total", (json_int_t)total, "until",
				fw_lane_time_json(&edit->maps, im->how.until_s), "generation",
				(int)FW_LIVE_GENERATION(edit->apply.live));
	if (im->dropped)
		snprintf(gone, sizeof(gone), ", in place of %zu", im->dropped);
	if (r->repeated)
		snprintf(twice, sizeof(twice), ", %zu repeated", r->repeated);
	if (r->replaced)
		snprintf(again, sizeof(again), ", %zu renewed", r->replaced);
	return fw_cli_done(cli, doc, "%zu prefix%s %s%s%s%s: %zu new%s%s%s; %zu in all",
			   r->added + r->replaced, r->added + r->replaced == 1 ? "" : "es",
			   fw_lane_words[lane].done, im->class_name ? " " : "",
			   im->class_name ? im->class_name : "",
			   fw_lane_put_until(until, sizeof(until), edit, &im->how), r->added, again,
			   twice, gone, total);
}

static int change(struct fw_cli *cli, struct fw_edit *edit, struct import *im)
{
	struct fw_prefixes *set = &edit->apply.prefixes;
	bool force = fw_cli_option(cli, "force");
	int err;

	progress(cli, "reading about", im->size / 16 + 1);
	if (fw_cli_option(cli, "replace"))
		im->dropped = fw_prefixes_flush(set, im->how.lane,
						im->how.lane == FW_LANE_CLASS ? im->how.class : -1);
	err = fw_import_text(im->name, im->text, im->size, &im->how, fw_cli_option(cli, "why"), set,
			     &im->report, &cli->err);
	if (err) {
		progress(cli, "", 0);
		if (im->report.problems > 1)
			show_problems(cli, im->name, &im->report);
		return err;
	}
	/* A download that failed leaves an empty file; that must not lift every block. */
	if (!im->report.prefixes)
		return fw_err_set(&cli->err, -EINVAL,
				  fw_cli_option(cli, "replace") ? "to empty the list, say flush"
								: NULL,
				  "%s: no prefix in it; nothing was changed", im->name);
	err = force ? 0 : check_widths(cli, set, im->how.lane, edit->apply.now_s);
	if (err)
		return err;
	progress(cli, "writing", set->count);
	return fw_edit_commit(cli, edit, FW_APPLY_LANES);
}

int fw_lane_import(struct fw_cli *cli, int argc, char **argv)
{
	enum fw_lane lane = (enum fw_lane)cli->command->tag;
	bool classed = lane == FW_LANE_CLASS;
	struct import im = { .name = argv[argc - 1], .class_name = classed ? argv[0] : NULL };
	struct fw_edit edit = { .lock = -1 };
	char *text = NULL;
	int err, class = 0;

	err = read_file(cli, im.name, &text, &im.size);
	if (err == -ENOENT && classed && !access(argv[0], F_OK))
		return fw_cli_usage(cli, "the class comes first: class import %.40s %.160s",
				    argv[1], argv[0]);
	if (err || !text)
		return err;
	if (!strcmp(im.name, "-"))
		im.name = "standard input";
	if (memchr(text, '\0', im.size)) {
		err = fw_err_set(&cli->err, -EINVAL, "a list is text, one prefix a line",
				 "%s: is not a text file", im.name);
		goto out;
	}
	im.text = text;
	err = fw_edit_begin(cli, classed ? FW_APPLY_LANES | FW_APPLY_POLICY : FW_APPLY_LANES,
			    &edit);
	if (!err)
		err = fw_lane_options(cli, lane, &edit, &im.how);
	if (!err && classed)
		err = fw_lane_class(cli, edit.apply.model, argv[0], &class);
	im.how.class = (__u8) class;
	if (!err)
		err = change(cli, &edit, &im);
	progress(cli, "", 0);
	if (!err) {
		fw_lane_warn_outweighed(cli, &edit.apply.prefixes, lane,
					&(struct fw_lane_news){ .now_s = edit.apply.now_s });
		err = import_done(cli, &edit, &im);
	}
out:
	fw_edit_end(&edit);
	free(text);
	return err;
}
