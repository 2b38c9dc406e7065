// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy as a file, along the table of keys, that reads back to the same policy. What is at its
 * default is written too: whoever reads it sees what runs.
 */
#include <errno.h>
#include <string.h>
#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/policy/file_print.h"
#include "user/policy/file_read.h"

struct printer {
	FILE *out;
	const struct fw_file *file;
	struct fw_file_clock clock;
	const void *base[FW_KEY_BASES];
	__u8 index; /* of the class or service printed now */
};

static void indent(const struct printer *p, int depth)
{
	fprintf(p->out, "%*s", depth * 2, "");
}

/*
 * A text without control characters. Not in single quotes if it holds one itself: libfyaml 0.7
 * reads four in a row as three.
 */
static void put_quoted(FILE *out, const char *text)
{
	char quote = strchr(text, '\'') ? '"' : '\'';

	putc(quote, out);
	for (; *text; text++) {
		if (quote == '"' && strchr("\"\\", *text))
			putc('\\', out);
		putc(*text, out);
	}
	putc(quote, out);
}

static void put_limit(FILE *out, const struct fw_rate *rate, bool bytes)
{
	const char *unit = bytes ? "B" : "", *per;
	char number[FW_TEXT_LEN];

	if (!rate->count) {
		fputs("none", out);
		return;
	}
	per = rate->per_s == 3600 ? "h" : rate->per_s == 60 ? "m" : "s";
	fprintf(out, "%s%s/%s", fw_text_put_number(number, sizeof(number), rate->count), unit, per);
	if (rate->burst)
		fprintf(out, " burst %s%s", fw_text_put_number(number, sizeof(number), rate->burst),
			unit);
	if (rate->soft_pct)
		fprintf(out, " soft %u%%", rate->soft_pct);
}

static void put_size(FILE *out, __u64 size)
{
	static const char *const unit[] = { "GiB", "MiB", "KiB" };

	for (int i = 0; i < 3; i++)
		if (!(size & ((1ULL << (30 - 10 * i)) - 1))) {
			fprintf(out, "%llu%s", size >> (30 - 10 * i), unit[i]);
			return;
		}
	fprintf(out, "%llu", size);
}

static void put_word(FILE *out, const struct fw_key *key, unsigned int i)
{
	char word[FW_TEXT_LEN];

	fputs(fw_keys_word(word, sizeof(word), key, i) ?: "", out);
}

static void put_scalar(const struct printer *p, const struct fw_key *key)
{
	const void *base = p->base[key->base], *at = (const char *)base + key->at;
	char text[FW_TEXT_LEN];

	if (!base)
		return; /* only the settings are printed */
	switch (key->type) {
	case FW_KEY_FLAG:
		put_word(p->out, key, !!(*(const __u32 *)at & key->max));
		break;
	case FW_KEY_BOOL:
		put_word(p->out, key, *(const bool *)at);
		break;
	case FW_KEY_CHOICE:
		put_word(p->out, key, *(const __u8 *)at);
		break;
	case FW_KEY_NUMBER:
		fprintf(p->out, "%u", *(const __u32 *)at);
		break;
	case FW_KEY_PORT:
		fprintf(p->out, "%u", *(const __u16 *)at);
		break;
	case FW_KEY_SIZE:
		put_size(p->out, *(const __u64 *)at);
		break;
	case FW_KEY_DURATION:
		fputs(*(const __u32 *)at
			      ? fw_text_put_duration(text, sizeof(text), *(const __u32 *)at)
			      : "off",
		      p->out);
		break;
	case FW_KEY_LIMIT:
		put_limit(p->out, at, key->words);
		break;
	case FW_KEY_ADDR:
		fw_print_addr(p->out, at);
		break;
	default:
		put_quoted(p->out, at);
	}
}

static void put_reflect(const struct printer *p, const struct fw_key *key)
{
	const struct fw_model *model = p->file->model;
	bool more = false;

	fputs("[", p->out);
	for (int i = 1; i < FW_REFLECT_MAX; i++) {
		if (!model->reflect[i].port || model->reflect[i].everywhere != (bool)key->max)
			continue;
		fprintf(p->out, "%s%u", more ? ", " : "", model->reflect[i].port);
		more = true;
	}
	fputs("]\n", p->out);
}

static void put_prefix(const struct printer *p, const struct fw_prefix *one, int depth)
{
	const char *why = fw_prefixes_why(&p->file->lanes, one);
	char text[FW_TEXT_LEN], when[FW_CLOCK_LEN];
	bool quoted;

	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	quoted = strchr(text, ':');
	indent(p, depth);
	if (!*why && one->until_s == FW_FOREVER) {
		fprintf(p->out, quoted ? "- '%s'\n" : "- %s\n", text);
		return;
	}
	fprintf(p->out, quoted ? "- {prefix: '%s'" : "- {prefix: %s", text);
	if (one->until_s != FW_FOREVER)
		fprintf(p->out, ", until: '%s'",
			fw_clock_put(when, sizeof(when),
				     p->clock.realtime_ns +
					     (one->until_s * FW_NS_PER_S - p->clock.now_ns)));
	if (*why) {
		fputs(", why: ", p->out);
		put_quoted(p->out, why);
	}
	fputs("}\n", p->out);
}

static void put_prefixes(const struct printer *p, const struct fw_key *key, int depth)
{
	const struct fw_prefixes *set = &p->file->lanes;
	bool class = key->max == FW_LANE_CLASS, open = false;

	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		if (one->lane != key->max || (class && one->class != p->index))
			continue;
		if (!open) {
			indent(p, depth);
			fprintf(p->out, "%s:\n", key->name);
		}
		open = true;
		put_prefix(p, one, depth + 1);
	}
}

static void put_group(struct printer *p, const char *parent, int depth);

static void put_interfaces(const struct printer *p)
{
	const struct fw_settings *settings = &p->file->settings;
	size_t count;
	const struct fw_key *row = fw_keys_below("interfaces", &count);

	fputs(settings->ifaces ? "interfaces:\n" : "interfaces: {}\n", p->out);
	for (unsigned int i = 0; i < settings->ifaces; i++) {
		const char *name = settings->iface[i].name;
		char clean[sizeof(settings->iface[i].name)];

		if (strcmp(fw_text_clean(clean, sizeof(clean), name), name)) {
			fprintf(p->out, "  # %s: a policy file cannot say this name\n", clean);
			continue;
		}
		fputs("  ", p->out);
		put_quoted(p->out, name);
		fputs(": ", p->out);
		put_word(p->out, row, settings->iface[i].mode);
		putc('\n', p->out);
	}
}

/* Names may be numbers, and what a number would be to YAML is nobody's business. */
static void put_name(const struct printer *p, const char *name)
{
	fprintf(p->out, "  '%s':\n", name);
}

static void put_named(struct printer *p, const struct fw_key *key)
{
	const struct fw_model *model = p->file->model;

	if (!strcmp(key->name, "interfaces")) {
		put_interfaces(p);
		return;
	}
	fprintf(p->out, "%s:\n", key->name);
	for (__u8 i = 0; !strcmp(key->name, "classes") && i < FW_CLASS_MAX; i++) {
		p->base[FW_KEY_CLASS] = &model->class[i];
		p->index = i;
		if (!*model->class[i].name)
			continue;
		put_name(p, model->class[i].name);
		put_group(p, "classes.*", 2);
	}
	for (__u8 i = 0; !strcmp(key->name, "services") && i < FW_SERVICE_MAX; i++) {
		p->base[FW_KEY_SERVICE] = &model->service[i];
		p->index = i;
		if (!*model->service[i].name)
			continue;
		put_name(p, model->service[i].name);
		fw_print_claims(p->out, model, i);
		put_group(p, "services.*", 2);
	}
}

static void put_key(struct printer *p, const struct fw_key *key, int depth)
{
	char path[FW_TEXT_LEN];

	switch (key->type) {
	case FW_KEY_ADDRS:
	case FW_KEY_PORTS:
	case FW_KEY_RULES:
		return; /* in put_claims() */
	case FW_KEY_NAMED:
		put_named(p, key);
		return;
	case FW_KEY_PREFIXES:
		put_prefixes(p, key, depth);
		return;
	default:
		break;
	}
	if (key->base == FW_KEY_SERVICE && p->index == FW_SERVICE_HOST &&
	    !strcmp(key->name, "closed"))
		return;
	indent(p, depth);
	fprintf(p->out, "%s:", key->name);
	if (key->type == FW_KEY_GROUP) {
		putc('\n', p->out);
		put_group(p, fw_keys_path(path, sizeof(path), key), depth + 1);
		return;
	}
	putc(' ', p->out);
	if (key->type == FW_KEY_REFLECT) {
		put_reflect(p, key);
		return;
	}
	put_scalar(p, key);
	putc('\n', p->out);
}

static void put_group(struct printer *p, const char *parent, int depth)
{
	size_t count;
	const struct fw_key *key = fw_keys_below(parent, &count);

	for (size_t i = 0; i < count; i++)
		put_key(p, &key[i], depth);
}

int fw_file_print_settings(FILE *out, const struct fw_settings *settings)
{
	static const char *const part[] = { "sampling", "recording", "metrics" };
	struct fw_file file = { .settings = *settings };
	struct printer p = { .out = out, .file = &file };

	p.base[FW_KEY_SETTINGS] = settings;
	put_interfaces(&p);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		fprintf(out, "%s:\n", part[i]);
		put_group(&p, part[i], 1);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}

int fw_file_print(FILE *out, const struct fw_file *file, struct fw_file_clock clock)
{
	struct printer p = { .out = out, .file = file, .clock = clock };

	p.base[FW_KEY_MODEL] = file->model;
	p.base[FW_KEY_SETTINGS] = &file->settings;
	put_group(&p, "", 0);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
