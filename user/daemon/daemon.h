/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The controller: one thread, one sd-event loop, a table of parts that each do one job. It watches
 * and tells; the program in the kernel decides. Whatever happens to this process, verdicts stay as
 * they are: nothing here is taken back when it ends.
 *
 * A part never blocks for longer than a second or two (the watchdog), never ends the process, and
 * works when there is no state yet or the state has been replaced (maps_serial).
 */
#ifndef FW_DAEMON_H
#define FW_DAEMON_H

#include <limits.h>
#include <stdbool.h>
#include <systemd/sd-event.h>
#include <linux/types.h>

#include "user/base/err.h"
#include "user/kern/maps.h"
#include "user/kern/object.h"
#include "user/policy/file.h"

struct fw_daemon;

/* Parts, in the order they start; they stop in the opposite order. */
enum fw_part_id {
	FW_PART_IFACES,
	FW_PART_LINKS,
	FW_PART_WATCH,
	FW_PART_EXPIRE,
	FW_PART_WEB,
	FW_PART_RECORDER,
	FW_PART_MAX,
};

/* A part. Every function but start may be NULL. */
struct fw_part {
	const char *name; /* in messages and metrics: [a-z_]+ */
	bool vital;	  /* the daemon does not start without it; else it goes on and says so */
	/*
	 * Called once, in order. Keeps its own data in daemon->part[id] (NULL before) and adds its
	 * sources to daemon->event. On failure it leaves nothing behind, and is not called again.
	 */
	int (*start)(struct fw_daemon *daemon, struct fw_err *err);
	/* Once a second. now_ns: program time. daemon->maps is fresh; maps.cpus == 0: no state. */
	void (*tick)(struct fw_daemon *daemon, __u64 now_ns);
	/*
	 * After the policy file has been applied anew (daemon->settings is what it says). On
	 * failure the part keeps its old settings; the error is told, other parts go on.
	 */
	int (*reload)(struct fw_daemon *daemon, struct fw_err *err);
	/* At the end; frees daemon->part[id]. Only if it was started. */
	void (*stop)(struct fw_daemon *daemon);
	/* Does it do its job? One that waits for an address or a disk goes on, and does not. */
	bool (*works)(const struct fw_daemon *daemon);
};

extern const struct fw_part *const fw_parts[FW_PART_MAX]; /* by id; in parts.c */

/* It was started, and does its job as far as it can tell. */
bool fw_part_works(const struct fw_daemon *daemon, enum fw_part_id id);

struct fw_daemon_opts {
	const char *pins;   /* pin directory */
	const char *policy; /* policy file, NULL = none: what runs stays, ifaces are attached */
	const char *build;  /* version of this command */
	char **iface;	    /* interfaces named on the command line */
	unsigned int ifaces;
	enum fw_mode mode;     /* for those; the policy file has its own */
	struct fw_sizes sizes; /* of a first state, 0 = default */
	const char *run_dir;   /* lock and heartbeat */
	const char *state_dir; /* the last good policy */
	const char *listen;    /* ADDRESS:PORT of the metrics, NULL: as the file says or default */
};

struct fw_daemon {
	struct fw_daemon_opts opts;
	sd_event *event;
	int beat_fd; /* lock and heartbeat; a child closes it */
	struct fw_maps
		maps;	   /* for reading, all parts but FW_MAPS_WRITE; maps.cpus == 0: no state */
	__u64 maps_serial; /* moves when maps were opened anew: pointers into them are void */
	struct fw_settings settings; /* of the policy file as last applied; defaults without one */
	char applied[PATH_MAX];	     /* file it came from; empty without one */
	void *part[FW_PART_MAX];
	bool up[FW_PART_MAX];
	__u64 beats;   /* ticks so far */
	__u64 beat_ns; /* CLOCK_REALTIME of the last one */
	__u64 reloads, reloads_failed;
	__u64 reload_ns; /* CLOCK_REALTIME of the last reload, the start included; 0 = none */
	bool reload_ok;	 /* ... and how it ended */
};

/*
 * Run until SIGTERM or SIGINT. 0, or -errno with err filled when it could not start: another one
 * runs on these pins (-EBUSY, naming its pid), no state and nothing to attach, a broken policy
 * file. Leaves programs and state as they are.
 */
int fw_daemon_run(const struct fw_daemon_opts *opts, struct fw_err *err);

#endif
