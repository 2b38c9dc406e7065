// SPDX-License-Identifier: GPL-2.0-only
/*
 * block, trust, manage, class: the rows of one implementation for four lanes. What they do is in
 * lane_change.c (add, del, flush), lane_list.c, lane_import.c and lane_class.c.
 */
#include "user/cli/lane.h"

const struct fw_lane_words fw_lane_words[FW_LANE_MAX] = {
	[FW_LANE_MANAGEMENT] = { "manage", "in management", "no longer in management" },
	[FW_LANE_TRUSTED] = { "trust", "trusted", "no longer trusted" },
	[FW_LANE_BLOCKED] = { "block", "blocked", "no longer blocked" },
	[FW_LANE_CLASS] = { "class", "in class", "no longer in class" },
};

static const struct fw_cli_option add_options[] = {
	{ "for", 'f', "TIME", "how long: 90s, 10m, 2h, 1d (left out: until deleted)", "10m 1h 1d" },
	{ "why", 'w', "TEXT", "a reason, shown by list, at most 63 bytes", NULL },
	{ "force", 0, NULL, "even if it cuts your own session, or names most of the Internet",
	  NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option import_options[] = {
	{ "for", 'f', "TIME", "how long: 90s, 10m, 2h, 1d (left out: until deleted)", "10m 1h 1d" },
	{ "why", 'w', "TEXT", "a reason, shown by list, at most 63 bytes", NULL },
	{ "replace", 'r', NULL, "the list takes the place of all that was there", NULL },
	{ "force", 0, NULL, "even if it cuts your own session, or names most of the Internet",
	  NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option force_options[] = {
	{ "force", 0, NULL, "even if it cuts your own session", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const struct fw_cli_option list_options[] = {
	{ "expired", 'e', NULL, "also those whose time is over", NULL },
	{ NULL, 0, NULL, NULL, NULL },
};

static const char import_doc[] =
	"One prefix or address a line; # and ; begin comments; FILE may be - for standard input. A "
	"list with one bad line changes nothing. All of it takes effect at once: no listed address "
	"is uncovered for a moment, not even with --replace.";

/* The five rows of a lane. class_: "CLASS " for lanes whose first operand is a class. */
#define LANE_ROWS(object_, tag_, class_, n_, add_, del_, list_, import_, flush_)                 \
	{ .object = object_,                                                                     \
	  .verb = "add",                                                                         \
	  .args = class_ "PREFIX...",                                                            \
	  .help = add_,                                                                          \
	  .doc = lanes_doc,                                                                      \
	  .options = add_options,                                                                \
	  .min_args = 1 + n_,                                                                    \
	  .max_args = -1,                                                                        \
	  .run = fw_lane_add,                                                                    \
	  .tag = tag_,                                                                           \
	  .choices = n_ ? "@class" : NULL },                                                     \
		{ .object = object_,                                                             \
		  .verb = "del",                                                                 \
		  .args = class_ "PREFIX...",                                                    \
		  .help = del_,                                                                  \
		  .options = force_options,                                                      \
		  .min_args = 1 + n_,                                                            \
		  .max_args = -1,                                                                \
		  .run = fw_lane_del,                                                            \
		  .tag = tag_,                                                                   \
		  .choices = n_ ? "@class" : NULL },                                             \
		{ .object = object_,                                                             \
		  .verb = "list",                                                                \
		  .args = n_ ? "[CLASS] [PREFIX]" : "[PREFIX]",                                  \
		  .help = list_,                                                                 \
		  .doc = "With PREFIX: only those that overlap it.",                             \
		  .options = list_options,                                                       \
		  .max_args = 1 + n_,                                                            \
		  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,                                        \
		  .run = fw_lane_list,                                                           \
		  .tag = tag_ },                                                                 \
		{ .object = object_,                                                             \
		  .verb = "import",                                                              \
		  .args = class_ "FILE",                                                         \
		  .help = import_,                                                               \
		  .doc = import_doc,                                                             \
		  .options = import_options,                                                     \
		  .min_args = 1 + n_,                                                            \
		  .max_args = 1 + n_,                                                            \
		  .run = fw_lane_import,                                                         \
		  .tag = tag_,                                                                   \
		  .choices = n_ ? "@class @file" : "@file" },                                    \
	{                                                                                        \
		.object = object_, .verb = "flush", .args = n_ ? "[CLASS]" : "", .help = flush_, \
		.options = force_options, .max_args = n_, .run = fw_lane_flush, .tag = tag_,     \
		.choices = n_ ? "@class" : NULL                                                  \
	}

static const char lanes_doc[] =
	"Lanes in the order they win: management, trusted, blocked, class. A prefix that is there "
	"already gets the new time and reason.\n\n"
	"  floodwall block add 192.0.2.0/24 --for 10m --why \"scanner, ticket 12\"\n"
	"  floodwall trust add 198.51.100.7 2001:db8:5::/48 --why clerks\n"
	"  floodwall class add carriers 100.64.0.0/10";

const struct fw_cli_command fw_cmd_lane[] = {
	LANE_ROWS("block", FW_LANE_BLOCKED, "", 0, "drop everything from these sources",
		  "stop blocking these prefixes", "what is blocked, since when, until when, why",
		  "block a list of prefixes", "unblock everything"),
	LANE_ROWS("trust", FW_LANE_TRUSTED, "", 0,
		  "give these sources a budget ahead of all others", "stop trusting these prefixes",
		  "what is trusted", "trust a list of prefixes", "trust nobody any more"),
	LANE_ROWS("manage", FW_LANE_MANAGEMENT, "", 0,
		  "never cut these sources off, whatever else says",
		  "take prefixes out of management", "what is in management",
		  "put a list of prefixes into management", "empty management"),
	LANE_ROWS("class", FW_LANE_CLASS, "CLASS ", 1, "give these sources the limits of a class",
		  "take prefixes out of a class", "which prefixes are in which class",
		  "put a list of prefixes into a class", "empty a class, or all of them"),
	{ .object = "class",
	  .verb = "new",
	  .args = "CLASS",
	  .help = "make a class, with the limits of default",
	  .doc = "Then: floodwall limit set KIND RATE --class CLASS; floodwall class add CLASS "
		 "PREFIX",
	  .min_args = 1,
	  .max_args = 1,
	  .run = fw_lane_class_new },
	{ .object = "class",
	  .verb = "drop",
	  .args = "CLASS",
	  .help = "remove a class that no prefix is in",
	  .min_args = 1,
	  .max_args = 1,
	  .run = fw_lane_class_drop,
	  .choices = "@class" },
	{ .object = "class",
	  .verb = "show",
	  .args = "",
	  .help = "the classes, and how many prefixes each has",
	  .flags = FW_CLI_WATCH,
	  .run = fw_lane_class_show },
	{ .object = NULL },
};
