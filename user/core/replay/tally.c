// SPDX-License-Identifier: GPL-2.0-only
/*
 * Levels: the program's stored state is asked after each packet of a service, and of all services
 * a few times a second. A service that relaxed in silence did so at a time that follows from the
 * state, which is earlier than the look.
 */
#include <errno.h>
#include <string.h>
#include "user/core/replay/tally.h"

#define LOOK_NS (1ULL << 28) /* 0.27 s of program time between two looks at all services */

int fw_tally_init(struct fw_replay_tally *ret, double speed)
{
	memset(ret, 0, sizeof(*ret));
	ret->bin_ns = FW_TALLY_BIN_NS;
	ret->speed = speed;
	ret->tops = fw_tops_new();
	return ret->tops ? 0 : -ENOMEM;
}

void fw_tally_free(struct fw_replay_tally *t)
{
	fw_tops_free(t->tops);
	t->tops = NULL;
}

static void count(struct fw_count *c, __u32 len)
{
	c->packets++;
	c->bytes += len;
}

static void change(struct fw_replay_tally *t, __u64 at_ns, unsigned int service, __u32 level)
{
	t->level[service] = (__u8)level;
	if (t->changes++ >= FW_TALLY_CHANGES)
		return;
	t->change[t->changes - 1] = (struct fw_tally_change){ .at_ns = at_ns,
							      .service = (__u8)service,
							      .level = (__u8)level };
}

/* A moment of program time, as the capture's clock was then; at_ns belongs to now_ns. */
static __u64 back(const struct fw_replay_tally *t, __u64 at_ns, __u64 now_ns, __u64 then_ns)
{
	__u64 ago = now_ns > then_ns ? now_ns - then_ns : 0;

	ago = (__u64)((double)ago * t->speed);
	return at_ns > ago ? at_ns - ago : 0;
}

static void look(struct fw_replay_tally *t, const struct fw_judge *judge, unsigned int service,
		 __u64 at_ns, __u64 now_ns)
{
	__u32 level = fw_judge_level(judge, service, now_ns), was = t->level[service];
	__u64 over_ns = judge->maps.level[service].over_ns;

	if (level == was)
		return;
	if (level > was) {
		change(t, at_ns, service, level);
		return;
	}
	if (was == FW_LEVEL_SIEGE)
		change(t, back(t, at_ns, now_ns, over_ns + FW_LEVEL_RELAX_NS), service,
		       FW_LEVEL_GUARDED);
	if (level == FW_LEVEL_CALM)
		change(t, back(t, at_ns, now_ns, over_ns + FW_LEVEL_CALM_NS), service,
		       FW_LEVEL_CALM);
}

static void look_at_all(struct fw_replay_tally *t, const struct fw_judge *judge, __u64 at_ns,
			__u64 now_ns)
{
	const struct fw_policy_text *text = fw_judge_text(judge);

	t->looked_ns = now_ns;
	for (unsigned int s = 0; s < FW_SERVICE_MAX; s++)
		if (*text->service_name[s])
			look(t, judge, s, at_ns, now_ns);
}

/* Twice as wide bins, until at_ns lies in one. */
static unsigned int bin_of(struct fw_replay_tally *t, __u64 at_ns)
{
	while ((at_ns - t->begin_ns) / t->bin_ns >= FW_TALLY_BINS) {
		for (unsigned int i = 0; i < FW_TALLY_BINS; i++)
			for (int v = 0; v < FW_V_MAX; v++) {
				__u64 packets = t->bin[i][v];

				t->bin[i][v] = 0;
				t->bin[i / 2][v] += packets;
			}
		t->bin_ns *= 2;
	}
	return (unsigned int)((at_ns - t->begin_ns) / t->bin_ns);
}

static void count_time(struct fw_replay_tally *t, __u64 line_ns, enum fw_verdict verdict)
{
	unsigned int bin;

	if (!t->packets)
		t->begin_ns = line_ns;
	t->end_ns = line_ns;
	bin = bin_of(t, t->end_ns);
	t->bin[bin][verdict]++;
	t->bins = (unsigned int)((t->end_ns - t->begin_ns) / t->bin_ns) + 1;
}

static void count_known(struct fw_replay_tally *t, const struct fw_feed_packet *p,
			const struct fw_judged *j)
{
	t->proven += j->proven;
	if (!p->tcp || p->said != FW_FLOW_UNKNOWN)
		return;
	t->midstream++;
	t->midstream_lost += j->verdict == FW_V_DROP;
}

static void count_source(struct fw_replay_tally *t, const struct fw_feed_packet *p,
			 const struct fw_judged *j)
{
	struct fw_top *top = fw_tops_add(t->tops, p->saddr, p->len);

	top->count[FW_TOP_DROPPED] += j->verdict == FW_V_DROP;
	top->count[FW_TOP_ANSWERED] += j->verdict == FW_V_TX;
	if (j->verdict == FW_V_DROP)
		top->reason = (__u8)j->reason;
}

void fw_tally_add(struct fw_replay_tally *t, const struct fw_judge *judge,
		  const struct fw_feed_packet *p, const struct fw_judged *j)
{
	count_time(t, p->line_ns, j->verdict);
	t->packets++;
	t->bytes += p->len;
	count(&t->verdict[j->verdict], p->len);
	if (!t->reason[j->reason].packets)
		t->first_ns[j->reason] = p->line_ns;
	count(&t->reason[j->reason], p->len);
	count(&t->service[j->service][j->verdict], p->len);
	count(&t->service_reason[j->service][j->reason], p->len);
	count(&t->class[j->class][j->verdict], p -> len);
	if (j->soft)
		count(&t->soft, p->len);
	count_known(t, p, j);
	if (p->family)
		count_source(t, p, j);
	look(t, judge, j->service, t->end_ns, p->now_ns);
	if (p->now_ns - t->looked_ns >= LOOK_NS)
		look_at_all(t, judge, t->end_ns, p->now_ns);
}

void fw_tally_end(struct fw_replay_tally *t, const struct fw_judge *judge, __u64 now_ns)
{
	look_at_all(t, judge, t->end_ns, now_ns);
}

__u32 fw_tally_level(const struct fw_replay_tally *t, unsigned int bin)
{
	__u64 from = t->begin_ns + bin * t->bin_ns, to = from + t->bin_ns;
	__u8 level[FW_SERVICE_MAX] = { 0 };
	__u32 worst = 0;

	/* Changes of different services may be out of order by a look; of one they are in order. */
	for (unsigned int i = 0; i < t->changes && i < FW_TALLY_CHANGES; i++) {
		const struct fw_tally_change *c = &t->change[i];

		if (c->at_ns >= to)
			continue;
		if (c->at_ns >= from && c->level > worst)
			worst = c->level;
		level[c->service] = c->at_ns < from ? c->level : level[c->service];
	}
	for (unsigned int s = 0; s < FW_SERVICE_MAX; s++)
		worst = level[s] > worst ? level[s] : worst;
	return worst;
}

struct fw_count fw_tally_sum(const struct fw_count verdict[FW_V_MAX])
{
	struct fw_count sum = { 0, 0 };

	for (int v = 0; v < FW_V_MAX; v++) {
		sum.packets += verdict[v].packets;
		sum.bytes += verdict[v].bytes;
	}
	return sum;
}
