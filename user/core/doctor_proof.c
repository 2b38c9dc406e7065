// SPDX-License-Identifier: GPL-2.0-only
/* Proof of source, service by service: what runs held against what fits, before an attack does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/core/apply.h"
#include "user/core/doctor_probe.h"
#include "user/core/proof.h"
#include "user/policy/compile.h"

static void set_proof(char mend[96], const char *service, enum fw_proof proof)
{
	snprintf(mend, 96, "floodwall service set %s --proof %s", service,
		 fw_model_proof_name(proof));
}

/* The first TCP port of a service, if nobody of this host listens on any of them; else 0. */
static __u16 deaf_port(const struct fw_model *model, int service, const struct fw_listeners *ports)
{
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->service != service || rule->proto != FW_PORT_TCP)
			continue;
		for (__u32 port = rule->first; port <= rule->last; port++)
			if (fw_probe_listens(ports, (__u16)port))
				return 0;
	}
	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service == service && model->rule[i].proto == FW_PORT_TCP)
			return model->rule[i].first;
	return 0;
}

/* What a service with proof cookie gets of it; NULL: cookies. What mends it is said of the host. */
static const char *instead(const struct doctor_facts *f)
{
	if (f->features_known && f->features.syncookie == FW_NO)
		return "by trying again, for this kernel makes no cookies";
	if (f->host.syncookies == 0)
		return "by trying again, for tcp_syncookies=0 makes no cookies";
	if (f->host.syncookies == 1)
		return "by trying again, and by SYN cookie once a listener's queue is full";
	return NULL;
}

static void judge_cookie(struct fw_doctor *d, const struct fw_model *model, int service,
			 const struct fw_listeners *ports, const struct fw_proof_advice *advice,
			 const struct doctor_facts *f)
{
	const char *name = model->service[service].name;
	__u16 deaf = ports->known ? deaf_port(model, service, ports) : 0;
	char mend[96];

	set_proof(mend, name, FW_PROOF_RETRANSMIT);
	if (deaf)
		fw_doctor_add(
			d, FW_DOCTOR_WARN, mend,
			"service %s: proof is cookie, but nobody here listens on TCP port %u: "
			"cookies need a listener of this host's own",
			name, deaf);
	else if (advice->proof != FW_PROOF_COOKIE && service == FW_SERVICE_HOST)
		fw_doctor_add(d, FW_DOCTOR_WARN, mend, "service %s: proof is cookie, but %s", name,
			      advice->why);
	else if (instead(f))
		fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
			      "service %s: proof is cookie; as things are, strangers prove "
			      "themselves %s",
			      name, instead(f));
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "service %s: strangers prove themselves by "
			      "SYN cookie",
			      name);
}

static void judge_retransmit(struct fw_doctor *d, const struct fw_model *model, int service,
			     const struct fw_listeners *ports, const struct fw_proof_advice *advice)
{
	const char *name = model->service[service].name;
	bool served = service == FW_SERVICE_HOST || !deaf_port(model, service, ports);
	char mend[96];

	set_proof(mend, name, FW_PROOF_COOKIE);
	if (advice->proof == FW_PROOF_COOKIE && ports->known && served)
		fw_doctor_add(d, FW_DOCTOR_NOTE, mend,
			      "service %s: strangers prove themselves by trying again; SYN cookies "
			      "would work here and spare them a second",
			      name);
	else
		fw_doctor_add(d, FW_DOCTOR_OK, NULL,
			      "service %s: strangers prove themselves by trying again", name);
}

static void judge_services(struct fw_doctor *d, const struct fw_model *model,
			   const struct fw_proof_advice *advice, const struct doctor_facts *f)
{
	struct fw_listeners ports;

	fw_probe_listeners(&ports);
	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		const struct fw_model_service *s = &model->service[i];

		if (!*s->name)
			continue;
		if (s->proof == FW_PROOF_COOKIE)
			judge_cookie(d, model, i, &ports, advice, f);
		else if (s->proof == FW_PROOF_RETRANSMIT)
			judge_retransmit(d, model, i, &ports, advice);
		else
			fw_doctor_add(d, FW_DOCTOR_NOTE, NULL,
				      "service %s: strangers are not asked for proof", s->name);
	}
}

void fw_doctor_proof(struct fw_doctor *d, const struct doctor_facts *f)
{
	struct fw_proof_advice advice =
		fw_proof_advise(&f->host, f->features_known ? f->features.syncookie : FW_UNKNOWN);
	struct fw_model *model = malloc(sizeof(*model));
	struct fw_maps maps = {};
	__u32 half;

	if (!model || f->pin_state != FW_PINS_READY ||
	    fw_maps_open(f->pins, FW_MAPS_POLICY, &maps, NULL)) {
		fw_doctor_add(d, advice.why ? FW_DOCTOR_NOTE : FW_DOCTOR_OK, advice.fix,
			      "the first attach will choose proof %s%s%s",
			      fw_model_proof_name(advice.proof), advice.why ? ": " : "",
			      advice.why ? advice.why : "");
		goto out;
	}
	half = FW_LIVE_POLICY(fw_apply_live(&maps));
	if (!fw_model_from(&maps.policy[half], &maps.policy_txt[half], model, NULL))
		judge_services(d, model, &advice, f);
out:
	fw_maps_close(&maps);
	free(model);
}
