// SPDX-License-Identifier: GPL-2.0-only
/* The default policy, names both ways, and editing classes, services and amplifier ports. */
#include <errno.h>
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
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(model);
	return 0;
}

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(model->flags, FW_P_BOGUS_SOURCE); /* enforcing; private sources pass */
	assert_string_equal(model->class[FW_CLASS_DEFAULT].name, "default");
	assert_string_equal(model->class[FW_CLASS_TRUSTED].name, "trusted");
	assert_string_equal(model->service[FW_SERVICE_HOST].name, "host");
	assert_int_equal(model->class[0].rate[FW_K_PACKETS].count, 20000);
	assert_int_equal(model->class[0].rate[FW_K_SYN].soft_pct, 80);
	assert_int_equal(model->rules, 0);
	for (int b = 0; b < FW_B_MAX; b++)
		assert_true(model->budget[b].count > 0 && model->budget[b].burst > 0);
	for (int k = 0; k < FW_K_MAX; k++) {
		assert_true(model->class[FW_CLASS_DEFAULT].rate[k].count > 0);
		assert_true(model->class[FW_CLASS_TRUSTED].rate[k].count >=
			    model->class[FW_CLASS_DEFAULT].rate[k].count);
	}
}

static void amplifiers(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 1; i < FW_REFLECT_MAX; i++) {
		if (!model->reflect[i].port)
			continue;
		n++;
		assert_non_null(fw_model_reflect_name(model->reflect[i].port));
		for (int k = i + 1; k < FW_REFLECT_MAX; k++)
			assert_int_not_equal(model->reflect[i].port, model->reflect[k].port);
		/* A server asks DNS and NTP itself: their answers must come back. */
		if (model->reflect[i].port == 53 || model->reflect[i].port == 123)
			assert_false(model->reflect[i].everywhere);
	}
	assert_int_equal(n, 23);
	assert_null(fw_model_reflect_name(443));
	assert_int_equal(fw_model_reflect_del(model, 443, NULL), -ENOENT);
	assert_int_equal(fw_model_reflect_del(model, 0, NULL), -ENOENT);
	assert_int_equal(fw_model_reflect_add(model, 0, true, NULL), -EINVAL);
	assert_int_equal(fw_model_reflect_add(model, 53, true, NULL), 0); /* changes it */
	assert_int_equal(fw_model_reflect_del(model, 53, NULL), 0);
	assert_int_equal(fw_model_reflect_del(model, 53, NULL), -ENOENT);
	for (__u16 port = 1000; n <= FW_REFLECT_MAX - 1; port++, n++)
		assert_int_equal(fw_model_reflect_add(model, port, false, NULL), 0);
	assert_int_equal(fw_model_reflect_add(model, 999, false, NULL), -ENOSPC);
}

static void names(void **state)
{
	struct fw_err err;

	(void)state;
	for (unsigned int i = 0; i < FW_K_MAX; i++)
		assert_int_equal(fw_model_kind_find(fw_model_kind_name(i), NULL), i);
	for (unsigned int i = 0; i < FW_B_MAX; i++)
		assert_int_equal(fw_model_budget_find(fw_model_budget_name(i), NULL), i);
	for (unsigned int i = 0; i < FW_PROOF_MAX; i++)
		assert_int_equal(fw_model_proof_find(fw_model_proof_name(i), NULL), i);
	for (unsigned int i = 0; i < FW_LEVEL_MAX; i++)
		assert_int_equal(fw_model_level_find(fw_model_level_name(i), NULL), i);
	assert_string_equal(fw_model_lane_name(FW_LANE_BLOCKED), "blocked");
	assert_null(fw_model_lane_name(FW_LANE_MAX));
	assert_null(fw_model_kind_name(FW_K_MAX));
	assert_int_equal(fw_model_kind_find("packet", &err), -EINVAL);
	assert_string_equal(err.msg, "there is no kind of limit \"packet\"");
	assert_string_equal(err.hint, "kinds: packets bytes syn udp icmp fragments");
	assert_true(fw_model_kind_bytes(FW_K_BYTES) && !fw_model_kind_bytes(FW_K_PACKETS));
	assert_true(fw_model_crowd_bytes(FW_C_BYTES) && !fw_model_crowd_bytes(FW_C_SYN));
}

static void class_edit(void **state)
{
	struct fw_err err;
	int i = fw_model_class_add(model, "cgnat", &err);

	(void)state;
	assert_int_equal(i, 2);
	assert_int_equal(fw_model_class_find(model, "cgnat", NULL), 2);
	assert_memory_equal(model->class[2].rate, model->class[0].rate,
			    sizeof(model->class[0].rate));
	assert_int_equal(fw_model_class_add(model, "cgnat", &err), -EEXIST);
	assert_int_equal(fw_model_class_add(model, "CGNAT", &err), -EINVAL);
	assert_int_equal(fw_model_class_find(model, "cg", &err), -EINVAL);
	assert_string_equal(err.hint, "classes: default trusted cgnat");
	assert_int_equal(fw_model_class_find(model, "", &err), -EINVAL);
	assert_int_equal(fw_model_class_del(model, "default", &err), -EINVAL);
	assert_int_equal(fw_model_class_del(model, "trusted", &err), -EINVAL);
	assert_int_equal(fw_model_class_del(model, "cgnat", &err), 0);
	assert_int_equal(fw_model_class_find(model, "cgnat", NULL), -EINVAL);
	for (char name[] = "ca"; name[1] < 'a' + FW_CLASS_MAX - 2; name[1]++)
		if (name[1] <= 'z')
			assert_true(fw_model_class_add(model, name, NULL) > 0);
		else
			break;
	for (char name[] = "da"; name[1] < 'a' + 4; name[1]++)
		assert_true(fw_model_class_add(model, name, NULL) > 0);
	assert_int_equal(fw_model_class_add(model, "full", &err), -ENOSPC);
}

static void service_edit(void **state)
{
	struct fw_err err;

	(void)state;
	assert_int_equal(fw_model_service_add(model, "web", &err), 1);
	assert_int_equal(fw_model_service_add(model, "dns", &err), 2);
	assert_int_equal(fw_model_rule_add(model, 1, "tcp/80,443", NULL), 0);
	assert_int_equal(fw_model_rule_add(model, 2, "udp/53", NULL), 0);
	assert_int_equal(model->rules, 3);
	assert_int_equal(fw_model_service_del(model, "host", &err), -EINVAL);
	assert_int_equal(fw_model_service_del(model, "web", &err), 0);
	assert_int_equal(model->rules, 1); /* its rules go with it */
	assert_int_equal(model->rule[0].service, 2);
	assert_int_equal(fw_model_service_find(model, "web", &err), -EINVAL);
	assert_string_equal(err.hint, "services: host dns");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(amplifiers, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(class_edit, setup, teardown),
		cmocka_unit_test_setup_teardown(service_edit, setup, teardown),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
