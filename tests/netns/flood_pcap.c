// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay of a capture at a destination of ours: MAC addresses and the IP destination are rewritten,
 * checksums corrected by the difference (so one that was wrong stays wrong), everything else is
 * sent as captured. Frames of the other family, cut ones and non-IP ones are skipped and counted.
 */
#include "flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay {
	struct flood_frame *frame;
	uint64_t *at_ns; /* since the first frame */
	size_t n, room;
};

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* Offset of the L4 checksum behind the L4 header's start, or -1. */
static int csum_offset(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return -1;
	}
}

static void correct(uint8_t *csum, const uint8_t *was, const uint8_t *is, size_t len, bool udp)
{
	uint16_t old, fold;
	uint64_t sum;

	memcpy(&old, csum, 2);
	if (udp && !old)
		return;
	sum = (uint16_t)~old;
	for (size_t i = 0; i < len; i += 2) {
		uint16_t w;

		memcpy(&w, was + i, 2);
		sum += (uint16_t)~w;
	}
	fold = (uint16_t)~sum_fold(sum_bytes(sum, is, len));
	memcpy(csum, &fold, 2);
}

/* TCP floods are aimed at a port; it becomes the one asked for. */
static void rewrite_port(uint8_t *l4, size_t len, const struct flood_opts *o)
{
	uint8_t was[2], is[2] = { (uint8_t)(o->spec.dport >> 8), (uint8_t)o->spec.dport };

	if (!o->to_port || len < 18)
		return;
	memcpy(was, l4 + 2, 2);
	memcpy(l4 + 2, is, 2);
	correct(l4 + 16, was, is, 2, false);
}

static bool rewrite4(uint8_t *ip, size_t len, const struct flood_opts *o)
{
	size_t head = (size_t)(ip[0] & 15) * 4;
	uint8_t was[4];
	int at = csum_offset(ip[9]);

	if (len < 20 || ip[0] >> 4 != 4 || head < 20 || len < head)
		return false;
	memcpy(was, ip + 16, 4);
	memcpy(ip + 16, o->spec.dst.b + 12, 4);
	correct(ip + 10, was, ip + 16, 4, false);
	if (!(get16(ip + 6) & 0x1fff) && at >= 0 && ip[9] != IPPROTO_ICMPV6 &&
	    len >= head + (size_t)at + 2)
		correct(ip + head + at, was, ip + 16, 4, ip[9] == IPPROTO_UDP);
	if (!(get16(ip + 6) & 0x1fff) && ip[9] == IPPROTO_TCP)
		rewrite_port(ip + head, len - head, o);
	return true;
}

static bool rewrite6(uint8_t *ip, size_t len, const struct flood_opts *o)
{
	uint8_t was[16];
	int at = csum_offset(ip[6]);

	if (len < 40 || ip[0] >> 4 != 6)
		return false;
	memcpy(was, ip + 24, 16);
	memcpy(ip + 24, o->spec.dst.b, 16);
	if (at >= 0 && len >= 40 + (size_t)at + 2)
		correct(ip + 40 + at, was, ip + 24, 16, ip[6] == IPPROTO_UDP);
	if (ip[6] == IPPROTO_TCP)
		rewrite_port(ip + 40, len - 40, o);
	return true;
}

/* The capture's frame with our MAC addresses and destination in ret; its length, or 0 to skip. */
static size_t adopt(const struct pcap_pkthdr *h, const uint8_t *pkt, const struct flood_opts *o,
		    uint8_t *ret)
{
	size_t l3 = 14;

	if (h->caplen < 34 || h->caplen < h->len || h->caplen > FRAME_MAX)
		return 0;
	memcpy(ret, pkt, h->caplen);
	memcpy(ret, o->spec.dmac, 6);
	memcpy(ret + 6, o->spec.smac, 6);
	while (l3 < 22 && (get16(ret + l3 - 2) == 0x8100 || get16(ret + l3 - 2) == 0x88a8))
		l3 += 4;
	if (!o->spec.v6 && get16(ret + l3 - 2) == 0x0800 && rewrite4(ret + l3, h->caplen - l3, o))
		return h->caplen;
	if (o->spec.v6 && get16(ret + l3 - 2) == 0x86dd && rewrite6(ret + l3, h->caplen - l3, o))
		return h->caplen;
	return 0;
}

static int add(struct replay *r, const uint8_t *data, size_t len, uint64_t at_ns)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 1024;
		struct flood_frame *f = realloc(r->frame, room * sizeof(*f));
		uint64_t *t = f ? realloc(r->at_ns, room * sizeof(*t)) : NULL;

		if (f)
			r->frame = f;
		if (!t)
			return -ENOMEM;
		r->at_ns = t;
		r->room = room;
	}
	void *copy = malloc(len);

	if (!copy)
		return -ENOMEM;
	r->frame[r->n] = (struct flood_frame){ memcpy(copy, data, len), len, -1 };
	r->at_ns[r->n++] = at_ns;
	return 0;
}

static int load(struct replay *r, const struct flood_opts *o, struct flood_sent *sent)
{
	char text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *pkt;
	uint8_t buf[FRAME_MAX];
	int64_t first = -1, at;
	int err = 0;
	pcap_t *p =
		pcap_open_offline_with_tstamp_precision(o->pcap, PCAP_TSTAMP_PRECISION_NANO, text);

	if (!p) {
		fprintf(stderr, "flood: %s\n", text);
		return -EINVAL;
	}
	if (pcap_datalink(p) != DLT_EN10MB)
		err = -EPROTONOSUPPORT;
	while (!err && pcap_next_ex(p, &h, &pkt) == 1) {
		size_t len = adopt(h, pkt, o, buf);

		if (!len) {
			sent->skipped++;
			continue;
		}
		at = (int64_t)h->ts.tv_sec * 1000000000 +
		     h->ts.tv_usec; /* ns precision asked for */
		if (first < 0)
			first = at;
		err = add(r, buf, len, at > first ? (uint64_t)(at - first) : 0);
	}
	pcap_close(p);
	return err;
}

/* When frame i of a loop is due, ns after the loop's start. */
static uint64_t due(const struct replay *r, const struct flood_opts *o, size_t i)
{
	if (o->own_clock) {
		uint64_t span = r->at_ns[r->n - 1];
		double scale = o->seconds > 0 && span ? o->seconds * 1e9 / (double)span : 1.0;

		return (uint64_t)((double)r->at_ns[i] * scale);
	}
	if (o->pps > 0)
		return (uint64_t)((double)i / o->pps * 1e9);
	return o->seconds > 0 ? (uint64_t)((double)i / (double)r->n * o->seconds * 1e9) : 0;
}

/* Frames from i on that are due within the same 100 microseconds. */
static unsigned int together(const struct replay *r, const struct flood_opts *o, size_t i)
{
	unsigned int n = 1;

	while (n < FLOOD_BATCH && i + n < r->n && due(r, o, i + n) < due(r, o, i) + 100000)
		n++;
	return n;
}

int flood_replay(const struct flood_opts *o, int fd, struct flood_sent *sent)
{
	struct replay r = { 0 };
	int err = load(&r, o, sent);

	for (unsigned int loop = 0; !err && r.n && loop < o->loops && !flood_stop; loop++) {
		uint64_t start = now_ns();

		for (size_t i = 0; !err && i < r.n && !flood_stop;) {
			unsigned int n = together(&r, o, i);

			wait_until(start + due(&r, o, i));
			err = flood_send(fd, r.frame + i, n, sent);
			i += n;
		}
	}
	for (size_t i = 0; i < r.n; i++)
		free(r.frame[i].data);
	free(r.frame);
	free(r.at_ns);
	return err;
}
