// SPDX-License-Identifier: GPL-2.0-only
/* What an incident is called, and how sure that is, from its sums alone. */
#include <string.h>
#include "tests/unit/unit.h"
#include "user/core/record/incident.h"

static void kinds(void **state)
{
	struct fw_incident_sums s = {};
	struct fw_incident_guess g;

	(void)state;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_UNKNOWN);
	assert_int_equal(g.sure_pct, 0);
	s.reason[FW_R_TX_COOKIE].packets = 10000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_SYN_SPOOFED);
	assert_int_equal(g.sure_pct, 100);
	assert_non_null(strstr(g.why, "0.0 % of strangers' SYNs"));
	s.reason[FW_R_PASS_COOKIE].packets = 3000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_SYN_SPOOFED);
	assert_int_equal(g.sure_pct, 70);
	s.reason[FW_R_PASS_COOKIE].packets = 9000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_RUSH);
	/* The kernel's cookies come back, too: nine thousand visitors let in, ten thousand spoofed.
	 */
	s.reason[FW_R_PASS_NEWCOMER].packets = 9000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_SYN_SPOOFED);
	assert_true(g.sure_pct < 60);
	s.reason[FW_R_PASS_NEWCOMER].packets = 0;
	s.would[FW_R_DROP_BANNED].packets = 90000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_BOTNET);
	assert_int_equal(g.sure_pct, 90);
}

/* What monitor mode let through was neither refused nor answered. */
static void monitor_refuses_nothing(void **state)
{
	struct fw_incident_sums s = {};
	struct fw_incident_guess g;

	(void)state;
	s.would[FW_R_DROP_CROWD_UDP].packets = 9000;
	s.would[FW_R_DROP_BANNED].packets = 1000;
	fw_incident_guess(&s, &g);
	assert_string_equal(g.why, "9,000 of 10,000 packets that monitor mode let through (90.0 %) "
				   "fit this kind");
	s.reason[FW_R_DROP_CROWD_UDP].packets = 10000;
	fw_incident_guess(&s, &g);
	assert_string_equal(g.why,
			    "19,000 of 20,000 packets refused or answered, or let through by "
			    "monitor mode (95.0 %) fit this kind");
	s.would[FW_R_DROP_CROWD_UDP].packets = s.would[FW_R_DROP_BANNED].packets = 0;
	fw_incident_guess(&s, &g);
	assert_string_equal(g.why,
			    "10,000 of 10,000 packets refused or answered (100.0 %) fit this "
			    "kind");
}

/* What is over the limit of an address came in its name, and nobody knows from whom: no kind says
 * that it was the address. Who is banned went on beyond its limits in connections of its own. */
static void nobody_is_accused(void **state)
{
	static const unsigned int over[] = { FW_R_DROP_SRC_SYN, FW_R_DROP_SRC_PACKETS,
					     FW_R_DROP_SRC_BYTES, FW_R_DROP_NET48 };
	struct fw_incident_guess g;

	(void)state;
	for (size_t i = 0; i < sizeof(over) / sizeof(*over); i++) {
		struct fw_incident_sums s = {};

		s.reason[over[i]].packets = 10000;
		fw_incident_guess(&s, &g);
		assert_null(strstr(g.words, "real"));
		assert_non_null(strstr(g.words, "possibly spoofed"));
		s.reason[FW_R_DROP_BANNED].packets = 90000;
		fw_incident_guess(&s, &g);
		assert_int_equal(g.kind, FW_IK_BOTNET);
		assert_string_equal(g.words, "too much traffic from real, connected sources");
	}
}

/* Live hosts whose addresses are spoofed answer the kernel's SYN-ACK with an RST. It belongs to a
 * socket, a half-open one, and proves nothing: nobody completed a handshake, and no flood becomes a
 * rush. */
static void answers_of_victims(void **state)
{
	struct fw_incident_sums s = {};
	struct fw_incident_guess g;
	__u64 of;

	(void)state;
	s.reason[FW_R_PASS_SOCKET].packets = 8000;
	s.reason[FW_R_PASS_NEWCOMER].packets = 8000;
	s.reason[FW_R_TX_COOKIE].packets = 1000;
	assert_int_equal(fw_incident_proofs(&s), 0);
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_SYN_SPOOFED);
	/* Those who are proven may have come either way. */
	s.reason[FW_R_PASS_COOKIE].packets = 900;
	s.sources_proven = 7900;
	assert_int_equal(fw_incident_proofs(&s), 7900);
	assert_true(fw_incident_completion(&s, &of) > 0.75);
	s.sources_proven = 100;
	assert_int_equal(fw_incident_proofs(&s), 900);
}

/* Eleven packets of a hundred thousand, the others of which passed, are not what it was. */
static void odd_packets(void **state)
{
	struct fw_incident_sums s = { .reflect_port = 5353 };
	struct fw_incident_guess g;

	(void)state;
	s.reason[FW_R_DROP_REFLECTED].packets = 11;
	fw_incident_guess(&s, &g);
	assert_string_equal(g.words, "mDNS reflection");
	s.reason[FW_R_PASS_CROWD].packets = s.pass.packets = 100000;
	fw_incident_guess(&s, &g);
	assert_int_equal(g.kind, FW_IK_UNKNOWN);
	assert_int_equal(g.sure_pct, 0);
	assert_int_equal(g.port, 0);
	assert_non_null(strstr(g.why, "only 11"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(monitor_refuses_nothing),
		cmocka_unit_test(nobody_is_accused),
		cmocka_unit_test(answers_of_victims),
		cmocka_unit_test(odd_packets),
	};

	return cmocka_run_group_tests_name("incident_kind", tests, NULL, NULL);
}
