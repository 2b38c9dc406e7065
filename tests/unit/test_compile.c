// SPDX-License-Identifier: GPL-2.0-only
/* The policy as the program reads it, and the way back to the model. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/base/text.h"
#include "user/policy/compile.h"

#define TICK 4000000

static struct fw_model *model, *back;
static struct fw_policy *policy;
static struct fw_policy_text *text;
static struct fw_err err;

static int setup(void **state)
{
	(void)state;
	model = malloc(sizeof(*model));
	back = calloc(1, sizeof(*back));
	policy = malloc(sizeof(*policy));
	text = malloc(sizeof(*text));
	assert_true(model && back && policy && text);
	memset(policy, 0xa5, sizeof(*policy));
	memset(text, 0xa5, sizeof(*text));
	fw_model_default(model);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(model);
	free(back);
	free(policy);
	free(text);
	return 0;
}

static void compile(void)
{
	if (fw_compile_policy(model, TICK, policy, text, &err))
		fail_msg("%s", err.msg);
}

static bool same_rule(const struct fw_model_rule *a, const struct fw_model_rule *b)
{
	return !memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be)) && a->first == b->first &&
	       a->last == b->last && a->any == b->any && a->proto == b->proto &&
	       a->service == b->service;
}

/* The model comes back as it was, and compiles to the same bytes again. */
static void round_trip(void)
{
	struct fw_policy *again = malloc(sizeof(*again));
	struct fw_policy_text *text_again = malloc(sizeof(*text_again));

	compile();
	if (fw_model_from(policy, text, back, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(back->flags, model->flags);
	assert_int_equal(back->proof_s, model->proof_s);
	assert_int_equal(back->net48_factor, model->net48_factor);
	assert_memory_equal(back->budget, model->budget, sizeof(model->budget));
	assert_memory_equal(back->class, model->class, sizeof(model->class));
	assert_int_equal(back->rules, model->rules);
	for (__u32 i = 0; i < model->rules; i++)
		assert_true(same_rule(&back->rule[i], &model->rule[i]));
	for (int i = 0; i < FW_SERVICE_MAX; i++) {
		assert_string_equal(back->service[i].name, model->service[i].name);
		assert_int_equal(back->service[i].closed, model->service[i].closed);
		assert_int_equal(back->service[i].proof, model->service[i].proof);
		assert_int_equal(back->service[i].level_pin, model->service[i].level_pin);
		assert_memory_equal(back->service[i].crowd, model->service[i].crowd,
				    sizeof(back->service[i].crowd));
		assert_memory_equal(back->service[i].net, model->service[i].net,
				    sizeof(back->service[i].net));
	}
	for (int i = 0; i < FW_REFLECT_MAX; i++) {
		assert_int_equal(back->reflect[i].port, model->reflect[i].port);
		assert_int_equal(back->reflect[i].everywhere, model->reflect[i].everywhere);
	}
	assert_non_null(again);
	assert_non_null(text_again);
	assert_int_equal(fw_compile_policy(back, TICK, again, text_again, &err), 0);
	assert_memory_equal(again, policy, sizeof(*policy));
	assert_memory_equal(text_again, text, sizeof(*text));
	free(again);
	free(text_again);
}

/* As bpf/stage_service.h finds it. */
static int service_of(int proto, const char *addr, __u16 port)
{
	__u32 at = policy->port_rule[proto][port];
	__be32 want[4];

	assert_int_equal(fw_text_addr(addr, want, NULL), 0);
	for (int i = 0; i < FW_CHAIN_MAX && at; i++) {
		const struct fw_rule *rule = &policy->rule[at];

		if (rule->any || !memcmp(rule->addr_be, want, sizeof(want)))
			return rule->service;
		at = rule->next;
	}
	return -1;
}

static bool is_closed(const char *addr, int service)
{
	__be32 want[4];
	__u32 home;

	assert_int_equal(fw_text_addr(addr, want, NULL), 0);
	home = ntohl(want[3]);
	for (__u32 i = 0; i < FW_CLOSED_PROBES; i++) {
		const struct fw_closed *slot = &policy->closed[(home + i) & (FW_CLOSED_SLOTS - 1)];

		if (!memcmp(slot->addr_be, want, sizeof(want)))
			return slot->service == service;
	}
	return false;
}

static void defaults(void **state)
{
	static const int hz[] = { 100, 250, 300, 1000 };

	(void)state;
	round_trip();
	assert_int_equal(policy->flags, FW_P_BOGUS_SOURCE);
	assert_int_equal(policy->proof_s, 600);
	assert_true(policy->class[0].limit[FW_K_SYN].window > 0);
	assert_true(policy->class[2].limit[FW_K_SYN].window == 0);
	assert_int_equal(policy->reflect[11211] & FW_REFLECT_EVERYWHERE, FW_REFLECT_EVERYWHERE);
	assert_int_equal(policy->reflect_port[policy->reflect[53] & FW_REFLECT_SLOT], 53);
	assert_int_equal(policy->reflect[53] & FW_REFLECT_EVERYWHERE, 0);
	assert_int_equal(policy->reflect[443], 0);
	/* Every kernel's clock can keep the default policy. */
	for (size_t i = 0; i < COUNT(hz); i++)
		assert_int_equal(
			fw_compile_policy(model, (__u32)(1000000000 / hz[i]), policy, text, &err),
			0);
}

static void longest_window(void **state)
{
	__u64 longest = 0;

	(void)state;
	compile();
	for (int c = 0; c < FW_CLASS_MAX; c++)
		for (int k = 0; k < FW_K_MAX; k++) {
			const struct fw_limit *l = &policy->class[c].limit[k];
			__u64 ns = (__u64)l->window << l->shift;

			longest = ns > longest ? ns : longest;
		}
	assert_true(policy->idle_ns >= longest && policy->idle_ns <= longest + longest / 50);
	model->class[0].rate[FW_K_ICMP] = (struct fw_rate){ 1, 10, 3600, 0 };
	compile();
	assert_in_range(policy->idle_ns, 36000ULL * 1000000000, 36001ULL * 1000000000);
}

static void rule(const char *service, const char *what)
{
	int i = fw_model_service_find(model, service, NULL);

	if (i < 0)
		i = fw_model_service_add(model, service, NULL);
	assert_true(i > 0);
	assert_int_equal(fw_model_rule_add(model, (__u8)i, what, &err), 0);
}

static void services(void **state)
{
	(void)state;
	rule("web", "tcp/80,443");
	rule("web", "udp/443");
	rule("admin", "tcp/443@192.0.2.9");
	rule("dns", "udp/53@192.0.2.1");
	rule("dns", "tcp/53@2001:db8::1");
	rule("games", "udp/27000-28000");
	rule("games", "tcp/65535");
	round_trip();
	assert_int_equal(service_of(FW_PORT_TCP, "192.0.2.1", 443), 1);
	assert_int_equal(service_of(FW_PORT_TCP, "192.0.2.9", 443), 2); /* the address beats any */
	assert_int_equal(service_of(FW_PORT_UDP, "192.0.2.9", 443), 1);
	assert_int_equal(service_of(FW_PORT_UDP, "192.0.2.1", 53), 3);
	assert_int_equal(service_of(FW_PORT_UDP, "192.0.2.2", 53), -1);
	assert_int_equal(service_of(FW_PORT_TCP, "2001:db8::1", 53), 3);
	assert_int_equal(service_of(FW_PORT_UDP, "::1", 26999), -1);
	assert_int_equal(service_of(FW_PORT_UDP, "::1", 27000), 4);
	assert_int_equal(service_of(FW_PORT_UDP, "::1", 28000), 4);
	assert_int_equal(service_of(FW_PORT_UDP, "::1", 28001), -1);
	assert_int_equal(service_of(FW_PORT_TCP, "::1", 65535), 4);
	assert_int_equal(policy->port_rule[0][0], 0);
}

static void random_rules(void **state)
{
	char what[64];

	(void)state;
	for (int i = 0; i < 6; i++) {
		snprintf(what, sizeof(what), "s%d", i);
		assert_true(fw_model_service_add(model, what, NULL) > 0);
	}
	for (int i = 0; i < 60; i++) {
		int first = 1 + (int)unit_below(400);

		snprintf(what, sizeof(what), "%s/%d-%d", unit_below(2) ? "tcp" : "udp", first,
			 first + (int)unit_below(10));
		if (unit_below(4))
			snprintf(what + strlen(what), 32, "@192.0.2.%d", (int)unit_below(4));
		fw_model_rule_add(model, (__u8)(1 + unit_below(6)), what, NULL); /* some conflict */
	}
	assert_true(model->rules > 10);
	round_trip();
	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *r = &model->rule[i];
		char addr[FW_TEXT_LEN] = "198.51.100.1";

		if (!r->any)
			fw_text_put_addr(addr, sizeof(addr), r->addr_be);
		assert_int_equal(service_of(r->proto, addr, r->first), r->service);
		assert_int_equal(service_of(r->proto, addr, r->last), r->service);
	}
}

static void closed(void **state)
{
	(void)state;
	rule("dns", "udp/53@192.0.2.1");
	rule("dns", "tcp/53@2001:db8::1");
	rule("web", "tcp/80@192.0.2.1");
	rule("web", "tcp/443");
	model->service[1].closed = true;
	round_trip();
	assert_true(policy->flags & FW_P_CLOSED);
	assert_true(is_closed("192.0.2.1", 1));
	assert_true(is_closed("2001:db8::1", 1));
	assert_false(is_closed("192.0.2.2", 1));
	model->service[2].closed = true; /* has a rule for every address */
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_string_equal(err.msg, "service web is closed, but has a rule for every address");
}

static void closed_full(void **state)
{
	char what[64];
	int i;

	(void)state;
	for (i = 0; i < FW_CLOSED_PROBES; i++) { /* all of one home slot */
		snprintf(what, sizeof(what), "tcp/80@192.0.%d.64", i);
		rule("web", what);
	}
	model->service[1].closed = true;
	round_trip();
	for (i = 0; i < FW_CLOSED_PROBES; i++) {
		snprintf(what, sizeof(what), "192.0.%d.64", i);
		assert_true(is_closed(what, 1));
	}
	rule("web", "tcp/80@192.0.99.64");
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "no room to close 192.0.99.64"));
}

/* A chain may hold as many rules as the program follows, and no more. */
static void chain_full(void **state)
{
	char what[64];

	(void)state;
	rule("any", "tcp/80");
	for (int i = 1; i < FW_CHAIN_MAX; i++) {
		snprintf(what, sizeof(what), "tcp/80@192.0.2.%d", i);
		rule("some", what);
	}
	round_trip();
	for (int i = 1; i < FW_CHAIN_MAX; i++) {
		snprintf(what, sizeof(what), "192.0.2.%d", i);
		assert_int_equal(service_of(FW_PORT_TCP, what, 80), 2);
	}
	assert_int_equal(service_of(FW_PORT_TCP, "192.0.2.99", 80), 1);
	rule("some", "tcp/80@192.0.2.99");
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -ENOSPC);
	assert_string_equal(err.msg, "more than 16 rules share TCP port 80");
}

static void rules_full(void **state)
{
	char what[64];

	(void)state;
	for (int i = 1; i < FW_RULE_MAX; i++) {
		snprintf(what, sizeof(what), "tcp/%d@192.0.2.%d", 2 * i, i);
		rule("web", what);
	}
	round_trip();
	rule("web", "udp/9@198.51.100.1");
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -ENOSPC);
	assert_string_equal(err.msg, "the services' rules need more than 255 entries");
}

/* On failure the error says where, and what was there before is still there. */
static void refused(void **state)
{
	struct fw_policy before;

	(void)state;
	compile();
	before = *policy;
	model->class[1].rate[FW_K_SYN].burst = 1;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_int_equal(strncmp(err.msg, "class trusted, syn: a burst of 1 is too small", 45), 0);
	fw_model_default(model);
	model->service[0].net[FW_C_BYTES].burst = 10;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_int_equal(strncmp(err.msg, "service host, net bytes: a burst", 32), 0);
	fw_model_default(model);
	model->budget[FW_B_ND].per_s = 7;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_int_equal(strncmp(err.msg, "budget nd: ", 11), 0);
	fw_model_default(model);
	model->reflect[30].port = 53;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_string_equal(err.msg, "amplifier port 53 is listed twice");
	fw_model_default(model);
	model->proof_s = FW_PROOF_MAX_S + 1;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	fw_model_default(model);
	model->net48_factor = 0;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	fw_model_default(model);
	model->ban_s =
		0; /* nobody is banned: a policy file would refuse the ceiling all the same */
	model->ban_max_s = FW_BAN_MAX_S + 1;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_string_equal(err.msg, "1d1s is too long for the ceiling of bans");
	assert_memory_equal(policy, &before, sizeof(before));
}

/* Rules that add would not have made, as from a file: two services, one port. */
static void conflict(void **state)
{
	(void)state;
	rule("web", "tcp/80-90");
	rule("dns", "tcp/53");
	model->rule[1].service = 2;
	model->rule[1].first = 85;
	model->rule[1].last = 85;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
	assert_string_equal(err.msg, "services web and dns both claim TCP port 85");
	model->rule[1].service = 9;
	assert_int_equal(fw_compile_policy(model, TICK, policy, text, &err), -EINVAL);
}

/* Damaged maps: an error or a model, never a crash, and never half a model. */
static void damaged(void **state)
{
	struct fw_policy *bad = malloc(sizeof(*bad));
	struct fw_policy_text *bad_text = malloc(sizeof(*bad_text));
	int refusals = 0;

	(void)state;
	assert_true(bad && bad_text);
	rule("web", "tcp/80,443@192.0.2.1");
	rule("dns", "udp/53");
	compile();
	for (int i = 0; i < 600; i++) {
		*bad = *policy;
		*bad_text = *text;
		memset(back, 0x11, sizeof(*back));
		if (i & 1)
			((__u8 *)bad)[unit_below(i & 2 ? offsetof(struct fw_policy, port_rule)
						       : sizeof(*bad))] ^=
				(__u8)(1 << unit_below(8));
		else
			((__u8 *)bad_text)[unit_below(sizeof(*bad_text))] ^=
				(__u8)(1 << unit_below(8));
		if (fw_model_from(bad, bad_text, back, &err)) {
			refusals++;
			assert_int_equal(back->rules, 0x11111111);
		}
	}
	assert_true(refusals > 0);
	*bad = *policy;
	bad->rule[policy->port_rule[1][53]].next = policy->port_rule[1][53]; /* a ring */
	assert_int_equal(fw_model_from(bad, text, back, &err), -EINVAL);
	memset(bad, 0, sizeof(*bad));
	memset(bad_text, 0, sizeof(*bad_text));
	assert_int_equal(fw_model_from(bad, bad_text, back, &err), -EINVAL);
	free(bad);
	free(bad_text);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(defaults), CASE(longest_window), CASE(services),	CASE(random_rules),
		CASE(closed),	CASE(closed_full),    CASE(chain_full), CASE(rules_full),
		CASE(refused),	CASE(conflict),	      CASE(damaged),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
