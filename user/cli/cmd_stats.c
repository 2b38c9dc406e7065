// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats: what was counted, in total or by reason, service, class or CPU, and per second when there
 * is a reading before (--watch, --rate). JSON always holds everything, zeros too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <jansson.h>
#include "user/cli/cli.h"
#include "user/cli/stats.h"

static const char *const by_words[] = { "reason", "service", "class", "cpu" };

static int read_by(struct fw_cli *cli, enum fw_stats_by *ret)
{
	const char *text = fw_cli_option(cli, "by");

	*ret = FW_STATS_BY_REASON;
	for (size_t i = 0; text && i < sizeof(by_words) / sizeof(*by_words); i++)
		if (!strcmp(text, by_words[i])) {
			*ret = (enum fw_stats_by)i;
			return 0;
		}
	if (text)
		return fw_cli_usage(cli, "no --by %.40s; say reason, service, class or cpu", text);
	return 0;
}

static void forget(void *memory)
{
	fw_stats_free(memory);
	free(memory);
}

static struct fw_stats *read_now(struct fw_cli *cli)
{
	struct fw_stats *now = calloc(1, sizeof(*now));

	if (!now) {
		fw_err_set(&cli->err, -ENOMEM, NULL, "out of memory");
		return NULL;
	}
	if (fw_stats_read(cli->pins, now, &cli->err)) {
		free(now);
		return NULL;
	}
	return now;
}

/* What came since the reading before; NULL when there is none. */
static int difference(struct fw_cli *cli, const struct fw_stats *now, struct fw_stats **ret)
{
	struct fw_stats *since;
	int r;

	if (!cli->memory)
		return 0;
	since = calloc(1, sizeof(*since));
	r = since ? fw_stats_since(cli->memory, now, since) : -ENOMEM;
	if (r) {
		free(since);
		return fw_err_set(&cli->err, r, NULL, "out of memory");
	}
	*ret = since;
	return 0;
}

/* --rate: a first reading, and a second in between. */
static int sample(struct fw_cli *cli)
{
	const struct timespec second = { .tv_sec = 1 };

	if (!fw_cli_option(cli, "rate") || cli->memory)
		return 0;
	cli->memory = read_now(cli);
	cli->memory_free = forget;
	if (!cli->memory)
		return -EIO; /* the error is set */
	nanosleep(&second, NULL);
	return 0;
}

static int cmd_stats(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_stats *now = NULL, *since = NULL;
	enum fw_stats_by by;
	int r;

	(void)argc;
	(void)argv;
	r = read_by(cli, &by);
	if (!r)
		r = sample(cli);
	if (r)
		return r;
	now = read_now(cli);
	if (!now)
		return -EIO;
	r = difference(cli, now, &since);
	if (r)
		goto out;
	if (cli->json) {
		r = fw_cli_json(cli, fw_stats_json(now, since));
	} else {
		r = fw_stats_print(now, since, by, fw_cli_option(cli, "all"), stdout);
		if (r)
			fw_err_set(&cli->err, r, NULL, "cannot print: %s", strerror(-r));
	}
	if (!r && (cli->watch_s > 0)) {
		if (cli->memory)
			forget(cli->memory);
		cli->memory = now;
		cli->memory_free = forget;
		now = NULL;
	}
out:
	forget(since);
	forget(now);
	return r;
}

static const struct fw_cli_option options[] = {
	{ "by", 'b', "WHAT", "reason (default), service, class or cpu",
	  "reason service class cpu" },
	{ "rate", 'r', NULL, "watch for one second: what came per second", NULL },
	{ "all", 'a', NULL, "show what was never counted, too", NULL },
	{ NULL },
};

const struct fw_cli_command fw_cmd_stats[] = {
	{ .object = "stats",
	  .args = "",
	  .help = "packets and bytes passed, dropped and answered, and why",
	  .doc = "Every packet ends in exactly one reason, so the reasons sum to the packets seen. "
		 "WOULD: what monitor mode let pass that would have been dropped or answered. JSON "
		 "holds all of it whatever --by says.",
	  .options = options,
	  .flags = FW_CLI_WATCH,
	  .run = cmd_stats },
	{ .object = NULL },
};
