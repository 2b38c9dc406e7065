// SPDX-License-Identifier: GPL-2.0-only
/* Drops everything: the measure of what this machine can take, and somebody else's program. */
#include <linux/bpf.h>

__attribute__((section("xdp.frags"), used)) int lab_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char lab_license[] __attribute__((section("license"), used)) = "GPL";
