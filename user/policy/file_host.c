// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the file speak of this host? An interface or an address with a digit wrong is valid and
 * protects nothing. What must stay true: a file for another host, checked here, gets no remarks.
 */
#include <stdio.h>
#include <string.h>
#include "user/base/nearest.h"
#include "user/base/text.h"
#include "user/policy/file_read.h"

static bool has_iface(const struct fw_file_host *host, const char *name)
{
	for (size_t i = 0; i < host->ifaces; i++)
		if (!strcmp(host->iface[i], name))
			return true;
	return false;
}

static bool has_addr(const struct fw_file_host *host, const __be32 addr_be[4])
{
	char text[FW_TEXT_LEN];

	fw_text_put_addr(text, sizeof(text), addr_be);
	for (size_t i = 0; i < host->addrs; i++)
		if (!strcmp(host->addr[i], text))
			return true;
	return false;
}

static bool is_ours(const struct fw_reader *reader, const struct fw_file_host *host)
{
	const struct fw_settings *settings = &reader->file->settings;
	const struct fw_model *model = reader->file->model;
	bool ours = host->surely;

	for (unsigned int i = 0; i < settings->ifaces && !ours; i++)
		ours = has_iface(host, settings->iface[i].name);
	for (__u32 i = 0; i < model->rules && !ours; i++)
		ours = !model->rule[i].any && has_addr(host, model->rule[i].addr_be);
	return ours;
}

static const char *meant(char *buf, size_t size, const char *near, const char *otherwise)
{
	if (!near)
		return otherwise;
	snprintf(buf, size, "did you mean \"%s\"?", near);
	return buf;
}

static void check_ifaces(struct fw_reader *reader, const struct fw_file_host *host)
{
	const struct fw_settings *settings = &reader->file->settings;
	char hint[FW_TEXT_LEN + 32];

	for (unsigned int i = 0; i < settings->ifaces; i++) {
		const char *name = settings->iface[i].name;

		if (!has_iface(host, name))
			fw_reader_say(
				reader, FW_PROBLEM_WARNING, reader->iface_place[i],
				meant(hint, sizeof(hint),
				      fw_nearest_word(name, host->iface, host->ifaces),
				      "ip link shows those there are"),
				"no interface here is called \"%s\": it is filtered once there "
				"is one",
				name);
	}
}

/* Does a rule before this one give the service that address, with other ports? */
static bool was_seen(const struct fw_model *model, const struct fw_model_rule *rule)
{
	for (const struct fw_model_rule *r = model->rule; r < rule; r++)
		if (!r->any && r->service == rule->service &&
		    !memcmp(r->addr_be, rule->addr_be, sizeof(r->addr_be)))
			return true;
	return false;
}

/* Servers behind this host, which it cannot know, do not prove by cookie. */
static void check_addrs(struct fw_reader *reader, const struct fw_file_host *host)
{
	const struct fw_model *model = reader->file->model;
	char addr[FW_TEXT_LEN], hint[FW_TEXT_LEN + 32];

	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->any || has_addr(host, rule->addr_be) ||
		    model->service[rule->service].proof != FW_PROOF_COOKIE || was_seen(model, rule))
			continue;
		fw_text_put_addr(addr, sizeof(addr), rule->addr_be);
		fw_reader_say(reader, FW_PROBLEM_WARNING, reader->service_place[rule->service],
			      meant(hint, sizeof(hint),
				    fw_nearest_word(addr, host->addr, host->addrs),
				    "for a server behind this host: proof: retransmit"),
			      "service \"%s\" is at %s, which no interface here has",
			      model->service[rule->service].name, addr);
	}
}

void fw_reader_check_host(struct fw_reader *reader)
{
	const struct fw_file_host *host = reader->context->host;

	if (!host || !is_ours(reader, host))
		return;
	check_ifaces(reader, host);
	check_addrs(reader, host);
}
