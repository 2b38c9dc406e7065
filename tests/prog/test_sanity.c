// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stages sanity and own: every combination of TCP flags, ports, addresses that cannot be; and the
 * traffic that keeps a link alive, which no rule cuts off and no flood of it harms anything else.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>
#include "tests/lib/prog.h"

/* RFC 9293 by enumeration: what a stack sends. URG, PSH and the ECN bits go with anything. */
static bool flags_possible(unsigned int flags)
{
	switch (flags & (FIN | SYN | RST | ACK)) {
	case SYN:
	case SYN | ACK:
	case ACK:
	case FIN | ACK:
	case RST:
	case RST | ACK:
		return true;
	default:
		return false;
	}
}

static void test_flags(void **state)
{
	prog_unlimited(*state, FW_CLASS_DEFAULT);
	prog_no_crowd(*state);
	for (int family = 4; family <= 6; family += 2) {
		for (unsigned int flags = 0; flags < 256; flags++) {
			struct spec spec = { .family = family,
					     .proto = TCP,
					     .flags = (__u8)flags,
					     .null_flags = !flags };
			struct outcome out = prog_send(*state, &spec);

			if ((out.reason == FW_R_DROP_TCP_FLAGS) == flags_possible(flags))
				fail_msg("flags %02x: %s", flags, prog_reason_name(out.reason));
		}
	}
}

static void test_ports(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct spec spec = { .family = family, .proto = TCP, .zero_sport = true };

		prog_expect(*state, &spec, FW_R_DROP_PORT_ZERO);
		spec.zero_dport = true;
		prog_expect(*state, &spec, FW_R_DROP_PORT_ZERO);
		spec.zero_sport = false;
		prog_expect(*state, &spec, FW_R_DROP_PORT_ZERO);
		spec.proto = UDP;
		prog_expect(*state, &spec, FW_R_DROP_PORT_ZERO);
		spec.zero_dport = false;
		spec.zero_sport = true; /* RFC 768 allows it */
		prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);
		/* A later fragment has no ports, and so none that are 0. */
		spec.frag = true;
		spec.frag_off = 80;
		spec.payload = 8;
		prog_expect(*state, &spec, FW_R_PASS_SOURCE);
	}
}

/* Whatever the protocol. */
static void test_land(void **state)
{
	static const int protos[] = { TCP, UDP, ICMP, ESP };

	for (int family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < 4; i++) {
			struct spec spec = { .family = family,
					     .src = SERVER,
					     .dst = SERVER,
					     .proto = protos[i],
					     .type = family == 6 ? 128 : 8 };

			prog_expect(*state, &spec, FW_R_DROP_LAND);
		}
	}
}

static void expect_source(struct prog *prog, const char *text, bool bad)
{
	bool six = strchr(text, ':');
	struct spec spec = { .family = six ? 6 : 4, .proto = TCP, .flags = SYN };
	static struct packet packet;
	struct outcome out;

	packet_build(&spec, &packet);
	assert_int_equal(
		inet_pton(six ? AF_INET6 : AF_INET, text, packet.data + packet.l3 + (six ? 8 : 12)),
		1);
	out = prog_run(prog, packet.data, packet.len);
	if ((out.reason == FW_R_DROP_BOGUS_SOURCE) != bad)
		fail_msg("%s: %s", text, prog_reason_name(out.reason));
}

static const char *const bogus[] = {
	"0.0.0.0",
	"127.0.0.1",
	"127.255.255.255",
	"224.0.0.1",
	"239.255.255.255",
	"255.255.255.255",
	"::",
	"::1",
	"ff02::1",
	"ff0e::1",
};
static const char *const reserved[] = {
	"0.1.2.3",	  "10.0.0.1",	 "10.255.255.255", "100.64.0.1",   "100.127.255.255",
	"169.254.1.1",	  "172.16.0.1",	 "172.31.255.255", "192.168.1.1",  "198.18.0.1",
	"198.19.255.255", "192.0.0.1",	 "192.0.2.1",	   "198.51.100.1", "203.0.113.1",
	"240.0.0.1",	  "2001:db8::1", "fc00::1",	   "fd00::1",	   "::ffff:1.2.3.4",
	"4000::1",
};
static const char *const fine[] = {
	"1.1.1.1",	   "9.255.255.255", "11.0.0.0",	  "100.63.255.255",  "100.128.0.0",
	"126.255.255.255", "128.0.0.0",	    "172.15.0.1", "172.32.0.1",	     "192.167.0.1",
	"192.0.1.1",	   "198.17.0.1",    "198.20.0.1", "223.255.255.255", "2a00::1",
	"2001:4860::8888", "2001:db9::1",   "fe80::1",
};
#define EACH(list, i) (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)

static void test_sources(void **state)
{
	static const __u32 flags[] = { 0, FW_P_BOGUS_SOURCE, FW_P_RESERVED_SOURCE,
				       FW_P_BOGUS_SOURCE | FW_P_RESERVED_SOURCE };

	for
		EACH(flags, f)
		{
			prog_finish(*state);
			prog_reset(*state);
			prog_policy(*state)->flags = flags[f];
		for
			EACH(bogus, i)
		if (flags[f] != FW_P_RESERVED_SOURCE) /* alone it covers some of them */
			expect_source(*state, bogus[i], flags[f] & FW_P_BOGUS_SOURCE);
		for
			EACH(reserved, i)
		expect_source(*state, reserved[i], flags[f] & FW_P_RESERVED_SOURCE);
		for
			EACH(fine, i)
		expect_source(*state, fine[i], false);
		}
}

#define LINK_LOCAL                        \
	{                                 \
		POKE_L3, 8, 4, 0xfe800000 \
	} /* the source */

/* The link's own traffic, one row a kind. */
static const struct own {
	const char *name;
	__u32 budget;
	struct spec spec;
	bool is_own;
} owns[] = {
	{ "ARP", FW_B_ARP, { .ethertype = 0x0806, .payload = 28 }, true },
	{ "ARP in a VLAN", FW_B_ARP, { .ethertype = 0x0806, .payload = 28, .vlans = 2 }, true },
	{ "RS", FW_B_ND, { .family = 6, .proto = ICMP, .type = 133, .hops = 255 }, true },
	{ "RA", FW_B_ND, { .family = 6, .proto = ICMP, .type = 134, .hops = 255 }, true },
	{ "NS", FW_B_ND, { .family = 6, .proto = ICMP, .type = 135, .hops = 255 }, true },
	{ "NA", FW_B_ND, { .family = 6, .proto = ICMP, .type = 136, .hops = 255 }, true },
	{ "redirect", FW_B_ND, { .family = 6, .proto = ICMP, .type = 137, .hops = 255 }, true },
	{ "NS from afar",
	  FW_B_ND,
	  { .family = 6, .proto = ICMP, .type = 135, .hops = 254 },
	  false },
	{ "echo on the link",
	  FW_B_ND,
	  { .family = 6, .proto = ICMP, .type = 128, .hops = 255 },
	  false },
	{ "listener query",
	  FW_B_ND,
	  { .family = 6, .proto = ICMP, .type = 130, .hops = 1, .poke = { LINK_LOCAL } },
	  true },
	{ "listener report from ::",
	  FW_B_ND,
	  { .family = 6, .src = NOBODY, .proto = ICMP, .type = 143, .hops = 1 },
	  true },
	{ "listener query whose hop limit was counted",
	  FW_B_ND,
	  { .family = 6, .proto = ICMP, .type = 130, .hops = 1 },
	  false },
	{ "listener query that could have come further",
	  FW_B_ND,
	  { .family = 6, .proto = ICMP, .type = 130, .hops = 64, .poke = { LINK_LOCAL } },
	  false },
	{ "DHCP reply", FW_B_DHCP, { .family = 4, .proto = UDP, .sport = 67, .dport = 68 }, true },
	{ "DHCP request",
	  FW_B_DHCP,
	  { .family = 4, .proto = UDP, .sport = 68, .dport = 67 },
	  false },
	{ "DHCPv6 reply",
	  FW_B_DHCP,
	  { .family = 6, .proto = UDP, .sport = 547, .dport = 546 },
	  true },
	{ "DHCPv6's ports in v4",
	  FW_B_DHCP,
	  { .family = 4, .proto = UDP, .sport = 547, .dport = 546 },
	  false },
	{ "DHCP's ports in v6",
	  FW_B_DHCP,
	  { .family = 6, .proto = UDP, .sport = 67, .dport = 68 },
	  false },
	{ "fragmentation needed",
	  FW_B_PMTU,
	  { .family = 4, .proto = ICMP, .type = 3, .code = 4 },
	  true },
	{ "host unreachable",
	  FW_B_PMTU,
	  { .family = 4, .proto = ICMP, .type = 3, .code = 1 },
	  false },
	{ "packet too big", FW_B_PMTU, { .family = 6, .proto = ICMP, .type = 2 }, true },
};

/* Over its budget it is dropped, alone: the other kinds still pass. Nothing else touches the
 * budget. */
static void test_own(void **state)
{
	for
		EACH(owns, i)
		{
			struct spec spec = owns[i].spec;

			prog_finish(*state);
			prog_reset(*state);
			for (__u32 b = 0; b <= FW_B_PMTU; b++)
				prog_budget(*state, b, 100, 100);
			if (!owns[i].is_own) {
				__u64 reason[FW_R_MAX];

				prog_repeat(*state, &spec, 200, reason);
				assert_int_equal(reason[FW_R_PASS_ESSENTIAL] +
							 reason[FW_R_DROP_ESSENTIAL],
						 0);
				continue;
			}
			assert_int_equal(prog_admitted(*state, &spec, 500), 100);
		for
			EACH(owns, k)
			{
				struct spec other = owns[k].spec;

				if (owns[k].is_own && owns[k].budget != owns[i].budget)
					prog_expect(*state, &other, FW_R_PASS_ESSENTIAL);
			}
		prog_step(*state, SECOND / 2);
		assert_in_range(prog_admitted(*state, &spec, 500), 49, 50);
		}
}

/* Whoever its sender is, blocked or over every limit. */
static void test_own_is_never_cut(void **state)
{
	prog_lane(*state, FW_LANE_BLOCKED, "0.0.0.0/0", FW_FOREVER, 0);
	prog_lane(*state, FW_LANE_BLOCKED, "::/0", FW_FOREVER, 0);
	for
		EACH(owns, i)
	if (owns[i].is_own)
		prog_expect(*state, &owns[i].spec, FW_R_PASS_ESSENTIAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_flags),	 PROG_TEST(test_ports), PROG_TEST(test_land),
		PROG_TEST(test_sources), PROG_TEST(test_own),	PROG_TEST(test_own_is_never_cut),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
