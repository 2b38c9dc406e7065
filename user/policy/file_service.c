// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services and amplifier ports of the policy file. Addresses and ports are collected while a
 * service's keys are read and become rules at its end; two services that claim the same are told
 * apart by where each was said.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/file_read.h"

void fw_reader_service_begin(struct fw_reader *reader, const char *name, struct fw_place place)
{
	struct fw_model *model = reader->file->model;
	int i = fw_model_service_find(model, name, NULL);
	struct fw_err err;

	reader->base[FW_KEY_SERVICE] = NULL;
	if (i >= 0 && (reader->service_place[i].pos || reader->service_place[i].line)) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
			      "service \"%s\" was given in line %u already", name,
			      reader->service_place[i].line + 1);
		return;
	}
	if (i < 0) {
		i = fw_model_service_add(model, name, &err);
		if (i < 0) {
			fw_reader_error(reader, place, &err);
			return;
		}
		memcpy(reader->standard_service.name, model->service[i].name, FW_NAME_LEN);
		model->service[i] = reader->standard_service;
	}
	memset(&reader->service, 0, sizeof(reader->service));
	reader->service.index = (__u8)i;
	reader->service_place[i] = place;
	reader->base[FW_KEY_SERVICE] = &model->service[i];
}

/* False, and said: the rest of the host has none of its own. */
static bool may_claim(struct fw_reader *reader, const struct fw_key *key, struct fw_place place)
{
	if (reader->service.index != FW_SERVICE_HOST)
		return reader->base[FW_KEY_SERVICE] != NULL;
	fw_reader_say(reader, FW_PROBLEM_ERROR, place, "give them to a service of another name",
		      "service \"host\" is what no other service claims; it has no \"%s\"",
		      key->name);
	return false;
}

/* Calls take for each word between commas. */
static void each_word(struct fw_reader *reader, const struct fw_key *key, const char *text,
		      struct fw_place place,
		      void (*take)(struct fw_reader *, const struct fw_key *, const char *,
				   struct fw_place))
{
	char word[FW_TEXT_LEN * 2];
	size_t len;

	for (const char *at = text;; at += len + 1) {
		struct fw_place here = place;
		size_t skip = strspn(at, " \t");

		at += skip;
		len = strcspn(at, ",");
		snprintf(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : sizeof(word)),
			 at);
		for (size_t n = strlen(word); n && strchr(" \t", word[n - 1]); n--)
			word[n - 1] = '\0';
		here.pos += (__u32)(at - text);
		take(reader, key, word, here);
		if (!at[len])
			return;
	}
}

static void one_addr(struct fw_reader *reader, const struct fw_key *key, const char *text,
		     struct fw_place place)
{
	struct fw_service_said *said = &reader->service;
	__be32 addr_be[4];
	struct fw_err err;

	(void)key;
	if (!strcmp(text, "any")) {
		said->any = true;
		return;
	}
	if (fw_text_addr(text, addr_be, &err)) {
		fw_reader_error(reader, place, &err);
		return;
	}
	for (unsigned int i = 0; i < said->addrs; i++)
		if (!memcmp(said->addr_be[i], addr_be, sizeof(addr_be))) {
			fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
				      "%s is listed twice", text);
			return;
		}
	if (said->addrs == FW_SERVICE_ADDRS) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "make a second service of the rest",
			      "more than %d addresses", FW_SERVICE_ADDRS);
		return;
	}
	memcpy(said->addr_be[said->addrs++], addr_be, sizeof(addr_be));
}

void fw_reader_addr(struct fw_reader *reader, const struct fw_key *key, const char *text,
		    struct fw_place place)
{
	if (may_claim(reader, key, place))
		each_word(reader, key, text, place, one_addr);
}

static void one_port(struct fw_reader *reader, const struct fw_key *key, const char *text,
		     struct fw_place place)
{
	struct fw_service_said *said = &reader->service;
	struct fw_ports_said *list = said->port[key->min], new = { .place = place };
	unsigned int *n = &said->ports[key->min];
	struct fw_err err;

	if (fw_text_ports(text, &new.first, &new.last, &err)) {
		fw_reader_error(reader, place, &err);
		return;
	}
	for (unsigned int i = 0; i < *n; i++)
		if (list[i].first <= new.last &&new.first <= list[i].last) {
			fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
				      "%s: listed in line %u already", text,
				      list[i].place.line + 1);
			return;
		}
	if (*n == FW_SERVICE_PORTS)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "write ranges: 8000-8100",
			      "more than %d ports and ranges", FW_SERVICE_PORTS);
	else
		list[(*n)++] = new;
}

void fw_reader_ports(struct fw_reader *reader, const struct fw_key *key, const char *text,
		     struct fw_place place)
{
	if (may_claim(reader, key, place))
		each_word(reader, key, text, place, one_port);
}

/* Adds one rule; on conflict names the line of the other service too. */
static int claim(struct fw_reader *reader, const char *rule, struct fw_place place)
{
	struct fw_model *model = reader->file->model;
	char *quoted, name[FW_NAME_LEN];
	struct fw_err err;
	int r, other = -1;

	r = fw_model_rule_add(model, reader->service.index, rule, &err);
	if (!r)
		return 0;
	if (r == -EEXIST) {
		quoted = strstr(err.msg, "service \"");
		if (quoted && sscanf(quoted, "service \"%15[^\"]", name) == 1)
			other = fw_model_service_find(model, name, NULL);
	}
	if (other >= 0)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, err.hint, "%s, line %u", err.msg,
			      reader->service_place[other].line + 1);
	else
		fw_reader_error(reader, place, &err);
	return r;
}

void fw_reader_rule(struct fw_reader *reader, const struct fw_key *key, const char *text,
		    struct fw_place place)
{
	if (!may_claim(reader, key, place))
		return;
	reader->service.rules = true;
	claim(reader, text, place);
}

/* One port at each address. */
static int claim_port(struct fw_reader *reader, unsigned int proto,
		      const struct fw_ports_said *port)
{
	const struct fw_service_said *said = &reader->service;
	bool any = said->any || !said->addrs;
	char rule[FW_TEXT_LEN * 2], addr[FW_TEXT_LEN];
	int used, r = 0;

	used = snprintf(rule, sizeof(rule), "%s/%u-%u", proto == FW_PORT_TCP ? "tcp" : "udp",
			port->first, port->last);
	if (any)
		return claim(reader, rule, port->place);
	for (unsigned int i = 0; i < said->addrs && !r; i++) {
		fw_text_put_addr(addr, sizeof(addr), said->addr_be[i]);
		snprintf(rule + used, sizeof(rule) - (size_t)used, "@%s", addr);
		r = claim(reader, rule, port->place);
	}
	return r;
}

void fw_reader_service_end(struct fw_reader *reader, struct fw_place place)
{
	struct fw_service_said *said = &reader->service;
	struct fw_model *model = reader->file->model;

	if (said->any && said->addrs)
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "leave \"to\" out for every address",
			      "\"any\" does not go with addresses");
	for (unsigned int proto = 0; proto < 2; proto++)
		for (unsigned int i = 0; i < said->ports[proto]; i++)
			claim_port(reader, proto, &said->port[proto][i]);
	if (said->index == FW_SERVICE_HOST) {
		if (model->service[said->index].closed)
			may_claim(reader, &(struct fw_key){ .name = "closed" }, said->closed);
	} else if (!said->ports[0] && !said->ports[1] && !said->rules) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "give it tcp, udp or rules",
			      "service \"%s\" has no ports: it would never match",
			      model->service[said->index].name);
	} else if (model->service[said->index].closed &&
		   fw_model_rule_anywhere(model, said->index)) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, said->closed,
			      "say at which: to: [192.0.2.1]",
			      "a closed service needs addresses of its own, not any");
	}
	reader->base[FW_KEY_SERVICE] = NULL;
}

/* One port onto the list; one of the default list that the file has not named moves over. */
static void put_reflect(struct fw_reader *reader, __u16 port, bool everywhere,
			struct fw_place place)
{
	struct fw_model *model = reader->file->model;
	struct fw_err err;
	int i = 1;

	while (i < FW_REFLECT_MAX && model->reflect[i].port != port)
		i++;
	if (i < FW_REFLECT_MAX && reader->reflect_said[i]) {
		fw_reader_say(reader, FW_PROBLEM_ERROR, place, "keep one of them",
			      "port %u is listed already", port);
		return;
	}
	if (fw_model_reflect_add(model, port, everywhere, &err)) {
		fw_reader_error(reader, place, &err);
		return;
	}
	for (i = 1; i < FW_REFLECT_MAX; i++)
		reader->reflect_said[i] |= model->reflect[i].port == port;
}

static void one_reflect(struct fw_reader *reader, const struct fw_key *key, const char *text,
			struct fw_place place)
{
	size_t before = reader->problems->errors;
	__u16 first = 0, last = 0;
	struct fw_err err;

	if (fw_text_ports(text, &first, &last, &err)) {
		fw_reader_error(reader, place, &err);
		return;
	}
	for (__u32 port = first; port <= last && reader->problems->errors == before; port++)
		put_reflect(reader, (__u16)port, key->max, place);
}

static void words_reflect(struct fw_reader *reader, const struct fw_key *key, const char *text,
			  struct fw_place place)
{
	each_word(reader, key, text, place, one_reflect);
}

void fw_reader_reflect(struct fw_reader *reader, const struct fw_key *key, struct fw_yaml_item item)
{
	struct fw_model *model = reader->file->model;

	/* What the file says takes the place of the default. */
	for (int i = 1; i < FW_REFLECT_MAX; i++)
		if (!reader->reflect_said[i] && model->reflect[i].everywhere == (bool)key->max)
			memset(&model->reflect[i], 0, sizeof(model->reflect[i]));
	fw_reader_each(reader, key, item, words_reflect);
}
