// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pin directory. fw_meta's magic is written last at the first attach and its pin removed first
 * at the last detach; everything without a valid fw_meta is therefore half-made and used by no
 * program. The lock is flock() on the directory itself: it dies with its holder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include "user/base/flock.h"
#include "user/kern/pin.h"

/* Every map that bpf/maps.h pins. The meta map is first in each removal. */
static const char *const pin_names[] = {
	"fw_meta",	"fw_ctl",	"fw_policy",	 "fw_policy_txt", "fw_lane_head",
	"fw_lane4_dir", "fw_lane4_rng", "fw_lane6_node", "fw_lane6_deep", "fw_profile",
	"fw_prefix",	"fw_why",	"fw_src_fp",	 "fw_src",	  "fw_budget",
	"fw_crowd",	"fw_crowd_net", "fw_level",	 "fw_retry",	  "fw_count_svc",
	"fw_count_cls", "fw_note",	"fw_book",	 "fw_iface",	  "fw_src_more",
	"fw_pace",	"fw_ban",	"fw_lane4_top",	 "fw_ledger",	  "fw_ledger_at",
	"fw_sampling",	"fw_sampler",	"fw_samples",	 "fw_applied",	  "fw_listener",
	"fw_lane4_set",
};
#define PIN_NAMES (sizeof(pin_names) / sizeof(*pin_names))

const char *fw_pin_dir(const char *opt)
{
	const char *env;

	if (opt)
		return opt;
	env = getenv(FW_PINS_ENV);
	return env && *env ? env : FW_PINS_DEFAULT;
}

const char *const *fw_pin_names(unsigned int *ret_nr)
{
	*ret_nr = PIN_NAMES;
	return pin_names;
}

bool fw_pin_wanted(const char *name)
{
	for (size_t i = 0; i < PIN_NAMES; i++)
		if (!strcmp(name, pin_names[i]))
			return true;
	return false;
}

static int pin_path(char *path, size_t len, const char *dir, const char *name, struct fw_err *err)
{
	if (snprintf(path, len, "%s/%s", dir, name) >= (int)len)
		return fw_err_set(err, -ENAMETOOLONG, NULL, "pin directory name too long: %s", dir);
	return 0;
}

static int refuse_open(const char *path, int code, struct fw_err *err)
{
	if (code == -EPERM || code == -EACCES)
		return fw_err_set(err, -EPERM,
				  "run as root, or with CAP_BPF and rights on the pins",
				  "not permitted to open %s", path);
	return fw_err_set(err, code, NULL, "cannot open %s: %s", path, strerror(-code));
}

int fw_pin_map(const char *dir, const char *name, bool write, int *ret_fd, struct fw_err *err)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = write ? 0 : BPF_F_RDONLY);
	char path[PATH_MAX];
	int fd, r;

	r = pin_path(path, sizeof(path), dir, name, err);
	if (r)
		return r;
	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		return refuse_open(path, -errno, err);
	*ret_fd = fd;
	return 0;
}

static bool is_pinned(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return !pin_path(path, sizeof(path), dir, name, NULL) && !lstat(path, &st);
}

/* How many of our names are there; -errno when the directory cannot be read. */
static int count_pins(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	int nr = 0;

	if (stat(dir, &st))
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (size_t i = 0; i < PIN_NAMES; i++) {
		if (pin_path(path, sizeof(path), dir, pin_names[i], NULL))
			return -ENAMETOOLONG;
		if (!lstat(path, &st))
			nr++;
		else if (errno != ENOENT)
			return -errno;
	}
	return nr;
}

/* The size of the pinned fw_meta, and as much of its start as we know. */
static int read_meta(const char *dir, struct fw_meta *ret, __u32 *ret_size, struct fw_err *err)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	void *value = NULL;
	int fd = -1, r;

	r = fw_pin_map(dir, "fw_meta", false, &fd, err);
	if (r)
		return r;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r) {
		r = fw_err_set(err, -errno, NULL, "cannot read the meta map in %s: %s", dir,
			       strerror(errno));
		goto out;
	}
	value = calloc(1, info.value_size > sizeof(*ret) ? info.value_size : sizeof(*ret));
	if (!value) {
		r = fw_err_set(err, -ENOMEM, NULL, "out of memory");
		goto out;
	}
	if (bpf_map_lookup_elem(fd, &zero, value)) {
		r = fw_err_set(err, -errno, NULL, "cannot read the meta map in %s: %s", dir,
			       strerror(errno));
		goto out;
	}
	memcpy(ret, value, sizeof(*ret));
	*ret_size = info.value_size;
out:
	free(value);
	close(fd);
	return r;
}

/* Is any interface on record? Then programs are attached, whatever became of fw_meta. */
static bool on_record(const char *dir)
{
	__u64 key = 0;
	bool found = false;
	int fd = -1;

	if (fw_pin_map(dir, "fw_iface", false, &fd, NULL))
		return false;
	found = !bpf_map_get_next_key(fd, NULL, &key);
	close(fd);
	return found;
}

int fw_pin_state(const char *dir, enum fw_pin_state *ret_state, struct fw_meta *ret_meta,
		 struct fw_err *err)
{
	struct fw_meta meta = {};
	__u32 size = 0;
	int nr, r;

	nr = count_pins(dir);
	if (nr == -EACCES || nr == -EPERM)
		return fw_err_set(err, -EPERM, "run as root", "not permitted to read %s", dir);
	if (nr < 0)
		return fw_err_set(err, nr, NULL, "cannot read %s: %s", dir, strerror(-nr));
	if (nr == 0) {
		*ret_state = FW_PINS_NONE;
		return 0;
	}
	r = read_meta(dir, &meta, &size, err);
	if (r && r != -ENOENT)
		return r;
	if (r || (size == sizeof(meta) && !meta.magic)) {
		if (on_record(dir))
			return fw_err_set(
				err, -ESTALE, fw_pin_way_out("fw_iface"),
				"the state in %s is damaged: interfaces are on record, but fw_meta "
				"is missing",
				dir);
		*ret_state = FW_PINS_HALF;
		return 0;
	}
	if (ret_meta)
		*ret_meta = meta;
	if (size != sizeof(meta) || meta.magic != FW_MAGIC || meta.abi != FW_ABI_VERSION)
		*ret_state = FW_PINS_OTHER;
	else
		*ret_state = FW_PINS_READY;
	return 0;
}

int fw_pin_check(const char *dir, struct fw_meta *ret_meta, struct fw_err *err)
{
	struct fw_meta meta = {};
	enum fw_pin_state state = FW_PINS_NONE;
	int nr, r;

	r = fw_pin_state(dir, &state, &meta, err);
	if (r)
		return r;
	if (state == FW_PINS_OTHER)
		return fw_pin_refuse_other(dir, &meta, err);
	if (state != FW_PINS_READY)
		return fw_err_set(err, -ENOENT, "floodwall attach IFACE",
				  "floodwall is not attached (no state in %s)", dir);
	nr = count_pins(dir);
	if (nr != (int)PIN_NAMES) {
		r = fw_err_set(err, -ESTALE,
			       fw_pin_way_out(is_pinned(dir, "fw_iface") ? "" : "fw_iface"),
			       "the state in %s is damaged, or made by another build: %d of %zu "
			       "maps are there",
			       dir, nr, PIN_NAMES);
		return r;
	}
	if (ret_meta)
		*ret_meta = meta;
	return 0;
}

int fw_pin_place(const char *dir, struct fw_err *err)
{
	char parent[PATH_MAX], *slash;
	struct statfs fs, own;

	if (snprintf(parent, sizeof(parent), "%s", dir) >= (int)sizeof(parent))
		return fw_err_set(err, -ENAMETOOLONG, NULL, "pin directory name too long: %s", dir);
	slash = strrchr(parent, '/');
	if (!slash || dir[0] != '/')
		return fw_err_set(err, -EINVAL, NULL, "pin directory must be an absolute path: %s",
				  dir);
	slash[slash == parent] = '\0';
	if (statfs(parent, &fs) || fs.f_type != BPF_FS_MAGIC)
		return fw_pin_no_bpffs(parent, err);
	if ((statfs(dir, &own) ? fs : own).f_flags & ST_RDONLY)
		return fw_pin_read_only(dir, err);
	return 0;
}

int fw_pin_make(const char *dir, struct fw_err *err)
{
	int r = fw_pin_place(dir, err);

	if (r && r != -EROFS) /* what is there already can be used even so */
		return r;
	if (!mkdir(dir, 0700) || errno == EEXIST)
		return 0;
	r = -errno;
	if (r == -EROFS)
		return fw_pin_read_only(dir, err);
	return fw_err_set(err, r, r == -EPERM || r == -EACCES ? "run as root" : NULL,
			  "cannot make %s: %s", dir, strerror(-r));
}

/* flock() that gives up after wait_s; there is no timed variant in the kernel. */
static int lock_wait(int fd, int wait_s)
{
	struct timespec step = { .tv_nsec = 20 * 1000 * 1000 };
	long tries = wait_s * 50L;

	if (wait_s < 0)
		return flock(fd, LOCK_EX) ? -errno : 0;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (tries-- <= 0)
			return -EBUSY;
		nanosleep(&step, NULL);
	}
	return 0;
}

/* The directory may have been removed, even made anew, by the holder we waited for. */
static bool still_there(int fd, const char *dir)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(dir, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int refuse_busy(int fd, const char *dir, int wait_s, struct fw_err *err)
{
	char who[128] = "", hint[64] = "try again";
	struct stat st;
	pid_t pid = 0;

	if (!fstat(fd, &st))
		fw_flock_describe(&st, who, sizeof(who), &pid);
	if (pid) /* killed at any point, it leaves the old or the new state */
		snprintf(hint, sizeof(hint), "try again; `kill %d` ends it", pid);
	return fw_err_set(err, -EBUSY, hint,
			  "another floodwall command has been changing %.100s for %d s%s%s", dir,
			  wait_s, pid ? ": " : "", who);
}

int fw_pin_lock(const char *dir, int wait_s, int *ret_fd, struct fw_err *err)
{
	int fd, r;

	for (;;) {
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return fw_err_set(err, -ENOENT, "floodwall attach IFACE",
					  "floodwall is not attached (no state in %s)", dir);
		if (fd < 0)
			return refuse_open(dir, -errno, err);
		r = lock_wait(fd, wait_s);
		if (r == -EBUSY)
			r = refuse_busy(fd, dir, wait_s, err);
		else if (r)
			r = fw_err_set(err, r, NULL, "cannot lock %s: %s", dir, strerror(-r));
		if (r) {
			close(fd);
			return r;
		}
		if (still_there(fd, dir)) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
	}
}

void fw_pin_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

int fw_pin_remove_maps(const char *dir, struct fw_err *err)
{
	char path[PATH_MAX];
	int r;

	for (size_t i = 0; i < PIN_NAMES; i++) {
		r = pin_path(path, sizeof(path), dir, pin_names[i], err);
		if (r)
			return r;
		if (unlink(path) && errno != ENOENT)
			return fw_err_set(err, -errno, NULL, "cannot remove %s: %s", path,
					  strerror(errno));
	}
	return 0;
}

void fw_pin_own(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (stat(dir, &st) || st.st_uid == geteuid())
		return;
	for (size_t i = 0; i < PIN_NAMES; i++)
		if (!pin_path(path, sizeof(path), dir, pin_names[i], NULL) &&
		    lchown(path, st.st_uid, st.st_gid))
			return; /* not permitted: they stay ours */
}

int fw_pin_remove(const char *dir, struct fw_err *err)
{
	int r = fw_pin_remove_maps(dir, err);
	struct stat st;

	if (r)
		return r;
	/* Made for the service's user, who could not make it again. */
	if (!stat(dir, &st) && st.st_uid != geteuid())
		return 0;
	/* Something of somebody else's in it: theirs to remove. */
	if (rmdir(dir) && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT &&
	    errno != EACCES && errno != EPERM)
		return fw_err_set(err, -errno, NULL, "cannot remove %s: %s", dir, strerror(errno));
	return 0;
}
