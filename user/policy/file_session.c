// SPDX-License-Identifier: GPL-2.0-only
/*
 * Would this policy cut off whoever writes it? Asked for the session that types the command when
 * there is one; without one, the limits that everybody gets are held against what a shell needs.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/file_read.h"
#include "user/policy/slip.h"

/* What one shell in use needs a second, with a reserve; SYN: one in a minute. */
static const struct {
	unsigned int kind;
	double least;
} needs[] = {
	{ FW_K_PACKETS, 50 },
	{ FW_K_BYTES, 10000 },
	{ FW_K_SYN, 1.0 / 60 },
};

/* The prefix of a lane that holds the address: of a class the longest, else the last to end. */
static const struct fw_prefix *holder(const struct fw_prefixes *set, enum fw_lane lane,
				      const __be32 addr_be[4])
{
	const struct fw_prefix *best = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct fw_prefix *one = &set->at[i];

		if (one->lane != lane || !fw_prefixes_covers(one, addr_be))
			continue;
		if (!best ||
		    (lane == FW_LANE_CLASS ? one->len > best->len : one->until_s > best->until_s))
			best = one;
	}
	return best;
}

static int class_of(const struct fw_prefixes *set, const __be32 peer_be[4])
{
	const struct fw_prefix *class = holder(set, FW_LANE_CLASS, peer_be);

	if (holder(set, FW_LANE_MANAGEMENT, peer_be))
		return -1;
	if (holder(set, FW_LANE_TRUSTED, peer_be))
		return FW_CLASS_TRUSTED;
	return class ? class->class : FW_CLASS_DEFAULT;
}

static bool starves(unsigned int kind, const struct fw_rate *rate)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (needs[i].kind == kind)
			return rate->count && (double)rate->count / rate->per_s < needs[i].least;
	return false;
}

static struct fw_place place_of(const struct fw_reader *reader, const struct fw_prefix *one)
{
	struct fw_place place = reader->prefix_place[one - reader->file->lanes.at];

	return place.source ? fw_reader_list_place(reader, place.source, one) : place;
}

static void check_limits(struct fw_reader *reader, unsigned int class, const char *who)
{
	const struct fw_model_class *c = &reader->file->model->class[class];

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if (!starves(needs[i].kind, &c->rate[needs[i].kind]))
			continue;
		reader->limit_blamed[needs[i].kind] |= class == FW_CLASS_DEFAULT;
		if (who)
			fw_reader_guard(reader, reader->limit_place[class][needs[i].kind],
					"put the address into lanes: management",
					"this limit could cut your own session off: %s is of class "
					"\"%s\"",
					who, c->name);
		else
			fw_reader_say(reader, FW_PROBLEM_WARNING,
				      reader->limit_place[class][needs[i].kind],
				      "put the addresses you log in from into lanes: management",
				      "so low a limit could lock out whoever logs in from class "
				      "\"%s\"",
				      c->name);
	}
}

static const struct fw_model_rule *closer_of(const struct fw_model *model,
					     const struct fw_file_session *session)
{
	const struct fw_model_rule *closer = NULL;

	if (!session->port)
		return NULL;
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];
		bool here = !memcmp(rule->addr_be, session->server_be, sizeof(rule->addr_be));

		if (!rule->any && here && model->service[rule->service].closed)
			closer = rule;
		if ((rule->any || here) && rule->proto == FW_PORT_TCP &&
		    rule->first <= session->port && session->port <= rule->last)
			return NULL;
	}
	return closer;
}

struct fw_file_verdict fw_file_session_judge(const struct fw_model *model,
					     const struct fw_prefixes *set,
					     const struct fw_file_session *session)
{
	struct fw_file_verdict v = { .fate = FW_SESSION_FREE };
	bool drops = !(model->flags & FW_P_MONITOR);

	v.class = class_of(set, session->peer_be);
	if (drops && model->flags & FW_P_RESERVED_SOURCE &&
	    fw_slip_reserved(session->peer_be, 128)) {
		v.fate = FW_SESSION_RESERVED;
		return v;
	}
	if (v.class < 0)
		return v;
	v.by = v.class == FW_CLASS_TRUSTED ? NULL : holder(set, FW_LANE_BLOCKED, session->peer_be);
	if (v.by)
		v.fate = FW_SESSION_BLOCKED;
	else if (drops && closer_of(model, session))
		v.fate = FW_SESSION_CLOSED;
	for (size_t i = 0; drops && !v.fate && i < sizeof(needs) / sizeof(needs[0]); i++) {
		v.kind = needs[i].kind;
		if (starves(v.kind, &model->class[v.class].rate[v.kind]))
			v.fate = FW_SESSION_STARVED;
	}
	return v;
}

/* The address that the session goes to speaks only what services say. */
static void check_closed(struct fw_reader *reader, const struct fw_file_session *session,
			 const char *who)
{
	const struct fw_model_rule *closer = closer_of(reader->file->model, session);
	char addr[FW_TEXT_LEN];

	if (!closer)
		return;
	fw_text_put_addr(addr, sizeof(addr), session->server_be);
	fw_reader_guard(reader, reader->service_place[closer->service],
			"give the port to a service, or the address to lanes: management",
			"this would cut your own session off: %s would speak no TCP port %u any "
			"more, and %s is logged in to it",
			addr, session->port, who);
}

static void check_one(struct fw_reader *reader, const struct fw_file_session *session)
{
	const struct fw_prefixes *set = &reader->file->lanes;
	const struct fw_prefix *blocked;
	char who[FW_TEXT_LEN];
	int class;

	fw_text_put_addr(who, sizeof(who), session->peer_be);
	if (reader->file->model->flags & FW_P_RESERVED_SOURCE &&
	    fw_slip_reserved(session->peer_be, 128))
		fw_reader_guard(reader, reader->reserved_place, "sanity: reserved_source: off",
				"this would cut your own session off: %s is a reserved source",
				who);
	class = class_of(set, session->peer_be);
	if (class < 0)
		return;
	blocked = holder(set, FW_LANE_BLOCKED, session->peer_be);
	if (blocked && class != FW_CLASS_TRUSTED)
		fw_reader_guard(
			reader, place_of(reader, blocked), "put the address into lanes: management",
			"this would cut your own session off: you are logged in from %s", who);
	check_limits(reader, (unsigned int)class, who);
	check_closed(reader, session, who);
}

void fw_reader_check_session(struct fw_reader *reader)
{
	if (reader->file->model->flags & FW_P_MONITOR)
		return; /* nothing is dropped */
	if (reader->context->session)
		check_one(reader, reader->context->session);
	else if (!fw_prefixes_count(&reader->file->lanes, FW_LANE_MANAGEMENT, -1))
		check_limits(reader, FW_CLASS_DEFAULT, NULL);
}
