// SPDX-License-Identifier: GPL-2.0-only
/* What a replay is judged by, and whom it was sent to: options into policy and hosts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/cli/policy.h"
#include "user/cli/replay.h"
#include "user/core/apply.h"

/* Times of prefixes count from the judge's beginning, as if it were now. */
static void shift_times(struct fw_prefixes *lanes, __u64 now_ns)
{
	__u32 now_s = (__u32)(now_ns / FW_NS_PER_S), start_s = FW_JUDGE_START_NS / FW_NS_PER_S;

	fw_prefixes_expire(lanes, now_s);
	for (size_t i = 0; i < lanes->count; i++) {
		struct fw_prefix *p = &lanes->at[i];
		__u32 age = now_s > p->since_s ? now_s - p->since_s : 0;

		p->since_s = age < start_s ? start_s - age : 0;
		if (p->until_s != FW_FOREVER)
			p->until_s = p->until_s - now_s + start_s;
	}
}

static int read_file(struct fw_cli *cli, const char *path, struct fw_replay_source *ret)
{
	__u64 now_ns = fw_policy_clock(NULL).now_ns;
	char *argv[] = { (char *)path };
	struct fw_policy_cmd cmd = FW_POLICY_CMD;
	int r;

	cmd.elsewhere = true; /* a recording may be another host's */
	r = fw_policy_cmd_read(cli, 1, argv, &cmd);
	if (!r) {
		ret->model = cmd.file.model;
		ret->lanes = cmd.file.lanes;
		cmd.file.model = NULL;
		cmd.file.lanes = (struct fw_prefixes){ 0 };
		shift_times(&ret->lanes, now_ns);
		snprintf(ret->name, sizeof(ret->name), "%s", path);
	}
	fw_policy_cmd_free(&cmd);
	return r;
}

static int read_running(struct fw_cli *cli, struct fw_replay_source *ret)
{
	struct fw_maps maps;
	int r = fw_maps_open(cli->pins, FW_MAPS_POLICY | FW_MAPS_LANES, &maps, &cli->err);

	if (r)
		return r;
	r = fw_apply_read_model(&maps, &ret->model, &cli->err);
	if (!r)
		r = fw_apply_read_prefixes(&maps, &ret->lanes, &cli->err);
	if (!r)
		shift_times(&ret->lanes, fw_apply_now(&maps));
	fw_maps_close(&maps);
	snprintf(ret->name, sizeof(ret->name), "the running policy");
	return r;
}

static int take_default(struct fw_cli *cli, struct fw_replay_source *ret)
{
	ret->model = malloc(sizeof(*ret->model));
	if (!ret->model)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "no memory for the policy");
	fw_model_default(ret->model);
	snprintf(ret->name, sizeof(ret->name), "the default policy");
	return 0;
}

void fw_replay_policy_free(struct fw_replay_source *source)
{
	free(source->model);
	fw_prefixes_free(&source->lanes);
	*source = (struct fw_replay_source){ 0 };
}

/* Adds one rule, "tcp/80,443@192.0.2.1". */
static int add_rule(struct fw_cli *cli, struct fw_model *model, int service, const char *rule)
{
	int r = fw_model_rule_add(model, (__u8)service, rule, &cli->err);

	if (r)
		fw_err_prepend(&cli->err, "--service");
	return r;
}

/* Closed to everything else: where the addresses are known, that is what a service means here. */
static bool may_close(const struct fw_model *model, int service)
{
	bool rules = false;

	for (__u32 i = 0; i < model->rules; i++) {
		if (model->rule[i].service != service)
			continue;
		if (model->rule[i].any)
			return false;
		rules = true;
	}
	return rules;
}

/* RULE[,RULE]: a comma is also what stands between the ports of a rule. */
static int add_rules(struct fw_cli *cli, struct fw_model *model, int service, char *text,
		     bool *ret_open)
{
	char rule[256] = "", *save = NULL;
	int r = 0;

	for (char *word = strtok_r(text, ",", &save); word && !r;
	     word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "open")) {
			*ret_open = true;
			continue;
		}
		if (strchr(word, '/') && *rule) {
			r = add_rule(cli, model, service, rule);
			*rule = 0;
		}
		if (strlen(rule) + strlen(word) + 2 > sizeof(rule))
			return fw_cli_usage(cli, "--service: a rule of more than %zu characters",
					    sizeof(rule) - 2);
		if (*rule)
			strcat(rule, ",");
		strcat(rule, word);
	}
	if (!r && *rule)
		r = add_rule(cli, model, service, rule);
	return r;
}

static int add_service(struct fw_cli *cli, struct fw_model *model, const char *option)
{
	char *text = model ? strdup(option) : NULL, *rules;
	int r = 0, service = -1;
	bool open = false;

	if (!text)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	rules = strchr(text, '=');
	if (!rules || rules == text || !rules[1]) {
		r = fw_cli_usage(cli,
				 "--service %.60s: say NAME=RULE, as in web=tcp/80,443@192.0.2.1",
				 option);
		goto out;
	}
	*rules++ = 0;
	for (int s = 0; s < FW_SERVICE_MAX; s++)
		if (!strcmp(model->service[s].name, text))
			service = s;
	if (service < 0)
		service = fw_model_service_add(model, text, &cli->err);
	r = service < 0 ? service : add_rules(cli, model, service, rules, &open);
	if (!r)
		model->service[service].closed = !open && may_close(model, service);
out:
	free(text);
	return r;
}

static int add_services(struct fw_cli *cli, struct fw_replay_source *ret)
{
	const char *option;
	int r = 0;

	for (unsigned int n = 0; !r && (option = fw_cli_option_nth(cli, "service", n)); n++) {
		size_t at = strlen(ret->name);

		r = add_service(cli, ret->model, option);
		snprintf(ret->name + at, sizeof(ret->name) - at, "%s %s", n ? "," : " and service",
			 option);
	}
	return r;
}

int fw_replay_policy(struct fw_cli *cli, const char *path, bool running,
		     struct fw_replay_source *ret)
{
	int r;

	r = path      ? read_file(cli, path, ret)
	    : running ? read_running(cli, ret)
		      : take_default(cli, ret);
	if (!r)
		r = add_services(cli, ret);
	if (!r)
		ret->monitor = ret->model->flags & FW_P_MONITOR;
	return r;
}

int fw_replay_number(struct fw_cli *cli, const char *name, double least, double most, double *ret)
{
	const char *text = fw_cli_option(cli, name);
	char *end;

	if (!text)
		return 0;
	*ret = strtod(text, &end);
	if (end == text || *end || !(*ret >= least && *ret <= most))
		return fw_cli_usage(cli, "--%s %.40s: say a number from %.10g to %.10g", name, text,
				    least, most);
	return 0;
}

int fw_replay_hosts(struct fw_cli *cli, struct fw_feed_opts *opts)
{
	const char *option;
	int r = 0;

	for (unsigned int n = 0; !r && (option = fw_cli_option_nth(cli, "to", n)); n++) {
		char *text, *save = NULL;

		r = fw_cli_check_list(cli, "to", option);
		text = r ? NULL : strdup(option);
		if (!text)
			return r ?: fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		for (char *word = strtok_r(text, ", ", &save); word && !r;
		     word = strtok_r(NULL, ", ", &save)) {
			struct fw_feed_host *host = &opts->host[opts->hosts];

			if (opts->hosts == FW_FEED_HOSTS)
				r = fw_cli_usage(cli, "--to: more than %d prefixes", FW_FEED_HOSTS);
			else
				r = fw_text_prefix(word, host->addr_be, &host->len, &cli->err);
			opts->hosts += !r;
		}
		free(text);
	}
	return r;
}
