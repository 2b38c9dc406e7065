// SPDX-License-Identifier: GPL-2.0-only
/* The key's files. A key that others could have read is refused: its signature would prove nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/core/evidence/key.h"

#define MAKE_HINT    "floodwall key make makes one"
#define KEY_TEXT_MAX 4096 /* with words around the key */

static int name_files(const char *history, char *ret_dir, struct fw_key *ret, struct fw_err *err)
{
	char copy[PATH_MAX];

	if (strlen(history) + sizeof("/evidence.key") >= sizeof(copy))
		return fw_err_set(err, -ENAMETOOLONG, NULL, "the path is too long: %.60s...",
				  history);
	strcpy(copy, history);
	strcpy(ret_dir, dirname(copy));
	if (snprintf(ret->path, sizeof(ret->path), "%s/evidence.key", ret_dir) < 0 ||
	    snprintf(ret->pub_path, sizeof(ret->pub_path), "%s/evidence.pub", ret_dir) < 0)
		return -EINVAL;
	return 0;
}

int fw_key_names(const char *history, struct fw_key *ret, struct fw_err *err)
{
	char dir[PATH_MAX];

	return name_files(history, dir, ret, err);
}

static int fail(struct fw_err *err, int code, const char *what, const char *path)
{
	return fw_err_set(err, code, code == -ENOENT ? MAKE_HINT : NULL, "cannot %s %s: %s", what,
			  path, strerror(-code));
}

/* A small file, whole. -EBADMSG: it is longer than any key. */
static int read_file(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, buf + used, size - used)) > 0)
		used += (size_t)n;
	if (n < 0)
		return -errno;
	if (used == size)
		return -EBADMSG;
	*ret_len = used;
	return 0;
}

int fw_key_read(const char *history, struct fw_key *ret, struct fw_err *err)
{
	char dir[PATH_MAX], text[FW_SIGN_PEM_LEN];
	struct stat st;
	size_t len = 0;
	int fd, r;

	r = name_files(history, dir, ret, err);
	if (r)
		return r;
	fd = open(ret->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail(err, -errno, "open the key", ret->path);
	r = fstat(fd, &st) ? -errno : read_file(fd, text, sizeof(text), &len);
	close(fd);
	if (!r && (st.st_mode & 077))
		r = fw_err_set(err, -EPERM, "chmod 600 it, and ask who could have copied it",
			       "%s may be read by others (mode %04o)", ret->path,
			       (unsigned int)st.st_mode & 07777);
	else if (r == -EBADMSG || (!r && fw_sign_get_secret(text, len, &ret->secret, &ret->pub)))
		r = fw_err_set(err, -EBADMSG,
			       "restore it from a copy; do not make a new one lightly",
			       "%s is no Ed25519 key in PEM", ret->path);
	else if (r)
		fail(err, r, "read the key", ret->path);
	sodium_memzero(text, sizeof(text));
	return r;
}

/* A new file of that text, on the disk when this returns. */
static int write_file(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	size_t len = strlen(text);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) || write(fd, text, len) != (ssize_t)len || fsync(fd))
		r = errno ? -errno : -EIO;
	close(fd);
	if (r)
		unlink(path);
	return r;
}

/*
 * The key appears whole or not at all: written under another name, then linked, which, unlike
 * rename(), fails if somebody else was faster.
 */
static int write_secret(const struct fw_key *key, const char *dir)
{
	char draft[PATH_MAX + 32], text[FW_SIGN_PEM_LEN];
	int r, fd;

	snprintf(draft, sizeof(draft), "%s/.evidence.key.%d", dir, (int)getpid());
	r = write_file(draft, 0600, fw_sign_put_secret(text, sizeof(text), &key->secret));
	sodium_memzero(text, sizeof(text));
	if (r)
		return r;
	if (link(draft, key->path))
		r = -errno;
	unlink(draft);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		if (fsync(fd) && !r)
			r = -errno;
		close(fd);
	}
	return r;
}

/* Where the public half of a key that is gone is kept: by the beginning of its fingerprint. */
static void name_kept(const struct fw_key *key, char ret[PATH_MAX + 32])
{
	struct fw_sign_public lost;
	char id[FW_SIGN_ID_LEN] = "old";

	if (!fw_key_read_public(key->pub_path, &lost, NULL))
		fw_sign_id(id, &lost);
	snprintf(ret, PATH_MAX + 32, "%s.%.8s", key->pub_path, id);
}

/* A public half without its private one: bundles were signed by it, and people know it. */
static int keep_lost(const struct fw_key *key, bool force, struct fw_err *err)
{
	char kept[PATH_MAX + 32], hint[FW_ERR_LEN];

	if (access(key->pub_path, F_OK))
		return 0;
	name_kept(key, kept);
	if (force) {
		if (!link(key->pub_path, kept) || errno == EEXIST)
			return 0;
		return fail(err, -errno, "keep the old public half as", kept);
	}
	snprintf(
		hint, sizeof(hint),
		"restore evidence.key from its copy; or floodwall key make --force: bundles signed "
		"until now are then checked with --key %.80s",
		strrchr(kept, '/') + 1);
	return fw_err_set(err, -EEXIST, hint,
			  "the key of %s is lost, and a new one would not be the published one",
			  key->pub_path);
}

int fw_key_make(const char *history, bool force, struct fw_key *ret, struct fw_err *err)
{
	char dir[PATH_MAX], text[FW_SIGN_PEM_LEN];
	int r;

	r = name_files(history, dir, ret, err);
	if (r)
		return r;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fail(err, -errno, "make the folder", dir);
	if (!access(ret->path, F_OK))
		return fw_err_set(err, -EEXIST, "floodwall key show prints its public half",
				  "there is a key already: %s", ret->path);
	r = keep_lost(ret, force, err);
	if (r)
		return r;
	r = fw_sign_make(&ret->secret, &ret->pub);
	if (!r)
		r = write_secret(ret, dir);
	if (r)
		return fail(err, r, "write the key", ret->path);
	unlink(ret->pub_path); /* kept under another name */
	r = write_file(ret->pub_path, 0644, fw_sign_put_public(text, sizeof(text), &ret->pub));
	return r ? fail(err, r, "write the public key", ret->pub_path) : 0;
}

/* The key in a text that says more, as `key show` does; the text itself, if there is none. */
static const char *pem_in(const char *text, size_t *len)
{
	const char *begin = strstr(text, "-----BEGIN "), *end;

	if (!begin)
		return text;
	end = strstr(begin, "-----END ");
	end = end ? strchr(end, '\n') : NULL;
	*len = end ? (size_t)(end + 1 - begin) : strlen(begin);
	return begin;
}

int fw_key_read_public(const char *path, struct fw_sign_public *ret, struct fw_err *err)
{
	char text[KEY_TEXT_MAX] = "";
	struct fw_sign_secret secret;
	const char *pem;
	size_t len = 0;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fw_err_set_file(err, -errno, NULL, "cannot open %s: %s", path,
				       strerror(errno));
	r = read_file(fd, text, sizeof(text), &len);
	close(fd);
	text[len] = '\0';
	pem = pem_in(text, &len);
	if (r || (fw_sign_get_public(pem, len, ret) && fw_sign_get_secret(pem, len, &secret, ret)))
		r = fw_err_set(
			err, -EINVAL,
			"give the office's public key in PEM, or its fingerprint (64 digits)",
			"%s is no Ed25519 key", path);
	sodium_memzero(&secret, sizeof(secret));
	sodium_memzero(text, sizeof(text));
	return r;
}

void fw_key_wipe(struct fw_key *key)
{
	sodium_memzero(&key->secret, sizeof(key->secret));
}
