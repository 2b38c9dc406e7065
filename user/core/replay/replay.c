// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: a frame, what is declared about it, the judges, the tallies. Everything is opened
 * before the first frame runs, so what is wrong with files, policies or rights is said at once.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "user/core/replay/alone.h"
#include "user/core/replay/replay.h"
#include "user/core/replay/sockets.h"

#define OVERSIZE_RUN 3000U /* bytes that fit one buffer on every kernel */

struct run {
	const struct fw_replay_opts *opts;
	struct fw_replay *ret;
	struct fw_feed *feed;
	struct fw_alone *alone;
	struct fw_sockets *sockets;
	struct fw_judge judge[FW_REPLAY_POLICIES];
};

static __u64 wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * 1000000000 + (__u64)ts.tv_nsec;
}

/* With tables as an attach makes them; where there is no memory for these, with an eighth of it. */
static int open_judge(struct run *run, unsigned int i, struct fw_err *err)
{
	struct fw_judge_opts how = { .model = run->opts->policy[i].model,
				     .lanes = run->opts->policy[i].lanes,
				     .sizes = run->opts->sizes };
	int r = fw_judge_open(&how, &run->judge[i], err);

	if (r != -ENOMEM || how.sizes.sources4 || how.sizes.sources6)
		return r;
	how.sizes.sources4 = FW_SOURCES4_DEFAULT / 8;
	how.sizes.sources6 = FW_SOURCES6_DEFAULT / 8;
	run->ret->small = true;
	return fw_judge_open(&how, &run->judge[i], err);
}

static int open_judges(struct run *run, struct fw_err *err)
{
	int r = 0;

	for (unsigned int i = 0; i < run->opts->policies && !r; i++) {
		r = open_judge(run, i, err);
		if (r)
			return r;
		run->ret->text[i] = malloc(sizeof(*run->ret->text[i]));
		run->ret->tally[i] = calloc(1, sizeof(*run->ret->tally[i]));
		if (!run->ret->text[i] || !run->ret->tally[i])
			return fw_err_set(err, -ENOMEM, NULL, "out of memory");
		*run->ret->text[i] = *fw_judge_text(&run->judge[i]);
		r = fw_tally_init(run->ret->tally[i], fw_feed_told(run->feed)->speed);
	}
	if (!r && run->opts->policies > 1) {
		run->ret->differ = fw_tops_new();
		r = run->ret->differ ? 0 : -ENOMEM;
	}
	return r ? fw_err_set(err, r, NULL, "out of memory") : 0;
}

static int begin(struct run *run, struct fw_err *err)
{
	const struct fw_model *models[FW_REPLAY_POLICIES];
	struct fw_feed_opts feed = run->opts->feed;
	int r;

	feed.start_ns = FW_JUDGE_START_NS;
	r = fw_feed_open(run->opts->path, run->opts->paths, &feed, &run->feed, err);
	if (!r)
		r = open_judges(run, err);
	if (r)
		return r;
	for (unsigned int i = 0; i < run->opts->policies; i++)
		models[i] = run->opts->policy[i].model;
	/* It copies what it needs of the array, and borrows the models. */
	r = fw_alone_begin(models, run->opts->policies, &run->alone, &run->ret->cookies, err);
	if (r)
		return r;
	run->sockets = fw_sockets_new();
	return run->sockets ? 0 : fw_err_set(err, -ENOMEM, NULL, "out of memory");
}

/* Does the capture say that this packet's source is real? */
static bool has_proof(const struct fw_feed_packet *p)
{
	return p->tcp && (p->said == FW_FLOW_ANSWER || p->said == FW_FLOW_PROOF ||
			  p->said == FW_FLOW_ONE_WAY || p->said == FW_FLOW_OPEN);
}

static int judge(struct run *run, unsigned int i, const struct fw_feed_packet *p,
		 struct fw_judged *ret)
{
	struct fw_judge *j = &run->judge[i];
	int r;

	if (has_proof(p) && !fw_judge_prove(j, p->now_ns, p->saddr))
		run->ret->tally[i]->unplaced++;
	r = fw_judge_frame(j, p->now_ns, p->data, p->len, ret);
	if (r == -E2BIG && p->len > OVERSIZE_RUN) {
		run->ret->tally[i]->oversize++;
		r = fw_judge_frame(j, p->now_ns, p->data, OVERSIZE_RUN, ret);
	}
	return r;
}

static void compare(struct run *run, const struct fw_feed_packet *p,
		    const struct fw_judged judged[FW_REPLAY_POLICIES])
{
	/* From best to worst for whoever sent it. */
	static const int rank[FW_V_MAX] = { [FW_V_PASS] = 0, [FW_V_TX] = 1, [FW_V_DROP] = 2 };
	int a = rank[judged[0].verdict], b = rank[judged[1].verdict];
	struct fw_count *cell = &run->ret->both[judged[0].verdict][judged[1].verdict];
	struct fw_top *top;

	cell->packets++;
	cell->bytes += p->len;
	if (a == b || !p->family)
		return;
	top = fw_tops_add(run->ret->differ, p->saddr, p->len);
	top->count[a > b ? FW_DIFFERS_FIRST : FW_DIFFERS_SECOND]++;
	top->reason = (__u8)judged[a > b ? 0 : 1].reason;
}

/*
 * A proven source is over its limits: from here on the program asks the socket table whether its
 * packets are of its own connections, so those of which the capture knows must be there.
 */
static bool needs_socket(const struct fw_judged *j)
{
	return j->proven && j->verdict == FW_V_DROP &&
	       (j->reason == FW_R_DROP_SRC_PACKETS || j->reason == FW_R_DROP_SRC_BYTES ||
		j->reason == FW_R_DROP_NET48 || j->reason == FW_R_DROP_TRUSTED);
}

/* A SYN that a listener would have answered. */
static void note_unheard(struct fw_replay *ret, unsigned int i, const struct fw_feed_packet *p)
{
	if (!ret->unheard_port) {
		memcpy(ret->unheard_be, p->daddr, 16);
		ret->unheard_port = be16toh(p->dport);
	}
	ret->tally[i]->unheard++;
}

static int one(struct run *run, const struct fw_feed_packet *p, struct fw_err *err)
{
	struct fw_judged judged[FW_REPLAY_POLICIES];
	bool heard = true;
	int r;

	if (p->tcp && p->said == FW_FLOW_ANSWER)
		fw_alone_answered(run->alone, p->saddr, p->sport);
	if (p->left_out)
		return 0;
	if (p->tcp)
		heard = fw_alone_asked(run->alone, p->daddr, p->dport);
	for (unsigned int i = 0; i < run->opts->policies; i++) {
		r = judge(run, i, p, &judged[i]);
		if (r)
			return fw_err_set(err, r, NULL, "packet %llu of %u bytes cannot be run: %s",
					  (unsigned long long)p->index, p->len, strerror(-r));
		if (!heard && judged[i].reason == FW_R_DROP_COOKIE_OVER)
			note_unheard(run->ret, i, p);
		if (needs_socket(&judged[i]) && p->tcp && p->said == FW_FLOW_OPEN)
			(void)fw_sockets_open(run->sockets, p->daddr, p->dport, p->saddr, p->sport);
		fw_tally_add(run->ret->tally[i], &run->judge[i], p, &judged[i]);
	}
	if (run->opts->policies > 1)
		compare(run, p, judged);
	if (!run->opts->each)
		return 0;
	r = run->opts->each(run->opts->arg, p, &judged[0], run->ret->text[0]);
	return r ? fw_err_set(err, r, NULL, "cannot print the packets: %s", strerror(-r)) : 0;
}

static int loop(struct run *run, struct fw_err *err)
{
	__u64 begun = wall_ns();
	struct fw_feed_packet p = { 0 };
	int r = 0;

	while (!r && fw_feed_next(run->feed, &p))
		r = one(run, &p, err);
	run->ret->run_ns = wall_ns() - begun;
	if (r)
		return r;
	for (unsigned int i = 0; i < run->opts->policies && p.now_ns; i++)
		fw_tally_end(run->ret->tally[i], &run->judge[i], p.now_ns);
	return 0;
}

/* The program counts by itself; it must have counted what we did. */
static int check(struct run *run, struct fw_err *err)
{
	struct fw_count *counts = calloc(FW_COUNT_SVC_SLOTS, sizeof(*counts));
	int r = 0;

	if (!counts)
		return fw_err_set(err, -ENOMEM, NULL, "out of memory");
	for (unsigned int i = 0; i < run->opts->policies && !r; i++) {
		const struct fw_maps *maps = &run->judge[i].maps;
		__u64 sum = 0;

		r = fw_maps_sum(maps, maps->count_svc_fd, FW_COUNT_SVC_SLOTS, 2, (__u64 *)counts);
		for (unsigned int s = 0; s < FW_COUNT_SVC_SLOTS && !r; s++)
			sum += counts[s].packets;
		if (!r && sum != run->ret->tally[i]->packets)
			r = fw_err_set(err, -EIO, "this is a bug, report it",
				       "the program counted %llu packets of %llu",
				       (unsigned long long)sum,
				       (unsigned long long)run->ret->tally[i]->packets);
	}
	free(counts);
	return r;
}

int fw_replay_run(const struct fw_replay_opts *opts, struct fw_replay *ret, struct fw_err *err)
{
	struct run run = { .opts = opts, .ret = ret };
	int r = begin(&run, err);

	if (!r)
		r = loop(&run, err);
	if (!r)
		r = check(&run, err);
	if (!r) {
		ret->told = *fw_feed_told(run.feed);
		ret->files = *fw_feed_files(run.feed);
		ret->unheard_ports = fw_alone_failed(run.alone);
	}
	fw_sockets_free(run.sockets);
	fw_alone_end(run.alone);
	for (unsigned int i = 0; i < FW_REPLAY_POLICIES; i++)
		fw_judge_close(&run.judge[i]);
	fw_feed_close(run.feed);
	return r;
}

void fw_replay_free(struct fw_replay *replay)
{
	for (unsigned int i = 0; i < FW_REPLAY_POLICIES; i++) {
		if (replay->tally[i])
			fw_tally_free(replay->tally[i]);
		free(replay->tally[i]);
		free(replay->text[i]);
	}
	fw_tops_free(replay->differ);
	*replay = (struct fw_replay){ 0 };
}
