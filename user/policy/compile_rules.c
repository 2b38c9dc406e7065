// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules with port ranges become one chain a (protocol, port). Equal tails of chains are shared, so
 * a range of any width costs one entry. What must stay true: addresses stand before "any", no
 * chain is longer than the program follows, and the way back gives the same rules.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/policy/compile_rules.h"

#define EDGES_MAX (2 * FW_MODEL_RULES + 2)
#define PORTS	  65536

static int by_value(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

/* Where the set of rules that apply may change: sorted, the last is PORTS. Returns how many. */
static __u32 edges_find(const struct fw_model *model, __u8 proto, __u32 *edge)
{
	__u32 n = 0, kept = 1;

	edge[n++] = 1; /* port 0 is malformed and never looked up */
	for (__u32 i = 0; i < model->rules; i++) {
		if (model->rule[i].proto != proto)
			continue;
		edge[n++] = model->rule[i].first;
		edge[n++] = model->rule[i].last + 1U;
	}
	edge[n++] = PORTS;
	qsort(edge, n, sizeof(*edge), by_value);
	for (__u32 i = 1; i < n; i++)
		if (edge[i] != edge[kept - 1])
			edge[kept++] = edge[i];
	return kept;
}

/* The entry that says this and goes on at next; made if there is none. 0: no room. */
static __u8 entry_get(struct fw_policy *policy, __u32 *used, const struct fw_model_rule *rule,
		      __u8 next)
{
	struct fw_rule *r;

	for (__u32 i = 1; i < *used; i++) {
		r = &policy->rule[i];
		if (r->next == next && r->service == rule->service && r->any == rule->any &&
		    !memcmp(r->addr_be, rule->addr_be, sizeof(r->addr_be)))
			return (__u8)i;
	}
	if (*used == FW_RULE_MAX)
		return 0;
	r = &policy->rule[*used];
	memcpy(r->addr_be, rule->addr_be, sizeof(r->addr_be));
	r->any = rule->any;
	r->service = rule->service;
	r->next = next;
	return (__u8)(*used)++;
}

static void conflict(const struct fw_model *model, const struct fw_model_rule *a,
		     const struct fw_model_rule *b, struct fw_err *err)
{
	fw_err_set(err, -EINVAL, "a port belongs to one service on one address",
		   "services %s and %s both claim %s port %u", model->service[a->service].name,
		   model->service[b->service].name, a->proto == FW_PORT_TCP ? "TCP" : "UDP",
		   a->first > b->first ? a->first : b->first);
}

static void chain_full(__u8 proto, __u32 port, struct fw_err *err)
{
	fw_err_set(err, -ENOSPC,
		   "use rules without an address where one service has the port everywhere",
		   "more than %d rules share %s port %u", FW_CHAIN_MAX,
		   proto == FW_PORT_TCP ? "TCP" : "UDP", port);
}

static bool same_claim(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return a->any == b->any && !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
}

/* The rules that hold for a port, "any" first: the order in which a chain is built from its end. */
static int active_find(const struct fw_model *model, __u8 proto, __u32 port,
		       const struct fw_model_rule *ret[FW_CHAIN_MAX], struct fw_err *err)
{
	int n = 0;

	for (int any = 1; any >= 0; any--)
		for (__u32 i = 0; i < model->rules; i++) {
			const struct fw_model_rule *rule = &model->rule[i];

			if (rule->proto != proto || !!rule->any != any || port < rule->first ||
			    port > rule->last)
				continue;
			for (int k = 0; k < n; k++) {
				if (!same_claim(ret[k], rule))
					continue;
				conflict(model, ret[k], rule, err);
				return -EINVAL;
			}
			if (n == FW_CHAIN_MAX) {
				chain_full(proto, port, err);
				return -ENOSPC;
			}
			ret[n++] = rule;
		}
	return n;
}

static int rule_check(const struct fw_model *model, const struct fw_model_rule *rule,
		      struct fw_err *err)
{
	if (rule->service >= FW_SERVICE_MAX || rule->service == FW_SERVICE_HOST ||
	    !model->service[rule->service].name[0])
		return fw_err_set(err, -EINVAL, NULL,
				  "a rule belongs to service %u, which is not there",
				  rule->service);
	if (!rule->first || rule->first > rule->last || rule->any > 1 || rule->proto > FW_PORT_UDP)
		return fw_err_set(err, -EINVAL, NULL, "service %s has a rule that makes no sense",
				  model->service[rule->service].name);
	return 0;
}

int fw_compile_rules(const struct fw_model *model, struct fw_policy *policy, struct fw_err *err)
{
	const struct fw_model_rule *active[FW_CHAIN_MAX] = { NULL };
	__u32 edge[EDGES_MAX], edges, used = 1;
	int r;

	for (__u32 i = 0; i < model->rules; i++) {
		r = rule_check(model, &model->rule[i], err);
		if (r)
			return r;
	}
	for (__u8 proto = FW_PORT_TCP; proto <= FW_PORT_UDP; proto++) {
		edges = edges_find(model, proto, edge);
		for (__u32 e = 0; e + 1 < edges; e++) {
			__u8 at = 0;
			int n = active_find(model, proto, edge[e], active, err);

			if (n < 0)
				return n;
			for (int i = 0; i < n; i++) {
				at = entry_get(policy, &used, active[i], at);
				if (!at)
					return fw_err_set(
						err, -ENOSPC,
						"put fewer services on the same ports",
						"the services' rules need more than %d entries",
						FW_RULE_MAX - 1);
			}
			memset(&policy->port_rule[proto][edge[e]], at, edge[e + 1] - edge[e]);
		}
	}
	return 0;
}

/* One more range of ports for what an entry says. */
static int range_add(struct fw_model *model, const struct fw_rule *rule, __u8 proto, __u32 first,
		     __u32 last)
{
	struct fw_model_rule *to = &model->rule[model->rules];

	for (__u32 i = 0; i < model->rules; i++) {
		struct fw_model_rule *old = &model->rule[i];

		if (old->proto == proto && old->service == rule->service && old->any == rule->any &&
		    old->last + 1U == first &&
		    !memcmp(old->addr_be, rule->addr_be, sizeof(old->addr_be))) {
			old->last = (__u16)last;
			return 0;
		}
	}
	if (model->rules == FW_MODEL_RULES)
		return -ENOSPC;
	model->rules++;
	memcpy(to->addr_be, rule->addr_be, sizeof(to->addr_be));
	to->first = (__u16)first;
	to->last = (__u16)last;
	to->any = rule->any;
	to->proto = proto;
	to->service = rule->service;
	return 0;
}

static int chain_back(const struct fw_policy *policy, struct fw_model *model, __u8 proto,
		      __u32 first, __u32 last, struct fw_err *err)
{
	int steps = 0;

	for (__u32 at = policy->port_rule[proto][first]; at; at = policy->rule[at].next) {
		const struct fw_rule *rule = &policy->rule[at];

		if (++steps > FW_CHAIN_MAX || rule->service >= FW_SERVICE_MAX || rule->any > 1)
			return fw_err_set(err, -EINVAL, NULL, "the rules of port %u are damaged",
					  first);
		if (range_add(model, rule, proto, first, last))
			return fw_err_set(err, -ENOSPC, NULL, "more than %d ranges of ports",
					  FW_MODEL_RULES);
	}
	return 0;
}

int fw_compile_rules_back(const struct fw_policy *policy, struct fw_model *model,
			  struct fw_err *err)
{
	for (__u8 proto = FW_PORT_TCP; proto <= FW_PORT_UDP; proto++) {
		const __u8 *port_rule = policy->port_rule[proto];

		for (__u32 first = 1, last; first < PORTS; first = last + 1) {
			int r;

			for (last = first;
			     last + 1 < PORTS && port_rule[last + 1] == port_rule[first];)
				last++;
			r = chain_back(policy, model, proto, first, last, err);
			if (r)
				return r;
		}
	}
	fw_model_rule_sort(model);
	return 0;
}
