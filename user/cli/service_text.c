// SPDX-License-Identifier: GPL-2.0-only
/* What the rules of the model say of one service: addresses and ports, each once, in their order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/service.h"

static bool same_address(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return a->any == b->any && (a->any || !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be)));
}

/* Has an earlier rule of the service said this address already? */
static bool address_said(const struct fw_model *model, __u32 i)
{
	for (__u32 j = 0; j < i; j++)
		if (model->rule[j].service == model->rule[i].service &&
		    same_address(&model->rule[j], &model->rule[i]))
			return true;
	return false;
}

char *fw_service_addresses(const struct fw_model *model, __u8 service)
{
	char addr[FW_TEXT_LEN], *text = NULL;
	const char *comma = "";
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || address_said(model, i))
			continue;
		fprintf(out, "%s%s", comma,
			rule->any ? "any" : fw_text_put_addr(addr, sizeof(addr), rule->addr_be));
		comma = ",";
	}
	return fclose(out) ? NULL : text;
}

static bool ports_said(const struct fw_model *model, __u32 i)
{
	const struct fw_model_rule *rule = &model->rule[i];

	for (__u32 j = 0; j < i; j++)
		if (model->rule[j].service == rule->service &&
		    model->rule[j].proto == rule->proto && model->rule[j].first == rule->first &&
		    model->rule[j].last == rule->last)
			return true;
	return false;
}

char *fw_service_ports(const struct fw_model *model, __u8 service, __u8 proto)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || rule->proto != proto || ports_said(model, i))
			continue;
		fprintf(out, rule->first == rule->last ? "%s%u" : "%s%u-%u", comma, rule->first,
			rule->last);
		comma = ",";
	}
	return fclose(out) ? NULL : text;
}

json_t *fw_service_json(const struct fw_model *model, __u8 service)
{
	const struct fw_model_service *s = &model->service[service];
	json_t *one = json_object(), *rules = json_array();
	char text[FW_TEXT_LEN * 2];
	int err = 0;

	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service == service)
			err |= fw_json_push(rules, fw_json_text(fw_model_rule_put(
							   text, sizeof(text), &model->rule[i])));
	err |= fw_json_set(one, "service", fw_json_text(s->name));
	err |= fw_json_set(one, "rules", rules);
	err |= fw_json_set(one, "closed", json_boolean(s->closed));
	err |= fw_json_set(one, "proof", fw_json_text(fw_model_proof_name(s->proof)));
	err |= fw_json_set(one, "level",
			   s->level_pin ? fw_json_text(fw_model_level_name(s->level_pin - 1U))
					: json_null());
	if (!err)
		return one;
	json_decref(one);
	return NULL;
}
