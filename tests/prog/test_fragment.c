// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragments of every shape: IPv4 and IPv6 behave alike, with and without extension headers in
 * front. First fragments must show the header that filters look at, none may start inside it (RFC
 * 1858, 3128, 8200), and atomic ones (RFC 6946) are whole packets.
 */
#include <arpa/inet.h>
#include <string.h>
#include <linux/bpf.h>
#include "tests/lib/prog.h"

enum shape { PASS_FIRST, PASS_LATER, REFUSED };

/* One row for every family and chain of extension headers. payload: bytes above the L4 header. */
static const struct row {
	const char *name;
	int proto;
	int off;
	bool more;
	bool raw;
	int payload;
	enum shape shape;
} rows[] = {
	{ "TCP first", TCP, 0, true, false, 12, PASS_FIRST },
	{ "TCP first, header only, 24 bytes", TCP, 0, true, false, 4, PASS_FIRST },
	{ "TCP first, 16 bytes", TCP, 0, true, true, 16, REFUSED },
	{ "TCP first, 8 bytes", TCP, 0, true, true, 8, REFUSED },
	{ "TCP first, empty", TCP, 0, true, true, 0, REFUSED },
	{ "TCP first, length odd", TCP, 0, true, false, 13, REFUSED },
	{ "TCP at 8, inside the flags", TCP, 8, true, false, 32, REFUSED },
	{ "TCP at 8, last", TCP, 8, false, false, 32, REFUSED },
	{ "TCP at 16", TCP, 16, true, false, 32, REFUSED },
	{ "TCP at 24", TCP, 24, true, false, 32, PASS_LATER },
	{ "TCP middle", TCP, 1480, true, false, 1480, PASS_LATER },
	{ "TCP middle, length odd", TCP, 1480, true, false, 1481, REFUSED },
	{ "TCP last", TCP, 2960, false, false, 5, PASS_LATER },
	{ "TCP last, empty", TCP, 2960, false, false, 0, PASS_LATER },
	{ "UDP first", UDP, 0, true, false, 24, PASS_FIRST },
	{ "UDP first, header only", UDP, 0, true, false, 0, PASS_FIRST },
	{ "UDP first, empty", UDP, 0, true, true, 0, REFUSED },
	{ "UDP at 8", UDP, 8, true, false, 32, PASS_LATER },
	{ "UDP middle", UDP, 1480, true, false, 1480, PASS_LATER },
	{ "UDP last", UDP, 2960, false, false, 1, PASS_LATER },
	{ "UDP at the end of 64 KiB", UDP, 65528, false, false, 7, PASS_LATER },
	{ "UDP beyond 64 KiB", UDP, 65528, false, false, 8, REFUSED },
	{ "UDP beyond 64 KiB, more", UDP, 65520, true, false, 16, REFUSED },
	{ "ICMP first", ICMP, 0, true, false, 24, PASS_FIRST },
	{ "ICMP first, empty", ICMP, 0, true, true, 0, REFUSED },
	{ "ICMP later", ICMP, 1480, false, false, 100, PASS_LATER },
	{ "ICMP beyond 64 KiB", ICMP, 65528, false, false, 1400, REFUSED },
	{ "other first", 132, 0, true, false, 32, PASS_FIRST },
	{ "other later", 132, 1480, false, false, 100, PASS_LATER },
};

static const enum ext chains[][EXT_MAX] = {
	{ EXT_END },
	{ EXT_HOP },
	{ EXT_HOP, EXT_DST, EXT_ROUTING },
	{ EXT_ATOMIC },
};

static void check(struct prog *prog, const struct row *row, const struct spec *spec)
{
	struct outcome out = prog_send(prog, spec);
	bool ports = row->shape == PASS_FIRST && (row->proto == TCP || row->proto == UDP);

	if ((out.action == XDP_DROP) != (row->shape == REFUSED) ||
	    (row->shape == REFUSED && out.reason != FW_R_DROP_FRAGMENT))
		fail_msg("v%d %s: %s", spec->family, row->name, prog_reason_name(out.reason));
	assert_int_equal(out.facts.fragment, 1);
	assert_int_equal(out.facts.later, row->off != 0);
	if (row->shape == REFUSED)
		return;
	assert_int_equal(ntohs(out.facts.sport), ports ? 40000 : 0);
	assert_int_equal(out.facts.proto,
			 row->proto == ICMP && spec->family == 6 ? ICMP6 : row->proto);
}

static void test_matrix(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct spec spec = { .src = VOTER,
				     .dst = SERVER,
				     .proto = rows[i].proto,
				     .frag = true,
				     .frag_off = rows[i].off,
				     .more = rows[i].more,
				     .raw = rows[i].raw,
				     .payload = rows[i].payload,
				     .type = 8,
				     .nth = (__u32)i };

		spec.family = 4;
		check(*state, &rows[i], &spec);
		spec.vlans = 2;
		check(*state, &rows[i], &spec);
		spec.options = 3;
		check(*state, &rows[i], &spec);
		spec.options = 0;
		spec.family = 6;
		spec.type = 128;
		for (size_t k = 0; k < sizeof(chains) / sizeof(*chains); k++) {
			memcpy(spec.ext, chains[k], sizeof(spec.ext));
			check(*state, &rows[i], &spec);
		}
	}
}

/* RFC 6946: offset 0 and nothing more to come is not a fragment, nor is IPv4's DF. */
static void test_atomic(void **state)
{
	struct spec spec = {
		.family = 6, .src = VOTER, .dst = SERVER, .proto = TCP, .ext = { EXT_ATOMIC }
	};
	struct outcome out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);

	assert_int_equal(out.facts.fragment, 0);
	assert_int_equal(ntohs(out.facts.dport), 80);
	spec.family = 4;
	spec.poke[0] = (struct poke){ POKE_L3, 6, 2, 0x4000 };
	out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);
	assert_int_equal(out.facts.fragment, 0);
}

/* Headers behind the fragment header: walked in a first fragment, payload in a later one. */
static void test_behind(void **state)
{
	struct spec spec = { .family = 6,
			     .src = VOTER,
			     .dst = SERVER,
			     .proto = UDP,
			     .frag = true,
			     .more = true,
			     .payload = 16,
			     .ext = { EXT_FRAG, EXT_DST, EXT_DST } };
	struct outcome out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);

	assert_int_equal(ntohs(out.facts.dport), 80);
	spec.frag_off = 80;
	out = prog_expect(*state, &spec, FW_R_PASS_SOURCE);
	assert_int_equal(out.facts.later, 1);
	assert_int_equal(out.facts.dport, 0);
}

/* RFC 7112: a first fragment that ends inside its chain of headers hides what it is. */
static void test_chain_cut(void **state)
{
	struct spec spec = { .family = 6,
			     .src = VOTER,
			     .dst = SERVER,
			     .proto = TCP,
			     .frag = true,
			     .more = true,
			     .raw = true,
			     .ext = { EXT_FRAG, EXT_DST } };
	struct outcome out = prog_send(*state, &spec);

	assert_int_equal(out.action, XDP_DROP);
	spec.ext[2] = EXT_DST;
	spec.payload = 8;
	out = prog_send(*state, &spec);
	assert_int_equal(out.action, XDP_DROP);
	spec.poke[0] =
		(struct poke){ POKE_L3, 49, 1, 200 }; /* first option header: beyond the end */
	out = prog_send(*state, &spec);
	assert_int_equal(out.action, XDP_DROP);
}

/* A second fragment header is an extension like others and cannot undo the first. */
static void test_twice(void **state)
{
	struct spec spec = { .family = 6,
			     .src = VOTER,
			     .dst = SERVER,
			     .proto = TCP,
			     .frag = true,
			     .more = true,
			     .payload = 12,
			     .ext = { EXT_FRAG, EXT_ATOMIC } };
	struct outcome out = prog_expect(*state, &spec, FW_R_PASS_NEWCOMER);

	assert_int_equal(out.facts.fragment, 1);
	spec.ext[0] = EXT_ATOMIC;
	spec.ext[1] = EXT_FRAG;
	out = prog_expect(*state, &spec, FW_R_PASS_SOURCE);
	assert_int_equal(out.facts.fragment, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_matrix),	   PROG_TEST(test_atomic), PROG_TEST(test_behind),
		PROG_TEST(test_chain_cut), PROG_TEST(test_twice),
	};

	return cmocka_run_group_tests(tests, prog_group_setup_facts, prog_group_teardown);
}
