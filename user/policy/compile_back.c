// SPDX-License-Identifier: GPL-2.0-only
/*
 * struct fw_policy and its text -> struct fw_model. What must stay true: compiling the result gives
 * the same policy again; damaged maps are an error, not a guess.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/compile.h"
#include "user/policy/compile_rules.h"

static bool name_ok(const char name[FW_NAME_LEN])
{
	return memchr(name, '\0', FW_NAME_LEN) && (!name[0] || !fw_text_name(name, NULL));
}

static bool rates_ok(const struct fw_rate *rate, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((rate[i].count && rate[i].per_s != 1 && rate[i].per_s != 60 &&
		     rate[i].per_s != 3600) ||
		    rate[i].soft_pct > 100)
			return false;
	return true;
}

static bool classes_back(const struct fw_policy_text *text, struct fw_model *model)
{
	for (int i = 0; i < FW_CLASS_MAX; i++) {
		if (!name_ok(text->class_name[i]) || !rates_ok(text->class_rate[i], FW_K_MAX))
			return false;
		memcpy(model->class[i].name, text->class_name[i], FW_NAME_LEN);
		memcpy(model->class[i].rate, text->class_rate[i], sizeof(text->class_rate[i]));
	}
	return model->class[FW_CLASS_DEFAULT].name[0] && model->class[FW_CLASS_TRUSTED].name[0];
}

static bool services_back(const struct fw_policy *policy, const struct fw_policy_text *text,
			  struct fw_model *model)
{
	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		struct fw_model_service *to = &model->service[i];

		if (!name_ok(text->service_name[i]) || !rates_ok(text->crowd_rate[i], FW_C_MAX) ||
		    !rates_ok(text->net_rate[i], FW_C_MAX) || text->closed[i] > 1 ||
		    policy->service[i].proof >= FW_PROOF_MAX ||
		    policy->service[i].level_pin > FW_LEVEL_MAX)
			return false;
		memcpy(to->name, text->service_name[i], FW_NAME_LEN);
		memcpy(to->crowd, text->crowd_rate[i], sizeof(to->crowd));
		memcpy(to->net, text->net_rate[i], sizeof(to->net));
		to->closed = text->closed[i];
		to->proof = policy->service[i].proof;
		to->level_pin = policy->service[i].level_pin;
	}
	return model->service[FW_SERVICE_HOST].name[0];
}

static bool reflect_back(const struct fw_policy *policy, struct fw_model *model)
{
	for (int slot = 1; slot < FW_REFLECT_MAX; slot++) {
		__u16 port = policy->reflect_port[slot];
		__u8 what = policy->reflect[port];

		if (!port)
			continue;
		if ((what & FW_REFLECT_SLOT) != slot)
			return false;
		model->reflect[slot].port = port;
		model->reflect[slot].everywhere = what & FW_REFLECT_EVERYWHERE;
	}
	return true;
}

static int model_read(const struct fw_policy *policy, const struct fw_policy_text *text,
		      struct fw_model *model, struct fw_err *err)
{
	model->flags = policy->flags & ~(__u32)FW_P_CLOSED;
	model->proof_s = policy->proof_s;
	model->ban_s = policy->ban_s;
	model->ban_max_s = policy->ban_max_s;
	model->net48_factor = text->net48_factor;
	memcpy(model->budget, text->budget_rate, sizeof(model->budget));
	if (!model->proof_s || !model->net48_factor || !rates_ok(model->budget, FW_B_MAX) ||
	    !classes_back(text, model) || !services_back(policy, text, model) ||
	    !reflect_back(policy, model))
		return fw_err_set(err, -EINVAL,
				  "detach and attach again to start from the defaults",
				  "the policy in the pinned maps is damaged");
	return fw_compile_rules_back(policy, model, err);
}

int fw_model_from(const struct fw_policy *policy, const struct fw_policy_text *text,
		  struct fw_model *ret_model, struct fw_err *err)
{
	struct fw_model *model = calloc(1, sizeof(*model));
	int r;

	if (!model)
		return fw_err_set(err, -ENOMEM, NULL, "no memory to read the policy");
	r = model_read(policy, text, model, err);
	if (!r)
		memcpy(ret_model, model, sizeof(*model));
	free(model);
	return r;
}
