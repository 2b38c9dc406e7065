/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the reader of the policy file share. Private to user/policy/file*.c. */
#ifndef FW_FILE_READ_H
#define FW_FILE_READ_H

#include "user/policy/file.h"
#include "user/policy/keys.h"
#include "user/policy/yaml.h"

/* A place in a text: byte and line, both from 0. */
struct fw_place {
	__u32 pos;
	__u32 line;
	__u32 source; /* 0 = the policy file, else one of the lists */
};

struct fw_source_text {
	char *name; /* owned */
	char *text; /* owned, but for the policy file's */
	size_t size;
};

#define FW_SERVICE_ADDRS 64 /* addresses of one service */
#define FW_SERVICE_PORTS 64 /* ranges of ports of one service and protocol */

struct fw_ports_said {
	__u16 first, last;
	struct fw_place place;
};

/* A service while its keys are read; to and ports become rules at its end. */
struct fw_service_said {
	__u8 index;
	__be32 addr_be[FW_SERVICE_ADDRS][4];
	unsigned int addrs;
	struct fw_ports_said port[2][FW_SERVICE_PORTS]; /* FW_PORT_* */
	unsigned int ports[2];
	bool any;
	bool rules; /* has some of its own */
	struct fw_place closed;
};

struct fw_reader {
	struct fw_yaml yaml;
	const struct fw_file_context *context;
	struct fw_file *file;
	struct fw_problems *problems;
	struct fw_source_text *source;
	__u32 sources;
	void *base[FW_KEY_BASES]; /* of what is read now */
	int fatal;		  /* -ENOMEM, or -EINVAL when nothing more can be read */

	struct fw_key_entry entry;
	const struct fw_key *entry_keys;
	size_t entry_keys_count;
	struct fw_service_said service;
	bool reflect_said[FW_REFLECT_MAX];	/* by slot: the file has named it */
	__u8 class;				/* whose keys are read */
	struct fw_rate standard_rate[FW_K_MAX]; /* of the default policy */
	struct fw_model_service standard_service;

	struct fw_place top; /* of the file: for what has no other */
	struct fw_place services_place, factor_place, reserved_place;
	struct fw_place ban_place; /* of ban_time; of ban_ceiling if that alone is said */
	bool ban_said;
	struct fw_place class_place[FW_CLASS_MAX]; /* of the name */
	struct fw_place limit_place[FW_CLASS_MAX][FW_K_MAX];
	bool limit_said[FW_CLASS_MAX][FW_K_MAX];
	bool limit_blamed[FW_K_MAX]; /* of class default: something was said of it */
	struct fw_place budget_place[FW_B_MAX];
	bool budget_said[FW_B_MAX];
	struct fw_place service_place[FW_SERVICE_MAX];
	struct fw_place *prefix_place; /* beside file->lanes.at; in lists the line is not kept */
	size_t prefix_room;
	struct fw_place iface_place[FW_IFACE_MAX];
};

static inline struct fw_place fw_place_of(struct fw_yaml_item item)
{
	return (struct fw_place){ item.pos, item.line, 0 };
}

/* One problem more. It is a sentence as fw_err_set takes it; hint NULL: none. */
void fw_reader_say(struct fw_reader *reader, enum fw_problem_severity severity,
		   struct fw_place place, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* A warning that stops `apply` unless it is forced. */
void fw_reader_guard(struct fw_reader *reader, struct fw_place place, const char *hint,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void fw_reader_error(struct fw_reader *reader, struct fw_place place, const struct fw_err *err);
/* At a line and column, both from 1, of a list. */
void fw_reader_list_error(struct fw_reader *reader, __u32 source, size_t line, size_t column,
			  const struct fw_err *err);
void fw_problems_sort(struct fw_problems *problems);

/* If it is FW_YAML_BROKEN: says why, once, and that nothing more can be read. */
void fw_reader_broken(struct fw_reader *reader, struct fw_yaml_item item);

/* Is the file text that a parser may be shown? Says why not. */
bool fw_reader_bytes(struct fw_reader *reader);

/* Keys below parent, into what reader->base says, to the end of the map. keys: below parent. */
void fw_reader_group(struct fw_reader *reader, const char *parent, const struct fw_key *keys,
		     size_t count);
/* Each text of a list, or of a single scalar with commas. */
void fw_reader_each(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item,
		    void (*take)(struct fw_reader *, const struct fw_key *, const char *,
				 struct fw_place));
/* A value that is not of the kind a key wants; skips it. */
void fw_reader_wrong(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item,
		     const char *wants);

/* One scalar into its place. */
void fw_reader_scalar(struct fw_reader *reader, const struct fw_key *key, const char *text,
		      struct fw_place place);

void fw_reader_service_begin(struct fw_reader *reader, const char *name, struct fw_place place);
void fw_reader_service_end(struct fw_reader *reader, struct fw_place place);
void fw_reader_addr(struct fw_reader *reader, const struct fw_key *key, const char *text,
		    struct fw_place place);
void fw_reader_ports(struct fw_reader *reader, const struct fw_key *key, const char *text,
		     struct fw_place place);
void fw_reader_rule(struct fw_reader *reader, const struct fw_key *key, const char *text,
		    struct fw_place place);
void fw_reader_reflect(struct fw_reader *reader, const struct fw_key *key,
		       struct fw_yaml_item item);

/* A list of prefixes. */
void fw_reader_prefixes(struct fw_reader *reader, const struct fw_key *key,
			struct fw_yaml_item item);

/* Across keys, after everything is read. */
void fw_reader_check(struct fw_reader *reader);
/* In a sentence (msg), why `one` does nothing beside `by`. */
struct fw_err fw_reader_useless(const struct fw_reader *reader, const struct fw_prefix *one,
				const struct fw_prefix *by);
/* Where a list says this prefix first; its beginning if it does not. */
struct fw_place fw_reader_list_place(const struct fw_reader *reader, __u32 source,
				     const struct fw_prefix *one);
void fw_reader_check_prefixes(struct fw_reader *reader);
void fw_reader_check_session(struct fw_reader *reader);
void fw_reader_check_host(struct fw_reader *reader);

#endif
