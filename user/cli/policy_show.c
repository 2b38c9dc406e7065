// SPDX-License-Identifier: GPL-2.0-only
/* policy show, save: what runs, as a file that can be applied again. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/replace.h"
#include "user/cli/policy.h"

/* The file with a head that says where it comes from. */
static int print(FILE *out, const struct fw_maps *maps, const struct fw_file *file)
{
	char when[FW_CLOCK_LEN];

	fprintf(out, "# What floodwall ran at %s: generation %u.\n",
		fw_clock_put(when, sizeof(when), fw_clock_realtime()),
		FW_LIVE_GENERATION(fw_apply_live(maps)));
	return fw_file_print(out, file, fw_policy_clock(maps));
}

static int print_json(struct fw_cli *cli, const struct fw_maps *maps, const struct fw_file *file)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *doc = NULL;
	int r = out ? print(out, maps, file) : -ENOMEM;

	if (out && fclose(out))
		r = -ENOMEM;
	if (!r)
		doc = json_pack("{s:i,s:o}", "generation",
				(int)FW_LIVE_GENERATION(fw_apply_live(maps)), "policy",
				fw_json_text(text));
	free(text);
	return fw_cli_json(cli, doc);
}

int fw_policy_show(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	int r;

	(void)argc; /* the table says none */
	(void)argv;
	r = fw_policy_cmd_open(cli, false, &cmd);
	if (!r)
		r = fw_policy_running(&cmd.maps, &cmd.file, &cli->err);
	if (!r && cli->json)
		r = print_json(cli, &cmd.maps, &cmd.file);
	else if (!r && print(stdout, &cmd.maps, &cmd.file))
		r = fw_err_set(&cli->err, -EIO, NULL, "cannot write to standard output");
	fw_policy_cmd_free(&cmd);
	return r;
}

static int failed(struct fw_cli *cli, const char *what, const char *path)
{
	int code = errno ?: EIO;

	return fw_err_set_file(&cli->err, -code, NULL, "%s %s: %s", what, path, strerror(code));
}

/* The file with its comments stays beside the new one. */
static int keep_old(struct fw_cli *cli, const char *path, bool *ret_kept)
{
	char old[PATH_MAX + 8];

	*ret_kept = false;
	snprintf(old, sizeof(old), "%s.old", path);
	if (access(path, F_OK))
		return 0;
	unlink(old);
	if (link(path, old))
		return failed(cli, "cannot keep the old file as", old);
	*ret_kept = true;
	return 0;
}

/* Whoever could read the old one, as the controller with its own user, can read the new one. */
static int same_rights(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? fchmod(fd, 0644) : -1;
	return fchown(fd, st.st_uid, st.st_gid) || fchmod(fd, st.st_mode & 07777);
}

/*
 * All of it under another name first, and on the disk: a power cut leaves the old or the new. What
 * was kept of an earlier save goes only when that is done.
 */
static int write_file(struct fw_cli *cli, const struct fw_policy_cmd *cmd, const char *path,
		      bool *ret_kept)
{
	char work[PATH_MAX + 8];
	int fd, r = 0;
	FILE *out;

	snprintf(work, sizeof(work), "%s.XXXXXX", path);
	fd = mkostemp(work, O_CLOEXEC);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		r = failed(cli, "cannot make a file beside", path);
		if (fd >= 0) {
			close(fd);
			unlink(work);
		}
		return r;
	}
	if (same_rights(fd, path) || print(out, &cmd->maps, &cmd->file) || fsync(fd))
		r = failed(cli, "cannot write", work);
	if (fclose(out) && !r)
		r = failed(cli, "cannot write", work);
	if (!r)
		r = keep_old(cli, path, ret_kept);
	if (!r && rename(work, path))
		r = failed(cli, "cannot replace", path);
	if (r)
		unlink(work);
	return r;
}

static void sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd); /* the file itself is written; what is at stake is only its new name */
	close(fd);
}

/* The package brings the folder of the usual file, `make install` does not. */
static void make_folder(void)
{
	char folder[] = FW_FILE_DEFAULT;

	(void)mkdir(dirname(folder), 0755); /* if that fails, writing says why */
}

int fw_policy_save(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	char path[PATH_MAX];
	bool kept = false;
	int r;

	if (argc && !strcmp(argv[0], "-"))
		return fw_cli_usage(cli, "name a file; floodwall policy show prints it");
	r = fw_replace_target(argc ? argv[0] : FW_FILE_DEFAULT,
			      "name a file; floodwall policy show prints it", path, &cli->err);
	if (!r)
		r = fw_policy_cmd_open(cli, false, &cmd);
	if (!r)
		r = fw_policy_running(&cmd.maps, &cmd.file, &cli->err);
	if (!r && !argc)
		make_folder();
	if (!r)
		r = write_file(cli, &cmd, path, &kept);
	if (!r) {
		sync_folder(path);
		r = fw_cli_say(cli,
			       json_pack("{s:o,s:b,s:i}", "file", fw_json_text(path), "kept_old",
					 (int)kept, "prefixes", (int)cmd.file.lanes.count),
			       "%s written%s%s%s", path, kept ? "; what it said is in " : "",
			       kept ? path : "", kept ? ".old" : "");
	}
	fw_policy_cmd_free(&cmd);
	return r;
}
