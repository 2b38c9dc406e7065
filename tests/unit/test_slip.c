// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an admin types at 22:00 and does not mean: valid, and told nevertheless. And what she may
 * well mean is not.
 */
#include "tests/unit/unit.h"
#include "tests/unit/policy_text.h"
#include "user/policy/slip.h"

static const char *ifaces[] = { "lo", "eth0" };
static const char *addrs[] = { "127.0.0.1", "192.0.2.10", "2001:db8::10" };

static char *problems_of(const char *text, bool surely)
{
	const struct fw_file_host host = { ifaces, addrs, 2, 3, surely };
	struct fw_file_context context = { test_clock(), 4000000, NULL, NULL, &host };
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	struct fw_err err;
	char *said;

	assert_int_equal(
		fw_file_parse("p.yaml", text, strlen(text), &context, &file, &problems, &err), 0);
	said = test_problems(&problems);
	fw_problems_free(&problems);
	fw_file_free(&file);
	return said;
}

#define DESK "lanes: {management: [192.0.2.99]}\n"

/* text, and what is said of a file that is surely for this host */
static const struct {
	const char *text, *said;
} rows[] = {
	{ DESK "classes: {default: {packets: 100/s}}\n",
	  "2:21 warning: so low a limit of packets cuts honest visitors off: one page takes a "
	  "browser more\n" },
	{ DESK "classes: {default: {packets: 100k/m, bytes: 2MB/s, syn: 20/s, icmp: 1/s}}\n", "" },
	{ DESK "mode: monitor\nclasses: {default: {packets: 100/s}}\n", "" },
	{ DESK "classes: {slow: {packets: 60/s, prefixes: [203.0.113.0/24]}}\n", "" },
	/* said once, by who says it better */
	{ "classes: {default: {packets: 20/s}}\n",
	  "1:21 warning: so low a limit could lock out whoever logs in from class \"default\"\n" },
	{ "budgets: {newcomers4: 20/s, cookies: 1k/s}\n",
	  "1:11 warning: so low a budget \"newcomers4\" harms the honest: honest newcomers would "
	  "not be remembered\n"
	  "1:29 warning: so low a budget \"cookies\" harms the honest: newcomers would get no "
	  "answer during a flood\n" },
	{ "budgets: {arp: 1/s}\n",
	  "1:11 warning: so low a budget \"arp\" harms the honest: neighbours and routers would "
	  "not find this host\n" },
	{ "budgets: {newcomers4: 2k/s, cookies: 1M/s, dhcp: 1/s}\n", "" },
	{ "lanes: {management: [0.0.0.0/0], trusted: [\"2000::/3\"]}\n",
	  "1:22 guard: 0.0.0.0/0 is a large part of the whole Internet: nothing from there would "
	  "be filtered\n"
	  "1:45 guard: 2000::/3 is a large part of the whole Internet: voters would share the "
	  "clerks' budget\n" },
	{ "lanes: {management: [10.0.0.0/8]}\nclasses: {all: {prefixes: [0.0.0.0/0]}}\n", "" },
	{ "interfaces: {eht0: native}\n", "1:14 warning: no interface here is called \"eht0\": it "
					  "is filtered once there is one\n" },
	{ "interfaces: {eth0: native}\nservices: {web: {to: [192.0.2.10], tcp: [80]}}\n", "" },
	{ "services: {web: {to: [192.0.2.110, \"2001:db8::10\"], tcp: [80, 443]}}\n",
	  "1:12 warning: service \"web\" is at 192.0.2.110, which no interface here has\n" },
	{ "services: {web: {to: [192.0.2.110, 192.0.2.111, \"2001:db8::10\"], tcp: [80], udp: "
	  "[443]}}\n",
	  "1:12 warning: service \"web\" is at 192.0.2.110, which no interface here has\n"
	  "1:12 warning: service \"web\" is at 192.0.2.111, which no interface here has\n" },
	{ "services: {web: {to: [192.0.2.110], tcp: [80], proof: retransmit}}\n", "" },
	{ "services: {web: {tcp: [80]}}\n", "" },
};

static void slips_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *said = problems_of(rows[i].text, true);

		assert_string_equal(said, rows[i].said);
		free(said);
	}
}

/* A file that speaks of nothing this host has is for another one. */
static void a_file_for_another_host_gets_no_remarks(void **state)
{
	static const char other[] = "interfaces: {ens3: native}\n"
				    "services: {web: {to: [198.51.100.1], tcp: [80]}}\n";
	char *said = problems_of(other, false);

	(void)state;
	assert_string_equal(said, "");
	free(said);
	said = problems_of("interfaces: {eth0: native}\n"
			   "services: {web: {to: [198.51.100.1], tcp: [80]}}\n",
			   false);
	assert_string_equal(
		said,
		"2:12 warning: service \"web\" is at 198.51.100.1, which no interface here has\n");
	free(said);
}

/* No default is a slip. */
static void defaults_are_none(void **state)
{
	static struct fw_model model;
	char text[FW_ERR_LEN];

	(void)state;
	fw_model_default(&model);
	for (unsigned int c = 0; c < 2; c++)
		for (unsigned int k = 0; k < FW_K_MAX; k++)
			assert_false(fw_slip_limit(k, &model.class[c].rate[k], text, sizeof(text)));
	for (unsigned int b = 0; b < FW_B_MAX; b++)
		assert_false(fw_slip_budget(b, &model.budget[b], text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_told),
		cmocka_unit_test(a_file_for_another_host_gets_no_remarks),
		cmocka_unit_test(defaults_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
