// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time: the first frame is at start_ns, later ones as much later as they were captured, faster by
 * the factor asked for. A stamp from the past is held at the latest one, for no clock of the
 * program's ever went back; where the clock itself was set back, or a file goes on with an earlier
 * one, time goes on from there, or all that follows would come in the same instant.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/tcp.h>
/* Written for the BPF compiler, which knows that pragma and no alignment. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Waddress-of-packed-member"
#include "bpf/parse.h"
#pragma GCC diagnostic pop
#include "user/core/replay/feed.h"

#define YEAR_NS	    (366ULL * 86400 * 1000000000)
#define CENTURY_NS  (100 * YEAR_NS)
#define STEP_NS	    1000000000ULL /* less is disorder, as between the queues of a card */
#define STEP_FRAMES 8		  /* in a row; fewer are strays */

struct fw_feed {
	struct fw_feed_opts opts;
	struct fw_capture *capture;
	struct fw_flows *flows;
	struct fw_feed_told told;
	__u64 first_ns, latest_ns; /* as captured, and shifted */
	__u64 shift_ns;		   /* what a clock that was set back lacks */
	__u64 skipped_ns;	   /* of gaps, what is more than a year */
	unsigned int behind;	   /* frames in a row that are STEP_NS and more behind */
	__u64 packets;
	bool begun;
};

static int find_speed(struct fw_feed *f, char *const *path, unsigned int count, struct fw_err *err)
{
	__u64 first = 0, last = 0;
	int r;

	f->told.speed = f->opts.speed > 0 ? f->opts.speed : 1;
	if (!f->opts.over_ns)
		return 0;
	r = fw_capture_span(path, count, &f->opts.watch, &first, &last, err);
	if (r)
		return r;
	if (last > first)
		f->told.speed = (double)(last - first) / (double)f->opts.over_ns;
	return 0;
}

int fw_feed_open(char *const *path, unsigned int count, const struct fw_feed_opts *opts,
		 struct fw_feed **ret, struct fw_err *err)
{
	struct fw_feed *f = calloc(1, sizeof(*f));
	int r = 0;

	if (f)
		f->flows = fw_flows_new();
	if (!f || !f->flows) {
		free(f);
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	}
	f->opts = *opts;
	r = find_speed(f, path, count, err);
	if (!r)
		r = fw_capture_open(path, count, &f->opts.watch, &f->capture, err);
	if (r)
		fw_feed_close(f);
	else
		*ret = f;
	return r;
}

void fw_feed_close(struct fw_feed *f)
{
	if (!f)
		return;
	fw_capture_close(f->capture);
	fw_flows_free(f->flows);
	free(f);
}

/* A stamp on a line that goes on where clocks were set back, and ends where stamps have caught up.
 */
static __u64 straighten(struct fw_feed *f, __u64 at_ns)
{
	if (at_ns + STEP_NS > f->latest_ns)
		f->shift_ns = 0;
	at_ns += f->shift_ns;
	if (at_ns + STEP_NS > f->latest_ns) {
		f->behind = 0;
	} else if (++f->behind == STEP_FRAMES) {
		f->shift_ns += f->latest_ns - at_ns;
		f->behind = 0;
		f->told.set_back++;
	}
	return at_ns > f->latest_ns ? at_ns : f->latest_ns;
}

static void set_time(struct fw_feed *f, __u64 at_ns, struct fw_feed_packet *p)
{
	__u64 passed, before;

	if (!f->begun)
		f->first_ns = f->latest_ns = at_ns;
	f->begun = true;
	before = f->latest_ns;
	f->latest_ns = straighten(f, at_ns);
	/* Damaged stamps lie a lifetime ahead; program time must last for what follows them. */
	if (f->latest_ns - before > YEAR_NS)
		f->skipped_ns += f->latest_ns - before - YEAR_NS;
	passed = f->latest_ns - f->first_ns - f->skipped_ns;
	if (f->told.speed < 1 || f->told.speed > 1)
		passed = (__u64)((double)passed / f->told.speed);
	p->at_ns = at_ns;
	p->line_ns = f->latest_ns;
	p->now_ns = f->opts.start_ns + (passed < CENTURY_NS ? passed : CENTURY_NS);
}

/* The program's own header walk. Its facts are right as far as it came. */
static void walk(const struct fw_capture_frame *in, struct pkt *facts, struct fw_feed_packet *p)
{
	struct frame frame = { (void *)in->data, (void *)(in->data + in->frame.len) };
	bool whole;

	memset(facts, 0, sizeof(*facts));
	pkt_reset(facts);
	facts->len = in->frame.len;
	whole = parse(&frame, facts) == FW_CONTINUE;
	p->family = facts->family;
	p->proto = facts->proto;
	p->fragment = facts->fragment;
	p->ports = whole && facts->family && facts->l4 && !facts->later &&
		   (facts->proto == FW_PROTO_TCP || facts->proto == FW_PROTO_UDP);
	p->sport = facts->sport;
	p->dport = facts->dport;
	p->tcp_flags = facts->tcp_flags;
	memcpy(p->saddr, facts->saddr, 16);
	memcpy(p->daddr, facts->daddr, 16);
	p->blind = in->frame.had < in->frame.len &&
		   in->frame.had < facts->off + (facts->proto == FW_PROTO_TCP ? 20U : 8U);
}

static bool is_host(const struct fw_feed *f, const __be32 addr_be[4])
{
	for (unsigned int i = 0; i < f->opts.hosts; i++) {
		const __u8 *a = (const __u8 *)addr_be, *b = (const __u8 *)f->opts.host[i].addr_be;
		unsigned int len = f->opts.host[i].len, whole = len / 8;

		if (!memcmp(a, b, whole) &&
		    (len % 8 == 0 || (a[whole] ^ b[whole]) >> (8 - len % 8) == 0))
			return true;
	}
	return false;
}

/* Did the frame come in from outside? */
static bool arrived(struct fw_feed *f, const struct fw_capture_frame *in,
		    const struct fw_feed_packet *p)
{
	if (in->frame.outgoing) {
		f->told.outgoing++;
		return false;
	}
	if (!f->opts.hosts || !p->family || is_host(f, p->daddr))
		return true;
	if (is_host(f, p->saddr))
		f->told.outgoing++;
	else
		f->told.elsewhere++;
	return false;
}

static void follow(struct fw_feed *f, const struct fw_capture_frame *in, const struct pkt *facts,
		   struct fw_feed_packet *p)
{
	struct fw_segment seg = { .sport = p->sport, .dport = p->dport, .flags = p->tcp_flags };
	struct tcphdr tcp;
	__u32 header;

	p->tcp = p->ports && p->proto == FW_PROTO_TCP && !p->fragment && !p->blind &&
		 facts->l4 + sizeof(tcp) <= in->frame.len;
	if (!p->tcp)
		return;
	memcpy(&tcp, in->data + facts->l4, sizeof(tcp));
	memcpy(seg.saddr, p->saddr, 16);
	memcpy(seg.daddr, p->daddr, 16);
	seg.seq = ntohl(tcp.seq);
	seg.ack = ntohl(tcp.ack_seq);
	header = tcp.doff * 4U;
	seg.data = facts->payload > header ? facts->payload - header : 0;
	p->said = fw_flows_look(f->flows, f->latest_ns, &seg);
	f->told.handshakes += p->said == FW_FLOW_PROOF || p->said == FW_FLOW_ONE_WAY;
	f->told.one_way += p->said == FW_FLOW_ONE_WAY;
	if (p->said == FW_FLOW_ANSWER && !f->told.answers++)
		memcpy(f->told.server, p->saddr, 16);
}

int fw_feed_next(struct fw_feed *f, struct fw_feed_packet *p)
{
	struct fw_capture_frame in;
	struct pkt facts;

	if (!fw_capture_next(f->capture, &in))
		return 0;
	*p = (struct fw_feed_packet){ .data = in.data, .len = in.frame.len };
	set_time(f, in.at_ns, p);
	walk(&in, &facts, p);
	follow(f, &in, &facts, p);
	p->left_out = !arrived(f, &in, p);
	if (p->left_out)
		return 1;
	f->told.blind += p->blind;
	p->index = f->packets++;
	return 1;
}

const struct fw_feed_told *fw_feed_told(struct fw_feed *f)
{
	f->told.forgotten = fw_flows_forgotten(f->flows);
	return &f->told;
}

const struct fw_capture_told *fw_feed_files(const struct fw_feed *f)
{
	return fw_capture_told(f->capture);
}
