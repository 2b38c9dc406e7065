// SPDX-License-Identifier: GPL-2.0-only
/*
 * The far end of the veth pair: passes what is for the lab's people, and ends answers to spoofed
 * addresses, as the real world does; else one CPU would have to route them all, and people's own
 * packets would be lost in its queue. The lab needs some program there anyway: a veth wakes its
 * peer for frames that come by XDP_TX only if the peer runs one too (veth_xdp_flush), and without
 * that their ring fills up and stays full for good. A network card needs nothing of the kind.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* People's networks: tests/lib/lab.py has them, too. */
static int is_people4(__u32 addr)
{
	return addr >> 19 == (41 << 24 | 80 << 16) >> 19 || addr >> 8 == 0xc4c810 ||
	       addr >> 8 == 0x0a4d00 || addr >> 28 >= 14;
}

/* The first 16 bits tell: Africa's registry, unique local, link-local, multicast. */
static int is_people6(__u32 head)
{
	return head == 0x2c0f || head == 0xfd77 || head == 0xfe80 || head >> 8 == 0xff;
}

SEC("xdp.frags")
int lab_pass(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__be16 *proto = (__be16 *)(data + 12);
	__u8 *ip;

	for (int i = 0; i < 3; i++, proto += 2) {
		ip = (__u8 *)(proto + 1);
		if (ip + 40 > end)
			break;
		if (*proto == bpf_htons(ETH_P_IP))
			return is_people4(bpf_ntohl(*(__be32 *)(ip + 16))) ? XDP_PASS : XDP_DROP;
		if (*proto == bpf_htons(ETH_P_IPV6))
			return is_people6(bpf_ntohs(*(__be16 *)(ip + 24))) ? XDP_PASS : XDP_DROP;
	}
	return XDP_PASS;
}

char lab_license[] SEC("license") = "GPL";
