// SPDX-License-Identifier: GPL-2.0-only
#include "net.h"
#include "abi.h"
#include "knobs.h"
#include "maps.h"

SEC("xdp.frags")
int floodwall(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct fw_ctl *ctl = bpf_map_lookup_elem(&fw_ctl, &zero);
	return ctl && ctx->data && knob_clock + knob_tick_ns + knob_jiffies0 + knob_stages + knob_frags + knob_src4_bits + knob_src6_bits + knob_net6_bits + knob_ranges4 + knob_nodes6 + knob_deep6 + knob_profiles + knob_key0 + knob_key1 + knob_key2 + knob_key3 ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
