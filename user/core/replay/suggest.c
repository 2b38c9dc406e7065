// SPDX-License-Identifier: GPL-2.0-only
/* The recording through the windows, then the percentiles, then round numbers. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/text.h"
#include "user/core/replay/demand.h"
#include "user/core/replay/suggest.h"
#include "user/policy/compile.h"

#define SYN 0x02
#define ACK 0x10

struct run {
	const struct fw_suggest_opts *opts;
	struct fw_suggest *ret;
	struct fw_feed *feed;
	struct fw_demands *demands;
	struct fw_window syn[FW_SERVICE_MAX];
	bool length[FW_LANE_MAX][129]; /* a lane has prefixes of it */
};

static bool is_syn(const struct fw_feed_packet *p)
{
	return p->ports && p->proto == IPPROTO_TCP && (p->tcp_flags & (SYN | ACK)) == SYN;
}

/* The kind a packet counts as besides packets and bytes, as stamp_of() of bpf/charge.h has it. */
static unsigned int kind_of(const struct fw_feed_packet *p)
{
	if (p->fragment)
		return FW_K_FRAG;
	if (is_syn(p))
		return FW_K_SYN;
	if (p->proto == IPPROTO_UDP)
		return FW_K_UDP;
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		return FW_K_ICMP;
	return FW_K_MAX;
}

/* Addresses of a service beat "any", as the program has it. */
static unsigned int service_of(const struct fw_model *model, const struct fw_feed_packet *p)
{
	unsigned int any = FW_SERVICE_HOST;

	for (__u32 i = 0; i < model->rules; i++) {
		const struct fw_model_rule *rule = &model->rule[i];

		if (rule->proto != FW_PORT_TCP || rule->first > ntohs(p->dport) ||
		    rule->last < ntohs(p->dport))
			continue;
		if (rule->any)
			any = rule->service;
		else if (!memcmp(rule->addr_be, p->daddr, 16))
			return rule->service;
	}
	return any;
}

/* The longest prefix of a lane that holds an address, or NULL. A feed may hold a million. */
static const struct fw_prefix *holder(const struct run *run, enum fw_lane lane,
				      const __be32 addr_be[4])
{
	const struct fw_prefix *one = NULL;
	int least = fw_text_is_ip4(addr_be) ? 96 : 0;

	for (int len = 128; len >= least && !one; len--) {
		__be32 net[4];

		if (!run->length[lane][len])
			continue;
		for (int i = 0; i < 4; i++) {
			int bits = len - i * 32;

			net[i] = addr_be[i] & (bits >= 32  ? ~0U
					       : bits <= 0 ? 0
							   : htonl(~0U << (32 - bits)));
		}
		one = fw_prefixes_find(run->opts->lanes, lane, net, (__u8)len);
	}
	return one;
}

/* As the program has it: of several lanes the first decides. False: no limit is asked. */
static bool class_of(const struct run *run, const __be32 addr_be[4], __u8 *ret)
{
	const struct fw_prefix *one;

	*ret = FW_CLASS_DEFAULT;
	if (holder(run, FW_LANE_MANAGEMENT, addr_be))
		return false;
	if (holder(run, FW_LANE_TRUSTED, addr_be)) {
		*ret = FW_CLASS_TRUSTED;
		return true;
	}
	one = holder(run, FW_LANE_CLASS, addr_be);
	if (one)
		*ret = one->class;
	return !holder(run, FW_LANE_BLOCKED, addr_be);
}

/* An IPv6 source is its /64. */
static void source_of(const struct fw_feed_packet *p, __be32 ret[4])
{
	memcpy(ret, p->saddr, 16);
	if (p->family == 6)
		ret[2] = ret[3] = 0;
}

static void one(struct run *run, __u64 now_ns, const struct fw_feed_packet *p)
{
	struct fw_demand *d;
	__be32 source[4];
	unsigned int kind;

	if (!p->family)
		return;
	source_of(p, source);
	/* Of a host that is named, who answers is one whom it asked itself. */
	if (p->tcp && p->said == FW_FLOW_ANSWER && !run->opts->feed.hosts)
		fw_demands_server(run->demands, source);
	if (p->left_out)
		return;
	run->ret->packets++;
	if (is_syn(p))
		fw_window_add(&run->syn[service_of(run->opts->model, p)], FW_WINDOW_SHORT_NS,
			      now_ns, 1);
	d = fw_demands_find(run->demands, source);
	if (!d)
		return;
	if (!d->classed) {
		d->unlimited = !class_of(run, p->saddr, &d->class);
		d->classed = true;
	}
	fw_demand_add(d, FW_K_PACKETS, now_ns, 1);
	fw_demand_add(d, FW_K_BYTES, now_ns, p->len);
	kind = kind_of(p);
	if (kind < FW_K_MAX)
		fw_demand_add(d, kind, now_ns, 1);
}

static void read_all(struct run *run)
{
	struct fw_suggest *s = run->ret;
	struct fw_feed_packet p;
	__u64 now_ns = 0;

	while (fw_feed_next(run->feed, &p)) {
		if (!now_ns)
			s->begin_ns = p.line_ns;
		now_ns = p.line_ns;
		one(run, now_ns, &p);
	}
	s->end_ns = now_ns;
}

/* Two digits, upwards: 1234 becomes 1300. */
static __u64 round_up(double number)
{
	__u64 unit = 1, n = number < 1 ? 1 : (__u64)number + (number > (double)(__u64)number);

	while (n / unit >= 100)
		unit *= 10;
	return (n + unit - 1) / unit * unit;
}

static struct fw_rate propose(const struct fw_suggest_opts *o, double rate, double burst,
			      bool bytes, __u32 soft_pct)
{
	struct fw_rate r = { .count = round_up(rate * o->margin),
			     .per_s = 1,
			     .burst = round_up(burst * o->margin),
			     .soft_pct = soft_pct };
	__u64 least = fw_compile_burst(&(struct fw_rate){ .count = r.count, .per_s = 1 }, bytes,
				       o->tick_ns);
	struct fw_limit limit;

	if (bytes && least < FW_COMPILE_BYTES_MIN)
		least = FW_COMPILE_BYTES_MIN;
	if (r.burst < least)
		r.burst = round_up((double)least);
	/* Faster than any limit can be, or slower: then none is better than a wrong one. */
	if (fw_compile_limit(&r, bytes, o->tick_ns, &limit, NULL))
		r.count = 0;
	return r;
}

static int conclude(struct run *run, struct fw_err *err)
{
	const struct fw_suggest_opts *o = run->opts;
	struct fw_suggest *s = run->ret;
	int r = fw_demands_percentiles(run->demands, o->percentile, s);

	if (r)
		return fw_err_set(err, r, NULL, "out of memory");
	for (unsigned int c = 0; c < FW_CLASS_MAX; c++)
		for (unsigned int k = 0; k < FW_K_MAX; k++) {
			struct fw_suggest_limit *l = &s->limit[c][k];

			if (l->sources)
				l->proposed = propose(o, l->rate, l->burst, fw_model_kind_bytes(k),
						      o->model->class[c].rate[k].soft_pct);
		}
	for (unsigned int i = 0; i < FW_SERVICE_MAX; i++) {
		s->syn_most[i] = run->syn[i].most;
		if (s->syn_most[i])
			s->syn[i] = propose(o, (double)s->syn_most[i], (double)s->syn_most[i],
					    false, 0);
	}
	return 0;
}

int fw_suggest_run(const struct fw_suggest_opts *opts, struct fw_suggest *ret, struct fw_err *err)
{
	struct run run = { .opts = opts, .ret = ret };
	int r;

	*ret = (struct fw_suggest){ 0 };
	r = fw_feed_open(opts->path, opts->paths, &opts->feed, &run.feed, err);
	if (r)
		return r;
	run.demands = fw_demands_new();
	if (!run.demands) {
		r = fw_err_set(err, -ENOMEM, NULL, "out of memory");
		goto out;
	}
	for (size_t i = 0; opts->lanes && i < opts->lanes->count; i++)
		run.length[opts->lanes->at[i].lane][opts->lanes->at[i].len] = true;
	read_all(&run);
	ret->told = *fw_feed_told(run.feed);
	ret->files = *fw_feed_files(run.feed);
	r = conclude(&run, err);
out:
	fw_demands_free(run.demands);
	fw_feed_close(run.feed);
	return r;
}
