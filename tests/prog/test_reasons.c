// SPDX-License-Identifier: GPL-2.0-only
/*
 * No reason without a test: a row provokes each, with the policy it takes, for IPv4 and IPv6 where
 * both have it. The last test fails when a reason of bpf/abi.h has neither a row here nor another
 * file that is named for it.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include "tests/lib/prog.h"

struct row {
	__u32 reason;
	const char *name;
	struct spec spec;
	void (*setup)(struct prog *prog);
	int before; /* packets of the same kind sent first */
	int only;   /* family; 0 = both */
};

static void limit_all(struct prog *prog, __u32 kind)
{
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_limit(prog, FW_CLASS_DEFAULT, kind, 1, kind == FW_K_BYTES ? 1 : 60,
		   kind == FW_K_BYTES ? 16384 : 3);
}

static void limit_packets(struct prog *prog)
{
	limit_all(prog, FW_K_PACKETS);
}
static void limit_bytes(struct prog *prog)
{
	limit_all(prog, FW_K_BYTES);
}
static void limit_syn(struct prog *prog)
{
	limit_all(prog, FW_K_SYN);
}
static void limit_udp(struct prog *prog)
{
	limit_all(prog, FW_K_UDP);
}
static void limit_icmp(struct prog *prog)
{
	limit_all(prog, FW_K_ICMP);
}
static void limit_frag(struct prog *prog)
{
	limit_all(prog, FW_K_FRAG);
}

static void limit_net48(struct prog *prog)
{
	struct fw_class *class = &prog_policy(prog)->class[FW_CLASS_DEFAULT];

	limit_all(prog, FW_K_PACKETS);
	class->net48[FW_K_PACKETS] = class->limit[FW_K_PACKETS];
	memset(class->limit, 0, sizeof(class->limit));
}

static void small_budgets(struct prog *prog)
{
	for (__u32 i = 0; i < FW_B_MAX; i++)
		if (i != FW_B_NEW4 && i != FW_B_NEW6)
			prog_budget(prog, i, 1, 1);
}

static void lane(struct prog *prog, enum fw_lane which, enum host host)
{
	char prefix[64];

	for (int family = 4; family <= 6; family += 2) {
		snprintf(prefix, sizeof(prefix), "%s", packet_addr_text(host, family, 0));
		prog_lane(prog, which, prefix, FW_FOREVER, 0);
	}
}

static void manage(struct prog *prog)
{
	lane(prog, FW_LANE_MANAGEMENT, ADMIN);
}
static void trust(struct prog *prog)
{
	lane(prog, FW_LANE_TRUSTED, CLERK);
}
static void block(struct prog *prog)
{
	lane(prog, FW_LANE_BLOCKED, ATTACKER);
}

static void trust_little(struct prog *prog)
{
	trust(prog);
	prog_budget(prog, FW_B_TRUSTED, 1, 1);
	prog_policy(prog)->service[FW_SERVICE_HOST].proof = FW_PROOF_OFF;
}

static void web(struct prog *prog)
{
	struct fw_apply *apply = prog_edit(prog);
	struct fw_err err = {};
	int service = fw_model_service_add(apply->model, "web", &err);

	if (service < 0 || fw_model_rule_add(apply->model, (__u8)service, "tcp/80,443", &err) ||
	    fw_model_rule_add(apply->model, (__u8)service, "udp/443", &err))
		fail_msg("%s", err.msg);
	prog_commit(prog, apply, FW_APPLY_POLICY);
}

/* Everybody must prove himself, and there is no listener that could help. */
static void siege(struct prog *prog)
{
	prog_policy(prog)->service[FW_SERVICE_HOST].level_pin = FW_LEVEL_SIEGE + 1;
}

static void siege_retransmit(struct prog *prog)
{
	siege(prog);
	prog_policy(prog)->service[FW_SERVICE_HOST].proof = FW_PROOF_RETRANSMIT;
}

/* ... and half a second has passed since the stranger's first SYN. */
static void siege_again(struct prog *prog)
{
	struct spec first = { .src = VOTER, .proto = TCP, .flags = SYN };

	siege_retransmit(prog);
	for (first.family = 4; first.family <= 6; first.family += 2)
		prog_expect(prog, &first, FW_R_DROP_RETRANSMIT);
	prog_step(prog, SECOND);
}

/* The only newcomer of this second has just been here. */
static void no_newcomers(struct prog *prog)
{
	struct spec other = { .src = CARRIER, .proto = ESP };

	prog_budget(prog, FW_B_NEW4, 1, 1);
	prog_budget(prog, FW_B_NEW6, 1, 1);
	for (other.family = 4; other.family <= 6; other.family += 2)
		prog_expect(prog, &other, FW_R_PASS_NEWCOMER);
	prog_policy(prog)->service[FW_SERVICE_HOST].proof = FW_PROOF_OFF;
}

/* A set of 8 places, and nobody in it has been idle: what does not fit is left to the crowd. */
static void fill_table(struct prog *prog)
{
	struct spec other = { .src = CROWD, .proto = ESP };

	prog_no_crowd(prog);
	for (other.family = 4; other.family <= 6; other.family += 2)
		for (other.nth = 0; other.nth < 60000; other.nth++)
			prog_send(prog, &other);
}

#define TCP_FLAGS(f) .proto = TCP, .flags = (f)
static const struct row rows[] = {
	{ FW_R_PASS_ESSENTIAL, "ARP", { .ethertype = 0x0806, .payload = 28 }, NULL, 0, 4 },
	{ FW_R_PASS_ESSENTIAL, "PMTU", { .proto = ICMP, .type = 3, .code = 4 }, NULL, 0, 4 },
	{ FW_R_PASS_ESSENTIAL, "PMTU", { .proto = ICMP, .type = 2 }, NULL, 0, 6 },
	{ FW_R_PASS_ESSENTIAL, "ND", { .proto = ICMP, .type = 135, .hops = 255 }, NULL, 0, 6 },
	{ FW_R_PASS_ESSENTIAL, "DHCP", { .proto = UDP, .sport = 67, .dport = 68 }, NULL, 0, 4 },
	{ FW_R_PASS_ESSENTIAL, "DHCP", { .proto = UDP, .sport = 547, .dport = 546 }, NULL, 0, 6 },
	{ FW_R_PASS_OTHER_L3, "LLDP", { .ethertype = 0x88cc, .payload = 46 }, NULL, 0, 4 },
	{ FW_R_PASS_DEEP, "three tags", { TCP_FLAGS(ACK), .vlans = 3 }, NULL, 0, 0 },
	{ FW_R_PASS_MANAGEMENT, "", { .src = ADMIN, TCP_FLAGS(SYN) }, manage, 0, 0 },
	{ FW_R_PASS_TRUSTED, "", { .src = CLERK, TCP_FLAGS(SYN) }, trust, 0, 0 },
	{ FW_R_PASS_NEWCOMER, "", { .src = VOTER, TCP_FLAGS(SYN) }, NULL, 0, 0 },
	{ FW_R_PASS_SOURCE, "", { .src = VOTER, TCP_FLAGS(SYN) }, NULL, 1, 0 },
	{ FW_R_PASS_CROWD, "", { .src = VOTER, .proto = ESP }, fill_table, 0, 0 },
	{ FW_R_DROP_ESSENTIAL, "ARP", { .ethertype = 0x0806, .payload = 28 }, small_budgets, 1, 4 },
	{ FW_R_DROP_ESSENTIAL,
	  "PMTU",
	  { .proto = ICMP, .type = 3, .code = 4 },
	  small_budgets,
	  1,
	  4 },
	{ FW_R_DROP_ESSENTIAL,
	  "ND",
	  { .proto = ICMP, .type = 134, .hops = 255 },
	  small_budgets,
	  1,
	  6 },
	{ FW_R_DROP_ESSENTIAL,
	  "DHCP",
	  { .proto = UDP, .sport = 67, .dport = 68 },
	  small_budgets,
	  1,
	  4 },
	{ FW_R_DROP_OTHER_L3, "LLDP", { .ethertype = 0x88cc, .payload = 46 }, small_budgets, 1, 4 },
	{ FW_R_DROP_DEEP, "tags", { TCP_FLAGS(ACK), .vlans = 3 }, small_budgets, 1, 0 },
	{ FW_R_DROP_SHORT, "", { .ethertype = 0x0800, .payload = 19 }, NULL, 0, 4 },
	{ FW_R_DROP_SHORT, "", { .ethertype = 0x86dd, .payload = 39 }, NULL, 0, 4 },
	{ FW_R_DROP_IP_HEADER,
	  "",
	  { TCP_FLAGS(ACK), .poke = { { POKE_L3, 0, 1, 0x50 } } },
	  NULL,
	  0,
	  0 },
	{ FW_R_DROP_L4_HEADER,
	  "",
	  { TCP_FLAGS(ACK), .poke = { { POKE_L4, 12, 1, 0x10 } } },
	  NULL,
	  0,
	  0 },
	{ FW_R_DROP_FRAGMENT,
	  "",
	  { .proto = TCP, .frag = true, .frag_off = 8, .payload = 8 },
	  NULL,
	  0,
	  0 },
	{ FW_R_DROP_TCP_FLAGS, "", { TCP_FLAGS(SYN | FIN) }, NULL, 0, 0 },
	{ FW_R_DROP_PORT_ZERO, "", { TCP_FLAGS(SYN), .zero_dport = true }, NULL, 0, 0 },
	{ FW_R_DROP_LAND, "", { .src = SERVER, TCP_FLAGS(SYN) }, NULL, 0, 0 },
	{ FW_R_DROP_BOGUS_SOURCE, "", { .src = LOOPBACK, TCP_FLAGS(SYN) }, NULL, 0, 0 },
	{ FW_R_DROP_TRUSTED, "", { .src = CLERK, TCP_FLAGS(ACK) }, trust_little, 1, 0 },
	{ FW_R_DROP_BLOCKED, "", { .src = ATTACKER, TCP_FLAGS(SYN) }, block, 0, 0 },
	{ FW_R_DROP_REFLECTED, "", { .src = VOTER, .proto = UDP, .sport = 11211 }, NULL, 0, 0 },
	{ FW_R_DROP_UNSPOKEN, "", { .src = VOTER, .proto = UDP, .dport = 80 }, web, 0, 0 },
	{ FW_R_DROP_SRC_PACKETS, "", { .src = VOTER, .proto = ESP }, limit_packets, 3, 0 },
	{ FW_R_DROP_SRC_BYTES,
	  "",
	  { .src = VOTER, .proto = ESP, .payload = 8000 },
	  limit_bytes,
	  2,
	  0 },
	{ FW_R_DROP_SRC_SYN, "", { .src = VOTER, TCP_FLAGS(SYN) }, limit_syn, 3, 0 },
	{ FW_R_DROP_SRC_UDP, "", { .src = VOTER, .proto = UDP }, limit_udp, 3, 0 },
	{ FW_R_DROP_SRC_ICMP, "", { .src = VOTER, .proto = ICMP, .type = 8 }, limit_icmp, 3, 0 },
	{ FW_R_DROP_SRC_FRAG,
	  "",
	  { .src = VOTER, .proto = UDP, .frag = true, .frag_off = 80, .payload = 8 },
	  limit_frag,
	  3,
	  0 },
	{ FW_R_DROP_NET48, "", { .src = VOTER, .proto = ESP }, limit_net48, 3, 6 },
	{ FW_R_DROP_NEWCOMER, "", { .src = VOTER, TCP_FLAGS(SYN) }, no_newcomers, 0, 0 },
	{ FW_R_DROP_OUT_OF_STATE, "", { .src = VOTER, TCP_FLAGS(ACK) }, siege, 0, 0 },
	{ FW_R_DROP_COOKIE_OVER, "no listener", { .src = VOTER, TCP_FLAGS(SYN) }, siege, 0, 0 },
	{ FW_R_DROP_CROWD_UDP, "", { .src = VOTER, .proto = UDP }, siege, 0, 0 },
	{ FW_R_DROP_CROWD_ICMP, "", { .src = VOTER, .proto = ICMP, .type = 8 }, siege, 0, 0 },
	{ FW_R_DROP_CROWD_FRAG,
	  "",
	  { .src = VOTER, .proto = UDP, .frag = true, .frag_off = 80, .payload = 8 },
	  siege,
	  0,
	  0 },
	{ FW_R_DROP_CROWD_OTHER, "", { .src = VOTER, .proto = ESP }, siege, 0, 0 },
	{ FW_R_DROP_RETRANSMIT, "", { .src = VOTER, TCP_FLAGS(SYN) }, siege_retransmit, 0, 0 },
	{ FW_R_PASS_RETRANSMIT, "", { .src = VOTER, TCP_FLAGS(SYN) }, siege_again, 0, 0 },
};

/* They take sockets, cookies or a long story, and have files of their own. */
static const struct {
	__u32 reason;
	const char *file;
} elsewhere[] = {
	{ FW_R_PASS_PROVEN, "tests/prog/test_crowd.c" },
	{ FW_R_PASS_SOCKET, "tests/prog/test_crowd.c" },
	{ FW_R_PASS_COOKIE, "tests/prog/test_cookie.c" },
	{ FW_R_TX_COOKIE, "tests/prog/test_cookie.c" },
	{ FW_R_DROP_COOKIE, "tests/prog/test_cookie.c" },
	{ FW_R_DROP_BANNED, "tests/prog/test_ban.c" },
};

static void provoke(struct prog *prog, const struct row *row, int family)
{
	struct spec spec = row->spec;
	struct outcome out;

	prog_finish(prog);
	prog_reset(prog);
	spec.family = spec.ethertype ? 0 : family;
	if (family == 6 && spec.proto == ICMP && spec.type == 8)
		spec.type = 128;
	if (row->setup)
		row->setup(prog);
	for (int i = 0; i < row->before; i++) {
		out = prog_send(prog, &spec);
		if (out.reason == row->reason)
			fail_msg("%s %s: already after %d", prog_reason_name(row->reason),
				 row->name, i);
	}
	out = prog_send(prog, &spec);
	if (out.reason != row->reason || out.action != prog_action(row->reason))
		fail_msg("v%d %s %s: %s, action %d", family, prog_reason_name(row->reason),
			 row->name, prog_reason_name(out.reason), out.action);
}

static void test_all(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int family = 4; family <= 6; family += 2)
			if (!rows[i].only || rows[i].only == family)
				provoke(*state, &rows[i], family);
}

/* The same in monitor mode: the same reasons, counted apart, and nothing is dropped. */
static void test_monitor(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct spec spec = rows[i].spec;
		struct outcome out;

		prog_finish(*state);
		prog_reset(*state);
		spec.family = spec.ethertype ? 0 : rows[i].only ? rows[i].only : 4;
		if (rows[i].setup)
			rows[i].setup(*state);
		for (int k = 0; k < rows[i].before; k++)
			prog_send(*state, &spec);
		prog_policy(*state)->flags |= FW_P_MONITOR;
		out = prog_send(*state, &spec);
		assert_int_equal(out.reason, rows[i].reason);
		assert_int_equal(out.action, XDP_PASS);
		assert_true(out.monitor);
	}
}

/* Is a reason named in a test of its own? The sources lie where the tests are run from. */
static bool is_named_in(const char *file, const char *reason)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(file, "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, reason);
	if (f)
		fclose(f);
	return found;
}

static void test_complete(void **state)
{
	static const char *const ids[] = {
#define X(id, name, verdict, text) "FW_R_" #id,
		FW_REASONS(X)
#undef X
	};
	bool tested[FW_R_MAX] = { false };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		tested[rows[i].reason] = true;
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++) {
		if (!is_named_in(elsewhere[i].file, ids[elsewhere[i].reason]))
			fail_msg("%s does not test %s", elsewhere[i].file,
				 ids[elsewhere[i].reason]);
		tested[elsewhere[i].reason] = true;
	}
	for (__u32 i = 0; i < FW_R_MAX; i++)
		if (!tested[i])
			fail_msg("no test provokes %s", ids[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_all),
		PROG_TEST(test_monitor),
		PROG_TEST(test_complete),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
