/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces that should be filtered: attached when they are there, again when they come back.
 * What an admin detaches by hand stays detached until the next reload; a program that somebody else
 * took off is told, not fought over.
 */
#ifndef FW_DAEMON_IFACES_H
#define FW_DAEMON_IFACES_H

#include "user/daemon/daemon.h"

enum fw_want_state {
	FW_WANT_ABSENT,	  /* no interface of that name */
	FW_WANT_ATTACHED, /* ours filters it */
	FW_WANT_FAILED,	  /* attaching failed; tried again */
	FW_WANT_DETACHED, /* taken off with `floodwall detach`; left alone */
	FW_WANT_LOST,	  /* on record, but our program is not there */
	FW_WANT_MAX,
};

struct fw_want {
	char name[16];
	enum fw_mode mode;
	enum fw_want_state state;
	unsigned int ifindex; /* of the interface with that name; 0 = absent */
	__u64 retry_ns;	      /* not before, program time; FW_WANT_FAILED */
	__u32 retry_s;	      /* wait before the try after that */
	__u64 doubt_beat;     /* tick at which our program was first missed; 0 = not missed */
};

struct fw_ifaces {
	struct fw_want want[FW_IFACE_MAX];
	unsigned int nr;
	__u64 links; /* link messages seen */
};

/* "absent", "attached", ... */
const char *fw_want_word(enum fw_want_state state);

/* The list, owned by the part. */
const struct fw_ifaces *fw_ifaces_get(const struct fw_daemon *daemon);

/* Links have changed (or may have): look, and attach what is due. */
void fw_ifaces_sync(struct fw_daemon *daemon);

extern const struct fw_part fw_part_ifaces;
extern const struct fw_part fw_part_links;

#endif
