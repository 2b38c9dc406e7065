// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of services: which ports, on which addresses. What must stay true: model->rule[] is sorted,
 * ranges of one (service, protocol, address) neither touch nor overlap, and no two services claim
 * the same (address, protocol, port).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/model.h"

#define RULE_HINT "write tcp/443, tcp/80,443, udp/8000-8100 or tcp/443@192.0.2.1"
#define PARTS_MAX 64   /* ranges in one text */
#define TEXT_MAX  1024 /* bytes of one text */

/* What one text says: ranges of one protocol on one address. */
struct parsed {
	struct fw_model_rule rule[PARTS_MAX];
	__u32 n;
};

static int proto_parse(const char *name, __u8 *ret)
{
	if (!strcmp(name, "tcp"))
		*ret = FW_PORT_TCP;
	else if (!strcmp(name, "udp"))
		*ret = FW_PORT_UDP;
	else
		return -EINVAL;
	return 0;
}

/* Splits text in place at the first c; NULL when there is none. */
static char *split(char *text, char c)
{
	char *at = strchr(text, c);

	if (at)
		*at++ = '\0';
	return at;
}

static int rule_parse(const char *text, __u8 service, struct parsed *ret, struct fw_err *err)
{
	struct fw_model_rule base = { .service = service };
	char copy[TEXT_MAX];
	char *addr, *ports, *next;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (strlen(text) >= sizeof(copy))
		return fw_err_set(err, -EINVAL, RULE_HINT, "\"%.40s...\" is too long", text);
	strcpy(copy, text);
	addr = split(copy, '@');
	ports = split(copy, '/');
	if (!ports || proto_parse(copy, &base.proto))
		return fw_err_set(err, -EINVAL, RULE_HINT,
				  "\"%.60s\" does not begin with tcp/ or udp/", text);
	base.any = !addr;
	if (addr) {
		r = fw_text_addr(addr, base.addr_be, err);
		if (r)
			return r;
	}
	for (; ports; ports = next) {
		next = split(ports, ',');
		if (ret->n == PARTS_MAX)
			return fw_err_set(err, -EINVAL, "add the rest with a second rule",
					  "\"%.40s...\" has more than %d ports", text, PARTS_MAX);
		r = fw_text_ports(ports, &base.first, &base.last, err);
		if (r)
			return r;
		ret->rule[ret->n++] = base;
	}
	return 0;
}

static bool same_place(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return a->proto == b->proto && a->any == b->any &&
	       !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
}

static bool overlap(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return same_place(a, b) && a->first <= b->last && b->first <= a->last;
}

static int by_place(const void *a_, const void *b_)
{
	const struct fw_model_rule *a = a_, *b = b_;
	int d = (int)a->service - (int)b->service;

	if (!d)
		d = (int)a->proto - (int)b->proto;
	if (!d)
		d = (int)b->any - (int)a->any;
	if (!d)
		d = memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
	return d ? d : (int)a->first - (int)b->first;
}

/* Sorts, merges what touches, and clears what became free. */
static void normalise(struct fw_model_rule *rule, __u32 *n)
{
	__u32 kept = 0;

	qsort(rule, *n, sizeof(*rule), by_place);
	for (__u32 i = 0; i < *n; i++) {
		struct fw_model_rule *last = kept ? &rule[kept - 1] : NULL;

		if (last && last->service == rule[i].service && same_place(last, &rule[i]) &&
		    rule[i].first <= last->last + 1) {
			if (rule[i].last > last->last)
				last->last = rule[i].last;
			continue;
		}
		rule[kept++] = rule[i];
	}
	memset(&rule[kept], 0, (*n - kept) * sizeof(*rule));
	*n = kept;
}

void fw_model_rule_sort(struct fw_model *model)
{
	normalise(model->rule, &model->rules);
}

/* Puts the changed rules in place if they fit. work holds n of them. */
static int commit(struct fw_model *model, struct fw_model_rule *work, __u32 n, struct fw_err *err)
{
	normalise(work, &n);
	if (n > FW_MODEL_RULES)
		return fw_err_set(err, -ENOSPC, "use ranges of ports, or fewer of them",
				  "%u rules are needed and %d fit", n, FW_MODEL_RULES);
	memset(model->rule, 0, sizeof(model->rule));
	memcpy(model->rule, work, n * sizeof(*work));
	model->rules = n;
	return 0;
}

static int conflict_check(const struct fw_model *model, const struct parsed *new,
			  struct fw_err *err)
{
	char text[FW_TEXT_LEN * 2];

	for (__u32 i = 0; i < new->n; i++)
		for (__u32 k = 0; k < model->rules; k++)
			if (model->rule[k].service != new->rule[i].service &&
			    overlap(&model->rule[k], &new->rule[i]))
				return fw_err_set(
					err, -EEXIST,
					"a port belongs to one service; give an address to tell "
					"them apart",
					"%s belongs to service \"%s\"",
					fw_model_rule_put(text, sizeof(text), &model->rule[k]),
					model->service[model->rule[k].service].name);
	return 0;
}

int fw_model_rule_add(struct fw_model *model, __u8 service, const char *text, struct fw_err *err)
{
	struct fw_model_rule work[FW_MODEL_RULES + PARTS_MAX];
	struct parsed new;
	int r = rule_parse(text, service, &new, err);

	if (!r)
		r = conflict_check(model, &new, err);
	if (r)
		return r;
	if (service == FW_SERVICE_HOST || service >= FW_SERVICE_MAX)
		return fw_err_set(err, -EINVAL, "add a service and give it the rule",
				  "service \"host\" is everything that no other service claims");
	memcpy(work, model->rule, model->rules * sizeof(*work));
	memcpy(work + model->rules, new.rule, new.n * sizeof(*work));
	return commit(model, work, model->rules + new.n, err);
}

char *fw_model_rule_put(char *buf, size_t size, const struct fw_model_rule *rule)
{
	char addr[FW_TEXT_LEN] = "", ports[FW_TEXT_LEN];

	if (rule->first == rule->last)
		snprintf(ports, sizeof(ports), "%u", rule->first);
	else
		snprintf(ports, sizeof(ports), "%u-%u", rule->first, rule->last);
	if (!rule->any)
		fw_text_put_addr(addr, sizeof(addr), rule->addr_be);
	snprintf(buf, size, "%s/%s%s%s", rule->proto == FW_PORT_TCP ? "tcp" : "udp", ports,
		 rule->any ? "" : "@", addr);
	return buf;
}

bool fw_model_rule_anywhere(const struct fw_model *model, __u8 service)
{
	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service == service && model->rule[i].any)
			return true;
	return false;
}

void fw_model_rule_drop(struct fw_model *model, __u8 service)
{
	__u32 kept = 0;

	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service != service)
			model->rule[kept++] = model->rule[i];
	memset(&model->rule[kept], 0, (model->rules - kept) * sizeof(model->rule[0]));
	model->rules = kept;
}
