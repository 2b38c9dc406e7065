// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes everything. The lab puts it on the far end of the veth pair: a veth wakes its peer for
 * frames that come by XDP_TX only if the peer runs a program too (veth_xdp_flush), and without that
 * their ring fills up and stays full for good. A network card needs nothing of the kind.
 */
#include <linux/bpf.h>

__attribute__((section("xdp.frags"), used)) int lab_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char lab_license[] __attribute__((section("license"), used)) = "GPL";
