/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network namespace of the test's own, with sockets that the program can find: test-run looks
 * them up in the namespace of whoever calls it. Addresses of tests/lib/packet.h are local there.
 * Failures end the cmocka test.
 */
#ifndef TEST_SOCKETS_H
#define TEST_SOCKETS_H

#include "tests/lib/packet.h"

/* Leaves the caller's namespace for good; everything below works in the new one. */
void sockets_unshare(void);

/* net.ipv4.NAME = value, there. */
void sockets_sysctl(const char *name, int value);

/* A listener on port, both families in one socket each; ret_fd: IPv4, IPv6. */
void sockets_listen(__u16 port, int ret_fd[2]);

/* A connection src -> SERVER:port that is really established; its port. ret_fd: both ends. */
__u16 sockets_connect(int listener, int family, enum host src, __u16 port, int ret_fd[2]);

/* A UDP socket of SERVER's on port; peer != HOSTS: connected to peer:peer_port. */
int sockets_udp(int family, __u16 port, enum host peer, __u16 peer_port);

/* From here on an IPv4 network, its prefix, answers nothing; connections that exist go on. */
void sockets_silence(const char *prefix);

/* Hands an IPv4 packet to this namespace's own stack, as if it had come in. */
void sockets_inject(const struct packet *packet);

#endif
