// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, making and closing the file, and its transactions. Commits wait for the disk
 * (synchronous FULL), so that a power cut takes the last second and no more.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/core/record/history_sql.h"

#define BUSY_MS 3000

const char *fw_history_path(const char *opt)
{
	const char *env = getenv(FW_HISTORY_ENV), *state = getenv("STATE_DIRECTORY");
	static char path[PATH_MAX];

	if (opt)
		return opt;
	if (env && *env)
		return env;
	if (!state || *state != '/' || strchr(state, ':'))
		return FW_HISTORY_DEFAULT;
	snprintf(path, sizeof(path), "%s/history.db", state); /* as systemd names it */
	return path;
}

/* The directory, one level, if it is not there: /var/lib is. */
static int make_folder(const char *path, struct fw_err *err)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0700) && errno != EEXIST)
		return fw_err_set(err, -errno, "name another file, or make the directory",
				  "cannot make %s for the history: %s", folder, strerror(errno));
	return 0;
}

static int exec(struct fw_history *h, const char *sql, const char *what, struct fw_err *err)
{
	int r = sqlite3_exec(h->db, sql, NULL, NULL, NULL);

	return r ? fw_history_fail(h, r, what, err) : 0;
}

static int make_schema(struct fw_history *h, __s64 version, struct fw_err *err)
{
	char pragma[64];
	int r;

	if (version == FW_HISTORY_SCHEMA)
		return 0;
	r = exec(h, "BEGIN IMMEDIATE", "write the history", err);
	if (r)
		return r;
	/* Somebody else may have been faster. */
	r = fw_sql_number(h, "SELECT user_version FROM pragma_user_version", &version, err, "");
	if (!r && version != FW_HISTORY_SCHEMA) {
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", FW_HISTORY_SCHEMA);
		r = exec(h, fw_history_schema, "make the history", err);
		if (!r)
			r = fw_history_describe(h, err);
		if (!r)
			r = exec(h, pragma, "make the history", err);
	}
	if (!r)
		r = exec(h, "COMMIT", "make the history", err);
	if (r)
		fw_history_rollback(h);
	return r;
}

static int check_version(struct fw_history *h, const char *path, struct fw_err *err)
{
	__s64 version, tables;
	int r = fw_sql_number(h, "SELECT user_version FROM pragma_user_version", &version, err, "");

	if (!r)
		r = fw_sql_number(h, "SELECT count(*) FROM sqlite_master", &tables, err, "");
	if (r) {
		fw_err_prepend(err, "%s", path);
		return r;
	}
	if (version > FW_HISTORY_SCHEMA)
		return fw_err_set(err, -EPROTO, "use the floodwall that wrote it",
				  "%s is of a newer floodwall (schema %lld, this one knows %d)",
				  path, (long long)version, FW_HISTORY_SCHEMA);
	if (!version && tables)
		return fw_err_set(err, -EPROTO, "name another file",
				  "%s is an SQLite file, but no history of floodwall", path);
	if (h->write)
		return make_schema(h, version, err);
	if (!version)
		return fw_err_set(err, -ENOENT, "start the recorder: floodwall run",
				  "%s holds no history yet", path);
	return 0;
}

static int set_up(struct fw_history *h, const char *path, struct fw_err *err)
{
	int r = 0;

	sqlite3_busy_timeout(h->db, BUSY_MS);
	sqlite3_extended_result_codes(h->db, 1);
	if (h->write) {
		r = exec(h, "PRAGMA auto_vacuum = INCREMENTAL", "open the history", err);
		if (!r)
			r = exec(h, "PRAGMA journal_mode = WAL", "open the history", err);
		if (!r)
			r = exec(h,
				 "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;"
				 "PRAGMA wal_autocheckpoint = 512; PRAGMA cache_size = -1024",
				 "open the history", err);
		if (r) {
			fw_err_prepend(err, "%s", path);
			return r;
		}
	}
	return check_version(h, path, err);
}

/* A copy on a read-only medium has nobody to share with. */
static int open_frozen(const char *path, struct sqlite3 **ret)
{
	char *uri = sqlite3_mprintf("file:%q?immutable=1", path);
	int r;

	if (!uri)
		return SQLITE_NOMEM;
	r = sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	sqlite3_free(uri);
	return r;
}

static int open_file(struct fw_history *h, const char *path)
{
	int flags = h->write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	mode_t old = umask(0077);
	int r = sqlite3_open_v2(path, &h->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	umask(old);
	if (!r)
		r = sqlite3_exec(h->db, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, NULL);
	if ((r == SQLITE_CANTOPEN || r == SQLITE_READONLY) && !h->write) {
		sqlite3_close(h->db);
		h->db = NULL;
		r = open_frozen(path, &h->db);
	}
	return r;
}

int fw_history_open(const char *path, bool write, struct fw_history **ret, struct fw_err *err)
{
	struct fw_history *h;
	int r;

	if (!write && access(path, F_OK) && errno == ENOENT)
		return fw_err_set(err, -ENOENT, "start the recorder: floodwall run",
				  "there is no history in %s", path);
	if (!write && access(path, R_OK))
		return fw_err_set(err, -errno, "say it with sudo", "cannot read %s: %s", path,
				  strerror(errno));
	r = write ? make_folder(path, err) : 0;
	if (r)
		return r;
	h = calloc(1, sizeof(*h));
	if (!h)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the history");
	h->write = write;
	r = open_file(h, path);
	if (r) {
		r = fw_history_fail(h->db ? h : NULL, r, "open the history", err);
		fw_err_prepend(err, "%s", path);
		goto out;
	}
	r = set_up(h, path, err);
	if (r)
		goto out;
	*ret = h;
	return 0;
out:
	fw_history_close(h);
	return r;
}

void fw_history_close(struct fw_history *h)
{
	if (!h)
		return;
	fw_sql_forget(h);
	sqlite3_close(h->db);
	free(h);
}

int fw_history_begin(struct fw_history *h, struct fw_err *err)
{
	return exec(h, h->write ? "BEGIN IMMEDIATE" : "BEGIN",
		    h->write ? "write the history" : "read the history", err);
}

int fw_history_commit(struct fw_history *h, struct fw_err *err)
{
	int r = exec(h, "COMMIT", "write the history", err);

	if (r)
		fw_history_rollback(h);
	return r;
}

void fw_history_rollback(struct fw_history *h)
{
	if (!sqlite3_get_autocommit(h->db))
		(void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL); /* nothing else is left */
}

__u64 fw_history_size(const char *path)
{
	static const char *const parts[] = { "", "-wal" };
	char name[PATH_MAX];
	struct stat st;
	__u64 size = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s%s", path, parts[i]);
		if (!stat(name, &st))
			size += (__u64)st.st_size;
	}
	return size;
}
