// SPDX-License-Identifier: GPL-2.0-only
/* libfyaml's events as items. Whatever libfyaml would print is collected and said by the caller. */
#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <string.h>
#include "user/policy/yaml.h"

int fw_yaml_open(struct fw_yaml *yaml, const char *text, size_t size)
{
	struct fy_diag_cfg diag;
	struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET };

	memset(yaml, 0, sizeof(*yaml));
	fy_diag_cfg_default(&diag);
	diag.fp = NULL;
	diag.colorize = false;
	yaml->diag = fy_diag_create(&diag);
	if (!yaml->diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(yaml->diag, true);
	cfg.diag = yaml->diag;
	yaml->parser = fy_parser_create(&cfg);
	if (!yaml->parser || fy_parser_set_string(yaml->parser, text, size)) {
		fw_yaml_close(yaml);
		return -ENOMEM;
	}
	return 0;
}

void fw_yaml_close(struct fw_yaml *yaml)
{
	if (yaml->parser)
		fy_parser_destroy(yaml->parser);
	if (yaml->diag)
		fy_diag_destroy(yaml->diag);
	yaml->parser = NULL;
	yaml->diag = NULL;
}

static struct fw_yaml_item broken(struct fw_yaml *yaml)
{
	struct fw_yaml_item item = { .kind = FW_YAML_BROKEN, .text = yaml->text };
	struct fy_diag_error *error;
	const struct fy_mark *mark;
	void *at = NULL;

	yaml->over = true;
	error = fy_diag_errors_iterate(yaml->diag, &at);
	snprintf(yaml->text, sizeof(yaml->text), "%s",
		 error && error->msg && *error->msg ? error->msg : "this is not YAML");
	if (error && error->fyt) {
		mark = fy_token_start_mark(error->fyt);
		if (mark) {
			item.pos = (__u32)mark->input_pos;
			item.line = (__u32)mark->line;
		}
	} else if (error && error->line > 0) {
		item.line = (__u32)error->line - 1;
	}
	yaml->broken = item;
	return item;
}

static struct fw_yaml_item too_deep(struct fw_yaml *yaml, struct fw_yaml_item item)
{
	yaml->over = true;
	snprintf(yaml->text, sizeof(yaml->text), "lists and keys within each other too deep");
	item.kind = FW_YAML_BROKEN;
	item.text = yaml->text;
	yaml->broken = item;
	return item;
}

static bool is_null(struct fy_token *token, const char *text, size_t len)
{
	enum fy_scalar_style style = fy_scalar_token_get_style(token);

	return style == FYSS_PLAIN &&
	       (!len || (len == 1 && *text == '~') || (len == 4 && !memcmp(text, "null", 4)));
}

static void take_scalar(struct fw_yaml *yaml, struct fy_event *event, struct fw_yaml_item *item)
{
	struct fy_token *token = event->scalar.value;
	size_t len = 0, keep;
	const char *text = token ? fy_token_get_text(token, &len) : "";

	keep = !text ? 0 : len < sizeof(yaml->text) ? len : sizeof(yaml->text) - 1;
	if (keep)
		memcpy(yaml->text, text, keep);
	yaml->text[keep] = '\0';
	item->kind = FW_YAML_SCALAR;
	item->text = yaml->text;
	item->len = len;
	item->empty = !token || is_null(token, yaml->text, len);
}

static const char *oddity(struct fy_token *anchor, struct fy_token *tag)
{
	return anchor ? "an anchor (&)" : tag ? "a tag (!)" : NULL;
}

/* True: item is what the caller waits for. */
static bool take(struct fw_yaml *yaml, struct fy_event *event, struct fw_yaml_item *item)
{
	switch (event->type) {
	case FYET_SCALAR:
		take_scalar(yaml, event, item);
		item->odd = oddity(event->scalar.anchor, event->scalar.tag);
		return true;
	case FYET_ALIAS:
		item->kind = FW_YAML_SCALAR;
		item->text = "";
		item->odd = "an alias (*)";
		return true;
	case FYET_MAPPING_START:
		item->kind = FW_YAML_MAP;
		item->odd = oddity(event->mapping_start.anchor, event->mapping_start.tag);
		yaml->depth++;
		return true;
	case FYET_SEQUENCE_START:
		item->kind = FW_YAML_LIST;
		item->odd = oddity(event->sequence_start.anchor, event->sequence_start.tag);
		yaml->depth++;
		return true;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		item->kind = FW_YAML_CLOSE;
		yaml->depth--;
		return true;
	default:
		return false;
	}
}

struct fw_yaml_item fw_yaml_next(struct fw_yaml *yaml)
{
	struct fw_yaml_item item = { .kind = FW_YAML_END };
	bool found = false;

	if (yaml->over && yaml->broken.kind == FW_YAML_BROKEN)
		return yaml->broken;
	while (!found && !yaml->over) {
		struct fy_event *event = fy_parser_parse(yaml->parser);
		const struct fy_mark *mark;

		if (!event && fy_parser_get_stream_error(yaml->parser))
			return broken(yaml);
		if (!event) {
			yaml->over = true;
			break;
		}
		mark = fy_event_start_mark(event);
		if (mark) {
			item.pos = (__u32)mark->input_pos;
			item.line = (__u32)mark->line;
		}
		found = take(yaml, event, &item);
		if (event->type == FYET_DOCUMENT_START && yaml->begun) {
			item.kind = FW_YAML_BROKEN;
			item.text = "a second document begins here; a policy is one";
			yaml->broken = item;
			yaml->over = true;
			found = true;
		}
		yaml->begun |= event->type == FYET_DOCUMENT_START;
		fy_parser_event_free(yaml->parser, event);
	}
	if (yaml->depth > FW_YAML_DEPTH)
		return too_deep(yaml, item);
	return item;
}

void fw_yaml_skip(struct fw_yaml *yaml, struct fw_yaml_item item)
{
	unsigned int outside;

	if (item.kind != FW_YAML_LIST && item.kind != FW_YAML_MAP)
		return;
	outside = yaml->depth - 1;
	while (!yaml->over && yaml->depth > outside)
		(void)fw_yaml_next(yaml);
}
