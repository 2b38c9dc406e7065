// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage parse: what the program learns of well-formed frames, what it refuses of malformed ones,
 * and that no frame, however cut, passes unseen.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>
#include "tests/lib/prog.h"

static const int families[] = { 4, 6 };

/* Facts of a packet with ports, whatever stands before them. */
static void expect_ports(struct prog *prog, const struct spec *spec)
{
	struct outcome out = prog_send(prog, spec);
	__be32 from[4], to[4];

	packet_addr(spec->src, spec->family, spec->nth, from);
	packet_addr(spec->dst, spec->family, 0, to);
	assert_int_equal(prog_action(out.reason), XDP_PASS);
	assert_int_equal(out.facts.family, spec->family);
	assert_int_equal(out.facts.proto, spec->proto);
	assert_int_equal(out.facts.vlans, spec->vlans);
	assert_int_equal(ntohs(out.facts.sport), 40000);
	assert_int_equal(ntohs(out.facts.dport), 80);
	assert_int_equal(out.facts.fragment, 0);
	assert_memory_equal(out.facts.saddr, from, 16);
	assert_memory_equal(out.facts.daddr, to, 16);
}

static void test_vlans(void **state)
{
	struct spec spec = { .src = VOTER, .dst = SERVER, .payload = 30 };

	for (int i = 0; i < 2; i++) {
		for (spec.vlans = 0; spec.vlans <= 2; spec.vlans++) {
			spec.family = families[i];
			spec.qinq = spec.vlans == 2;
			spec.proto = TCP;
			expect_ports(*state, &spec);
			spec.proto = UDP;
			expect_ports(*state, &spec);
		}
	}
}

/* More than two tags: what is inside is not looked at, which is counted as such. */
static void test_vlans_deep(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct spec spec = { .family = families[i],
				     .src = VOTER,
				     .dst = SERVER,
				     .proto = TCP,
				     .qinq = true };
		struct outcome out;

		for (spec.vlans = 3; spec.vlans <= 5; spec.vlans++) {
			out = prog_expect(*state, &spec, FW_R_PASS_DEEP);
			assert_int_equal(out.facts.family, 0);
		}
	}
}

static void test_ip4_options(void **state)
{
	struct spec spec = { .family = 4, .src = VOTER, .dst = SERVER };

	for (spec.options = 0; spec.options <= 10; spec.options++) {
		spec.proto = TCP;
		expect_ports(*state, &spec);
		spec.proto = UDP;
		expect_ports(*state, &spec);
	}
}

static void test_extension_kinds(void **state)
{
	static const enum ext kinds[] = { EXT_HOP,  EXT_DST,	  EXT_ROUTING,
					  EXT_AUTH, EXT_MOBILITY, EXT_ATOMIC };
	struct spec spec = { .family = 6, .src = VOTER, .dst = SERVER };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		spec.ext[0] = kinds[i];
		for (spec.ext_len = 8; spec.ext_len <= 264; spec.ext_len += 64) {
			spec.proto = TCP;
			expect_ports(*state, &spec);
			spec.proto = UDP;
			expect_ports(*state, &spec);
		}
	}
}

/* Up to 8 headers are walked; what has more goes to its own budget, address known. */
static void test_extension_count(void **state)
{
	static const enum ext mix[] = { EXT_HOP, EXT_DST, EXT_ROUTING, EXT_AUTH, EXT_ATOMIC };

	for (int step = 0; step <= 4; step++) {
		struct spec spec = { .family = 6, .src = VOTER, .dst = SERVER, .proto = TCP };
		struct outcome out;

		for (int n = 0; n <= 9; n++) {
			if (n)
				spec.ext[n - 1] = mix[n * step % 5];
			if (n <= 8) {
				expect_ports(*state, &spec);
				continue;
			}
			out = prog_expect(*state, &spec, FW_R_PASS_DEEP);
			assert_int_equal(out.facts.family, 6);
		}
	}
}

/* Headers as long as they get: 2,040 bytes each; beyond the first buffer nothing is inspected. */
static void test_extension_long(void **state)
{
	struct spec spec = { .family = 6,
			     .src = VOTER,
			     .dst = SERVER,
			     .proto = TCP,
			     .ext = { EXT_DST },
			     .ext_len = 2040 };
	struct outcome out;

	expect_ports(*state, &spec);
	for (int n = 2; n <= 6; n++) {
		for (int i = 0; i < n; i++)
			spec.ext[i] = EXT_DST;
		out = prog_send(*state, &spec);
		assert_int_equal(out.reason, FW_R_DROP_SHORT);
	}
}

static void test_other_protocols(void **state)
{
	static const int protos[] = { ESP, NO_NEXT, 47, 89, 132, 255 };

	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < sizeof(protos) / sizeof(*protos); k++) {
			struct spec spec = { .family = families[i],
					     .src = VOTER,
					     .dst = SERVER,
					     .proto = protos[k] };
			struct outcome out;

			out = prog_send(*state, &spec); /* nothing above IP at all */
			assert_int_equal(prog_action(out.reason), XDP_PASS);
			spec.payload = 40;
			out = prog_send(*state, &spec);
			assert_int_equal(prog_action(out.reason), XDP_PASS);
			assert_int_equal(out.facts.proto, protos[k]);
			assert_int_equal(out.facts.sport, 0);
		}
	}
}

static void test_icmp(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct spec spec = { .family = families[i],
				     .src = VOTER,
				     .dst = SERVER,
				     .proto = ICMP,
				     .type = i ? 128 : 8,
				     .payload = 56 };
		struct outcome out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);

		assert_int_equal(out.facts.icmp_type, spec.type);
		assert_int_equal(out.facts.proto, i ? ICMP6 : ICMP);
	}
}

/* Ethernet pads short frames: what the IP header does not count is not payload. */
static void test_padding(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct spec spec = { .family = families[i],
				     .src = VOTER,
				     .dst = SERVER,
				     .proto = UDP,
				     .payload = 1,
				     .trailer = 60 };
		struct outcome out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);

		assert_int_equal(out.facts.payload, 9);
	}
}

static void test_jumbo(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct spec spec = {
			.family = families[i], .src = VOTER, .dst = SERVER, .proto = TCP
		};
		struct outcome out;

		for (spec.payload = 3000; spec.payload <= 9000; spec.payload += 1000) {
			out = prog_send(*state, &spec);
			assert_int_equal(prog_action(out.reason), XDP_PASS);
			assert_int_equal(out.facts.len, 14 + (i ? 40 : 20) + 20 + spec.payload);
			assert_int_equal(out.facts.payload, 20 + spec.payload);
		}
		/* Charged with all of it, not with the first buffer: 20 MB are 2,222 of them. */
		prog_no_crowd(*state);
		spec.payload = 8940;
		assert_in_range(prog_admitted(*state, &spec, 4000), 2190, 2230);
	}
}

/* Lies about lengths. v4 and v6 rows; pokes are relative to the header they falsify. */
static const struct lie {
	const char *name;
	struct spec spec;
	__u32 reason;
} lies[] = {
	{ "v4 version 6",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 0, 1, 0x65 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 header of 16",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 0, 1, 0x44 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 header of 0",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 0, 1, 0x40 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 header beyond total",
	  { .family = 4, .proto = UDP, .poke = { { POKE_L3, 0, 1, 0x4f } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 total below header",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 2, 2, 19 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 total of 0",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 2, 2, 0 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 total beyond frame",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 2, 2, 41 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 total of 65535",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L3, 2, 2, 65535 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 version 4",
	  { .family = 6, .proto = TCP, .poke = { { POKE_L3, 0, 1, 0x40 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 payload beyond frame",
	  { .family = 6, .proto = TCP, .poke = { { POKE_L3, 4, 2, 21 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 payload of 65535",
	  { .family = 6, .proto = TCP, .poke = { { POKE_L3, 4, 2, 65535 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 extension beyond payload",
	  { .family = 6, .proto = TCP, .ext = { EXT_DST }, .poke = { { POKE_L3, 41, 1, 255 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 extension and no payload",
	  { .family = 6, .proto = TCP, .ext = { EXT_HOP }, .poke = { { POKE_L3, 4, 2, 0 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v6 AH beyond payload",
	  { .family = 6, .proto = TCP, .ext = { EXT_AUTH }, .poke = { { POKE_L3, 41, 1, 255 } } },
	  FW_R_DROP_IP_HEADER },
	{ "v4 TCP header of 16",
	  { .family = 4, .proto = TCP, .poke = { { POKE_L4, 12, 1, 0x40 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v4 TCP header beyond payload",
	  { .family = 4, .proto = TCP, .payload = 39, .poke = { { POKE_L4, 12, 1, 0xf0 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v6 TCP header of 0",
	  { .family = 6, .proto = TCP, .poke = { { POKE_L4, 12, 1, 0 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v6 TCP header beyond payload",
	  { .family = 6, .proto = TCP, .payload = 39, .poke = { { POKE_L4, 12, 1, 0xf0 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v4 TCP of 19 bytes",
	  { .family = 4, .proto = TCP, .raw = true, .payload = 19 },
	  FW_R_DROP_L4_HEADER },
	{ "v6 TCP of 19 bytes",
	  { .family = 6, .proto = TCP, .raw = true, .payload = 19 },
	  FW_R_DROP_L4_HEADER },
	{ "v4 TCP of 0 bytes", { .family = 4, .proto = TCP, .raw = true }, FW_R_DROP_L4_HEADER },
	{ "v4 TCP of 0 bytes, padded",
	  { .family = 4, .proto = TCP, .raw = true, .trailer = 40 },
	  FW_R_DROP_L4_HEADER },
	{ "v4 UDP of 7 bytes",
	  { .family = 4, .proto = UDP, .raw = true, .payload = 7 },
	  FW_R_DROP_L4_HEADER },
	{ "v6 UDP of 0 bytes", { .family = 6, .proto = UDP, .raw = true }, FW_R_DROP_L4_HEADER },
	{ "v4 UDP length 7",
	  { .family = 4, .proto = UDP, .poke = { { POKE_L4, 4, 2, 7 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v6 UDP length 0",
	  { .family = 6, .proto = UDP, .poke = { { POKE_L4, 4, 2, 0 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v4 UDP length beyond payload",
	  { .family = 4, .proto = UDP, .payload = 4, .poke = { { POKE_L4, 4, 2, 13 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v6 UDP length beyond payload",
	  { .family = 6, .proto = UDP, .payload = 4, .poke = { { POKE_L4, 4, 2, 13 } } },
	  FW_R_DROP_L4_HEADER },
	{ "v4 ICMP of 3 bytes",
	  { .family = 4, .proto = ICMP, .raw = true, .payload = 3 },
	  FW_R_DROP_L4_HEADER },
	{ "v6 ICMP of 3 bytes",
	  { .family = 6, .proto = ICMP, .raw = true, .payload = 3 },
	  FW_R_DROP_L4_HEADER },
	{ "v4 UDP length within payload",
	  { .family = 4, .proto = UDP, .payload = 4, .poke = { { POKE_L4, 4, 2, 8 } } },
	  FW_R_PASS_NEWCOMER },
};

static void test_lies(void **state)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct spec spec = lies[i].spec;
		struct outcome out;

		spec.src = VOTER;
		for (spec.vlans = 0; spec.vlans <= 2; spec.vlans++) {
			spec.nth = (__u32)(i * 4) + (__u32)spec.vlans;
			out = prog_send(*state, &spec);
			if (out.reason != lies[i].reason)
				fail_msg("%s: %s", lies[i].name, prog_reason_name(out.reason));
		}
	}
}

/* Frames whose every prefix is tried. */
static const struct spec whole[] = {
	{ .family = 4, .proto = TCP, .flags = SYN, .tcp_words = 5 },
	{ .family = 6, .proto = TCP, .flags = SYN, .tcp_words = 5 },
	{ .family = 4, .proto = UDP, .payload = 20, .options = 10, .vlans = 2, .qinq = true },
	{ .family = 6, .proto = UDP, .payload = 20, .vlans = 2, .qinq = true },
	{ .family = 6,
	  .proto = TCP,
	  .ext = { EXT_HOP, EXT_DST, EXT_ROUTING, EXT_AUTH, EXT_ATOMIC } },
	{ .family = 6, .proto = UDP, .ext = { EXT_DST, EXT_DST }, .ext_len = 64 },
	{ .family = 4, .proto = ICMP, .type = 8, .payload = 8 },
	{ .family = 6, .proto = ICMP, .type = 128, .payload = 8 },
	{ .family = 6, .proto = ICMP, .type = 135, .hops = 255, .payload = 16 },
	{ .family = 4, .proto = UDP, .sport = 67, .dport = 68, .payload = 100 },
	{ .family = 4, .proto = UDP, .frag = true, .more = true, .payload = 24 },
	{ .family = 6, .proto = UDP, .frag = true, .more = true, .payload = 24 },
	{ .family = 4, .proto = TCP, .frag = true, .frag_off = 64, .payload = 24 },
	{ .family = 6, .proto = TCP, .frag = true, .frag_off = 64, .payload = 24 },
	{ .family = 6,
	  .proto = TCP,
	  .frag = true,
	  .more = true,
	  .payload = 12,
	  .ext = { EXT_HOP, EXT_FRAG, EXT_DST } },
	{ .family = 4, .proto = ESP, .payload = 40 },
	{ .family = 4, .proto = TCP, .payload = 9000 - 40 },
};

/* A packet that is not all there is malformed: whatever its prefix, it does not pass. */
static void test_truncated(void **state)
{
	static struct packet packet;
	struct outcome out;

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		struct spec spec = whole[i];

		spec.src = VOTER;
		packet_build(&spec, &packet);
		for (__u32 len = 14; len<packet.len; len += len> 400 ? 97 : 1) {
			out = prog_run(*state, packet.data, len);
			if (out.action != XDP_DROP ||
			    (out.reason != FW_R_DROP_SHORT && out.reason != FW_R_DROP_IP_HEADER))
				fail_msg("frame %zu cut to %u of %u: %s", i, len, packet.len,
					 prog_reason_name(out.reason));
			assert_in_range(out.facts.off, 0, packet.len);
		}
		out = prog_run(*state, packet.data, packet.len);
		assert_int_equal(out.action, XDP_PASS);
	}
}

static void test_other_l3(void **state)
{
	struct spec spec = { .ethertype = 0x88cc, .payload = 46 };
	static const __u16 types[] = { 0x88cc, 0x8863, 0x8847, 0x0000, 0x05dc, 0xffff };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		spec.ethertype = types[i];
		if (!types[i])
			continue;
		for (spec.vlans = 0; spec.vlans <= 2; spec.vlans++)
			prog_expect(*state, &spec, FW_R_PASS_OTHER_L3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_vlans),
		PROG_TEST(test_vlans_deep),
		PROG_TEST(test_ip4_options),
		PROG_TEST(test_extension_kinds),
		PROG_TEST(test_extension_count),
		PROG_TEST(test_extension_long),
		PROG_TEST(test_other_protocols),
		PROG_TEST(test_icmp),
		PROG_TEST(test_padding),
		PROG_TEST(test_jumbo),
		PROG_TEST(test_lies),
		PROG_TEST(test_truncated),
		PROG_TEST(test_other_l3),
	};

	return cmocka_run_group_tests(tests, prog_group_setup_facts, prog_group_teardown);
}
