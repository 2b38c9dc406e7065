// SPDX-License-Identifier: GPL-2.0-only
/* replay: what a policy would have done to recorded traffic, said by the program itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/text.h"
#include "user/cli/replay.h"

#define TOP_DEFAULT 10
#define TOP_MAX	    1000
#define SPEED_MAX   1e9
#define SLOWEST	    0.001
#define OVER_MAX_S  (86400 * 366)

/* As all times are written, and also a part of a second. */
static int read_over(struct fw_cli *cli, const char *text, double *ret_s)
{
	__u32 s;

	if (!text || fw_text_duration(text, &s, NULL) || s > OVER_MAX_S)
		return fw_replay_number(cli, "over", SLOWEST, OVER_MAX_S, ret_s);
	*ret_s = s;
	return 0;
}

static int take_feed(struct fw_cli *cli, struct fw_feed_opts *ret)
{
	const char *over = fw_cli_option(cli, "over");
	double speed = 0, seconds = 0;
	int r;

	if (over && fw_cli_option(cli, "speed"))
		return fw_cli_usage(cli, "--speed and --over both say how fast: give one of them");
	r = fw_replay_number(cli, "speed", SLOWEST, SPEED_MAX, &speed);
	if (!r)
		r = read_over(cli, over, &seconds);
	if (!r)
		r = fw_replay_hosts(cli, ret);
	ret->speed = speed;
	ret->over_ns = (__u64)(seconds * 1e9);
	return r;
}

static int take_top(struct fw_cli *cli, unsigned int *ret)
{
	const char *text = fw_cli_option(cli, "top");
	__u64 n = TOP_DEFAULT;
	int r = text ? fw_text_number(text, &n, &cli->err) : 0;

	if (!r && n > TOP_MAX)
		r = fw_cli_usage(cli, "--top %.40s: at most %d sources", text, TOP_MAX);
	*ret = (unsigned int)n;
	return r;
}

void fw_replay_progress(void *arg, bool ahead, double part, __u64 packets)
{
	struct fw_progress *bar = arg;

	bar->what = ahead ? "measuring" : "reading";
	fw_progress_packets(bar, part, packets);
}

char *fw_replay_put_time(char *buf, size_t size, __u64 at_ns, bool date)
{
	char text[FW_CLOCK_LEN];
	const char *time;

	fw_clock_put(text, sizeof(text), at_ns);
	time = strchr(text, ' ') ? strchr(text, ' ') + 1 : text;
	/* "2024-06-09 22:00:01+02:00": milliseconds go before the zone. */
	snprintf(buf, size, "%.*s%.8s.%03u%s", date ? (int)(time - text) : 0, text, time,
		 (unsigned int)(at_ns / 1000000 % 1000), date ? time + 8 : "");
	return buf;
}

void fw_replay_warn(struct fw_cli *cli, char *const *path, const struct fw_feed_told *told,
		    const struct fw_capture_told *files, bool to_given)
{
	char addr[FW_TEXT_LEN];

	if (files->broken) {
		fw_cli_warn(cli, "%s cannot be read beyond packet %llu: %s", path[files->which],
			    (unsigned long long)files->after, files->why);
		cli->exit_code = FW_EXIT_DEGRADED;
	}
	if (files->broken > 1)
		fw_cli_warn(cli, "%u more captures cannot be read to their end", files->broken - 1);
	if (files->foreign)
		fw_cli_warn(cli,
			    "%llu packets of interfaces that carry no IP known here are left out",
			    (unsigned long long)files->foreign);
	if (told->answers && !to_given)
		fw_cli_warn(cli,
			    "the captures hold both directions, and what the server sent is judged "
			    "as if it had arrived; --to %s leaves that out",
			    fw_text_put_addr(addr, sizeof(addr), told->server));
	if (told->set_back)
		fw_cli_warn(cli,
			    "the captures' clock was set back %llu times by a second or more: time "
			    "goes on from there, ahead of their stamps",
			    (unsigned long long)told->set_back);
	if (told->blind)
		fw_cli_warn(cli,
			    "%llu packets were cut within their headers when captured, and are "
			    "judged with zeros there",
			    (unsigned long long)told->blind);
	if (told->forgotten)
		fw_cli_warn(
			cli,
			"%llu connections were forgotten for want of room: proof may be missing",
			(unsigned long long)told->forgotten);
}

static void warn(struct fw_cli *cli, char *const *path, const struct fw_replay *replay)
{
	const struct fw_replay_tally *second = replay->tally[1];
	__u64 unheard = replay->tally[0]->unheard;
	char addr[FW_TEXT_LEN];

	/* Of two policies one may be strict enough to ask for cookies, and the other not. */
	if (second && second->unheard > unheard)
		unheard = second->unheard;
	fw_replay_warn(cli, path, &replay->told, &replay->files, fw_cli_option(cli, "to"));
	if (unheard)
		fw_cli_warn(
			cli,
			"%llu SYNs over the budget went to where nobody is known to listen, so no "
			"cookie answered them; --service NAME=tcp/%u@%s says who does",
			(unsigned long long)unheard, replay->unheard_port,
			fw_text_put_addr(addr, sizeof(addr), replay->unheard_be));
	if (replay->small)
		fw_cli_warn(cli,
			    "there is not enough memory for tables as an attach makes them; these "
			    "hold an eighth of the sources");
	if (!replay->cookies)
		fw_cli_warn(cli,
			    "net.ipv4.tcp_syncookies cannot be set here: no cookies are given");
	if (replay->unheard_ports)
		fw_cli_warn(cli, "%u declared listeners could not be opened",
			    replay->unheard_ports);
}

/* What the command line asks for. */
struct wish {
	struct fw_replay_opts opts;
	struct fw_replay_source source[FW_REPLAY_POLICIES];
	unsigned int top;
};

static int show(struct fw_cli *cli, const struct fw_replay *replay, const struct wish *w)
{
	char *const *path = w->opts.path;
	unsigned int paths = w->opts.paths;

	if (fw_cli_option(cli, "each"))
		return fflush(stdout) ? fw_err_set(&cli->err, -EIO, NULL,
						   "cannot write to standard output")
				      : 0;
	if (w->opts.policies > 1)
		return cli->json ? fw_replay_compare_json(cli, replay, w->source, w->top)
				 : fw_replay_compare_print(replay, path, paths, w->source, w->top);
	if (cli->json)
		return fw_replay_json(cli, replay, path, paths, w->source, w->top);
	return fw_replay_print(replay, path, paths, w->source, w->top);
}

static int tell(struct fw_cli *cli, const struct fw_replay *replay, const struct wish *w)
{
	/* Lines of packets have no place for warnings; stderr has. */
	cli->json = cli->json && !fw_cli_option(cli, "each");
	warn(cli, w->opts.path, replay);
	return show(cli, replay, w);
}

static int take_policies(struct fw_cli *cli, int argc, char **argv, struct wish *w)
{
	const char *policy = fw_cli_option(cli, "policy"), *running = fw_cli_option(cli, "running");
	const char *compare = fw_cli_option(cli, "compare");
	int r = 0;

	if (!!policy + !!running + !!compare > 1)
		return fw_cli_usage(cli, "--policy, --running and --compare each say which policy: "
					 "give one of them");
	if (compare && fw_cli_option(cli, "each"))
		return fw_cli_usage(cli, "--each is for one policy");
	if (compare && argc < 3)
		return fw_cli_usage(cli, "--compare needs two policy files and a capture");
	w->opts.policies = compare ? 2 : 1;
	w->opts.path = compare ? argv + 2 : argv;
	w->opts.paths = (unsigned int)(compare ? argc - 2 : argc);
	for (unsigned int i = 0; i < w->opts.policies && !r; i++) {
		r = fw_replay_policy(cli, compare ? argv[i] : policy, running, &w->source[i]);
		w->opts.policy[i] =
			(struct fw_replay_policy){ w->source[i].model, &w->source[i].lanes };
	}
	return r;
}

static int cmd_replay(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_replay replay = { 0 };
	struct wish w = { 0 };
	struct fw_progress bar;
	int r = take_feed(cli, &w.opts.feed);

	if (!r)
		r = take_top(cli, &w.top);
	if (!r)
		r = take_policies(cli, argc, argv, &w);
	if (r)
		goto out;
	if (fw_cli_option(cli, "each"))
		w.opts.each = fw_replay_line;
	if (!w.opts.each || !isatty(STDOUT_FILENO)) /* lines of packets move by themselves */
		w.opts.feed.watch = (struct fw_capture_watch){ fw_replay_progress, &bar };
	fw_progress_begin(&bar, "");
	r = fw_replay_run(&w.opts, &replay, &cli->err);
	fw_progress_end(&bar);
	if (r == -EPIPE) /* the reader has enough */
		r = 0;
	else if (!r)
		r = tell(cli, &replay, &w);
out:
	fw_replay_free(&replay);
	for (unsigned int i = 0; i < FW_REPLAY_POLICIES; i++)
		fw_replay_policy_free(&w.source[i]);
	return r;
}
static const struct fw_cli_option replay_options[] = {
	{ "policy", 0, "FILE", "judge by this policy file instead of the default policy", "@file" },
	{ "running", 'r', NULL, "judge by the policy and prefixes that run now", NULL },
	{ "compare", 'c', NULL,
	  "by two policy files, named before the captures: who fares differently", NULL },
	{ "service", 's', "NAME=RULE...", "a service on top: web=tcp/80,443@192.0.2.1", "@none" },
	{ "to", 0, "ADDR...", "only what was sent to these addresses arrived; prefixes, too",
	  "@none" },
	{ "speed", 0, "N", "N times as fast as it was captured", "@none" },
	{ "over", 0, "SECONDS", "all of it within that time: 4, 0.5 or 10m", "@none" },
	{ "each", 'e', NULL, "each packet's verdict, one JSON object on a line", NULL },
	{ "top", 't', "N", "so many of the heaviest sources (10)", "@none" },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct fw_cli_command fw_cmd_replay[] = {
	{ .object = "replay",
	  .args = "[--compare FILE FILE] CAPTURE...",
	  .help = "what a policy would have done to recorded traffic",
	  .doc = "Runs the shipped program over captures (pcap, pcapng; Ethernet, Linux cooked, "
		 "raw IP; - is standard input), with the capture's own clock and tables of its "
		 "own: nothing on this machine is touched. What a capture cannot know is declared, "
		 "not guessed: a handshake seen in it counts as proof of its source, listeners are "
		 "those of the policy's services and those seen to answer.\n\n"
		 "  floodwall replay flood.pcap --service web=tcp/80,443@192.0.2.1\n"
		 "  floodwall replay night.pcapng --policy tomorrow.yaml --over 1 -j\n"
		 "  floodwall replay --compare today.yaml tomorrow.yaml night.pcapng",
	  .options = replay_options,
	  .min_args = 1,
	  .max_args = -1,
	  .run = cmd_replay,
	  .choices = "@file" },
	{ .object = NULL },
};
