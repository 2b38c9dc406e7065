/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * YAML as a stream of items, on libfyaml's parser: no tree is built, so memory does not grow with
 * the text, and what a policy file has no use for (anchors, aliases, tags, a second document) is
 * pointed out instead of followed. Used by the reader of the policy file alone.
 */
#ifndef FW_YAML_H
#define FW_YAML_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct fy_parser;
struct fy_diag;

enum fw_yaml_kind {
	FW_YAML_SCALAR,
	FW_YAML_LIST,	/* begins; ends with its FW_YAML_CLOSE */
	FW_YAML_MAP,	/* begins; keys and values in turn, then FW_YAML_CLOSE */
	FW_YAML_CLOSE,	/* of the last list or map that began */
	FW_YAML_END,	/* of the text */
	FW_YAML_BROKEN, /* not YAML: text says why; nothing else follows */
};

#define FW_YAML_TEXT  1024 /* bytes of a scalar that are kept, NUL included */
#define FW_YAML_DEPTH 16   /* lists and maps within each other */

struct fw_yaml_item {
	enum fw_yaml_kind kind;
	const char *text; /* of a scalar, cut at FW_YAML_TEXT; until the next item is read */
	size_t len;	  /* of the whole scalar */
	bool empty;	  /* nothing was written where a value could stand, or ~ or null */
	const char *odd;  /* what it carries that has no place here: "an anchor"; NULL: nothing */
	__u32 pos;	  /* byte of the text it begins at */
	__u32 line;	  /* from 0 */
};

struct fw_yaml {
	struct fy_parser *parser;
	struct fy_diag *diag;
	unsigned int depth;
	char text[FW_YAML_TEXT];
	bool begun; /* a document has begun */
	bool over;
	struct fw_yaml_item broken; /* what every further item is, if its kind is that */
};

/* text must outlive it. -ENOMEM. */
int fw_yaml_open(struct fw_yaml *yaml, const char *text, size_t size);
void fw_yaml_close(struct fw_yaml *yaml); /* zeroed: fine */

struct fw_yaml_item fw_yaml_next(struct fw_yaml *yaml);

/* Reads on to the end of what `item` began; nothing for a scalar. */
void fw_yaml_skip(struct fw_yaml *yaml, struct fw_yaml_item item);

#endif
