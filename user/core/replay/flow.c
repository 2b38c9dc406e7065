// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of sets of eight ways, keyed by both ends of a connection whichever of them sends. A full
 * set gives away the oldest handshake that is only half seen, then the oldest connection.
 */
#include <stdlib.h>
#include <string.h>
#include "user/core/replay/addr_hash.h"
#include "user/core/replay/flow.h"

#define SETS_BITS 17
#define WAYS	  8
#define FIN	  0x01
#define SYN	  0x02
#define RST	  0x04
#define ACK	  0x10
/* Linux gives up a SYN after 127 s, and its SYN-ACK after 63 s. */
#define WAIT_MS 127000U

enum state { FREE, ASKED, ANSWERED, OPEN };

struct flow {
	__u64 key;
	__u32 client; /* sequence number of the SYN */
	__u32 server; /* of the SYN-ACK */
	__u32 at_ms;  /* last seen; wraps, differences hold */
	__u8 state;   /* enum state */
	__u8 swapped; /* the client is the upper end */
	__u8 closing; /* one end said FIN: the ports may begin anew */
	__u8 pad;
};

struct fw_flows {
	__u64 forgotten;
	struct flow way[1 << SETS_BITS][WAYS];
};

struct fw_flows *fw_flows_new(void)
{
	return calloc(1, sizeof(struct fw_flows));
}

void fw_flows_free(struct fw_flows *flows)
{
	free(flows);
}

__u64 fw_flows_forgotten(const struct fw_flows *flows)
{
	return flows->forgotten;
}

/* The same for both directions; *ret_swapped says which of them this is. */
static __u64 key_of(const struct fw_segment *seg, bool *ret_swapped)
{
	__u64 from = fw_end_hash(seg->saddr, seg->sport);
	__u64 to = fw_end_hash(seg->daddr, seg->dport);
	__u64 low = from < to ? from : to, high = from < to ? to : from, key;

	*ret_swapped = from > to;
	key = fw_hash6(low, high, 0xc4ceb9fe1a85ec53, 0x87c37b91114253d5);
	return key ? key : 1;
}

static struct flow *find(struct fw_flows *flows, __u64 key)
{
	struct flow *set = flows->way[key >> (64 - SETS_BITS)];

	for (int i = 0; i < WAYS; i++)
		if (set[i].key == key && set[i].state != FREE)
			return &set[i];
	return NULL;
}

/* A place for a new one: free, else the oldest half-open, else the oldest. */
static struct flow *place(struct fw_flows *flows, __u64 key, __u32 now_ms)
{
	struct flow *set = flows->way[key >> (64 - SETS_BITS)], *best = NULL;
	__u64 worst = 0;

	for (int i = 0; i < WAYS; i++) {
		__u64 age = (now_ms - set[i].at_ms) + 1ULL;

		if (set[i].state == FREE)
			return &set[i];
		if (set[i].state != OPEN)
			age += 1ULL << 33;
		if (age > worst) {
			worst = age;
			best = &set[i];
		}
	}
	flows->forgotten += best->state == OPEN || now_ms - best->at_ms < WAIT_MS;
	return best;
}

static enum fw_flow_said asked(struct fw_flows *flows, struct flow *flow, __u64 key, bool swapped,
			       __u32 now_ms, const struct fw_segment *seg)
{
	/* The same SYN again says nothing new, in whatever state. */
	if (flow && flow->state != FREE && flow->client == seg->seq && flow->swapped == swapped) {
		flow->at_ms = now_ms;
		return FW_FLOW_ASKED;
	}
	/* A connection does not end because somebody sends a SYN in its name (RFC 5961). */
	if (flow && flow->state == OPEN && !flow->closing && now_ms - flow->at_ms < WAIT_MS)
		return FW_FLOW_ASKED;
	if (!flow)
		flow = place(flows, key, now_ms);
	*flow = (struct flow){
		.key = key, .client = seg->seq, .at_ms = now_ms, .state = ASKED, .swapped = swapped
	};
	return FW_FLOW_ASKED;
}

/* From the server's side of a handshake that is not complete. */
static enum fw_flow_said answered(struct flow *flow, __u32 now_ms, const struct fw_segment *seg)
{
	if ((seg->flags & (SYN | ACK)) != (SYN | ACK) || seg->ack != flow->client + 1 ||
	    (seg->flags & RST))
		return FW_FLOW_UNKNOWN;
	flow->server = seg->seq;
	flow->state = ANSWERED;
	flow->at_ms = now_ms;
	return FW_FLOW_ANSWER;
}

/* From the client's side of a handshake that is not complete. */
static enum fw_flow_said confirmed(struct flow *flow, __u32 now_ms, const struct fw_segment *seg)
{
	bool both = flow->state == ANSWERED;

	if ((seg->flags & (SYN | RST | ACK)) != ACK || seg->seq != flow->client + 1 ||
	    now_ms - flow->at_ms > WAIT_MS)
		return FW_FLOW_UNKNOWN;
	if (both ? seg->ack != flow->server + 1 : !seg->data)
		return FW_FLOW_UNKNOWN;
	flow->state = OPEN;
	flow->at_ms = now_ms;
	return both ? FW_FLOW_PROOF : FW_FLOW_ONE_WAY;
}

enum fw_flow_said fw_flows_look(struct fw_flows *flows, __u64 at_ns, const struct fw_segment *seg)
{
	__u32 now_ms = (__u32)(at_ns / 1000000);
	bool swapped;
	__u64 key = key_of(seg, &swapped);
	struct flow *flow = find(flows, key);

	if ((seg->flags & (SYN | ACK)) == SYN)
		return asked(flows, flow, key, swapped, now_ms, seg);
	if (!flow)
		return FW_FLOW_UNKNOWN;
	if (flow->state == OPEN) {
		flow->at_ms = now_ms;
		flow->closing |= seg->flags & FIN;
		if (seg->flags & RST)
			flow->state = FREE;
		return FW_FLOW_OPEN;
	}
	return swapped == flow->swapped ? confirmed(flow, now_ms, seg)
					: answered(flow, now_ms, seg);
}
