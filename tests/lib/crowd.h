/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of the crowd have in common: a namespace with a real listener, tcp_syncookies 2, and
 * quick ways to say what the service host asks of strangers. In the live policy, as prog_limit().
 */
#ifndef TEST_CROWD_H
#define TEST_CROWD_H

#include "tests/lib/prog.h"
#include "tests/lib/sockets.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define MILLISECOND	(SECOND / 1000)
#define FOR_FAMILIES(f) for (int f = 4; f <= 6; f += 2)

extern int crowd_listener[2]; /* on port 80: IPv4, IPv6 */

int crowd_group_setup(void **state);
int crowd_test_setup(void **state);
#define CROWD_TEST(f) cmocka_unit_test_setup_teardown(f, crowd_test_setup, prog_test_teardown)

void crowd_pin(struct prog *prog, int level); /* enum fw_level */
void crowd_proof(struct prog *prog, enum fw_proof how);
/* kind: enum fw_crowd_kind, a second; net: of one /24 or /48. */
void crowd_budget(struct prog *prog, bool net, int kind, __u64 count, __u64 burst);
/* From here on everybody unknown is a stranger: one newcomer a second, and here she is. */
void crowd_use_up_newcomers(struct prog *prog, int family);

#endif
