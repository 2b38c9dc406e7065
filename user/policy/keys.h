/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of the policy file, one row each: name, type, where the value goes, range, default,
 * meaning. Reader, printer, `floodwall policy keys` and the manual page are made from or held
 * against this table, so a key is known everywhere or nowhere.
 */
#ifndef FW_KEYS_H
#define FW_KEYS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include "bpf/abi.h"
#include "user/base/text.h"
#include "user/policy/file.h"

enum fw_key_type {
	FW_KEY_GROUP,	 /* keys of its own: the rows whose parent it is */
	FW_KEY_NAMED,	 /* names the admin chooses, each with a value as the row "*" says */
	FW_KEY_FLAG,	 /* two words; the bit max of model.flags is set by the second */
	FW_KEY_BOOL,	 /* two words; a bool */
	FW_KEY_CHOICE,	 /* words; __u8, the number of the word */
	FW_KEY_NUMBER,	 /* __u32 */
	FW_KEY_PORT,	 /* __u16, host order */
	FW_KEY_SIZE,	 /* __u64, bytes */
	FW_KEY_DURATION, /* __u32, seconds; min 0: "off" is allowed; max FW_FOREVER: "forever" is */
	FW_KEY_LIMIT,	 /* struct fw_rate; words "bytes": it counts bytes */
	FW_KEY_ADDR,	 /* __be32[4], 128-bit form */
	FW_KEY_PATH,	 /* char[FW_FILE_PATH_MAX], absolute */
	FW_KEY_TEXT,	 /* char[max + 1] */
	FW_KEY_TIME,	 /* __u64, CLOCK_REALTIME in ns */
	FW_KEY_ADDRS,	 /* list of addresses */
	FW_KEY_PORTS,	 /* list of ports and ranges */
	FW_KEY_RULES,	 /* list of tcp/443@192.0.2.1 */
	FW_KEY_REFLECT,	 /* list of amplifier ports; max: everywhere */
	FW_KEY_PREFIXES, /* list of prefixes; max: enum fw_lane */
};

/* Of which struct `at` is an offset. */
enum fw_key_base {
	FW_KEY_NOWHERE,
	FW_KEY_MODEL,
	FW_KEY_SETTINGS,
	FW_KEY_CLASS,
	FW_KEY_SERVICE,
	FW_KEY_ENTRY,
	FW_KEY_BASES,
};

/* An entry of a list of prefixes, as its keys say it. */
struct fw_key_entry {
	char prefix[FW_TEXT_LEN];
	char file[FW_FILE_PATH_MAX];
	char why[FW_WHY_LEN];
	__u32 for_s;	     /* 0 = not said */
	__u64 until_real_ns; /* 0 = not said */
};

struct fw_key {
	const char *parent; /* "" for the outermost; "classes.*" */
	const char *name;   /* "*": any name */
	enum fw_key_type type;
	enum fw_key_base base;
	size_t at;
	__u64 min, max;
	const char *words;   /* choices, with spaces between; NULL = none */
	const char *unit;    /* of the value in words; NULL = none */
	const char *initial; /* the default as the file would say it; NULL = none */
	const char *help;    /* a sentence without its full stop */
};

/* All rows; children of one parent stand together. */
extern const struct fw_key fw_keys[];
extern const size_t fw_keys_count;

/* The rows below a parent path; *ret_count of them, 0 if there is no such parent. */
const struct fw_key *fw_keys_below(const char *parent, size_t *ret_count);

/* "classes.*.syn" into buf; returns buf. */
char *fw_keys_path(char *buf, size_t size, const struct fw_key *key);

/* The range as people read it: "on or off", "1s to 30m"; "" for none. Returns buf. */
char *fw_keys_range(char *buf, size_t size, const struct fw_key *key);

/* The word number i of a key's words into buf; returns buf, or NULL when there are fewer. */
char *fw_keys_word(char *buf, size_t size, const struct fw_key *key, unsigned int i);

/* The number of a word, -1 when it is none of them. yes, true, no and false are on and off. */
int fw_keys_find_word(const struct fw_key *key, const char *word);

#endif
