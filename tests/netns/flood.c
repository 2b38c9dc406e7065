// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flood generator of the lab: one interface, one CPU, many kinds of flood from one, many or random
 * sources, paced or at full rate; or a capture replayed at a destination. Prints JSON of what it
 * sent. It sends out of a namespace's veth only: the interface must be named, there is no default.
 */
#include "flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int n;
	enum frame_kind kind[6];
} modes[] = {
	{ "udp", 1, { FRAME_UDP } },
	{ "syn", 1, { FRAME_SYN } },
	{ "ack", 1, { FRAME_ACK } },
	{ "synack", 1, { FRAME_SYNACK } },
	{ "rst", 1, { FRAME_RST } },
	{ "icmp", 1, { FRAME_ICMP } },
	{ "frag", 2, { FRAME_FRAG_FIRST, FRAME_FRAG_LAST } },
	{ "udpsyn", 2, { FRAME_UDP, FRAME_SYN } },
	{ "mix", 6, { FRAME_UDP, FRAME_SYN, FRAME_ACK, FRAME_SYNACK, FRAME_ICMP, FRAME_RST } },
};

static void usage(FILE *to)
{
	fputs("usage: flood --iface IF --dst ADDR --dmac MAC [options]\n"
	      "  --mode udp|syn|ack|synack|rst|icmp|frag|udpsyn|mix   what to send (udp)\n"
	      "  --sources N --from ADDR   N sources counted up from ADDR (v6: one a /64); 0 = "
	      "random\n"
	      "  --port N  --sport N       destination port (80), source port (random)\n"
	      "  --payload N               bytes behind the L4 header (udp 18, others 0)\n"
	      "  --vlan A[,B]              one tag, or 802.1ad and 802.1Q\n"
	      "  --pps N  --seconds S  --count N  --cpu N  --seed N  --seq N\n"
	      "  --fast                    frames written in the kernel: millions a second, not "
	      "counted exactly\n"
	      "  --pcap FILE [--own-clock] [--to-port] [--loops N]   replay instead; --own-clock "
	      "keeps the\n"
	      "                            capture's spacing, scaled to --seconds when given\n",
	      to);
}

static int die(const char *what, const char *text)
{
	fprintf(stderr, "flood: %s: %s\n", what, text);
	return -1;
}

static int parse_addr(const char *text, struct addr *ret, bool *ret_v6)
{
	struct addr a = { { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, a.b + 12) == 1) {
		*ret_v6 = false;
	} else if (inet_pton(AF_INET6, text, a.b) == 1) {
		*ret_v6 = true;
	} else {
		return die("not an address", text);
	}
	*ret = a;
	return 0;
}

enum {
	O_IFACE = 1,
	O_DST,
	O_DMAC,
	O_MODE,
	O_SOURCES,
	O_FROM,
	O_PORT,
	O_SPORT,
	O_PAYLOAD,
	O_VLAN,
	O_PPS,
	O_SECONDS,
	O_COUNT,
	O_CPU,
	O_SEED,
	O_SEQ,
	O_PCAP,
	O_OWN,
	O_FAST,
	O_TO_PORT,
	O_LOOPS,
	O_HELP
};

static const struct option longs[] = {
	{ "iface", 1, NULL, O_IFACE },
	{ "dst", 1, NULL, O_DST },
	{ "dmac", 1, NULL, O_DMAC },
	{ "mode", 1, NULL, O_MODE },
	{ "sources", 1, NULL, O_SOURCES },
	{ "from", 1, NULL, O_FROM },
	{ "port", 1, NULL, O_PORT },
	{ "sport", 1, NULL, O_SPORT },
	{ "payload", 1, NULL, O_PAYLOAD },
	{ "vlan", 1, NULL, O_VLAN },
	{ "pps", 1, NULL, O_PPS },
	{ "seconds", 1, NULL, O_SECONDS },
	{ "count", 1, NULL, O_COUNT },
	{ "cpu", 1, NULL, O_CPU },
	{ "seed", 1, NULL, O_SEED },
	{ "seq", 1, NULL, O_SEQ },
	{ "pcap", 1, NULL, O_PCAP },
	{ "own-clock", 0, NULL, O_OWN },
	{ "fast", 0, NULL, O_FAST },
	{ "to-port", 0, NULL, O_TO_PORT },
	{ "loops", 1, NULL, O_LOOPS },
	{ "help", 0, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

static int parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		return die("not a MAC address", text);
	return 0;
}

static int take_number(struct flood_opts *o, int opt, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (*end || end == arg || v < 0)
		return die("not a number", arg);
	switch (opt) {
	case O_SOURCES:
		o->sources = (uint64_t)v;
		break;
	case O_PORT:
		o->spec.dport = (uint16_t)v;
		break;
	case O_SPORT:
		o->spec.sport = (uint16_t)v;
		break;
	case O_PAYLOAD:
		o->spec.payload = (uint16_t)v;
		break;
	case O_PPS:
		o->pps = v;
		break;
	case O_SECONDS:
		o->seconds = v;
		break;
	case O_COUNT:
		o->count = (uint64_t)v;
		break;
	case O_CPU:
		o->cpu = (int)v;
		break;
	case O_SEED:
		o->seed = (uint64_t)v * 2 + 1;
		break;
	case O_SEQ:
		o->first_seq = (uint32_t)v;
		break;
	case O_LOOPS:
		o->loops = (unsigned int)v;
		break;
	}
	return 0;
}

static int take_option(struct flood_opts *o, int opt, const char *arg)
{
	bool v6;

	switch (opt) {
	case O_IFACE:
		o->iface = arg;
		return 0;
	case O_MODE:
		o->mode = arg;
		return 0;
	case O_PCAP:
		o->pcap = arg;
		return 0;
	case O_OWN:
		o->own_clock = true;
		return 0;
	case O_TO_PORT:
		o->to_port = true;
		return 0;
	case O_FAST:
		o->fast = true;
		return 0;
	case O_DST:
		return parse_addr(arg, &o->spec.dst, &o->spec.v6);
	case O_FROM:
		return parse_addr(arg, &o->base, &v6);
	case O_DMAC:
		return parse_mac(arg, o->spec.dmac);
	case O_VLAN:
		return sscanf(arg, "%hu,%hu", &o->spec.vlan[0], &o->spec.vlan[1]) >= 1
			       ? 0
			       : die("not a VLAN", arg);
	case O_HELP:
		usage(stdout);
		exit(0);
	case '?':
		return -1;
	default:
		return take_number(o, opt, arg);
	}
}

/* Public unicast space, without what any sane border would drop as impossible. */
static uint32_t random4(uint64_t *rng)
{
	for (;;) {
		uint32_t a = (uint32_t)(rng_next(rng) >> 32);
		unsigned int hi = a >> 24, mid = (a >> 16) & 255;

		if (!hi || hi == 10 || hi == 127 || hi >= 224 ||
		    (hi == 172 && mid >= 16 && mid < 32) ||
		    (hi == 192 && (mid == 168 || mid == 0 || mid == 88)) ||
		    (hi == 169 && mid == 254) || (hi == 100 && mid >= 64 && mid < 128) ||
		    (hi == 198 && (mid == 18 || mid == 19 || mid == 51)) || (hi == 203 && mid == 0))
			continue;
		return a;
	}
}

static void pick_source(const struct flood_opts *o, uint64_t n, uint64_t *rng, struct addr *ret)
{
	uint32_t w;
	uint64_t q;

	*ret = o->base;
	if (!o->spec.v6) {
		memcpy(&w, o->base.b + 12, 4);
		w = o->sources ? ntohl(w) + (uint32_t)(n % o->sources) : random4(rng);
		w = htonl(w);
		memcpy(ret->b + 12, &w, 4);
	} else if (o->sources) {
		memcpy(&q, o->base.b, 8);
		q = htobe64(be64toh(q) + n % o->sources);
		memcpy(ret->b, &q, 8);
	} else { /* 2400::/8: 56 random bits of /64 and a random interface identifier */
		q = htobe64(0x2400000000000000ull | rng_next(rng) >> 8);
		memcpy(ret->b, &q, 8);
		q = rng_next(rng);
		memcpy(ret->b + 8, &q, 8);
	}
}

static void vary(const struct flood_opts *o, uint64_t n, uint64_t *rng, struct frame *f,
		 struct frame_vary *v)
{
	if (f->spec.kind != FRAME_FRAG_LAST) { /* a later fragment follows its first */
		uint64_t r = rng_next(rng);

		pick_source(o, n, rng, &v->src);
		v->sport = o->spec.sport ? o->spec.sport : (uint16_t)(1024 + (r & 0xffff) % 64512);
		v->id = (uint32_t)(r >> 16);
		v->seq = f->spec.kind == FRAME_UDP ? o->first_seq + (uint32_t)n
						   : (uint32_t)(r >> 32);
	}
	frame_patch(f, v);
}

static int build_batch(const struct flood_opts *o, struct frame *frames, struct flood_frame *out)
{
	static uint8_t pool[FLOOD_BATCH][FRAME_MAX];
	size_t m;

	for (m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		if (!strcmp(modes[m].name, o->mode))
			break;
	if (m == sizeof(modes) / sizeof(modes[0]))
		return die("unknown mode", o->mode);
	for (unsigned int i = 0; i < FLOOD_BATCH; i++) {
		struct frame_spec s = o->spec;

		s.kind = modes[m].kind[i % modes[m].n];
		if ((s.kind == FRAME_FRAG_FIRST || s.kind == FRAME_FRAG_LAST) && s.payload < 64)
			s.payload = 1024;
		if (s.kind != FRAME_UDP && s.kind < FRAME_ICMP)
			s.payload = 0;
		frames[i].data = pool[i];
		if (frame_build(&frames[i], &s))
			return die("cannot build frame", o->mode);
		out[i] = (struct flood_frame){ frames[i].data, frames[i].len, (int)s.kind };
	}
	return 0;
}

static int flood_run(const struct flood_opts *o, int fd, struct flood_sent *sent)
{
	static struct frame frames[FLOOD_BATCH];
	struct flood_frame out[FLOOD_BATCH];
	struct frame_vary v = { 0 };
	uint64_t rng = o->seed, n = 0, start, end;
	/* Both fragments of a datagram come from one source. */
	unsigned int per_source = strcmp(o->mode, "frag") ? 1 : 2;
	unsigned int batch = FLOOD_BATCH;

	if (build_batch(o, frames, out))
		return -EINVAL;
	if (o->fast)
		return flood_xdp(o, frames, sent);
	/* At most a millisecond's worth at once, so that a paced flood is not a train of bursts. */
	if (o->pps > 0 && o->pps < FLOOD_BATCH * 1000)
		batch = o->pps < 2000 ? 1 : (unsigned int)(o->pps / 1000);
	start = now_ns();
	end = o->seconds > 0 ? start + (uint64_t)(o->seconds * 1e9) : UINT64_MAX;
	while (!flood_stop && (!o->count || n < o->count) && now_ns() < end) {
		unsigned int at = (unsigned int)(n % FLOOD_BATCH), todo = FLOOD_BATCH - at;

		if (todo > batch)
			todo = batch;
		if (o->count && todo > o->count - n)
			todo = (unsigned int)(o->count - n);
		for (unsigned int i = 0; i < todo; i++)
			vary(o, (n + i) / per_source, &rng, &frames[at + i], &v);
		if (o->pps > 0)
			wait_until(start + (uint64_t)((double)n / o->pps * 1e9));
		int err = flood_send(fd, out + at, todo, sent);

		if (err)
			return err;
		n += todo;
	}
	return 0;
}

static void report(const struct flood_opts *o, const struct flood_sent *s)
{
	double took = (double)(s->last_ns - s->first_ns) / 1e9;
	const char *sep = "";

	printf("{\"mode\":\"%s\",\"family\":%d,\"sent\":%" PRIu64 ",\"bytes\":%" PRIu64
	       ",\"ring_full\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"seconds\":%.3f,\"pps\":%.0f"
	       ",\"first_ns\":%" PRIu64 ",\"kinds\":{",
	       o->pcap ? "pcap" : o->mode, o->spec.v6 ? 6 : 4, s->packets, s->bytes, s->ring_full,
	       s->skipped, took, took > 0 ? (double)s->packets / took : 0.0, s->first_ns);
	for (unsigned int k = 0; k < FRAME_KINDS; k++)
		if (s->kind[k]) {
			printf("%s\"%s\":%" PRIu64, sep, frame_kind_name[k], s->kind[k]);
			sep = ",";
		}
	puts("}}");
}

static void on_signal(int sig)
{
	(void)sig;
	flood_stop = true;
}

static int check(const struct flood_opts *o)
{
	static const uint8_t none[16];

	if (!o->iface || !memcmp(o->spec.dmac, none, 6) || !memcmp(o->spec.dst.b, none, 16)) {
		usage(stderr);
		return -1;
	}
	if (!o->pcap && !o->count && !(o->seconds > 0))
		return die("no end", "give --seconds or --count");
	return 0;
}

int main(int argc, char **argv)
{
	struct flood_opts o = { .mode = "udp",
				.seed = 88172645463325252ull,
				.cpu = -1,
				.loops = 1,
				.base = { { [10] = 0xff, [11] = 0xff, 45, 0, 0, 1 } },
				.spec = { .dport = 80, .payload = 18, .ttl = 55 } };
	struct flood_sent sent = { 0 };
	int opt, fd, err;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (take_option(&o, opt, optarg))
			return 1;
	if (check(&o))
		return 1;
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (o.cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((unsigned int)o.cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	fd = flood_socket(o.iface, o.spec.smac);
	if (fd < 0)
		return die(o.iface, strerror(-fd)), 2;
	err = o.pcap ? flood_replay(&o, fd, &sent) : flood_run(&o, fd, &sent);
	close(fd);
	if (err)
		return die("failed", strerror(-err)), 2;
	report(&o, &sent);
	return 0;
}
