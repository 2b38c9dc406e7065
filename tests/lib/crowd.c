// SPDX-License-Identifier: GPL-2.0-only
/* The fixtures and shortcuts of tests about the crowd. */
#include "tests/lib/crowd.h"
#include "user/policy/compile.h"

int crowd_listener[2];

int crowd_group_setup(void **state)
{
	sockets_unshare();
	sockets_listen(80, crowd_listener);
	return prog_group_setup(state);
}

int crowd_test_setup(void **state)
{
	sockets_sysctl("tcp_syncookies", 2);
	prog_zero((*state), "fw_ban");
	return prog_test_setup(state);
}

static struct fw_service *host(struct prog *prog)
{
	return &prog_policy(prog)->service[FW_SERVICE_HOST];
}

void crowd_pin(struct prog *prog, int level)
{
	host(prog)->level_pin = (__u8)(level + 1);
}

void crowd_proof(struct prog *prog, enum fw_proof how)
{
	host(prog)->proof = (__u8)how;
}

void crowd_budget(struct prog *prog, bool net, int kind, __u64 count, __u64 burst)
{
	struct fw_rate rate = { .count = count, .per_s = 1, .burst = burst };
	struct fw_limit *limit = net ? &host(prog)->net[kind] : &host(prog)->crowd[kind];

	assert_int_equal(
		fw_compile_limit(&rate, kind == FW_C_BYTES, prog->obj->meta.tick_ns, limit, NULL),
		0);
}

void crowd_use_up_newcomers(struct prog *prog, int family)
{
	struct spec one = {
		.family = family, .src = CROWD, .nth = 4000000, .dst = SERVER, .proto = UDP
	};

	prog_budget(prog, family == 6 ? FW_B_NEW6 : FW_B_NEW4, 1, 1);
	assert_int_not_equal(prog_send(prog, &one).reason, FW_R_DROP_NEWCOMER);
}
