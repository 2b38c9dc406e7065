// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage service: which service a packet is for, what a service does not speak, addresses closed to
 * everything else, reflected UDP; and classes, whose limits follow their prefixes.
 */
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"

static int add(struct fw_apply *apply, const char *name, const char *const *rules)
{
	struct fw_err err = {};
	int id = fw_model_service_add(apply->model, name, &err);

	for (int i = 0; id >= 0 && rules[i]; i++)
		if (fw_model_rule_add(apply->model, (__u8)id, rules[i], &err))
			id = -1;
	if (id < 0)
		fail_msg("%s: %s", name, err.msg);
	return id;
}

static const char *const web_rules[] = { "tcp/80,443", "udp/443", NULL };
static const char *const dns_rules[] = { "udp/53@192.0.2.80", "udp/53@2001:db8::80", NULL };
static const char *const alt_rules[] = { "tcp/443@203.0.113.20", "tcp/443@2001:db8:c1e7:1::20",
					 NULL };

/* web on any address, dns on the server's, alt on the clerk's; ids are theirs. */
static void services(struct prog *prog, bool closed, int ids[3])
{
	struct fw_apply *apply = prog_edit(prog);

	ids[0] = add(apply, "web", web_rules);
	ids[1] = add(apply, "dns", dns_rules);
	ids[2] = add(apply, "alt", alt_rules);
	apply->model->service[ids[1]].closed = closed;
	prog_commit(prog, apply, FW_APPLY_POLICY);
	prog_unlimited(prog, FW_CLASS_DEFAULT);
	prog_no_crowd(prog);
}

static void expect(struct prog *prog, int family, enum host dst, int proto, __u16 dport, __u8 flags,
		   int service, bool passes)
{
	struct spec spec = {
		.family = family, .dst = dst, .proto = proto, .dport = dport, .flags = flags
	};
	struct outcome out = prog_send(prog, &spec);

	if ((int)out.service != service || (out.action == XDP_PASS) != passes ||
	    (!passes && out.reason != FW_R_DROP_UNSPOKEN))
		fail_msg("v%d host %d proto %d port %u: service %u, %s", family, dst, proto, dport,
			 out.service, prog_reason_name(out.reason));
}

static void test_rules(void **state)
{
	int id[3];

	services(*state, false, id);
	for (int f = 4; f <= 6; f += 2) {
		expect(*state, f, SERVER, TCP, 80, SYN, id[0], true);
		expect(*state, f, SERVER, TCP, 443, SYN, id[0], true);
		expect(*state, f, SERVER, UDP, 443, 0, id[0], true);
		expect(*state, f, CARRIER, TCP, 443, SYN, id[0], true);
		expect(*state, f, CLERK, TCP, 443, SYN, id[2], true); /* an address before any */
		expect(*state, f, CLERK, TCP, 80, SYN, id[0], true);
		expect(*state, f, SERVER, UDP, 53, 0, id[1], true);
		expect(*state, f, CARRIER, UDP, 53, 0, FW_SERVICE_HOST, true);
		/* The port is taken, the protocol is not spoken. */
		expect(*state, f, SERVER, UDP, 80, 0, id[0], false);
		expect(*state, f, SERVER, TCP, 53, SYN, id[1], false);
		expect(*state, f, CARRIER, TCP, 53, SYN, FW_SERVICE_HOST, true);
		/* Anything else is the host's. */
		expect(*state, f, SERVER, TCP, 22, SYN, FW_SERVICE_HOST, true);
		expect(*state, f, SERVER, ESP, 0, 0, FW_SERVICE_HOST, true);
	}
}

/* A closed address speaks what its rules say, and hears the answers to what it asked. */
static void test_closed(void **state)
{
	int id[3];

	services(*state, true, id);
	for (int f = 4; f <= 6; f += 2) {
		struct spec icmp = { .family = f, .proto = ICMP, .type = f == 6 ? 128 : 8 };
		struct spec frag = {
			.family = f, .proto = UDP, .frag = true, .frag_off = 80, .payload = 8
		};

		expect(*state, f, SERVER, UDP, 53, 0, id[1], true);
		expect(*state, f, SERVER, TCP, 80, SYN, id[0], true); /* named elsewhere */
		expect(*state, f, SERVER, TCP, 22, SYN, id[1], false);
		expect(*state, f, SERVER, UDP, 22, 0, id[1], false);
		expect(*state, f, SERVER, ESP, 0, 0, id[1], false);
		expect(*state, f, SERVER, UDP, 32767, 0, id[1], false);
		expect(*state, f, SERVER, UDP, 32768, 0, FW_SERVICE_HOST, true);
		expect(*state, f, SERVER, TCP, 40000, ACK, FW_SERVICE_HOST, true);
		expect(*state, f, SERVER, TCP, 40000, SYN | ACK, FW_SERVICE_HOST, true);
		expect(*state, f, SERVER, TCP, 40000, SYN, id[1], false);
		expect(*state, f, CARRIER, TCP, 22, SYN, FW_SERVICE_HOST, true);
		/* ICMP and fragments belong to what is spoken. */
		assert_int_equal(prog_send(*state, &icmp).action, XDP_PASS);
		assert_int_equal(prog_send(*state, &frag).action, XDP_PASS);
	}
}

/* Later fragments name no port: what an address does not speak at all, it does not speak in parts.
 */
static void test_closed_fragments(void **state)
{
	static const char *const rules[][3] = {
		{ "tcp/80@192.0.2.80", "tcp/80@2001:db8::80" },
		{ "udp/53@192.0.2.80", "udp/53@2001:db8::80" },
	};
	struct fw_err err = {};

	for (int spoken = 0; spoken < 3; spoken++) {
		struct fw_apply *apply = prog_edit(*state);
		int id = add(apply, "part", rules[spoken % 2]);

		if (spoken == 2) /* by another service, on every address */
			add(apply, "quic", (const char *const[]){ "udp/443", NULL });
		apply->model->service[id].closed = true;
		prog_commit(*state, apply, FW_APPLY_POLICY);
		prog_unlimited(*state, FW_CLASS_DEFAULT);
		prog_no_crowd(*state);
		for (int row = 0; row < 4; row++) {
			struct spec later = { .family = row & 1 ? 6 : 4,
					      .dst = SERVER,
					      .proto = row & 2 ? UDP : TCP,
					      .frag = true,
					      .frag_off = 800,
					      .payload = 64 };
			bool speaks = spoken == 2 || (later.proto == UDP) == (spoken == 1);

			assert_int_equal(prog_send(*state, &later).reason == FW_R_DROP_UNSPOKEN,
					 !speaks);
			later.dst = CARRIER; /* not closed */
			assert_int_equal(prog_send(*state, &later).action, XDP_PASS);
		}
		apply = prog_edit(*state);
		assert_int_equal(fw_model_service_del(apply->model, "part", &err), 0);
		if (spoken == 2)
			assert_int_equal(fw_model_service_del(apply->model, "quic", &err), 0);
		prog_commit(*state, apply, FW_APPLY_POLICY);
	}
}

/* As many rules of one port as a chain holds, and the last of them is found. */
static void test_chain(void **state)
{
	struct fw_apply *apply = prog_edit(*state);
	struct spec spec = { .proto = TCP, .flags = SYN, .dport = 8080 };
	struct fw_err err = {};
	char name[16], rule[64];
	static struct packet packet;

	for (int i = 0; i < FW_CHAIN_MAX; i++) {
		const char *rules[] = { rule, NULL };

		snprintf(name, sizeof(name), "s%d", i);
		snprintf(rule, sizeof(rule), "tcp/8080@192.0.2.%d", 100 + i);
		assert_int_equal(add(apply, name, rules), i + 1);
	}
	(void)err;
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_no_crowd(*state);
	for (int i = 0; i < FW_CHAIN_MAX + 1; i++) {
		struct outcome out;

		packet_build(&spec, &packet);
		packet.data[packet.l3 + 19] = (__u8)(100 + i);
		out = prog_run(*state, packet.data, packet.len);
		assert_int_equal(out.service, i < FW_CHAIN_MAX ? i + 1 : FW_SERVICE_HOST);
	}
}

/* 64 closed addresses: each closed, its neighbours not. */
static void test_closed_many(void **state)
{
	struct fw_apply *apply = prog_edit(*state);
	struct spec spec = { .proto = TCP, .flags = SYN, .dport = 22 };
	static struct packet packet;
	struct fw_err err = {};
	char rule[64];
	int id = add(apply, "many", (const char *const[]){ "tcp/443@10.1.0.2", NULL });

	for (int i = 2; i <= 63; i++) {
		snprintf(rule, sizeof(rule), "tcp/%d@10.%d.0.%d", 1000 + i, i, i * 2);
		assert_int_equal(fw_model_rule_add(apply->model, (__u8)id, rule, &err), 0);
	}
	apply->model->service[id].closed = true;
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_no_crowd(*state);
	for (int i = 1; i <= 63; i++) {
		for (int off = 0; off < 2; off++) {
			struct outcome out;

			packet_build(&spec, &packet);
			memcpy(packet.data + packet.l3 + 16,
			       (__u8[]){ 10, (__u8)i, 0, (__u8)(i * 2 + off) }, 4);
			out = prog_run(*state, packet.data, packet.len);
			if ((out.reason == FW_R_DROP_UNSPOKEN) == off)
				fail_msg("10.%d.0.%d: %s", i, i * 2 + off,
					 prog_reason_name(out.reason));
		}
	}
}

/* UDP from amplifiers' ports, everywhere or towards named services; each port is noted. */
static void test_reflected(void **state)
{
	int id[3];
	struct fw_policy *policy;

	services(*state, true, id);
	policy = prog_policy(*state);
	for (int slot = 1; slot < FW_REFLECT_MAX; slot++) {
		__u16 port = policy->reflect_port[slot];
		bool everywhere = port && policy->reflect[port] & FW_REFLECT_EVERYWHERE;

		for (int f = 4; port && f <= 6; f += 2) {
			struct spec host = { .family = f,
					     .dst = CARRIER,
					     .proto = UDP,
					     .sport = port,
					     .dport = 40000 };
			struct spec web = host, tcp = host;
			__u64 before = prog_note(*state, FW_NOTE_REFLECT_BASE + (__u32)slot);

			web.dport = 443;
			tcp.proto = TCP;
			assert_int_equal(prog_send(*state, &host).reason == FW_R_DROP_REFLECTED,
					 everywhere);
			prog_expect(*state, &web, FW_R_DROP_REFLECTED);
			assert_int_equal(prog_send(*state, &tcp).action, XDP_PASS);
			assert_int_equal(prog_note(*state, FW_NOTE_REFLECT_BASE + (__u32)slot),
					 before + 1 + everywhere);
		}
	}
}

/* Members of a class have its limits; the rest keeps theirs. */
static void test_class_limits(void **state)
{
	struct fw_apply *apply = prog_edit(*state);
	struct fw_err err = {};
	int class = fw_model_class_add(apply->model, "carrier", &err);

	assert_true(class > 0);
	apply->model->class[class].rate[FW_K_SYN] = (struct fw_rate){ 1000, 900, 1, 50 };
	apply->model->class[0].rate[FW_K_SYN] = (struct fw_rate){ 10, 30, 1, 0 };
	prog_lane_add(apply, FW_LANE_CLASS, "100.64.0.0/10", FW_FOREVER, (__u8) class);
	prog_lane_add(apply, FW_LANE_CLASS, "2001:db8:ca::/48", FW_FOREVER, (__u8) class);
	prog_commit(*state, apply, FW_APPLY_POLICY | FW_APPLY_LANES);
	prog_no_crowd(*state);
	for (int f = 4; f <= 6; f += 2) {
		struct spec carrier = { .family = f, .src = CARRIER, .proto = TCP, .flags = SYN };
		struct spec voter = { .family = f, .src = VOTER, .proto = TCP, .flags = SYN };
		struct fw_count pass = prog_class_count(*state, (__u32) class, FW_CC_PASS);
		struct fw_count drop = prog_class_count(*state, (__u32) class, FW_CC_DROP);

		assert_in_range(prog_admitted(*state, &carrier, 2000), 882, 900);
		assert_in_range(prog_admitted(*state, &voter, 2000), 29, 30);
		assert_in_range(prog_class_count(*state, (__u32) class, FW_CC_PASS).packets -
					pass.packets,
				882, 900);
		assert_in_range(prog_class_count(*state, (__u32) class, FW_CC_DROP).packets -
					drop.packets,
				1100, 1118);
	}
}

/* The soft limit counts, and lets pass. */
static void test_soft(void **state)
{
	struct spec spec = { .src = VOTER, .proto = ESP };
	struct fw_apply *apply = prog_edit(*state);
	__u64 soft;

	memset(apply->model->class[0].rate, 0, sizeof(apply->model->class[0].rate));
	apply->model->class[0].rate[FW_K_PACKETS] = (struct fw_rate){ 100, 1000, 1, 60 };
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_no_crowd(*state);
	assert_int_equal(prog_admitted(*state, &spec, 590), 590);
	assert_int_equal(prog_note(*state, FW_N_SOFT), 0);
	assert_in_range(prog_admitted(*state, &spec, 1000), 390, 410);
	soft = prog_note(*state, FW_N_SOFT);
	assert_in_range(soft, 380, 410);
	prog_step(*state, 10 * (__s64)SECOND);
	assert_int_equal(prog_admitted(*state, &spec, 500), 500);
	assert_int_equal(prog_note(*state, FW_N_SOFT), soft);
}

/* By the limit of packets alone, as the manual says. */
static void test_soft_of_packets_alone(void **state)
{
	struct spec spec = { .src = VOTER, .proto = UDP };
	struct fw_apply *apply = prog_edit(*state);

	for (unsigned int k = 0; k < FW_K_MAX; k++)
		apply->model->class[0].rate[k].soft_pct = k == FW_K_PACKETS ? 0 : 1;
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_no_crowd(*state);
	assert_int_equal(prog_admitted(*state, &spec, 2000), 2000);
	assert_int_equal(prog_note(*state, FW_N_SOFT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_closed_fragments),
		PROG_TEST(test_rules),
		PROG_TEST(test_closed),
		PROG_TEST(test_chain),
		PROG_TEST(test_closed_many),
		PROG_TEST(test_reflected),
		PROG_TEST(test_class_limits),
		PROG_TEST(test_soft),
		PROG_TEST(test_soft_of_packets_alone),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
