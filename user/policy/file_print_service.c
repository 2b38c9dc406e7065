// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a service claims, as the file says it: addresses and ports where every address has every
 * port, else rule by rule.
 */
#include <stdio.h>
#include <string.h>
#include "user/base/text.h"
#include "user/policy/file_print.h"
#include "user/policy/file_read.h"

void fw_print_addr(FILE *out, const __be32 addr_be[4])
{
	char text[FW_TEXT_LEN];

	/* "::" alone would be a key to YAML. */
	fw_text_put_addr(text, sizeof(text), addr_be);
	fprintf(out, strchr(text, ':') ? "'%s'" : "%s", text);
}

static bool same_place(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return a->any == b->any && !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
}

static bool same_ports(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return a->proto == b->proto && a->first == b->first && a->last == b->last;
}

/* Is rule number i the first of its service with these ports (at this address)? */
static bool is_first(const struct fw_model *model, __u32 i,
		     bool (*same)(const struct fw_model_rule *, const struct fw_model_rule *))
{
	for (__u32 j = 0; j < i; j++)
		if (model->rule[j].service == model->rule[i].service &&
		    same(&model->rule[j], &model->rule[i]))
			return false;
	return true;
}

/* Does each address of the service have each of its ports? Then to, tcp and udp can say it. */
static bool is_product(const struct fw_model *model, __u8 service)
{
	__u32 rules = 0, places = 0, ports = 0, anywhere = 0;

	for (__u32 i = 0; i < model->rules; i++) {
		if (model->rule[i].service != service)
			continue;
		rules++;
		anywhere += model->rule[i].any;
		places += is_first(model, i, same_place);
		ports += is_first(model, i, same_ports);
	}
	if (places > FW_SERVICE_ADDRS || ports > FW_SERVICE_PORTS || (anywhere && places > 1))
		return false;
	return rules == places * ports;
}

static void put_ports(FILE *out, const struct fw_model *model, __u8 service, __u8 proto)
{
	const char *before = proto == FW_PORT_TCP ? "    tcp: [" : "    udp: [";
	bool open = false;

	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || rule->proto != proto ||
		    !is_first(model, i, same_ports))
			continue;
		fprintf(out, "%s%u", open ? ", " : before, rule->first);
		if (rule->last != rule->first)
			fprintf(out, "-%u", rule->last);
		open = true;
	}
	if (open)
		fputs("]\n", out);
}

static void put_to(FILE *out, const struct fw_model *model, __u8 service)
{
	bool open = false;

	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || rule->any || !is_first(model, i, same_place))
			continue;
		fputs(open ? ", " : "    to: [", out);
		fw_print_addr(out, rule->addr_be);
		open = true;
	}
	if (open)
		fputs("]\n", out);
}

static void put_rules(FILE *out, const struct fw_model *model, __u8 service)
{
	char text[FW_TEXT_LEN * 2];

	fputs("    rules:\n", out);
	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service == service)
			fprintf(out, "      - '%s'\n",
				fw_model_rule_put(text, sizeof(text), &model->rule[i]));
}

void fw_print_claims(FILE *out, const struct fw_model *model, __u8 service)
{
	if (service == FW_SERVICE_HOST)
		return;
	if (!is_product(model, service)) {
		put_rules(out, model, service);
		return;
	}
	put_to(out, model, service);
	put_ports(out, model, service, FW_PORT_TCP);
	put_ports(out, model, service, FW_PORT_UDP);
}
