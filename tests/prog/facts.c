// SPDX-License-Identifier: GPL-2.0-only
/*
 * facts CAPTURE: runs every frame through the program and prints what it learned of it, one JSON
 * object a line, for comparison with decoders that others wrote. The shipped program, with its
 * short way for plain frames, must give every frame the same end as the long way does.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "tests/lib/captures.h"
#include "tests/lib/prog.h"

struct pair {
	struct prog *facts, *shipped;
	unsigned long n;
};

static const char *address(const __be32 addr[4], int family, char *to)
{
	if (!inet_ntop(family == 6 ? AF_INET6 : AF_INET, family == 6 ? addr : &addr[3], to,
		       INET6_ADDRSTRLEN))
		to[0] = '\0';
	return to;
}

static void print_facts(const struct outcome *out, unsigned long n, bool same)
{
	const struct pkt *p = &out->facts;
	char src[INET6_ADDRSTRLEN] = "", dst[INET6_ADDRSTRLEN] = "";

	if (p->family) {
		address(p->saddr, p->family, src);
		address(p->daddr, p->family, dst);
	}
	printf("{\"n\":%lu,\"reason\":\"%s\",\"same\":%s,\"family\":%u,\"src\":\"%s\","
	       "\"dst\":\"%s\",\"proto\":%u,\"sport\":%u,\"dport\":%u,\"flags\":%u,\"vlans\":%u,"
	       "\"fragment\":%u,\"later\":%u,\"type\":%u,\"code\":%u,\"hops\":%u,\"payload\":%u,"
	       "\"len\":%u,\"own\":%u}\n",
	       n, prog_reason_name(out->reason), same ? "true" : "false", p->family, src, dst,
	       p->proto, ntohs(p->sport), ntohs(p->dport), p->tcp_flags, p->vlans, p->fragment,
	       p->later, p->icmp_type, p->icmp_code, p->hops, p->payload, p->len, p->own_budget);
}

static void each(void *arg, __u64 at_ns, const __u8 *data, __u32 len)
{
	struct pair *pair = arg;
	struct outcome facts, shipped;

	prog_clock(pair->facts, PROG_TIME0 + at_ns);
	prog_clock(pair->shipped, PROG_TIME0 + at_ns);
	facts = prog_run(pair->facts, data, len);
	shipped = prog_run(pair->shipped, data, len);
	print_facts(&facts, ++pair->n,
		    facts.reason == shipped.reason && facts.action == shipped.action);
}

static void run(void **state)
{
	static const struct prog_opts long_way = { .clock = PROG_CLOCK_VIRTUAL,
						   .stages = PROG_LONG_WAY };
	struct pair pair = { prog_open(&long_way), prog_open(NULL), 0 };

	prog_reset(pair.facts);
	prog_reset(pair.shipped);
	if (captures_each(*state, each, &pair) < 0)
		fail_msg("cannot read %s", (const char *)*state);
	prog_finish(pair.facts);
	prog_finish(pair.shipped);
	prog_close(pair.facts);
	prog_close(pair.shipped);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{ "facts", run, NULL, NULL, argc > 1 ? argv[1] : NULL },
	};

	if (argc != 2) {
		fprintf(stderr, "usage: facts CAPTURE\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
