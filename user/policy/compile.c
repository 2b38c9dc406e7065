// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct fw_model -> struct fw_policy and its text. What must stay true: it is built aside and
 * copied out whole; every limit comes from compile_limit.c; what the program could not find is
 * refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/compile.h"
#include "user/policy/compile_rules.h"

/* What is compiled, and where to. */
struct job {
	const struct fw_model *model;
	__u32 tick_ns;
	struct fw_policy *policy;
	struct fw_policy_text *text;
	struct fw_err *err;
};

static void window_note(struct fw_policy *policy, const struct fw_limit *limit)
{
	__u64 ns = (__u64)limit->window << limit->shift;

	if (ns > policy->idle_ns)
		policy->idle_ns = ns;
}

/* Shifts of all stamps of a class in few bits: whoever finds others there finds other units. */
static void units_name(struct fw_limit limit[FW_K_MAX])
{
	__u32 mix = 0;

	for (int k = FW_K_PACKETS + 1; k < FW_K_MAX; k++)
		mix = (mix * 31 + limit[k].shift) * 0x9e3779b1U;
	limit[FW_K_PACKETS].units = (__u8)(mix >> (32 - FW_SEEN_UNITS));
}

static int class_compile(struct job *job, int i)
{
	const struct fw_model_class *from = &job->model->class[i];
	struct fw_class *to = &job->policy->class[i];

	if (!from->name[0])
		return 0;
	memcpy(job->text->class_name[i], from->name, FW_NAME_LEN);
	memcpy(job->text->class_rate[i], from->rate, sizeof(from->rate));
	for (unsigned int k = 0; k < FW_K_MAX; k++) {
		bool bytes = fw_model_kind_bytes(k);
		int r = fw_compile_limit(&from->rate[k], bytes, job->tick_ns, &to->limit[k],
					 job->err);
		bool net48 = !r;

		if (!r)
			r = fw_compile_net48(&from->rate[k], job->model->net48_factor, bytes,
					     job->tick_ns, &to->net48[k], job->err);
		if (r) {
			fw_err_prepend(job->err, "class %s, %s%s", from->name,
				       fw_model_kind_name(k),
				       net48 ? " of a /48 (net48-factor times)" : "");
			return r;
		}
		window_note(job->policy, &to->limit[k]);
		window_note(job->policy, &to->net48[k]);
	}
	units_name(to->limit);
	units_name(to->net48);
	return 0;
}

static int crowd_compile(struct job *job, const struct fw_rate *rate, struct fw_limit *ret,
			 const char *service, const char *what)
{
	for (unsigned int c = 0; c < FW_C_MAX; c++) {
		int r = fw_compile_limit(&rate[c], fw_model_crowd_bytes(c), job->tick_ns, &ret[c],
					 job->err);

		if (r) {
			fw_err_prepend(job->err, "service %s, %s %s", service, what,
				       fw_model_crowd_name(c));
			return r;
		}
	}
	return 0;
}

static int service_compile(struct job *job, int i)
{
	const struct fw_model_service *from = &job->model->service[i];
	struct fw_service *to = &job->policy->service[i];
	int r;

	if (!from->name[0])
		return 0;
	if (from->proof >= FW_PROOF_MAX || from->level_pin > FW_LEVEL_MAX)
		return fw_err_set(job->err, -EINVAL, NULL,
				  "service %s: proof or level is out of range", from->name);
	memcpy(job->text->service_name[i], from->name, FW_NAME_LEN);
	memcpy(job->text->crowd_rate[i], from->crowd, sizeof(from->crowd));
	memcpy(job->text->net_rate[i], from->net, sizeof(from->net));
	job->text->closed[i] = from->closed;
	to->proof = from->proof;
	to->level_pin = from->level_pin;
	r = crowd_compile(job, from->crowd, to->crowd, from->name, "crowd");
	return r ? r : crowd_compile(job, from->net, to->net, from->name, "net");
}

static int budgets_compile(struct job *job)
{
	memcpy(job->text->budget_rate, job->model->budget, sizeof(job->model->budget));
	for (unsigned int b = 0; b < FW_B_MAX; b++) {
		int r = fw_compile_limit(&job->model->budget[b], false, job->tick_ns,
					 &job->policy->budget[b], job->err);

		if (r) {
			fw_err_prepend(job->err, "budget %s", fw_model_budget_name(b));
			return r;
		}
	}
	return 0;
}

static int reflect_compile(struct job *job)
{
	struct fw_policy *policy = job->policy;

	for (unsigned int slot = 1; slot < FW_REFLECT_MAX; slot++) {
		const struct fw_model_reflect *from = &job->model->reflect[slot];

		if (!from->port)
			continue;
		if (policy->reflect[from->port])
			return fw_err_set(job->err, -EINVAL, NULL,
					  "amplifier port %u is listed twice", from->port);
		policy->reflect_port[slot] = from->port;
		policy->reflect[from->port] =
			(__u8)(slot | (from->everywhere ? FW_REFLECT_EVERYWHERE : 0));
	}
	return 0;
}

/* Enters an address that a service closes; -ENOSPC when the program would not look far enough. */
static int closed_place(struct fw_policy *policy, const struct fw_model_rule *rule)
{
	__u32 home = ntohl(rule->addr_be[3]);

	for (__u32 i = 0; i < FW_CLOSED_PROBES; i++) {
		struct fw_closed *slot = &policy->closed[(home + i) % FW_CLOSED_SLOTS];
		static const __be32 none[4];

		if (!memcmp(slot->addr_be, rule->addr_be, sizeof(none)))
			return 0;
		if (memcmp(slot->addr_be, none, sizeof(none)))
			continue;
		memcpy(slot->addr_be, rule->addr_be, sizeof(none));
		slot->service = rule->service;
		policy->flags |= FW_P_CLOSED;
		return 0;
	}
	return -ENOSPC;
}

/* What is spoken at the addresses that are closed, by whatever service. */
static void closed_speak(struct job *job)
{
	for (unsigned int i = 0; i < FW_CLOSED_SLOTS; i++) {
		struct fw_closed *slot = &job->policy->closed[i];

		for (__u32 r = 0; slot->service && r < job->model->rules; r++) {
			const struct fw_model_rule *rule = &job->model->rule[r];

			if (rule->any ||
			    !memcmp(rule->addr_be, slot->addr_be, sizeof(slot->addr_be)))
				slot->speaks |= (__u8)(1U << rule->proto);
		}
	}
}

static int closed_compile(struct job *job)
{
	char addr[FW_TEXT_LEN];

	for (__u32 i = 0; i < job->model->rules; i++) {
		const struct fw_model_rule *rule = &job->model->rule[i];
		const struct fw_model_service *service = &job->model->service[rule->service];

		if (!service->closed)
			continue;
		if (rule->any)
			return fw_err_set(
				job->err, -EINVAL,
				"name its addresses (tcp/443@192.0.2.1), or leave it open",
				"service %s is closed, but has a rule for every address",
				service->name);
		if (closed_place(job->policy, rule))
			return fw_err_set(job->err, -ENOSPC, "leave some of the services open",
					  "service %s: no room to close %s (%d slots, %d tries)",
					  service->name,
					  fw_text_put_addr(addr, sizeof(addr), rule->addr_be),
					  FW_CLOSED_SLOTS, FW_CLOSED_PROBES);
	}
	closed_speak(job);
	return 0;
}

static int ban_check(const struct fw_model *model, struct fw_err *err)
{
	char first[FW_TEXT_LEN], ceiling[FW_TEXT_LEN], hint[FW_ERR_LEN];

	fw_text_put_duration(first, sizeof(first), model->ban_s);
	fw_text_put_duration(ceiling, sizeof(ceiling), model->ban_max_s);
	if (model->ban_max_s > FW_BAN_MAX_S)
		return fw_err_set(err, -EINVAL, "write at most 1d",
				  "%s is too long for the ceiling of bans", ceiling);
	if (model->ban_s <= model->ban_max_s)
		return 0;
	snprintf(hint, sizeof(hint),
		 "floodwall option set ban-ceiling %s first, or option set ban-time %s", first,
		 ceiling);
	return fw_err_set(err, -EINVAL, hint,
			  "the first ban (%s) would be longer than the ceiling of bans (%s)", first,
			  ceiling);
}

static int model_check(const struct fw_model *model, struct fw_err *err)
{
	char most[FW_TEXT_LEN], is[FW_TEXT_LEN];
	int r;

	if (!model->net48_factor || model->net48_factor > 65536)
		return fw_err_set(err, -EINVAL, "16 is usual, 65536 is all of it",
				  "a /48 cannot have %u times the limits of a /64",
				  model->net48_factor);
	/* The program keeps proofs in 7 bits of 17 s, see abi.h. */
	if (!model->proof_s || model->proof_s > FW_PROOF_MAX_S)
		return fw_err_set(err, -EINVAL, NULL,
				  "proof of source can last from 1 second to %s, not %s",
				  fw_text_put_duration(most, sizeof(most), FW_PROOF_MAX_S),
				  fw_text_put_duration(is, sizeof(is), model->proof_s));
	r = ban_check(model, err);
	if (r)
		return r;
	if (model->rules > FW_MODEL_RULES)
		return fw_err_set(err, -EINVAL, NULL, "more rules than there can be");
	if (!model->class[FW_CLASS_DEFAULT].name[0] || !model->class[FW_CLASS_TRUSTED].name[0] ||
	    !model->service[FW_SERVICE_HOST].name[0])
		return fw_err_set(err, -EINVAL, NULL, "a built-in class or service is missing");
	return 0;
}

static int compile(struct job *job)
{
	int r = model_check(job->model, job->err);

	job->policy->flags = job->model->flags & ~(__u32)FW_P_CLOSED;
	job->policy->proof_s = job->model->proof_s;
	job->policy->ban_s = job->model->ban_s;
	job->policy->ban_max_s = job->model->ban_max_s;
	job->text->net48_factor = job->model->net48_factor;
	for (int i = 0; !r && i < FW_CLASS_MAX; i++)
		r = class_compile(job, i);
	for (int i = 0; !r && i < FW_SERVICE_MAX; i++)
		r = service_compile(job, i);
	if (!r)
		r = budgets_compile(job);
	if (!r)
		r = reflect_compile(job);
	if (!r)
		r = fw_compile_rules(job->model, job->policy, job->err);
	if (!r)
		r = closed_compile(job);
	return r;
}

int fw_compile_policy(const struct fw_model *model, __u32 tick_ns, struct fw_policy *ret_policy,
		      struct fw_policy_text *ret_text, struct fw_err *err)
{
	struct fw_policy *policy = calloc(1, sizeof(*policy));
	struct fw_policy_text *text = calloc(1, sizeof(*text));
	struct job job = { model, tick_ns, policy, text, err };
	int r = -ENOMEM;

	if (!policy || !text) {
		fw_err_set(err, r, NULL, "no memory to compile the policy");
		goto out;
	}
	r = compile(&job);
	if (r)
		goto out;
	memcpy(ret_policy, policy, sizeof(*policy));
	memcpy(ret_text, text, sizeof(*text));
out:
	free(policy);
	free(text);
	return r;
}
