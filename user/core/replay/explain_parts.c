// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which buckets count depends on how far the packet came: what ends before a stage is held to
 * nothing of it.
 */
#include <endian.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/text.h"
#include "user/core/replay/explain_parts.h"

#define TCP_SYN 0x02
#define TCP_ACK 0x10

static bool is_syn(const struct fw_explain_packet *p)
{
	return p->proto == IPPROTO_TCP && !p->fragment &&
	       (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static double debt(__u64 stamp, const struct fw_limit *limit, __u64 now_ns)
{
	struct fw_budget budget = { .tat = stamp };

	return fw_source_budget_debt(&budget, limit, now_ns);
}

/* The slot of the source's network, as crowd_take() of bpf/stage_crowd.h finds it. */
static const struct fw_crowd_net *net_of(const struct fw_judge *j, const __be32 addr_be[4])
{
	const __u64 *key = j->maps.meta->hash_key;
	__u64 high = (__u64)be32toh(addr_be[0]) << 32 | be32toh(addr_be[1]);
	__u64 net = fw_text_is_ip4(addr_be) ? be32toh(addr_be[3]) >> 8 : high >> 16;

	return &j->maps.crowd_net[fw_hash6(net, key[2], key[1], key[3]) >>
				  (64 - FW_CROWD_NET_BITS)];
}

int explain_parts_read(struct fw_judge *j, const struct fw_explain_packet *p, __u64 now_ns,
		       struct explain_parts *ret, struct fw_err *err)
{
	const struct fw_policy *policy = fw_judge_policy(j);
	const struct fw_crowd_net *net = net_of(j, p->saddr_be);
	__u64 pace = 0;
	int r = fw_source_read(&j->maps, p->saddr_be, &ret->source, err);

	if (r)
		return r;
	for (int b = 0; b < FW_B_MAX; b++)
		ret->budget[b] =
			fw_source_budget_debt(&j->maps.budget[b], &policy->budget[b], now_ns);
	/* Every CPU's is the same before; the one that ran is ahead afterwards. */
	if (!fw_maps_latest(&j->maps, j->maps.pace_fd, &pace))
		ret->budget[FW_B_COOKIE] = debt(pace, &policy->budget[FW_B_COOKIE], now_ns);
	for (int s = 0; s < FW_SERVICE_MAX; s++)
		for (int c = 0; c < FW_C_MAX; c++) {
			const struct fw_service *service = &policy->service[s];

			ret->crowd[s][c] =
				debt(j->maps.crowd[s].tat[c], &service->crowd[c], now_ns);
			ret->net[s][c] = debt(net->tat[c], &service->net[c], now_ns);
		}
	return 0;
}

static void add(struct fw_explain *ret, const struct fw_rate *rate, bool bytes, double before,
		double after, const char *name)
{
	struct fw_explain_bucket *b = &ret->bucket[ret->buckets];

	if (ret->buckets == FW_EXPLAIN_BUCKETS)
		return;
	*b = (struct fw_explain_bucket){ .bytes = bytes, .before = before, .after = after };
	b->rate = *rate;
	snprintf(b->name, sizeof(b->name), "%s", name);
	ret->buckets++;
}

/* Does a packet like this one count for a kind of limit? */
static bool counts(const struct fw_explain_packet *p, unsigned int kind)
{
	switch (kind) {
	case FW_K_PACKETS:
	case FW_K_BYTES:
		return true;
	case FW_K_SYN:
		return is_syn(p);
	case FW_K_FRAG:
		return p->fragment;
	case FW_K_UDP:
		return p->proto == IPPROTO_UDP && !p->fragment;
	case FW_K_ICMP:
		return (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) && !p->fragment;
	default:
		return false;
	}
}

static void list_source(const struct fw_policy_text *text, const struct fw_explain_packet *p,
			const struct explain_parts *before, const struct explain_parts *after,
			struct fw_explain *ret)
{
	const struct fw_rate *rates = text->class_rate[ret->judged.class];
	char name[40];

	for (unsigned int k = 0; k < FW_K_MAX; k++) {
		struct fw_rate net = rates[k];

		if (!counts(p, k))
			continue;
		snprintf(name, sizeof(name), "source: %s", fw_model_kind_name(k));
		add(ret, &rates[k], fw_model_kind_bytes(k), before->source.own.bucket[k].debt,
		    after->source.own.bucket[k].debt, name);
		if (before->source.family != 6)
			continue;
		net.count *= text->net48_factor;
		net.burst *= text->net48_factor;
		snprintf(name, sizeof(name), "its /48: %s", fw_model_kind_name(k));
		add(ret, &net, fw_model_kind_bytes(k), before->source.net48.bucket[k].debt,
		    after->source.net48.bucket[k].debt, name);
	}
}

static void list_budget(const struct fw_policy_text *text, unsigned int budget,
			const struct explain_parts *before, const struct explain_parts *after,
			struct fw_explain *ret)
{
	char name[40];

	snprintf(name, sizeof(name), "budget: %s", fw_model_budget_name(budget));
	add(ret, &text->budget_rate[budget], false, before->budget[budget], after->budget[budget],
	    name);
}

static void list_crowd(const struct fw_policy_text *text, const struct fw_explain_packet *p,
		       const struct explain_parts *before, const struct explain_parts *after,
		       struct fw_explain *ret)
{
	__u8 s = ret->judged.service;
	char name[40];

	for (unsigned int c = 0; c < FW_C_MAX; c++) {
		if (c == FW_C_SYN && !is_syn(p))
			continue;
		snprintf(name, sizeof(name), "crowd of %.15s: %s", ret->service,
			 fw_model_crowd_name(c));
		add(ret, &text->crowd_rate[s][c], fw_model_crowd_bytes(c), before->crowd[s][c],
		    after->crowd[s][c], name);
		snprintf(name, sizeof(name), "its %s: %s",
			 before->source.family == 6 ? "/48" : "/24", fw_model_crowd_name(c));
		add(ret, &text->net_rate[s][c], fw_model_crowd_bytes(c), before->net[s][c],
		    after->net[s][c], name);
	}
}

void explain_parts_list(const struct fw_judge *j, const struct fw_explain_packet *p,
			const struct explain_parts *before, const struct explain_parts *after,
			struct fw_explain *ret)
{
	const struct fw_policy_text *text = fw_judge_text(j);
	bool strangers = !before->source.own.proven && !ret->judged.trusted;
	unsigned int newcomers = before->source.family == 6 ? FW_B_NEW6 : FW_B_NEW4;

	for (unsigned int b = 0; b < FW_B_MAX; b++)
		if (ret->stage < FW_EXPLAIN_SOURCE && after->budget[b] > before->budget[b])
			list_budget(text, b, before, after, ret);
	if (ret->stage < FW_EXPLAIN_SOURCE)
		return;
	if (!before->source.own.known && !ret->judged.trusted)
		list_budget(text, newcomers, before, after, ret);
	list_source(text, p, before, after, ret);
	if (ret->judged.trusted)
		list_budget(text, FW_B_TRUSTED, before, after, ret);
	if (ret->stage == FW_EXPLAIN_CROWD && strangers)
		list_crowd(text, p, before, after, ret);
	if (ret->stage == FW_EXPLAIN_CROWD && is_syn(p) && ret->judged.verdict != FW_V_PASS)
		list_budget(text, FW_B_COOKIE, before, after, ret);
	if (after->budget[FW_B_SOCKET] > before->budget[FW_B_SOCKET])
		list_budget(text, FW_B_SOCKET, before, after, ret);
}
