// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage verdict and the live word: every packet counted once with its bytes, monitor mode drops
 * nothing and says what it would have dropped, a policy runs from the very packet after the flip,
 * and what nobody confirms ends at its deadline. The short way in changes no verdict.
 */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/prog.h"

static const struct spec syn = { .src = VOTER, .proto = TCP, .flags = SYN };
static const struct spec bad = { .src = VOTER, .proto = TCP, .flags = SYN | FIN };

static struct fw_count counter(struct prog *prog, bool monitor, __u32 reason)
{
	struct fw_count count;

	assert_int_equal(fw_maps_slot(&prog->maps, prog->maps.count_svc_fd,
				      fw_maps_svc_slot(monitor, FW_SERVICE_HOST, reason), 2,
				      (__u64 *)&count),
			 0);
	return count;
}

/* Bytes on the wire, of all buffers of a jumbo frame. */
static void test_bytes(void **state)
{
	static const struct {
		int payload, trailer;
	} sizes[] = { { 0, 0 },	   { 100, 0 },	{ 1446, 0 },   { 3000, 0 },
		      { 4000, 0 }, { 8946, 0 }, { 100, 8000 }, { 1000, 3000 } };
	struct spec spec = { .src = VOTER, .proto = UDP };
	static struct packet packet;

	for (int bad_too = 0; bad_too < 2; bad_too++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			__u32 reason = bad_too ? FW_R_DROP_PORT_ZERO : FW_R_PASS_SOURCE;
			struct fw_count before, after;

			spec.payload = sizes[i].payload;
			spec.trailer = sizes[i].trailer;
			spec.zero_dport = bad_too;
			packet_build(&spec, &packet);
			prog_send(*state, &syn); /* so that the voter is known */
			before = counter(*state, false, reason);
			prog_expect(*state, &spec, reason);
			after = counter(*state, false, reason);
			assert_int_equal(after.packets, before.packets + 1);
			assert_int_equal(after.bytes, before.bytes + packet.len);
		}
	}
}

/* Monitor mode: all the same reasons and charges, in counters of their own; everything passes. */
static void test_monitor(void **state)
{
	struct spec udp = { .src = VOTER, .proto = UDP };
	struct fw_apply *apply = prog_edit(*state);
	struct fw_count drops, passes;
	__u64 reason[FW_R_MAX];

	apply->model->flags |= FW_P_MONITOR;
	apply->model->class[0].rate[FW_K_UDP] = (struct fw_rate){ 10, 100, 1, 0 };
	prog_commit(*state, apply, FW_APPLY_POLICY);
	drops = counter(*state, false, FW_R_DROP_SRC_UDP);
	for (int i = 0; i < 500; i++)
		assert_int_equal(prog_send(*state, &udp).action, XDP_PASS);
	prog_reasons(*state, reason);
	assert_in_range(reason[FW_R_DROP_SRC_UDP], 400, 402);
	assert_int_equal(counter(*state, false, FW_R_DROP_SRC_UDP).packets, drops.packets);

	/* Enforcing from the next packet on, with the debt that was run up meanwhile. */
	passes = counter(*state, true, FW_R_DROP_SRC_UDP);
	apply = prog_edit(*state);
	apply->model->flags &= ~(__u32)FW_P_MONITOR;
	prog_commit(*state, apply, FW_APPLY_POLICY);
	prog_expect(*state, &udp, FW_R_DROP_SRC_UDP);
	assert_int_equal(counter(*state, true, FW_R_DROP_SRC_UDP).packets, passes.packets);
	assert_int_equal(counter(*state, false, FW_R_DROP_SRC_UDP).packets, drops.packets + 1);
}

/* Bit 0 of the live word picks the policy, bit 1 the lanes, each by itself. */
static void test_flip(void **state)
{
	struct prog *prog = *state;
	struct fw_ctl *ctl = prog->maps.ctl;
	__u32 half = FW_LIVE_POLICY(ctl->live);
	__u64 live;

	/* The other half of the policy does not know impossible sources and limits all to 3. */
	prog->maps.policy[!half] = prog->maps.policy[half];
	prog->maps.policy[!half].flags = FW_P_MONITOR;
	prog_expect(prog, &bad, FW_R_DROP_TCP_FLAGS);
	live = ctl->live;
	ctl->live = live ^ 1;
	assert_int_equal(prog_send(prog, &bad).action, XDP_PASS);
	ctl->live = live;
	assert_int_equal(prog_send(prog, &bad).action, XDP_DROP);

	/* The other half of the lanes is what ran before. */
	prog_lane(prog, FW_LANE_BLOCKED, "198.51.100.0/24", FW_FOREVER, 0);
	prog_expect(prog, &syn, FW_R_DROP_BLOCKED);
	live = ctl->live;
	ctl->live = live ^ 2;
	assert_int_equal(prog_send(prog, &syn).action, XDP_PASS);
	ctl->live = live ^ 1; /* the policy's half says nothing about lanes */
	assert_int_equal(prog_send(prog, &syn).reason, FW_R_DROP_BLOCKED);
	ctl->live = live;
	prog_expect(prog, &syn, FW_R_DROP_BLOCKED);
}

/* An unconfirmed change ends at its deadline, whoever is alive in user space. */
static void test_deadline(void **state)
{
	struct prog *prog = *state;
	struct fw_ctl *ctl = prog->maps.ctl;
	__u64 before = ctl->live;

	prog_lane(prog, FW_LANE_BLOCKED, "198.51.100.0/24", FW_FOREVER, 0);
	ctl->revert = before;
	ctl->deadline_ns = PROG_TIME0 + 60 * SECOND;
	prog_expect(prog, &syn, FW_R_DROP_BLOCKED);
	prog_clock(prog, PROG_TIME0 + 60 * SECOND - 1);
	prog_expect(prog, &syn, FW_R_DROP_BLOCKED);
	prog_step(prog, 1);
	assert_int_equal(prog_send(prog, &syn).action, XDP_PASS);
	prog_step(prog, 3600 * (__s64)SECOND);
	assert_int_equal(prog_send(prog, &syn).action, XDP_PASS);
	ctl->deadline_ns = 0; /* confirmed after all */
	prog_expect(prog, &syn, FW_R_DROP_BLOCKED);
}

/*
 * Limits take effect on the next packet, without reset: who has used 50 of 100 has 40 left of 90.
 * (Where the new limit counts in other units, a new burst begins; see test_bucket.c.)
 */
static void test_limit_takes_effect(void **state)
{
	struct spec udp = { .src = VOTER, .proto = UDP };

	prog_no_crowd(*state);
	prog_limit(*state, FW_CLASS_DEFAULT, FW_K_UDP, 10, 1, 100);
	assert_int_equal(prog_admitted(*state, &udp, 50), 50);
	prog_limit(*state, FW_CLASS_DEFAULT, FW_K_UDP, 10, 1, 90);
	assert_in_range(prog_admitted(*state, &udp, 100), 39, 40);
	prog_limit(*state, FW_CLASS_DEFAULT, FW_K_UDP, 10, 1, 100);
	assert_in_range(prog_admitted(*state, &udp, 100), 9, 10);
	prog_limit(*state, FW_CLASS_DEFAULT, FW_K_UDP, 0, 1, 0);
	assert_int_equal(prog_admitted(*state, &udp, 1000), 1000);
}

/* A random frame of those that the short way takes, and of those that it almost takes. */
static void random_spec(struct spec *s)
{
	static const enum host hosts[] = { VOTER,    CLERK, ADMIN,  CARRIER,
					   ATTACKER, CROWD, SERVER, LOOPBACK };
	static const int protos[] = { TCP, TCP, TCP, UDP, UDP, ICMP, ESP };
	static const __u16 ports[] = { 80, 443, 53, 22, 67, 547, 11211, 123, 40000, 68 };

	memset(s, 0, sizeof(*s));
	s->family = random() & 1 ? 4 : 6;
	s->src = hosts[random() % 8];
	s->nth = random() % 4 ? 0 : (__u32)random() % 50;
	s->proto = protos[random() % 7];
	s->sport = ports[random() % 10];
	s->dport = ports[random() % 10];
	s->zero_dport = !(random() % 40);
	s->flags = random() % 4 ? SYN : (__u8)random();
	s->type = random() & 1 ? 128 : 8;
	s->payload = (int)(random() % 200);
	s->trailer = random() % 8 ? 0 : 30;
	s->vlans = random() % 10 ? 0 : 1;
	s->options = random() % 10 ? 0 : 2;
	s->raw = !(random() % 50);
	s->frag = !(random() % 20);
	s->more = s->frag;
	if (!(random() % 20))
		s->poke[0] =
			(struct poke){ POKE_L3, (int)(random() % 48), 1, (__u32)random() & 0xff };
}

static void prepare(struct prog *prog)
{
	struct fw_apply *apply = prog_edit(prog);
	struct fw_err err = {};
	int web = fw_model_service_add(apply->model, "web", &err);

	assert_int_equal(web, 1);
	assert_int_equal(fw_model_rule_add(apply->model, 1, "tcp/80,443", &err), 0);
	apply->model->class[0].rate[FW_K_SYN] = (struct fw_rate){ 50, 50, 1, 50 };
	apply->model->service[1].crowd[FW_C_SYN] = (struct fw_rate){ 100, 100, 1, 0 };
	prog_lane_add(apply, FW_LANE_TRUSTED, "203.0.113.20", FW_FOREVER, 0);
	prog_lane_add(apply, FW_LANE_MANAGEMENT, "2001:db8:ad:1::5", FW_FOREVER, 0);
	prog_lane_add(apply, FW_LANE_BLOCKED, "203.0.113.66", FW_FOREVER, 0);
	prog_lane_add(apply, FW_LANE_BLOCKED, "2001:db8:bad::/48", FW_FOREVER, 0);
	prog_commit(prog, apply, FW_APPLY_POLICY | FW_APPLY_LANES);
}

static void test_short_way(void **state)
{
	static const struct prog_opts long_way = { .clock = PROG_CLOCK_VIRTUAL,
						   .stages = PROG_LONG_WAY };
	struct prog *shipped = *state, *other = prog_open(&long_way);
	struct outcome a, b;
	struct spec spec;

	srandom(1789);
	prepare(shipped);
	prepare(other);
	prog_reasons(other, other->base);
	for (int i = 0; i < 60000; i++) {
		random_spec(&spec);
		a = prog_send(shipped, &spec);
		b = prog_send(other, &spec);
		if (a.reason != b.reason || a.action != b.action || a.service != b.service)
			fail_msg("frame %d: %s in service %u, the long way %s in %u", i,
				 prog_reason_name(a.reason), a.service, prog_reason_name(b.reason),
				 b.service);
		if (!(i % 100)) {
			prog_step(shipped, SECOND / 100);
			prog_step(other, SECOND / 100);
		}
	}
	prog_finish(other);
	prog_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROG_TEST(test_bytes),
		PROG_TEST(test_monitor),
		PROG_TEST(test_flip),
		PROG_TEST(test_deadline),
		PROG_TEST(test_limit_takes_effect),
		PROG_TEST(test_short_way),
	};

	return cmocka_run_group_tests(tests, prog_group_setup, prog_group_teardown);
}
