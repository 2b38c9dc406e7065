// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of the log of sources: made, appended to, found, read and removed. A file with a torn end
 * is left as it is: whoever goes on makes a new one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <endian.h>

#include "user/core/record/source_log.h"

#define MAGIC	"fwsrcs\r\n"
#define VERSION 1
#define MARK	"-sources-"

struct head {
	char magic[8];
	__le32 version, number;
	__le64 incident;
};
_Static_assert(sizeof(struct head) == FW_SOURCE_LOG_HEAD, "head of a file");

struct fw_source_log {
	int fd;
	__s64 incident;
	__u32 number;
	__u64 size;
	unsigned char hash[FW_SOURCE_LOG_HASH];
	char history[PATH_MAX];
};

static void name_of(char buf[PATH_MAX], const char *history, __s64 incident, __u32 number)
{
	snprintf(buf, PATH_MAX, "%s" MARK "%lld.%u", history, (long long)incident, number);
}

static DIR *open_folder(const char *history, const char **ret_base)
{
	const char *slash = strrchr(history, '/');
	char folder[PATH_MAX];

	*ret_base = slash ? slash + 1 : history;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - history) + 1 : 1,
		 slash ? history : ".");
	return opendir(folder);
}

/* Every file of a history's incidents, in no order; each() non-zero ends it. */
typedef int (*each_file)(void *arg, __s64 incident, __u32 number);

static void walk(const char *history, each_file each, void *arg)
{
	const char *base;
	DIR *dir = open_folder(history, &base);
	size_t len = strlen(base);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		long long incident;
		unsigned int number;
		int end = 0;

		if (strncmp(e->d_name, base, len) != 0 ||
		    sscanf(e->d_name + len, MARK "%lld.%u%n", &incident, &number, &end) != 2 ||
		    !end || e->d_name[len + (size_t)end] || incident < 1)
			continue;
		if (each(arg, incident, number))
			break;
	}
	if (dir)
		closedir(dir);
}

struct find {
	const char *history;
	__s64 incident;	   /* 0: any */
	__u32 from, below; /* numbers */
	__u32 least, most;
	__s64 least_incident;
	__u64 bytes;
	bool any;
};

static int look(void *arg, __s64 incident, __u32 number)
{
	struct find *f = arg;
	char path[PATH_MAX];
	struct stat st;

	if ((f->incident && incident != f->incident) || number < f->from || number >= f->below)
		return 0;
	name_of(path, f->history, incident, number);
	f->bytes += stat(path, &st) ? 0 : (__u64)st.st_size;
	f->least = !f->any || number < f->least ? number : f->least;
	f->most = !f->any || number > f->most ? number : f->most;
	f->any = true;
	return 0;
}

static struct find find(const char *history, __s64 incident, __u32 from)
{
	struct find f = { .history = history, .incident = incident, .from = from, .below = ~0U };

	walk(history, look, &f);
	return f;
}

__u64 fw_source_log_bytes(const char *history)
{
	return find(history, 0, 0).bytes;
}

static int take_least(void *arg, __s64 incident, __u32 number)
{
	struct find *f = arg;

	(void)number;
	if (incident > f->incident && (!f->least_incident || incident < f->least_incident))
		f->least_incident = incident;
	return 0;
}

__s64 fw_source_log_first(const char *history, __s64 after)
{
	struct find f = { .incident = after };

	walk(history, take_least, &f);
	return f.least_incident;
}

static int drop(void *arg, __s64 incident, __u32 number)
{
	const struct find *f = arg;
	char path[PATH_MAX];

	name_of(path, f->history, incident, number);
	if (incident == f->incident && number < f->below)
		unlink(path);
	return 0;
}

void fw_source_log_remove(const char *history, __s64 incident)
{
	struct find f = { .history = history, .incident = incident, .below = ~0U };

	walk(history, drop, &f);
}

void fw_source_log_drop_older(struct fw_source_log *log)
{
	struct find f = { .history = log->history,
			  .incident = log->incident,
			  .below = log->number };

	walk(log->history, drop, &f);
}

__s64 fw_source_log_incident(const struct fw_source_log *log)
{
	return log->incident;
}

__u64 fw_source_log_size(const struct fw_source_log *log)
{
	return log->size;
}

/* All of it on the disk, or the file as it was. */
static int put(struct fw_source_log *log, const void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(log->fd, (const char *)bytes + done, len - done,
				   (off_t)(log->size + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == len && !fdatasync(log->fd)) {
		log->size += len;
		return 0;
	}
	done = (size_t)(errno ?: EIO);
	if (ftruncate(log->fd, (off_t)log->size)) /* a torn end harms no reader, but says enough */
		done = EIO;
	return done == EDQUOT ? -ENOSPC : -(int)done;
}

/* The file's name, too, is to be there after a power cut. */
static void sync_folder(const char *history)
{
	const char *base;
	DIR *dir = open_folder(history, &base);

	if (dir) {
		(void)fsync(dirfd(dir)); /* some cannot */
		closedir(dir);
	}
}

static int fail(int code, const char *history, struct fw_err *err)
{
	return fw_err_set(
		err, code, code == -ENOSPC ? "make room on the disk; filtering goes on" : NULL,
		"cannot write the log of sources beside %s: %s", history, strerror(-code));
}

int fw_source_log_begin(const char *history, __s64 incident, struct fw_source_log **ret,
			struct fw_err *err)
{
	struct fw_source_log *log = calloc(1, sizeof(*log));
	struct find f = find(history, incident, 0);
	struct head head = { .magic = MAGIC, .version = htole32(VERSION) };
	char path[PATH_MAX + 32];
	int r;

	if (!log || sodium_init() < 0) {
		free(log);
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the log of sources");
	}
	log->incident = incident;
	log->number = f.any ? f.most + 1 : 1;
	head.incident = htole64((__u64)incident);
	head.number = htole32(log->number);
	snprintf(log->history, sizeof(log->history), "%s", history);
	name_of(path, history, incident, log->number);
	log->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = log->fd < 0 ? -errno : put(log, &head, sizeof(head));
	if (r) {
		if (log->fd >= 0)
			unlink(path);
		fw_source_log_close(log);
		return fail(r, history, err);
	}
	sync_folder(history);
	fw_source_frame_root(&head, log->hash);
	*ret = log;
	return 0;
}

int fw_source_log_append(struct fw_source_log *log, struct fw_source_frame *f, struct fw_err *err)
{
	unsigned char hash[FW_SOURCE_LOG_HASH];
	int r;

	if (!f->count)
		return 0;
	memcpy(hash, log->hash, sizeof(hash));
	fw_source_frame_seal(f, hash);
	r = put(log, f->buf, f->len);
	if (r)
		return fail(r, log->history, err);
	memcpy(log->hash, hash, sizeof(hash));
	return 0;
}

void fw_source_log_close(struct fw_source_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log);
}

/* A file for reading, at what it is now: a second later there is more of it. */
struct map {
	const unsigned char *bytes;
	size_t size;
};

static int open_map(const char *history, __s64 incident, __u32 number, struct map *ret)
{
	char path[PATH_MAX];
	struct stat st;
	void *mem;
	int fd;

	name_of(path, history, incident, number);
	*ret = (struct map){};
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	if (st.st_size < (off_t)sizeof(struct head)) { /* power went as it was made */
		close(fd);
		return 0;
	}
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (mem == MAP_FAILED)
		return -errno;
	*ret = (struct map){ mem, (size_t)st.st_size };
	return 0;
}

static bool is_ours(const struct map *m, __s64 incident)
{
	struct head head;

	if (!m->size)
		return false;
	memcpy(&head, m->bytes, sizeof(head));
	return !memcmp(head.magic, MAGIC, sizeof(head.magic)) && le32toh(head.version) == VERSION &&
	       le64toh(head.incident) == (__u64)incident;
}

static int read_map(const struct map *m,
		    int (*each)(void *arg, const struct fw_incident_source *source), void *arg)
{
	unsigned char hash[FW_SOURCE_LOG_HASH];
	size_t at = FW_SOURCE_LOG_HEAD;
	int r = 0;

	fw_source_frame_root(m->bytes, hash);
	while (!r && m->size - at >= FW_SOURCE_LOG_FRAME) {
		const unsigned char *frame = m->bytes + at;

		r = fw_source_frame_read(frame, m->size - at, hash, each, arg);
		at += r ? 0 : fw_source_frame_size(frame);
	}
	return r == -EBADMSG ? 0 : r; /* here it ends */
}

int fw_source_log_each(const char *history, __s64 incident,
		       int (*each)(void *arg, const struct fw_incident_source *source), void *arg,
		       struct fw_err *err)
{
	struct find f = find(history, incident, 0);
	int r = sodium_init() < 0 ? -EIO : 0;

	for (__u32 n = f.least; f.any && n <= f.most && !r; n++) {
		struct map m;

		r = open_map(history, incident, n, &m);
		if (r == -ENOENT) { /* a newer one has all of it meanwhile */
			f = find(history, incident, n);
			n = f.any ? f.least - 1 : n;
			r = 0;
			continue;
		}
		if (!r && is_ours(&m, incident))
			r = read_map(&m, each, arg);
		if (m.bytes)
			munmap((void *)m.bytes, m.size);
	}
	return r < 0 && (!err || !*err->msg)
		       ? fw_err_set(err, r, NULL, "cannot read the log of sources beside %s: %s",
				    history, strerror(-r))
		       : r;
}

bool fw_source_log_totals(const char *history, __s64 incident, __u64 *ret_proven, __u64 *ret_other)
{
	struct find f = find(history, incident, 0);
	bool any = false;

	/* The newest file with a frame: one just begun has none. */
	for (__u32 n = f.most; f.any && n >= f.least && n && !any; n--) {
		size_t at = FW_SOURCE_LOG_HEAD, len;
		struct map m;

		if (open_map(history, incident, n, &m))
			continue;
		while (is_ours(&m, incident) && m.size - at >= FW_SOURCE_LOG_FRAME &&
		       (len = fw_source_frame_size(m.bytes + at)) && len <= m.size - at) {
			fw_source_frame_totals(m.bytes + at, ret_proven, ret_other);
			any = true;
			at += len;
		}
		if (m.bytes)
			munmap((void *)m.bytes, m.size);
	}
	return any;
}
