/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that knows whether this is the BPF object or a host build (unit tests, fuzzers).
 * It also holds what BTF lacks: EtherTypes, protocol numbers, flag masks.
 */
#ifndef FW_NET_H
#define FW_NET_H

#ifdef __bpf__
#include "../vmlinux.h"
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
/*
 * Make the verifier forget what it knows of x, so that paths which differ in it join again. u is
 * any value that it does not know. Two instructions; x keeps its value.
 */
#define FW_FORGET(x, u) asm volatile("%0 ^= %1; %0 ^= %1" : "+r"(x) : "r"((__u64)(u)))
/*
 * Bound x (64 bits) by a mask where the compiler would leave it out, because it knows x to be
 * within already, but the verifier does not: that of Linux 6.1 knows nothing of what a byte swap
 * returns.
 */
#define FW_BOUND(x, mask) asm volatile("%0 &= %1" : "+r"(x) : "i"(mask))
/* Which way most packets go: it is laid out in a row, and has the registers. */
#ifndef likely /* later versions of libbpf have them */
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
/* Make the compiler forget how x (64 bits) came about, so that it computes x as written. */
#define FW_OPAQUE(x) asm volatile("" : "+r"(x))
#else
#define likely(x)	  (x)
#define unlikely(x)	  (x)
#define FW_FORGET(x, u)	  ((void)(u))
#define FW_BOUND(x, mask) ((x) &= (mask))
#define FW_OPAQUE(x)	  ((void)(x))
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
struct frag_hdr {
	__u8 nexthdr;
	__u8 reserved;
	__be16 frag_off;
	__be32 identification;
};
#endif

/*
 * What few packets come to, a reason mostly: made ready where they turn off, and not before, where
 * the compiler would put it for all.
 */
static __always_inline int aside(int what)
{
#ifdef __bpf__
	asm volatile("");
#endif
	return what;
}

#define FW_RB_NO_WAKEUP 1 /* enum BPF_RB_NO_WAKEUP */

#define FW_ETH_ARP    0x0806
#define FW_ETH_IP4    0x0800
#define FW_ETH_IP6    0x86dd
#define FW_ETH_8021Q  0x8100
#define FW_ETH_8021AD 0x88a8

#define FW_IP_MF     0x2000 /* RFC 791: more fragments */
#define FW_IP_OFFSET 0x1fff /* RFC 791: in units of 8 bytes */

#define FW_IP6_HOPOPTS	0
#define FW_IP6_ROUTING	43
#define FW_IP6_FRAGMENT 44
#define FW_IP6_AUTH	51
#define FW_IP6_DSTOPTS	60
#define FW_IP6_MOBILITY 135

#define FW_PROTO_ICMP  1
#define FW_PROTO_TCP   6
#define FW_PROTO_UDP   17
#define FW_PROTO_ICMP6 58

#define FW_TCP_FIN 0x01
#define FW_TCP_SYN 0x02
#define FW_TCP_RST 0x04
#define FW_TCP_ACK 0x10

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

#endif
