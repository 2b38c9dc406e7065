// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's program, to live beside ours below libxdp's dispatcher: drops UDP over IPv4 to
 * port 9999, which nothing of ours would, and passes all else.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define UDP_AT	23 /* protocol; headers without tags and options */
#define PORT_AT 36

SEC("xdp.frags")
int beside(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + PORT_AT + 2 > end || *(__be16 *)(data + 12) != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (data[UDP_AT] == 17 && *(__be16 *)(data + PORT_AT) == bpf_htons(9999))
		return XDP_DROP;
	return XDP_PASS;
}

char beside_license[] SEC("license") = "GPL";
