// SPDX-License-Identifier: GPL-2.0-only
/* Rules of services as text: reading, merging, cutting, conflicts; against a table of ports. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "user/policy/model.h"

static struct fw_model *model;

static int setup(void **state)
{
	(void)state;
	model = malloc(sizeof(*model));
	assert_non_null(model);
	fw_model_default(model);
	assert_int_equal(fw_model_service_add(model, "web", NULL), 1);
	assert_int_equal(fw_model_service_add(model, "dns", NULL), 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(model);
	return 0;
}

/* All rules of the model, canonical, one after the other. */
static const char *all(void)
{
	static char text[4096];
	char one[128];
	size_t used = 0;

	text[0] = '\0';
	for (__u32 i = 0; i < model->rules; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u:%s", i ? " " : "",
					 model->rule[i].service,
					 fw_model_rule_put(one, sizeof(one), &model->rule[i]));
	return text;
}

static void add_and_merge(void **state)
{
	(void)state;
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/443", NULL), 0);
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/443", NULL), 0); /* no error twice */
	assert_string_equal(all(), "1:tcp/443");
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/80,442,444-450,8080", NULL), 0);
	assert_string_equal(all(), "1:tcp/80 1:tcp/442-450 1:tcp/8080");
	assert_int_equal(fw_model_rule_add(model, 1, "udp/443@192.0.2.1", NULL), 0);
	assert_int_equal(fw_model_rule_add(model, 1, "udp/443@2001:db8::1", NULL), 0);
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/1-65535@192.0.2.1", NULL), 0);
	assert_string_equal(all(), "1:tcp/80 1:tcp/442-450 1:tcp/8080 1:tcp/1-65535@192.0.2.1 "
				   "1:udp/443@192.0.2.1 1:udp/443@2001:db8::1");
}

static void conflicts(void **state)
{
	struct fw_err err;

	(void)state;
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/80-90", NULL), 0);
	assert_int_equal(fw_model_rule_add(model, 2, "tcp/90-100", &err), -EEXIST);
	assert_string_equal(err.msg, "tcp/80-90 belongs to service \"web\"");
	assert_int_equal(fw_model_rule_add(model, 2, "tcp/53,85", &err),
			 -EEXIST); /* all or nothing */
	assert_int_equal(fw_model_rule_add(model, 2, "tcp/85@192.0.2.1", &err),
			 0); /* more specific */
	assert_int_equal(fw_model_rule_add(model, 2, "udp/85", &err), 0);
	assert_string_equal(all(), "1:tcp/80-90 2:tcp/85@192.0.2.1 2:udp/85");
	assert_int_equal(fw_model_rule_add(model, 0, "udp/9", &err),
			 -EINVAL); /* host is the rest */
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"",
		"tcp",
		"tcp/",
		"/80",
		"80",
		"sctp/80",
		"TCP/80",
		"tcp/0",
		"tcp/65536",
		"tcp/90-80",
		"tcp/80,",
		"tcp/,80",
		"tcp/80@",
		"tcp/80@host",
		"tcp/80@192.0.2.0/24",
		"tcp/80@192.0.2.1@192.0.2.2",
		"tcp/80 ",
		" tcp/80",
		"tcp/http",
		"tcp/80/tcp",
		"tcp/80@192.0.2.1,192.0.2.2",
	};
	char longest[3000];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct fw_err err = { 0 };

		if (fw_model_rule_add(model, 1, bad[i], &err) != -EINVAL)
			fail_msg("\"%s\" was read as a rule", bad[i]);
		assert_true(err.msg[0] && err.hint[0]);
	}
	strcpy(longest, "tcp/1");
	for (int i = 0; i < 500; i++)
		strcat(longest, ",22");
	assert_int_equal(fw_model_rule_add(model, 1, longest, NULL), -EINVAL);
	longest[600] = '\0';
	assert_int_equal(fw_model_rule_add(model, 1, longest, NULL), -EINVAL);
	assert_int_equal(model->rules, 0);
}

static void full(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < FW_MODEL_RULES; i++) {
		snprintf(text, sizeof(text), "tcp/%d", 2 * i + 1);
		assert_int_equal(fw_model_rule_add(model, 1, text, NULL), 0);
	}
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/9999", NULL), -ENOSPC);
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/2", NULL), 0); /* joins two: one less */
	assert_int_equal(model->rules, FW_MODEL_RULES - 1);
}

/* Random adds, beside a plain table of who has which port. */
static void against_table(void **state)
{
	static __u8 owner[2][3][200]; /* proto, any or one of two addresses, port */
	static const char *const where[] = { "", "@192.0.2.1", "@2001:db8::1" };
	static const char *const proto[] = { "tcp", "udp" };

	(void)state;
	for (int i = 0; i < 5000; i++) {
		int p = (int)unit_below(2), w = (int)unit_below(3),
		    first = 1 + (int)unit_below(190);
		int last = first + (int)unit_below(unit_below(4) ? 4 : 10), foreign = 0, r;
		__u8 service = (__u8)(1 + unit_below(2));
		char text[64];

		if (i % 200 == 0) { /* begin anew before all is taken */
			memset(owner, 0, sizeof(owner));
			model->rules = 0;
		}
		snprintf(text, sizeof(text), "%s/%d-%d%s", proto[p], first, last, where[w]);
		for (int k = first; k <= last; k++)
			foreign += owner[p][w][k] && owner[p][w][k] != service;
		r = fw_model_rule_add(model, service, text, NULL);
		assert_int_equal(r, foreign ? -EEXIST : 0);
		for (int k = first; !r && k <= last; k++)
			owner[p][w][k] = service;
		if (i % 50 != 49)
			continue;
		for (int k = 1; k < 200; k++) {
			int found = 0;

			for (__u32 m = 0; m < model->rules; m++) {
				const struct fw_model_rule *rule = &model->rule[m];
				int at = rule->any ? 0 : rule->addr_be[0] ? 2 : 1;

				if (rule->proto == p && at == w && rule->first <= k &&
				    k <= rule->last)
					found = found ? 99 : rule->service;
			}
			assert_int_equal(found, owner[p][w][k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(add_and_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(conflicts, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(against_table, setup, teardown),
	};

	return cmocka_run_group_tests_name("model_rule", tests, NULL, NULL);
}
