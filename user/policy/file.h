/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy file: all that an admin decides, in one YAML file. Pure: text in, struct out, and
 * back; other files it names are asked of the caller. One table of keys (keys.h) drives reader,
 * printer and manual. Every problem of a file is found in one go and has a place in it; a file
 * with an error gives nothing.
 *
 * Hostile text is harmless: no anchors and aliases, no depth beyond what keys have, bounded work
 * for each byte.
 */
#ifndef FW_FILE_H
#define FW_FILE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "bpf/abi.h"
#include "user/base/err.h"
#include "user/policy/model.h"
#include "user/policy/prefixes.h"

#define FW_FILE_DEFAULT	 "/etc/floodwall/floodwall.yaml"
#define FW_FILE_PATH_MAX 256	       /* of a path in the file, NUL included */
#define FW_FILE_SIZE_MAX (256UL << 20) /* bytes of a policy file or a list */

struct fw_file_iface {
	char name[16];
	__u8 mode; /* enum fw_mode */
};

/* What is not the program's business: the controller's part of the file. */
struct fw_settings {
	struct fw_file_iface iface[FW_IFACE_MAX]; /* to filter on, in the file's order */
	unsigned int ifaces;
	__u32 sample_rate;  /* frames a second to keep of each reason, 0 = none */
	__u32 sample_bytes; /* of each kept frame */
	bool record;	    /* keep history */
	char database[FW_FILE_PATH_MAX];
	__u32 retention_s;   /* FW_FOREVER: never forget */
	__u64 database_max;  /* bytes */
	__u32 quiet_s;	     /* of calm end an incident */
	bool metrics;	     /* serve them */
	__be32 listen_be[4]; /* address to serve on, 128-bit form; all zero: every address */
	__u16 port;	     /* host order */
};

struct fw_file {
	struct fw_model *model; /* owned */
	/* owned; until_s in program time of the clock given to the reader, since_s its now */
	struct fw_prefixes lanes;
	struct fw_settings settings;
	/* Set by who read it from disk: of the bytes of the file and its lists; the lists' absolute
	 * paths, a line each. */
	__u64 hash;
	char *lists; /* owned; NULL: none */
};

/* Frees what it holds; zeroed or half-built is fine. */
void fw_file_free(struct fw_file *file);

/* What an empty file means: fw_model_default(), no prefix, default settings. -ENOMEM. */
int fw_file_default(struct fw_file *ret, struct fw_err *err);
void fw_settings_default(struct fw_settings *ret);

enum fw_problem_severity { FW_PROBLEM_ERROR, FW_PROBLEM_WARNING };

struct fw_problem {
	enum fw_problem_severity severity;
	bool guard;    /* a warning of what could lock people out: to be forced, not overlooked */
	char *name;    /* of the file it is in; owned */
	size_t line;   /* from 1; 0 = the file as a whole */
	size_t column; /* from 1, in characters */
	char *excerpt; /* the line, cleaned, and below it a caret; "" when there is none; owned */
	struct fw_err err;
};

#define FW_PROBLEMS_SHOWN 100 /* of each severity kept in full; all are counted */
struct fw_problems {
	struct fw_problem *at; /* by file and line; owned */
	size_t count, room;
	size_t errors, warnings; /* all, also those not kept */
	size_t guards;		 /* of the warnings */
};
void fw_problems_free(struct fw_problems *problems);

/* Two readings of one instant, so that "for" and "until" mean something. */
struct fw_file_clock {
	__u64 now_ns;	   /* program time */
	__u64 realtime_ns; /* CLOCK_REALTIME */
};

/* Gives a list the file names: *ret_text (malloc, size bytes and a NUL), or -errno with err filled.
 */
struct fw_file_loader {
	int (*load)(void *arg, const char *path, char **ret_text, size_t *ret_size,
		    struct fw_err *err);
	void *arg;
};

/* Where the admin sits: a change must not cut that off. */
struct fw_file_session {
	__be32 peer_be[4];   /* 128-bit forms */
	__be32 server_be[4]; /* all zero: not known */
	__u16 port;	     /* of the server, host order; 0: not known */
};

/* What becomes of that session; of several the first that the program would come to. */
enum fw_file_fate {
	FW_SESSION_FREE,
	FW_SESSION_RESERVED, /* its address is refused as reserved, management or not */
	FW_SESSION_BLOCKED,
	FW_SESSION_CLOSED,  /* the address it goes to speaks other ports only */
	FW_SESSION_STARVED, /* a limit is less than a shell in use needs */
};

struct fw_file_verdict {
	enum fw_file_fate fate;
	int class;		    /* whose limits hold; -1: management, which none holds up */
	const struct fw_prefix *by; /* BLOCKED: in the set that was asked */
	unsigned int kind;	    /* STARVED: of limit */
};

/* A filter that drops nothing cuts nobody off, but blocks are meant to last: those count. Pure. */
struct fw_file_verdict fw_file_session_judge(const struct fw_model *model,
					     const struct fw_prefixes *set,
					     const struct fw_file_session *session);

/* What the host has that the file is about, or another one. */
struct fw_file_host {
	const char **iface; /* names of interfaces */
	const char **addr;  /* addresses, as fw_text_put_addr() prints them */
	size_t ifaces, addrs;
	bool surely; /* it is for this one; else only if it speaks of anything here */
};

struct fw_file_context {
	struct fw_file_clock clock;
	__u32 tick_ns;			       /* one step of the program's clock */
	const struct fw_file_loader *loader;   /* NULL: lists are taken for empty */
	const struct fw_file_session *session; /* NULL: none known */
	const struct fw_file_host *host;       /* NULL: not asked */
};

/*
 * name: for the problems. 0: *ret is filled and problems holds warnings at most. -EINVAL: there
 * are errors, in problems; err names the first and counts the others. -ENOMEM. problems (zeroed by
 * the caller) is freed by the caller in any case.
 */
int fw_file_parse(const char *name, const char *text, size_t size,
		  const struct fw_file_context *context, struct fw_file *ret,
		  struct fw_problems *problems, struct fw_err *err);

/* The whole policy as a file that reads back to the same. 0, -EIO. */
int fw_file_print(FILE *out, const struct fw_file *file, struct fw_file_clock clock);

/* The controller's part alone, likewise. */
int fw_file_print_settings(FILE *out, const struct fw_settings *settings);

#endif
