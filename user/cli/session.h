/* SPDX-License-Identifier: GPL-2.0-only */
/* The session that types a command, and the guard that keeps a change from cutting it off. */
#ifndef FW_CLI_SESSION_H
#define FW_CLI_SESSION_H

#include "user/cli/edit.h"
#include "user/policy/file.h"

/*
 * Where the admin sits: the client of the SSH session this runs in, and the address and port it
 * goes to as far as they are known. -ENOENT when there is none.
 */
int fw_session_find(struct fw_file_session *ret);

/*
 * Refuse a change that cuts that session off, if what runs does not already do it in that way.
 * edit: as it is to be committed. -EINVAL with cli->err naming the address and the way out. Asks
 * nothing of commands without --force, nor when that was said.
 */
int fw_session_guard(struct fw_cli *cli, struct fw_edit *edit, unsigned int changed);

/* The same for going back one generation. Under the lock; maps: POLICY and LANES. */
int fw_session_guard_undo(struct fw_cli *cli, const struct fw_maps *maps);

/* The same for what runs already, and is about to judge packets of one more interface. */
int fw_session_guard_attach(struct fw_cli *cli, const struct fw_maps *maps);

#endif
