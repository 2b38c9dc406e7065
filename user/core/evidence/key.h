/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key that signs evidence: evidence.key (mode 0600) and evidence.pub beside the history. Made
 * once, never replaced: old bundles are checked with it for years.
 */
#ifndef FW_CORE_KEY_H
#define FW_CORE_KEY_H

#include <stdbool.h>
#include <limits.h>
#include "user/base/err.h"
#include "user/base/sign.h"

struct fw_key {
	struct fw_sign_secret secret;
	struct fw_sign_public pub;
	char path[PATH_MAX], pub_path[PATH_MAX];
};

/* Fills path and pub_path only. -ENAMETOOLONG. */
int fw_key_names(const char *history, struct fw_key *ret, struct fw_err *err);

/*
 * Reads the key that stands beside `history` (the path of the database); wipe it afterwards.
 * -ENOENT (3): there is none. -EPERM (4): others may read it, or this user may not. -EBADMSG: no
 * key.
 */
int fw_key_read(const char *history, struct fw_key *ret, struct fw_err *err);

/*
 * Makes it, with its folder (0700), synced to the disk. -EEXIST (1): there is one already, or there
 * is evidence.pub of one that is lost; with force that is kept as evidence.pub.FINGERPRINT (of it
 * eight digits).
 */
int fw_key_make(const char *history, bool force, struct fw_key *ret, struct fw_err *err);

/* The public half of a PEM file, either form, or of a text that has one in it. */
int fw_key_read_public(const char *path, struct fw_sign_public *ret, struct fw_err *err);

void fw_key_wipe(struct fw_key *key);

#endif
