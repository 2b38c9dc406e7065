// SPDX-License-Identifier: GPL-2.0-only
/* A side of a comparison: from the history, or from a bundle, which must be intact. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "user/base/text.h"
#include "user/core/evidence/bundle_check.h"
#include "user/core/evidence/compare.h"

#define REPORT_MAX (16U << 20)

static int take(void *arg, const struct fw_incident_source *s)
{
	struct fw_compare_side *side = arg;

	return fw_compare_add(s->proven ? &side->proven : &side->other, s->addr_be);
}

/* Sets, not lists: an address may be there twice, counted and sampled. */
static void settle(struct fw_compare_side *side)
{
	fw_compare_sort(&side->proven);
	fw_compare_sort(&side->other);
}

int fw_compare_read_incident(struct fw_compare_side *side, struct fw_history *h, __s64 id,
			     struct fw_when now, struct fw_err *err)
{
	struct fw_report *report = NULL;
	int r = fw_report_read(h, id, now, &report, err);

	if (r)
		return r;
	snprintf(side->name, sizeof(side->name), "incident %lld", (long long)id);
	side->report = fw_report_json(report);
	fw_report_free(report);
	if (!side->report)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r = fw_incident_each_source(h, id, true, 0, take, side, err);
	if (!r)
		r = fw_incident_each_source(h, id, false, 0, take, side, err);
	settle(side);
	return r;
}

/* Offset and length of a record's content, from header to header of a bundle that was checked. */
static int find(int fd, const char *name, __u64 *ret_at, __u64 *ret_size)
{
	char block[FW_TAR_BLOCK];
	struct fw_tar_head head;
	__u64 at = 0;
	int r;

	for (;;) {
		r = fw_bundle_read(fd, block, sizeof(block), at);
		if (!r)
			r = fw_tar_head_get(block, &head);
		if (r)
			return r == -ENODATA ? -ENOENT : r;
		at += FW_TAR_BLOCK;
		if (!strcmp(head.name, name)) {
			*ret_at = at;
			*ret_size = head.size;
			return 0;
		}
		at += head.size + fw_tar_padding(head.size);
	}
}

static int read_report(struct fw_compare_side *side, int fd)
{
	__u64 at, size;
	char *text;
	int r = find(fd, "report.json", &at, &size);

	if (r)
		return r;
	text = size <= REPORT_MAX ? malloc((size_t)size) : NULL;
	if (!text)
		return -ENOMEM;
	r = fw_bundle_read(fd, text, (size_t)size, at);
	if (!r)
		side->report = json_loadb(text, (size_t)size, 0, NULL);
	free(text);
	return r ? r : side->report ? 0 : -EBADMSG;
}

/* Address and standing are the first two fields, and neither is ever quoted. */
static int read_line(struct fw_compare_side *side, char *line)
{
	char *standing = strchr(line, ','), *end = standing ? strchr(standing + 1, ',') : NULL;
	__be32 addr_be[4];
	char *slash;

	if (!end)
		return -EBADMSG;
	*standing++ = '\0';
	*end = '\0';
	slash = strchr(line, '/');
	if (slash)
		*slash = '\0';
	if (fw_text_addr(line, addr_be, NULL))
		return -EBADMSG;
	return fw_compare_add(!strcmp(standing, "proven") ? &side->proven : &side->other, addr_be);
}

static int read_sources(struct fw_compare_side *side, int fd)
{
	__u64 at, size, used = 0;
	size_t room = 0;
	char *line = NULL;
	int r = find(fd, "sources.csv", &at, &size), copy;
	ssize_t n;
	FILE *in;

	if (r)
		return r;
	copy = dup(fd);
	in = copy < 0 ? NULL : fdopen(copy, "r");
	if (!in) {
		r = -errno;
		if (copy >= 0)
			close(copy);
		return r;
	}
	if (fseeko(in, (off_t)at, SEEK_SET))
		r = -errno;
	for (bool head = true; !r && used < size; head = false) {
		n = getline(&line, &room, in);
		if (n <= 0)
			r = -EIO;
		else if (!head)
			r = read_line(side, line);
		used += n > 0 ? (__u64)n : 0;
	}
	free(line);
	fclose(in);
	return r;
}

static int check(int fd, const char *path, struct fw_err *err)
{
	struct fw_bundle_check *c = malloc(sizeof(*c));
	int r;

	if (!c)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	r = fw_bundle_check(fd, NULL, NULL, NULL, c, err);
	if (r)
		fw_err_prepend(err, "%s", path);
	else if (!c->intact)
		r = fw_err_set(err, -EPROTO,
			       "floodwall incident verify FILE names what was changed",
			       "%s is not intact: %s", path, c->finding[0].text);
	free(c);
	return r;
}

int fw_compare_read_bundle(struct fw_compare_side *side, const char *path, struct fw_err *err)
{
	char *copy = strdup(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r; /* a pipe is not waited for */

	side->bundle = true;
	if (copy)
		fw_text_clean(side->name, sizeof(side->name), basename(copy));
	free(copy);
	if (fd < 0)
		return fw_err_set_file(err, -errno, NULL, "cannot open %s: %s", path,
				       strerror(errno));
	r = check(fd, path, err);
	if (r)
		goto out;
	r = read_report(side, fd);
	if (!r)
		r = read_sources(side, fd);
	if (r)
		fw_err_set(err, r, NULL, "cannot read %s: %s", path, strerror(-r));
	settle(side);
out:
	close(fd);
	return r;
}

void fw_compare_free(struct fw_compare_side *side)
{
	json_decref(side->report);
	free(side->proven.addr);
	free(side->other.addr);
}
