// SPDX-License-Identifier: GPL-2.0-only
/* limit suggest: limits from a recording of ordinary traffic, as a fragment of a policy file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/base/text.h"
#include "user/cli/edit.h"
#include "user/cli/limit.h"
#include "user/cli/replay.h"
#include "user/core/replay/suggest.h"

#define SHORT_NS (600ULL * FW_NS_PER_S)
#define FEW	 100

/* "12.3k/s, 400 at once" */
static void put_demand(char *buf, size_t size, double rate, double burst, bool bytes)
{
	char a[FW_TEXT_LEN], b[FW_TEXT_LEN];

	snprintf(buf, size, "%s%s/s, %s%s at once", fw_text_put_about(a, sizeof(a), rate),
		 bytes ? "B" : "", fw_text_put_about(b, sizeof(b), burst), bytes ? "B" : "");
}

static void print_limit(const struct fw_suggest_opts *o, const struct fw_suggest_limit *l,
			unsigned int kind)
{
	const char *name = fw_model_kind_name(kind);
	bool bytes = fw_model_kind_bytes(kind);
	char limit[128], usual[160], most[160];

	if (!l->sources) {
		printf("    # %s: none in this recording\n", name);
		return;
	}
	put_demand(usual, sizeof(usual), l->rate, l->burst, bytes);
	put_demand(most, sizeof(most), l->most_rate, l->most_burst, bytes);
	if (l->proposed.count)
		printf("    # %g %% of %llu sources: %s; the most of any: %s\n    %s: %s\n",
		       o->percentile, (unsigned long long)l->sources, usual, most, name,
		       fw_edit_put_limit(limit, sizeof(limit), &l->proposed, bytes, o->tick_ns));
	else
		printf("    # %s: %s is beyond what a limit can say\n", name, usual);
}

static bool print_classes(const struct fw_suggest_opts *o, const struct fw_suggest *s)
{
	bool head = false;

	for (unsigned int c = 0; c < FW_CLASS_MAX; c++) {
		if (!s->class_sources[c])
			continue;
		if (!head)
			printf("classes:\n");
		head = true;
		printf("  %s:\n", o->model->class[c].name);
		for (unsigned int k = 0; k < FW_K_MAX; k++)
			print_limit(o, &s->limit[c][k], k);
	}
	return head;
}

/* A service in a policy file is nothing without its rules. */
static void print_rules(const struct fw_model *model, unsigned int service)
{
	const char *comma = "";
	char text[128];

	if (service == FW_SERVICE_HOST)
		return;
	printf("    rules: [");
	for (__u32 i = 0; i < model->rules; i++)
		if (model->rule[i].service == service) {
			printf("%s\"%s\"", comma,
			       fw_model_rule_put(text, sizeof(text), &model->rule[i]));
			comma = ", ";
		}
	printf("]\n");
	if (model->service[service].closed)
		printf("    closed: on\n");
}

static bool print_services(const struct fw_suggest_opts *o, const struct fw_suggest *s)
{
	bool head = false;
	char limit[128];

	for (unsigned int i = 0; i < FW_SERVICE_MAX; i++) {
		if (!s->syn[i].count)
			continue;
		if (!head)
			printf("services:\n");
		head = true;
		printf("  %s:\n", o->model->service[i].name);
		print_rules(o->model, i);
		printf("    crowd:\n      # at most %llu new connections within a second\n"
		       "      syn: %s\n",
		       (unsigned long long)s->syn_most[i],
		       fw_edit_put_limit(limit, sizeof(limit), &s->syn[i], false, o->tick_ns));
	}
	return head;
}

static void print_head(const struct fw_suggest_opts *o, const struct fw_suggest *s)
{
	char from[FW_REPLAY_TIME_LEN], to[FW_REPLAY_TIME_LEN], length[FW_TEXT_LEN];
	__u64 seconds = (s->end_ns - s->begin_ns) / FW_NS_PER_S;

	printf("# Suggested by floodwall %s from a recording of ordinary traffic.\n", FW_VERSION);
	if (s->packets)
		printf("# %s to %s, %s: %llu packets of %llu sources%s\n",
		       fw_replay_put_time(from, sizeof(from), s->begin_ns, true),
		       fw_replay_put_time(to, sizeof(to), s->end_ns, true),
		       fw_text_put_duration(length, sizeof(length), (__u32)seconds),
		       (unsigned long long)s->packets, (unsigned long long)s->sources,
		       s->sampled > 1 ? ", a sample" : "");
	if (s->sampled > 1)
		printf("# the sample is one source in %u\n", s->sampled);
	if (s->unlimited)
		printf("# %llu more sources are left out: the policy lets them pass, or blocks "
		       "them\n",
		       (unsigned long long)s->unlimited);
	printf("# Each limit is %g times what %g %% of the sources stayed within (--margin, "
	       "--percentile):\n# the rate within 10 s, the burst within 1 s. A service's budget "
	       "is %g times its peak.\n# Read it, then put what you want into the policy file.\n",
	       o->margin, o->percentile, o->margin);
}

static json_t *limit_json(const struct fw_suggest_limit *l, unsigned int kind, __u32 tick_ns)
{
	if (!l->sources)
		return json_null();
	return json_pack("{s:o,s:f,s:f,s:f,s:f,s:o}", "sources", fw_json_count(l->sources), "rate",
			 l->rate, "burst", l->burst, "most_rate", l->most_rate, "most_burst",
			 l->most_burst, "limit",
			 fw_edit_rate_json(&l->proposed, fw_model_kind_bytes(kind), tick_ns));
}

static int print_json(struct fw_cli *cli, const struct fw_suggest_opts *o,
		      const struct fw_suggest *s)
{
	json_t *doc = json_object(), *classes = json_object(), *services = json_object();
	int err = 0;

	for (unsigned int c = 0; c < FW_CLASS_MAX; c++) {
		json_t *one;

		if (!s->class_sources[c])
			continue;
		one = json_object();
		for (unsigned int k = 0; k < FW_K_MAX; k++)
			err |= fw_json_set(one, fw_model_kind_name(k),
					   limit_json(&s->limit[c][k], k, o->tick_ns));
		err |= fw_json_set(classes, o->model->class[c].name, one);
	}
	for (unsigned int i = 0; i < FW_SERVICE_MAX; i++)
		if (s->syn[i].count)
			err |= fw_json_set(
				services, o->model->service[i].name,
				json_pack("{s:o,s:o}", "syn_most_per_s",
					  fw_json_count(s->syn_most[i]), "syn",
					  fw_edit_rate_json(&s->syn[i], false, o->tick_ns)));
	err |= fw_json_set(doc, "margin", json_real(o->margin));
	err |= fw_json_set(doc, "percentile", json_real(o->percentile));
	err |= fw_json_set(doc, "packets", fw_json_count(s->packets));
	err |= fw_json_set(doc, "sources", fw_json_count(s->sources));
	err |= fw_json_set(doc, "sampled_one_in", json_integer(s->sampled));
	err |= fw_json_set(doc, "servers_left_out", fw_json_count(s->servers));
	err |= fw_json_set(doc, "unlimited_left_out", fw_json_count(s->unlimited));
	err |= fw_json_set(doc, "classes", classes);
	err |= fw_json_set(doc, "services", services);
	if (err) {
		json_decref(doc);
		doc = NULL;
	}
	return fw_cli_json(cli, doc);
}

static int show(struct fw_cli *cli, const struct fw_suggest_opts *o, const struct fw_suggest *s)
{
	bool found;

	fw_replay_warn(cli, o->path, &s->told, &s->files, true);
	if (s->servers)
		fw_cli_warn(cli,
			    "left out, as the host itself: %llu source%s that answered new "
			    "connections; --to says it for certain",
			    (unsigned long long)s->servers, s->servers == 1 ? "" : "s");
	if (s->packets && s->end_ns - s->begin_ns < SHORT_NS)
		fw_cli_warn(cli,
			    "the recording is shorter than 10 minutes: a longer one says more");
	if (s->packets && s->sources < FEW)
		fw_cli_warn(cli, "the habits of so few (%llu) may not be everybody's",
			    (unsigned long long)s->sources);
	if (cli->json)
		return print_json(cli, o, s);
	print_head(o, s);
	found = print_classes(o, s);
	if (!print_services(o, s) && !found)
		printf("{} # nobody sent anything in this recording\n");
	return 0;
}

int fw_limit_suggest(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_suggest_opts o = { .path = argv,
				     .paths = (unsigned int)argc,
				     .margin = FW_SUGGEST_MARGIN,
				     .percentile = FW_SUGGEST_PERCENTILE,
				     .tick_ns = fw_clock_tick() };
	struct fw_suggest *s = calloc(1, sizeof(*s));
	struct fw_replay_source source = { 0 };
	struct fw_progress bar;
	int r;

	if (!s)
		return fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
	r = fw_replay_number(cli, "margin", FW_SUGGEST_MARGIN_MIN, 1000, &o.margin);
	if (!r)
		r = fw_replay_number(cli, "percentile", 50, 100, &o.percentile);
	if (!r)
		r = fw_replay_hosts(cli, &o.feed);
	if (!r)
		r = fw_replay_policy(cli, fw_cli_option(cli, "policy"), false, &source);
	o.model = source.model;
	o.lanes = &source.lanes;
	o.feed.watch = (struct fw_capture_watch){ fw_replay_progress, &bar };
	fw_progress_begin(&bar, "");
	if (!r)
		r = fw_suggest_run(&o, s, &cli->err);
	fw_progress_end(&bar);
	if (!r)
		r = show(cli, &o, s);
	fw_replay_policy_free(&source);
	free(s);
	return r;
}

const struct fw_cli_option fw_limit_suggest_options[] = {
	{ "margin", 0, "N", "limits are so many times what was seen (4)", "@none" },
	{ "percentile", 0, "P", "... of this part of the sources, in percent (99.9)", "@none" },
	{ "policy", 0, "FILE",
	  "its classes, their prefixes and its services, instead of the default", "@file" },
	{ "service", 's', "NAME=RULE...", "a service on top, as for replay", "@none" },
	{ "to", 0, "PREFIX...", "addresses of the host that was recorded", "@none" },
	{ NULL, 0, NULL, NULL, NULL },
};
