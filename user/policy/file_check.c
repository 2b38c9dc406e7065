// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no single key can be blamed for: things that never match, and things that could lock out
 * the very people who write the file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/compile.h"
#include "user/policy/file_read.h"
#include "user/policy/slip.h"

static const char *lane_text(const struct fw_reader *reader, const struct fw_prefix *one)
{
	static const char *const text[] = { [FW_LANE_MANAGEMENT] = "management",
					    [FW_LANE_TRUSTED] = "trusted",
					    [FW_LANE_BLOCKED] = "blocked" };

	return one->lane == FW_LANE_CLASS ? reader->file->model->class[one->class].name
					  : text[one->lane];
}

struct fw_err fw_reader_useless(const struct fw_reader *reader, const struct fw_prefix *one,
				const struct fw_prefix *by)
{
	char text[FW_TEXT_LEN], over[FW_TEXT_LEN];
	struct fw_err say = { 0 };

	fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len);
	fw_text_put_prefix(over, sizeof(over), by->addr_be, by->len);
	if (one->lane == by->lane)
		snprintf(say.msg, sizeof(say.msg), "%s is %s already, within %s", text,
			 lane_text(reader, one), over);
	else
		snprintf(say.msg, sizeof(say.msg),
			 "%s can never match as %s: %s is %s, and that wins", text,
			 lane_text(reader, one), one->len == by->len ? "it" : over,
			 lane_text(reader, by));
	return say;
}

struct fw_place fw_reader_list_place(const struct fw_reader *reader, __u32 source,
				     const struct fw_prefix *one)
{
	const struct fw_source_text *in = &reader->source[source];
	struct fw_place place = { 0, 0, source };
	const char *at = in->text, *end = in->text + in->size;

	for (; at < end; place.line++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)) ?: end;
		size_t skip = strspn(at, " \t"), len = strcspn(at + skip, " \t\r\n#;");
		char word[FW_TEXT_LEN];
		__be32 addr_be[4];
		__u8 bits;

		snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : 0),
			 at + skip);
		if (!fw_text_prefix(word, addr_be, &bits, NULL) && bits == one->len &&
		    !memcmp(addr_be, one->addr_be, sizeof(addr_be))) {
			place.pos = (__u32)(at + skip - in->text);
			return place;
		}
		at = nl + 1;
	}
	return (struct fw_place){ 0, 0, source };
}

static struct fw_place place_of_prefix(const struct fw_reader *reader, const struct fw_prefix *one)
{
	struct fw_place place = reader->prefix_place[one - reader->file->lanes.at];

	return place.source ? fw_reader_list_place(reader, place.source, one) : place;
}

static void check_classes(struct fw_reader *reader)
{
	const struct fw_model *model = reader->file->model;
	size_t count[FW_CLASS_MAX] = { 0 };

	for (size_t i = 0; i < reader->file->lanes.count; i++)
		if (reader->file->lanes.at[i].lane == FW_LANE_CLASS)
			count[reader->file->lanes.at[i].class]++;
	for (int i = 0; i < FW_CLASS_MAX; i++)
		if (*model->class[i].name && i != FW_CLASS_DEFAULT && i != FW_CLASS_TRUSTED &&
		    !count[i])
			fw_reader_say(reader, FW_PROBLEM_WARNING, reader->class_place[i],
				      "give it prefixes",
				      "class \"%s\" has no prefixes: it can never match",
				      model->class[i].name);
}

static bool net48_fits(const struct fw_reader *reader, int class, unsigned int kind, __u32 factor)
{
	struct fw_limit limit;

	return !fw_compile_net48(&reader->file->model->class[class].rate[kind], factor,
				 fw_model_kind_bytes(kind), reader->context->tick_ns, &limit, NULL);
}

/* The largest factor that this limit bears, below one that it does not. */
static __u32 factor_most(const struct fw_reader *reader, int class, unsigned int kind, __u32 over)
{
	__u32 fits = 1;

	while (over - fits > 1) {
		__u32 middle = fits + (over - fits) / 2;

		if (net48_fits(reader, class, kind, middle))
			fits = middle;
		else
			over = middle;
	}
	return fits;
}

/* A /48 has each limit times the factor, and the program must be able to count that. */
static void check_factor(struct fw_reader *reader)
{
	const struct fw_model *model = reader->file->model;
	__u32 factor = model->net48_factor;
	char hint[FW_ERR_LEN];

	for (int c = 0; c < FW_CLASS_MAX; c++)
		for (unsigned int k = 0; *model->class[c].name && k < FW_K_MAX; k++) {
			if (net48_fits(reader, c, k, factor))
				continue;
			snprintf(hint, sizeof(hint),
				 "write net48_factor: %u or less, or a lower limit",
				 factor_most(reader, c, k, factor));
			fw_reader_say(
				reader, FW_PROBLEM_ERROR,
				reader->limit_said[c][k] ? reader->limit_place[c][k]
							 : reader->factor_place,
				hint,
				"%u times the limit %s of class \"%s\" is more for a /48 than "
				"can be counted",
				factor, fw_model_kind_name(k), model->class[c].name);
		}
}

static void check_bans(struct fw_reader *reader)
{
	const struct fw_model *model = reader->file->model;
	char first[FW_TEXT_LEN], ceiling[FW_TEXT_LEN], hint[FW_ERR_LEN];

	if (model->ban_s <= model->ban_max_s)
		return;
	fw_text_put_duration(first, sizeof(first), model->ban_s);
	fw_text_put_duration(ceiling, sizeof(ceiling), model->ban_max_s);
	snprintf(hint, sizeof(hint), "write ban_ceiling: %s or more, or ban_time: %s or less",
		 first, ceiling);
	fw_reader_say(reader, FW_PROBLEM_ERROR, reader->ban_place, hint,
		      "the first ban (%s) would be longer than the ceiling of bans (%s)", first,
		      ceiling);
}

static void check_services(struct fw_reader *reader)
{
	char text[FW_ERR_LEN];

	for (__u32 s = 0; s < FW_SERVICE_MAX; s++)
		if (fw_slip_service(reader->file->model, (__u8)s, text, sizeof(text)))
			fw_reader_say(reader, FW_PROBLEM_WARNING, reader->service_place[s], NULL,
				      "%s", text);
}

/* An address beats "any": what one service takes from another is said once for each two of them. */
static void check_shadows(struct fw_reader *reader)
{
	const struct fw_model *model = reader->file->model;
	bool said[FW_SERVICE_MAX][FW_SERVICE_MAX] = { 0 };
	char text[FW_TEXT_LEN * 2];

	for (__u32 i = 0; i < model->rules; i++)
		for (__u32 k = 0; k < model->rules; k++) {
			const struct fw_model_rule *one = &model->rule[i], *any = &model->rule[k];

			if (one->any || !any->any || one->proto != any->proto ||
			    one->service == any->service || one->first > any->last ||
			    any->first > one->last || said[one->service][any->service])
				continue;
			said[one->service][any->service] = true;
			fw_reader_say(reader, FW_PROBLEM_WARNING,
				      reader->service_place[one->service], NULL,
				      "service \"%s\" shadows \"%s\": %s is its own, not what "
				      "\"%s\" says of every address",
				      model->service[one->service].name,
				      model->service[any->service].name,
				      fw_model_rule_put(text, sizeof(text), one),
				      model->service[any->service].name);
		}
}

/* Large parts of the Internet: a slip, whatever lane they are in. */
static void check_widths(struct fw_reader *reader)
{
	const struct fw_prefixes *set = &reader->file->lanes;

	for (size_t i = 0; i < set->count; i++) {
		char text[FW_ERR_LEN];

		if (fw_slip_wide(&set->at[i], text, sizeof(text)))
			fw_reader_guard(reader, place_of_prefix(reader, &set->at[i]), NULL, "%s",
					text);
	}
}

/* Prefixes that reserved_source drops before their lane is looked at: the first of each lane and
 * class, for a list of them makes one mistake. */
static void check_reserved(struct fw_reader *reader)
{
	const struct fw_prefixes *set = &reader->file->lanes;
	bool said[FW_LANE_CLASS + FW_CLASS_MAX] = { 0 };
	char text[FW_TEXT_LEN];

	if (!(reader->file->model->flags & FW_P_RESERVED_SOURCE))
		return;
	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];
		unsigned int whose = one->lane + (one->lane == FW_LANE_CLASS ? one->class : 0U);

		if (one->lane == FW_LANE_BLOCKED || said[whose] ||
		    !fw_slip_reserved(one->addr_be, one->len))
			continue;
		said[whose] = true;
		fw_reader_say(reader, FW_PROBLEM_WARNING, place_of_prefix(reader, one),
			      "sanity: reserved_source: off",
			      "%s can never match as %s: it is reserved, and reserved_source drops "
			      "it first",
			      fw_text_put_prefix(text, sizeof(text), one->addr_be, one->len),
			      lane_text(reader, one));
	}
}

/* Limits of everybody, and budgets, that honest visitors would exceed: only what the file says. */
static void check_slips(struct fw_reader *reader)
{
	const struct fw_model *model = reader->file->model;
	char text[FW_ERR_LEN];

	if (model->flags & FW_P_MONITOR)
		return;
	for (unsigned int k = 0; k < FW_K_MAX; k++)
		if (reader->limit_said[FW_CLASS_DEFAULT][k] && !reader->limit_blamed[k] &&
		    fw_slip_limit(k, &model->class[FW_CLASS_DEFAULT].rate[k], text, sizeof(text)))
			fw_reader_say(reader, FW_PROBLEM_WARNING,
				      reader->limit_place[FW_CLASS_DEFAULT][k], NULL, "%s", text);
	for (unsigned int b = 0; b < FW_B_MAX; b++)
		if (reader->budget_said[b] &&
		    fw_slip_budget(b, &model->budget[b], text, sizeof(text)))
			fw_reader_say(reader, FW_PROBLEM_WARNING, reader->budget_place[b], NULL,
				      "%s", text);
}

void fw_reader_check(struct fw_reader *reader)
{
	check_classes(reader);
	check_factor(reader);
	check_bans(reader);
	check_services(reader);
	check_shadows(reader);
	check_widths(reader);
	check_reserved(reader);
	fw_reader_check_prefixes(reader);
	fw_reader_check_session(reader);
	check_slips(reader);
	fw_reader_check_host(reader);
}
