// SPDX-License-Identifier: GPL-2.0-only
/* Files for the reader of the policy: bounded, whole, and never a device or a pipe that hangs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/core/policy_record.h"

static int read_fd(int fd, size_t size, char **ret, size_t *ret_size)
{
	char *text = malloc(size + 1);
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	while (used < size) {
		ssize_t got = read(fd, text + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int r = -errno;

			free(text);
			return r;
		}
		if (!got)
			break;
		used += (size_t)got;
	}
	text[used] = '\0';
	*ret = text;
	*ret_size = used;
	return 0;
}

int fw_policy_load(const char *path, char **ret_text, size_t *ret_size, struct fw_err *err)
{
	struct stat st = { 0 };
	bool said = false;
	int fd, r = 0;

	/* Not to wait for a writer of a pipe; plain files ignore it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		r = -errno;
	else if ((said = !S_ISREG(st.st_mode)))
		r = fw_err_set(err, -EINVAL, NULL, "%s is not a plain file", path);
	else if ((said = st.st_size > (off_t)FW_FILE_SIZE_MAX))
		r = fw_err_set(err, -E2BIG, NULL, "%s is longer than %lu MB", path,
			       FW_FILE_SIZE_MAX >> 20);
	if (!r)
		r = read_fd(fd, (size_t)st.st_size, ret_text, ret_size);
	if (fd >= 0)
		close(fd);
	if (r && !said)
		return fw_err_set_file(err, r, NULL, "%s cannot be read: %s", path, strerror(-r));
	return r;
}

struct lists {
	const char *path; /* of the policy file */
	size_t total;	  /* bytes of all lists */
	__u64 hash;
	char *names; /* a line each; NULL: none yet */
	bool gone;   /* one could not be read */
};

static int note_list(struct lists *lists, const char *path)
{
	char *grown = NULL;

	if (asprintf(&grown, "%s%s\n", lists->names ?: "", path) < 0)
		return -ENOMEM;
	free(lists->names);
	lists->names = grown;
	return 0;
}

static int load_list(void *arg, const char *path, char **ret_text, size_t *ret_size,
		     struct fw_err *err)
{
	struct lists *lists = arg;
	const char *slash = strrchr(lists->path, '/');
	char whole[PATH_MAX];
	int len = *path == '/' || !slash ? 0 : (int)(slash - lists->path) + 1, r;

	if (snprintf(whole, sizeof(whole), "%.*s%s", len, lists->path, path) >= PATH_MAX)
		return fw_err_set(err, -ENAMETOOLONG, NULL, "%.80s...: the path is too long", path);
	r = fw_policy_load(whole, ret_text, ret_size, err);
	if (r == -ENOENT && len && err)
		snprintf(err->hint, sizeof(err->hint),
			 "is the name right? Without a / in front it begins where the policy file "
			 "is");
	if (r)
		return r;
	lists->total += *ret_size;
	lists->hash = fw_policy_hash_bytes(lists->hash, *ret_text, *ret_size);
	if (lists->total <= FW_FILE_SIZE_MAX && !note_list(lists, whole))
		return 0;
	free(*ret_text);
	*ret_text = NULL;
	return fw_err_set(err, -E2BIG, NULL, "the lists together are longer than %lu MB",
			  FW_FILE_SIZE_MAX >> 20);
}

/* Its bytes count, what it lists does not: a million prefixes take a second to read. */
static int hash_list(void *arg, const char *path, char **ret_text, size_t *ret_size,
		     struct fw_err *err)
{
	struct lists *lists = arg;
	int r = load_list(arg, path, ret_text, ret_size, err);

	lists->gone |= r != 0;
	if (!r)
		*ret_size = 0;
	return r;
}

int fw_policy_file_hash(const char *path, __u64 realtime_ns, __u64 *ret_hash)
{
	struct lists lists = { .path = path };
	struct fw_file_loader loader = { hash_list, &lists };
	struct fw_file_context context = { .clock = { fw_clock_now(), realtime_ns },
					   .tick_ns = fw_clock_tick(),
					   .loader = &loader };
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	char *text = NULL;
	size_t size = 0;
	int r = fw_policy_load(path, &text, &size, NULL);

	if (r)
		return r;
	lists.hash = fw_policy_hash_bytes(0, text, size);
	(void)fw_file_parse(path, text, size, &context, &file, &problems,
			    NULL); /* as far as it goes */
	*ret_hash = lists.hash;
	fw_file_free(&file);
	fw_problems_free(&problems);
	free(lists.names);
	free(text);
	return lists.gone ? -ENOENT : 0;
}

/* Takes text. */
static int parse(const char *path, char *text, size_t size, const struct fw_policy_seen *seen,
		 struct fw_file *ret, struct fw_problems *problems, struct fw_err *err)
{
	struct lists lists = { .path = path, .hash = fw_policy_hash_bytes(0, text, size) };
	struct fw_file_loader loader = { load_list, &lists };
	struct fw_file_context context = { seen->clock, fw_clock_tick(), &loader, seen->session,
					   seen->host };
	int r = fw_file_parse(path, text, size, &context, ret, problems, err);

	if (!r) {
		ret->hash = lists.hash;
		ret->lists = lists.names;
		lists.names = NULL;
	}
	free(lists.names);
	free(text);
	return r;
}

int fw_policy_read_file_for(const char *path, const struct fw_policy_seen *seen,
			    struct fw_file *ret, struct fw_problems *problems, struct fw_err *err)
{
	char *text = NULL;
	size_t size = 0;
	int r = fw_policy_load(path, &text, &size, err);

	if (r == -ENOENT)
		fw_err_set_file(err, r, "floodwall policy save FILE writes what runs",
				"there is no policy file %s", path);
	return r ?: parse(path, text, size, seen, ret, problems, err);
}

int fw_policy_read_fd_for(int fd, const char *name, const struct fw_policy_seen *seen,
			  struct fw_file *ret, struct fw_problems *problems, struct fw_err *err)
{
	char *text = NULL;
	size_t size = 0;
	int r = read_fd(fd, FW_FILE_SIZE_MAX, &text, &size);

	if (r)
		return fw_err_set_file(err, r, NULL, "%s cannot be read: %s", name, strerror(-r));
	if (size < FW_FILE_SIZE_MAX)
		return parse(name, text, size, seen, ret, problems, err);
	free(text);
	return fw_err_set(err, -E2BIG, NULL, "%s is longer than %lu MB", name,
			  FW_FILE_SIZE_MAX >> 20);
}

int fw_policy_read_file(const char *path, struct fw_file_clock clock, struct fw_file *ret,
			struct fw_problems *problems, struct fw_err *err)
{
	return fw_policy_read_file_for(path, &(struct fw_policy_seen){ .clock = clock }, ret,
				       problems, err);
}

struct fw_file_clock fw_policy_clock(const struct fw_maps *maps)
{
	return (struct fw_file_clock){ maps ? fw_apply_now(maps) : fw_clock_now(),
				       fw_clock_realtime() };
}
